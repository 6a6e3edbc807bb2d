//! Histories against a model: what many writers on several engines were told, and what watchers saw.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::{Strategy, any};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::*;
use crate::registry::{HealthStatus, ImportOptions, PatchEntry, Registry, ReportHealth};

on_both_databases!(
    the_log_is_the_history,
    a_thousand_watchers_see_what_fifty_writers_did,
);

/// One thing that a writer tries.
#[derive(Debug, Clone)]
enum Attempt {
    Put,
    PutIfAbsent,
    PutIfSeen,
    PatchIfSeen,
    DeleteIfSeen,
    Delete,
    Report,
    Import,
}

/// An attempt that succeeded: which entry it left, and the version that it demanded.
#[derive(Debug)]
struct Won {
    entry: Value,
    condition: Option<i64>,
    absent: bool,
    deleted: bool,
}

fn attempts() -> impl Strategy<Value = Vec<(Attempt, u8, i64)>> {
    let attempt = proptest::prop_oneof![
        3 => proptest::strategy::Just(Attempt::PutIfSeen),
        3 => proptest::strategy::Just(Attempt::PatchIfSeen),
        2 => proptest::strategy::Just(Attempt::PutIfAbsent),
        1 => proptest::strategy::Just(Attempt::Put),
        1 => proptest::strategy::Just(Attempt::DeleteIfSeen),
        1 => proptest::strategy::Just(Attempt::Delete),
        1 => proptest::strategy::Just(Attempt::Report),
        1 => proptest::strategy::Just(Attempt::Import),
    ];
    proptest::collection::vec((attempt, 0..4_u8, any::<i64>()), 20)
}

/// Carries a script out; every entry that it sees on the way is what its conditions are about. Returns what it won, and
/// how many changes more its imports made.
async fn write(registry: Registry, script: Vec<(Attempt, u8, i64)>) -> (Vec<Won>, usize) {
    let mut seen: HashMap<String, i64> = HashMap::new();
    let (mut won, mut imported) = (Vec::new(), 0);
    for (attempt, id, n) in script {
        let id = format!("s{id}");
        let version = *seen.get(&id).unwrap_or(&1);
        let (outcome, condition) = match attempt {
            Attempt::Put => (registry.put_service(put(&id, n)).await, None),
            Attempt::PutIfAbsent => {
                let put = PutService {
                    if_absent: Some(true),
                    ..put(&id, n)
                };
                (registry.put_service(put).await, None)
            }
            Attempt::PutIfSeen => {
                let put = PutService {
                    if_version: Some(version),
                    ..put(&id, n)
                };
                (registry.put_service(put).await, Some(version))
            }
            Attempt::PatchIfSeen => {
                let patch = PatchEntry {
                    id: id.clone(),
                    patch: json!({"metadata": {"n": n, "patched": true}}).into(),
                    if_version: Some(version),
                };
                (registry.patch_service(patch).await, Some(version))
            }
            Attempt::DeleteIfSeen | Attempt::Delete => {
                let if_version = matches!(attempt, Attempt::DeleteIfSeen).then_some(version);
                let delete = DeleteEntry {
                    id: id.clone(),
                    if_version,
                };
                (registry.delete_service(delete).await, if_version)
            }
            Attempt::Report => {
                let report = ReportHealth {
                    id,
                    status: HealthStatus::Healthy,
                    ttl_seconds: 3600,
                    note: None,
                };
                if let Err(error) = registry.report_health(report).await {
                    assert_eq!(error.kind(), ErrorKind::NotFound);
                }
                continue;
            }
            Attempt::Import => {
                let document = json!({"services": [{"id": id, "name": "s", "n": n}]});
                let options = ImportOptions {
                    force: Some(true),
                    ..of(document)
                };
                let report = registry.import(options).await.unwrap();
                imported +=
                    usize::try_from(report.created + report.updated + report.deleted).unwrap();
                continue;
            }
        };
        match outcome {
            Ok(service) => {
                seen.insert(id, service.resource_version);
                won.push(Won {
                    entry: json!(service),
                    condition,
                    absent: matches!(attempt, Attempt::PutIfAbsent),
                    deleted: matches!(attempt, Attempt::Delete | Attempt::DeleteIfSeen),
                });
            }
            Err(error) => {
                assert!(
                    matches!(error.kind(), ErrorKind::Aborted | ErrorKind::NotFound),
                    "{error:?}"
                );
                if let Some(current) = error.details().and_then(|d| d["current"].as_object()) {
                    seen.insert(id, current["resourceVersion"].as_i64().unwrap());
                }
            }
        }
    }
    (won, imported)
}

