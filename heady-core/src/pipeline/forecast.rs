//! What a run will probably be: a simulation of that very run, under its seed.
//!
//! Durations come from the task's own history once it has [`ENOUGH`] successes, else from the definition, else from the
//! documented default, which is marked as assumed. Everything is in seconds, as declarations are.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::definition::{Definition, STAGE_PREFIX, Stage, Task};
use super::preflight::Preflight;
use super::recent::Recent;
use super::{Forecast, TaskForecast};
use crate::error::Result;
use crate::monte_carlo::{MonteCarlo, SimulationOptions, Spread};
use crate::types::Warning;

/// How many real successes of a task make a history.
const ENOUGH: usize = 5;

/// How many of a workflow's newest runs make its history.
pub(super) const HISTORY_RUNS: i64 = 50;

/// How often a run is simulated.
const SAMPLES: i64 = 2_048;

/// The probability that an attempt fails, where nothing is known.
const ASSUMED_FAILURE: f64 = 0.01;

/// How many attempts the assumption weighs against observed ones.
const ASSUMED_WEIGHT: f64 = 10.0;

/// The attempts of one task in earlier runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TaskHistory {
    /// Of the attempts that succeeded, in seconds.
    pub(super) durations: Vec<f64>,
    /// How many failed.
    pub(super) failures: usize,
}

/// What is known of a workflow from earlier runs.
#[derive(Debug, Default)]
pub(super) struct History {
    /// By stage id and task name.
    pub(super) tasks: HashMap<(String, String), TaskHistory>,
    /// How many runs that is, at most [`HISTORY_RUNS`].
    pub(super) runs: i64,
}

/// The plan of a run, and what it had to assume.
pub(super) struct Model {
    pub(super) plan: Value,
    assumed: Vec<bool>,
    warnings: Vec<Warning>,
}

impl Model {
    /// The plan of a run of this definition with at most `limit` tasks at once. Tasks that the preflight found
    /// impossible fail with certainty.
    pub(super) fn of(
        definition: &Definition,
        limit: usize,
        history: &History,
        preflight: Option<&Preflight>,
    ) -> Self {
        let mut model = Self {
            plan: Value::Null,
            assumed: Vec::new(),
            warnings: Vec::new(),
        };
        let mut tasks = Vec::new();
        let mut gate: Option<String> = None;
        for (number, stage) in definition.stages.iter().enumerate() {
            if stage.tasks.is_empty() {
                continue;
            }
            for (index, task) in stage.tasks.iter().enumerate() {
                let known = history.tasks.get(&(stage.id.clone(), task.name.clone()));
                let impossible =
                    preflight.is_some_and(|preflight| preflight.problem(number, index).is_some());
                let (duration, failure) = model.expect(stage, task, known, impossible);
                tasks.push(json!({
                    "id": task_id(stage, task), "stage": stage.id, "dependsOn": waits_for(stage, index, gate.as_deref()),
                    "duration": duration, "failure": failure,
                }));
            }
            // A task of no duration between two stages, instead of an edge from each task to each.
            let all: Vec<_> = stage
                .tasks
                .iter()
                .map(|task| task_id(stage, task))
                .collect();
            let id = format!("{}/", stage.id);
            tasks.push(json!({"id": id, "stage": stage.id, "dependsOn": all, "duration": 0}));
            gate = Some(id);
        }
        model.plan = json!({
            "name": definition.name, "unit": "seconds", "workers": limit, "priority": "fifo", "tasks": tasks,
        });
        model
    }

