//! One damaged row: it is named, and withholds nothing else.

use super::*;
use crate::error::Error;
use crate::registry::{DriftKind, DriftQuery, DriftReport, ImportReport, ServiceList};
use crate::store::Sql;

on_both_databases!(
    a_list_has_all_others_and_names_what_it_has_not,
    an_export_has_all_others_and_names_what_it_has_not,
    drift_and_probes_look_at_all_others,
    an_import_names_the_entry_of_any_section,
    a_copy_that_cannot_be_read_fails_nothing_else,
);

/// Nests what is attached to a row too deeply for any reader, as a version before the limit could.
async fn damage(store: &Store, table: &'static str, column: &'static str, id: &'static str) {
    damage_where(store, table, column, ("id", id)).await;
}

async fn damage_where(
    store: &Store,
    table: &'static str,
    column: &'static str,
    (key, id): (&'static str, &'static str),
) {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let update =
        |value: &str| format!("UPDATE {table} SET {column} = {value} WHERE {key} = '{id}'");
    let sql = Sql::of(update("$1"), update("$1::json"));
    let write = store.write(move |transaction| {
        Box::pin(async move {
            take_turn(transaction).await?;
            transaction.execute(sql, vec![deep.into()]).await
        })
    });
    assert_eq!(write.await.unwrap(), 1);
}

async fn imported(store: &Store) -> Registry {
    let registry = registry(store);
    registry.import(of(catalog())).await.unwrap();
    registry
}

#[track_caller]
fn unreadable(error: &Error) -> Vec<(&str, &str)> {
    assert_eq!(error.kind(), ErrorKind::DataLoss, "{error}");
    let told = error.details().unwrap()["unreadable"].as_array().unwrap();
    told.iter()
        .map(|one| {
            assert_ne!(one["reason"], "");
            let word = |key: &str| one[key].as_str().unwrap();
            (word("section"), word("id"))
        })
        .collect()
}

async fn a_list_has_all_others_and_names_what_it_has_not(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = imported(&store).await;
    let whole = registry.list_services().await.unwrap();
    damage(&store, "services", "metadata", "api").await;
    damage(&store, "nodes", "metadata", "writer").await;
    let error = registry.list_services().await.unwrap_err();
    assert_eq!(unreadable(&error), [("services", "api")]);
    assert!(
        error.message().contains("the service 'api' cannot be read"),
        "{error}"
    );
    let rest: ServiceList = serde_json::from_value(error.details().unwrap().clone()).unwrap();
    let ids = |list: &ServiceList| -> Vec<String> {
        list.services.iter().map(|one| one.id.to_string()).collect()
    };
    assert_eq!(ids(&whole), ["api", "batch", "web"]);
    assert_eq!(ids(&rest), ["batch", "web"]);
    assert_eq!(rest.revision, whole.revision);
    let error = registry.list_nodes().await.unwrap_err();
    assert_eq!(unreadable(&error), [("aiNodes", "writer")]);
    assert_eq!(error.details().unwrap()["nodes"][0]["id"], "reader");
    assert_eq!(registry.list_workflows().await.unwrap().workflows.len(), 1);
    // An import may not take it for one that is not there.
    let refused = registry.import(of(catalog())).await.unwrap_err();
    assert!(refused.message().contains("service 'api'"), "{refused}");
}

async fn an_export_has_all_others_and_names_what_it_has_not(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = imported(&store).await;
    damage(&store, "workflows", "metadata", "publish").await;
    damage(&store, "registry_entries", "body", "gateway").await;
    let error = registry.export().await.unwrap_err();
    let told = unreadable(&error);
    assert_eq!(told, [("workflows", "publish"), ("components", "gateway")]);
    let mut others = catalog();
    others["workflows"] = json!([]);
    others["components"] = json!([]);
    assert_eq!(error.details().unwrap()["document"], others);
}