/// Watches from the beginning up to `until`, now and then interrupted, as a client is that loses its connection.
async fn watch(registry: Registry, patience: usize, until: i64) -> Vec<Arc<RegistryEvent>> {
    let open = async |revision| registry.watch(since(revision)).await.unwrap();
    let mut watch = open(0).await;
    let mut log = Vec::new();
    while watch.revision() < until {
        log.push(next(&mut watch).await);
        if patience > 0 && log.len() % patience == 0 {
            watch = open(watch.revision()).await;
        }
    }
    log
}

async fn the_log_is_the_history(fresh: Fresh) {
    // Three engines, as three processes would be.
    let stores = [fresh.open().await, fresh.open().await, fresh.open().await];
    let engines: Vec<_> = stores.iter().map(registry).collect();
    let mut runner = TestRunner::default();
    let mut reached = 0;
    let mut imported = 0;
    for round in 0..8 {
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let script = attempts().new_tree(&mut runner).unwrap().current();
                // Every other time one engine has the registry to itself, and comes to trust its memory.
                let engine = if round % 2 == 0 { n % 3 } else { round % 3 };
                tokio::spawn(write(engines[engine].clone(), script))
            })
            .collect();
        // Some watch while it happens, at the pace at which it happens.
        let early: Vec<_> = (0..3)
            .map(|n| tokio::spawn(watch(engines[n].clone(), 3 + 4 * n, reached + 10)))
            .collect();
        let mut won = Vec::new();
        for writer in writers {
            let (own, more) = writer.await.unwrap();
            won.extend(own);
            imported += more;
        }
        for watch in early {
            watch.await.unwrap();
        }
        reached = engines[0].list_services().await.unwrap().revision;
        let logs = futures_of(&engines, reached).await;
        for log in &logs {
            assert_eq!(log, &logs[0], "every watch sees the same");
        }
        check(&logs[0], &won, (round == 0).then_some(imported));
        let mut state: BTreeMap<String, Value> = BTreeMap::new();
        for event in &logs[0] {
            let id = event.id.as_ref().unwrap().to_string();
            let object = event.object.clone().unwrap().0;
            match event.change {
                RegistryChange::Delete => drop(state.remove(&id)),
                _ => drop(state.insert(id, object)),
            }
        }
        let state: Vec<Value> = state.into_values().collect();
        for engine in &engines {
            let list = engine.list_services().await.unwrap();
            let list: Vec<_> = list.services.iter().map(|service| json!(service)).collect();
            assert_eq!(told(list), told(state.clone()));
        }
    }
}

/// Entries without what nobody is told of.
fn told(mut entries: Vec<Value>) -> Vec<Value> {
    for entry in &mut entries {
        for times in ["lastHealthyAt", "reportExpiresAt"] {
            entry[times].take();
        }
    }
    entries
}

/// An entry without its health.
fn declared(mut entry: Value) -> Value {
    for health in ["status", "statusChangedAt"] {
        entry[health].take();
    }
    told(vec![entry]).remove(0)
}

async fn futures_of(engines: &[Registry], until: i64) -> Vec<Vec<Arc<RegistryEvent>>> {
    let watches: Vec<_> = [0, 1, 7]
        .into_iter()
        .zip(engines)
        .map(|(patience, engine)| tokio::spawn(watch(engine.clone(), patience, until)))
        .collect();
    let mut logs = Vec::new();
    for watch in watches {
        logs.push(watch.await.unwrap());
    }
    logs
}

