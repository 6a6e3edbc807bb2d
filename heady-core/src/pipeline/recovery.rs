//! What follows when a run fails, is cancelled or meets a stop rule: what was done is undone, what always runs still does.

use tokio_util::sync::CancellationToken;

use super::attempt::Work;
use super::definition::{Compensate, Effect, StopAction};
use super::execution::{Execution, handed_back};
use super::journal::{Kind, Transition};
use super::result::Fault;
use super::{RunStatus, StageStatus};
use crate::error::{ErrorKind, Result};

impl Execution {
    /// The run has failed, or was cancelled, between two stages.
    pub(super) async fn fail(&mut self, transition: Transition, error: Fault) -> Result<()> {
        self.begin_recovery(transition, error).await?;
        self.recover().await
    }

    /// Decides that the run has failed: what was not begun is skipped, except what is always executed.
    pub(super) async fn begin_recovery(
        &mut self,
        mut transition: Transition,
        error: Fault,
    ) -> Result<()> {
        for stage in 0..self.definition.stages.len() {
            if self.state.stages[stage].status == StageStatus::Pending
                && !self.definition.stages[stage].always
            {
                self.skip(&mut transition, stage);
            }
        }
        self.error = Some(error);
        self.change(&mut transition, RunStatus::Compensating, false);
        self.write(transition).await
    }

    fn skip(&mut self, transition: &mut Transition, stage: usize) {
        for index in 0..self.definition.stages[stage].tasks.len() {
            if self.state.stages[stage].tasks[index].status == StageStatus::Pending {
                self.push(
                    transition,
                    self.task_row(stage, index, StageStatus::Skipped),
                );
            }
        }
        self.push(transition, self.stage_row(stage, StageStatus::Skipped));
    }

    /// Undoes what was done, the last first, then executes the stages that always are, then ends the run.
    pub(super) async fn recover(&mut self) -> Result<()> {
        // A cancellation has had its effect; what tidies up is not interrupted by it again.
        let cancelled = self
            .error
            .as_ref()
            .is_some_and(|(kind, _)| *kind == ErrorKind::Cancelled);
        self.cancel = CancellationToken::new();
        for (stage, index) in self.state.to_undo() {
            let declared = &self.definition.stages[stage].tasks[index];
            let Some(compensate) = declared.compensate.clone() else {
                continue;
            };
            if !self.undo_is_final(stage, index) {
                self.undo(stage, index, compensate).await?;
            }
        }
        for stage in 0..self.definition.stages.len() {
            if self.state.stages[stage].status == StageStatus::Pending
                && self.definition.stages[stage].always
            {
                let _ = self.stage(stage).await?;
            }
        }
        let status = if cancelled {
            RunStatus::Cancelled
        } else {
            self.undone()
        };
        let transition = self.journal.transition();
        self.finish(transition, status).await
    }

    /// Whether a compensation has been tried as often as it may be.
    fn undo_is_final(&self, stage: usize, index: usize) -> bool {
        let retry = &self.definition.stages[stage].tasks[index].retry;
        let undo = self.state.stages[stage].tasks[index].compensation.as_ref();
        undo.and_then(|undo| undo.error.as_ref().map(|(kind, _)| (undo.attempts, *kind)))
            .is_some_and(|(attempts, kind)| {
                !retry.repeats(u32::try_from(attempts).unwrap_or(u32::MAX), kind)
            })
    }

    async fn undo(&mut self, stage: usize, index: usize, compensate: Compensate) -> Result<()> {
        let declared = &self.definition.stages[stage].tasks[index];
        let before = self.state.stages[stage].tasks[index]
            .compensation
            .as_ref()
            .map_or(0, |undo| undo.attempts);
        let interrupt = CancellationToken::new();
        let work = Work {
            kind: Kind::Compensation,
            context: self.context(stage, index, true),
            with: compensate.with,
            action: self.preflight.undo_action(stage, index),
            // Undoing is repeated after a crash: doing it twice is better than not at all.
            effect: Effect::Idempotent,
            timeout: declared.timeout,
            attempts_before: before,
            ..self.work(stage, index, interrupt.clone())
        };
        let ended = tokio::select! {
            ended = work.carry_out() => ended?,
            () = self.hand_back.cancelled() => return Err(handed_back()),
        };
        self.announce(stage, index, &ended.row);
        let mut transition = self.journal.transition();
        self.push(&mut transition, ended.row);
        self.write(transition).await
    }

    /// Whether everything that can be undone was.
    fn undone(&self) -> RunStatus {
        let mut any = false;
        for (stage, index, task) in self.state.tasks() {
            if self.definition.stages[stage].tasks[index]
                .compensate
                .is_none()
            {
                continue;
            }
            match &task.compensation {
                Some(undo) if undo.status == StageStatus::Succeeded => any = true,
                Some(_) => return RunStatus::Failed,
                None => {}
            }
        }
        if any {
            RunStatus::Compensated
        } else {
            RunStatus::Failed
        }
    }

    /// What a stop rule demands.
    pub(super) async fn stop(&mut self, action: StopAction, reason: String) -> Result<()> {
        let error = (ErrorKind::FailedPrecondition, reason);
        match action {
            StopAction::EnterRecovery => self.fail(self.journal.transition(), error).await,
            StopAction::Pause => {
                let mut transition = self.journal.transition();
                self.error = Some(error);
                self.change(&mut transition, RunStatus::Paused, true);
                self.write(transition).await
            }
            StopAction::Halt => {
                let mut transition = self.journal.transition();
                for stage in 0..self.definition.stages.len() {
                    if self.state.stages[stage].status == StageStatus::Pending {
                        self.skip(&mut transition, stage);
                    }
                }
                self.error = Some(error);
                self.finish(transition, RunStatus::Failed).await
            }
        }
    }
}
