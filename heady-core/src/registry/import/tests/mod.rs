//! The import's suite, the same on both databases: every shape, and what goes wrong with files.

mod adopting;
mod any_document;
mod groups;
mod homes;
mod losses;
mod merging;
mod repeated;
mod settings;
mod shapes;
mod used;
mod warnings;

use std::sync::Arc;

use serde_json::{Value, json};

use self::shapes::catalog;
use super::super::{
    ImportAction, ImportEntry, ImportOptions, ImportReport, RegisterService, Registry, UpdateNode,
    UpdateService,
};
use crate::ErrorKind;
use crate::outbound::{HostRules, HttpClient};
use crate::store::Store;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    other_files_are_refused,
    the_catalog_cannot_be_wiped_step_by_step,
    a_kind_cannot_vanish_unnoticed,
    what_was_changed_by_call_is_kept_from_an_older_file,
    secrets_are_not_stored,
    conflicts_are_reported_and_nothing_unknown_is_lost,
    edits_of_grouped_and_listed_services_reach_the_export,
    a_malformed_file_names_its_place,
    nodes_that_are_switched_off_come_switched_off,
);

fn registry(store: &Store) -> Registry {
    let http = HttpClient::new(HostRules::default()).unwrap();
    Registry::new(store.clone(), http, Arc::from("tester"))
}

fn of(document: &Value) -> ImportOptions {
    ImportOptions {
        document: Some(document.clone().into()),
        ..ImportOptions::default()
    }
}

fn codes(report: &ImportReport) -> Vec<&str> {
    report
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

async fn nodes_that_are_switched_off_come_switched_off(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let node = |status: &str| json!({"name": "N", "status": status});
    let document = json!({
        "nodes": {"ON": node("active"), "OFF": node("available"), "BARE": node("scaffold")},
        "workflows": {"w": {"name": "W"}},
    });
    registry.import(of(&document)).await.unwrap();
    let switch = |id: &str, enabled: bool| UpdateNode {
        id: id.into(),
        enabled: Some(enabled),
        ..UpdateNode::default()
    };
    let enabled = async || {
        let nodes = registry.list_nodes().await.unwrap().nodes;
        nodes.iter().map(|node| node.enabled).collect::<Vec<bool>>()
    };
    // BARE, OFF, ON.
    assert_eq!(enabled().await, [false, false, true]);
    registry.update_node(switch("OFF", true)).await.unwrap();
    registry.update_node(switch("ON", false)).await.unwrap();
    let exported = registry.export().await.unwrap();
    assert_eq!(exported["nodes"]["OFF"]["status"], "active");
    assert_eq!(exported["nodes"]["ON"]["status"], "available");
}

async fn other_files_are_refused(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(&catalog())).await.unwrap();
    for document in [
        json!({"files": [{"id": "a"}], "patterns": [{"id": "p"}], "tasks": [{"id": "t"}]}),
        json!({"mcpServers": {"x": {"command": "npx"}}}),
        json!({"name": "heady", "version": "1.0.0", "scripts": {"start": "node ."}, "dependencies": {"express": "^4"}}),
        json!({"services": {"web": {"image": "nginx", "ports": ["80:80"]}}, "volumes": {}}),
        json!({"pipeline": {"stages": []}, "services": []}),
        json!({"services": ["docker"], "language": "node_js"}),
        json!({"nodes": [{"id": "a"}], "edges": [{"id": "e"}]}),
        json!({"nodes": {"a": {"name": "A"}}, "links": [{"source": "a"}]}),
        json!({"compilerOptions": {"strict": true}}),
        json!({}),
        json!(null),
        json!("services"),
    ] {
        let error = registry.import(of(&document)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{document}");
        assert!(error.message().contains("registry"), "{error}");
    }
    assert_eq!(registry.export().await.unwrap().0, catalog());
}

/// The accident that emptied the users' catalog, commit by commit.
async fn the_catalog_cannot_be_wiped_step_by_step(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(&catalog())).await.unwrap();
    let services = |healthy: bool| {
        let mut services = catalog()["services"].clone();
        for service in services.as_array_mut().unwrap() {
            service["lastScanHealthy"] = json!(healthy);
            service["lastScanLatencyMs"] = json!(null);
        }
        services
    };
    let steps = [
        // The scanner begins with an empty file and writes only what it scans,
        json!({"services": services(true), "overallScore": 0.54}),
        // then everything is down, every 15 minutes anew,
        json!({"services": services(false), "overallScore": 0.07}),
        // then another header is pasted on top.
        json!({"name": "x", "version": "2", "protocols": {"a": 1}, "services": services(false)}),
    ];
    for step in steps {
        let refused = registry.import(of(&step)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::FailedPrecondition);
        assert!(
            refused.message().contains("of 11 imported entries"),
            "{refused}"
        );
        assert!(refused.message().contains("all 3 components"), "{refused}");
        let report = &refused.details().unwrap()["report"];
        assert!(report["deleted"].as_i64().unwrap() >= 8, "{report}");
        assert_eq!(registry.export().await.unwrap().0, catalog());
    }
    // Health in a file counts for nothing, so a file that only says that all is down changes no status.
    let mut down = catalog();
    down["services"] = services(false);
    let report = registry.import(of(&down)).await.unwrap();
    assert_eq!((report.updated, report.deleted), (2 + 1, 0));
    let api = registry.get_service("api").await.unwrap();
    assert_eq!(
        (api.status.as_str(), api.last_healthy_at),
        ("UNKNOWN", None)
    );
}

