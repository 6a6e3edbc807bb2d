//! Groups of entries: told member by member, whatever stands beside them.

use super::*;

on_both_databases!(
    what_stands_beside_groups_hides_no_entry,
    components_in_groups_are_told_by_where_they_are,
    what_may_be_a_group_is_told,
    a_registry_may_have_sections_of_other_formats,
);

async fn services(registry: &Registry) -> Vec<String> {
    let services = registry.list_services().await.unwrap().services;
    let ids = services.iter().map(|service| service.id.to_string());
    ids.collect()
}

fn forced(document: &Value) -> ImportOptions {
    ImportOptions {
        force: Some(true),
        ..of(document)
    }
}

async fn what_stands_beside_groups_hides_no_entry(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let base = |n: i32| format!("http://localhost:{n}");
    for (services_of, expected) in [
        (
            json!({"core": {"api": {"port": 1}, "web": {"port": 2}}, "edge": {"gw": {"port": 3}}, "limits": {"max": 5}}),
            &["api", "gw", "web"][..],
        ),
        (
            json!({"core": {"api": {"port": 1}, "web": {"port": 2}}, "edge": {"gw": {"port": 3}}, "tags": ["has space", 5]}),
            &["api", "gw", "web"],
        ),
        (
            json!({"core": {"api": {"baseUrl": base(1)}}, "edge": {"gw": {"baseUrl": base(3)}}}),
            &["api", "gw"],
        ),
        (
            json!({"core": {"api": {"host": "a.example", "healthEndpoint": "/h"}}, "edge": {"gw": {"domain": "x.example"}}}),
            &["api", "gw"],
        ),
        (
            json!({"core": {"host": "a.example", "api": {"port": 1}}, "edge": {"gw": {"port": 2}}}),
            &["api", "gw"],
        ),
        (
            json!({"core": {"inner": {"a": {"port": 1}}, "outer": {"b": {"port": 2}, "c": {"port": 3}}}, "edge": {"gw": {"port": 4}}}),
            &["a", "b", "c", "gw"],
        ),
        (
            json!({
                "core": {"name": "Core", "services": {"api": {"port": 1}, "web": {"port": 2}}, "owner": {"name": "O"}},
                "edge": {"description": "Edge", "services": [{"id": "gw", "port": 3}]},
                "lab": {"services": {"x": {"name": "X"}}},
            }),
            &["api", "gw", "web", "x"],
        ),
        // Entries and groups side by side.
        (
            json!({"front": {"port": 1}, "core": {"api": {"port": 2}, "web": {"port": 3}}, "edge": [{"id": "gw", "port": 4}]}),
            &["api", "front", "gw", "web"],
        ),
        // Parts of entries are no entries.
        (
            json!({"api": {"port": 1}, "worker": {"config": {"enabled": true}, "slo": {"p95": 1}}}),
            &["api", "worker"],
        ),
        (
            json!({"api": {"owner": {"name": "O"}}, "web": {"slo": 1}}),
            &["api", "web"],
        ),
        (
            json!({"api": {"name": "API", "services": ["db", "cache"]}, "db": {"name": "DB"}}),
            &["api", "db"],
        ),
    ] {
        let document = json!({"services": services_of});
        let report = registry.import(forced(&document)).await.unwrap();
        assert_eq!(services(&registry).await, expected, "{document}");
        assert_eq!(report.skipped, 0, "{document}");
        let exported = registry.export().await.unwrap().0;
        assert_eq!(exported, document);
        let again = registry.import(of(&exported)).await.unwrap();
        assert!(again.entries.is_empty(), "{document}: {:?}", again.entries);
    }
}

async fn components_in_groups_are_told_by_where_they_are(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document =
        json!({"components": {"core": {"manager": {"location": "src/m.js", "purpose": "p"}}}});
    let report = registry.import(of(&document)).await.unwrap();
    assert_eq!(report.shape, "GROUPS");
    let created = (
        report.entries[0].section.as_str(),
        report.entries[0].id.as_str(),
    );
    assert_eq!(created, ("components/core", "manager"));
    assert_eq!(registry.export().await.unwrap().0, document);
}

async fn what_may_be_a_group_is_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"services": {
        "api": {"port": 1},
        "core": {"web": {"mode": "a"}, "db": {"mode": "b"}},
    }});
    let report = registry.import(of(&document)).await.unwrap();
    assert_eq!(services(&registry).await, ["api", "core"]);
    let told: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "UNCLEAR_GROUP")
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(told, ["services.core"]);
    for (services_of, told) in [
        (
            json!([{"name": "Core", "services": [{"id": "api", "port": 1}]}]),
            "services.Core",
        ),
        (
            json!({"core": {"name": "Core", "api": {"port": 1}, "web": {"port": 2}}}),
            "services.core",
        ),
        (
            json!({"core": {"port": 80, "services": {"api": {"port": 1}}}}),
            "services.core",
        ),
    ] {
        let document = json!({"services": services_of});
        let report = registry.import(forced(&document)).await.unwrap();
        let is_told =
            |warning: &crate::Warning| warning.code == "UNCLEAR_GROUP" && warning.path == told;
        assert!(report.warnings.iter().any(is_told), "{document}");
    }
    // Among groups such a thing is kept as one value, and that is told as well.
    let document = json!({"services": {
        "edge": {"gw": {"port": 1}},
        "core": {"web": {"mode": "a"}, "db": {"mode": "b"}},
    }});
    let report = registry.import(forced(&document)).await.unwrap();
    assert_eq!(services(&registry).await, ["gw"]);
    let told = |warning: &&crate::Warning| warning.code == "NOT_ENTRIES";
    let warning = report.warnings.iter().find(told).unwrap();
    assert_eq!(warning.path, "services.core");
}

async fn a_registry_may_have_sections_of_other_formats(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    for (key, value) in [
        ("pipeline", json!({"stages": ["build"]})),
        ("mcpServers", json!({"x": {"command": "npx"}})),
        ("scripts", json!({"start": "node ."})),
        ("links", json!([{"from": "writer", "to": "reader"}])),
        ("connections", json!({"writer": "reader"})),
        ("openapi", json!("3.1.0")),
    ] {
        let mut document = catalog();
        document["name"] = json!("heady");
        document["version"] = json!("1.0.0");
        document["nodes"] = json!({"scribe": {"name": "S"}});
        document[key] = value;
        registry.import(forced(&document)).await.unwrap();
        assert_eq!(registry.export().await.unwrap().0, document);
    }
    let image = json!({"services": {"web": {"image": "nginx", "port": 80, "healthPath": "/h", "role": "x"}}});
    registry.import(forced(&image)).await.unwrap();
    assert_eq!(services(&registry).await, ["web"]);
}
