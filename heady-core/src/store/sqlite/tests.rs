//! What only SQLite does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ErrorKind;
use crate::error::Result;
use crate::store::testing::Fresh;
use crate::store::tests::{count, insert_service};
use crate::store::{Attempt, Call, Durability, Failed, Lane, Store, StoreOptions, Work, args};

#[tokio::test]
async fn a_part_may_be_several_statements() {
    let fresh = Fresh::sqlite();
    let store = fresh.open().await;
    let insert = "INSERT INTO services (id, name, base_url) VALUES ($1, $1, '') RETURNING id;
        SELECT count(*) AS n FROM services WHERE id = $1;\n";
    let write = |id: &str, then: &'static str| {
        let call = Call::default()
            .with(insert, id.to_owned())
            .with(then, String::new());
        store.write(move |transaction| Box::pin(async move { transaction.run(&call).await }))
    };
    let rows = write("a", "SELECT 3 AS n").await.unwrap();
    assert_eq!(rows[0].get::<String>("id").unwrap(), "a");
    assert_eq!(rows[1].get::<i64>("n").unwrap(), 1);
    assert_eq!(rows[2].get::<i64>("n").unwrap(), 3);
    assert!(write("b", "SELECT 1;\nSELECT nothing").await.is_err());
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn more_readers_than_connections_take_turns() {
    let fresh = Fresh::sqlite();
    let store = fresh.open().await;
    let reads: Vec<_> = (0..50)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let rows = store.fetch_all("SELECT $1 AS n", args![n]).await?;
                rows[0].get::<i64>("n")
            })
        })
        .collect();
    for (n, read) in (0..).zip(reads) {
        assert_eq!(read.await.unwrap().unwrap(), n);
    }
}

#[tokio::test]
async fn a_missing_file_is_created_unless_it_must_be_there() {
    let fresh = Fresh::sqlite();
    let options = StoreOptions {
        durability: Durability::Process,
        create_if_missing: false,
    };
    let error = Store::open(&fresh.url, options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    fresh.open().await.close().await;
    Store::open(&fresh.url, options).await.unwrap();
    Store::open("sqlite::memory:", options).await.unwrap();
}

#[tokio::test]
async fn databases_in_memory_are_separate() {
    let (one, two) = (
        Store::connect("sqlite::memory:", Durability::Full)
            .await
            .unwrap(),
        Store::connect("sqlite://:memory:", Durability::Full)
            .await
            .unwrap(),
    );
    one.write(|transaction| Box::pin(async move { insert_service(transaction, "a").await }))
        .await
        .unwrap();
    assert_eq!((count(&one).await, count(&two).await), (1, 0));
    let held = one.hold("x").await.unwrap();
    assert!(held.is_some() && one.hold("x").await.unwrap().is_none());
}

/// Rows that are written one by one, and how often that was tried.
struct Tried(Arc<AtomicUsize>);

impl Work for Tried {
    type Op = String;
    type Outcome = ();

    #[cfg(feature = "postgres")]
    const AT_ONCE: usize = 1;

    async fn carry_out(
        &self,
        store: &Store,
        ops: &[String],
        _: Attempt,
    ) -> Result<Vec<()>, Failed> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let begun = store.begin().await.map_err(Failed::perhaps_done);
        begun.map(|_| vec![(); ops.len()])
    }

    fn weight(_: &String) -> usize {
        1
    }
}

#[tokio::test]
async fn who_waits_for_a_locked_file_waits_once_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("heady.db");
    let url = format!("sqlite:{}", path.display());
    let store = Store::connect(&url, Durability::Full).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tried = Arc::new(AtomicUsize::new(0));
    let lane = Lane::of(store, Tried(tried.clone()));
    let submitted = (0..6).map(|n: i32| {
        let lane = lane.clone();
        tokio::spawn(async move { lane.submit(n.to_string()).await })
    });
    for waiting in submitted.collect::<Vec<_>>() {
        let error = waiting.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    }
    // The first alone, perhaps, and then the others together.
    assert!(tried.load(Ordering::Relaxed) <= 2);
    other.execute_batch("ROLLBACK").unwrap();
    lane.submit("free".to_owned()).await.unwrap();
}

#[tokio::test]
async fn the_file_of_another_program_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE nodes (n)").unwrap();
    drop(other);
    let before = std::fs::read(&path).unwrap();
    let url = format!("sqlite:{}", path.display());
    let error = Store::connect(&url, Durability::Full).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition, "{error:?}");
    assert!(error.message().contains("a table 'nodes'"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}
