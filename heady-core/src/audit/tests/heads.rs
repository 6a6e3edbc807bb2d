//! Heads that are no row of their chain: nobody continues them, nobody signs them, and they stop nobody.

use super::super::queries;
use super::tampering::Log;
use super::*;
use crate::store::args;

on_both_databases!(
    a_head_that_is_no_row_stops_nobody_and_is_not_continued,
    a_chain_whose_head_is_gone_is_not_continued,
    a_head_without_rows_is_not_signed,
);

/// What somebody made of the first chain's head, which is its tenth row.
fn changes() -> [Sql; 6] {
    [
        ("seq = 9223372036854775807", "seq = 9223372036854775807"),
        ("seq = 15", "seq = 15"),
        ("seq = -1", "seq = -1"),
        ("seq = 0", "seq = 0"),
        ("hash = x'00'", "hash = 'x'"),
        ("seq = 'ten'", "hash = sha256('ten')"),
    ]
    .map(|(sqlite, postgres)| {
        Sql::of(sqlite, postgres)
            .map(|change| format!("UPDATE audit_heads SET {change} WHERE chain_id = '0.0'"))
    })
}

/// The chains and how many rows they have.
async fn chains(store: &Store) -> Vec<(String, i64)> {
    let sql = "SELECT chain_id, count(*) AS n FROM audit_logs GROUP BY chain_id ORDER BY chain_id";
    let rows = store.fetch_all(sql, vec![]).await.unwrap();
    let chain = |row: &Row| (row.get("chain_id").unwrap(), row.get("n").unwrap());
    rows.iter().map(chain).collect()
}

async fn a_head_that_is_no_row_stops_nobody_and_is_not_continued(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    let [row] = &log
        .store
        .fetch_all("SELECT * FROM audit_heads", vec![])
        .await
        .unwrap()[..]
    else {
        panic!("there is one head");
    };
    let hash: Vec<u8> = row.get("hash").unwrap();
    for change in changes() {
        execute(&log.store, vec![change.clone()]).await;
        let before = chains(&log.store).await;
        // Neither the engine that knows better nor one that only has the database continues that chain.
        for store in [log.store.clone(), fresh.open().await] {
            append_alone(&store, 2).await;
        }
        let after = chains(&log.store).await;
        assert_eq!((&after[0], after[0].1), (&before[0], 10), "{change:?}");
        let rows = |chains: &[(String, i64)]| chains.iter().map(|(_, rows)| rows).sum::<i64>();
        assert_eq!(rows(&after), rows(&before) + 4, "{change:?}");
        let fault = log.verify(VerifyAudit::default()).await.first_fault;
        assert!(fault.is_some(), "{change:?}");
        let hash = hash.clone();
        log.store
            .write(move |transaction| {
                Box::pin(async move {
                    let text = "UPDATE audit_heads SET seq = 10, hash = $1 WHERE chain_id = '0.0'";
                    transaction.execute(text, args![hash]).await
                })
            })
            .await
            .unwrap();
        let report = log.verify(VerifyAudit::default()).await;
        assert_eq!(report.first_fault, None, "{change:?}");
    }
}

async fn a_chain_whose_head_is_gone_is_not_continued(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    log.tamper(&["DELETE FROM audit_heads"]).await;
    append_alone(&fresh.open().await, 2).await;
    let chains = chains(&log.store).await;
    assert_eq!(chains, [("0.0".to_owned(), 10), ("1.0".to_owned(), 2)]);
}

async fn a_head_without_rows_is_not_signed(fresh: Fresh) {
    let log = Log::of(&fresh).await;
    for seqs in [vec![5], vec![i64::MAX, i64::MAX]] {
        log.store
            .write(move |transaction| {
                Box::pin(async move {
                    for (place, seq) in seqs.into_iter().enumerate() {
                        let text = "INSERT INTO audit_heads VALUES ($1, $2, $3)";
                        let args = args![format!("9.{place}"), seq, vec![7_u8; 32]];
                        transaction.execute(text, args).await?;
                    }
                    Ok(())
                })
            })
            .await
            .unwrap();
        let error = log.audit.checkpoint().await.unwrap_err();
        assert_eq!(error.code(), "DATA_LOSS");
        assert!(error.message().contains("chain '9.0'"), "{error}");
        let report = log.verify(VerifyAudit::default()).await;
        let fault = report.first_fault.unwrap();
        let place = (fault.kind, fault.chain_id.as_deref());
        assert_eq!(place, (FaultKind::Truncated, Some("9.0")));
        // Whoever is responsible takes it away again, and the log is as it was.
        log.tamper(&["DELETE FROM audit_heads WHERE chain_id LIKE '9.%'"])
            .await;
        log.audit.checkpoint().await.unwrap();
        let report = log.verify(VerifyAudit::default()).await;
        assert_eq!(report.first_fault, None);
    }
    assert_eq!(queries::heads(&log.store).await.unwrap().len(), 1);
}