async fn a_kind_cannot_vanish_unnoticed(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let mut large = catalog();
    let more = (0..40).map(|n| json!({"id": format!("c{n}")}));
    large["components"].as_array_mut().unwrap().extend(more);
    registry.import(of(&large)).await.unwrap();
    let mut less = large.clone();
    less.as_object_mut().unwrap().remove("aiNodes");
    let refused = registry.import(of(&less)).await.unwrap_err();
    assert!(
        refused.message().contains("3 of 51") && refused.message().contains("all 3 nodes"),
        "{refused}"
    );
    let dry = ImportOptions {
        dry_run: Some(true),
        ..of(&less)
    };
    assert_eq!(
        codes(&registry.import(dry).await.unwrap())[0],
        "MASS_DELETION"
    );
    // The other section for nodes is no deletion.
    less["nodes"] = json!({"writer": {}, "reader": {}, "critic": {}});
    assert_eq!(registry.import(of(&less)).await.unwrap().deleted, 0);
}

async fn what_was_changed_by_call_is_kept_from_an_older_file(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(&catalog())).await.unwrap();
    let moved = UpdateService {
        id: "api".into(),
        base_url: Some("http://localhost:5001".into()),
        ..UpdateService::default()
    };
    registry.update_service(moved).await.unwrap();
    let report = registry.import(of(&catalog())).await.unwrap();
    assert_eq!((report.skipped, report.updated), (1, 0));
    assert!(
        report.entries[0]
            .reason
            .as_ref()
            .unwrap()
            .contains("changed by call")
    );
    let api = registry.get_service("api").await.unwrap();
    assert_eq!(api.base_url, "http://localhost:5001");

    // A file that changed elsewhere in the entry is newer there,
    let mut newer = catalog();
    newer["services"][0]["note"] = json!("watched");
    let report = registry.import(of(&newer)).await.unwrap();
    assert_eq!((report.skipped, report.updated), (0, 1));
    let reason = report.entries[0].reason.as_deref().unwrap();
    assert!(reason.contains("both changes were taken"), "{reason}");
    let api = registry.get_service("api").await.unwrap();
    assert_eq!(api.base_url, "http://localhost:5001");
    assert_eq!(api.metadata["note"], "watched");

    // and one that changed in the same place does not win unasked, nor does one that lost the entry.
    newer["services"][0]["endpoint"] = json!("http://localhost:6001/health");
    let report = registry.import(of(&newer)).await.unwrap();
    assert_eq!((report.skipped, report.updated), (1, 0));
    let reason = report.entries[0].reason.as_deref().unwrap();
    assert!(
        reason.contains("the document changes 'endpoint', too"),
        "{reason}"
    );
    let mut lost = newer.clone();
    lost["services"].as_array_mut().unwrap().remove(0);
    let report = registry.import(of(&lost)).await.unwrap();
    assert_eq!((report.skipped, report.deleted), (1, 0));
    let api = registry.get_service("api").await.unwrap();
    assert_eq!(api.base_url, "http://localhost:5001");
    assert_eq!(registry.import(of(&lost)).await.unwrap().skipped, 1);
    let forced = ImportOptions {
        force: Some(true),
        ..of(&newer)
    };
    assert_eq!(registry.import(forced).await.unwrap().updated, 1);

    let rename = UpdateNode {
        id: "writer".into(),
        name: Some("By call".into()),
        ..UpdateNode::default()
    };
    registry.update_node(rename).await.unwrap();
    let forced = ImportOptions {
        force: Some(true),
        ..of(&newer)
    };
    assert_eq!(registry.import(forced).await.unwrap().updated, 1);
    assert_eq!(registry.export().await.unwrap().0, newer);
}

