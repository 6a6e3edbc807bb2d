//! Whatever somebody with every right on the database does to the log is found, and where.

use super::super::chain::{Rows, genesis};
use super::super::key::{KeyPlace, KeyRing};
use super::super::{note, queries};
use super::*;
use crate::store::{Continuation as _, Mark, Sql};

on_both_databases!(
    an_untouched_log_is_whole,
    an_edited_row_is_found,
    edited_details_are_found,
    a_deleted_row_is_a_gap,
    exchanged_rows_are_found,
    an_added_row_is_found,
    a_head_that_was_moved_back_stops_nobody,
    an_added_chain_is_found,
    a_cut_tail_is_known_to_the_head,
    a_cut_tail_is_known_to_checkpoints,
    a_cut_tail_is_known_outside,
    a_log_whose_checkpoints_are_gone_is_not_whole,
    what_was_kept_is_read_in_every_form,
    exchanged_lines_are_told_from_missing_ones,
    a_chain_written_anew_is_not_the_signed_one,
    a_forged_checkpoint_is_found,
    a_forged_head_is_found,
);

/// Ten rows, the first six of them under a checkpoint.
pub(super) struct Log {
    pub(super) store: Store,
    pub(super) audit: Audit,
    /// What was kept outside.
    pub(super) checkpoint: AuditCheckpoint,
}

impl Log {
    pub(super) async fn of(fresh: &Fresh) -> Self {
        let store = fresh.open().await;
        let folder = tempfile::tempdir().unwrap();
        let audit = Audit::new(store.clone()).with_key(folder.path().join("key"));
        append_alone(&store, 6).await;
        let checkpoint = audit.checkpoint().await.unwrap();
        append_alone(&store, 4).await;
        Self {
            store,
            audit,
            checkpoint,
        }
    }

    /// Changes the database behind the back of its triggers.
    pub(super) async fn tamper(&self, statements: &[&'static str]) {
        let mut texts = vec![];
        for (table, verbs) in [
            ("audit_logs", &["update", "delete"][..]),
            ("audit_heads", &["delete"]),
            ("audit_checkpoints", &["insert", "update", "delete"]),
        ] {
            for verb in verbs {
                texts.push(Sql::of(
                    format!("DROP TRIGGER IF EXISTS {table}_{verb}"),
                    format!("DROP TRIGGER IF EXISTS {table}_{verb} ON {table}"),
                ));
            }
        }
        texts.extend(statements.iter().map(|text| Sql::from(*text)));
        execute(&self.store, texts).await;
    }

    pub(super) async fn verify(&self, with: VerifyAudit) -> AuditReport {
        self.audit.verify(with).await.unwrap()
    }

    /// The same from an export, part by part.
    pub(super) async fn verify_export(&self, with: VerifyAudit) -> AuditReport {
        let (mut text, mut cursor) = (String::new(), None);
        loop {
            let part = self
                .audit
                .export(ExportAudit {
                    limit: Some(3),
                    cursor,
                })
                .await
                .unwrap();
            assert!(part.ndjson.lines().count() <= 3);
            text += &part.ndjson;
            cursor = part.next;
            if cursor.is_none() {
                break;
            }
        }
        verify_export(text.as_bytes(), with).unwrap()
    }

    async fn assert_fault(&self, kind: FaultKind, seq: i64) {
        let trusted = || VerifyAudit {
            public_keys: Some(vec![self.checkpoint.public_key.clone()]),
            checkpoints: None,
        };
        let mut reports = vec![
            self.verify(VerifyAudit::default()).await,
            self.verify(trusted()).await,
        ];
        // An export has no heads.
        if kind != FaultKind::Head {
            reports.push(self.verify_export(trusted()).await);
        }
        for report in reports {
            assert_at(&report, kind, seq);
        }
    }
}

fn assert_at(report: &AuditReport, kind: FaultKind, seq: i64) {
    let fault = report.first_fault.as_ref().expect("it is broken");
    assert!(!report.ok);
    assert_eq!((fault.kind, fault.seq), (kind, Some(seq)), "{report:#?}");
    assert!(fault.chain_id.is_some());
}

async fn an_untouched_log_is_whole(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["UPDATE audit_logs SET details = '{}', salt = NULL WHERE seq = 2"])
        .await;
    let with = VerifyAudit {
        public_keys: Some(vec![log.checkpoint.public_key.clone()]),
        checkpoints: Some(log.checkpoint.note.clone()),
    };
    let report = log.verify(with.clone()).await;
    let expected = AuditReport {
        ok: true,
        rows: 10,
        erased: 1,
        chains: 1,
        checkpoints: 1,
        unsigned: 4,
        public_keys: vec![log.checkpoint.public_key.clone()],
        keys_from: KeySource::Given,
        first_fault: None,
    };
    assert_eq!(report, expected);
    assert_eq!(log.verify_export(with).await, expected);
    let own = log.verify(VerifyAudit::default()).await;
    assert_eq!((own.ok, own.keys_from), (true, KeySource::Engine));
    let other = Audit::new(log.store.clone());
    let report = other.verify(VerifyAudit::default()).await.unwrap();
    // Beside a file another key would be made, but not by verifying.
    assert_eq!((report.ok, report.keys_from), (true, KeySource::Database));
    let report = log.verify_export(VerifyAudit::default()).await;
    assert_eq!((report.ok, report.keys_from), (true, KeySource::Database));
}

