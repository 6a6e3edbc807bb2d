//! A database that refuses for a while, and an engine that closes in the middle.

use super::*;
use crate::store::Sql;

on_both_databases!(
    what_could_not_be_given_is_asked_all_the_same,
    a_prober_that_cannot_show_life_rests_and_comes_back,
    closing_waits_for_no_answer,
    a_service_that_cannot_be_read_stops_no_other,
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
    let (registry, server) = with_api(&store).await;
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

/// Where the prober meets a service that somebody damaged: when it writes what turns it, and when it takes it.
async fn a_service_that_cannot_be_read_stops_no_other(fresh: Fresh) {
    use HealthStatus::{Degraded, Healthy};
    const DAMAGES: [[&str; 2]; 2] = [
        [
            "UPDATE services SET metadata = '{' WHERE id = 'bad'",
            "UPDATE services SET created_at = 'infinity' WHERE id = 'bad'",
        ],
        ["UPDATE services SET status = 'FINE' WHERE id = 'bad'"; 2],
    ];
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    let stored = async |id: &str| -> String {
        let text = "SELECT status FROM services WHERE id = $1";
        let row = store.fetch_optional(text, args![id]).await.unwrap();
        row.unwrap().get("status").unwrap()
    };
    let seconds = |id: &str| ReportHealth {
        id: id.into(),
        status: Healthy,
        ttl_seconds: 1,
        note: None,
    };
    registry.prober.start_at(FAST);
    for (round, [sqlite, postgres]) in DAMAGES.into_iter().enumerate() {
        server.set(200);
        for id in ["bad", "good", "job"] {
            let base_url = if id == "job" { "" } else { &server.base };
            registry
                .register_service(service(id, base_url))
                .await
                .unwrap();
        }
        for id in ["bad", "good"] {
            until_status(&registry, id, Healthy).await;
        }
        for id in ["bad", "job"] {
            registry.report_health(seconds(id)).await.unwrap();
        }
        change_schema(&store, vec![Sql::of(sqlite, postgres)]).await;
        server.set(503);
        // One that comes later is in no roster yet.
        let late = format!("late{round}");
        let other = service(&late, &server.base);
        registry.register_service(other).await.unwrap();
        until("the newcomer is asked", async || {
            server.times_asked(&format!("/{late}")) > 0
        })
        .await;
        until("what is found of the other is written", async || {
            stored("good").await == Degraded.as_str()
        })
        .await;
        until("the other's report runs out", async || {
            stored("job").await == HealthStatus::Unhealthy.as_str()
        })
        .await;
        until("it shows life", async || {
            *registry.prober.inner.lease.borrow() > Instant::now() + FAST.lease / 2
        })
        .await;
        let error = registry.list_services().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DataLoss);
        assert!(error.message().contains("service 'bad'"), "{error}");
        let repair = [
            "UPDATE services SET metadata = '{}', status = 'UNHEALTHY' WHERE id = 'bad'",
            "UPDATE services SET created_at = now(), status = 'UNHEALTHY' WHERE id = 'bad'",
        ];
        change_schema(&store, vec![Sql::of(repair[0], repair[1])]).await;
        // Another revision, so that it is taken again.
        registry.editors.forget();
        for id in ["job", "good"] {
            let gone = DeleteEntry {
                id: id.into(),
                if_version: None,
            };
            registry.delete_service(gone).await.unwrap();
        }
        until_status(&registry, "bad", Degraded).await;
        let gone = DeleteEntry {
            id: "bad".into(),
            if_version: None,
        };
        registry.delete_service(gone).await.unwrap();
    }
    registry.close().await;
}
