//! Changes decided on what the engine remembers, while others change the same entries by every way there is.

use serde_json::{Value, json};

use super::*;
use crate::audit::{self, Record};
use crate::registry::entry::Place;
use crate::registry::history::History;
use crate::registry::tests::of;
use crate::store::{Boxed, args};

on_both_databases!(
    own_changes_are_decided_without_reading,
    whatever_else_changes_an_entry_is_noticed,
    a_registry_that_was_put_back_is_noticed,
    what_was_found_at_another_place_is_read_again,
    a_call_that_was_decided_too_early_writes_nothing,
);

fn patch(id: &str, patch: Value, if_version: Option<i64>) -> PatchEntry {
    PatchEntry {
        id: id.into(),
        patch: patch.into(),
        if_version,
    }
}

async fn own_changes_are_decided_without_reading(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let node = |n: usize| PutNode {
        id: "n".into(),
        name: Some(n.to_string()),
        ..PutNode::default()
    };
    let mut version = None;
    let mut readings = 0;
    for n in 0..20 {
        let put = PutService {
            if_version: version,
            if_absent: version.is_none().then_some(true),
            ..service("a", &n.to_string())
        };
        version = Some(registry.put_service(put).await.unwrap().resource_version);
        // Another kind of entry moves the registry on too.
        registry.put_node(node(n)).await.unwrap();
        if n == 0 {
            readings = registry.editors.readings().await;
        }
    }
    assert_eq!(registry.editors.readings().await, readings);
    assert_eq!(registry.list_services().await.unwrap().revision, 40);

    // What would be kept or refused is read.
    let current = registry.get_service("a").await.unwrap();
    let kept = registry.put_service(service("a", "19")).await.unwrap();
    assert_eq!(kept, current);
    assert_eq!(registry.editors.readings().await, readings + 1);
    let refused = registry.patch_service(patch("a", json!({}), Some(1))).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Aborted);
    assert_eq!(registry.editors.readings().await, readings + 2);
}

fn forced(document: Value) -> ImportOptions {
    ImportOptions {
        force: Some(true),
        ..of(document)
    }
}

/// Another way to change the service `api`.
type Way = (
    &'static str,
    for<'t> fn(&'t Registry, &'t Store, i64) -> Boxed<'t, ()>,
);

fn ways() -> Vec<Way> {
    vec![
        ("a put", |other, _, n| {
            Box::pin(async move {
                let put = service("api", &format!("other {n}"));
                other.put_service(put).await.map(drop)
            })
        }),
        ("a patch", |other, _, n| {
            Box::pin(async move {
                let options = patch("api", json!({"metadata": {"other": n}}), None);
                other.patch_service(options).await.map(drop)
            })
        }),
        ("another of its name", |other, _, n| {
            Box::pin(async move {
                let delete = DeleteEntry {
                    id: "api".into(),
                    if_version: None,
                };
                other.delete_service(delete).await?;
                let new = service("api", &format!("new {n}"));
                other.put_service(new).await.map(drop)
            })
        }),
        ("a report", |other, _, _| {
            Box::pin(async move {
                for _ in 0..2 {
                    let report = ReportHealth {
                        id: "api".into(),
                        status: HealthStatus::Healthy,
                        ttl_seconds: 60,
                        note: None,
                    };
                    other.report_health(report).await?;
                }
                Ok(())
            })
        }),
        ("an import", |other, _, n| {
            Box::pin(async move {
                let mut document = catalog();
                document["services"][0]["name"] = json!(format!("imported {n}"));
                other.import(forced(document)).await.map(drop)
            })
        }),
        (
            "an import in which it only stands elsewhere",
            |other, _, n| {
                Box::pin(async move {
                    let mut document = catalog();
                    document["services"][0]["name"] = json!(format!("moved {n}"));
                    other.import(forced(document.clone())).await?;
                    let services = document["services"].as_array_mut().unwrap();
                    services.rotate_left(1);
                    other.import(forced(document)).await.map(drop)
                })
            },
        ),
        ("a probe", |other, _, _| {
            Box::pin(async move {
                let there = json!({"baseUrl": "http://127.0.0.1:1", "metadata": {"there": true}});
                other.patch_service(patch("api", there, None)).await?;
                let options = ProbeOptions {
                    services: Some(vec!["api".into()]),
                    ..ProbeOptions::default()
                };
                other.probe(options.clone()).await?;
                // Nothing but what was found last is another one now.
                other.probe(options).await.map(drop)
            })
        }),
        ("a transaction of the host's own", |_, store, n| {
            Box::pin(async move {
                let name = format!("by hand {n}");
                let write = store.write(move |transaction| {
                    Box::pin(async move {
                        take_turn(transaction).await?;
                        let text = "UPDATE services SET name = $1 WHERE id = 'api'";
                        transaction.execute(text, args![name]).await
                    })
                });
                write.await.map(drop)
            })
        }),
    ]
}

