//! Monte Carlo: what a plan will probably take, cost and come to. Blueprint 1.2, stage 2.
//!
//! The invariant is reproducibility: plan, seed and sample count determine every bit of the result, on any number of
//! threads, on any platform and in any language. So this room uses no function whose bits a platform chooses.

mod correlation;
mod distribution;
mod estimate;
mod math;
mod model;
mod plan;
mod queries;
mod sample;
mod scenario;
mod schedule;
mod simulate;
mod stream;
mod tally;
#[cfg(test)]
mod tests;

pub use model::{
    Estimate, Histogram, Method, MonteCarloStatus, PlanReport, Quantile, Readiness, Replay,
    RunningSimulation, Simulation, SimulationOptions, SimulationPage, SimulationQuery, Spread,
    TaskTimes, Verdict,
};
pub use scenario::{ScenarioOptions, ScenarioOutcomes, ScenarioPage, ScenarioResult, ScenarioRisk};
pub(crate) use stream::Stream;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use self::distribution::Distribution;
use self::plan::Plan;
use self::simulate::{Outcome, Progress, Settings};
use crate::document::Field;
use crate::error::{Error, Result};
use crate::store::Store;
use crate::types::{Id, Timestamp, checked_seed, now, random_seed};

/// The algorithm: a new name whenever the same plan and seed give other bits.
const ALGORITHM: &str = "mc/0";

const DEFAULT_SAMPLES: i64 = 16_384;
const MAX_SAMPLES: i64 = 1_000_000_000;

/// The probability from which on readiness says to proceed, unless the caller says (NASA's joint confidence level).
const DEFAULT_GATE: f64 = 0.7;

/// How many bins a histogram has for drawing.
const BINS: usize = 40;

/// Simulations.
#[derive(Debug, Clone)]
pub struct MonteCarlo {
    store: Store,
    running: Arc<Mutex<BTreeMap<Id, Running>>>,
}

#[derive(Debug, Clone)]
struct Running {
    samples: i64,
    started_at: Timestamp,
    progress: Arc<Progress>,
}

impl MonteCarlo {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            running: Arc::default(),
        }
    }

    /// Simulates a plan and keeps the result in the history. Dropping the future stops the simulation.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path of what is wrong in the plan or the options.
    pub async fn run(&self, options: SimulationOptions) -> Result<Simulation> {
        let document = options.plan.0.clone();
        let simulation = self.simulate(options).await?;
        queries::insert(&self.store, &simulation, document).await?;
        Ok(simulation)
    }

    /// Checks a plan without simulating it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path of what is wrong.
    #[expect(
        clippy::unused_async,
        reason = "every verb of a domain has the same shape"
    )]
    pub async fn check(&self, plan: crate::Json) -> Result<PlanReport> {
        let plan = Plan::read(&plan)?;
        Ok(PlanReport {
            plan_hash: plan.hash,
            tasks: plan.tasks.len() as i64,
            warnings: plan.warnings,
        })
    }

    /// Returns a simulation of the history.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get(&self, id: &str) -> Result<Simulation> {
        queries::get(&self.store, &Id::from(id))
            .await
            .map(|(simulation, _)| simulation)
    }

    /// Lists the simulations of plans, newest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000 or a cursor of another list.
    pub async fn list(&self, query: SimulationQuery) -> Result<SimulationPage> {
        queries::list(&self.store, query).await
    }

    /// Returns what the simulator has done and does.
    pub async fn status(&self) -> Result<MonteCarloStatus> {
        let newest = SimulationQuery {
            limit: Some(1),
            cursor: None,
        };
        let simulations = self.list(newest.clone()).await?.simulations;
        let scenarios = self.list_scenarios(newest).await?.scenarios;
        Ok(MonteCarloStatus {
            algorithm: ALGORITHM.to_owned(),
            runs_completed: queries::count(&self.store).await?,
            running: self.under_way(),
            last_run: simulations.into_iter().next(),
            last_scenario: scenarios.into_iter().next(),
            default_iterations: DEFAULT_SAMPLES,
        })
    }

    fn under_way(&self) -> Vec<RunningSimulation> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running
            .iter()
            .map(|(id, running)| RunningSimulation {
                id: id.clone(),
                samples: running.samples,
                done: running.progress.done.load(Ordering::Relaxed) as i64,
                started_at: running.started_at,
            })
            .collect()
    }

    /// Does a simulation of the history again and compares the bits.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `FAILED_PRECONDITION` if another algorithm made it.
    pub async fn replay(&self, id: &str) -> Result<Replay> {
        let (old, plan) = queries::get(&self.store, &Id::from(id)).await?;
        if old.algorithm != ALGORITHM {
            return Err(Error::failed_precondition(format!(
                "simulation '{id}' was made by algorithm {}, this engine has {ALGORITHM}",
                old.algorithm
            )));
        }
        let options = SimulationOptions {
            plan: plan.into(),
            seed: Some(old.seed),
            samples: Some(old.samples),
            method: Some(old.method),
            ..SimulationOptions::default()
        };
        let found = self.simulate(options).await?.digest;
        Ok(Replay {
            id: old.id,
            equal: found == old.digest,
            expected: old.digest,
            found,
        })
    }

    /// Simulates a scenario in the callers' simple form and keeps the result in the history.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path of what is wrong.
    pub async fn scenario(&self, options: ScenarioOptions) -> Result<ScenarioResult> {
        let result = blocking(move || scenario::run(&options)).await??;
        queries::insert_scenario(&self.store, &result).await?;
        Ok(result)
    }

    /// Lists what scenarios came to, newest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000 or a cursor of another list.
    pub async fn list_scenarios(&self, query: SimulationQuery) -> Result<ScenarioPage> {
        queries::list_scenarios(&self.store, query).await
    }

    /// Simulates a plan and keeps nothing.
    pub(crate) async fn simulate(&self, options: SimulationOptions) -> Result<Simulation> {
        let plan = Plan::read(&options.plan)?;
        let seed = options
            .seed
            .map_or_else(|| Ok(random_seed()), checked_seed)?;
        let samples = options.samples.unwrap_or(DEFAULT_SAMPLES);
        if !(1..=MAX_SAMPLES).contains(&samples) {
            return Err(Error::invalid_argument(format!(
                "samples: must be between 1 and {MAX_SAMPLES}, not {samples}"
            )));
        }
        let gate = options.gate.unwrap_or(DEFAULT_GATE);
        if !(0.0..=1.0).contains(&gate) {
            return Err(Error::invalid_argument(format!(
                "gate: must be between 0 and 1, not {gate}"
            )));
        }
        if let Some(method) = options.method.filter(|method| *method != Method::Mc) {
            return Err(Error::invalid_argument(format!(
                "method: algorithm {ALGORITHM} has 'mc', not '{method}'"
            )));
        }
        let threads = match options.threads {
            Some(0) => return Err(Error::invalid_argument("threads: must be at least 1")),
            Some(threads) => threads as usize,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let settings = Settings {
            seed,
            samples: samples.unsigned_abs(),
            threads: threads.min(256),
        };
        let (id, started_at) = (Id::new(), now());
        let progress = Arc::new(Progress::default());
        let running = Running {
            samples,
            started_at,
            progress: progress.clone(),
        };
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), running);
        // Stops the threads when the caller no longer waits.
        let _listed = Listed {
            id: id.clone(),
            all: self.running.clone(),
            progress: progress.clone(),
        };
        let started = Instant::now();
        let (plan, outcome) = blocking(move || {
            let outcome = simulate::simulate(&plan, settings, &progress);
            (plan, outcome)
        })
        .await?;
        let outcome = outcome.ok_or_else(|| Error::cancelled("the simulation was stopped"))?;
        let elapsed_ms = started.elapsed().as_micros() as f64 / 1000.0;
        Ok(result(id, plan, settings, &outcome, gate, elapsed_ms))
    }

    /// Checks a plan that stands in another document.
    pub(crate) fn check_plan(plan: &Value) -> Result<()> {
        Plan::read(plan).map(drop)
    }
}

