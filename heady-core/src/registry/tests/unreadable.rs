//! One damaged row: it is named, and withholds nothing else.

use super::*;
use crate::error::Error;
use crate::registry::{DriftKind, ServiceList};
use crate::store::Sql;

on_both_databases!(
    a_list_has_all_others_and_names_what_it_has_not,
    an_export_has_all_others_and_names_what_it_has_not,
    drift_and_probes_look_at_all_others,
);

/// Nests what is attached to a row too deeply for any reader, as a version before the limit could.
async fn damage(store: &Store, table: &'static str, column: &'static str, id: &'static str) {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let update = |value: &str| format!("UPDATE {table} SET {column} = {value} WHERE id = '{id}'");
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
