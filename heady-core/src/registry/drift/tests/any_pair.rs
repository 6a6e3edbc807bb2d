//! Documents in which names are no names: each difference is told, and none hides another.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::diff::Finding;
use super::super::queries;
use super::*;
use crate::registry::import::{Item, Kind};

on_both_databases!(
    an_id_that_stands_twice_hides_nothing,
    keys_with_dots_and_without_letters_are_told_apart,
    two_findings_that_are_one_hide_no_other,
    a_place_may_be_of_any_length,
    any_two_documents_can_be_compared,
);

async fn an_id_that_stands_twice_hides_nothing(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let old = json!({"services": [
        {"id": "a", "port": 1}, {"id": "a", "port": 2}, {"id": "b", "port": 3}, {"id": "c", "port": 4},
    ]});
    import(&registry, &old).await;
    let new = json!({"services": [{"id": "b", "port": 99}, {"id": "c", "port": 4}]});
    let report = registry.detect_drift(file(&new)).await.unwrap();
    assert_eq!(report.sources[0].error, None);
    assert_eq!(
        told(&report),
        [
            "FILE a  EXTRA MEDIUM",
            "FILE b port CHANGED MEDIUM",
            "FILE a  EXTRA LOW"
        ]
    );
    let [real, _, kept] = &report.drift[..] else {
        panic!("{report:?}");
    };
    assert_eq!(real.reason, "gone from the file since the last import");
    assert_eq!(
        kept.reason,
        "gone from the file since the last import (another entry has this id, and counts)"
    );
    // Each keeps its own beginning.
    let again = registry.detect_drift(file(&new)).await.unwrap();
    let since = |report: &DriftReport| -> Vec<_> {
        report.drift.iter().map(|drift| drift.first_seen).collect()
    };
    assert_eq!(since(&again), since(&report));
}

async fn keys_with_dots_and_without_letters_are_told_apart(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let of = |n: i64| {
        json!({
            "services": [{"id": "a", "port": 1, "": n, "slo": {"": n, "p.95": n, "p": {"95": n}}}],
            "config": {"log.level": n, "log": {"level": n}}, "": {"x": n}, "x": n,
        })
    };
    import(&registry, &of(1)).await;
    let report = registry.detect_drift(file(&of(2))).await.unwrap();
    let places: Vec<_> = report
        .drift
        .iter()
        .map(|drift| {
            (
                drift.section.as_str(),
                drift.id.as_str(),
                drift.path.as_str(),
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("", "", "x"),
            ("", "", "x"),
            ("config", "", r#""log.level""#),
            ("config", "", "log.level"),
            ("services", "a", r#""""#),
            ("services", "a", r#"slo."""#),
            ("services", "a", r#"slo."p.95""#),
            ("services", "a", "slo.p.95"),
        ]
    );
    for drift in &report.drift {
        assert_eq!(drift.reason, "changed in the file since the last import");
    }
}

async fn two_findings_that_are_one_hide_no_other(fresh: Fresh) {
    let store = fresh.open().await;
    let change = store
        .write(|transaction| {
            Box::pin(async move {
                let finding = |id: &str, reason: &str| {
                    let item = Item::of(Kind::Other, "tools", id.into(), 0, json!({}));
                    Finding::of(&item, super::super::DriftKind::Extra, reason)
                };
                let findings = vec![finding("a", "1"), finding("a", "2"), finding("b", "3")];
                queries::replace(transaction, DriftSource::File, findings).await
            })
        })
        .await
        .unwrap();
    assert_eq!((change.appeared, change.open), (2, 2));
    let report = registry(&store)
        .list_drift(DriftQuery::default())
        .await
        .unwrap();
    let reasons: Vec<_> = report.drift.iter().map(|drift| &*drift.reason).collect();
    assert_eq!(reasons, ["1", "3"]);
}

async fn a_place_may_be_of_any_length(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    // Of letters that no index can make shorter.
    let key: String = (0..2000)
        .map(|_| crate::types::Id::new().to_string())
        .collect();
    let of = |n: i64| json!({"services": [{"id": "a", "port": 1, "slo": {key.as_str(): n}}]});
    import(&registry, &of(1)).await;
    let report = registry.detect_drift(file(&of(2))).await.unwrap();
    assert_eq!((&report.sources[0].error, report.drift.len()), (&None, 1));
}

fn word() -> impl Strategy<Value = String> {
    let words = [
        "", ".", "a", "a.b", "b", "log", "log.a", "port", "id", "name", "\"a\"", "a/b~c",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0..3_i64).prop_map(Value::from),
        word().prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_entry() -> impl Strategy<Value = Value> {
    let id = prop::sample::select(vec!["a", "a.b", "b", "a#2"]);
    let named =
        (id, prop::collection::btree_map(word(), any_json(), 0..3)).prop_map(|(id, map)| {
            let mut entry = Value::Object(map.into_iter().collect());
            entry["id"] = id.into();
            entry
        });
    prop_oneof![6 => named, 1 => any_json()]
}

fn any_document() -> impl Strategy<Value = Value> {
    let section = prop::sample::select(vec![
        "services",
        "nodes",
        "aiNodes",
        "workflows",
        "components",
        "tools",
        "registered-services",
        "config",
        "",
        "a.b",
    ]);
    let content = prop_oneof![
        3 => prop::collection::vec(any_entry(), 0..5).prop_map(Value::from),
        1 => prop::collection::btree_map(word(), any_entry(), 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect())),
        1 => any_json(),
    ];
    prop::collection::btree_map(section.prop_map(str::to_owned), content, 1..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

async fn any_two_documents_can_be_compared(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let mut runner = TestRunner::deterministic();
    let (mut compared, mut differed) = (0, 0);
    while compared < 100 {
        let mut document = || any_document().new_tree(&mut runner).unwrap().current();
        let (old, new) = (document(), document());
        let options = ImportOptions {
            document: Some(old.clone().into()),
            force: Some(true),
            ..ImportOptions::default()
        };
        if registry.import(options).await.is_err() {
            continue;
        }
        let same = registry.detect_drift(file(&old)).await.unwrap();
        assert_eq!(
            (&same.sources[0].error, told(&same)),
            (&None, vec![]),
            "{old}"
        );
        // What is no registry is the caller's mistake.
        let Ok(report) = registry.detect_drift(file(&new)).await else {
            continue;
        };
        assert_eq!(report.sources[0].error, None, "{old} {new}");
        assert_eq!(report.drift.is_empty(), old == new, "{old} {new}");
        compared += 1;
        differed += report.drift.len();
    }
    assert!(differed > 500, "{differed}");
}
