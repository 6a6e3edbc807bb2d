//! Conditions, merge patches and replacements, the same on both databases.

mod ahead;
mod imported;
#[cfg(feature = "postgres")]
mod lost_answer;
mod present;
mod remembered;
mod seen;
mod texts;

use serde_json::json;

use super::super::tests::{catalog, of, registry};
use super::super::*;
use super::*;
use crate::ErrorKind;
use crate::registry::entry::Present;
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(
    a_put_creates_replaces_and_keeps,
    a_condition_that_does_not_hold_shows_the_current_entry,
    a_version_does_not_return_with_another_entry,
    a_patch_merges_and_refuses_what_is_not_declared,
    an_imported_entry_keeps_its_document,
    what_is_there_is_put_again_whatever_its_numbers,
    losers_write_nothing_and_cost_their_neighbours_nothing,
    what_a_definition_changes_is_seen_too,
    a_change_does_not_lose_against_itself,
);

fn service(id: &str, name: &str) -> PutService {
    PutService {
        id: id.into(),
        name: Some(name.into()),
        ..PutService::default()
    }
}

async fn a_put_creates_replaces_and_keeps(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let put = PutService {
        base_url: Some("http://localhost:4001".into()),
        metadata: Some(json!({"team": "a"}).into()),
        ..service("api", "API")
    };
    let created = registry.put_service(put.clone()).await.unwrap();
    assert_eq!(created.resource_version, 1);
    assert_eq!(registry.get_service("api").await.unwrap(), created);
    assert_eq!(registry.put_service(put).await.unwrap(), created);
    assert_eq!(registry.list_services().await.unwrap().revision, 1);

    let replaced = registry.put_service(service("api", "API")).await.unwrap();
    assert_eq!(
        (replaced.base_url.as_str(), &replaced.metadata.0),
        ("", &json!({}))
    );
    assert_eq!(replaced.created_at, created.created_at);
    assert!(replaced.resource_version > created.resource_version);

    let node = PutNode {
        id: "n".into(),
        triggers: Some(vec!["a".into()]),
        ..PutNode::default()
    };
    assert_eq!(registry.put_node(node).await.unwrap().triggers, ["a"]);
    let workflow = PutWorkflow {
        id: "w".into(),
        max_concurrent_tasks: Some(2),
        ..PutWorkflow::default()
    };
    let workflow = registry.put_workflow(workflow).await.unwrap();
    assert_eq!(workflow.max_concurrent_tasks, 2);
    assert_eq!(registry.get_workflow("w").await.unwrap(), workflow);
}

async fn a_condition_that_does_not_hold_shows_the_current_entry(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let absent = |name: &str| PutService {
        if_absent: Some(true),
        ..service("api", name)
    };
    let version = |version: i64, id: &str, name: &str| PutService {
        if_version: Some(version),
        ..service(id, name)
    };
    let first = registry.put_service(absent("one")).await.unwrap();
    let lost = registry.put_service(absent("two")).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Aborted);
    assert_eq!(lost.details().unwrap()["current"], json!(first));

    let second = registry
        .put_service(version(first.resource_version, "api", "two"))
        .await
        .unwrap();
    let stale = version(first.resource_version, "api", "three");
    let lost = registry.put_service(stale).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Aborted);
    assert_eq!(lost.details().unwrap()["current"], json!(second));
    let lost = registry
        .put_service(version(1, "none", "x"))
        .await
        .unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Aborted);
    assert_eq!(lost.details().unwrap()["current"], json!(null));
}

async fn a_version_does_not_return_with_another_entry(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let old = registry.put_service(service("api", "API")).await.unwrap();
    let delete = DeleteEntry {
        id: "api".into(),
        if_version: Some(old.resource_version),
    };
    registry.delete_service(delete.clone()).await.unwrap();
    let new = registry.put_service(service("api", "API")).await.unwrap();
    assert!(new.resource_version > old.resource_version);
    let lost = registry.delete_service(delete).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::Aborted);
}

