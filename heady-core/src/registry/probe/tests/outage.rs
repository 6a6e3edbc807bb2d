//! A database that refuses for a while, and an engine that closes in the middle.

use super::*;
use crate::store::Sql;

on_both_databases!(
    what_could_not_be_given_is_asked_all_the_same,
    a_prober_that_cannot_show_life_rests_and_comes_back,
    closing_waits_for_no_answer,
);

async fn change_schema(store: &Store, statements: Vec<Sql>) {
    for sql in statements {
        store
            .write(move |transaction| {
                Box::pin(async move { transaction.execute(sql, vec![]).await })
            })
            .await
            .unwrap();
    }
}

/// Lets the database refuse these writes: which, and under which condition.
async fn refuse(store: &Store, [on, when]: [&str; 2]) {
    let trigger = format!("CREATE TRIGGER refused BEFORE {on} FOR EACH ROW WHEN ({when})");
    let function = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'";
    let statements = vec![
        Sql::of("SELECT 1", function),
        Sql::of(
            format!("{trigger} BEGIN SELECT RAISE(ABORT, 'not now'); END"),
            format!("{trigger} EXECUTE FUNCTION refuse()"),
        ),
    ];
    change_schema(store, statements).await;
}

async fn allow(store: &Store, [on, _]: [&str; 2]) {
    let table = on.rsplit(' ').next().unwrap();
    let dropped = Sql::of(
        "DROP TRIGGER refused",
        format!("DROP TRIGGER refused ON {table}"),
    );
    change_schema(store, vec![dropped]).await;
}

async fn what_could_not_be_given_is_asked_all_the_same(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    let ids = ["a", "b", "c", "d"];
    for id in ids {
        registry
            .register_service(service(id, &server.base))
            .await
            .unwrap();
    }
    let own = async || {
        let mut own = Vec::new();
        for id in ids {
            if prober_of(&store, id)
                .await
                .is_some_and(|(prober, _)| prober == *registry.prober.id())
            {
                own.push(id);
            }
        }
        own
    };
    registry.prober.start_at(FAST);
    until("it has all", async || own().await.len() == 4).await;
    let releases = ["UPDATE OF prober ON service_probes", "NEW.prober IS NULL"];
    refuse(&store, releases).await;
    let other = Id::new();
    queries::renew(&store, &other, FAST.lease).await.unwrap();
    until("the other is gone again", async || {
        let own = registry.prober.id();
        let balance = queries::balance(&store, own, FAST.lease).await.unwrap();
        balance.others == 0
    })
    .await;
    assert_eq!(own().await.len(), 4);
    let before = ids.map(|id| server.times_asked(&format!("/{id}")));
    until("all are asked again", async || {
        ids.iter()
            .zip(before)
            .all(|(id, before)| server.times_asked(&format!("/{id}")) > before + 1)
    })
    .await;
    allow(&store, releases).await;
    registry.close().await;
}

async fn a_prober_that_cannot_show_life_rests_and_comes_back(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    registry
        .register_service(service("api", &server.base))
        .await
        .unwrap();
    registry.prober.start_at(FAST);
    until_status(&registry, "api", Healthy).await;
    let signs_of_life = ["INSERT ON probers", "true"];
    refuse(&store, signs_of_life).await;
    until("its lease has run out", async || {
        *registry.prober.inner.lease.borrow() <= Instant::now()
    })
    .await;
    let a_few_intervals = Duration::from_millis(300);
    // What was under way may still arrive.
    tokio::time::sleep(a_few_intervals).await;
    let asked = server.times_asked("/api");
    server.set(0);
    tokio::time::sleep(a_few_intervals).await;
    assert_eq!(server.times_asked("/api"), asked, "others may ask it now");
    allow(&store, signs_of_life).await;
    until_status(&registry, "api", Unhealthy).await;
    registry.close().await;
    assert_eq!(
        statuses(&self::registry(&store), "api").await,
        [Unknown, Healthy, Unhealthy]
    );
}

async fn closing_waits_for_no_answer(fresh: Fresh) {
    let store = fresh.open().await;
    let registry = registry(&store);
    // Accepts, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let patient = RegisterService {
        probe_timeout_ms: Some(600_000),
        ..service("slow", &format!("http://{}", silent.local_addr().unwrap()))
    };
    registry.register_service(patient).await.unwrap();
    registry.prober.start_at(FAST);
    let _asked = silent.accept().await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), registry.close())
        .await
        .expect("it closes within a minute");
    assert_eq!(prober_of(&store, "slow").await, None);
    let left = store.fetch_all("SELECT id FROM probers", vec![]).await;
    assert!(left.unwrap().is_empty());
}
