//! What our programs beside the peers have in common: the floor under a commit, a connection to a server, and how work is
//! repeated and reported.

#![expect(clippy::print_stdout, reason = "what it found out is what it is for")]

mod connection;

pub use connection::{Connection, Events};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor};

/// How much was done, and in how many seconds.
pub type Measured = (u64, f64);

/// Prints what was measured, as `side_by_side.py` reads it.
pub fn report((done, seconds): Measured) {
    println!("{}", json!({"done": done, "seconds": seconds}));
}

/// One row in one commit, which nobody who promises durability for each step goes below without batching.
pub async fn floor(url: &str, at_once: usize, time: Duration) -> Measured {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS floor (id BIGINT, body TEXT)";
    const INSERT: &str =
        "INSERT INTO floor VALUES (1, 'a row as long as that of a finished step, more or less')";
    if url.starts_with("sqlite:") {
        let options: SqliteConnectOptions = url.parse().expect("a URL");
        let options = options
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let mut connection = sqlx::SqliteConnection::connect_with(&options)
            .await
            .expect("opens");
        connection.execute(TABLE).await.expect("a table");
        // SQLite has one writer, however many there are.
        let begun = Instant::now();
        let mut commits = 0;
        while begun.elapsed() < time {
            connection.execute(INSERT).await.expect("a commit");
            commits += 1;
        }
        return (commits, begun.elapsed().as_secs_f64());
    }
    let mut first = sqlx::PgConnection::connect(url).await.expect("opens");
    first.execute(TABLE).await.expect("a table");
    let mut connections = Vec::new();
    for _ in 0..at_once {
        let connection = sqlx::PgConnection::connect(url).await.expect("opens");
        connections.push(Arc::new(tokio::sync::Mutex::new(connection)));
    }
    let next = AtomicU64::new(0);
    repeat(at_once, time, 1, || {
        let index = next.fetch_add(1, Ordering::Relaxed) as usize % at_once;
        let connection = connections[index].clone();
        async move {
            connection
                .lock()
                .await
                .execute(INSERT)
                .await
                .expect("a commit");
        }
    })
    .await
}

/// Keeps `at_once` of them going until the time is up, each worth so much.
pub async fn repeat<F: Future<Output = ()> + Send + 'static>(
    at_once: usize,
    time: Duration,
    worth: u64,
    mut once: impl FnMut() -> F,
) -> Measured {
    let begun = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    let mut done = 0;
    loop {
        while under_way.len() < at_once && begun.elapsed() < time {
            under_way.spawn(once());
        }
        match under_way.join_next().await {
            Some(outcome) => {
                outcome.expect("no panic");
                done += worth;
            }
            None => return (done, begun.elapsed().as_secs_f64()),
        }
    }
}

/// Lets each of `at_once` repeat its own work, one after the other, until the time is up; each time is worth one.
pub async fn each<F: Future<Output = u64> + Send + 'static>(
    at_once: usize,
    work: impl Fn(usize) -> F,
) -> Measured {
    let begun = Instant::now();
    let mut under_way: tokio::task::JoinSet<u64> = (0..at_once).map(work).collect();
    let mut done = 0;
    while let Some(outcome) = under_way.join_next().await {
        done += outcome.expect("no panic");
    }
    (done, begun.elapsed().as_secs_f64())
}
