//! What an execution records: the rows and changes of its transitions.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::execution::Execution;
use super::journal::{Kind, RunChange, StageRow, Transition};
use super::{RunStatus, StageStatus, event::RunEvent, result};
use crate::audit::Record;
use crate::error::Result;
use crate::types::now;

impl Execution {
    /// Ends the run.
    pub(super) async fn finish(
        &mut self,
        mut transition: Transition,
        status: RunStatus,
    ) -> Result<()> {
        if status == RunStatus::Succeeded {
            self.error = None;
        }
        self.change(&mut transition, status, true);
        transition.audit.push(self.finish_record(status));
        self.write(transition).await
    }

    /// The line of the audit log about the end of the run.
    pub(super) fn finish_record(&self, status: RunStatus) -> Record {
        let metrics = result::metrics(&self.state, &self.facts, now());
        let record = Record::new(
            &self.facts.actor,
            "RUN_FINISH",
            format!("run:{}", self.facts.id),
            status.as_str(),
        );
        record.with(json!({
            "workflowId": self.facts.workflow_id, "completedTasks": metrics.completed_tasks,
            "failedTasks": metrics.failed_tasks, "skippedTasks": metrics.skipped_tasks,
        }))
    }

    /// Sets the run's status, and what it came to if that is its end.
    pub(super) fn change(&mut self, transition: &mut Transition, status: RunStatus, release: bool) {
        self.status = status;
        let finished_at = status.is_terminal().then(now);
        let result = result::stored(
            &self.state,
            &self.definition,
            &self.facts,
            self.error.as_ref(),
            finished_at,
        );
        transition.change = Some(RunChange {
            status,
            finished_at,
            result: Some(result),
            release,
        });
        self.events.send(RunEvent::RunChanged { status });
    }

    pub(super) fn task_row(&self, stage: usize, index: usize, status: StageStatus) -> StageRow {
        self.row(
            Kind::Task,
            stage,
            &self.definition.stages[stage].tasks[index].name,
            status,
        )
    }

    pub(super) fn stage_row(&self, stage: usize, status: StageStatus) -> StageRow {
        let started_at = self.state.stages[stage].started_at;
        let row = self.row(Kind::Stage, stage, "", status);
        StageRow {
            started_at: started_at.unwrap_or(row.started_at),
            ..row
        }
    }

    /// A row about what has no attempt of its own; what never began begins and ends at the moment of the decision.
    fn row(&self, kind: Kind, stage: usize, item: &str, status: StageStatus) -> StageRow {
        let at = now();
        StageRow {
            kind,
            stage,
            stage_id: self.definition.stages[stage].id.clone(),
            item: item.to_owned(),
            iteration: self.state.iteration,
            attempt: 0,
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            status,
            started_at: at,
            finished_at: Some(at),
            duration_ms: None,
            simulated: false,
            output: None,
            error: None,
        }
    }

    pub(super) fn push(&mut self, transition: &mut Transition, row: StageRow) {
        self.state.apply(&self.definition, &row);
        transition.rows.push(row);
    }
}
