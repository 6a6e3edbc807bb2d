//! What the engine does most, alone: a simulation, a definition, an import, a round of probes and a run, in memory.
//!
//! Budgets, for one core of a 2024 server without neighbours; a kernel that needs more has lost something:
//!
//! | kernel | budget |
//! |---|---|
//! | simulate 60 tasks, 16,384 samples, one thread | 150 ms |
//! | read a definition of 60 tasks | 3 ms |
//! | import 300 changed entries | 30 ms |
//! | probe 256 services of this process | 60 ms |
//! | run nine no-op stages | 10 ms |

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heady_core::monte_carlo::SimulationOptions;
use heady_core::pipeline::{DefinePipeline, RunStatus, StartRun};
use heady_core::registry::{ImportOptions, ProbeOptions, RegisterService};
use heady_core::{Heady, Json};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const STAGES: usize = 9;
const TASKS: usize = 60;

criterion_group! {
    name = kernels;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4)).without_plots();
    targets = simulate, read_definition, import, probe, run
}
criterion_main!(kernels);

fn engine() -> (Runtime, Heady) {
    let runtime = Runtime::new().expect("a runtime");
    let heady = runtime
        .block_on(Heady::connect("sqlite::memory:"))
        .expect("opens");
    (runtime, heady)
}

/// Nine stages of six or seven tasks, each waiting for two of the stage before; a third each of three distributions,
/// with retries, eight correlated drivers, six workers, costs, a deadline and a budget.
fn plan() -> Value {
    let tasks: Vec<_> = (0..TASKS)
        .map(|n| {
            let stage = n * STAGES / TASKS;
            let mode = 4.0 + (n * 7 % 11) as f64;
            let (min, max) = (mode * 0.6, mode * 2.2);
            let duration = match n % 3 {
                0 => json!({"pert": {"min": min, "mode": mode, "max": max}}),
                1 => json!({"triangular": {"min": min, "mode": mode, "max": max}}),
                _ => json!({"lognormal": {"p10": min, "p90": max}}),
            };
            let before: Vec<_> = (0..n)
                .filter(|other| other * STAGES / TASKS + 1 == stage)
                .skip(n % 3)
                .step_by(2)
                .take(2)
                .map(|other| format!("t{other}"))
                .collect();
            json!({
                "id": format!("t{n}"), "dependsOn": before, "duration": duration,
                "failure": {"probability": 0.05, "retries": 3, "failedShare": 0.6},
                "cost": {"fixed": 50, "perTime": 12}, "drivers": [format!("d{}", n % 8)],
            })
        })
        .collect();
    let drivers: Vec<_> = (0..8)
        .map(|n| json!({"id": format!("d{n}"), "factor": {"triangular": {"min": 0.9, "mode": 1, "max": 1.4}}}))
        .collect();
    let ids: Vec<_> = (0..8).map(|n| format!("d{n}")).collect();
    json!({
        "name": "kernel", "workers": 6, "deadline": 130, "budget": 40_000, "costs": {"perTime": 35},
        "tasks": tasks, "drivers": drivers, "correlation": {"ids": ids, "rho": 0.6},
    })
}

fn simulate(criterion: &mut Criterion) {
    const SAMPLES: u32 = 16_384;
    let (runtime, heady) = engine();
    let plan = Json::from(plan());
    let mut group = criterion.benchmark_group("monte_carlo");
    group.throughput(Throughput::Elements(SAMPLES.into()));
    group.bench_function("simulate 60 tasks, one thread", |bencher| {
        bencher.iter(|| {
            let options = SimulationOptions {
                plan: plan.clone(),
                seed: Some(42),
                samples: Some(SAMPLES.into()),
                threads: Some(1),
                ..SimulationOptions::default()
            };
            let simulation = runtime.block_on(heady.monte_carlo().run(options));
            black_box(simulation.expect("simulates"))
        });
    });
}