    fn expect(
        &mut self,
        stage: &Stage,
        task: &Task,
        known: Option<&TaskHistory>,
        impossible: bool,
    ) -> (Value, Value) {
        if impossible || task.uses.starts_with(STAGE_PREFIX) {
            self.assumed.push(false);
            return (json!(0), json!({"probability": i32::from(impossible)}));
        }
        let known = known.filter(|history| history.durations.len() >= ENOUGH);
        let duration = match (known, &task.duration) {
            (Some(history), _) => json!({"empirical": {"values": history.durations}}),
            (None, Some(declared)) => declared.clone(),
            (None, None) => json!({"lognormal": {"p10": 0.1, "p90": 5}}),
        };
        let assumed = known.is_none() && task.duration.is_none();
        self.assumed.push(assumed);
        if assumed {
            let message = format!(
                "fewer than {ENOUGH} successes and no declared duration: 0.1 to 5 s are assumed"
            );
            self.warnings
                .push(Warning::new("NO_HISTORY", task_id(stage, task), message));
        }
        let failure = known.map_or(ASSUMED_FAILURE, |history| {
            let attempts = (history.durations.len() + history.failures) as f64;
            (history.failures as f64 + ASSUMED_FAILURE * ASSUMED_WEIGHT)
                / (attempts + ASSUMED_WEIGHT)
        });
        let failure = json!({
            "probability": failure, "retries": task.retry.max_attempts - 1,
            "backoff": task.retry.mean_wait().as_secs_f64(),
        });
        (duration, failure)
    }

    /// The durations of the tasks in one sample of the plan, in milliseconds.
    pub(super) async fn one_sample(&self, monte_carlo: &MonteCarlo, seed: i64) -> Result<Vec<f64>> {
        let options = SimulationOptions {
            plan: self.plan.clone().into(),
            seed: Some(seed),
            samples: Some(1),
            ..SimulationOptions::default()
        };
        let simulation = monte_carlo.simulate(options).await?;
        let real = simulation
            .tasks
            .iter()
            .filter(|task| !task.id.ends_with('/'));
        Ok(real.map(|task| task.mean * 1000.0).collect())
    }

    /// Simulates the plan, or remembers what it came to.
    pub(super) async fn forecast(
        self,
        recent: &Recent,
        monte_carlo: &MonteCarlo,
        seed: i64,
    ) -> Result<Forecast> {
        let simulated = recent.simulated(self.plan, seed);
        let options = || SimulationOptions {
            plan: simulated.plan.clone().into(),
            seed: Some(seed),
            samples: Some(SAMPLES),
            // So few samples are drawn before further threads have started.
            threads: Some(1),
            ..SimulationOptions::default()
        };
        let simulation = simulated
            .simulation
            .get_or_try_init(|| monte_carlo.simulate(options()))
            .await?;
        let real = simulation
            .tasks
            .iter()
            .filter(|task| !task.id.ends_with('/'));
        let tasks = real
            .zip(self.assumed)
            .map(|(task, assumed)| TaskForecast {
                name: task.id.clone(),
                p50: task.p50 * 1000.0,
                p95: task.p95 * 1000.0,
                assumed,
            })
            .collect();
        Ok(Forecast {
            digest: simulation.digest.clone(),
            plan_hash: simulation.plan_hash.clone(),
            samples: simulation.samples,
            success: simulation.success,
            duration_ms: milliseconds(simulation.duration.clone()),
            score: simulation.readiness.score,
            tasks,
            warnings: self.warnings,
        })
    }
}

pub(super) fn task_id(stage: &Stage, task: &Task) -> String {
    format!("{}/{}", stage.id, task.name)
}

fn waits_for(stage: &Stage, index: usize, gate: Option<&str>) -> Vec<String> {
    let mut waits_for: Vec<_> = gate.map(str::to_owned).into_iter().collect();
    waits_for.extend(
        stage.tasks[index]
            .depends_on
            .iter()
            .map(|&other| task_id(stage, &stage.tasks[other])),
    );
    if !stage.parallel && index > 0 {
        let before = task_id(stage, &stage.tasks[index - 1]);
        if !waits_for.contains(&before) {
            waits_for.push(before);
        }
    }
    waits_for
}

fn milliseconds(mut spread: Spread) -> Spread {
    for value in [
        &mut spread.mean.estimate,
        &mut spread.mean.lower,
        &mut spread.mean.upper,
        &mut spread.sd,
    ] {
        *value *= 1000.0;
    }
    for quantile in &mut spread.quantiles {
        for value in [
            &mut quantile.value,
            &mut quantile.lower,
            &mut quantile.upper,
        ] {
            *value *= 1000.0;
        }
    }
    spread
}
