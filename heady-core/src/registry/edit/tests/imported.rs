//! Imported entries that are changed by call, and what the next import reads of them.

use serde_json::{Value, json};

use super::*;
use crate::types::Json;

on_both_databases!(
    what_says_a_changed_field_otherwise_goes,
    an_entry_told_by_its_name_keeps_its_id,
    what_was_registered_by_call_comes_back_from_an_export,
    metadata_that_says_a_field_is_refused,
    a_name_that_is_no_line_is_refused_unless_a_file_brought_it,
);

fn patch(id: &str, patch: Value) -> PatchEntry {
    PatchEntry {
        id: id.into(),
        patch: patch.into(),
        if_version: None,
    }
}

/// What another registry has after it imported what this one exports.
async fn elsewhere(registry: &Registry) -> (Vec<Service>, Vec<Node>, Json) {
    let exported = registry.export().await.unwrap();
    let other = Fresh::sqlite();
    let other = super::super::super::tests::registry(&other.open().await);
    other.import(of(exported.0.clone())).await.unwrap();
    let services = other.list_services().await.unwrap().services;
    let nodes = other.list_nodes().await.unwrap().nodes;
    (services, nodes, exported)
}

async fn what_says_a_changed_field_otherwise_goes(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({
        "aiNodes": [
            {"id": "A", "status": "available", "trigger_on": ["a"], "triggers": ["b"]},
            {"id": "B", "status": "scaffold"},
        ],
        "services": [
            {"id": "s", "url": "http://localhost:1", "health": "/hz", "healthCheckIntervalMs": 5000},
            {"id": "t", "port": 80, "health": "ok", "healthEndpoint": "/hz"},
        ],
    });
    registry.import(of(document)).await.unwrap();
    for (id, change) in [
        (
            "A",
            json!({"enabled": true, "triggers": ["c"], "metadata": {"note": 1}}),
        ),
        ("B", json!({"enabled": true})),
    ] {
        registry.patch_node(patch(id, change)).await.unwrap();
    }
    for (id, change) in [
        (
            "s",
            json!({"healthPath": "/h2", "probeIntervalMs": null, "metadata": {"note": 1}}),
        ),
        ("t", json!({"baseUrl": "", "metadata": {"note": 1}})),
    ] {
        registry.patch_service(patch(id, change)).await.unwrap();
    }
    let (services, nodes, exported) = elsewhere(&registry).await;
    assert_eq!(
        (nodes[0].enabled, &nodes[0].triggers, nodes[1].enabled),
        (true, &vec!["c".to_owned()], true)
    );
    let places = services.iter().map(|service| {
        (
            service.base_url.as_str(),
            service.health_path.as_str(),
            service.probe_interval_ms,
        )
    });
    assert_eq!(
        places.collect::<Vec<_>>(),
        [("http://localhost:1", "/h2", None), ("", "/hz", None)]
    );
    assert_eq!(
        exported["aiNodes"],
        json!([
            {"id": "A", "status": "active", "enabled": true, "triggers": ["c"], "note": 1},
            {"id": "B", "status": "active", "enabled": true},
        ])
    );
    assert_eq!(
        exported["services"],
        json!([
            {"id": "s", "endpoint": "http://localhost:1/h2", "note": 1},
            {"id": "t", "port": 80, "health": "ok", "endpoint": "/hz", "baseUrl": "", "healthPath": "/hz", "note": 1},
        ])
    );
}

async fn an_entry_told_by_its_name_keeps_its_id(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"services": [{"name": "api"}], "nodes": {"n": {"name": "Node"}}});
    registry.import(of(document)).await.unwrap();
    let rename = json!({"name": "The API"});
    registry.patch_service(patch("api", rename)).await.unwrap();
    let rename = json!({"name": "Other"});
    registry.patch_node(patch("n", rename)).await.unwrap();
    let exported = registry.export().await.unwrap();
    assert_eq!(
        exported["services"],
        json!([{"id": "api", "name": "The API"}])
    );
    assert_eq!(exported["nodes"], json!({"n": {"name": "Other"}}));
    let again = registry.import(of(exported.0)).await.unwrap();
    assert_eq!((again.created, again.deleted), (0, 0));
}