/// Holds what the winners were told against the log.
/// If it is all that happened, so many changes were imports.
fn check(log: &[Arc<RegistryEvent>], won: &[Won], imported: Option<usize>) {
    let revisions: Vec<_> = log.iter().map(|event| event.revision).collect();
    let all: Vec<_> = (1..=log.len() as i64).collect();
    assert_eq!(revisions, all, "no gap, no repetition");
    // What each entry was before each revision.
    let mut before: HashMap<i64, Option<i64>> = HashMap::new();
    let mut now: HashMap<&Id, Option<i64>> = HashMap::new();
    let (mut deletions, mut reports) = (HashMap::new(), 0);
    for event in log {
        let (id, object) = (event.id.as_ref().unwrap(), event.object.as_ref().unwrap());
        let version = object["resourceVersion"].as_i64();
        let old = now.get(id).copied().flatten();
        before.insert(event.revision, old);
        match event.change {
            RegistryChange::Delete => {
                assert_eq!(old, version, "what is deleted was there");
                deletions.insert(version.unwrap(), event.revision);
                now.insert(id, None);
            }
            RegistryChange::Update if version != Some(event.revision) => {
                assert_eq!(old, version, "a report changes no version");
                assert_eq!(object["status"], "HEALTHY");
                reports += 1;
            }
            change => {
                assert_eq!(version, Some(event.revision));
                assert_eq!(change == RegistryChange::Create, old.is_none());
                now.insert(id, version);
            }
        }
    }
    let mut claimed = HashSet::new();
    for won in won {
        let version = won.entry["resourceVersion"].as_i64().unwrap();
        let revision = if won.deleted {
            deletions[&version]
        } else {
            version
        };
        let event = &log[usize::try_from(revision - 1).unwrap()];
        // One that was kept shows its health of then.
        let object = event.object.as_ref().unwrap().0.clone();
        assert_eq!(declared(object), declared(won.entry.clone()));
        // A change that changed nothing has no event of its own: it was told of an earlier one.
        let changed = claimed.insert(revision);
        if let Some(condition) = won.condition {
            assert!(
                before[&revision] == Some(condition) || version == condition,
                "a lost update: {won:?}"
            );
        }
        if won.absent {
            assert!(changed && before[&revision].is_none(), "two were first");
        }
    }
    if let Some(imported) = imported {
        let changes = claimed.len() + reports + imported;
        assert_eq!(changes, log.len(), "every event is somebody's change");
    }
}

async fn a_thousand_watchers_see_what_fifty_writers_did(fresh: Fresh) {
    const WRITERS: i64 = 50;
    const EACH: i64 = 4;
    let registry = registry(&fresh.open().await);
    let watchers: Vec<_> = (0..1000)
        .map(|n| {
            let registry = registry.clone();
            tokio::spawn(async move {
                // Half of them see everything, the others one entry each.
                let ids = (n % 2 == 1).then(|| vec![format!("s{}", n % WRITERS)]);
                let options = WatchOptions {
                    since: Some(0),
                    ids: ids.clone(),
                    ..WatchOptions::default()
                };
                let mut watch = registry.watch(options).await.unwrap();
                let count = if ids.is_some() { EACH } else { WRITERS * EACH };
                let mut last = 0;
                for _ in 0..count {
                    let event = next(&mut watch).await;
                    let id = event.id.as_ref().unwrap().to_string();
                    match &ids {
                        Some(ids) => assert!(event.revision > last && ids.contains(&id)),
                        None => assert_eq!(event.revision, last + 1),
                    }
                    last = event.revision;
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let registry = registry.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    let put = put(&format!("s{writer}"), n);
                    registry.put_service(put).await.unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    for watcher in watchers {
        watcher.await.unwrap();
    }
}
