//! Runs as callers see them (the contract is the page "Files and JSON", section 2).

use serde::{Deserialize, Serialize};

use crate::types::{Id, Json, Timestamp, Warning, words};

words! {
    /// Where a run stands.
    pub enum RunStatus {
        /// Nobody executes it yet.
        Pending = "PENDING",
        /// It is being executed.
        Running = "RUNNING",
        /// It waits for a time or an event.
        Waiting = "WAITING",
        /// It waits for a person to resume or cancel it.
        Paused = "PAUSED",
        /// It has failed or was cancelled, and what it did is being undone.
        Compensating = "COMPENSATING",
        /// Everything that had to succeed did.
        Succeeded = "SUCCEEDED",
        /// Something failed, and not everything was undone.
        Failed = "FAILED",
        /// Something failed, and everything that can be undone was.
        Compensated = "COMPENSATED",
        /// Somebody cancelled it.
        Cancelled = "CANCELLED",
        /// It took down too many workers and is not tried again.
        Dead = "DEAD",
    }
}

impl RunStatus {
    /// Whether nothing more happens to the run by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Compensated | Self::Cancelled | Self::Dead
        )
    }
}

words! {
    /// Where a stage, a task or a compensation stands.
    pub enum StageStatus {
        /// Not begun.
        Pending = "PENDING",
        /// Begun.
        Running = "RUNNING",
        /// Between two attempts.
        Waiting = "WAITING",
        /// Done.
        Succeeded = "SUCCEEDED",
        /// Failed for good.
        Failed = "FAILED",
        /// Never begun, and it never will be.
        Skipped = "SKIPPED",
        /// Interrupted because the run was cancelled.
        Cancelled = "CANCELLED",
        /// Begun at most once, and nobody knows how it ended.
        Indeterminate = "INDETERMINATE",
    }
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Failure {
    /// One of the thirteen codes.
    pub code: String,
    /// The sentence for people.
    pub message: String,
    /// Whether the same attempt may succeed when it is repeated.
    pub retryable: bool,
}

/// What a run came to, in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunMetrics {
    /// All tasks of the definition.
    pub total_tasks: i64,
    /// Those that succeeded.
    pub completed_tasks: i64,
    /// Those that failed or ended nobody knows how.
    pub failed_tasks: i64,
    /// Those that were never begun or were interrupted by a cancellation.
    pub skipped_tasks: i64,
    /// Those that took more than one attempt.
    pub retried_tasks: i64,
    /// Failed tasks by all tasks.
    pub error_rate: f64,
    /// 0 to 100: the lower of the forecast's score and 100 - 200 x error rate; null for a simulated run.
    pub readiness_score: Option<f64>,
    /// From start to end, or until now, in milliseconds.
    pub elapsed_ms: f64,
}

/// One task of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct TaskRun {
    /// Its name in the stage.
    pub name: String,
    /// The handler that executes it.
    pub uses: String,
    /// Where it stands.
    pub status: StageStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When its last attempt ended.
    pub finished_at: Option<Timestamp>,
    /// All attempts and the waits between them, in milliseconds; drawn from the forecast in a simulated run.
    pub duration_ms: Option<f64>,
    /// Whether its handler was not really called.
    pub simulated: bool,
    /// What the handler returned.
    pub output: Json,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct StageRun {
    /// Its position in the order of execution, from 0.
    pub num: i64,
    /// Its id in the definition.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Where it stands.
    pub status: StageStatus,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its tasks, in the order of the definition.
    pub tasks: Vec<TaskRun>,
}

/// One task that was undone, or was to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Compensation {
    /// The id of the stage.
    pub stage: String,
    /// The name of the task.
    pub task: String,
    /// Where the undoing stands.
    pub status: StageStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// When its first attempt began.
    pub started_at: Option<Timestamp>,
    /// When its last attempt ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<Failure>,
}

/// What was expected of one task before the run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct TaskForecast {
    /// `stage/task`.
    pub name: String,
    /// Half of the time it takes at most this, in milliseconds, retries included.
    pub p50: f64,
    /// In 19 of 20 cases it takes at most this, in milliseconds, retries included.
    pub p95: f64,
    /// Whether neither history nor the definition says anything, so that the documented default was assumed.
    pub assumed: bool,
}

/// What was expected of a run before it began: a simulation of that very run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Forecast {
    /// The simulation's bits in short.
    pub digest: String,
    /// The hash of the simulated plan.
    pub plan_hash: String,
    /// How many times it was simulated.
    pub samples: i64,
    /// The probability that no task fails for good.
    pub success: crate::monte_carlo::Estimate,
    /// How long it takes, in milliseconds.
    pub duration_ms: crate::monte_carlo::Spread,
    /// The readiness that follows, 0 to 100.
    pub score: i64,
    /// The tasks, in order.
    pub tasks: Vec<TaskForecast>,
    /// What the forecast had to assume.
    pub warnings: Vec<Warning>,
}