async fn an_edited_row_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["UPDATE audit_logs SET actor = 'nobody' WHERE seq = 4"])
        .await;
    log.assert_fault(FaultKind::Hash, 4).await;
    log.tamper(&["UPDATE audit_logs SET timestamp = '2020-01-01T00:00:00.000000Z' WHERE seq = 3"])
        .await;
    log.assert_fault(FaultKind::Hash, 3).await;
    log.tamper(&["UPDATE audit_logs SET policy_version = 1 WHERE seq = 2"])
        .await;
    log.assert_fault(FaultKind::Hash, 2).await;
    log.tamper(&["UPDATE audit_logs SET hash = 'none' WHERE seq = 1"])
        .await;
    log.assert_fault(FaultKind::Hash, 1).await;
}

async fn edited_details_are_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["UPDATE audit_logs SET details = '{\"why\": \"other\"}' WHERE seq = 4"])
        .await;
    log.assert_fault(FaultKind::Details, 4).await;
    log.tamper(&[
        "UPDATE audit_logs SET details = '{\"why\": \"other\"}', salt = NULL WHERE seq = 3",
    ])
    .await;
    log.assert_fault(FaultKind::Details, 3).await;
    log.tamper(&["UPDATE audit_logs SET details = '{}' WHERE seq = 2"])
        .await;
    log.assert_fault(FaultKind::Details, 2).await;
}

async fn a_deleted_row_is_a_gap(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["DELETE FROM audit_logs WHERE seq IN (8, 9)"])
        .await;
    log.assert_fault(FaultKind::Gap, 8).await;
    log.tamper(&["DELETE FROM audit_logs WHERE seq = 1"]).await;
    log.assert_fault(FaultKind::Gap, 1).await;
    // To close the gap does not help.
    let moved = |to: i64| {
        let from = to + 1;
        Sql::of(
            format!("UPDATE audit_logs SET seq = {to}, place = {to} WHERE seq = {from}"),
            format!("UPDATE audit_logs SET seq = {to} WHERE seq = {from}"),
        )
    };
    execute(&log.store, vec![moved(1), moved(2)]).await;
    log.assert_fault(FaultKind::Reorder, 1).await;
}

async fn exchanged_rows_are_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&[
        "UPDATE audit_logs SET seq = 100 WHERE seq = 4",
        "UPDATE audit_logs SET seq = 4 WHERE seq = 5",
        "UPDATE audit_logs SET seq = 5 WHERE seq = 100",
    ])
    .await;
    log.assert_fault(FaultKind::Reorder, 4).await;
}

const COPY: &str = "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, chain_id, seq, prev_hash,
    hash, details_commit, salt) SELECT '0191f0a0-0000-7000-8000-000000000000', actor, action, target, status, details,
    timestamp, chain_id, 11, prev_hash, hash, details_commit, salt FROM audit_logs WHERE seq = 10";

