//! The registry's suite, the same on both databases.

mod imports;
mod unreadable;

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
