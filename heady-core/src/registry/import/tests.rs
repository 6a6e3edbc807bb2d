//! The import's suite, the same on both databases: every shape, and what goes wrong with files.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    ImportAction, ImportEntry, ImportOptions, ImportReport, RegisterService, Registry, UpdateNode,
    UpdateService,
};
use crate::ErrorKind;
use crate::outbound::{HostRules, HttpClient};
use crate::store::Store;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    every_shape_comes_in_and_goes_out_whole,
    other_files_are_refused,
    the_catalog_cannot_be_wiped_step_by_step,
    a_kind_cannot_vanish_unnoticed,
    what_was_changed_by_call_is_kept_from_an_older_file,
    secrets_are_not_stored,
    conflicts_are_reported_and_nothing_unknown_is_lost,
    edits_of_grouped_and_listed_services_reach_the_export,
    a_malformed_file_names_its_place,
    any_document_comes_in_whole_or_not_at_all,
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

/// A catalog of lists.
fn catalog() -> Value {
    json!({
        "registryVersion": "1.0.0",
        "components": [
            {"id": "gateway", "dependencies": {"upstream": [], "downstream": ["search"]}},
            {"id": "search", "dependencies": ["gateway"]},
            {"id": "billing"},
        ],
        "aiNodes": [
            {"id": "writer", "category": "ai", "fallbackPolicy": {"fallbackNodes": ["reader"]}, "slo": {"target": 0.97}},
            {"id": "reader", "tool": "read", "triggers": ["read"], "status": "active"},
            {"id": "critic", "tool": "judge", "triggers": ["judge"], "status": "planned"},
        ],
        "workflows": [{"id": "publish", "dependencies": ["gateway"]}],
        "services": [
            {"id": "api", "critical": true, "endpoint": "http://localhost:4001/health", "lastScanHealthy": true, "lastScanLatencyMs": 3},
            {"id": "web", "critical": false, "endpoint": "/", "lastScanHealthy": true, "lastScanLatencyMs": null},
            {"id": "jobs", "critical": false, "endpoint": "mixed"},
        ],
        "overallScore": 0.54,
        "escalation": {"levels": ["a", "b"]},
    })
}

/// Every other shape that users have, in small: the document, its shape, and how many services, nodes and workflows.
fn shapes() -> Vec<(Value, &'static str, (usize, usize, usize))> {
    vec![
        (catalog(), "CATALOG", (3, 3, 1)),
        // The runtime's maps, ids in upper case.
        (
            json!({
                "metadata": {"last_updated": "2026-01-01T00:00:00", "all_nodes_active": false},
                "nodes": {"WRITER": {"name": "Writer", "primary_tool": "w", "trigger_on": ["draft"], "status": "available", "last_invoked": null}},
                "workflows": {"deploy": {"name": "Deploy", "file_path": "C:\\flows\\deploy.md", "slash_command": "/deploy"}},
                "tools": {"lint": {"file_path": "tools/lint.js", "dependencies": null}},
                "services": {"manager": {"name": "Manager", "endpoint": null, "port": 3300, "health_check_url": "http://localhost:3300/api/health"}},
                "skills": {},
            }),
            "MAPS",
            (1, 1, 1),
        ),
        // Services in groups: maps, lists and names.
        (
            json!({
                "$schema": "x", "name": "n", "version": "3",
                "services": {
                    "core": {"api": {"port": 1, "role": "api"}, "brain": {"port": 2, "note": "n"}, "label": "The core"},
                    "edge": [{"id": "tunnel", "endpoint": "https://edge.example/healthz"}, {"name": "cdn"}],
                    "jobs/cron": ["nightly", "weekly"],
                },
                "deployments": {"targets": ["cloud"]},
            }),
            "GROUPS",
            (6, 0, 0),
        ),
        // A map of services with ports.
        (
            json!({"services": {"a": {"port": 9000, "healthPath": "/h", "role": "site"}, "b": {"port": 9001}}, "sitePortMap": {"x.example": 9000}, "workers": {}}),
            "MAPS",
            (2, 0, 0),
        ),
        // Components under categories.
        (
            json!({
                "namingConventions": {"files": "kebab"},
                "components": {"core": {"gateway": {"type": "api", "path": "a.js"}}, "agents": {"writer": {"type": "agent"}}},
                "deprecated": ["old"],
            }),
            "GROUPS",
            (0, 0, 0),
        ),
        // Domains, nodes and layers.
        (
            json!({
                "_meta": {"version": "1"},
                "domains": {"a.example": {"primary": true}, "b.example": {"primary": false}},
                "nodes": {"soul": {"id": "soul", "version": "1", "endpoint": "/soul", "health": "/soul/health", "layer": 1, "config": {"x": 1}}},
                "layers": {"1": {"name": "inner"}},
            }),
            "MAPS",
            (0, 1, 0),
        ),
        // Services by file, nodes by path, and plain values between entries.
        (
            json!({
                "nodes": {"a": {"name": "A", "path": "nodes/a", "service": "s", "priority": 1}, "count": 1},
                "services": {"s": {"file": "s.js", "enabled": true}},
                "healthEndpoints": {"s": "/health"},
            }),
            "MAPS",
            (1, 1, 0),
        ),
        // Lists without ids, and both sections of nodes.
        (
            json!({
                "services": [{"name": "one", "healthPath": "/x", "port": 80}],
                "mcpTools": [{"name": "t", "version": 1, "enabled": true}, {"name": "u", "version": 1, "enabled": false}],
                "agentFleet": [{"role": "x"}, {"role": "y"}],
                "aiNodes": [{"id": "writer", "role": "writes"}],
                "nodes": {"second": {"type": "t"}},
            }),
            "CATALOG",
            (1, 2, 0),
        ),
        // What the scanner stores.
        (
            json!({
                "entries": {"service:api": {"type": "service", "confidence": 1.0}, "env:KEY": {"type": "env"}},
                "meta": {"created": 1, "scanCount": 2, "lastScan": null},
            }),
            "SCAN",
            (0, 0, 0),
        ),
    ]
}