async fn an_added_row_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&[COPY]).await;
    log.assert_fault(FaultKind::Hash, 11).await;
    // One that is hashed as it should be, but not known to the head.
    let head = queries::head(&log.store, "0.0").await.unwrap().unwrap();
    let mark = Mark {
        seq: 10,
        digest: head.hash,
    };
    log.tamper(&["DELETE FROM audit_logs WHERE seq = 11"]).await;
    forge(&log, "0.0", mark, "UPDATE audit_heads SET seq = 10").await;
    log.assert_fault(FaultKind::Head, 11).await;
}

/// Appends a row that nobody of the engine's wrote, and undoes what that did to the head.
async fn forge(log: &Log, chain_id: &str, mark: Mark, undo: &'static str) {
    let (part, _) = Rows(vec![record("forged")]).after(chain_id, &mark).unwrap();
    let call = Call::default().with_part(part);
    let chain_id = chain_id.to_owned();
    log.store
        .write(move |transaction| {
            Box::pin(async move {
                assert_eq!(
                    queries::locked_head(transaction, &chain_id).await?,
                    Some(mark)
                );
                transaction.run(&call).await
            })
        })
        .await
        .unwrap();
    log.tamper(&[undo]).await;
}

async fn a_head_that_was_moved_back_stops_nobody(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&[
        "UPDATE audit_heads SET seq = 9, hash = (SELECT hash FROM audit_logs WHERE seq = 9)",
    ])
    .await;
    // Neither the engine that knows better nor one that only has the database continues that chain.
    for store in [log.store.clone(), fresh.open().await] {
        append_alone(&store, 2).await;
    }
    log.assert_fault(FaultKind::Head, 10).await;
    let others = "SELECT count(*) AS n FROM audit_logs WHERE chain_id <> '0.0'";
    let row = log.store.fetch_optional(others, vec![]).await.unwrap();
    assert_eq!(row.unwrap().get::<i64>("n").unwrap(), 4);
}

async fn an_added_chain_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let mark = Mark {
        seq: 0,
        digest: genesis("9.0"),
    };
    forge(
        &log,
        "9.0",
        mark,
        "DELETE FROM audit_heads WHERE chain_id = '9.0'",
    )
    .await;
    log.assert_fault(FaultKind::Head, 1).await;
}

async fn a_cut_tail_is_known_to_the_head(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["DELETE FROM audit_logs WHERE seq > 8"]).await;
    let report = log.verify(VerifyAudit::default()).await;
    assert_at(&report, FaultKind::Truncated, 9);
    log.tamper(&["DELETE FROM audit_logs"]).await;
    log.assert_fault(FaultKind::Truncated, 1).await;
}

async fn a_log_whose_checkpoints_are_gone_is_not_whole(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let trusted = VerifyAudit {
        public_keys: Some(vec![log.checkpoint.public_key.clone()]),
        checkpoints: None,
    };
    let steps: [&[&'static str]; 2] = [
        &["DELETE FROM audit_checkpoints"],
        &["DELETE FROM audit_logs", "UPDATE audit_heads SET seq = 0"],
    ];
    for statements in steps {
        log.tamper(statements).await;
        let reports = [
            log.verify(trusted.clone()).await,
            log.verify_export(trusted.clone()).await,
        ];
        for report in reports {
            let fault = report.first_fault.unwrap();
            assert_eq!(fault.kind, FaultKind::Unsigned, "{fault:?}");
        }
    }
    let nothing = verify_export(&b""[..], VerifyAudit::default()).unwrap_err();
    assert!(nothing.message().contains("no exported log"), "{nothing}");
}

async fn what_was_kept_is_read_in_every_form(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let AuditCheckpoint {
        note, public_key, ..
    } = &log.checkpoint;
    let as_json = serde_json::to_string(&log.checkpoint).unwrap();
    let page = log
        .audit
        .checkpoints(CheckpointQuery::default())
        .await
        .unwrap();
    let export = log.audit.export(ExportAudit::default()).await.unwrap();
    let kept = |text: &str| VerifyAudit {
        public_keys: None,
        checkpoints: Some(text.to_owned()),
    };
    for text in [
        format!("{note}\nkey {public_key}\n"),
        format!("[{as_json}]"),
        serde_json::to_string(&page).unwrap(),
        export.ndjson,
        as_json,
    ] {
        let report = log.verify(kept(&text)).await;
        assert_eq!((report.ok, report.checkpoints), (true, 1), "{text}");
        let report = log.verify_export(kept(&text)).await;
        assert_eq!((report.ok, report.checkpoints), (true, 1), "{text}");
    }
    for text in ["", "hello", "{}", "[1", &note.replace("time", "tame")] {
        let error = log.audit.verify(kept(text)).await.unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{text}: {error}");
        let error = verify_export(&b""[..], kept(text)).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{text}: {error}");
    }
}

async fn exchanged_lines_are_told_from_missing_ones(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let export = log.audit.export(ExportAudit::default()).await.unwrap();
    let lines: Vec<&str> = export.ndjson.lines().collect();
    let rows = lines.len() - 6;
    let verified = |lines: &[&str]| {
        let text = lines.join("\n") + "\n";
        verify_export(text.as_bytes(), VerifyAudit::default()).unwrap()
    };
    assert!(verified(&lines).ok);
    let mut exchanged = lines.clone();
    exchanged.swap(rows, rows + 3);
    let fault = verified(&exchanged).first_fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Reorder, "{fault:?}");
    let place = format!("stands in line {}", rows + 4);
    assert!(fault.message.contains(&place), "{fault:?}");
    let mut cut = lines;
    cut.remove(rows);
    let fault = verified(&cut).first_fault.unwrap();
    assert_eq!(fault.kind, FaultKind::Gap, "{fault:?}");
}

