//! What time, or another entry of the name, leaves of a service's health.

use serde_json::json;

use super::*;
use crate::store::{Arg, args};
use crate::types::now;

on_both_databases!(
    who_changes_a_service_sees_that_its_report_ran_out,
    a_service_of_the_same_name_begins_without_a_past,
);

/// Lets the report of every service run out.
async fn run_out(registry: &Registry, store: &Store) {
    for id in ["put", "patched", "kept", "gone"] {
        let report = ReportHealth {
            id: id.into(),
            status: HealthStatus::Healthy,
            ttl_seconds: 60,
            note: None,
        };
        let told = registry.report_health(report).await.unwrap();
        assert_eq!(told.status, HealthStatus::Healthy);
    }
    let past = now() - chrono::TimeDelta::seconds(1);
    let write = store.write(move |transaction| {
        Box::pin(async move {
            let text = "UPDATE services SET report_expires_at = $1";
            transaction.execute(text, args![past]).await?;
            let mark = "UPDATE registry_revision SET mark = $1";
            let mark = transaction.execute(mark, vec![Arg::uuid(&Id::new())]);
            mark.await
        })
    });
    write.await.unwrap();
}

async fn who_changes_a_service_sees_that_its_report_ran_out(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    for id in ["put", "patched", "kept", "gone"] {
        registry.put_service(service(id, id)).await.unwrap();
    }
    run_out(&registry, &store).await;
    let is_late = |service: &serde_json::Value| service["status"] == "UNHEALTHY";
    let absent = PutService {
        if_absent: Some(true),
        ..service("put", "put")
    };
    let lost = registry.put_service(absent).await.unwrap_err();
    assert!(is_late(&lost.details().unwrap()["current"]), "{lost:?}");
    let mut watch = registry.watch(WatchOptions::default()).await.unwrap();

    let kept = registry.put_service(service("kept", "kept")).await.unwrap();
    let put = registry.put_service(service("put", "new")).await.unwrap();
    let patch = PatchEntry {
        id: "patched".into(),
        patch: json!({"name": "new"}).into(),
        if_version: None,
    };
    let patched = registry.patch_service(patch).await.unwrap();
    let delete = DeleteEntry {
        id: "gone".into(),
        if_version: None,
    };
    let there = registry.get_service("gone").await.unwrap();
    let gone = registry.delete_service(delete).await.unwrap();
    assert_eq!(gone, there);
    for told in [&kept, &put, &patched] {
        assert_eq!(told.status, HealthStatus::Unhealthy, "{}", told.id);
        let there = registry.get_service(told.id.as_str()).await.unwrap();
        assert_eq!(*told, there);
    }
    for _ in 0..3 {
        let event = watch.next().await.unwrap().unwrap();
        assert!(is_late(event.object.as_ref().unwrap()), "{event:?}");
    }

    // By memory, too: the report runs out while nobody reads.
    let report = ReportHealth {
        id: "put".into(),
        status: HealthStatus::Healthy,
        ttl_seconds: 1,
        note: None,
    };
    registry.report_health(report).await.unwrap();
    registry.put_service(service("put", "a")).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let late = registry.put_service(service("put", "b")).await.unwrap();
    assert_eq!(late.status, HealthStatus::Unhealthy);
    assert_eq!(registry.get_service("put").await.unwrap(), late);
}

fn again(id: &'static str) -> impl Fn() -> Step<Service> + Send + Sync + 'static {
    move || {
        let spec = RegisterService {
            id: id.into(),
            base_url: Some("http://127.0.0.1:1".into()),
            ..RegisterService::default()
        };
        Step::Put(Service::declare(spec).unwrap())
    }
}

async fn a_service_of_the_same_name_begins_without_a_past(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, feed) = (registry(&store), Feed::new(store.clone()));
    for (id, put_first) in [("a", false), ("b", true)] {
        let at = PutService {
            base_url: Some("http://127.0.0.1:1".into()),
            ..service(id, "old")
        };
        registry.put_service(at).await.unwrap();
        registry.probe(ProbeOptions::default()).await.unwrap();
        let old = registry.get_service(id).await.unwrap();
        assert!(old.last_probe.is_some());
        let mut ops = vec![
            underway(id, Some(old.resource_version), || Step::Delete),
            underway(id, None, again(id)),
        ];
        if put_first {
            // Gone and back twice.
            let version = old.resource_version;
            let revision = registry.list_services().await.unwrap().revision;
            ops = vec![
                underway(id, Some(version), || Step::Delete),
                underway(id, None, again(id)),
                underway(id, Some(revision + 2), || Step::Delete),
                underway(id, None, again(id)),
            ];
        }
        let told = carry_out(&store, &feed, &ops, Attempt::First).await;
        let new = told.last().unwrap().as_ref().unwrap();
        let there = registry.get_service(id).await.unwrap();
        assert_eq!((&there, &there.last_probe), (new, &None));
        assert!(there.created_at > old.created_at && there.last_healthy_at.is_none());
        let rows = store.fetch_all(
            "SELECT 1 FROM service_probes WHERE service_id = $1",
            args![id],
        );
        assert!(rows.await.unwrap().is_empty());
    }
}
