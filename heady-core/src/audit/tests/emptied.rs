//! A log of which nothing is left but the key that signed it.

use super::*;

/// The engine's own key, which signing alone makes, is beside the file.
#[tokio::test]
async fn a_log_of_which_only_its_key_is_left_is_not_whole() {
    let fresh = Fresh::sqlite();
    let store = fresh.open().await;
    let audit = Audit::new(store.clone());
    let verify = async || audit.verify(VerifyAudit::default()).await.unwrap();
    assert!(verify().await.ok, "nothing was written or signed yet");
    append_alone(&store, 3).await;
    audit.checkpoint().await.unwrap();
    assert!(verify().await.ok);

    let triggers = [
        "audit_logs_delete",
        "audit_heads_delete",
        "audit_checkpoints_delete",
    ];
    let mut texts: Vec<Sql> = triggers
        .map(|trigger| format!("DROP TRIGGER {trigger}").into())
        .into();
    let tables = ["audit_logs", "audit_heads", "audit_checkpoints"];
    texts.extend(tables.map(|table| format!("DELETE FROM {table}").into()));
    execute(&store, texts).await;
    let report = verify().await;
    let fault = report.first_fault.unwrap();
    assert_eq!((report.ok, fault.kind), (false, FaultKind::Unsigned));
    assert!(
        fault.message.contains("all were removed"),
        "{}",
        fault.message
    );
}

/// One key may sign the logs of many databases, and is there before some of them have a row.
#[tokio::test]
async fn a_log_that_has_not_begun_is_whole_whatever_its_named_key_signed() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let (first, second) = (Fresh::sqlite(), Fresh::sqlite());
    let store = first.open().await;
    append_alone(&store, 1).await;
    Audit::new(store)
        .with_key(key.clone())
        .checkpoint()
        .await
        .unwrap();
    let audit = Audit::new(second.open().await).with_key(key);
    assert!(audit.verify(VerifyAudit::default()).await.unwrap().ok);
}
