//! What somebody who follows a run asks for, and is told.

use serde::{Deserialize, Serialize};

use crate::pipeline::{Failure, RunStatus, StageStatus};
use crate::types::{Timestamp, words};

words! {
    /// What a step of a run is about.
    pub enum StepKind {
        /// The run has another status.
        Run = "RUN",
        /// A stage ended.
        Stage = "STAGE",
        /// A task: an attempt ended, or it will have none; also that the only attempt it may have began.
        Task = "TASK",
        /// An attempt to undo a task ended.
        Compensation = "COMPENSATION",
    }
}

/// Which run to follow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct FollowRun {
    /// The run.
    pub id: String,
    /// Steps after the one that gave this as its `position`; from the beginning if left out.
    #[serde(default)]
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub after: Option<String>,
    /// Only steps of these stages, by id, and those of the run itself.
    #[serde(default)]
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub stages: Option<Vec<String>>,
}

/// Something that is recorded of a run. What a task returned stands in the run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RunStep {
    /// Where to go on after it.
    pub position: String,
    /// What it is about.
    pub kind: StepKind,
    /// Where the run stands now; null unless this is about the run.
    pub run_status: Option<RunStatus>,
    /// Where the stage stands now, the task after this attempt, or its compensation; null if this is about the run.
    pub status: Option<StageStatus>,
    /// The position of the stage; null if this is about the run.
    pub stage_num: Option<i64>,
    /// The stage; null if this is about the run.
    pub stage_id: Option<String>,
    /// The task that is done or undone; null if this is about a stage or the run.
    pub task: Option<String>,
    /// The number of the attempt, from 1, and 0 for what was not tried; null if this is about a stage or the run.
    pub attempt: Option<i64>,
    /// How often the run had been resumed after an end.
    pub iteration: i64,
    /// When it began; null if it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended; null if it has not or never began.
    pub finished_at: Option<Timestamp>,
    /// How long the attempt took, in milliseconds; drawn from the forecast in a simulated run.
    pub duration_ms: Option<f64>,
    /// Whether no handler was really called.
    pub simulated: bool,
    /// Why it failed.
    pub error: Option<Failure>,
}