fn read_definition(criterion: &mut Criterion) {
    let (runtime, heady) = engine();
    let mut text = "version: '1'\npipeline:\n  name: kernel\n  stages:\n".to_owned();
    for stage in 0..STAGES {
        text += &format!("    - id: s{stage}\n      tasks:\n");
        for task in (0..TASKS).filter(|task| task * STAGES / TASKS == stage) {
            text += &format!(
                "        - {{name: t{task}, uses: work, with: {{part: {task}}}, effect: PURE, retry: {{maxAttempts: 3}}}}\n"
            );
        }
    }
    criterion.bench_function("pipeline/read a definition of 60 tasks", |bencher| {
        bencher.iter(|| {
            let options = DefinePipeline {
                definition: Some(Value::String(text.clone()).into()),
                ..DefinePipeline::default()
            };
            let version = runtime
                .block_on(heady.pipeline().define(options))
                .expect("reads");
            assert_eq!(version.tasks, TASKS as i64);
        });
    });
}

fn import(criterion: &mut Criterion) {
    const ENTRIES: u32 = 300;
    let (runtime, heady) = engine();
    let catalog = |version: &str| {
        let services: Vec<_> = (0..ENTRIES)
            .map(|n| {
                json!({
                    "id": format!("service-{n}"), "name": format!("Service {n}"), "role": "worker", "version": version,
                    "endpoint": format!("http://localhost:{}/health", 4000 + n),
                })
            })
            .collect();
        Json::from(json!({"registryVersion": version, "services": services}))
    };
    let mut catalogs = [catalog("1"), catalog("2")].into_iter().cycle();
    let mut group = criterion.benchmark_group("registry");
    group.throughput(Throughput::Elements(ENTRIES.into()));
    group.bench_function("import 300 changed entries", |bencher| {
        bencher.iter(|| {
            let options = ImportOptions {
                document: catalogs.next(),
                ..ImportOptions::default()
            };
            let report = runtime
                .block_on(heady.registry().import(options))
                .expect("imports");
            assert_eq!(report.unchanged, 0);
        });
    });
}

/// A server that answers every request with 200 and its own close; returns where it listens.
async fn answering() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 1024]).await;
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
            });
        }
    });
    format!("http://{address}")
}

#[expect(clippy::print_stdout, reason = "criterion prints there, too")]
fn probe(criterion: &mut Criterion) {
    const ROUNDS: u32 = 10;
    const SERVICES: u32 = 256;
    let (runtime, heady) = engine();
    let base = runtime.block_on(answering());
    for n in 0..SERVICES {
        let service = RegisterService {
            id: format!("service-{n}"),
            base_url: Some(base.clone()),
            ..RegisterService::default()
        };
        let registered = runtime.block_on(heady.registry().register_service(service));
        registered.expect("registers");
    }
    let round = || {
        let report = runtime.block_on(heady.registry().probe(ProbeOptions::default()));
        assert_eq!(report.expect("probes").ill(true).count(), 0);
    };
    let mut group = criterion.benchmark_group("registry");
    group.throughput(Throughput::Elements(SERVICES.into()));
    group.bench_function("probe 256 services", |bencher| bencher.iter(round));
    if let Some(before) = cpu_time() {
        (0..ROUNDS).for_each(|_| round());
        let used = cpu_time().unwrap_or_default().saturating_sub(before);
        println!(
            "registry/probe 256 services: {} us of CPU time a probe, the server that answers it included",
            used.as_micros() / u128::from(ROUNDS * SERVICES)
        );
    }
}

/// What this process has used so far, where the system says so in a file.
fn cpu_time() -> Option<Duration> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
    Some(Duration::from_secs_f64(
        (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND,
    ))
}

fn run(criterion: &mut Criterion) {
    let (runtime, heady) = engine();
    heady
        .pipeline()
        .handle("step", async |_, _| Ok(Json::NULL))
        .expect("a name of ours");
    let stages: Vec<_> = (0..STAGES)
        .map(|n| json!({"id": format!("s{n}"), "tasks": ["step"]}))
        .collect();
    let definition = DefinePipeline {
        definition: Some(json!({"pipeline": {"name": "kernel", "stages": stages}}).into()),
        ..DefinePipeline::default()
    };
    runtime
        .block_on(heady.pipeline().define(definition))
        .expect("a definition");
    criterion.bench_function("pipeline/run nine no-op stages", |bencher| {
        bencher.iter(|| {
            let start = StartRun {
                workflow_id: Some("kernel".into()),
                seed: Some(1),
                ..StartRun::default()
            };
            let run = runtime.block_on(heady.pipeline().run(start)).expect("runs");
            assert_eq!(run.status, RunStatus::Succeeded);
        });
    });
}