async fn what_was_registered_by_call_comes_back_from_an_export(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let mut wanted = Vec::new();
    for (n, (base_url, health_path)) in [
        ("", "/h2"),
        ("", "/"),
        ("http://h:1/api", "/health"),
        ("http://h:1", "/h?deep=1"),
        ("http://h:1", "/"),
        ("http://h:1", "/ok"),
    ]
    .into_iter()
    .enumerate()
    {
        let put = PutService {
            base_url: Some(base_url.into()),
            health_path: Some(health_path.into()),
            metadata: Some(json!({"url": "http://other:2", "port": 80}).into()),
            ..service(&format!("s{n}"), "S")
        };
        wanted.push(registry.put_service(put).await.unwrap());
    }
    let node = PutNode {
        id: "n".into(),
        metadata: Some(json!({"status": "scaffold"}).into()),
        ..PutNode::default()
    };
    registry.put_node(node).await.unwrap();
    let (services, nodes, _) = elsewhere(&registry).await;
    for (there, wanted) in services.iter().zip(&wanted) {
        assert_eq!(
            (&there.base_url, &there.health_path),
            (&wanted.base_url, &wanted.health_path)
        );
    }
    assert_eq!(services.len(), wanted.len());
    assert!(nodes[0].enabled);
}

async fn metadata_that_says_a_field_is_refused(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    let before = registry.list_nodes().await.unwrap();
    for (metadata, key) in [
        (json!({"name": "New"}), "name"),
        (json!({"id": "B"}), "id"),
        (json!({"status": "planned"}), "status"),
        (json!({"trigger_on": ["x"], "triggers": null}), "trigger_on"),
    ] {
        let change = patch("writer", json!({"metadata": metadata}));
        let refused = registry.patch_node(change).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        let field = format!("metadata.{key}: ");
        assert!(refused.message().starts_with(&field), "{refused}");
    }
    let change = patch("api", json!({"metadata": {"endpoint": "http://x:1/h"}}));
    let refused = registry.patch_service(change).await.unwrap_err();
    assert!(
        refused.message().starts_with("metadata.endpoint: "),
        "{refused}"
    );
    assert_eq!(registry.list_nodes().await.unwrap(), before);

    // Both say the same, or the key says nothing of a field.
    let both = json!({"name": "New", "metadata": {"name": "New", "status": "busy", "x": 1}});
    let changed = registry.patch_node(patch("writer", both)).await.unwrap();
    assert_eq!(
        (changed.name.as_str(), &changed.metadata["status"]),
        ("New", &json!("busy"))
    );
    // What is attached to an entry that no document brought is its owner's.
    let put = PutNode {
        id: "own".into(),
        metadata: Some(json!({"name": "x"}).into()),
        ..PutNode::default()
    };
    registry.put_node(put).await.unwrap();
    let change = patch("own", json!({"metadata": {"name": "y", "id": 7}}));
    let changed = registry.patch_node(change).await.unwrap();
    assert_eq!(changed.metadata.0, json!({"name": "y", "id": 7}));
}

async fn a_name_that_is_no_line_is_refused_unless_a_file_brought_it(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"services": [{"id": "a", "name": "two\nlines"}]});
    registry.import(of(document)).await.unwrap();
    let change = patch("a", json!({"metadata": {"x": 1}}));
    let kept = registry.patch_service(change).await.unwrap();
    assert_eq!(kept.name, "two\nlines");
    let refused = registry
        .put_service(service("b", "a\u{7}"))
        .await
        .unwrap_err();
    assert!(refused.message().starts_with("name: "), "{refused}");
    let change = patch("a", json!({"name": "other\nlines"}));
    let refused = registry.patch_service(change).await.unwrap_err();
    assert!(refused.message().starts_with("name: "), "{refused}");

    // Ids and names are counted in characters.
    let long = "ä".repeat(200);
    registry.put_service(service(&long, &long)).await.unwrap();
    let longer = service(&"𝄞".repeat(201), "");
    let refused = registry.put_service(longer).await.unwrap_err();
    assert!(refused.message().starts_with("id: "), "{refused}");
    let clef = "𝄞".repeat(200);
    registry.put_service(service(&clef, "clef")).await.unwrap();
    assert_eq!(registry.get_service(&clef).await.unwrap().name, "clef");
}
