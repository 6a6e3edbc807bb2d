//! What an import takes away: what is refused, what is none, and what is told.

use super::*;

on_both_databases!(
    components_may_be_grouped_anew,
    other_sections_do_not_dilute_what_is_lost,
    sections_that_change_alone_are_told,
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
