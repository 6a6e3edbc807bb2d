//! Simulations as callers see them (the contract is the page "Files and JSON", sections 3 and 4).

use serde::{Deserialize, Serialize};

use super::ScenarioResult;
use crate::types::{Id, Json, Timestamp, Warning, words};

words! {
    /// How samples are drawn.
    pub enum Method in "lowercase" {
        /// Independent points.
        Mc = "mc",
        /// Latin hypercubes.
        Lhs = "lhs",
        /// Scrambled Sobol points.
        Sobol = "sobol",
        /// Points and their mirror images.
        Antithetic = "antithetic",
    }
}

words! {
    /// What readiness recommends.
    pub enum Verdict {
        /// The whole interval lies at or above the gate.
        Proceed = "PROCEED",
        /// The whole interval lies below the gate.
        Hold = "HOLD",
        /// The gate lies inside the interval.
        Undecided = "UNDECIDED",
    }
}

/// An estimate with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Estimate {
    /// The estimate itself.
    pub estimate: f64,
    /// The interval's lower end.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
}

/// One quantile with its 95 % interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Quantile {
    /// The share of samples that lie at or below the value.
    pub p: f64,
    /// The value.
    pub value: f64,
    /// The interval's lower end.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
}

/// How a quantity is distributed over the samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Spread {
    /// The mean.
    pub mean: Estimate,
    /// The standard deviation.
    pub sd: f64,
    /// Quantiles, the lowest first.
    pub quantiles: Vec<Quantile>,
}

/// How many samples fell between edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Histogram {
    /// The edges, one more than counts.
    pub edges: Vec<f64>,
    /// The samples between each two edges.
    pub counts: Vec<i64>,
}

/// Whether a plan is ready, judged by the lower end of an interval: of the probability that every task succeeds and
/// what was stated about time and cost holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Readiness {
    /// 0 to 100: the lower end in percent, rounded down.
    pub score: i64,
    /// A from 0.95 on, B from 0.85, C from 0.70, D from 0.50, else F, by the lower end.
    pub grade: String,
    /// Whether to proceed.
    pub verdict: Verdict,
    /// The interval's lower end.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
}

/// How long one task takes, all its attempts, waits and delays together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct TaskTimes {
    /// The task.
    pub id: String,
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 95 % quantile.
    pub p95: f64,
}

/// What a simulation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Simulation {
    /// The simulation in the history.
    pub id: Id,
    /// The algorithm; a digest can be compared only under the same one.
    pub algorithm: String,
    /// SHA-256 of the plan as JSON with sorted keys.
    pub plan_hash: String,
    /// What the draws follow from.
    pub seed: i64,
    /// How samples were drawn.
    pub method: Method,
    /// How many there were.
    pub samples: i64,
    /// Whether all that were asked for were drawn.
    pub complete: bool,
    /// The result's bits in short: equal plans, seeds and sample counts give equal digests on any machine.
    pub digest: String,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
    /// The probability that no task fails for good.
    pub success: Estimate,
    /// The probability of meeting the deadline; null without one.
    pub on_time: Option<Estimate>,
    /// The probability of staying within the budget; null without one.
    pub within_budget: Option<Estimate>,
    /// The probability of success and all that was stated.
    pub joint: Estimate,
    /// How long everything takes, in the plan's unit.
    pub duration: Spread,
    /// What everything costs.
    pub cost: Spread,
    /// The durations, for drawing.
    pub histogram: Histogram,
    /// Whether the plan is ready.
    pub readiness: Readiness,
    /// The tasks, in the order of the plan.
    pub tasks: Vec<TaskTimes>,
    /// What was noticed on the way.
    pub warnings: Vec<Warning>,
}

/// What to simulate, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct SimulationOptions {
    /// The plan.
    pub plan: Json,
    /// 0 to 2^53 - 1; a random one if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub seed: Option<i64>,
    /// 1 to 1,000,000,000; 16,384 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub samples: Option<i64>,
    /// As many as there are processors if left out; the result does not depend on it.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub threads: Option<u32>,
    /// How samples are drawn; `mc` if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub method: Option<Method>,
    /// The probability from which on readiness says to proceed; 0.7 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub gate: Option<f64>,
}

/// A plan that can be simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PlanReport {
    /// SHA-256 of the plan as JSON with sorted keys.
    pub plan_hash: String,
    /// How many tasks it has.
    pub tasks: i64,
    /// What was noticed.
    pub warnings: Vec<Warning>,
}

/// A page of simulations, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct SimulationPage {
    /// The simulations.
    pub simulations: Vec<Simulation>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Which simulations to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct SimulationQuery {
    /// At most this many, 1 to 1,000; 100 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub limit: Option<u32>,
    /// Continue after the page that gave this as its `next`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub cursor: Option<String>,
}

/// A simulation that is under way in this engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunningSimulation {
    /// The simulation.
    pub id: Id,
    /// How many samples were asked for.
    pub samples: i64,
    /// How many are done.
    pub done: i64,
    /// When it began.
    pub started_at: Timestamp,
}

/// What the simulator has done and does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct MonteCarloStatus {
    /// The algorithm of new simulations.
    pub algorithm: String,
    /// How many runs the history has: simulations of plans and of scenarios.
    pub runs_completed: i64,
    /// Those under way in this engine.
    pub running: Vec<RunningSimulation>,
    /// The newest simulation of a plan.
    pub last_run: Option<Simulation>,
    /// The newest simulation of a scenario.
    pub last_scenario: Option<ScenarioResult>,
    /// How many samples are drawn unless the caller says.
    pub default_iterations: i64,
}

/// A simulation done again and compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Replay {
    /// The simulation.
    pub id: Id,
    /// The digest in the history.
    pub expected: String,
    /// The digest found now.
    pub found: String,
    /// Whether they are the same.
    pub equal: bool,
}
