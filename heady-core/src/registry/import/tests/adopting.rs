//! Entries that were registered by call and come in a document afterwards.

use super::*;
use crate::registry::{DeleteEntry, DetectDrift, DriftQuery, PutNode, PutService, PutWorkflow};

on_both_databases!(
    what_was_said_by_call_is_kept_unless_forced,
    what_was_registered_anew_stays_so,
    a_placeholder_takes_no_secret_away,
    what_the_call_left_open_is_the_documents,
);

fn noted(report: &ImportReport, id: &str) -> (ImportAction, String) {
    let entry = report.entries.iter().find(|entry| entry.id == id).unwrap();
    (entry.action, entry.reason.clone().unwrap_or_default())
}

/// Imports a document, after a dry run that has to say the same.
async fn import(registry: &Registry, document: &Value) -> ImportReport {
    let dry = ImportOptions {
        dry_run: Some(true),
        ..of(document)
    };
    let told = registry.import(dry).await.unwrap();
    let report = registry.import(of(document)).await.unwrap();
    assert_eq!(told, report);
    report
}

/// Registers one of each kind by call, every field otherwise than the documents here.
async fn register(registry: &Registry) {
    let service = PutService {
        id: "b".into(),
        name: Some("Mine".into()),
        base_url: Some("http://127.0.0.1:5".into()),
        metadata: Some(json!({"owner": "me"}).into()),
        ..PutService::default()
    };
    registry.put_service(service).await.unwrap();
    let node = PutNode {
        id: "N".into(),
        triggers: Some(vec!["mine".into()]),
        enabled: Some(false),
        ..PutNode::default()
    };
    registry.put_node(node).await.unwrap();
    let workflow = PutWorkflow {
        id: "w".into(),
        max_concurrent_tasks: Some(2),
        governance: Some(json!({"approval": "mine"}).into()),
        ..PutWorkflow::default()
    };
    registry.put_workflow(workflow).await.unwrap();
}

async fn what_was_said_by_call_is_kept_unless_forced(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry
        .import(of(&json!({"services": [{"id": "a"}]})))
        .await
        .unwrap();
    register(&registry).await;
    let document = json!({
        "services": [{"id": "a"}, {"id": "b", "name": "File"}],
        "nodes": {"N": {"name": "n", "status": "active", "trigger_on": ["file"]}},
        "workflows": [
            {"id": "w", "max_concurrent_tasks": 4, "governance": {"approval": "file", "roles": ["x"]}},
        ],
    });
    let report = import(&registry, &document).await;
    let told = |id: &str, action, fields: &str| {
        let (noted, reason) = noted(&report, id);
        assert_eq!(noted, action, "{id}: {reason}");
        let expected = format!("says {fields} otherwise; kept (force takes the document's)");
        assert!(reason.contains(&expected), "{id}: {reason}");
    };
    told("b", ImportAction::Skip, "'name'");
    told("N", ImportAction::Update, "'status', 'trigger_on'");
    told(
        "w",
        ImportAction::Update,
        "'governance.approval', 'max_concurrent_tasks'",
    );

    let mut merged = document.clone();
    merged["services"][1] = json!({
        "id": "b", "name": "Mine", "endpoint": "http://127.0.0.1:5/api/health", "owner": "me",
    });
    merged["nodes"]["N"] =
        json!({"name": "n", "status": "available", "enabled": false, "trigger_on": ["mine"]});
    merged["workflows"][0]["max_concurrent_tasks"] = json!(2);
    merged["workflows"][0]["governance"]["approval"] = json!("mine");
    assert_eq!(registry.export().await.unwrap().0, merged);
    let service = registry.get_service("b").await.unwrap();
    assert_eq!(
        (service.name.as_str(), service.base_url.as_str()),
        ("Mine", "http://127.0.0.1:5")
    );
    let node = registry.get_node("N").await.unwrap();
    assert_eq!(
        (node.name.as_str(), node.enabled, &node.triggers[..]),
        ("n", false, &["mine".to_owned()][..])
    );
    let workflow = registry.get_workflow("w").await.unwrap();
    assert_eq!(workflow.max_concurrent_tasks, 2);
    assert_eq!(
        workflow.governance.0,
        json!({"approval": "mine", "roles": ["x"]})
    );

    // The same again changes nothing, and drift tells what was kept.
    let again = import(&registry, &document).await;
    assert_eq!((again.created, again.updated, again.deleted), (0, 0, 0));
    assert_eq!(again.skipped, 3);
    assert_eq!(registry.get_service("b").await.unwrap(), service);
    let look = DetectDrift {
        document: Some(document.clone().into()),
        live: Some(false),
        ..DetectDrift::default()
    };
    let drift = registry.detect_drift(look).await.unwrap().drift;
    let name = drift
        .iter()
        .find(|drift| (drift.id.as_str(), drift.path.as_str()) == ("b", "name"))
        .unwrap();
    assert_eq!(
        (&name.desired, &name.observed),
        (&Some(json!("File").into()), &Some(json!("Mine").into()))
    );
    assert_eq!(
        name.reason,
        "changed by call, and not in the file since the last import"
    );

    let forced = ImportOptions {
        force: Some(true),
        ..of(&document)
    };
    registry.import(forced).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, document);
    let drift = registry.list_drift(DriftQuery::default()).await.unwrap();
    assert!(drift.drift.is_empty(), "{:?}", drift.drift);

    // Registered by call, with force from the first.
    let other = Fresh::sqlite();
    let other = super::registry(&other.open().await);
    register(&other).await;
    let forced = ImportOptions {
        force: Some(true),
        ..of(&document)
    };
    other.import(forced).await.unwrap();
    assert_eq!(other.get_service("b").await.unwrap().name, "File");
    assert!(other.get_node("N").await.unwrap().enabled);
}

