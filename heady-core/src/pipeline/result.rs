//! A run put together for its readers: from its definition, its row and the rows of what happened.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::Definition;
use super::execution::is_final;
use super::retry::RetryPolicy;
use super::state::{RunState, StageState, TaskState};
use super::{
    Compensation, Critique, Failure, Forecast, PipelineRun, RunMetrics, RunStatus, StageRun,
    StageStatus, TaskRun, critique,
};
use crate::error::{ErrorKind, Result};
use crate::types::{Id, Json, Timestamp};

/// Why something failed, as it is kept.
pub(super) type Fault = (ErrorKind, String);

/// What does not change about a run while it is executed.
#[derive(Debug)]
pub(super) struct RunFacts {
    pub(super) id: Id,
    pub(super) workflow_id: String,
    pub(super) request_id: Option<String>,
    pub(super) seed: i64,
    pub(super) simulated: bool,
    pub(super) started_at: Timestamp,
    pub(super) actor: String,
    pub(super) input: Arc<Value>,
    pub(super) forecast: Option<Forecast>,
}

/// What is stored of a run when its status changes: everything that is not in the rows.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct StoredResult {
    pub(super) metrics: Option<RunMetrics>,
    pub(super) error: Option<Failure>,
    pub(super) critique: Option<Critique>,
}

impl StoredResult {
    pub(super) fn read(value: Value) -> Result<Self> {
        Ok(serde_json::from_value(value)?)
    }

    /// Why the run failed, or is failing.
    pub(super) fn fault(&self) -> Option<Fault> {
        let error = self.error.as_ref()?;
        Some((
            ErrorKind::from_code(&error.code).unwrap_or(ErrorKind::Internal),
            error.message.clone(),
        ))
    }
}

pub(super) fn failure(retry: &RetryPolicy, kind: ErrorKind, message: &str) -> Failure {
    Failure {
        code: kind.code().to_owned(),
        message: message.to_owned(),
        retryable: kind.retryable() && !retry.non_retryable.contains(&kind),
    }
}

/// What to store of a run as it stands.
pub(super) fn stored(
    state: &RunState,
    definition: &Definition,
    facts: &RunFacts,
    error: Option<&Fault>,
    finished_at: Option<Timestamp>,
) -> Value {
    let stored = StoredResult {
        metrics: Some(metrics(
            state,
            facts,
            finished_at.unwrap_or_else(crate::types::now),
        )),
        error: error.map(|(kind, message)| failure(&RetryPolicy::default(), *kind, message)),
        critique: finished_at
            .map(|_| critique::look_back(definition, state, facts.forecast.as_ref())),
    };
    serde_json::to_value(stored).unwrap_or_default()
}

/// The numbers of a run as it stands at this time.
pub(super) fn metrics(state: &RunState, facts: &RunFacts, at: Timestamp) -> RunMetrics {
    let count = |wanted: &[StageStatus]| {
        state
            .tasks()
            .filter(|(_, _, task)| wanted.contains(&task.status))
            .count() as i64
    };
    let total = state.tasks().count() as i64;
    let failed = count(&[StageStatus::Failed, StageStatus::Indeterminate]);
    let error_rate = if total == 0 {
        0.0
    } else {
        failed as f64 / total as f64
    };
    let measured = (100.0 - 200.0 * error_rate).floor().max(0.0);
    let expected = facts
        .forecast
        .as_ref()
        .map_or(100.0, |forecast| forecast.score as f64);
    let elapsed = (at - facts.started_at)
        .num_microseconds()
        .unwrap_or_default()
        .max(0);
    RunMetrics {
        total_tasks: total,
        completed_tasks: count(&[StageStatus::Succeeded]),
        failed_tasks: failed,
        skipped_tasks: count(&[StageStatus::Skipped, StageStatus::Cancelled]),
        retried_tasks: state
            .tasks()
            .filter(|(_, _, task)| task.attempts > 1)
            .count() as i64,
        error_rate,
        readiness_score: (!facts.simulated).then_some(measured.min(expected)),
        elapsed_ms: elapsed as f64 / 1000.0,
    }
}

