//! What no engine would write: it is named, and withholds nothing else.

use super::super::key::{KeyPlace, KeyRing};
use super::super::queries;
use super::tampering::Log;
use super::*;
use crate::store::Dialect;

on_both_databases!(
    a_chain_without_a_name_is_found,
    a_row_that_cannot_be_read_is_named,
    a_row_without_a_place_is_named,
    a_checkpoint_that_was_changed_is_named,
    a_head_that_cannot_be_signed_is_named,
);

/// What makes the databases forget what they check.
const FORGET: Sqls = &[
    &["PRAGMA ignore_check_constraints = 1"],
    &["ALTER TABLE audit_logs ALTER chain_id DROP NOT NULL, ALTER seq DROP NOT NULL"],
];

/// Statements for SQLite, and those for PostgreSQL.
type Sqls = &'static [&'static [&'static str]; 2];

fn of_dialect<T: Copy>(log: &Log, both: &[T; 2]) -> T {
    match log.store.dialect() {
        Dialect::Sqlite => both[0],
        #[cfg(feature = "postgres")]
        Dialect::Postgres => both[1],
    }
}

async fn tamper(log: &Log, statements: Sqls) {
    log.tamper(of_dialect(log, FORGET)).await;
    log.tamper(of_dialect(log, statements)).await;
}

/// The fault that a verifier names who trusts the key that signed, in the database and in an export of it.
async fn faults(log: &Log) -> [AuditFault; 2] {
    let with = VerifyAudit {
        public_keys: Some(vec![log.checkpoint.public_key.clone()]),
        checkpoints: None,
    };
    let reports = [
        log.verify(with.clone()).await,
        log.verify_export(with).await,
    ];
    reports.map(|report| report.first_fault.expect("it is broken"))
}

/// Every entry that can be listed, and what is said of the others.
async fn listed(log: &Log) -> (Vec<AuditEntry>, Vec<crate::Error>) {
    let (mut entries, mut errors, mut cursor) = (vec![], vec![], None);
    loop {
        let query = AuditQuery {
            limit: Some(4),
            cursor,
            ..AuditQuery::default()
        };
        cursor = match log.audit.list(query).await {
            Ok(page) => {
                entries.extend(page.entries);
                page.next
            }
            Err(error) => {
                let next = error.details().and_then(|details| details.get("next"));
                let next = next.map(|next| next.as_str().unwrap().to_owned());
                errors.push(error);
                next
            }
        };
        if cursor.is_none() {
            return (entries, errors);
        }
    }
}

/// A copy of row 10 at another place.
macro_rules! copy {
    ($chain_id:literal, $seq:literal) => {
        concat!(
            "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, chain_id, seq, prev_hash,
                hash, details_commit, salt) SELECT '0191f0a0-0000-7000-8000-000000000000', actor, action, target, status,
                details, timestamp, ",
            $chain_id,
            ", ",
            $seq,
            ", prev_hash, hash, details_commit, salt FROM audit_logs WHERE seq = 10"
        )
    };
}

async fn a_chain_without_a_name_is_found(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    tamper(&log, &[&[copy!("''", "1")], &[copy!("''", "1")]]).await;
    for fault in faults(&log).await {
        assert_eq!(fault.chain_id.as_deref(), Some(""), "{fault:?}");
    }
    assert_eq!(listed(&log).await.0.len(), 11);
}

async fn a_row_that_cannot_be_read_is_named(fresh: Fresh) {
    let changes: &[Sqls] = &[
        &[
            &["UPDATE audit_logs SET timestamp = 'yesterday' WHERE seq = 4"],
            &["UPDATE audit_logs SET timestamp = 'infinity' WHERE seq = 4"],
        ],
        &[
            &["UPDATE audit_logs SET target = CAST(x'ff' AS TEXT) WHERE seq = 3"],
            &["UPDATE audit_logs SET timestamp = '-infinity' WHERE seq = 3"],
        ],
        &[
            &["UPDATE audit_logs SET details = '{' WHERE seq = 2"],
            &["UPDATE audit_logs SET timestamp = '294000-01-01 00:00:00Z' WHERE seq = 2"],
        ],
        &[
            &["UPDATE audit_logs SET id = CAST(id AS BLOB) WHERE seq = 1"],
            &["UPDATE audit_logs SET details = '1e400' WHERE seq = 1"],
        ],
    ];
    let log = Log::of(&fresh).await;
    for (changed, (change, seq)) in changes.iter().zip([4, 3, 2, 1]).enumerate() {
        tamper(&log, change).await;
        for fault in faults(&log).await {
            let place = (fault.kind, fault.seq, fault.chain_id.as_deref());
            assert_eq!(
                place,
                (FaultKind::Hash, Some(seq), Some("0.0")),
                "{fault:?}"
            );
        }
        let (entries, errors) = listed(&log).await;
        assert_eq!(
            (entries.len(), errors.len()),
            (9 - changed, changed + 1),
            "{errors:?}"
        );
        assert!(errors.iter().all(|error| error.code() == "DATA_LOSS"));
    }
    // The evidence is in the export.
    let export = log.audit.export(ExportAudit::default()).await.unwrap();
    let lines = export
        .ndjson
        .lines()
        .filter(|line| line.contains("unreadable"));
    let lines: Vec<serde_json::Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let seqs: Vec<_> = lines.iter().map(|line| &line["row"]["seq"]).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    assert!(
        lines.iter().all(|line| line["row"]["actor"] == "tester"),
        "{lines:?}"
    );
}