/// Something the engine noticed about a run when it looked back at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Finding {
    /// What kind of thing: `FAILED`, `RETRIED`, `SLOWER_THAN_FORECAST`.
    pub code: String,
    /// `stage/task`.
    pub task: String,
    /// The sentence for people.
    pub message: String,
}

/// What the engine says about a run when it looks back at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Critique {
    /// The share of tasks about which there is nothing to say, 0 to 100.
    pub score: i64,
    /// What there is to say, in the order of the tasks.
    pub findings: Vec<Finding>,
}

/// A run, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PipelineRun {
    /// The run.
    pub run_id: Id,
    /// The workflow that is run.
    pub workflow_id: String,
    /// The caller's name for the request; the same one is carried out once.
    pub request_id: Option<String>,
    /// Where the run stands.
    pub status: RunStatus,
    /// What its random draws follow from.
    pub seed: i64,
    /// Whether no handler was really called.
    pub simulated: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it did not succeed.
    pub error: Option<Failure>,
    /// What it came to.
    pub metrics: RunMetrics,
    /// Its stages, in the order of execution.
    pub stages: Vec<StageRun>,
    /// What was undone, in the order in which that happened.
    pub compensations: Vec<Compensation>,
    /// What was expected.
    pub forecast: Option<Forecast>,
    /// What the engine says about it, once it has ended.
    pub critique: Option<Critique>,
    /// What the reader of the definition noticed.
    pub warnings: Vec<Warning>,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunSummary {
    /// The run.
    pub run_id: Id,
    /// The workflow that is run.
    pub workflow_id: String,
    /// The caller's name for the request.
    pub request_id: Option<String>,
    /// Where the run stands.
    pub status: RunStatus,
    /// What its random draws follow from.
    pub seed: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it came to; null until it has ended.
    pub metrics: Option<RunMetrics>,
}

/// A page of runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<RunSummary>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Which runs to list; a field left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunQuery {
    /// Only this workflow's.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub workflow_id: Option<String>,
    /// Only those with this status.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub status: Option<RunStatus>,
    /// At most this many, 1 to 1,000; 100 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub limit: Option<u32>,
    /// Continue after the page that gave this as its `next`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub cursor: Option<String>,
}

/// A definition to register.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DefinePipeline {
    /// A YAML or JSON file.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub path: Option<String>,
    /// The definition itself, in place of a file.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub definition: Option<Json>,
}

/// Which definition to return.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DefinitionQuery {
    /// The one that this workflow runs; `hcfullpipeline` if left out, as for a run.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub workflow_id: Option<String>,
    /// This version; the newest if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub version: Option<i64>,
}

/// A definition as it was registered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PipelineDefinition {
    /// The workflow that runs it.
    pub workflow_id: String,
    /// The pipeline.
    pub pipeline_id: String,
    /// Its name in the definition.
    pub name: String,
    /// Its version, from 1.
    pub version: i64,
    /// The hash of the definition.
    pub definition_hash: String,
    /// When this version was registered.
    pub created_at: Timestamp,
    /// How many stages it has.
    pub stages: i64,
    /// How many tasks, those aside that a run's input or the host's handlers add to the built-in stages.
    pub tasks: i64,
    /// How many tasks of one run are under way at most.
    pub max_concurrent_tasks: i64,
    /// The definition itself.
    pub definition: Json,
    /// What the reader noticed.
    pub warnings: Vec<Warning>,
}

/// A registered definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PipelineVersion {
    /// The workflow under which it is run.
    pub workflow_id: String,
    /// The pipeline.
    pub pipeline_id: String,
    /// Its version, from 1.
    pub version: i64,
    /// The hash of the definition.
    pub definition_hash: String,
    /// Whether this call added the version.
    pub created: bool,
    /// How many stages it has.
    pub stages: i64,
    /// How many tasks.
    pub tasks: i64,
    /// What the reader noticed.
    pub warnings: Vec<Warning>,
}

/// What to run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct StartRun {
    /// A registered workflow; `hcfullpipeline` if neither this nor a definition is given.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub workflow_id: Option<String>,
    /// A definition file, registered on the way.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub path: Option<String>,
    /// A definition, registered on the way.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub definition: Option<Json>,
    /// What the handlers get as the run's input.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub input: Option<Json>,
    /// The caller's name for the request: a second start under it returns the first run.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub request_id: Option<String>,
    /// 0 to 2^53 - 1; the definition's if left out, else a random one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub seed: Option<i64>,
    /// Call no handler: every task ends at once with a duration drawn from the forecast.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub simulate: Option<bool>,
}
