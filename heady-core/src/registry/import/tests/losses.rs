//! What an import takes away: what is refused, what is none, and what is told.

use serde_json::Map;

use super::*;

on_both_databases!(
    components_may_be_grouped_anew,
    other_sections_do_not_dilute_what_is_lost,
    sections_that_change_alone_are_told,
    collections_of_plain_values_are_not_lost_by_accident,
    settings_and_few_plain_values_come_and_go,
);

async fn components_may_be_grouped_anew(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let component = |n: usize| json!({"id": format!("c{n}"), "type": "module"});
    let list = |range: std::ops::Range<usize>| range.map(component).collect::<Vec<_>>();
    let mut document = json!({"components": list(0..8), "services": [{"id": "a", "port": 1}]});
    registry.import(of(&document)).await.unwrap();
    document["components"] = json!({"core": list(0..4), "edge": list(4..8)});
    let report = registry.import(of(&document)).await.unwrap();
    let counts = (
        report.created,
        report.updated,
        report.deleted,
        report.unchanged,
    );
    assert_eq!(counts, (0, 0, 0, 9), "{:?}", report.entries);
    assert_eq!(registry.export().await.unwrap().0, document);
    // One that moves and changes is updated, and one that goes is deleted.
    let mut edge = list(4..7);
    edge.push(json!({"id": "c0", "type": "other"}));
    document["components"] = json!({"core": list(1..4), "edge": edge});
    let report = registry.import(of(&document)).await.unwrap();
    assert_eq!((report.created, report.updated, report.deleted), (0, 1, 1));
    assert_eq!(registry.export().await.unwrap().0, document);
}

async fn other_sections_do_not_dilute_what_is_lost(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let entries = |prefix: &str, many: usize| {
        (0..many)
            .map(|n| json!({"id": format!("{prefix}{n}"), "port": n + 1}))
            .collect::<Vec<_>>()
    };
    let with = |services: usize, docs: usize| json!({"services": entries("s", services), "docs": entries("d", docs), "tests": entries("t", 20)});
    registry.import(of(&with(4, 9))).await.unwrap();
    for (document, what) in [
        (with(1, 9), "among them 3 of 4 services"),
        (with(4, 5), "among them 4 of 9 of 'docs'"),
        (with(0, 9), "among them all 4 services"),
    ] {
        let refused = registry.import(of(&document)).await.unwrap_err();
        assert!(refused.message().contains(what), "{refused}");
    }
    // Small edits of every day.
    for document in [with(3, 8), with(2, 6)] {
        registry.import(of(&document)).await.unwrap();
    }
}

async fn sections_that_change_alone_are_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({
        "services": [{"id": "a", "port": 1}, {"id": "b", "port": 2}], "workflows": [],
        "docs": [{"id": "d"}],
    });
    registry.import(of(&document)).await.unwrap();
    let other = json!({
        "services": {"a": {"id": "a", "port": 1}, "b": {"id": "b", "port": 2}}, "nodes": {},
        "docs": [{"id": "d"}], "tests": [{"id": "t"}],
    });
    let report = registry.import(of(&other)).await.unwrap();
    assert_eq!((report.created, report.updated, report.deleted), (1, 0, 0));
    let told = |warning: &&crate::Warning| warning.code == "SECTION_CHANGED";
    let told: Vec<_> = report.warnings.iter().filter(told).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0].message,
        "of the sections 'workflows' goes, 'nodes' is new, 'services' was list and is map"
    );
    let again = registry.import(of(&other)).await.unwrap();
    assert!(!codes(&again).contains(&"SECTION_CHANGED"));
}

async fn collections_of_plain_values_are_not_lost_by_accident(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let ports: Map<String, Value> = (0..47)
        .map(|n| (format!("f{n}"), json!(9000 + n)))
        .collect();
    let texts: Vec<String> = (0..40).map(|n| format!("t{n}")).collect();
    let document = json!({
        "services": [{"id": "a", "port": 1}, {"id": "b", "port": 2}], "sitePortMap": ports, "texts": texts,
    });
    registry.import(of(&document)).await.unwrap();
    for (section, value, what) in [
        (
            "sitePortMap",
            json!({}),
            "47 of 50 imported entries, among them all 47 of 'sitePortMap'",
        ),
        (
            "sitePortMap",
            json!({"f0": 9000, "f1": 9001, "f2": 9002}),
            "44 of 47 of 'sitePortMap'",
        ),
        (
            "texts",
            json!(["t0"]),
            "39 of 43 imported entries, among them 39 of 40 of 'texts'",
        ),
        (
            "texts",
            Value::Null,
            "40 of 43 imported entries, among them all 40 of 'texts'",
        ),
    ] {
        let mut less = document.clone();
        if value.is_null() {
            less.as_object_mut().unwrap().remove(section);
        } else {
            less[section] = value;
        }
        let refused = registry.import(of(&less)).await.unwrap_err();
        assert!(refused.message().contains(what), "{refused}");
    }
    let mut less = document;
    less["texts"] = json!(texts[..30]);
    less["sitePortMap"] = (0..36).map(|n| (format!("f{n}"), json!(1))).collect();
    registry.import(of(&less)).await.unwrap();
    // As many entries as there were texts are no loss, but not the other way round.
    less["texts"] = texts[..30].iter().map(|id| json!({"id": id})).collect();
    registry.import(of(&less)).await.unwrap();
    less["texts"] = json!(texts[..30]);
    let refused = registry.import(of(&less)).await.unwrap_err();
    assert!(refused.message().contains("all 30 of 'texts'"), "{refused}");
}

async fn settings_and_few_plain_values_come_and_go(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = |settings: Value, flags: Value, tags: Value| json!({"services": [{"id": "a", "port": 1}], "settings": settings, "flags": flags, "tags": tags});
    let mixed = json!({"mode": "fast", "depth": 3, "on": true, "levels": [1, 2], "a": 1, "b": 2});
    let flags = json!({"a": true, "b": false, "c": true, "d": true});
    let full = document(mixed, flags, json!(["x", "y", "z"]));
    registry.import(of(&full)).await.unwrap();
    let less = document(
        json!({"mode": "slow"}),
        json!({"a": true, "b": true}),
        json!(["z"]),
    );
    registry.import(of(&less)).await.unwrap();
    assert_eq!(registry.export().await.unwrap().0, less);
}