async fn a_row_without_a_place_is_named(fresh: Fresh) {
    let changes: &[Sqls] = &[
        &[&[copy!("'0.0'", "'abc'")], &[copy!("'0.0'", "NULL")]],
        &[&[copy!("x'30'", "1")], &[copy!("NULL", "1")]],
        &[
            &[copy!("CAST(x'300030' AS TEXT)", "1")],
            &[copy!("NULL", "NULL")],
        ],
        &[&[copy!("'0.0'", "-1e300")], &[copy!("'a:b c'", "1")]],
    ];
    for change in changes {
        let log = Log::of(&fresh).await;
        tamper(&log, change).await;
        let [stored, exported] = faults(&log).await;
        for fault in [&stored, &exported] {
            let kinds = [FaultKind::Hash, FaultKind::Head];
            assert!(kinds.contains(&fault.kind), "{fault:?}");
        }
        assert_eq!(
            (stored.chain_id, stored.seq),
            (exported.chain_id, exported.seq)
        );
        let export = log.audit.export(ExportAudit::default()).await.unwrap();
        assert!(
            export
                .ndjson
                .contains("0191f0a0-0000-7000-8000-000000000000")
        );
        let added = "DELETE FROM audit_logs WHERE id = '0191f0a0-0000-7000-8000-000000000000'";
        log.tamper(&[added]).await;
        let report = log.verify(VerifyAudit::default()).await;
        assert_eq!(report.first_fault, None);
        log.tamper(&[
            "DELETE FROM audit_logs",
            "DELETE FROM audit_heads",
            "DELETE FROM audit_checkpoints",
        ])
        .await;
    }
}

async fn a_checkpoint_that_was_changed_is_named(fresh: Fresh) {
    let same = |change: &'static str| [change, change];
    let changes: [[&'static str; 2]; 9] = [
        same("public_key = 'junk'"),
        ["created_at = 'yesterday'", "created_at = 'infinity'"],
        ["note = x'00'", "note = 'junk'"],
        ["id = x'00'", "rows = -1"],
        same("rows = 99999"),
        same("created_at = '2001-01-01T00:00:00.000000Z'"),
        // Another engine's, which signed none of it.
        same("public_key = 'OTHER'"),
        // An empty log's, and the one of the log that is verified.
        same("rows = 0"),
        same("note = replace(note, 'chain 0.0 6', 'chain 0.0 5')"),
    ];
    let ring = KeyRing::new(KeyPlace::Memory);
    let other = ring.private().await.unwrap().public().text();
    for change in changes {
        let log = Log::of(&fresh).await;
        log.tamper(of_dialect(&log, FORGET)).await;
        let change = of_dialect(&log, &change).replace("OTHER", &other);
        let change = format!("UPDATE audit_checkpoints SET {change}");
        execute(&log.store, vec![change.clone().into()]).await;
        // One who has a key, and one who believes the database.
        for audit in [&log.audit, &Audit::new(log.store.clone())] {
            let report = audit.verify(VerifyAudit::default()).await.unwrap();
            let fault = report.first_fault.expect("it is broken");
            assert_eq!(
                fault.kind,
                FaultKind::CheckpointSignature,
                "{change}: {fault:?}"
            );
        }
        log.verify_export(VerifyAudit::default()).await;
        if let Err(error) = log.audit.checkpoints(CheckpointQuery::default()).await {
            assert_eq!(error.code(), "DATA_LOSS", "{error}");
            assert!(error.message().contains("the checkpoint"), "{error}");
        }
        log.tamper(&[
            "DELETE FROM audit_logs",
            "DELETE FROM audit_heads",
            "DELETE FROM audit_checkpoints",
        ])
        .await;
    }
}

async fn a_head_that_cannot_be_signed_is_named(fresh: Fresh) {
    let changes: &[(Sqls, &str)] = &[
        (
            &[
                &["UPDATE audit_heads SET hash = x'00'"],
                &["UPDATE audit_heads SET hash = 'x'"],
            ],
            "chain '0.0'",
        ),
        (
            &[
                &[
                    "INSERT INTO audit_heads SELECT 'a' || char(10) || 'b', seq, hash FROM audit_heads",
                ],
                &["INSERT INTO audit_heads SELECT E'a\\nb', seq, hash FROM audit_heads"],
            ],
            "chain 'a\\nb'",
        ),
        (
            &[
                &["INSERT INTO audit_heads SELECT x'00', seq, hash FROM audit_heads"],
                &["INSERT INTO audit_heads SELECT 'a b', seq, hash FROM audit_heads"],
            ],
            "the head of a",
        ),
    ];
    for (change, named) in changes {
        let log = Log::of(&fresh).await;
        let before = queries::heads(&log.store).await.unwrap();
        assert_eq!(before.len(), 1);
        tamper(&log, change).await;
        let error = log.audit.checkpoint().await.unwrap_err();
        assert_eq!(error.code(), "DATA_LOSS");
        assert!(
            error.message().contains(named) || error.message().contains("chain 'a b'"),
            "{error}"
        );
        let report = log.verify(VerifyAudit::default()).await;
        let fault = report.first_fault.expect("it is broken");
        assert_eq!(fault.kind, FaultKind::Head, "{fault:?}");
        log.tamper(&[
            "DELETE FROM audit_logs",
            "DELETE FROM audit_heads",
            "DELETE FROM audit_checkpoints",
        ])
        .await;
    }
}
