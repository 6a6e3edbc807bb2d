//! Where a run stands, folded from its rows.
//!
//! A live run and one that is read back after a crash go through the same fold, so what is resumed is what was
//! recorded.

use serde_json::Value;

use super::StageStatus;
use super::definition::Definition;
use super::journal::{Kind, StageRow};
use super::result::Fault;
use crate::types::Timestamp;

/// A run's stages and tasks as they stand.
#[derive(Debug, Clone)]
pub(super) struct RunState {
    pub(super) stages: Vec<StageState>,
    /// How often the run was resumed after it had ended.
    pub(super) iteration: i64,
    /// The number of the last event.
    pub(super) seq: i64,
}

#[derive(Debug, Clone)]
pub(super) struct StageState {
    pub(super) status: StageStatus,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) tasks: Vec<TaskState>,
}

#[derive(Debug, Clone)]
pub(super) struct TaskState {
    pub(super) status: StageStatus,
    pub(super) attempts: i64,
    pub(super) started_at: Option<Timestamp>,
    pub(super) finished_at: Option<Timestamp>,
    /// Of the last attempt.
    pub(super) attempt_ms: Option<f64>,
    pub(super) simulated: bool,
    pub(super) output: Option<Value>,
    pub(super) error: Option<Fault>,
    /// When in the order of events it last changed; undoing goes backwards along this.
    pub(super) seq: i64,
    pub(super) compensation: Option<CompensationState>,
}

#[derive(Debug, Clone)]
pub(super) struct CompensationState {
    pub(super) status: StageStatus,
    pub(super) attempts: i64,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) error: Option<Fault>,
    /// When it was first begun.
    pub(super) seq: i64,
}

impl TaskState {
    fn new() -> Self {
        Self {
            status: StageStatus::Pending,
            attempts: 0,
            started_at: None,
            finished_at: None,
            attempt_ms: None,
            simulated: false,
            output: None,
            error: None,
            seq: 0,
            compensation: None,
        }
    }

    /// Whether it was done and not undone since.
    pub(super) fn stands(&self) -> bool {
        let undone = self
            .compensation
            .as_ref()
            .is_some_and(|undo| undo.status == StageStatus::Succeeded);
        self.status == StageStatus::Succeeded && !undone
    }
}

impl StageState {
    fn new(tasks: usize) -> Self {
        Self {
            status: StageStatus::Pending,
            started_at: None,
            finished_at: None,
            tasks: (0..tasks).map(|_| TaskState::new()).collect(),
        }
    }

    /// Whether it was done, and nothing in it was undone since. A stage without tasks is done by being passed.
    fn stands(&self) -> bool {
        let undone = self
            .tasks
            .iter()
            .any(|task| task.status == StageStatus::Succeeded && !task.stands());
        (self.status == StageStatus::Succeeded || self.tasks.is_empty()) && !undone
    }
}

impl RunState {
    /// A run of this definition that has not begun.
    pub(super) fn new(definition: &Definition) -> Self {
        let stages = definition
            .stages
            .iter()
            .map(|stage| StageState::new(stage.tasks.len()))
            .collect();
        Self {
            stages,
            iteration: 0,
            seq: 0,
        }
    }

    /// The run that these rows tell of, resumed `iteration` times.
    pub(super) fn of(definition: &Definition, mut rows: Vec<StageRow>, iteration: i64) -> Self {
        rows.sort_by_key(|row| (row.iteration, row.seq));
        let mut state = Self::new(definition);
        for row in &rows {
            while state.iteration < row.iteration {
                state.reopen();
            }
            state.apply(definition, row);
        }
        while state.iteration < iteration {
            state.reopen();
        }
        state
    }

    /// Takes one row in.
    pub(super) fn apply(&mut self, definition: &Definition, row: &StageRow) {
        self.seq = self.seq.max(row.seq);
        let Some(stage) = self.stages.get_mut(row.stage) else {
            return;
        };
        let began =
            row.attempt > 0 || row.kind == Kind::Stage && row.status != StageStatus::Skipped;
        if row.kind == Kind::Stage {
            stage.status = row.status;
            stage.started_at = began.then_some(row.started_at);
            stage.finished_at = if began { row.finished_at } else { None };
            return;
        }
        let position = definition.stages[row.stage]
            .tasks
            .iter()
            .position(|task| task.name == row.item);
        let Some(task) = position.and_then(|index| stage.tasks.get_mut(index)) else {
            return;
        };
        if row.kind == Kind::Compensation {
            let first = task
                .compensation
                .as_ref()
                .map_or((row.started_at, row.seq), |undo| {
                    (undo.started_at, undo.seq)
                });
            task.compensation = Some(CompensationState {
                status: row.status,
                attempts: row.attempt,
                started_at: first.0,
                finished_at: row.finished_at,
                error: row.error.clone(),
                seq: first.1,
            });
            return;
        }
        if row.attempt == 1 {
            task.started_at = Some(row.started_at);
            task.compensation = None;
        }
        task.status = row.status;
        task.attempts = row.attempt;
        task.finished_at = if began { row.finished_at } else { None };
        task.attempt_ms = row.duration_ms;
        task.simulated = row.simulated;
        task.output.clone_from(&row.output);
        task.error.clone_from(&row.error);
        task.seq = row.seq;
    }

    /// Opens an ended run again from where it failed: what stands stays done, everything from the first stage that
    /// failed on is executed again, and so is what was undone.
    pub(super) fn reopen(&mut self) {
        self.iteration += 1;
        let failed = self
            .stages
            .iter()
            .position(|stage| !stage.tasks.is_empty() && stage.status != StageStatus::Succeeded);
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let after = failed.is_some_and(|failed| index > failed);
            if stage.stands() && !after && failed != Some(index) {
                continue;
            }
            stage.status = StageStatus::Pending;
            (stage.started_at, stage.finished_at) = (None, None);
            for task in &mut stage.tasks {
                // What may happen at most once stays as it is, whatever that was.
                if task.status != StageStatus::Indeterminate && (after || !task.stands()) {
                    *task = TaskState {
                        seq: task.seq,
                        ..TaskState::new()
                    };
                }
            }
        }
    }

    /// The tasks that were done and not undone, the last one first.
    pub(super) fn to_undo(&self) -> Vec<(usize, usize)> {
        let mut done: Vec<_> = self
            .tasks()
            .filter(|(_, _, task)| task.stands())
            .map(|(stage, index, task)| (task.seq, stage, index))
            .collect();
        done.sort_unstable_by(|a, b| b.cmp(a));
        done.into_iter()
            .map(|(_, stage, index)| (stage, index))
            .collect()
    }

    /// Every task with its stage and its position in it.
    pub(super) fn tasks(&self) -> impl Iterator<Item = (usize, usize, &TaskState)> {
        self.stages.iter().enumerate().flat_map(|(stage, state)| {
            state
                .tasks
                .iter()
                .enumerate()
                .map(move |(index, task)| (stage, index, task))
        })
    }
}
