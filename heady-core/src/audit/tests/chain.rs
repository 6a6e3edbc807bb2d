//! Whoever writes, in whatever order and however it ends: the chains hold.

use super::super::chain::{Fields, Salt, details_commit, genesis};
use super::*;
use crate::store::{Arg, Sql, time_text};
use crate::types::hex;
use proptest::prelude::{Just, Strategy as _};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use proptest::{collection, prop_oneof};

on_both_databases!(
    rows_continue_each_other,
    random_writers_never_fork_a_chain,
    a_crash_at_any_commit_leaves_chains,
    a_lost_answer_repeats_nothing,
    another_engine_is_noticed,
    a_transaction_finishes_what_it_began,
    the_database_refuses_changes,
);

#[tokio::test]
async fn a_connection_of_another_program_replaces_no_row() {
    let fresh = Fresh::sqlite();
    let store = fresh.open().await;
    append_alone(&store, 3).await;
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::new(store).with_key(folder.path().join("key"));
    audit.checkpoint().await.unwrap();
    // Without recursive triggers.
    let path = fresh.url.strip_prefix("sqlite:").unwrap();
    let other = rusqlite::Connection::open(path).unwrap();
    for text in [
        "UPDATE OR REPLACE audit_logs SET details = '{}', salt = NULL, place = 3 WHERE seq = 2",
        "INSERT OR REPLACE INTO audit_checkpoints SELECT id, 0, 'junk', public_key, created_at FROM audit_checkpoints",
        "UPDATE OR REPLACE audit_checkpoints SET note = 'junk'",
    ] {
        let error = other.execute(text, []).unwrap_err();
        assert!(
            error.to_string().contains("cannot be changed"),
            "{text}: {error}"
        );
    }
    let report = audit.verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((report.rows, report.first_fault), (3, None));
    // A row that was replaced is found, at least: in its own place, and in the one that SQLite gives it.
    for (place, kind) in [("place", FaultKind::Hash), ("NULL", FaultKind::Gap)] {
        let replace = format!(
            "INSERT OR REPLACE INTO audit_logs SELECT {place}, id, 'nobody', action, target, status, details, timestamp,
                chain_id, seq, prev_hash, hash, details_commit, salt, call_id, policy_version
             FROM audit_logs WHERE seq = 2"
        );
        other.execute(&replace, []).unwrap();
        let report = audit.verify(VerifyAudit::default()).await.unwrap();
        let fault = report.first_fault.unwrap();
        assert_eq!((fault.kind, fault.seq), (kind, Some(2)));
    }
}

/// Recomputes every chain, with nothing of the verifier's.
async fn assert_chained(store: &Store) -> Vec<(String, i64)> {
    let rows = store
        .fetch_all("SELECT * FROM audit_logs ORDER BY chain_id, seq", vec![])
        .await
        .unwrap();
    let mut heads: Vec<(String, i64)> = vec![];
    let mut last = [0; 32];
    for row in &rows {
        let chain_id: String = row.get("chain_id").unwrap();
        if heads.last().is_none_or(|(chain, _)| *chain != chain_id) {
            last = genesis(&chain_id);
            heads.push((chain_id, 0));
        }
        let head = heads.last_mut().unwrap();
        head.1 += 1;
        assert_eq!(row.get::<i64>("seq").unwrap(), head.1);
        let bytes = |name: &str| row.get::<Vec<u8>>(name).unwrap();
        assert_eq!(bytes("prev_hash"), last);
        let commit = bytes("details_commit");
        if let Some(salt) = row.get::<Option<Vec<u8>>>("salt").unwrap() {
            let salt: Salt = salt.try_into().unwrap();
            let details = row.get("details").unwrap();
            assert_eq!(commit, details_commit(&salt, &details).unwrap());
        }
        let text = |name: &str| row.get::<String>(name).unwrap();
        last = Fields {
            action: &text("action"),
            actor: &text("actor"),
            call_id: None,
            details_commit: &hex(&commit),
            id: &row.get("id").unwrap(),
            policy_version: None,
            status: &text("status"),
            target: &text("target"),
            timestamp: &time_text(row.get("timestamp").unwrap()),
        }
        .hash(&last)
        .unwrap();
        assert_eq!(bytes("hash"), last);
        let stored: i64 = store
            .fetch_all(
                "SELECT seq FROM audit_heads WHERE chain_id = $1",
                vec![head.0.clone().into()],
            )
            .await
            .unwrap()[0]
            .get("seq")
            .unwrap();
        assert!(stored >= head.1);
    }
    heads
}

