//! Durable no-op steps of ours, and the commit floor under them: `bench-pipeline ours|ours-full|floor URL RUNS SECONDS`.

#![expect(clippy::print_stdout, reason = "what it found out is what it is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use heady_core::pipeline::{DefinePipeline, RunStatus, StartRun};
use heady_core::{Durability, EngineOptions, Heady};
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor};

/// A run has as many stages as the blueprint's pipeline, one step in each.
const STEPS: u64 = 9;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, runs, seconds] = arguments.as_slice() else {
        panic!("bench-pipeline ours|ours-full|floor URL RUNS SECONDS");
    };
    let runs: usize = runs.parse().expect("RUNS is a number");
    let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let (steps, seconds) = match what.as_str() {
        "ours" => ours(url, Durability::Process, runs, time).await,
        "ours-full" => ours(url, Durability::Full, runs, time).await,
        "floor" => floor(url, runs, time).await,
        other => panic!("{other}?"),
    };
    println!("{}", json!({"steps": steps, "seconds": seconds}));
}

async fn ours(url: &str, durability: Durability, runs: usize, time: Duration) -> (u64, f64) {
    let options = EngineOptions {
        durability: Some(durability),
        ..EngineOptions::default()
    };
    let heady = Heady::open(url, options).await.expect("opens");
    heady
        .pipeline()
        .handle("step", async |_, _| Ok(heady_core::Json::NULL))
        .expect("a name of ours");
    let stages: Vec<_> = (0..STEPS)
        .map(|n| json!({"id": format!("s{n}"), "tasks": ["step"]}))
        .collect();
    let definition =
        json!({"pipeline": {"name": "bench", "global": {"seed": 1}, "stages": stages}});
    let options = DefinePipeline {
        definition: Some(definition.into()),
        ..DefinePipeline::default()
    };
    heady
        .pipeline()
        .define(options)
        .await
        .expect("a definition");
    let once = |heady: Heady| async move {
        let start = StartRun {
            workflow_id: Some("bench".into()),
            ..StartRun::default()
        };
        let run = heady.pipeline().run(start).await.expect("runs");
        assert_eq!(run.status, RunStatus::Succeeded);
    };
    once(heady.clone()).await;
    let measured = repeat(runs, time, STEPS, || once(heady.clone())).await;
    heady.close().await;
    measured
}

/// One row in one commit, which nobody who promises durability for each step goes below without batching.
async fn floor(url: &str, runs: usize, time: Duration) -> (u64, f64) {
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
    for _ in 0..runs {
        let connection = sqlx::PgConnection::connect(url).await.expect("opens");
        connections.push(Arc::new(tokio::sync::Mutex::new(connection)));
    }
    let next = AtomicU64::new(0);
    repeat(runs, time, 1, || {
        let index = next.fetch_add(1, Ordering::Relaxed) as usize % runs;
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

/// Keeps `runs` of them going until the time is up; returns how many steps were done, and in how many seconds.
async fn repeat<F: Future<Output = ()> + Send + 'static>(
    runs: usize,
    time: Duration,
    steps: u64,
    mut once: impl FnMut() -> F,
) -> (u64, f64) {
    let begun = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    let mut done = 0;
    loop {
        while under_way.len() < runs && begun.elapsed() < time {
            under_way.spawn(once());
        }
        match under_way.join_next().await {
            Some(outcome) => {
                outcome.expect("no panic");
                done += steps;
            }
            None => return (done, begun.elapsed().as_secs_f64()),
        }
    }
}