async fn what_was_registered_anew_stays_so(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"services": [
        {"id": "a", "name": "A", "endpoint": "http://file:1/h", "note": "n"}, {"id": "other"},
    ]});
    registry.import(of(&document)).await.unwrap();
    let which = DeleteEntry {
        id: "a".into(),
        if_version: None,
    };
    registry.delete_service(which).await.unwrap();
    let service = PutService {
        id: "a".into(),
        name: Some("Re".into()),
        base_url: Some("http://127.0.0.1:5".into()),
        metadata: Some(json!({"owner": "me"}).into()),
        ..PutService::default()
    };
    registry.put_service(service).await.unwrap();
    let report = import(&registry, &document).await;
    let (action, reason) = noted(&report, "a");
    assert_eq!(action, ImportAction::Update);
    assert!(
        reason.contains("'endpoint', 'name' otherwise; kept"),
        "{reason}"
    );
    let endpoint = "http://127.0.0.1:5/api/health";
    let merged = json!({"id": "a", "name": "Re", "endpoint": endpoint, "note": "n", "owner": "me"});
    assert_eq!(registry.export().await.unwrap()["services"][0], merged);
}

async fn a_placeholder_takes_no_secret_away(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let secret = |password: &str| {
        let url = format!("postgres://u:{password}@db/x");
        json!({"password": password, "env": {"DATABASE_URL": url}, "region": "eu"})
    };
    let service = PutService {
        id: "svc".into(),
        metadata: Some(secret("hunter2").into()),
        ..PutService::default()
    };
    registry.put_service(service).await.unwrap();
    let workflow = PutWorkflow {
        id: "w".into(),
        governance: Some(json!({"apiKey": "hunter2"}).into()),
        ..PutWorkflow::default()
    };
    registry.put_workflow(workflow).await.unwrap();
    let exported = registry.export().await.unwrap().0;
    for _ in 0..2 {
        let report = import(&registry, &exported).await;
        assert!(codes(&report).contains(&"SECRET_REDACTED"));
        for (id, field) in [("svc", "'password'"), ("w", "'governance.apiKey'")] {
            let (action, _) = noted(&report, id);
            assert_eq!(action, ImportAction::Skip, "{id} {field}");
        }
        assert_eq!(registry.export().await.unwrap().0, exported);
        let service = registry.get_service("svc").await.unwrap();
        assert_eq!(service.metadata["env"], secret("hunter2")["env"]);
        let workflow = registry.get_workflow("w").await.unwrap();
        assert_eq!(workflow.governance["apiKey"], "hunter2");
    }
}

async fn what_the_call_left_open_is_the_documents(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for id in ["bare", "same"] {
        let service = PutService {
            id: id.into(),
            probe_interval_ms: Some(2000),
            metadata: Some(json!({"env": {"A": 1}}).into()),
            ..PutService::default()
        };
        registry.put_service(service).await.unwrap();
    }
    let document = json!({"services": [
        {"name": "bare", "endpoint": "http://file:1/h", "env": {"B": 2}, "healthyThreshold": 1},
        {"id": "same", "probeIntervalMs": 2000, "env": {"A": 1}},
    ]});
    let report = import(&registry, &document).await;
    assert_eq!((report.updated, report.skipped), (2, 0));
    assert_eq!(noted(&report, "same").1, "was registered by call until now");
    let told = noted(&report, "bare").1;
    assert!(told.ends_with("what either says was taken"), "{told}");
    let service = registry.get_service("bare").await.unwrap();
    assert_eq!(service.base_url, "http://file:1");
    assert_eq!(
        (service.probe_interval_ms, service.healthy_threshold),
        (Some(2000), Some(1))
    );
    assert_eq!(service.metadata["env"], json!({"A": 1, "B": 2}));
    let mut merged = document.clone();
    merged["services"][0]["env"] = json!({"A": 1, "B": 2});
    merged["services"][0]["probeIntervalMs"] = json!(2000);
    assert_eq!(registry.export().await.unwrap().0, merged);
}