/// Checks a distribution that stands in another document.
pub(crate) fn check_distribution(value: &Value, path: &str) -> Result<()> {
    Distribution::read(&Field {
        path: path.to_owned(),
        value,
    })
    .map(drop)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let task = tokio::task::spawn_blocking(work);
    task.await
        .map_err(|error| Error::internal("the simulation ended in a panic").caused_by(error))
}

/// A simulation in the list of those under way.
struct Listed {
    id: Id,
    all: Arc<Mutex<BTreeMap<Id, Running>>>,
    progress: Arc<Progress>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.progress.stop.store(true, Ordering::Relaxed);
        self.all
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

fn result(
    id: Id,
    plan: Plan,
    settings: Settings,
    outcome: &Outcome,
    gate: f64,
    elapsed_ms: f64,
) -> Simulation {
    let counts = outcome.tally.counts;
    let share = |hits| estimate::probability(hits, counts.samples);
    let joint = share(counts.joint);
    let (edges, histogram) = outcome.tally.duration.bins(BINS);
    let count = counts.samples;
    let tasks = plan
        .tasks
        .iter()
        .zip(&outcome.tasks)
        .zip(&outcome.tally.tasks)
        .map(|((task, moments), times)| {
            let ranking = times.ranking();
            let quantile =
                |p: f64| ranking.value(((count as f64 * p).ceil() as u64).clamp(1, count));
            TaskTimes {
                id: task.id.clone(),
                mean: moments.mean,
                p50: quantile(0.5),
                p95: quantile(0.95),
            }
        });
    Simulation {
        id,
        algorithm: ALGORITHM.to_owned(),
        seed: settings.seed,
        method: Method::Mc,
        samples: i64::try_from(counts.samples).unwrap_or(i64::MAX),
        complete: true,
        digest: outcome.digest.clone(),
        elapsed_ms,
        success: share(counts.success),
        on_time: plan.deadline.map(|_| share(counts.on_time)),
        within_budget: plan.budget.map(|_| share(counts.within_budget)),
        duration: estimate::spread(&outcome.duration, &outcome.tally.duration),
        cost: estimate::spread(&outcome.cost, &outcome.tally.cost),
        histogram: Histogram {
            edges,
            counts: histogram,
        },
        readiness: readiness(joint, gate),
        joint,
        tasks: tasks.collect(),
        plan_hash: plan.hash,
        warnings: plan.warnings,
    }
}

fn readiness(joint: Estimate, gate: f64) -> Readiness {
    let grade = match joint.lower {
        lower if lower >= 0.95 => "A",
        lower if lower >= 0.85 => "B",
        lower if lower >= 0.70 => "C",
        lower if lower >= 0.50 => "D",
        _ => "F",
    };
    let verdict = if joint.lower >= gate {
        Verdict::Proceed
    } else if joint.upper < gate {
        Verdict::Hold
    } else {
        Verdict::Undecided
    };
    Readiness {
        score: (joint.lower * 100.0).floor() as i64,
        grade: grade.to_owned(),
        verdict,
        lower: joint.lower,
        upper: joint.upper,
    }
}
