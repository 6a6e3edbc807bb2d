//! The store's suite, the same on both databases.

use std::time::Duration;

use serde_json::{Value, json};

use super::testing::{Fresh, on_both_databases};
use super::{Arg, Batch, Call, Durability, Lane, Row, Sql, Store, Transaction, args};
use crate::ErrorKind;
use crate::error::Result;
use crate::types::{Id, Timestamp, now};

on_both_databases!(
    values_come_back_as_they_went_in,
    the_character_nul_is_refused,
    a_failed_transaction_leaves_nothing,
    a_transaction_nobody_waits_for_is_finished,
    writers_take_turns,
    many_operations_share_few_calls,
    a_bad_operation_fails_alone,
    a_batch_that_panics_is_an_error,
    statements_find_their_arguments_by_number,
    a_lock_has_one_holder,
    a_second_connect_finds_the_schema,
    a_newer_schema_is_refused,
    engines_that_open_at_once_agree,
);

async fn the_character_nul_is_refused(fresh: Fresh) {
    let store = fresh.open().await;
    for value in [
        Arg::from("a\0"),
        Arg::from(json!({"a\0": 1})),
        Arg::from(json!([{"a": "\0"}])),
        Arg::from(["\0".to_owned()].as_slice()),
    ] {
        let error = store
            .fetch_all("SELECT $1 AS value", vec![value])
            .await
            .err()
            .unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let select = |document: serde_json::Value| {
        let call = Call::default().with("SELECT CAST($1 AS TEXT) AS value", document.to_string());
        store.write(move |transaction| {
            Box::pin(async move { transaction.run(&call).await?[0].get::<String>("value") })
        })
    };
    let error = select(json!({"a": ["\0"]})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    let harmless = json!({"a": "\\u0000"});
    assert_eq!(
        select(harmless.clone()).await.unwrap(),
        harmless.to_string()
    );
}

pub(super) async fn insert_service(transaction: &mut Transaction, id: &str) -> Result<u64> {
    transaction
        .execute(
            "INSERT INTO services (id, name, base_url) VALUES ($1, $1, '')",
            args![id],
        )
        .await
}

pub(super) async fn count(store: &Store) -> i64 {
    store
        .fetch_all("SELECT count(*) AS n FROM services", vec![])
        .await
        .unwrap()[0]
        .get("n")
        .unwrap()
}

async fn values_come_back_as_they_went_in(fresh: Fresh) {
    let store = fresh.open().await;
    let (id, at) = (Id::new(), now());
    let metadata = json!({"unicode": "Ünïcødé \u{1F680}", "deep": [1, 2.5, null, {"a": true}]});
    let triggers = vec!["a".to_owned(), "b,\"c\"".to_owned()];
    let (bound_id, bound_metadata, bound_triggers) =
        (id.clone(), metadata.clone(), triggers.clone());
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute(
                        "INSERT INTO nodes (id, name, triggers, enabled, metadata, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
                        args![&bound_id, "n", bound_triggers.as_slice(), false, bound_metadata, at],
                    )
                    .await
            })
        })
        .await
        .unwrap();
    let row = store
        .fetch_optional("SELECT * FROM nodes WHERE id = $1", args![&id])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.get::<Id>("id").unwrap(), id);
    assert_eq!(row.get::<Vec<String>>("triggers").unwrap(), triggers);
    assert!(!row.get::<bool>("enabled").unwrap());
    assert_eq!(row.get::<Value>("metadata").unwrap(), metadata);
    assert_eq!(row.get::<Timestamp>("created_at").unwrap(), at);
    assert_eq!(row.get::<Option<String>>("section").unwrap(), None);
    assert_eq!(row.get::<i64>("resource_version").unwrap(), 1);
    assert_eq!(
        row.get::<i64>("no_such_column").unwrap_err().kind(),
        ErrorKind::DataLoss
    );
    // The time that the database writes by itself reads like ours.
    let defaulted: Timestamp = row.get("updated_at").unwrap();
    assert!((defaulted - at).abs() < chrono::Duration::seconds(60));
}

async fn a_failed_transaction_leaves_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let error = store
        .write(|transaction| {
            Box::pin(async move {
                insert_service(transaction, "a").await?;
                insert_service(transaction, "a").await
            })
        })
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error:?}");
    let panicked: Result<()> = store
        .write(|transaction| {
            Box::pin(async move {
                insert_service(transaction, "b").await?;
                panic!("a defect in a domain");
            })
        })
        .await;
    assert_eq!(panicked.unwrap_err().kind(), ErrorKind::Internal);
    assert_eq!(count(&store).await, 0);
    store
        .write(|transaction| Box::pin(async move { insert_service(transaction, "c").await }))
        .await
        .unwrap();
    assert_eq!(count(&store).await, 1);
}

