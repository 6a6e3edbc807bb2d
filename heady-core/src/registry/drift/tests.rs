//! The suite of drift, the same on both databases.

mod any_pair;
mod manifests;
mod sources;

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{DetectDrift, Drift, DriftQuery, DriftReport, DriftSeverity, DriftSource};
use crate::audit::{Audit, AuditQuery};
use crate::outbound::{HostRules, HttpClient};
use crate::registry::{DeleteEntry, ImportOptions, RegisterService, Registry, UpdateService};
use crate::store::Store;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    whoever_moved_is_named,
    drift_keeps_its_beginning_and_goes_when_it_is_resolved,
    a_source_that_fails_stops_no_other,
    what_answers_is_compared_with_what_is_registered,
    what_is_deployed_is_compared_with_what_is_registered,
    nothing_is_found_where_nothing_differs,
    an_address_is_one_however_it_is_spelled,
    what_the_caller_mistook_is_no_finding,
);

fn registry(store: &Store) -> Registry {
    let http = HttpClient::new(HostRules::default()).unwrap();
    Registry::new(store.clone(), http, Arc::from("tester"))
}

fn catalog() -> Value {
    json!({
        "registryVersion": "1", "updatedAt": "2026-01-01",
        "aiNodes": [{"id": "writer", "criticality": "high", "slo": {"target": 0.9, "p95": 3}, "triggers": ["draft"]}],
        "workflows": [{"id": "publish"}],
        "services": [
            {"id": "api", "critical": true, "endpoint": "http://127.0.0.1:1/health", "lastScanHealthy": true},
            {"id": "web", "endpoint": "/", "description": "The site"},
            {"id": "old", "endpoint": "http://127.0.0.1:1/", "status": "deprecated"},
        ],
        "limits": {"a": 1},
    })
}

async fn import(registry: &Registry, document: &Value) {
    let options = ImportOptions {
        document: Some(document.clone().into()),
        ..ImportOptions::default()
    };
    registry.import(options).await.unwrap();
}

fn file(document: &Value) -> DetectDrift {
    DetectDrift {
        document: Some(document.clone().into()),
        live: Some(false),
        ..DetectDrift::default()
    }
}

async fn an_address_is_one_however_it_is_spelled(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let document = json!({"services": [{"id": "a", "name": "A", "baseUrl": "http://127.0.0.1:9"}]});
    import(&registry, &document).await;
    let moved = |base_url: &str| UpdateService {
        id: "a".into(),
        base_url: Some(base_url.into()),
        ..UpdateService::default()
    };
    registry.update_service(moved("http://x:1")).await.unwrap();
    let report = registry.detect_drift(file(&document)).await.unwrap();
    let [drift] = &report.drift[..] else {
        panic!("{:?}", told(&report));
    };
    assert_eq!(drift.path, "endpoint");
    let address = |base: &str| Some(json!(format!("{base}/api/health")).into());
    assert_eq!(drift.desired, address("http://127.0.0.1:9"));
    assert_eq!(drift.observed, address("http://x:1"));
    let exported = registry.export().await.unwrap();
    assert_eq!(exported["services"][0].get("baseUrl"), None);
    registry
        .update_service(moved("http://127.0.0.1:9"))
        .await
        .unwrap();
    let report = registry.detect_drift(file(&document)).await.unwrap();
    assert_eq!(told(&report), Vec::<String>::new());
}

async fn what_the_caller_mistook_is_no_finding(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    for options in [
        file(&json!({"foo": 1})),
        DetectDrift {
            path: Some("registry.json".into()),
            ..file(&catalog())
        },
        DetectDrift {
            timeout_ms: Some(0),
            ..DetectDrift::default()
        },
    ] {
        let error = registry.detect_drift(options).await.unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT", "{error}");
    }
    let known = registry.list_drift(DriftQuery::default()).await.unwrap();
    assert!(known.sources.is_empty(), "{:?}", known.sources);
}

