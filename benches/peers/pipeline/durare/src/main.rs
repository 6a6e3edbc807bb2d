//! Durable no-op steps of durare: `bench-durare URL RUNS SECONDS`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use durare::{DurableContext, DurableEngine, PostgresProvider, Result, WorkflowOptions};
use sqlx::postgres::PgPoolOptions;

const STEPS: u64 = 9;

#[durare::step]
async fn step(ctx: &DurableContext, n: u64) -> Result<u64> {
    Ok(n)
}

#[durare::workflow]
async fn bench(ctx: DurableContext, steps: u64) -> Result<u64> {
    let mut sum = 0;
    for n in 0..steps {
        sum += step(&ctx, n).await?;
    }
    Ok(sum)
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, runs, seconds] = arguments.as_slice() else {
        panic!("bench-durare URL RUNS SECONDS");
    };
    let runs: usize = runs.parse().expect("RUNS is a number");
    let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let builder = if url.starts_with("postgres") {
        // Its own pool has 8 connections, for which 32 runs would have to queue.
        let pool = PgPoolOptions::new().max_connections(8.max(runs as u32 + 1));
        let pool = pool.connect(url).await?;
        DurableEngine::builder(Arc::new(PostgresProvider::from_pool_with_schema(pool, "durare")?))
    } else {
        DurableEngine::connect(url).await?
    };
    let engine = builder.build().await?;
    engine.start_with(Bench, STEPS, WorkflowOptions::default()).await?.await?;
    let engine = Arc::new(engine);
    let begun = Instant::now();
    let mut under_way = tokio::task::JoinSet::new();
    let mut done = 0;
    loop {
        while under_way.len() < runs && begun.elapsed() < time {
            let engine = engine.clone();
            under_way.spawn(async move {
                engine.start_with(Bench, STEPS, WorkflowOptions::default()).await?.await
            });
        }
        match under_way.join_next().await {
            Some(outcome) => {
                outcome.expect("no panic")?;
                done += STEPS;
            }
            None => break,
        }
    }
    println!("{{\"done\": {done}, \"seconds\": {}}}", begun.elapsed().as_secs_f64());
    Ok(())
}