async fn a_transaction_nobody_waits_for_is_finished(fresh: Fresh) {
    let store = fresh.open().await;
    let write = store.write(|transaction| {
        Box::pin(async move {
            insert_service(transaction, "a").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
            insert_service(transaction, "b").await
        })
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(25), write)
            .await
            .is_err(),
        "it takes longer than that"
    );
    // The next writer waits its turn instead of finding a locked or half-written database.
    store
        .write(|transaction| Box::pin(async move { insert_service(transaction, "c").await }))
        .await
        .unwrap();
    for _ in 0..100 {
        if count(&store).await == 3 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the abandoned transaction was lost");
}

async fn writers_take_turns(fresh: Fresh) {
    let store = fresh.open().await;
    let add_one = |store: Store| async move {
        store
            .write(|transaction| {
                Box::pin(async move {
                    transaction
                        .execute("UPDATE services SET resource_version = resource_version + 1 WHERE id = 'a'", vec![])
                        .await
                })
            })
            .await
            .unwrap();
    };
    store
        .write(|transaction| Box::pin(async move { insert_service(transaction, "a").await }))
        .await
        .unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| tokio::spawn(add_one(store.clone())))
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rows = store
        .fetch_all("SELECT resource_version FROM services", vec![])
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("resource_version").unwrap(), 51);
}

/// Inserts services by name and says for each how many there were in its call.
#[derive(Default)]
struct Insert;

impl Batch for Insert {
    type Op = String;
    type Outcome = usize;

    fn call(ops: &[String]) -> Result<Call> {
        assert!(!ops.iter().any(|op| op == "panic"), "a defect in a domain");
        let sqlite = "INSERT INTO services (id, name, base_url)
            SELECT value, value, CASE WHEN value LIKE 'bad%' THEN NULL ELSE '' END FROM json_each($1) WHERE true
            ON CONFLICT DO NOTHING";
        let postgres = "INSERT INTO services (id, name, base_url)
            SELECT value, value, CASE WHEN value LIKE 'bad%' THEN NULL ELSE '' END FROM json_array_elements_text($1::json)
            ON CONFLICT DO NOTHING";
        let size = Sql::of(
            "SELECT count(*) AS n FROM json_each($1)",
            "SELECT json_array_length($1::json)::bigint AS n",
        );
        let document = json!(ops).to_string();
        Ok(Call::default()
            .with(Sql::of(sqlite, postgres), document.clone())
            .with(size, document))
    }

    fn outcomes(ops: &[String], rows: &[Row]) -> Result<Vec<usize>> {
        let n: i64 = rows[0].get("n")?;
        Ok(ops.iter().map(|_| usize::try_from(n).unwrap()).collect())
    }

    fn weight(op: &String) -> usize {
        op.len()
    }
}

async fn many_operations_share_few_calls(fresh: Fresh) {
    let store = fresh.open().await;
    let lane = Lane::<Insert>::new(store.clone());
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let lane = lane.clone();
            tokio::spawn(async move { lane.submit(format!("s{n}")).await.unwrap() })
        })
        .collect();
    let mut largest = 0;
    for task in tasks {
        largest = largest.max(task.await.unwrap());
    }
    assert_eq!(count(&store).await, 300);
    assert!(
        largest > 10,
        "the largest call carried {largest} operations"
    );
}

async fn a_bad_operation_fails_alone(fresh: Fresh) {
    let store = fresh.open().await;
    let lane = Lane::<Insert>::new(store.clone());
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let lane = lane.clone();
            let name = if n == 20 {
                "bad".to_owned()
            } else {
                format!("s{n}")
            };
            tokio::spawn(async move { (n, lane.submit(name).await) })
        })
        .collect();
    for task in tasks {
        let (n, outcome) = task.await.unwrap();
        assert_eq!(outcome.is_err(), n == 20, "operation {n}: {outcome:?}");
    }
    assert_eq!(count(&store).await, 39);
    lane.submit("after".to_owned()).await.unwrap();
}