async fn a_patch_merges_and_refuses_what_is_not_declared(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let put = PutService {
        base_url: Some("http://localhost:4001".into()),
        health_path: Some("/status".into()),
        metadata: Some(json!({"team": "a", "tags": {"x": 1, "y": 2}}).into()),
        ..service("api", "API")
    };
    registry.put_service(put).await.unwrap();
    let patch = |patch: serde_json::Value| {
        let options = PatchEntry {
            id: "api".into(),
            patch: patch.into(),
            if_version: None,
        };
        registry.patch_service(options)
    };
    let patched = patch(json!({
        "healthPath": null, "probeIntervalMs": 1500, "metadata": {"team": null, "tags": {"y": 3}},
    }))
    .await
    .unwrap();
    assert_eq!(patched.health_path, "/api/health");
    assert_eq!(patched.probe_interval_ms, Some(1500));
    assert_eq!(patched.metadata.0, json!({"tags": {"x": 1, "y": 3}}));
    assert_eq!(patched.base_url, "http://localhost:4001");
    let same = patch(json!({"probeIntervalMs": 1500})).await.unwrap();
    assert_eq!(same, patched, "a patch that changes nothing is no change");
    for bad in [
        json!({"status": "HEALTHY"}),
        json!({"id": "other"}),
        json!({"name": 7}),
        json!({"baseUrl": "ftp://host"}),
        json!({"metadata": "text"}),
        json!({"metadata": {"nul": "\0"}}),
        json!(["name"]),
    ] {
        let refused = patch(bad.clone()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{bad}");
    }
    assert_eq!(registry.get_service("api").await.unwrap(), patched);
    let missing = PatchEntry {
        id: "none".into(),
        patch: json!({}).into(),
        if_version: None,
    };
    let missing = registry.patch_node(missing).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

async fn an_imported_entry_keeps_its_document(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    registry.import(of(catalog())).await.unwrap();
    let put = PutService {
        base_url: Some("http://localhost:4009".into()),
        metadata: Some(json!({"owner": "b"}).into()),
        ..service("web", "Web 2")
    };
    let service = registry.put_service(put.clone()).await.unwrap();
    let again = registry.put_service(put).await.unwrap();
    assert_eq!(again, service, "the same put again is no change");
    let exported = registry.export().await.unwrap().0;
    assert_eq!(
        exported["services"][1],
        json!({"id": "web", "name": "Web 2", "endpoint": "http://localhost:4009/api/health", "owner": "b"})
    );
    let patch = PatchEntry {
        id: "writer".into(),
        patch: json!({"enabled": false}).into(),
        if_version: None,
    };
    registry.patch_node(patch).await.unwrap();
    let exported = registry.export().await.unwrap().0;
    assert_eq!(exported["aiNodes"][0]["enabled"], false);
    // The users' own word for it.
    assert_eq!(exported["aiNodes"][0]["status"], "available");
}

async fn what_is_there_is_put_again_whatever_its_numbers(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let put = || PutWorkflow {
        id: "w".into(),
        metadata: Some(json!({"x": 1e17, "y": [1.0, 0.1, 1e300]}).into()),
        governance: Some(json!({"z": 1.8e19}).into()),
        ..PutWorkflow::default()
    };
    let there = registry.put_workflow(put()).await.unwrap();
    // What was read, and what is remembered.
    for registry in [&registry, &super::super::tests::registry(&store)] {
        assert_eq!(registry.put_workflow(put()).await.unwrap(), there);
        assert_eq!(registry.get_workflow("w").await.unwrap(), there);
    }
    // As an earlier version left it.
    let write = store.write(|transaction| {
        Box::pin(async move {
            take_turn(transaction).await?;
            let sql = "UPDATE workflows SET metadata = '{\"x\": 2.0}'";
            transaction.execute(sql, vec![]).await
        })
    });
    write.await.unwrap();
    let patch = PatchEntry {
        id: "w".into(),
        patch: json!({}).into(),
        if_version: None,
    };
    let kept = registry.patch_workflow(patch).await.unwrap();
    assert_eq!(kept.resource_version, there.resource_version);
}

async fn losers_write_nothing_and_cost_their_neighbours_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let tasks: Vec<_> = (0..60)
        .map(|n| {
            let registry = registry.clone();
            let put = PutService {
                if_absent: Some(true),
                base_url: (n % 3 == 2).then(|| "http://localhost:1".into()),
                ..service(&format!("s{}", n % 20), &format!("by {n}"))
            };
            tokio::spawn(async move { registry.put_service(put).await })
        })
        .collect();
    let mut won = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(service) => won.push(service),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Aborted),
        }
    }
    won.sort_by(|a, b| a.id.cmp(&b.id));
    let list = registry.list_services().await.unwrap();
    assert_eq!((list.services.len(), list.revision), (20, 20));
    assert_eq!(list.services, won);
    let log = crate::audit::Audit::new(store)
        .list(crate::audit::AuditQuery::default())
        .await
        .unwrap();
    assert_eq!(
        log.entries.len(),
        20,
        "one row for each change, none for a loser"
    );
}

