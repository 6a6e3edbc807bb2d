//! The registry's suite, the same on both databases.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::ErrorKind;
use crate::audit::{Audit, AuditQuery};
use crate::outbound::HostRules;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    entries_are_registered_changed_and_deleted,
    a_stale_change_loses_and_sees_the_current_entry,
    bad_fields_are_named,
    a_catalog_is_imported_and_comes_back_whole,
    importing_twice_changes_nothing,
    what_a_document_lost_is_deleted_but_not_by_accident,
    a_document_that_cannot_be_read_changes_nothing,
    maps_are_imported_too,
    duplicates_and_loose_ends_are_reported,
    typed_edits_reach_the_export,
    probes_tell_what_they_saw,
);

pub(super) fn registry(store: &Store) -> Registry {
    let http = HttpClient::new(HostRules::default()).unwrap();
    Registry::new(store.clone(), http, Arc::from("tester"))
}

/// A small catalog of our own with every kind of section.
pub(super) fn catalog() -> Value {
    json!({
        "registryVersion": "1.0.0",
        "updatedAt": "2026-01-01T00:00:00Z",
        "score": 0.5,
        "components": [{"id": "gateway", "name": "Gateway", "dependencies": {"upstream": []}}],
        "aiNodes": [
            {"id": "writer", "name": "Writer", "triggers": ["draft", "edit"], "status": "active"},
            {"id": "reader", "name": "Reader", "status": "planned"},
        ],
        "workflows": [{"id": "publish", "name": "Publish", "dependencies": ["gateway", "writer"]}],
        "services": [
            {"id": "api", "name": "API", "endpoint": "http://localhost:4001/status", "lastScanHealthy": true},
            {"id": "web", "name": "Web", "endpoint": "http://localhost:4002"},
            {"id": "batch", "name": "Batch", "endpoint": "/"},
        ],
        "defaults": {"mode": "safe", "levels": [1, 2, 3]},
        "notes": ["free", "text"],
    })
}

pub(super) fn of(document: Value) -> ImportOptions {
    ImportOptions {
        document: Some(document.into()),
        ..ImportOptions::default()
    }
}