/// `SOURCE id path KIND SEVERITY`, in the order of the report.
fn told(report: &DriftReport) -> Vec<String> {
    let line = |drift: &Drift| {
        format!(
            "{} {} {} {} {}",
            drift.source, drift.id, drift.path, drift.kind, drift.severity
        )
    };
    report.drift.iter().map(line).collect()
}

fn found<'r>(report: &'r DriftReport, id: &str, path: &str) -> &'r Drift {
    let is = |drift: &&Drift| drift.id.as_str() == id && drift.path == path;
    report
        .drift
        .iter()
        .find(is)
        .unwrap_or_else(|| panic!("no {id} {path}: {:#?}", report.drift))
}

async fn nothing_is_found_where_nothing_differs(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let offline = || DetectDrift {
        live: Some(false),
        ..DetectDrift::default()
    };
    let nothing = registry.detect_drift(offline()).await.unwrap();
    assert!(nothing.sources.is_empty() && nothing.drift.is_empty());
    import(&registry, &catalog()).await;
    // What a scanner wrote after looking is no declaration.
    let mut scanned = catalog();
    scanned["updatedAt"] = json!("2026-02-02");
    scanned["services"][0]["lastScanHealthy"] = json!(false);
    for options in [offline(), file(&catalog()), file(&scanned)] {
        let report = registry.detect_drift(options).await.unwrap();
        assert_eq!(told(&report), [""; 0]);
        assert_eq!(
            (report.sources.len(), report.sources[0].source),
            (1, DriftSource::File)
        );
        assert_eq!(
            (report.sources[0].observed, &report.sources[0].error),
            (6, &None)
        );
    }
}

async fn whoever_moved_is_named(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    import(&registry, &catalog()).await;
    let moved = UpdateService {
        id: "api".into(),
        base_url: Some("http://127.0.0.1:2".into()),
        ..UpdateService::default()
    };
    registry.update_service(moved).await.unwrap();
    let own = RegisterService {
        id: "own".into(),
        ..RegisterService::default()
    };
    registry.register_service(own).await.unwrap();
    let which = DeleteEntry {
        id: "publish".into(),
        if_version: None,
    };
    registry.delete_workflow(which).await.unwrap();

    let mut newer = catalog();
    newer["registryVersion"] = json!("2");
    newer["limits"]["a"] = json!(2);
    newer["aiNodes"][0]["slo"]["target"] = json!(0.99);
    newer["aiNodes"][0]["triggers"] = json!(["draft", "edit"]);
    newer["services"][0]["endpoint"] = json!("http://127.0.0.1:3/health");
    newer["services"].as_array_mut().unwrap().remove(1);
    newer["services"]
        .as_array_mut()
        .unwrap()
        .push(json!({"id": "new", "critical": true}));
    let report = registry.detect_drift(file(&newer)).await.unwrap();
    assert_eq!(
        told(&report),
        [
            "FILE api endpoint CHANGED CRITICAL",
            "FILE new  MISSING CRITICAL",
            "FILE writer triggers CHANGED HIGH",
            "FILE own  EXTRA MEDIUM",
            "FILE web  EXTRA MEDIUM",
            "FILE publish  MISSING MEDIUM",
            "FILE  registryVersion CHANGED LOW",
            "FILE writer slo.target CHANGED LOW",
            "FILE  a CHANGED LOW",
        ]
    );
    let reason = |id: &str, path: &str| found(&report, id, path).reason.as_str();
    assert_eq!(
        reason("api", "endpoint"),
        "changed in the file and by call since the last import"
    );
    assert_eq!(
        reason("writer", "slo.target"),
        "changed in the file since the last import"
    );
    assert_eq!(
        reason("publish", ""),
        "deleted by call since the last import"
    );
    assert_eq!(reason("new", ""), "new in the file, not imported yet");
    let (own, web) = (found(&report, "own", ""), found(&report, "web", ""));
    assert_eq!(
        (own.orphan, own.reason.as_str()),
        (false, "registered by call, not in the file")
    );
    assert_eq!((web.orphan, &web.desired), (true, &None));
    assert_eq!(web.observed.as_ref().unwrap()["description"], "The site");
    let target = found(&report, "writer", "slo.target");
    assert_eq!(
        (
            target.desired.clone().unwrap().0,
            target.observed.clone().unwrap().0
        ),
        (json!(0.99), json!(0.9))
    );

    let listed = registry.list_drift(DriftQuery::default()).await.unwrap();
    assert_eq!(listed, report);
    let severe = DriftQuery {
        severity: Some(DriftSeverity::High),
        ..DriftQuery::default()
    };
    assert_eq!(registry.list_drift(severe).await.unwrap().drift.len(), 3);
    let one = DriftQuery {
        id: Some("api".into()),
        source: Some(DriftSource::File),
        ..DriftQuery::default()
    };
    assert_eq!(registry.list_drift(one).await.unwrap().drift.len(), 1);
    let log = Audit::new(store)
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(
        (log[0].action.as_str(), &log[0].details["appeared"]),
        ("DRIFT", &json!(9))
    );
}

