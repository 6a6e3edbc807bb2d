//! Sources that change, go, or are replaced by an import.

use super::manifests::{Manifest, offline};
use super::*;
use crate::registry::Service;

on_both_databases!(
    a_manifest_that_is_gone_tells_nothing_of_what_went_since,
    a_manifest_is_forgotten,
    a_file_that_is_gone_is_compared_as_it_was,
    an_import_resolves_what_differed_from_the_file,
    an_answer_from_another_address_is_not_compared,
);

async fn register(registry: &Registry, id: &str, port: u16) -> Service {
    let service = RegisterService {
        id: id.into(),
        base_url: Some(format!("http://localhost:{port}")),
        ..RegisterService::default()
    };
    registry.register_service(service).await.unwrap()
}

async fn delete(registry: &Registry, id: &str) {
    let which = DeleteEntry {
        id: id.into(),
        if_version: None,
    };
    registry.delete_service(which).await.unwrap();
}

/// A manifest that was read once and is gone, and differs from services `a` and `b` and from `c`, which is none of it.
async fn gone(registry: &Registry) -> Manifest {
    for id in ["a", "b", "c"] {
        register(registry, id, 1).await;
    }
    let service = json!({"image": "x", "ports": ["2:80"]});
    let manifest =
        Manifest::of(&json!({"services": {"a": service, "b": service, "cache": service}}));
    let report = registry.detect_drift(manifest.options()).await.unwrap();
    assert_eq!(
        told(&report),
        [
            "MANIFEST a port CHANGED MEDIUM",
            "MANIFEST b port CHANGED MEDIUM",
            "MANIFEST c  MISSING MEDIUM",
            "MANIFEST cache  EXTRA MEDIUM",
        ]
    );
    std::fs::remove_file(manifest.path()).unwrap();
    manifest
}

async fn a_manifest_that_is_gone_tells_nothing_of_what_went_since(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let _manifest = gone(&registry).await;
    delete(&registry, "b").await;
    delete(&registry, "c").await;
    let moved = UpdateService {
        id: "a".into(),
        base_url: Some("http://localhost:2".into()),
        ..UpdateService::default()
    };
    registry.update_service(moved).await.unwrap();
    register(&registry, "d", 1).await;
    for _ in 0..2 {
        let report = registry.detect_drift(offline()).await.unwrap();
        let error = report.sources[0].error.clone().unwrap();
        assert_eq!(error["code"], "NOT_FOUND");
        assert_eq!(
            told(&report),
            ["MANIFEST cache  EXTRA MEDIUM", "MANIFEST d  MISSING MEDIUM"]
        );
    }
    let log = Audit::new(store).list(AuditQuery::default()).await;
    let log = log.unwrap().entries;
    let failures = log.iter().filter(|entry| entry.status == "FAILED");
    let resolved: Vec<_> = failures.map(|entry| &entry.details["resolved"]).collect();
    assert_eq!(resolved, [&json!(0), &json!(3)]);
}

async fn a_manifest_is_forgotten(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let forget = || DetectDrift {
        manifest: Some(String::new()),
        ..offline()
    };
    let nothing = registry.detect_drift(forget()).await.unwrap();
    assert!(nothing.sources.is_empty());
    let _manifest = gone(&registry).await;
    for options in [forget(), forget(), offline()] {
        let report = registry.detect_drift(options).await.unwrap();
        assert!(report.sources.is_empty() && report.drift.is_empty());
    }
    let log = Audit::new(store).list(AuditQuery::default()).await;
    let log = log.unwrap().entries;
    let looks = log.iter().filter(|entry| entry.action == "DRIFT");
    let changes: Vec<_> = looks.map(|entry| &entry.details["change"]).collect();
    assert_eq!(changes, [&json!("FORGET"), &Value::Null]);
}