async fn what_a_definition_changes_is_seen_too(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    for (limit, revision) in [(6, 1), (6, 1), (3, 2)] {
        store
            .write(move |transaction| {
                Box::pin(async move { run_pipeline(transaction, "p", "P", limit).await })
            })
            .await
            .unwrap();
        assert_eq!(registry.list_workflows().await.unwrap().revision, revision);
    }
    let workflow = registry.get_workflow("p").await.unwrap();
    assert_eq!(
        (workflow.name.as_str(), workflow.max_concurrent_tasks),
        ("P", 3)
    );
    assert_eq!(workflow.resource_version, 2);
}

/// A change of a service as its lane has it, on condition that the version is this one.
fn underway(
    id: &str,
    version: Option<i64>,
    step: impl Fn() -> Step<Service> + Send + Sync + 'static,
) -> Underway<Service> {
    let edit = Edit {
        id: id.into(),
        actor: "unlucky".into(),
        weight: 1,
        deletes: false,
        decide: Box::new(move |there: Option<&Present<Service>>| {
            if there.map(|there| there.entry.version()) == version {
                Ok(step())
            } else {
                Err(crate::Error::aborted("it is another one"))
            }
        }),
    };
    let sent = Mutex::default();
    Underway { edit, sent }
}

fn declared(id: &'static str) -> impl Fn() -> Step<Service> + Send + Sync + 'static {
    move || {
        let spec = RegisterService {
            id: id.into(),
            name: Some("new".into()),
            ..RegisterService::default()
        };
        Step::Put(Service::declare(spec).unwrap())
    }
}

async fn carry_out(
    store: &Store,
    feed: &Feed,
    ops: &[Underway<Service>],
    attempt: Attempt,
) -> Vec<Result<Service>> {
    let editor = Editor {
        feed: feed.clone(),
        shared: Arc::default(),
        kind: PhantomData,
    };
    let carried_out = editor.carry_out(store, ops, attempt).await;
    carried_out.unwrap_or_else(|_| panic!("the database answers"))
}

async fn a_change_does_not_lose_against_itself(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, feed) = (registry(&store), Feed::new(store.clone()));
    let old = registry.put_service(service("b", "old")).await.unwrap();
    let gone = registry.put_service(service("c", "gone")).await.unwrap();
    let ops = [
        underway("a", None, declared("a")),
        underway("b", Some(old.resource_version), declared("b")),
        underway("c", Some(gone.resource_version), || Step::Delete),
        underway("b", Some(7777), || Step::Delete),
    ];
    let first = carry_out(&store, &feed, &ops, Attempt::First).await;
    let told = |outcomes: &[Result<Service>]| -> Vec<Option<Service>> {
        let outcomes = outcomes.iter();
        outcomes
            .map(|outcome| outcome.as_ref().ok().cloned())
            .collect()
    };
    assert_eq!(
        told(&first).iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, true, true, false]
    );

    // The answer is lost; meanwhile others go on.
    registry.put_service(service("b", "later")).await.unwrap();
    registry.put_service(service("c", "again")).await.unwrap();
    let before = registry.list_services().await.unwrap();
    let again = carry_out(&store, &feed, &ops, Attempt::Again).await;
    assert_eq!(told(&again), told(&first), "it is told what came of it");
    assert_eq!(registry.list_services().await.unwrap(), before);
    let rows = store
        .fetch_all("SELECT id FROM audit_logs WHERE actor = 'unlucky'", vec![])
        .await
        .unwrap();
    assert_eq!(rows.len(), 3);

    // What never arrived is done now.
    let op = [underway("d", None, declared("d"))];
    let sent = RegistryEvent {
        revision: before.revision,
        change: RegistryChange::Create,
        kind: Some(EntryKind::Service),
        id: Some("d".into()),
        object: None,
        at: crate::types::now(),
    };
    op[0].sent().push(Sent {
        event: Arc::new(sent),
        entry: before.services[0].clone().into(),
    });
    let done = carry_out(&store, &feed, &op, Attempt::Again).await;
    assert_eq!(
        done[0].as_ref().unwrap().resource_version,
        before.revision + 1
    );
}
