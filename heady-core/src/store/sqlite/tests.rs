//! What only SQLite does.

use crate::ErrorKind;
use crate::store::testing::Fresh;
use crate::store::tests::{count, insert_service};
use crate::store::{Call, Durability, Store, StoreOptions, args};

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