async fn drift_keeps_its_beginning_and_goes_when_it_is_resolved(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    import(&registry, &catalog()).await;
    let mut newer = catalog();
    newer["services"][1]["description"] = json!("Another");
    newer["limits"]["a"] = json!(2);
    let first = registry.detect_drift(file(&newer)).await.unwrap();
    newer["limits"]["a"] = json!(3);
    let second = registry.detect_drift(file(&newer)).await.unwrap();
    for (old, new) in first.drift.iter().zip(&second.drift) {
        assert_eq!(old.first_seen, new.first_seen);
        assert!(new.last_seen > old.last_seen);
    }
    assert_eq!(found(&second, "", "a").desired, Some(json!(3).into()));
    let looks = |log: Vec<crate::audit::AuditEntry>| {
        log.iter().filter(|entry| entry.action == "DRIFT").count()
    };
    let audit = Audit::new(store.clone());
    assert_eq!(
        looks(audit.list(AuditQuery::default()).await.unwrap().entries),
        1,
        "the second look found nothing new"
    );

    import(&registry, &newer).await;
    let resolved = registry.detect_drift(file(&newer)).await.unwrap();
    assert_eq!(told(&resolved), [""; 0]);
    let log = audit.list(AuditQuery::default()).await.unwrap().entries;
    assert_eq!(
        (&log[0].details["resolved"], &log[0].details["open"]),
        (&json!(2), &json!(0))
    );
}

async fn a_source_that_fails_stops_no_other(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    import(&registry, &catalog()).await;
    let mut newer = catalog();
    newer["limits"]["a"] = json!(2);
    registry.detect_drift(file(&newer)).await.unwrap();
    let both = DetectDrift {
        path: Some("/no/such/registry.json".into()),
        manifest: Some("/no/such/compose.yaml".into()),
        ..DetectDrift::default()
    };
    let report = registry.detect_drift(both).await.unwrap();
    let sources: Vec<_> = report
        .sources
        .iter()
        .map(|source| {
            (
                source.source.as_str(),
                source.error.as_ref().map(|error| error["code"].clone()),
            )
        })
        .collect();
    assert_eq!(
        sources,
        [
            ("FILE", Some(json!("NOT_FOUND"))),
            ("LIVE", None),
            ("MANIFEST", Some(json!("NOT_FOUND")))
        ]
    );
    assert!(report.sources[0].failed_at > report.sources[0].taken_at);
    // What it said before is still compared, and what others find is added.
    assert_eq!(
        told(&report),
        ["LIVE api health MISSING CRITICAL", "FILE  a CHANGED LOW"]
    );
    let log = Audit::new(store)
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(
        log.iter().filter(|entry| entry.status == "FAILED").count(),
        2
    );
    // A look that succeeds again is clean.
    let report = registry.detect_drift(file(&catalog())).await.unwrap();
    assert_eq!(
        (&report.sources[0].error, &report.sources[0].failed_at),
        (&None, &None)
    );
    assert_eq!(told(&report), ["LIVE api health MISSING CRITICAL"]);
    // And what could never be read is not looked for for ever.
    assert_eq!(report.sources.len(), 2);
}

