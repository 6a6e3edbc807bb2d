//! Documents of any shape at all: each comes in whole or changes nothing.

use proptest::prelude::*;

use super::*;

on_both_databases!(any_document_comes_in_whole_or_not_at_all,);

/// Any JSON, with the names that mean something here among its keys and texts.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "services",
            "nodes",
            "aiNodes",
            "workflows",
            "components",
            "id",
            "name",
            "port",
            "endpoint",
            "entries",
            "meta",
            "status",
            "dependencies",
            "upstream",
            "metadata",
            "token",
            "a",
            "b",
            "",
        ])
        .prop_map(str::to_owned),
        ".{0,6}".prop_map(|text| text.replace('\0', "0")),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_document() -> impl Strategy<Value = Value> {
    let section = prop::sample::select(vec![
        "services",
        "nodes",
        "aiNodes",
        "workflows",
        "components",
        "tools",
        "a/b~c",
    ]);
    let registry = prop::collection::btree_map(section.prop_map(str::to_owned), any_json(), 1..5)
        .prop_map(|map| Value::Object(map.into_iter().collect()));
    prop_oneof![1 => any_json(), 4 => registry]
}

async fn any_document_comes_in_whole_or_not_at_all(fresh: Fresh) {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let registry = registry(&fresh.open().await);
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut whole) = (0, 0);
    for _ in 0..500 {
        let document = any_document().new_tree(&mut runner).unwrap().current();
        let before = registry.export().await.unwrap();
        let options = ImportOptions {
            force: Some(true),
            ..of(&document)
        };
        let report = match registry.import(options).await {
            Ok(report) => report,
            Err(error) => {
                assert_eq!(
                    error.kind(),
                    ErrorKind::InvalidArgument,
                    "{document}: {error}"
                );
                assert_eq!(registry.export().await.unwrap(), before, "{document}");
                continue;
            }
        };
        taken += 1;
        let exported = registry.export().await.unwrap().0;
        let lossy = ["SECRET_REDACTED", "DUPLICATE_ID"];
        if !codes(&report).iter().any(|code| lossy.contains(code)) {
            whole += 1;
            assert_eq!(exported, document, "{document:#}");
        }
        let again = registry
            .import(of(&exported))
            .await
            .unwrap_or_else(|error| {
                panic!("what was exported is no registry: {error}\n{document:#}\n{exported:#}")
            });
        let changed = |entry: &ImportEntry| entry.action != ImportAction::Skip;
        assert!(
            !again.entries.iter().any(changed),
            "{document:#}\n{:?}",
            again.entries
        );
        assert_eq!(registry.export().await.unwrap().0, exported);
    }
    assert!(
        taken > 100 && whole > 80,
        "{taken} taken, {whole} whole: too few to mean anything"
    );
}