async fn secrets_are_not_stored(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let document = json!({
        "services": [{"id": "api", "endpoint": "http://admin:hunter2@localhost:1/x", "env": {"API_KEY": "hunter2", "PORT": "${PORT}"}}],
        "entries": {"env:KEY": {"valuePreview": "hunter2"}},
        "connections": {"db": "postgres://heady:hunter2@localhost/heady"},
    });
    let report = registry.import(of(&document)).await.unwrap();
    let redacted: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "SECRET_REDACTED")
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(
        redacted,
        [
            "connections.db",
            "entries.env:KEY.valuePreview",
            "services[0].endpoint",
            "services[0].env.API_KEY"
        ]
    );
    let exported = registry.export().await.unwrap().0;
    assert!(!exported.to_string().contains("hunter2"));
    assert_eq!(exported["services"][0]["env"]["PORT"], "${PORT}");
    for table in ["registry_snapshots", "registry_entries", "services"] {
        let column = match table {
            "services" => "metadata",
            "registry_entries" => "body",
            _ => "content",
        };
        let rows = store
            .fetch_all(format!("SELECT {column} AS kept FROM {table}"), vec![])
            .await
            .unwrap();
        assert!(!rows.is_empty());
        for row in rows {
            assert!(
                !row.get::<Value>("kept")
                    .unwrap()
                    .to_string()
                    .contains("hunter2"),
                "{table}"
            );
        }
    }
    assert!(!serde_json::to_string(&report).unwrap().contains("hunter2"));
    assert!(
        registry
            .import(of(&document))
            .await
            .unwrap()
            .entries
            .is_empty()
    );
}

async fn conflicts_are_reported_and_nothing_unknown_is_lost(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({
        "components": [
            {"id": "twin", "v": 1}, {"id": "twin", "v": 1}, {"id": "torn", "v": 1}, {"id": "torn", "v": 2}, {"v": 3}, "stray",
        ],
        "messages": [{"id": "e1", "lang": "en"}, {"id": "e1", "lang": "de"}],
        "services": {"a": {"api": {"port": 1}}, "b": {"api": {"port": 2}}},
    });
    let report = registry.import(of(&document)).await.unwrap();
    let warned: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code.ends_with("_ID"))
        .map(|warning| (warning.code.as_str(), warning.path.as_str()))
        .collect();
    assert_eq!(
        warned,
        [
            ("DUPLICATE_ID", "components.twin"),
            ("CONFLICTING_ID", "components.torn"),
            ("CONFLICTING_ID", "messages.e1"),
            ("CONFLICTING_ID", "services.b.api"),
        ]
    );
    let skipped = |report: &ImportReport| -> Vec<String> {
        let skipped = report
            .entries
            .iter()
            .filter(|entry| entry.action == ImportAction::Skip);
        skipped
            .inspect(|entry| assert!(entry.reason.is_some()))
            .map(|entry| format!("{}.{}", entry.section, entry.id))
            .collect()
    };
    let kept = [
        "components.torn#2",
        "components.unnamed",
        "components.unnamed#2",
        "services/b.api",
    ];
    assert_eq!(skipped(&report)[..4], kept);
    assert_eq!(skipped(&report)[4..], ["components.twin"]);
    // All but the word-for-word repetition comes out again.
    let exported = registry.export().await.unwrap().0;
    let mut expected = document.clone();
    expected["components"].as_array_mut().unwrap().remove(1);
    assert_eq!(exported, expected);
    assert_eq!(
        registry.get_service("api").await.unwrap().base_url,
        "http://localhost:1"
    );
    let again = registry.import(of(&exported)).await.unwrap();
    assert_eq!((skipped(&again).len(), again.entries.len()), (4, 4));
}

