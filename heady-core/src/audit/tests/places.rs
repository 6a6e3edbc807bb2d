//! Rows of SQLite in places of others, and in places that no chain has.

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
