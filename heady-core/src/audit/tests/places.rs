//! Rows in places of others, and in places that no chain has.

use super::tampering::Log;
use super::*;

/// On SQLite a row's place and what it says of it are two things.
#[tokio::test]
async fn rows_that_stand_elsewhere_than_they_say_are_found() {
    for (change, kind, chain_id, seq) in [
        ("place = 11 WHERE seq = 4", FaultKind::Gap, "0.0", 4),
        ("place = 0 WHERE seq = 4", FaultKind::Reorder, "0.0", 4),
        ("seq = 7 WHERE seq = 4", FaultKind::Reorder, "0.0", 4),
        ("chain_id = '1.0' WHERE seq = 4", FaultKind::Hash, "1.0", 4),
        // Chains that no engine writes.
        ("place = -1 WHERE seq = 10", FaultKind::Head, "-1.0", 1),
        (
            "place = -9223372036854775808 WHERE seq = 10",
            FaultKind::Head,
            "-8388608.0",
            1,
        ),
        // In the places of another one, at the last that there is.
        (
            "place = 9223372036854775807, actor = 'nobody' WHERE seq = 10",
            FaultKind::Truncated,
            "0.0",
            10,
        ),
        (
            "chain_id = '3.0', seq = 5, place = (3 << 40) + 5 WHERE seq = 10",
            FaultKind::Truncated,
            "0.0",
            10,
        ),
    ] {
        let log = Log::of(&Fresh::sqlite()).await;
        log.tamper(&[]).await;
        let change = format!("UPDATE audit_logs SET {change}");
        execute(&log.store, vec![change.clone().into()]).await;
        let report = log.verify(VerifyAudit::default()).await;
        let fault = report.first_fault.unwrap_or_else(|| panic!("{change}"));
        let found = (fault.kind, fault.chain_id.as_deref(), fault.seq);
        assert_eq!(
            found,
            (kind, Some(chain_id), Some(seq)),
            "{change}: {fault:?}"
        );
        assert!(
            !log.verify_export(VerifyAudit::default()).await.ok,
            "{change}"
        );
        let export = log.audit.export(ExportAudit::default()).await.unwrap();
        assert_eq!(
            export.ndjson.lines().count(),
            11,
            "{change}: nothing is left out"
        );
    }
}

/// On PostgreSQL anybody who may insert rows can claim any place for them.
#[cfg(feature = "postgres")]
#[tokio::test]
async fn rows_before_all_places_are_found() {
    let log = Log::of(&Fresh::postgres().await).await;
    log.tamper(&[]).await;
    let insert = "INSERT INTO audit_logs (id, actor, action, target, status, timestamp, chain_id, seq, prev_hash, hash,
            details_commit, salt)
         SELECT '00000000-0000-0000-0000-000000000000', 'mallory', action, target, status, timestamp, chain_id,
            -9223372036854775808, prev_hash, hash, details_commit, salt FROM audit_logs WHERE seq = 4";
    execute(&log.store, vec![insert.into()]).await;
    let report = log.verify(VerifyAudit::default()).await;
    let fault = report.first_fault.unwrap();
    assert_eq!(
        (fault.kind, fault.seq),
        (FaultKind::Reorder, Some(i64::MIN)),
        "{fault:?}"
    );
    assert!(!log.verify_export(VerifyAudit::default()).await.ok);
    let export = log.audit.export(ExportAudit::default()).await.unwrap();
    assert!(export.ndjson.contains("mallory"));
    let first = ExportAudit {
        limit: Some(2),
        ..ExportAudit::default()
    };
    let first = log.audit.export(first).await.unwrap();
    let rest = ExportAudit {
        cursor: first.next,
        ..ExportAudit::default()
    };
    let rest = log.audit.export(rest).await.unwrap();
    assert_eq!(first.ndjson + &rest.ndjson, export.ndjson);
}
