//! What only a server does: it ends sessions, and others keep its tables locked.

use sqlx::{Connection as _, Executor as _, PgConnection};

use tokio::task::JoinSet;

use crate::ErrorKind;
use crate::audit::{Audit, VerifyAudit};
use crate::outbound::{HostRules, HttpClient};
use crate::registry::{PutService, Registry};
use crate::store::Store;
use crate::store::testing::Fresh;
use crate::store::tests::{count, insert_service};

async fn session(fresh: &Fresh) -> PgConnection {
    PgConnection::connect(&fresh.url).await.unwrap()
}

/// Ends the sessions that the store has open, as a restart of the server does, and returns when they are gone.
async fn end_sessions(fresh: &Fresh, store: &Store) {
    let mut asked = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        asked.spawn(async move {
            let pid = "SELECT CAST(pg_backend_pid() AS BIGINT) AS pid, pg_sleep(0.02)::text";
            let rows = store.fetch_all(pid, vec![]).await.unwrap();
            rows[0].get::<i64>("pid").unwrap()
        });
    }
    let mut other = session(fresh).await;
    for pid in asked.join_all().await {
        let end = "SELECT pg_terminate_backend($1::int, 10000)";
        let ended: bool = sqlx::query_scalar(end)
            .bind(pid)
            .fetch_one(&mut other)
            .await
            .unwrap();
        assert!(ended);
    }
}

#[tokio::test]
async fn who_reads_or_begins_does_not_notice_that_sessions_were_ended() {
    let fresh = Fresh::postgres().await;
    let store = fresh.open().await;
    for written in 0..3 {
        end_sessions(&fresh, &store).await;
        assert_eq!(count(&store).await, written);
        end_sessions(&fresh, &store).await;
        let id = written.to_string();
        let insert = store.write(move |transaction| {
            Box::pin(async move { insert_service(transaction, &id).await })
        });
        insert.await.unwrap();
        end_sessions(&fresh, &store).await;
        assert!(!store.is_held("nobody").await.unwrap());
    }
}

async fn put(registry: &Registry, id: &str) -> crate::Result<i64> {
    let options = PutService {
        id: id.to_owned(),
        ..PutService::default()
    };
    Ok(registry.put_service(options).await?.resource_version)
}

fn registry(store: &Store) -> Registry {
    let http = HttpClient::new(HostRules::new(Vec::new())).unwrap();
    Registry::new(store.clone(), http, "tester".into())
}

#[tokio::test]
async fn a_change_outlives_the_session_that_was_to_carry_it() {
    let fresh = Fresh::postgres().await;
    let store = fresh.open().await;
    let (registry, audit) = (registry(&store), Audit::new(store.clone()));
    for version in 1..=4 {
        end_sessions(&fresh, &store).await;
        let id = version.to_string();
        assert_eq!(put(&registry, &id).await.unwrap(), version);
    }
    let verified = audit.verify(VerifyAudit::default()).await.unwrap();
    assert_eq!((verified.rows, verified.first_fault), (4, None));
}

#[tokio::test]
async fn who_waits_for_locked_tables_is_refused_and_nothing_is_written() {
    let mut fresh = Fresh::postgres().await;
    // What whoever runs the server has said counts, here that the test does not take longer.
    fresh.url += "&options[lock_timeout]=300ms";
    let store = fresh.open().await;
    let registry = registry(&store);
    put(&registry, "before").await.unwrap();
    let mut other = session(&fresh).await;
    other
        .execute("BEGIN; LOCK TABLE services IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let mut waiting = JoinSet::new();
    for n in 0..6 {
        let registry = registry.clone();
        waiting.spawn(async move { put(&registry, &n.to_string()).await });
    }
    for outcome in waiting.join_all().await {
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.message().contains("lock"), "{error}");
    }
    other.execute("ROLLBACK").await.unwrap();
    assert_eq!(count(&store).await, 1);
    put(&registry, "after").await.unwrap();
}