/// A server that answers `/ok` with 200 and anything else with 503.
async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let count = stream.read(&mut request).await.unwrap_or_default();
            let ok = request[..count].starts_with(b"GET /ok ");
            let status = if ok { "200 OK" } else { "503 Ill" };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    base
}

async fn what_answers_is_compared_with_what_is_registered(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let base = server().await;
    let mut document = catalog();
    document["services"].as_array_mut().unwrap().extend([
        json!({"id": "fine", "endpoint": format!("{base}/ok")}),
        json!({"id": "ill", "endpoint": format!("{base}/ill"), "criticality": "high"}),
        json!({"id": "off", "endpoint": format!("{base}/ok"), "status": "planned"}),
    ]);
    import(&registry, &document).await;
    let report = registry.detect_drift(DetectDrift::default()).await.unwrap();
    assert_eq!(
        told(&report),
        [
            "LIVE api health MISSING CRITICAL",
            "LIVE ill health CHANGED HIGH",
            "LIVE off status CHANGED LOW"
        ]
    );
    let api = found(&report, "api", "health");
    assert_eq!(
        (&api.desired, &api.observed),
        (
            &Some(json!("HEALTHY").into()),
            &Some(json!("UNHEALTHY").into())
        )
    );
    assert!(api.reason.contains("claimed"), "{}", api.reason);
    let live = &report.sources[1];
    assert_eq!(
        (live.source, live.observed, live.unobserved),
        (DriftSource::Live, 5, 1)
    );
}

async fn what_is_deployed_is_compared_with_what_is_registered(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let services = json!({"services": {
        "api": {"port": 3301, "version": "1.2"}, "web": {"port": 80}, "jobs": {"role": "x"}, "later": {"status": "planned"},
    }});
    import(&registry, &services).await;
    let folder = tempfile::tempdir().unwrap();
    let manifest = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        DetectDrift {
            manifest: Some(path.display().to_string()),
            live: Some(false),
            ..DetectDrift::default()
        }
    };
    let compose = manifest(
        "compose.yaml",
        "services:\n  api: {image: 'registry:5000/api:1.3', ports: ['127.0.0.1:3302:80/tcp']}\n  web: {build: ., ports: [{published: 80, target: 80}]}\n  cache: {image: redis}\n",
    );
    let expected = [
        "MANIFEST api port CHANGED MEDIUM",
        "MANIFEST cache  EXTRA MEDIUM",
        "MANIFEST jobs  MISSING MEDIUM",
        "MANIFEST api version CHANGED LOW",
    ];
    let report = registry.detect_drift(compose).await.unwrap();
    assert_eq!(told(&report), expected);
    assert!(found(&report, "cache", "").orphan);
    assert_eq!(
        found(&report, "api", "version").observed,
        Some(json!("1.3").into())
    );
    // The manifest is remembered.
    let again = DetectDrift {
        live: Some(false),
        ..DetectDrift::default()
    };
    let remembered = registry.detect_drift(again.clone()).await.unwrap();
    assert_eq!(told(&remembered), expected);

    for (name, text) in [
        (
            "apps.json",
            r#"{"apps": [{"name": "api", "env": {"PORT": "3301"}}, {"name": "web"}, {"name": "jobs"}]}"#,
        ),
        (
            "registry.json",
            r#"{"services": [{"id": "api", "port": 3301}, {"id": "web"}, {"id": "jobs"}]}"#,
        ),
    ] {
        let report = registry.detect_drift(manifest(name, text)).await.unwrap();
        assert_eq!(told(&report), [""; 0], "{name}");
    }
    let report = registry
        .detect_drift(manifest("other.json", r#"{"scripts": {}}"#))
        .await
        .unwrap();
    assert_eq!(
        report.sources[1].error.as_ref().unwrap()["code"],
        "INVALID_ARGUMENT"
    );
    // A mistake does not take the place of what is remembered.
    let remembered = registry.detect_drift(again).await.unwrap();
    let manifest = &remembered.sources[1];
    assert_eq!(manifest.error, None);
    assert!(
        manifest
            .location
            .as_ref()
            .unwrap()
            .ends_with("registry.json")
    );
}
