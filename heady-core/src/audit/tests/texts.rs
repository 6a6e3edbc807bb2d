//! Texts in a file of SQLite: bytes that are none, other spellings of a time, and what was erased.

use super::tampering::Log;
use super::*;

/// A time that sorts elsewhere hides its row from a list.
#[tokio::test]
async fn a_time_that_is_spelled_otherwise_is_found() {
    let fresh = Fresh::sqlite();
    let log = Log::of(&fresh).await;
    // The same instants, as a clock 14 hours ahead would show them, and with a blank, and with fewer digits.
    let changes = [
        "replace(strftime('%Y-%m-%dT%H:%M:%S', substr(timestamp, 1, 19), '+14 hours') || substr(timestamp, 20), 'Z', '+14:00')",
        "replace(timestamp, 'T', ' ')",
        "replace(timestamp, 'Z', '0Z')",
        "replace(timestamp, 'Z', 'z')",
    ];
    for (change, seq) in changes.iter().zip([8, 7, 6, 5]) {
        let change = format!("UPDATE audit_logs SET timestamp = {change} WHERE seq = {seq}");
        log.tamper(&[]).await;
        execute(&log.store, vec![change.clone().into()]).await;
        for report in [
            log.verify(VerifyAudit::default()).await,
            log.verify_export(VerifyAudit::default()).await,
        ] {
            let fault = report.first_fault.unwrap_or_else(|| panic!("{change}"));
            assert_eq!((fault.kind, fault.seq), (FaultKind::Hash, Some(seq)));
        }
    }
}

#[tokio::test]
async fn a_chain_whose_name_is_no_text_is_named() {
    for name in ["30ff", "ff", "302e30ff", "c3bc", "302e3000"] {
        let fresh = Fresh::sqlite();
        let log = Log::of(&fresh).await;
        // No trigger and no check is in the way of this.
        let added = format!(
            "INSERT INTO audit_logs (id, actor, action, target, status, details, timestamp, chain_id, seq, prev_hash,
                hash, details_commit, salt) SELECT '0191f0a0-0000-7000-8000-000000000000', actor, action, target, status,
                details, timestamp, CAST(x'{name}' AS TEXT), 1, prev_hash, hash, details_commit, salt
             FROM audit_logs WHERE seq = 1"
        );
        execute(&log.store, vec![added.into()]).await;
        for report in [
            log.verify(VerifyAudit::default()).await,
            log.verify_export(VerifyAudit::default()).await,
        ] {
            let fault = report.first_fault.unwrap_or_else(|| panic!("{name}"));
            let kinds = [FaultKind::Hash, FaultKind::Head];
            assert!(kinds.contains(&fault.kind), "{name}: {fault:?}");
            assert_eq!(report.rows, 10, "{name}: all others are looked at");
        }
        let export = log.audit.export(ExportAudit::default()).await.unwrap();
        let evidence = "0191f0a0-0000-7000-8000-000000000000";
        assert!(export.ndjson.contains(evidence), "{name}");
    }
}

/// In front of the last checkpoint somebody puts more copies of an old one than a part of an export has, under such names.
#[tokio::test]
async fn checkpoints_behind_those_without_a_name_are_exported() {
    for name in [
        "CAST(CAST('/' || i AS BLOB) || x'ff' AS TEXT)",
        "CAST('~' || i AS BLOB)",
    ] {
        let fresh = Fresh::sqlite();
        let log = Log::of(&fresh).await;
        let last = log.audit.checkpoint().await.unwrap();
        log.tamper(&["PRAGMA ignore_check_constraints = 1"]).await;
        let copies = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
             INSERT INTO audit_checkpoints SELECT {name}, rows, note, public_key, created_at
             FROM n, (SELECT * FROM audit_checkpoints ORDER BY id LIMIT 1)"
        );
        execute(&log.store, vec![copies.into()]).await;
        // The tail that only the last one knows is cut off.
        log.tamper(&[
            "DELETE FROM audit_logs WHERE seq > 6",
            "UPDATE audit_heads SET (seq, hash) = (SELECT seq, hash FROM audit_logs WHERE seq = 6)",
        ])
        .await;
        let with = VerifyAudit {
            public_keys: Some(vec![last.public_key.clone()]),
            checkpoints: None,
        };
        let exported = log.verify_export(with.clone()).await;
        let fault = exported.first_fault.unwrap_or_else(|| panic!("{name}"));
        assert_eq!((fault.kind, fault.seq), (FaultKind::Truncated, Some(7)));
        assert_eq!(exported.checkpoints, 11, "{name}");
        assert!(!log.verify(with).await.ok);
    }
}

#[tokio::test]
async fn erased_details_are_gone_from_the_file() {
    const SECRET: &[u8] = b"MARKED-PERSON-4711";
    let fresh = Fresh::sqlite();
    let store = fresh.open().await;
    let secret = String::from_utf8_lossy(SECRET);
    let record = record("person:1").with(json!({"mail": format!("{secret}@example.org")}));
    store
        .write(move |transaction| Box::pin(async move { append(transaction, &[record]).await }))
        .await
        .unwrap();
    append_alone(&store, 3).await;
    let erase = "UPDATE audit_logs SET details = '{}', salt = NULL WHERE target = 'person:1'";
    execute(&store, vec![erase.into()]).await;
    store.close().await;
    drop(store);
    let path = fresh.url.strip_prefix("sqlite:").unwrap();
    for file in [path.to_owned(), format!("{path}-wal")] {
        let bytes = std::fs::read(&file).unwrap_or_default();
        let is_there = bytes.windows(SECRET.len()).any(|window| window == SECRET);
        assert!(!is_there, "{file}");
    }
}