async fn whatever_else_changes_an_entry_is_noticed(fresh: Fresh) {
    let (store, other_store) = (fresh.open().await, fresh.open().await);
    let (registry, other) = (registry(&store), registry(&other_store));
    for (n, (what, change)) in (0..).zip(ways()) {
        for attempt in ["refused", "kept", "written"] {
            // Until memory is trusted, and remembers what `old` is.
            let (old, readings) = loop {
                let before = registry.editors.readings().await;
                let name = format!("{what}, {attempt} {}", Id::new());
                let put = registry.put_service(service("api", &name)).await.unwrap();
                if before == registry.editors.readings().await {
                    break (put, before);
                }
            };
            change(&other, &other_store, n).await.unwrap();
            let there = other.get_service("api").await.unwrap();
            assert_ne!(there, old, "{what} changes it");
            let what = format!("{what}, {attempt}");
            match attempt {
                "refused" => {
                    let stale = patch("api", json!({"name": "x"}), Some(-1));
                    let lost = registry.patch_service(stale).await.unwrap_err();
                    assert_eq!(lost.details().unwrap()["current"], json!(there), "{what}");
                }
                "kept" => {
                    let same = service("api", &old.name);
                    let put = registry.put_service(same).await.unwrap();
                    assert_eq!(put.name, old.name, "{what}");
                    assert_eq!(put, other.get_service("api").await.unwrap(), "{what}");
                }
                _ => {
                    let touched = json!({"metadata": {"touched": true}});
                    let options = patch("api", touched, None);
                    let patched = registry.patch_service(options).await.unwrap();
                    assert!(patched.resource_version > there.resource_version);
                    let mut expected = there;
                    expected.metadata = patched.metadata.clone();
                    expected.updated_at = patched.updated_at;
                    expected.resource_version = patched.resource_version;
                    assert_eq!(patched, expected, "{what}");
                }
            }
            assert!(registry.editors.readings().await > readings, "{what}");
            let there = other.get_service("api").await.unwrap();
            assert_eq!(registry.get_service("api").await.unwrap(), there);
        }
    }
}

async fn a_registry_that_was_put_back_is_noticed(fresh: Fresh) {
    let (store, other_store) = (fresh.open().await, fresh.open().await);
    let (registry, other) = (registry(&store), registry(&other_store));
    let run = async |text: &'static str| {
        store
            .write(move |transaction| {
                Box::pin(async move { transaction.execute(text, vec![]).await })
            })
            .await
            .unwrap();
    };
    registry.put_service(service("a", "one")).await.unwrap();
    run("CREATE TABLE saved_services AS SELECT * FROM services").await;
    run("CREATE TABLE saved_revision AS SELECT * FROM registry_revision").await;
    registry.put_service(service("a", "two")).await.unwrap();
    let kept = registry.put_service(service("b", "kept")).await.unwrap();
    run("DELETE FROM services").await;
    run("INSERT INTO services SELECT * FROM saved_services").await;
    run("DELETE FROM registry_events WHERE revision > 1").await;
    run("DELETE FROM registry_revision").await;
    run("INSERT INTO registry_revision SELECT * FROM saved_revision").await;
    // Another one goes on from there, to the same revision.
    other.put_service(service("a", "other")).await.unwrap();
    let there = other.put_service(service("c", "other")).await.unwrap();
    assert_eq!(there.resource_version, kept.resource_version);

    let touched = patch("a", json!({"metadata": {"touched": true}}), None);
    let patched = registry.patch_service(touched).await.unwrap();
    assert_eq!(
        (patched.name.as_str(), patched.resource_version),
        ("other", 4)
    );
    let gone = patch("b", json!({"name": "x"}), None);
    let gone = registry.patch_service(gone).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
}

async fn what_was_found_at_another_place_is_read_again(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let at = |port: u16| PutService {
        base_url: Some(format!("http://127.0.0.1:{port}")),
        ..service("api", "API")
    };
    registry.put_service(at(1)).await.unwrap();
    registry.probe(ProbeOptions::default()).await.unwrap();
    let found = registry.get_service("api").await.unwrap();
    assert!(found.last_probe.is_some());
    let moved = registry.put_service(at(2)).await.unwrap();
    assert_eq!(moved.last_probe, None);
    assert_eq!(moved, registry.get_service("api").await.unwrap());
    let back = registry.put_service(at(1)).await.unwrap();
    assert_eq!(back.last_probe, None, "it was not seen there yet");
    let patched = patch("api", json!({"name": "B"}), None);
    let patched = registry.patch_service(patched).await.unwrap();
    assert_eq!(patched.last_probe, found.last_probe);
    assert_eq!(patched, registry.get_service("api").await.unwrap());
}

async fn a_call_that_was_decided_too_early_writes_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let old = registry.put_service(service("a", "old")).await.unwrap();
    let id = Id::from("a");
    let (transaction, (position, ..)) = History::open::<Service>(&store, &[&id]).await.unwrap();
    drop(transaction);
    let call = || {
        let mut history = History::after(position.clone());
        let new = Service {
            name: "early".into(),
            ..old.clone()
        };
        history.put(true, new, &Place::default()).unwrap();
        let record = Record::new("early", "CONFIG_CHANGE", "service:a", "SUCCEEDED");
        audit::part(history.call().unwrap().0, &[record])
    };
    let now = registry.put_service(service("a", "now")).await.unwrap();
    let refused = store.call(&call()).await.err().unwrap();
    let finished = store.begin().await.unwrap().finish(&call()).await;
    let run = async {
        let mut transaction = store.begin().await?;
        transaction.run(&call()).await?;
        transaction.commit().await
    };
    for refused in [refused, finished.err().unwrap(), run.await.unwrap_err()] {
        assert_eq!(refused.kind(), ErrorKind::Aborted, "{refused}");
    }
    assert_eq!(registry.get_service("a").await.unwrap(), now);
    // Nor has it moved the audit log, which others go on with.
    for n in 0..3 {
        registry
            .put_service(service("a", &n.to_string()))
            .await
            .unwrap();
    }
    let log = audit::Audit::new(store);
    let entries = log
        .list(audit::AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(entries.len(), 5);
    assert!(entries.iter().all(|entry| entry.actor != "early"));
    let report = log.verify(audit::VerifyAudit::default()).await.unwrap();
    assert!(report.first_fault.is_none(), "{report:?}");
}