async fn drift_and_probes_look_at_all_others(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = imported(&store).await;
    damage(&store, "services", "metadata", "api").await;
    let mut file = catalog();
    file["services"][1]["role"] = json!("site");
    let drift = registry.detect_drift(DetectDrift {
        document: Some(file.into()),
        ..DetectDrift::default()
    });
    let report = drift.await.unwrap();
    assert!(report.sources.iter().all(|source| source.error.is_none()));
    let of_file = |drift: &&Drift| drift.source == DriftSource::File;
    let found: Vec<_> = report
        .drift
        .iter()
        .filter(of_file)
        .map(|one| (one.id.as_str(), one.path.as_str(), one.kind))
        .collect();
    assert_eq!(
        found,
        [
            ("api", "", DriftKind::Changed),
            ("web", "role", DriftKind::Changed)
        ]
    );
    assert!(report.drift[0].reason.contains("cannot be read"));

    let probed = registry.probe(ProbeOptions::default()).await.unwrap();
    let ids: Vec<_> = probed
        .probes
        .iter()
        .map(|probe| probe.id.as_str())
        .collect();
    assert_eq!(ids, ["api", "batch", "web"]);
    assert_eq!(probed.probes[0].status, HealthStatus::Unknown);
    let reason = probed.probes[0].reason.as_deref().unwrap();
    assert!(reason.contains("cannot be read"), "{reason}");
    assert_ne!(probed.probes[2].status, HealthStatus::Unknown);
}

async fn an_import_names_the_entry_of_any_section(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = imported(&store).await;
    damage(&store, "registry_entries", "body", "gateway").await;
    let refused = registry.import(of(catalog())).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::DataLoss);
    let told = "the entry 'gateway' of 'components' cannot be read: ";
    assert!(refused.message().starts_with(told), "{refused}");
}

async fn a_copy_that_cannot_be_read_fails_nothing_else(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = imported(&store).await;
    let detect = async |document: Option<Value>| {
        let options = DetectDrift {
            document: document.map(Into::into),
            live: Some(false),
            ..DetectDrift::default()
        };
        registry.detect_drift(options).await.unwrap()
    };
    let error = |report: &DriftReport| {
        let error = report.sources[0].error.as_ref();
        error.map(|error| error["message"].as_str().unwrap().to_owned())
    };
    let unread = async |source| {
        damage_where(&store, "registry_snapshots", "content", ("source", source)).await;
    };
    let mut changed = catalog();
    changed["services"][1]["role"] = json!("site");
    changed["components"] = json!([]);
    changed["services"].as_array_mut().unwrap().pop();
    detect(Some(changed.clone())).await;
    // What a source said is told to be lost, what was found with it stays, and the next look replaces it.
    unread("FILE").await;
    let listed = registry.list_drift(DriftQuery::default()).await.unwrap();
    assert!(error(&listed).unwrap().contains("cannot be read"));
    assert_eq!(listed.drift.len(), 3);
    assert_eq!(error(&detect(Some(changed.clone())).await), None);

    unread("APPLIED").await;
    let report = detect(Some(changed.clone())).await;
    assert_eq!((report.drift.len(), error(&report)), (3, None));
    for drift in &report.drift {
        assert!(
            drift.reason.contains("who moved cannot be told"),
            "{drift:?}"
        );
    }
    // Without a file there is nothing to look at but this copy.
    let report = detect(None).await;
    let told = error(&report).unwrap();
    assert!(told.contains("import the registry again"), "{told}");
    assert_eq!(report.drift.len(), 3);

    let warned = |report: &ImportReport| {
        report
            .warnings
            .iter()
            .any(|one| one.code == "LAST_IMPORT_UNREADABLE")
    };
    assert!(warned(&registry.import(of(changed.clone())).await.unwrap()));
    assert!(!warned(&registry.import(of(changed)).await.unwrap()));
    let report = detect(None).await;
    assert_eq!((report.drift.len(), error(&report)), (0, None));
}
