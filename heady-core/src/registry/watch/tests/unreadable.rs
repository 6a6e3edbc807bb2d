//! Events that cannot be read, and entries that would make some.

use serde_json::Value;

use super::*;
use crate::registry::PutWorkflow;
use crate::store::{Sql, Store, args};

on_both_databases!(
    an_event_that_cannot_be_read_is_told_and_passed,
    what_is_declared_can_be_read_exported_and_imported,
);

/// Writes an event that is too deep for any reader, as earlier versions did.
async fn write_unreadable(store: &Store, id: &'static str) {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let insert = |object: &str| {
        format!(
            "INSERT INTO registry_events (revision, change, kind, id, object, at)
             SELECT (SELECT revision FROM registry_revision), change, kind, $1, {object}, at
             FROM registry_events WHERE revision = 1"
        )
    };
    let insert = Sql::of(insert("$2"), insert("$2::json"));
    let write = store.write(move |transaction| {
        Box::pin(async move {
            crate::registry::take_turn(transaction).await?;
            let next = "UPDATE registry_revision SET revision = revision + 1";
            transaction.execute(next, vec![]).await?;
            transaction.execute(insert, args![id, deep]).await
        })
    });
    write.await.unwrap();
}

async fn an_event_that_cannot_be_read_is_told_and_passed(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    registry.put_service(put("a", 1)).await.unwrap();
    let mut live = registry.watch(WatchOptions::default()).await.unwrap();
    let other = WatchOptions {
        ids: Some(vec!["a".into()]),
        ..WatchOptions::default()
    };
    let mut other = registry.watch(other).await.unwrap();
    write_unreadable(&store, "b").await;
    registry.changed();
    registry.put_service(put("a", 2)).await.unwrap();
    let mut late = registry.watch(since(0)).await.unwrap();
    assert_eq!(next(&mut late).await.revision, 1);
    for watch in [&mut live, &mut late] {
        let told = tokio::time::timeout(Duration::from_mins(1), watch.next());
        let error = told.await.expect("no silence").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DataLoss);
        assert_eq!(error.details().unwrap(), &json!({"revision": 2}));
        assert!(error.message().contains("revision 2"), "{error}");
        assert_eq!((watch.revision(), next(watch).await.revision), (2, 3));
    }
    assert_eq!(next(&mut other).await.revision, 3, "it is about another");
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!({"d": inner}))
}

async fn what_is_declared_can_be_read_exported_and_imported(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    // Entries that are called in go to a group of their own.
    let groups = json!({"services": {"core": {"api": {"port": 1}}}, "workflows": []});
    registry.import(of(groups)).await.unwrap();
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
    let service = |levels| PutService {
        metadata: Some(nested(levels).into()),
        ..put("deep", 1)
    };
    let workflow = |levels| PutWorkflow {
        id: "w".into(),
        governance: Some(nested(levels).into()),
        ..PutWorkflow::default()
    };
    let refused = registry.put_service(service(98)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert!(refused.message().starts_with("metadata: "), "{refused}");
    let refused = registry.put_workflow(workflow(128)).await.unwrap_err();
    assert!(refused.message().starts_with("governance: "), "{refused}");
    let patch = crate::registry::PatchEntry {
        id: "api".into(),
        patch: json!({"metadata": {"d": nested(97)}}).into(),
        if_version: None,
    };
    let refused = registry.patch_service(patch).await.unwrap_err();
    assert!(refused.message().starts_with("metadata: "), "{refused}");

    registry.put_service(service(97)).await.unwrap();
    registry.put_workflow(workflow(97)).await.unwrap();
    for _ in 0..2 {
        assert!(next(&mut watch).await.object.is_some());
    }
    assert_eq!(registry.list_services().await.unwrap().services.len(), 2);
    let exported = registry.export().await.unwrap();
    registry.import(of(exported.0.clone())).await.unwrap();
    assert_eq!(registry.export().await.unwrap(), exported);
}
