//! What an import tells besides the entries.

use super::*;

on_both_databases!(
    what_changes_beside_the_sections_is_told,
    health_that_is_asked_elsewhere_is_told,
    numbers_that_lose_digits_are_told,
    what_is_lost_within_a_value_counts,
    entries_that_call_themselves_otherwise_are_told,
    what_is_wrong_with_an_id_is_told,
);

async fn what_changes_beside_the_sections_is_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let services = json!([{"id": "a", "endpoint": "http://127.0.0.1:1"}]);
    let document = json!({"registryVersion": "1", "description": "x", "services": services});
    let first = registry.import(of(&document)).await.unwrap();
    assert_eq!(codes(&first), Vec::<&str>::new(), "all of it is new");
    let again = registry.import(of(&document)).await.unwrap();
    assert_eq!(codes(&again), Vec::<&str>::new());
    let pasted = json!({"organization": "o", "description": "y", "services": services});
    let dry = ImportOptions {
        dry_run: Some(true),
        ..of(&pasted)
    };
    for options in [dry, of(&pasted)] {
        let report = registry.import(options).await.unwrap();
        assert_eq!(codes(&report), ["TOP_LEVEL"]);
        assert_eq!(
            report.warnings[0].message,
            "of the values beside the sections 'registryVersion' goes, 'description' changes, 'organization' is new"
        );
    }
}

async fn health_that_is_asked_elsewhere_is_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let services = json!({
        "same": {"endpoint": "http://127.0.0.1:1", "health_check_url": "http://127.0.0.1:1/hc"},
        "elsewhere": {"endpoint": "http://127.0.0.1:1", "health_check_url": "http://127.0.0.1:2/hc"},
        "word": {"endpoint": "http://127.0.0.1:1", "healthPath": "hc", "health": "fine"},
    });
    let document = json!({"services": services, "workflows": {"w": {"name": "W"}}});
    let report = registry.import(of(&document)).await.unwrap();
    let told: Vec<_> = report
        .warnings
        .iter()
        .map(|warning| (warning.code.as_str(), warning.path.as_str()))
        .collect();
    let setting = "PROBE_SETTING";
    assert_eq!(
        told,
        [
            (setting, "services.elsewhere.health_check_url"),
            (setting, "services.word.healthPath")
        ]
    );
    assert!(report.warnings[0].message.contains("http://127.0.0.1:1/hc"));
}

async fn numbers_that_lose_digits_are_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("registry.json");
    let text = r#"{"services": [{"id": "a", "port": 1, "ids": [18446744073709551615, 18446744073709551616]}],
        "limits": {"most": -123456789012345678901234567890, "share": 0.1}}"#;
    std::fs::write(&path, text).unwrap();
    let options = ImportOptions {
        path: Some(path.display().to_string()),
        ..ImportOptions::default()
    };
    let report = registry.import(options).await.unwrap();
    let rounded: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "NUMBER_ROUNDED")
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(rounded, ["limits.most", "services[0].ids[1]"]);
    let exported = registry.export().await.unwrap();
    assert_eq!(exported["services"][0]["ids"][0], u64::MAX);
}

async fn what_is_lost_within_a_value_counts(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let tool = |n: i32| json!({"id": format!("t{n}")});
    let with = |tools: Vec<Value>| json!({"services": [{"id": "a", "endpoint": "http://127.0.0.1:1"}], "tools": tools});
    let twice = with((0..20).chain([0]).map(tool).collect());
    let first = registry.import(of(&twice)).await.unwrap();
    assert_eq!(codes(&first), ["DUPLICATE_ID"]);
    assert_eq!(registry.export().await.unwrap().0, twice, "both copies");

    for (tools, what) in [
        (vec![], "among them all 21 of 'tools'"),
        (
            vec![tool(1)],
            "20 of 22 imported entries, among them 20 of 21 of 'tools'",
        ),
    ] {
        let refused = registry.import(of(&with(tools))).await.unwrap_err();
        assert!(refused.message().contains(what), "{refused}");
    }
    // In another form nothing is lost, whichever it was.
    let once = with((0..20).map(tool).collect());
    for document in [&once, &twice, &once] {
        let report = registry.import(of(document)).await.unwrap();
        assert_eq!(report.deleted, 0);
        assert_eq!(registry.export().await.unwrap().0, *document);
    }
    let refused = registry.import(of(&with(vec![tool(3)]))).await.unwrap_err();
    assert!(refused.message().contains("19 of 21"), "{refused}");
}

async fn entries_that_call_themselves_otherwise_are_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let nodes =
        json!({"vector": {"id": "VECTOR-X", "role": "r"}, "same": {"id": "same", "role": "r"}});
    let document = json!({"nodes": nodes, "limits": {"a": {"id": "b"}}});
    let report = registry.import(of(&document)).await.unwrap();
    assert_eq!(codes(&report), ["DIFFERENT_ID"]);
    assert_eq!(report.warnings[0].path, "nodes.vector");
    registry.get_node("vector").await.unwrap();
}

async fn what_is_wrong_with_an_id_is_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let long = "x".repeat(201);
    let document = json!({"services": {"a": {"port": 1}, "..": {"port": 2}, long: {"port": 3}}});
    let report = registry.import(of(&document)).await.unwrap();
    let skipped = report
        .entries
        .iter()
        .filter(|entry| entry.action == ImportAction::Skip);
    let reasons: Vec<_> = skipped
        .map(|entry| entry.reason.as_deref().unwrap_or_default())
        .collect();
    assert_eq!(
        reasons,
        [
            "has an id that no address can have, '.' or '..'; kept for the export only",
            "has no id of 1 to 200 characters without control characters; kept for the export only"
        ]
    );
}