const CUT: [&str; 2] = [
    "DELETE FROM audit_logs WHERE seq > 5",
    "UPDATE audit_heads SET seq = 5, hash = (SELECT hash FROM audit_logs WHERE seq = 5)",
];

async fn a_cut_tail_is_known_to_checkpoints(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&CUT).await;
    log.assert_fault(FaultKind::Truncated, 6).await;
}

async fn a_cut_tail_is_known_outside(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&CUT).await;
    log.tamper(&["DELETE FROM audit_checkpoints"]).await;
    // Nobody here knows that rows are gone, but that none is signed.
    let report = log.verify(VerifyAudit::default()).await;
    let fault = report.first_fault.unwrap();
    assert_eq!((fault.kind, report.unsigned), (FaultKind::Unsigned, 5));
    let kept = VerifyAudit {
        public_keys: Some(vec![log.checkpoint.public_key.clone()]),
        checkpoints: Some(log.checkpoint.note.clone()),
    };
    for report in [
        log.verify(kept.clone()).await,
        log.verify_export(kept).await,
    ] {
        assert_at(&report, FaultKind::Truncated, 6);
    }
}

async fn a_chain_written_anew_is_not_the_signed_one(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&[
        "DELETE FROM audit_logs WHERE seq > 3",
        "UPDATE audit_heads SET seq = 3, hash = (SELECT hash FROM audit_logs WHERE seq = 3)",
    ])
    .await;
    // By the engine itself, opened anew: every hash is right.
    append_alone(&fresh.open().await, 7).await;
    log.assert_fault(FaultKind::Checkpoint, 6).await;
}

async fn a_forged_checkpoint_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let ring = KeyRing::new(KeyPlace::Memory);
    let key = ring.private().await.unwrap();
    let heads = queries::heads(&log.store).await.unwrap();
    let forged = AuditCheckpoint {
        id: crate::Id::new(),
        rows: 10,
        note: note::write(&heads, crate::types::now(), key).unwrap(),
        public_key: key.public().text(),
        created_at: crate::types::now(),
    };
    queries::add_checkpoint(&log.store, &forged).await.unwrap();
    let trusted = VerifyAudit {
        public_keys: Some(vec![log.checkpoint.public_key.clone()]),
        checkpoints: None,
    };
    for report in [
        log.verify(VerifyAudit::default()).await,
        log.verify(trusted.clone()).await,
        log.verify_export(trusted).await,
    ] {
        let fault = report.first_fault.unwrap();
        assert_eq!(fault.kind, FaultKind::CheckpointSignature, "{fault:?}");
        assert!(
            fault.message.contains("is not signed by a key"),
            "{fault:?}"
        );
    }
}

async fn a_forged_head_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["UPDATE audit_heads SET hash = (SELECT hash FROM audit_logs WHERE seq = 9)"])
        .await;
    log.assert_fault(FaultKind::Head, 10).await;
    log.tamper(&["DELETE FROM audit_heads"]).await;
    log.assert_fault(FaultKind::Head, 1).await;
}