/// Everything that is known about a run.
pub(super) struct Whole<'a> {
    pub(super) facts: RunFacts,
    pub(super) status: RunStatus,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) result: StoredResult,
    pub(super) definition: &'a Definition,
    pub(super) state: RunState,
    /// The tasks that this process executes now.
    pub(super) under_way: &'a dyn Fn(usize, usize) -> bool,
}

impl Whole<'_> {
    pub(super) fn assemble(mut self) -> PipelineRun {
        let at = self.finished_at.unwrap_or_else(crate::types::now);
        let metrics = metrics(&self.state, &self.facts, at);
        let executing = matches!(self.status, RunStatus::Running | RunStatus::Compensating);
        let mut compensations = Vec::new();
        let mut stages = Vec::new();
        for (num, stage) in std::mem::take(&mut self.state.stages)
            .into_iter()
            .enumerate()
        {
            self.compensations(num, &stage, &mut compensations);
            stages.push(self.stage(num, stage, executing));
        }
        compensations.sort_by_key(|(seq, _)| *seq);
        PipelineRun {
            run_id: self.facts.id,
            workflow_id: self.facts.workflow_id,
            request_id: self.facts.request_id,
            status: self.status,
            seed: self.facts.seed,
            simulated: self.facts.simulated,
            started_at: self.facts.started_at,
            finished_at: self.finished_at,
            error: self.result.error,
            metrics,
            stages,
            compensations: compensations
                .into_iter()
                .map(|(_, compensation)| compensation)
                .collect(),
            forecast: self.facts.forecast,
            critique: self.result.critique,
            warnings: self.definition.warnings.clone(),
        }
    }

    fn stage(&self, num: usize, state: StageState, executing: bool) -> StageRun {
        let declared = &self.definition.stages[num];
        let began = state.tasks.iter().filter_map(|task| task.started_at).min();
        let tasks: Vec<_> = state
            .tasks
            .into_iter()
            .enumerate()
            .map(|(index, task)| self.task(num, index, task, executing))
            .collect();
        let active = executing
            && tasks
                .iter()
                .any(|task| !matches!(task.status, StageStatus::Pending | StageStatus::Skipped));
        StageRun {
            num: num as i64,
            id: declared.id.clone(),
            name: declared.name.clone(),
            status: if state.status == StageStatus::Pending && active {
                StageStatus::Running
            } else {
                state.status
            },
            started_at: state.started_at.or(began),
            finished_at: state.finished_at,
            tasks,
        }
    }

    fn task(&self, stage: usize, index: usize, state: TaskState, executing: bool) -> TaskRun {
        let declared = &self.definition.stages[stage].tasks[index];
        let status = match state.status {
            _ if executing && (self.under_way)(stage, index) => StageStatus::Running,
            StageStatus::Failed if executing && !is_final(&state, &declared.retry) => {
                StageStatus::Waiting
            }
            status => status,
        };
        let measured = match (state.started_at, state.finished_at) {
            (Some(start), Some(end)) => (end - start)
                .num_microseconds()
                .map(|micros| micros as f64 / 1000.0),
            _ => None,
        };
        TaskRun {
            name: declared.name.clone(),
            uses: declared.uses.clone(),
            status,
            attempts: state.attempts,
            started_at: state.started_at,
            finished_at: state.finished_at,
            duration_ms: if state.simulated {
                state.attempt_ms
            } else {
                measured
            },
            simulated: state.simulated,
            output: Json(state.output.unwrap_or_default()),
            error: state
                .error
                .map(|(kind, message)| failure(&declared.retry, kind, &message)),
        }
    }

    fn compensations(&self, stage: usize, state: &StageState, list: &mut Vec<(i64, Compensation)>) {
        let declared = &self.definition.stages[stage];
        for (task, declared_task) in state.tasks.iter().zip(&declared.tasks) {
            if let Some(undo) = &task.compensation {
                let compensation = Compensation {
                    stage: declared.id.clone(),
                    task: declared_task.name.clone(),
                    status: undo.status,
                    attempts: undo.attempts,
                    started_at: Some(undo.started_at),
                    finished_at: undo.finished_at,
                    error: undo
                        .error
                        .as_ref()
                        .map(|(kind, message)| failure(&declared_task.retry, *kind, message)),
                };
                list.push((undo.seq, compensation));
            }
        }
    }
}
