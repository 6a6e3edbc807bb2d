//! Durable no-op steps of ours, and the commit floor under them: `bench-pipeline ours|ours-full|floor URL RUNS SECONDS`.

use std::time::Duration;

use heady_benches::{floor, repeat, report};
use heady_core::pipeline::{DefinePipeline, RunStatus, StartRun};
use heady_core::{Durability, EngineOptions, Heady};
use serde_json::json;

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
    let measured = match what.as_str() {
        "ours" => ours(url, Durability::Process, runs, time).await,
        "ours-full" => ours(url, Durability::Full, runs, time).await,
        "floor" => floor(url, runs, time).await,
        other => panic!("{other}?"),
    };
    report(measured);
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