async fn edits_of_grouped_and_listed_services_reach_the_export(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document =
        json!({"services": {"core": {"api": {"port": 1, "healthPath": "/h"}}, "names": ["web"]}});
    registry.import(of(&document)).await.unwrap();
    for (id, base_url) in [("api", "http://localhost:9"), ("web", "http://localhost:8")] {
        let update = UpdateService {
            id: id.into(),
            base_url: Some(base_url.into()),
            ..UpdateService::default()
        };
        registry.update_service(update).await.unwrap();
    }
    let late = RegisterService {
        id: "late".into(),
        ..RegisterService::default()
    };
    registry.register_service(late).await.unwrap();
    let exported = registry.export().await.unwrap().0;
    assert_eq!(
        exported["services"]["core"]["api"],
        json!({"port": 1, "endpoint": "http://localhost:9/h"})
    );
    assert_eq!(
        exported["services"]["names"][0]["endpoint"],
        "http://localhost:8/api/health"
    );
    assert_eq!(exported["services"]["ungrouped"][0]["id"], "late");

    let before = registry.list_services().await.unwrap();
    let report = registry.import(of(&exported)).await.unwrap();
    assert_eq!((report.created, report.deleted, report.skipped), (0, 0, 0));
    for (old, new) in before
        .services
        .iter()
        .zip(registry.list_services().await.unwrap().services)
    {
        assert_eq!(
            (&old.id, &old.base_url, &old.health_path),
            (&new.id, &new.base_url, &new.health_path)
        );
    }
}

async fn a_malformed_file_names_its_place(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(&catalog())).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (name, text, line) in [
        (
            "comma.json",
            "{\n  \"services\": [\n    {\"id\": \"a\",}\n  ]\n}",
            3,
        ),
        ("cut.json", "{\n  \"services\": [\n", 3),
        (
            "second.json",
            "{\n  \"services\": []\n}\n{\"components\": [",
            4,
        ),
        ("merge.json", "{\n<<<<<<< HEAD\n  \"services\": []\n}", 2),
        ("nul.json", "{\"services\":\n [{\"id\": \"\\u0000\"}]}", 2),
        ("broken.yaml", "services:\n  - {id: a\nnodes: []\n", 2),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let options = ImportOptions {
            path: Some(path.display().to_string()),
            ..ImportOptions::default()
        };
        let error = registry.import(options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name}");
        assert_eq!(error.details().unwrap()["line"], line, "{name}: {error}");
        assert!(error.details().unwrap()["column"].is_u64(), "{name}");
    }
    // What Windows writes in front of a text is no part of it.
    let path = folder.path().join("mark.json");
    std::fs::write(&path, format!("\u{feff}{}", catalog())).unwrap();
    let options = ImportOptions {
        path: Some(path.display().to_string()),
        ..ImportOptions::default()
    };
    assert!(registry.import(options).await.unwrap().entries.is_empty());
    let rootless = ImportOptions {
        root: Some("/no/such/folder".into()),
        ..of(&catalog())
    };
    assert_eq!(
        registry.import(rootless).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
