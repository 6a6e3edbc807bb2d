//! What watchers see, on both databases.

mod endings;
mod histories;
mod large;
mod positions;
mod unreadable;

use std::time::Duration;

use serde_json::json;

use super::super::tests::{catalog, of, registry};
use super::super::{DeleteEntry, PutNode, PutService};
use super::*;
use crate::ErrorKind;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    only_what_was_asked_for_is_given_out,
    an_import_is_seen_as_its_changes,
);

fn put(id: &str, n: i64) -> PutService {
    PutService {
        id: id.into(),
        metadata: Some(json!({"n": n}).into()),
        ..PutService::default()
    }
}

fn since(revision: i64) -> WatchOptions {
    WatchOptions {
        since: Some(revision),
        ..WatchOptions::default()
    }
}

/// The next event; a watch that stays silent is a failure.
async fn next(watch: &mut RegistryWatch) -> Arc<RegistryEvent> {
    tokio::time::timeout(Duration::from_mins(1), watch.next())
        .await
        .expect("an event within a minute")
        .unwrap()
        .expect("the engine is open")
}

/// Whether nothing comes for a while.
async fn silent(watch: &mut RegistryWatch) -> bool {
    tokio::time::timeout(Duration::from_millis(100), watch.next())
        .await
        .is_err()
}

async fn only_what_was_asked_for_is_given_out(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let options = WatchOptions {
        kinds: Some(vec![EntryKind::Service]),
        ids: Some(vec!["a".into(), "b".into()]),
        bookmarks: Some(true),
        ..WatchOptions::default()
    };
    let mut watch = registry.watch(options).await.unwrap();
    let first = next(&mut watch).await;
    assert_eq!(
        (first.change, first.revision),
        (RegistryChange::Bookmark, 0)
    );
    registry.put_service(put("b", 1)).await.unwrap();
    let node = PutNode {
        id: "a".into(),
        ..PutNode::default()
    };
    registry.put_node(node).await.unwrap();
    registry.put_service(put("c", 1)).await.unwrap();
    let event = next(&mut watch).await;
    assert_eq!(
        (event.id.as_ref().unwrap().as_str(), event.revision),
        ("b", 1)
    );
    // The rest is other people's: it is passed over, and a bookmark says so when one is due.
    assert!(silent(&mut watch).await);
    assert_eq!(watch.revision(), 3);
    watch.bookmarks.as_mut().unwrap().due = Instant::now();
    let bookmark = next(&mut watch).await;
    assert_eq!(
        (bookmark.change, bookmark.revision),
        (RegistryChange::Bookmark, 3)
    );
    assert!(
        watch.bookmark_due().is_none(),
        "until there is something new"
    );
}

async fn an_import_is_seen_as_its_changes(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();
    registry.import(of(catalog())).await.unwrap();
    let mut created = Vec::new();
    for _ in 0..6 {
        let event = next(&mut watch).await;
        assert_eq!(event.change, RegistryChange::Create);
        created.push((event.kind.unwrap(), event.id.clone().unwrap().to_string()));
    }
    created.sort_by_key(|(_, id)| id.clone());
    let ids: Vec<_> = created.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(ids, ["api", "batch", "publish", "reader", "web", "writer"]);
    registry.import(of(catalog())).await.unwrap();
    let mut changed = catalog();
    changed["services"].as_array_mut().unwrap().pop();
    changed["services"][0]["name"] = json!("Another");
    registry.import(of(changed)).await.unwrap();
    let mut last = [next(&mut watch).await, next(&mut watch).await];
    last.sort_by_key(|event| event.change.as_str());
    let told = last.map(|event| (event.change, event.id.clone().unwrap().to_string()));
    assert_eq!(
        told,
        [
            (RegistryChange::Delete, "batch".to_owned()),
            (RegistryChange::Update, "api".to_owned()),
        ]
    );
    assert!(silent(&mut watch).await);
}
