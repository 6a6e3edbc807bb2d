//! Where what was registered by call goes in an export, and how what was written stays.

use super::*;

on_both_databases!(
    what_takes_the_place_of_entries_hides_none,
    a_word_stays_a_word,
);

async fn what_takes_the_place_of_entries_hides_none(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let service = async |id: &str| {
        let service = RegisterService {
            id: id.into(),
            base_url: Some("http://127.0.0.1:1".into()),
            ..RegisterService::default()
        };
        registry.register_service(service).await.unwrap();
    };
    let groups =
        json!({"core": {"api": {"port": 1}}, "edge": {"gw": {"port": 3}}, "ungrouped": "none"});
    let document = json!({"services": groups, "workflows": "none"});
    registry.import(of(&document)).await.unwrap();
    service("bycall").await;
    let workflow = crate::registry::RegisterWorkflow {
        id: "wfcall".into(),
        ..crate::registry::RegisterWorkflow::default()
    };
    registry.register_workflow(workflow).await.unwrap();
    let exported = registry.export().await.unwrap().0;
    assert_eq!(exported["workflows"], "none");
    assert_eq!(exported["services"]["ungrouped"], "none");
    assert_eq!(exported["services"]["ungrouped-2"][0]["id"], "bycall");
    assert_eq!(exported["registered-workflows"][0]["id"], "wfcall");
    let again = registry.import(of(&exported)).await.unwrap();
    assert_eq!(
        (again.created, again.deleted),
        (0, 0),
        "{:?}",
        again.entries
    );
    assert_eq!(registry.list_workflows().await.unwrap().workflows.len(), 1);
    assert_eq!(registry.export().await.unwrap().0, exported);

    // A value under the very name of an entry.
    let document = json!({"services": {"api": {"port": 1}, "gw": {"port": 2}, "count": 2}});
    let forced = ImportOptions {
        force: Some(true),
        ..of(&document)
    };
    registry.import(forced).await.unwrap();
    service("count").await;
    let exported = registry.export().await.unwrap().0;
    assert_eq!(exported["services"]["count"], 2);
    assert_eq!(exported["registered-services"][0]["id"], "count");
}

async fn a_word_stays_a_word(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({
        "components": [{"id": "c1", "x": 1}, "c1", "c2"],
        "services": [{"id": "a", "port": 1}, "a", "b"],
        "aiNodes": [{"id": "n", "role": "r"}],
    });
    let report = registry.import(of(&document)).await.unwrap();
    assert_eq!(report.skipped, 2);
    assert_eq!(registry.export().await.unwrap().0, document);
    let again = registry.import(of(&document)).await.unwrap();
    assert_eq!((again.skipped, again.created, again.deleted), (2, 0, 0));
}
