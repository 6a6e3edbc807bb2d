//! Entries that were changed by call and in the document, in one import after the other.

use super::super::super::PatchEntry;
use super::*;

on_both_databases!(
    what_the_document_alone_changes_is_never_lost,
    what_was_kept_beside_a_document_is_kept_from_the_next,
);

fn reason(report: &ImportReport, id: &str) -> (ImportAction, String) {
    let entry = report.entries.iter().find(|entry| entry.id == id).unwrap();
    (entry.action, entry.reason.clone().unwrap_or_default())
}

async fn what_the_document_alone_changes_is_never_lost(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = |a: i64, b: i64, c: i64| {
        let node = json!({"id": "n", "name": "N", "a": a, "b": b, "c": c});
        json!({"registryVersion": "1", "aiNodes": [node, {"id": "other", "name": "Other"}]})
    };
    registry.import(of(&document(1, 1, 1))).await.unwrap();
    registry
        .patch_node(PatchEntry {
            id: "n".into(),
            patch: json!({"metadata": {"a": 2}}).into(),
            if_version: None,
        })
        .await
        .unwrap();
    // Both changed `a`, which stays as it is here; only the document changed `b`.
    let report = registry.import(of(&document(3, 2, 1))).await.unwrap();
    let (action, told) = reason(&report, "n");
    assert_eq!(action, ImportAction::Update);
    assert!(told.contains("the document changes 'a', too"), "{told}");
    for (a, action) in [(3, ImportAction::Update), (1, ImportAction::Skip)] {
        let report = registry.import(of(&document(a, 2, 2))).await.unwrap();
        assert_eq!(reason(&report, "n").0, action);
        let node = registry.get_node("n").await.unwrap();
        let fields = ["a", "b", "c"].map(|field| node.metadata[field].clone());
        assert_eq!(fields, [2, 2, 2], "after {a}");
    }
    let forced = ImportOptions {
        force: Some(true),
        ..of(&document(1, 2, 2))
    };
    registry.import(forced).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, document(1, 2, 2));
}

async fn what_was_kept_beside_a_document_is_kept_from_the_next(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let service = |id: &str| json!({"id": id, "endpoint": format!("http://{id}.localhost:1/h")});
    let document = |ids: &[&str]| {
        let services: Vec<_> = ids.iter().map(|id| service(id)).collect();
        json!({"registryVersion": "1", "services": services})
    };
    let full = document(&["a", "b", "c", "d"]);
    registry.import(of(&full)).await.unwrap();
    let moved = UpdateService {
        id: "a".into(),
        base_url: Some("http://localhost:5001".into()),
        ..UpdateService::default()
    };
    registry.update_service(moved).await.unwrap();
    let base_url = async || registry.get_service("a").await.unwrap().base_url;
    let less = document(&["b", "c", "d"]);
    for (document, why) in [
        (&less, "kept beside"),
        (&less, "kept beside"),
        (&full, "has it again"),
        (&full, "says nothing new"),
    ] {
        let report = registry.import(of(document)).await.unwrap();
        let (action, told) = reason(&report, "a");
        assert_eq!(action, ImportAction::Skip);
        assert!(told.contains(why), "{told}");
        assert_eq!(base_url().await, "http://localhost:5001");
        let exported = registry.export().await.unwrap();
        assert_eq!(exported["services"].as_array().unwrap().len(), 4);
    }
    let forced = |document: &Value| ImportOptions {
        force: Some(true),
        ..of(document)
    };
    registry.import(forced(&full)).await.unwrap();
    assert_eq!(base_url().await, "http://a.localhost:1");
    assert_eq!(registry.import(forced(&less)).await.unwrap().deleted, 1);
}