async fn every_shape_comes_in_and_goes_out_whole(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (document, shape, counts) in shapes() {
        let force = ImportOptions {
            force: Some(true),
            ..of(&document)
        };
        let report = registry.import(force).await.unwrap();
        assert_eq!(
            (report.shape.as_str(), report.skipped),
            (shape, 0),
            "{document:#}"
        );
        let found = (
            registry.list_services().await.unwrap().services.len(),
            registry.list_nodes().await.unwrap().nodes.len(),
            registry.list_workflows().await.unwrap().workflows.len(),
        );
        assert_eq!(found, counts, "{document:#}");
        let exported = registry.export().await.unwrap().0;
        assert_eq!(exported, document, "{shape}");
        let again = registry.import(of(&exported)).await.unwrap();
        assert!(again.entries.is_empty(), "{:?}", again.entries);
        assert_eq!(
            again.unchanged,
            report.created + report.updated + report.unchanged
        );
        let by_section: i64 = again.sections.iter().map(|section| section.unchanged).sum();
        assert_eq!(by_section, again.unchanged);
    }
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

    // A file that changed there is newer, and says so.
    let mut newer = catalog();
    newer["services"][0]["endpoint"] = json!("http://localhost:6001/health");
    let report = registry.import(of(&newer)).await.unwrap();
    assert_eq!((report.skipped, report.updated), (0, 1));
    assert!(report.entries[0].reason.is_some());

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
        ("twice.json", "{\"services\": [],\n \"services\": []}", 2),
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

/// Any JSON, with the names that mean something here among its keys and texts.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "services",
            "nodes",
            "aiNodes",
            "workflows",
            "components",
            "id",
            "name",
            "port",
            "endpoint",
            "entries",
            "meta",
            "status",
            "dependencies",
            "upstream",
            "metadata",
            "token",
            "a",
            "b",
            "",
        ])
        .prop_map(str::to_owned),
        ".{0,6}".prop_map(|text| text.replace('\0', "0")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_document() -> impl Strategy<Value = Value> {
    let section = prop::sample::select(vec![
        "services",
        "nodes",
        "aiNodes",
        "workflows",
        "components",
        "tools",
        "a/b~c",
    ]);
    let registry = prop::collection::btree_map(section.prop_map(str::to_owned), any_json(), 1..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    prop_oneof![1 => any_json(), 4 => registry]
}

async fn any_document_comes_in_whole_or_not_at_all(fresh: Fresh) {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let registry = registry(&fresh.open().await);
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut whole) = (0, 0);
    for _ in 0..500 {
        let document = any_document().new_tree(&mut runner).unwrap().current();
        let before = registry.export().await.unwrap();
        let options = ImportOptions {
            force: Some(true),
            ..of(&document)
        };
        let report = match registry.import(options).await {
            Ok(report) => report,
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    ErrorKind::InvalidArgument,
                    "{document}: {error}"
                );
                assert_eq!(registry.export().await.unwrap(), before, "{document}");
                continue;
            }
        };
        taken += 1;
        let exported = registry.export().await.unwrap().0;
        let lossy = ["SECRET_REDACTED", "DUPLICATE_ID"];
        if !codes(&report).iter().any(|code| lossy.contains(code)) {
            whole += 1;
            assert_eq!(exported, document, "{document:#}");
        }
        let again = registry
            .import(of(&exported))
            .await
            .unwrap_or_else(|error| {
                panic!("what was exported is no registry: {error}\n{document:#}\n{exported:#}")
            });
        let changed = |entry: &ImportEntry| entry.action != ImportAction::Skip;
        assert!(
            !again.entries.iter().any(changed),
            "{document:#}\n{:?}",
            again.entries
        );
        assert_eq!(registry.export().await.unwrap().0, exported);
    }
    assert!(
        taken > 100 && whole > 80,
        "{taken} taken, {whole} whole: too few to mean anything"
    );
}
