//! Who gets which connection, and when.

use std::str::FromStr as _;

use super::*;

fn connections() -> Connections {
    let url = std::env::var("HEADY_TEST_POSTGRES_URL").expect("a server");
    let options = PgConnectOptions::from_str(&url).unwrap();
    Connections::new(options, &Handle::current())
}

async fn all(connections: &Connections) -> Vec<Connection> {
    let mut taken = Vec::new();
    for _ in 0..CONNECTIONS {
        taken.push(connections.take().await.unwrap());
    }
    taken
}

async fn process(connection: &mut Connection) -> i32 {
    let asked = sqlx::query_scalar("SELECT pg_backend_pid()");
    asked.fetch_one(connection.get().unwrap()).await.unwrap()
}

#[tokio::test]
async fn the_last_to_come_is_the_first_to_go() {
    let connections = connections();
    let (mut one, mut two) = (
        connections.take().await.unwrap(),
        connections.take().await.unwrap(),
    );
    let (first, second) = (process(&mut one).await, process(&mut two).await);
    assert_ne!(first, second);
    for _ in 0..3 {
        two.rest();
        two = connections.take().await.unwrap();
        assert_eq!(process(&mut two).await, second);
    }
    two.rest();
    one.rest();
    let mut last = connections.take().await.unwrap();
    assert_eq!(process(&mut last).await, first);
}

#[tokio::test]
async fn what_was_left_under_way_is_finished_first() {
    let connections = connections();
    for _ in 0..2 * CONNECTIONS {
        let mut connection = connections.take().await.unwrap();
        let slow = sqlx::query("SELECT pg_sleep(0.1)").execute(connection.get().unwrap());
        let given_up = tokio::time::timeout(Duration::from_millis(1), slow).await;
        assert!(given_up.is_err());
    }
    let mut connection = connections.take().await.unwrap();
    assert_ne!(process(&mut connection).await, 0);
}

#[tokio::test]
async fn one_that_takes_no_writes_any_more_goes_once_it_refused_one() {
    let connections = connections();
    let mut taken = connections.take().await.unwrap();
    let first = process(&mut taken).await;
    let standby = sqlx::raw_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
    standby.execute(taken.get().unwrap()).await.unwrap();
    let refused = sqlx::raw_sql("CREATE TABLE refused ()").execute(taken.get().unwrap());
    let refused = crate::Error::from(refused.await.unwrap_err());
    assert_eq!(refused.kind(), crate::ErrorKind::Unavailable, "{refused}");
    drop(taken);
    let mut others = all(&connections).await;
    for other in &mut others {
        assert_ne!(process(other).await, first);
    }
}

#[tokio::test]
async fn nobody_takes_more_than_there_are() {
    let connections = connections();
    let mut taken = all(&connections).await;
    let (waiting, one) = (connections.clone(), taken.pop().unwrap());
    let waiting = tokio::spawn(async move { waiting.take().await.map(drop) });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    one.rest();
    waiting.await.unwrap().unwrap();
}

#[tokio::test]
async fn nobody_waits_for_what_somebody_else_gave_up() {
    let connections = connections();
    let mut taken = all(&connections).await;
    let (mut given_up, one) = (taken.pop().unwrap(), taken.pop().unwrap());
    let slow = sqlx::query("SELECT pg_sleep(30)").execute(given_up.get().unwrap());
    assert!(
        tokio::time::timeout(Duration::from_millis(1), slow)
            .await
            .is_err()
    );
    drop(given_up);
    let waiting = connections.clone();
    let waiting = tokio::spawn(async move { waiting.take().await.map(drop) });
    tokio::task::yield_now().await;
    one.rest();
    let taken = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    taken.expect("while the other sleeps").unwrap().unwrap();
}

#[tokio::test]
async fn closing_waits_for_those_in_use() {
    let connections = connections();
    connections.take().await.unwrap().rest();
    let (mut used, closing) = (connections.take().await.unwrap(), connections.clone());
    let closed = tokio::spawn(async move { closing.close().await });
    tokio::task::yield_now().await;
    assert_ne!(process(&mut used).await, 0);
    assert!(!closed.is_finished());
    used.rest();
    closed.await.unwrap();
    let refused = connections.take().await.err().unwrap();
    assert_eq!(refused.kind(), crate::ErrorKind::Unavailable);
}

#[tokio::test]
async fn they_may_go_anywhere() {
    let connections = connections();
    let used = connections.take().await.unwrap();
    connections.take().await.unwrap().rest();
    std::thread::spawn(move || drop((used, connections)))
        .join()
        .unwrap();
}