async fn rows_continue_each_other(fresh: Fresh) {
    let store = fresh.open().await;
    let lane = Lane::<Appended>::new(store.clone());
    append_alone(&store, 3).await;
    let tasks: Vec<_> = (0..200)
        .map(|n| {
            let lane = lane.clone();
            tokio::spawn(async move { lane.submit(vec![record(&n.to_string())]).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    append_alone(&store, 2).await;
    let heads = assert_chained(&store).await;
    assert_eq!(heads.iter().map(|(_, rows)| rows).sum::<i64>(), 205);
    assert!(heads.len() <= 6, "{heads:?}");
    assert_eq!(store.seats().committed(), 205);
}

#[derive(Debug, Clone)]
enum Step {
    /// Through the group writer.
    Submit(usize),
    /// Through the group writer, refused.
    Refused,
    /// In a transaction.
    Write(usize),
    /// In a transaction that fails at its end.
    RolledBack(usize),
    /// In a transaction whose caller stops waiting.
    Abandoned(usize),
}

/// Carries out a step and returns how many rows it must have added.
async fn carry_out(store: Store, lane: Lane<Appended>, step: Step) -> usize {
    let records = |count| (0..count).map(|_| record("random")).collect::<Vec<_>>();
    let write = |count, fail| {
        let (store, records) = (store.clone(), records(count));
        async move {
            store
                .write(move |transaction| {
                    Box::pin(async move {
                        for record in records {
                            append(transaction, &[record]).await?;
                        }
                        if fail {
                            return Err(crate::Error::internal("as asked"));
                        }
                        Ok(())
                    })
                })
                .await
        }
    };
    match step {
        Step::Submit(count) => {
            lane.submit(records(count)).await.unwrap();
            count
        }
        Step::Refused => {
            lane.submit(vec![record("good"), record("bad")])
                .await
                .unwrap_err();
            0
        }
        Step::Write(count) => {
            write(count, false).await.unwrap();
            count
        }
        Step::RolledBack(count) => {
            write(count, true).await.unwrap_err();
            0
        }
        Step::Abandoned(count) => {
            tokio::spawn(write(count, false)).abort();
            0
        }
    }
}

async fn random_writers_never_fork_a_chain(fresh: Fresh) {
    let step = prop_oneof![
        4 => (1..20_usize).prop_map(Step::Submit),
        1 => Just(Step::Refused),
        2 => (1..4_usize).prop_map(Step::Write),
        1 => (1..4_usize).prop_map(Step::RolledBack),
        1 => (1..4_usize).prop_map(Step::Abandoned),
    ];
    let histories = collection::vec((0..3_usize, step), 1..60);
    let mut runner = TestRunner::default();
    let engines = [fresh.open().await, fresh.open().await, fresh.open().await];
    let lanes = [0, 1, 2].map(|n: usize| Lane::<Appended>::new(engines[n].clone()));
    let (mut written, mut late) = (0, 0);
    for _ in 0..8 {
        let history = histories.new_tree(&mut runner).unwrap().current();
        let abandoned: usize = history
            .iter()
            .map(|(_, step)| match step {
                Step::Abandoned(count) => *count,
                _ => 0,
            })
            .sum();
        let tasks: Vec<_> = history
            .clone()
            .into_iter()
            .map(|(n, step)| tokio::spawn(carry_out(engines[n].clone(), lanes[n].clone(), step)))
            .collect();
        let mut must = 0;
        for task in tasks {
            must += task.await.unwrap();
        }
        let heads = assert_chained(&engines[0]).await;
        let stored: i64 = heads.iter().map(|(_, rows)| rows).sum();
        let added = usize::try_from(stored).unwrap() - written;
        // An abandoned write is finished whole, or was never begun; late ones count for the next round.
        assert!(added >= must, "{history:#?}");
        late += abandoned;
        assert!(added <= must + late, "{history:#?}");
        written += added;
    }
}

async fn a_crash_at_any_commit_leaves_chains(fresh: Fresh) {
    let mut confirmed = 0;
    for moment in 0..12 {
        let store = fresh.open().await;
        let lane = Lane::<Appended>::new(store.clone());
        let crash = lane.crash_at(moment);
        let submitting = async {
            for n in 0..5 {
                lane.submit(vec![
                    record(&format!("moment {moment}")),
                    record(&n.to_string()),
                ])
                .await
                .unwrap();
                confirmed += 2;
            }
        };
        tokio::select! {
            () = crash => {}
            () = submitting => assert!(moment >= 10),
        }
        append_alone(&fresh.open().await, 1).await;
        confirmed += 1;
        let heads = assert_chained(&store).await;
        let rows: i64 = heads.iter().map(|(_, rows)| rows).sum();
        // What died between its commit and the answer is there, and nobody was told.
        assert!(rows >= confirmed && rows <= confirmed + 2 * (moment as i64 + 1));
    }
}

async fn a_lost_answer_repeats_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let call = Appended::call(&[vec![record("once"), record("too")]]).unwrap();
    for _ in 0..3 {
        store.call_again(&call).await.unwrap();
    }
    append_alone(&store, 1).await;
    let heads = assert_chained(&store).await;
    assert_eq!(heads, [("0.0".to_owned(), 3)]);
}

async fn a_transaction_finishes_what_it_began(fresh: Fresh) {
    let store = fresh.open().await;
    let call = |name| Appended::call(&[vec![record(name)]]).unwrap();
    let mut transaction = store.begin().await.unwrap();
    transaction.run(&call("first")).await.unwrap();
    transaction.finish(&call("last")).await.unwrap();
    append_alone(&store, 1).await;
    let heads = assert_chained(&store).await;
    assert_eq!(heads, [("0.0".to_owned(), 3)]);
}

async fn another_engine_is_noticed(fresh: Fresh) {
    let (one, two) = (fresh.open().await, fresh.open().await);
    let lanes = [&one, &two].map(|store| Lane::<Appended>::new(store.clone()));
    for round in 0..5 {
        for lane in &lanes {
            lane.submit(vec![record("alternating"), record("twice")])
                .await
                .unwrap();
        }
        append_alone(if round % 2 == 0 { &one } else { &two }, 1).await;
    }
    let heads = assert_chained(&one).await;
    assert_eq!(heads.iter().map(|(_, rows)| rows).sum::<i64>(), 25);
    assert_eq!(heads.len(), 2, "one of them has moved on: {heads:?}");
}

async fn the_database_refuses_changes(fresh: Fresh) {
    let store = fresh.open().await;
    append_alone(&store, 2).await;
    let refused = [
        "UPDATE audit_logs SET actor = 'somebody else'",
        "UPDATE audit_logs SET details = '{}'",
        "UPDATE audit_logs SET salt = NULL",
        "UPDATE audit_logs SET details = '{\"why\": \"forged\"}', salt = NULL",
        "UPDATE audit_logs SET details = '{}', salt = NULL, status = 'FAILED'",
        "UPDATE audit_logs SET details = '{}', salt = NULL, call_id = '0191f0a0-0000-7000-8000-000000000000'",
        "DELETE FROM audit_logs",
        "DELETE FROM audit_heads",
    ];
    let change = |text: Sql| {
        let store = store.clone();
        async move {
            store
                .write(|transaction| {
                    Box::pin(async move { transaction.execute(text, vec![]).await })
                })
                .await
        }
    };
    for text in refused {
        let error = change(text.into()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            crate::ErrorKind::FailedPrecondition,
            "{text}: {error}"
        );
        assert!(error.message().contains("an audit"), "{text}: {error}");
    }
    // What deletes without saying so.
    let replace = Sql::of(
        "INSERT OR REPLACE INTO audit_logs SELECT * FROM audit_logs",
        "TRUNCATE audit_logs",
    );
    let error = change(replace).await.unwrap_err();
    assert!(error.message().contains("cannot be deleted"), "{error}");
    let entries = Audit::new(store.clone())
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(entries.len(), 2);

    change("UPDATE audit_logs SET details = '{}', salt = NULL WHERE seq = 1".into())
        .await
        .unwrap();
    assert_chained(&store).await;
    let erased = store
        .fetch_all(
            "SELECT id FROM audit_logs WHERE salt IS NULL AND id = $1",
            vec![Arg::uuid(&entries[1].id)],
        )
        .await
        .unwrap();
    assert_eq!(erased.len(), 1);
}