async fn a_file_that_is_gone_is_compared_as_it_was(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    let text =
        |port: i64| json!({"version": port, "services": [{"id": "a", "port": port}]}).to_string();
    std::fs::write(&path, text(1)).unwrap();
    let options = ImportOptions {
        path: Some(path.display().to_string()),
        ..ImportOptions::default()
    };
    registry.import(options).await.unwrap();
    std::fs::write(&path, text(2)).unwrap();
    let both = ["FILE a port CHANGED MEDIUM", "FILE  version CHANGED LOW"];
    let report = registry.detect_drift(offline()).await.unwrap();
    assert_eq!(told(&report), both);
    std::fs::remove_file(&path).unwrap();
    let report = registry.detect_drift(offline()).await.unwrap();
    assert_eq!(told(&report), both);
    delete(&registry, "a").await;
    let report = registry.detect_drift(offline()).await.unwrap();
    assert_eq!(told(&report), ["FILE  version CHANGED LOW"]);
}

async fn an_import_resolves_what_differed_from_the_file(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let last = async || registry.list_drift(DriftQuery::default()).await.unwrap();
    import(&registry, &catalog()).await;
    assert!(last().await.sources.is_empty(), "no file was compared yet");
    let mut newer = catalog();
    newer["limits"]["a"] = json!(2);
    registry.detect_drift(file(&newer)).await.unwrap();
    let gone = DetectDrift {
        path: Some("/no/such/registry.json".into()),
        ..offline()
    };
    let failed = registry.detect_drift(gone).await.unwrap();
    assert!(failed.sources[0].error.is_some() && failed.drift.len() == 1);
    // What only would be imported resolves nothing.
    let options = ImportOptions {
        document: Some(newer.clone().into()),
        dry_run: Some(true),
        ..ImportOptions::default()
    };
    registry.import(options).await.unwrap();
    assert_eq!(last().await, failed);
    // A call is kept by an import of a document that did not change there, and still differs from it.
    let moved = UpdateService {
        id: "web".into(),
        name: Some("Another".into()),
        ..UpdateService::default()
    };
    registry.update_service(moved).await.unwrap();
    import(&registry, &newer).await;
    let report = last().await;
    assert_eq!(
        (&report.sources[0].error, told(&report)),
        (&None, vec!["FILE web name CHANGED LOW".to_owned()])
    );
    let log = Audit::new(store).list(AuditQuery::default()).await;
    let newest = &log.unwrap().entries[0];
    assert_eq!(
        (newest.action.as_str(), &newest.details["resolved"]),
        ("DRIFT", &json!(1))
    );
    let again = registry.detect_drift(file(&newer)).await.unwrap();
    assert_eq!(told(&again), told(&report));
}

async fn an_answer_from_another_address_is_not_compared(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for id in ["moved", "renamed", "stays"] {
        register(&registry, id, 1).await;
    }
    let report = registry.detect_drift(DetectDrift::default()).await.unwrap();
    assert_eq!(
        told(&report),
        [
            "LIVE moved health MISSING MEDIUM",
            "LIVE renamed health MISSING MEDIUM",
            "LIVE stays health MISSING MEDIUM",
        ]
    );
    for (id, base_url, name) in [
        ("moved", Some("http://localhost:2"), None),
        ("renamed", None, Some("Another name")),
    ] {
        let update = UpdateService {
            id: id.into(),
            base_url: base_url.map(Into::into),
            name: name.map(Into::into),
            ..UpdateService::default()
        };
        registry.update_service(update).await.unwrap();
    }
    for _ in 0..2 {
        let report = registry.detect_drift(offline()).await.unwrap();
        assert_eq!(
            told(&report),
            [
                "LIVE renamed health MISSING MEDIUM",
                "LIVE stays health MISSING MEDIUM",
            ]
        );
    }
    let report = registry.detect_drift(DetectDrift::default()).await.unwrap();
    assert_eq!(told(&report).len(), 3, "asked there, it does not answer");
}
