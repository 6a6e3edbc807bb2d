//! Changes decided on others that are still under way.

use std::time::Duration;

use tokio::task::JoinSet;

use super::*;
use crate::registry::history::History;
use crate::store::Sql;

on_both_databases!(
    what_was_decided_on_a_change_that_fails_is_decided_anew,
    no_update_is_lost_among_many_writers,
    a_deletion_lets_those_before_it_arrive,
);

/// Lets the database refuse services of this name.
async fn refuse(store: &Store, name: &str) {
    let sqlite = format!(
        "CREATE TRIGGER refused BEFORE UPDATE ON services WHEN NEW.name = '{name}'
         BEGIN SELECT RAISE(ABORT, 'refused'); END"
    );
    let postgres = format!("ALTER TABLE services ADD CONSTRAINT refused CHECK (name <> '{name}')");
    store
        .write(|transaction| {
            let sql = Sql::of(sqlite, postgres);
            Box::pin(async move { transaction.execute(sql, vec![]).await })
        })
        .await
        .unwrap();
}

async fn what_was_decided_on_a_change_that_fails_is_decided_anew(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    let node = |name: &str| PutNode {
        id: "n".into(),
        name: Some(name.into()),
        ..PutNode::default()
    };
    registry.put_service(service("a", "a")).await.unwrap();
    registry.put_node(node("n")).await.unwrap();
    refuse(&store, "refused").await;

    // While somebody else has the registry's lock, one change waits for it and another for that one.
    let mut other = fresh.open().await.begin().await.unwrap();
    History::lock(&mut other).await.unwrap();
    let mut under_way = JoinSet::new();
    let first = registry.clone();
    under_way.spawn(async move { first.put_service(service("a", "refused")).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (second, renamed) = (registry.clone(), node("renamed"));
    under_way.spawn(async move { second.put_node(renamed).await.map(drop) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(other);
    let mut failures = Vec::new();
    for outcome in under_way.join_all().await {
        failures.extend(outcome.err().map(|error| error.kind()));
    }
    assert_eq!(failures, [ErrorKind::FailedPrecondition]);

    let (a, n) = (registry.get_service("a"), registry.get_node("n"));
    assert_eq!(a.await.unwrap().name, "a");
    let n = n.await.unwrap();
    assert_eq!((n.name.as_str(), n.resource_version), ("renamed", 3));
    let put = registry.put_service(service("a", "b")).await.unwrap();
    assert_eq!(put.resource_version, 4);
}

async fn no_update_is_lost_among_many_writers(fresh: Fresh) {
    const WRITERS: usize = 40;
    const TIMES: usize = 4;
    const ENTRIES: usize = 12;
    let registry = registry(&fresh.open().await);
    let id = |n: usize| format!("s{}", n % ENTRIES);
    for n in 0..ENTRIES {
        registry.put_service(service(&id(n), "0")).await.unwrap();
    }
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let (registry, id) = (registry.clone(), id(n));
        writers.spawn(async move {
            let mut done = 0;
            while done < TIMES {
                let current = registry.get_service(&id).await.unwrap();
                let count: usize = current.name.parse().unwrap();
                let put = PutService {
                    if_version: Some(current.resource_version),
                    ..service(&id, &(count + 1).to_string())
                };
                match registry.put_service(put).await {
                    Ok(_) => done += 1,
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Aborted),
                }
            }
        });
    }
    writers.join_all().await;
    let listed = registry.list_services().await.unwrap();
    let counts = listed
        .services
        .iter()
        .map(|service| service.name.parse::<usize>().unwrap());
    assert_eq!(counts.sum::<usize>(), WRITERS * TIMES);
    assert_eq!(listed.revision as usize, ENTRIES + WRITERS * TIMES);
}

/// Otherwise they would be refused, and memory given up although nobody else writes.
async fn a_deletion_lets_those_before_it_arrive(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let id = |n: usize| format!("s{n}");
    let puts = async |round: usize| {
        let mut under_way = JoinSet::new();
        for n in 0..64 {
            let (registry, put) = (registry.clone(), service(&id(n), &round.to_string()));
            under_way.spawn(async move { registry.put_service(put).await.map(drop) });
        }
        let gone = registry.clone();
        under_way.spawn(async move {
            let node = PutNode {
                id: format!("n{round}"),
                ..PutNode::default()
            };
            gone.put_node(node.clone()).await?;
            let delete = DeleteEntry {
                id: node.id,
                if_version: None,
            };
            gone.delete_node(delete).await.map(drop)
        });
        for outcome in under_way.join_all().await {
            outcome.unwrap();
        }
    };
    puts(0).await;
    let mut rounds = 0;
    let known = registry.editors.readings().await;
    for round in 1..20 {
        puts(round).await;
        rounds = round;
    }
    // The node that is new, and its deletion.
    assert_eq!(registry.editors.readings().await, known + 2 * rounds);
}