async fn entries_are_registered_changed_and_deleted(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let service = registry
        .register_service(RegisterService {
            id: "api".into(),
            base_url: Some("http://localhost:4001/".into()),
            ..RegisterService::default()
        })
        .await
        .unwrap();
    assert_eq!(
        (service.name.as_str(), service.base_url.as_str()),
        ("api", "http://localhost:4001")
    );
    assert_eq!(
        (service.health_path.as_str(), service.status),
        ("/api/health", HealthStatus::Unknown)
    );
    assert_eq!(registry.get_service("api").await.unwrap(), service);
    let again = registry
        .register_service(RegisterService {
            id: "api".into(),
            ..Default::default()
        })
        .await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);

    let update = UpdateService {
        id: "api".into(),
        name: Some("The API".into()),
        ..UpdateService::default()
    };
    let changed = registry.update_service(update.clone()).await.unwrap();
    assert_eq!(
        (changed.resource_version, changed.name.as_str()),
        (2, "The API")
    );
    assert_eq!(
        registry.update_service(update).await.unwrap(),
        changed,
        "the same change again is none"
    );

    let node = RegisterNode {
        id: "n".into(),
        triggers: Some(vec!["x".into()]),
        ..RegisterNode::default()
    };
    let node = registry.register_node(node).await.unwrap();
    assert!(node.enabled && node.runtime == "node");
    let off = UpdateNode {
        id: "n".into(),
        enabled: Some(false),
        ..UpdateNode::default()
    };
    let off = registry.update_node(off).await.unwrap();
    assert!(!off.enabled);
    let workflow = RegisterWorkflow {
        id: "w".into(),
        ..RegisterWorkflow::default()
    };
    let workflow = registry.register_workflow(workflow).await.unwrap();
    assert_eq!(
        (workflow.pipeline_id.as_str(), workflow.max_concurrent_tasks),
        ("w", 6)
    );
    let limit = UpdateWorkflow {
        id: "w".into(),
        max_concurrent_tasks: Some(3),
        ..UpdateWorkflow::default()
    };
    assert_eq!(
        registry
            .update_workflow(limit)
            .await
            .unwrap()
            .max_concurrent_tasks,
        3
    );

    for id in ["api", "none"] {
        let deleted = registry
            .delete_service(DeleteEntry {
                id: id.into(),
                if_version: None,
            })
            .await;
        assert_eq!(deleted.is_ok(), id == "api");
    }
    registry
        .delete_node(DeleteEntry {
            id: "n".into(),
            if_version: Some(off.resource_version),
        })
        .await
        .unwrap();
    registry
        .delete_workflow(DeleteEntry {
            id: "w".into(),
            if_version: None,
        })
        .await
        .unwrap();
    assert_eq!(
        registry.get_service("api").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert!(registry.list_nodes().await.unwrap().nodes.is_empty());

    let log = Audit::new(store)
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    let told: Vec<_> = log
        .iter()
        .rev()
        .map(|entry| {
            (
                entry.target.as_str(),
                entry.details["change"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("service:api", "CREATE"),
            ("service:api", "UPDATE"),
            ("node:n", "CREATE"),
            ("node:n", "UPDATE"),
            ("workflow:w", "CREATE"),
            ("workflow:w", "UPDATE"),
            ("service:api", "DELETE"),
            ("node:n", "DELETE"),
            ("workflow:w", "DELETE"),
        ]
    );
    assert!(
        log.iter()
            .all(|entry| entry.actor == "tester" && entry.action == "CONFIG_CHANGE")
    );
}

async fn a_stale_change_loses_and_sees_the_current_entry(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry
        .register_node(RegisterNode {
            id: "n".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let rename = |name: String| {
        let registry = registry.clone();
        let update = UpdateNode {
            id: "n".into(),
            name: Some(name),
            if_version: Some(1),
            ..Default::default()
        };
        tokio::spawn(async move { registry.update_node(update).await })
    };
    let racers: Vec<_> = (0..10).map(|n| rename(format!("name {n}"))).collect();
    let mut winners = Vec::new();
    for racer in racers {
        match racer.await.unwrap() {
            Ok(node) => winners.push(node),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Aborted);
                assert_eq!(error.details().unwrap()["current"]["resourceVersion"], 2);
            }
        }
    }
    assert_eq!(winners, [registry.get_node("n").await.unwrap()]);
    let stale = registry
        .delete_node(DeleteEntry {
            id: "n".into(),
            if_version: Some(1),
        })
        .await;
    assert_eq!(stale.unwrap_err().kind(), ErrorKind::Aborted);
}

async fn bad_fields_are_named(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let service = |id: &str, base_url: &str| {
        let options = RegisterService {
            id: id.into(),
            base_url: Some(base_url.into()),
            ..Default::default()
        };
        let registry = registry.clone();
        async move { registry.register_service(options).await.unwrap_err() }
    };
    for (id, base_url, field) in [
        ("", "", "id: "),
        ("a\nb", "", "id: "),
        ("a", "localhost:80", "baseUrl: "),
        ("a", "ftp://host", "baseUrl: "),
        ("a", "http://user:password@host", "baseUrl: "),
        ("a", "http://host/?token=x", "baseUrl: "),
    ] {
        let error = service(id, base_url).await;
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.message().starts_with(field) && !error.message().contains("password@"),
            "{error}"
        );
    }
    let workflow = RegisterWorkflow {
        id: "w".into(),
        max_concurrent_tasks: Some(0),
        ..Default::default()
    };
    assert!(
        registry
            .register_workflow(workflow)
            .await
            .unwrap_err()
            .message()
            .starts_with("maxConcurrentTasks: ")
    );
    let node = RegisterNode {
        id: "n".into(),
        metadata: Some(json!([1]).into()),
        ..Default::default()
    };
    assert!(
        registry
            .register_node(node)
            .await
            .unwrap_err()
            .message()
            .starts_with("metadata: ")
    );
}

async fn a_catalog_is_imported_and_comes_back_whole(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let report = registry.import(of(catalog())).await.unwrap();
    assert_eq!(
        (report.shape.as_str(), report.created, report.skipped),
        ("CATALOG", 9, 0)
    );
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert_eq!(report.warnings[0].path, "services.batch.endpoint");

    let api = registry.get_service("api").await.unwrap();
    assert_eq!(
        (api.base_url.as_str(), api.health_path.as_str()),
        ("http://localhost:4001", "/status")
    );
    assert_eq!(
        (api.status, api.last_healthy_at),
        (HealthStatus::Unknown, None),
        "a file cannot know health"
    );
    assert_eq!(
        registry.get_service("web").await.unwrap().health_path,
        "/api/health"
    );
    assert_eq!(registry.get_service("batch").await.unwrap().base_url, "");
    let writer = registry.get_node("writer").await.unwrap();
    assert_eq!((writer.triggers.len(), writer.enabled), (2, true));
    assert!(!registry.get_node("reader").await.unwrap().enabled);
    assert_eq!(registry.export().await.unwrap().0, catalog());

    let log = Audit::new(store)
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(
        (
            log.len(),
            log[0].action.as_str(),
            &log[0].details["created"]
        ),
        (1, "IMPORT", &json!(9))
    );
}

async fn importing_twice_changes_nothing(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    let before = registry.list_services().await.unwrap();
    let report = registry.import(of(catalog())).await.unwrap();
    assert_eq!(
        (
            report.created,
            report.updated,
            report.deleted,
            report.unchanged
        ),
        (0, 0, 0, 9)
    );
    assert!(report.entries.is_empty());
    assert_eq!(registry.list_services().await.unwrap(), before);

    let mut changed = catalog();
    changed["services"][0]["name"] = json!("Another");
    changed["notes"] = json!([]);
    let dry = registry
        .import(ImportOptions {
            dry_run: Some(true),
            ..of(changed.clone())
        })
        .await
        .unwrap();
    assert_eq!((dry.updated, dry.unchanged), (2, 7));
    assert_eq!(
        registry.list_services().await.unwrap(),
        before,
        "a dry run changes nothing"
    );
    registry.import(of(changed.clone())).await.unwrap();
    let api = registry.get_service("api").await.unwrap();
    assert_eq!(api.name, "Another");
    assert!(api.resource_version > before.services[0].resource_version);
    assert_eq!(registry.export().await.unwrap().0, changed);
}

async fn what_a_document_lost_is_deleted_but_not_by_accident(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    registry
        .register_service(RegisterService {
            id: "own".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let mut less = catalog();
    less["services"].as_array_mut().unwrap().pop();
    let report = registry.import(of(less)).await.unwrap();
    assert_eq!((report.deleted, report.unchanged), (1, 8));
    assert_eq!(
        registry.get_service("batch").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    registry
        .get_service("own")
        .await
        .expect("what was registered by call is not the document's to delete");

    let wiped = json!({"services": [{"id": "api", "name": "API", "endpoint": "http://localhost:4001/status"}]});
    let refused = registry.import(of(wiped.clone())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FailedPrecondition);
    assert!(refused.message().contains("7 of 8"), "{refused}");
    assert_eq!(registry.list_nodes().await.unwrap().nodes.len(), 2);
    let dry = registry
        .import(ImportOptions {
            dry_run: Some(true),
            ..of(wiped.clone())
        })
        .await
        .unwrap();
    assert!(
        dry.warnings
            .iter()
            .any(|warning| warning.code == "MASS_DELETION")
    );
    let forced = registry
        .import(ImportOptions {
            force: Some(true),
            ..of(wiped)
        })
        .await
        .unwrap();
    assert_eq!((forced.deleted, forced.updated), (7, 1));
    assert!(registry.list_nodes().await.unwrap().nodes.is_empty());
}

async fn a_document_that_cannot_be_read_changes_nothing(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        ImportOptions {
            path: Some(path.display().to_string()),
            ..ImportOptions::default()
        }
    };
    let broken = registry
        .import(path(
            "broken.json",
            "{\"services\": [\n  {\"id\": \"a\",}\n]}",
        ))
        .await
        .unwrap_err();
    assert_eq!(
        (broken.kind(), &broken.details().unwrap()["line"]),
        (ErrorKind::InvalidArgument, &json!(2))
    );
    let missing = ImportOptions {
        path: Some("/none.json".into()),
        ..ImportOptions::default()
    };
    assert_eq!(
        registry.import(missing).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    for other in [
        json!([1]),
        json!({"files": [], "patterns": ["x"]}),
        json!({"name": "x"}),
        json!({"services": "none"}),
    ] {
        let error = registry.import(of(other)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(
        registry
            .import(ImportOptions::default())
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::InvalidArgument
    );
    assert_eq!(registry.export().await.unwrap().0, catalog());
}

async fn maps_are_imported_too(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({
        "metadata": {"version": "2"},
        "nodes": {"WRITER": {"name": "Writer", "trigger_on": ["draft"]}},
        "services": {"api": {"name": "API", "endpoint": null}},
        "tools": {"lint": {"file_path": "x.js"}},
    });
    let report = registry.import(of(document.clone())).await.unwrap();
    assert_eq!((report.shape.as_str(), report.created), ("MAPS", 4));
    assert_eq!(
        registry.get_node("WRITER").await.unwrap().triggers,
        ["draft"]
    );
    assert_eq!(registry.export().await.unwrap().0, document);
}

async fn duplicates_and_loose_ends_are_reported(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let report = registry
        .import(of(json!({
            "services": [
                {"id": "a", "endpoint": "http://localhost:1"},
                {"id": "a", "endpoint": "http://localhost:1"},
                {"id": "a", "endpoint": "http://localhost:2"},
            ],
            "workflows": [{"id": "w", "dependencies": ["a", "nowhere"]}],
        })))
        .await
        .unwrap();
    assert_eq!((report.created, report.skipped), (2, 2));
    let codes: Vec<_> = report
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(
        codes,
        ["DUPLICATE_ID", "CONFLICTING_ID", "DANGLING_DEPENDENCY"]
    );
    assert_eq!(
        registry.get_service("a").await.unwrap().base_url,
        "http://localhost:1"
    );
}

async fn typed_edits_reach_the_export(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    let update = UpdateService {
        id: "web".into(),
        base_url: Some("http://localhost:5000".into()),
        ..Default::default()
    };
    registry.update_service(update).await.unwrap();
    registry
        .register_node(RegisterNode {
            id: "late".into(),
            ..Default::default()
        })
        .await
        .unwrap();
    let exported = registry.export().await.unwrap().0;
    assert_eq!(
        exported["services"][1]["endpoint"],
        "http://localhost:5000/api/health"
    );
    assert_eq!(exported["services"][0], catalog()["services"][0]);
    assert_eq!(exported["aiNodes"][2]["id"], "late");
}

async fn probes_tell_what_they_saw(fresh: Fresh) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let registry = registry(&fresh.open().await);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let count = stream.read(&mut request).await.unwrap_or_default();
            let status = if request[..count].starts_with(b"GET /api/health ") {
                "200 OK"
            } else {
                "500 Oh"
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    for (id, base_url, health_path) in [
        ("good", base.as_str(), None),
        ("ill", base.as_str(), Some("/ill")),
        ("gone", "http://127.0.0.1:1", None),
        ("nowhere", "", None),
    ] {
        let options = RegisterService {
            id: id.into(),
            base_url: Some(base_url.into()),
            health_path: health_path.map(str::to_owned),
            ..Default::default()
        };
        registry.register_service(options).await.unwrap();
    }
    let report = registry.probe(ProbeOptions::default()).await.unwrap();
    let seen: Vec<_> = report
        .probes
        .iter()
        .map(|probe| (probe.id.as_str(), probe.status))
        .collect();
    assert_eq!(
        seen,
        [
            ("gone", HealthStatus::Unhealthy),
            ("good", HealthStatus::Healthy),
            ("ill", HealthStatus::Degraded),
            ("nowhere", HealthStatus::Unknown),
        ]
    );
    assert!(report.probes[1].latency_ms.is_some() && report.probes[0].latency_ms.is_none());
    let good = registry.get_service("good").await.unwrap();
    assert_eq!(
        (
            good.status,
            good.last_healthy_at.is_some(),
            good.resource_version
        ),
        (HealthStatus::Healthy, true, 1)
    );
    let one = ProbeOptions {
        services: Some(vec!["gone".into()]),
        timeout_ms: Some(1000),
    };
    assert_eq!(registry.probe(one).await.unwrap().probes.len(), 1);
    let none = ProbeOptions {
        services: Some(vec!["none".into()]),
        timeout_ms: None,
    };
    assert_eq!(
        registry.probe(none).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
