//! Files in which an id stands twice, and what else is told of a file before anything is done.

use super::*;

on_both_databases!(
    an_id_that_stands_twice_in_a_map_is_reported_and_the_last_counts,
    keys_that_are_one_text_are_one_in_yaml,
    what_is_nested_too_deeply_is_refused_before_anything_is_done,
    a_text_is_a_document_as_well,
);

async fn import(registry: &Registry, name: &str, text: &str) -> crate::Result<ImportReport> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let options = ImportOptions {
        path: Some(path.display().to_string()),
        force: Some(true),
        ..ImportOptions::default()
    };
    registry.import(options).await
}

fn told(report: &ImportReport) -> Vec<(&str, &str)> {
    let warnings = report.warnings.iter();
    let of_keys = warnings.filter(|warning| warning.message.contains("twice"));
    of_keys
        .map(|warning| (warning.code.as_str(), warning.path.as_str()))
        .collect()
}

async fn an_id_that_stands_twice_in_a_map_is_reported_and_the_last_counts(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let text = r#"{"services": {
            "heady-health": {"port": 4305}, "ok": {"port": 1}, "heady-health": {"port": 4337},
            "same": {"port": 2, "note": "a", "note": "b"}, "same": {"port": 2, "note": "b"}
        },
        "limits": {"max": 1, "max": 2}}"#;
    let report = import(&registry, "r.json", text).await.unwrap();
    assert_eq!(
        told(&report),
        [
            ("CONFLICTING_ID", "services.heady-health"),
            ("REPEATED_KEY", "services.same.note"),
            ("DUPLICATE_ID", "services.same"),
            ("REPEATED_KEY", "limits.max"),
        ]
    );
    assert_eq!((report.created, report.skipped), (4, 2));
    let health = registry.get_service("heady-health").await.unwrap();
    assert_eq!(health.base_url, "http://localhost:4337");
    let exported = registry.export().await.unwrap().0;
    assert_eq!(exported, serde_json::from_str::<Value>(text).unwrap());
    let again = import(&registry, "r.json", text).await.unwrap();
    assert_eq!((again.unchanged, again.skipped), (4, 2));
}

async fn keys_that_are_one_text_are_one_in_yaml(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let text = "services:\n  1: {port: 1}\n  \"1\": {port: 2}\n";
    let report = import(&registry, "r.yaml", text).await.unwrap();
    assert_eq!(told(&report), [("CONFLICTING_ID", "services.1")]);
    let service = registry.get_service("1").await.unwrap();
    assert_eq!(service.base_url, "http://localhost:2");
}

async fn what_is_nested_too_deeply_is_refused_before_anything_is_done(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (levels, is_taken) in [(97, true), (98, false), (101, false)] {
        let nested = "[".repeat(levels) + &"]".repeat(levels);
        let text = format!(r#"{{"services": [{{"id": "a", "x": {nested}}}]}}"#);
        let dry = ImportOptions {
            dry_run: Some(true),
            ..of(&Value::String(text))
        };
        let Err(error) = registry.import(dry).await else {
            assert!(is_taken, "{levels}");
            continue;
        };
        assert!(!is_taken, "{levels}: {error}");
        let message = error.message();
        assert!(
            message.starts_with("'document': services[0].x[0][0]"),
            "{message}"
        );
        assert!(
            message.ends_with("…: JSON is nested in more than 100 levels"),
            "{message}"
        );
    }
    let nul = json!({"services": [{"id": "a", "x": ["a\0"]}]});
    let error = registry.import(of(&nul)).await.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("'document': services[0].x[0]: "),
        "{error}"
    );
}

async fn a_text_is_a_document_as_well(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let text = Value::String(catalog().to_string());
    registry.import(of(&text)).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, catalog());
    let broken = Value::String("{\n\"services\": ]}".to_owned());
    let error = registry.import(of(&broken)).await.unwrap_err();
    assert_eq!(error.details().unwrap()["line"], 2);
}