async fn a_batch_that_panics_is_an_error(fresh: Fresh) {
    let store = fresh.open().await;
    let lane = Lane::<Insert>::new(store.clone());
    let error = lane.submit("panic".to_owned()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
    lane.submit("after".to_owned()).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

async fn statements_find_their_arguments_by_number(fresh: Fresh) {
    let store = fresh.open().await;
    let sql = "SELECT CAST($2 AS TEXT) AS b, CAST($1 AS TEXT) AS a, CAST($2 AS TEXT) AS again";
    let rows = store.fetch_all(sql, args!["a", "b"]).await.unwrap();
    let columns = ["a", "b", "again"].map(|name| rows[0].get::<String>(name).unwrap());
    assert_eq!(columns, ["a", "b", "b"]);
}

async fn a_lock_has_one_holder(fresh: Fresh) {
    let (one, two) = (fresh.open().await, fresh.open().await);
    let mut held = one.hold("prober").await.unwrap().expect("nobody holds it");
    assert!(held.still_held().await);
    assert!(two.hold("prober").await.unwrap().is_none());
    assert!(two.hold("another").await.unwrap().is_some());
    drop(held);
    for _ in 0..100 {
        if two.hold("prober").await.unwrap().is_some() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a dropped lock is still held");
}

async fn a_second_connect_finds_the_schema(fresh: Fresh) {
    let store = fresh.open().await;
    store
        .write(|transaction| Box::pin(async move { insert_service(transaction, "a").await }))
        .await
        .unwrap();
    store.close().await;
    assert_eq!(count(&fresh.open().await).await, 1);
    let closed = store
        .fetch_all("SELECT 1", vec![])
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(closed.kind(), ErrorKind::Unavailable);
}

async fn a_newer_schema_is_refused(fresh: Fresh) {
    let store = fresh.open().await;
    store
        .write(|transaction| {
            Box::pin(async move {
                let sql = Sql::of(
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9001, 'later', 1, x'00', 0)",
                    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9001, 'later', true, '\\x00', 0)",
                );
                transaction.execute(sql, vec![]).await
            })
        })
        .await
        .unwrap();
    let error = Store::connect(&fresh.url, Durability::Process)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FailedPrecondition);
    assert!(
        error.message().contains("9001") && error.message().contains("versions up to"),
        "{error}"
    );
}

async fn engines_that_open_at_once_agree(fresh: Fresh) {
    let connects: Vec<_> = (0..6)
        .map(|_| {
            let url = fresh.url.clone();
            tokio::spawn(async move {
                Store::connect(&url, Durability::Process)
                    .await
                    .map(|store| (store.dialect(), store))
            })
        })
        .collect();
    for connect in connects {
        connect.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn urls_that_lead_nowhere_say_what_to_do() {
    for (url, kind, words) in [
        ("heady.db", ErrorKind::InvalidArgument, "sqlite:heady.db"),
        (
            "mysql://user:secret@host/db",
            ErrorKind::InvalidArgument,
            "starts with 'sqlite:'",
        ),
        ("sqlite:", ErrorKind::InvalidArgument, "names no file"),
        ("sqlite:/", ErrorKind::InvalidArgument, "names a folder"),
        (
            "sqlite:x.db?mode=ro",
            ErrorKind::InvalidArgument,
            "parameters",
        ),
        (
            "sqlite://user:secret@host/db",
            ErrorKind::InvalidArgument,
            "a password",
        ),
        (
            "postgres:user:secret@host/db",
            ErrorKind::InvalidArgument,
            "no '//'",
        ),
        (
            "sqlite:/no/such/folder/heady.db",
            ErrorKind::NotFound,
            "does its folder exist",
        ),
    ] {
        let error = Store::connect(url, Durability::Full).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}: {error:?}");
        assert!(error.message().contains(words), "{url}: {error}");
        assert!(!format!("{error:?}").contains("secret"));
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not-a-database");
    std::fs::write(
        &path,
        "this is a text that is long enough to have a header of its own, but not SQLite's",
    )
    .unwrap();
    let error = Store::connect(&format!("sqlite:{}", path.display()), Durability::Full)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DataLoss, "{error:?}");
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_that_does_not_answer_is_named_without_its_password() {
    let error = Store::connect("postgres://heady:secret@127.0.0.1:1/none", Durability::Full)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(
        error
            .message()
            .starts_with("PostgreSQL at 127.0.0.1:1/none: "),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("secret"));
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn postgres_that_refuses_a_lock_leaves_no_transaction_behind() {
    let fresh = Fresh::postgres().await;
    let store = Store::connect(&fresh.url, Durability::Full).await.unwrap();
    // More often than there are connections.
    for _ in 0..20 {
        let refused = store.begin_locking("SELECT 1 / 0").await;
        assert!(refused.is_err());
    }
    let mut transaction = store.begin_locking("SELECT 1").await.unwrap();
    let rows = transaction.fetch_all("SELECT 2 AS n", vec![]).await;
    assert_eq!(rows.unwrap()[0].get::<i64>("n").unwrap(), 2);
    transaction.commit().await.unwrap();
}
