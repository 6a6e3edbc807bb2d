//! A catalog that comes in, changes and goes out again.

use super::*;

on_both_databases!(
    a_catalog_is_imported_and_comes_back_whole,
    importing_twice_changes_nothing,
    what_a_document_lost_is_deleted_but_not_by_accident,
    a_document_that_cannot_be_read_changes_nothing,
    maps_are_imported_too,
    duplicates_and_loose_ends_are_reported,
    typed_edits_reach_the_export,
    an_export_shows_one_moment,
    names_of_any_length_are_imported,
    imports_that_nobody_waits_for_are_few,
    what_is_imported_is_what_was_read,
);

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

async fn an_export_shows_one_moment(fresh: Fresh) {
    let (store, other) = (fresh.open().await, fresh.open().await);
    let (registry, importer) = (registry(&store), super::registry(&other));
    let documents = [1, 2].map(|n| {
        json!({
            "registryVersion": format!("{n}"), "services": [{"id": format!("s{n}")}],
            "aiNodes": [{"id": format!("n{n}")}], "workflows": [{"id": format!("w{n}")}], "limits": {"a": n},
        })
    });
    let forced = |document: &Value| ImportOptions {
        force: Some(true),
        ..of(document.clone())
    };
    importer.import(forced(&documents[0])).await.unwrap();
    let importing = {
        let documents = documents.clone();
        tokio::spawn(async move {
            for n in 1..60 {
                let document = forced(&documents[n % 2]);
                importer.import(document).await.unwrap();
            }
        })
    };
    while !importing.is_finished() {
        let exported = registry.export().await.unwrap().0;
        assert!(documents.contains(&exported), "{exported}");
    }
    importing.await.unwrap();
}

async fn names_of_any_length_are_imported(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    // Such as cannot be compressed: PostgreSQL would.
    let name = |length: usize, mut seed: u64| -> String {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            char::from(b'a' + (seed >> 40) as u8 % 26)
        };
        (0..length).map(|_| next()).collect()
    };
    let (key, section) = (name(6000, 1), name(6000, 2));
    let mut document = catalog();
    document["models"] = json!([{"id": key, "size": 1}, {"id": "small", "size": 2}]);
    document[&section] = json!({"a": {"n": 1}, key.as_str(): {"n": 2}});
    registry.import(of(document.clone())).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, document);
    document["models"][0]["size"] = json!(3);
    document[&section]["a"]["n"] = json!(4);
    registry.import(of(document.clone())).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, document);
    let without = ImportOptions {
        force: Some(true),
        ..of(catalog())
    };
    let report = registry.import(without).await.unwrap();
    assert!(report.deleted > 0);
    assert_eq!(registry.export().await.unwrap().0, catalog());
}

async fn imports_that_nobody_waits_for_are_few(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    // While somebody else has the registry's lock.
    let mut other = fresh.open().await.begin().await.unwrap();
    super::history::History::lock(&mut other).await.unwrap();
    for n in 0..20 {
        let mut document = catalog();
        document["n"] = json!(n);
        let import = registry.import(of(document));
        let waited = tokio::time::timeout(std::time::Duration::from_millis(20), import).await;
        assert!(waited.is_err(), "it waits for the lock");
    }
    drop(other);
    let imported = async || {
        let log = Audit::new(store.clone()).list(AuditQuery::default()).await;
        log.unwrap().entries.len()
    };
    // One more has to wait for those before it.
    registry.import(of(catalog())).await.unwrap();
    while registry.imports_under_way() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let imported = imported().await;
    assert!((2..=5).contains(&imported), "{imported} were carried out");
}

async fn what_is_imported_is_what_was_read(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registry.json");
    std::fs::write(&file, r#"{"services": {"api": {"port": 1}}}"#).unwrap();
    let options = ImportOptions {
        path: Some(file.display().to_string()),
        ..ImportOptions::default()
    };
    let read = ReadImport::open(options).await.unwrap();
    let after = r#"{"services": {"web": {"port": 2}, "job": {"port": 3}}}"#;
    std::fs::write(&file, after).unwrap();
    let report = registry.import_read(read).await.unwrap();
    assert_eq!(report.created, 1);
    let services = registry.list_services().await.unwrap().services;
    assert_eq!((services.len(), services[0].id.as_str()), (1, "api"));
    std::fs::remove_file(&file).unwrap();
    let drift = registry.detect_drift(DetectDrift {
        live: Some(false),
        ..DetectDrift::default()
    });
    let source = drift.await.unwrap().sources.remove(0);
    assert!(source.error.is_some(), "the path is known: {source:?}");
}
