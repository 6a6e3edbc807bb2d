//! The execution of one run by this process: stage after stage, then what a failure demands.
//!
//! Every decision is one transition, durable before anything follows from it. Whoever takes the run over after a crash
//! finds the last decision and goes on from there.

use std::collections::HashSet;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{Action, Ended, Work};
use super::definition::Definition;
use super::event::{Events, RunEvent};
use super::handler::{TaskContext, idempotency_key};
use super::journal::{Kind, RunJournal, StageRow, Transition, Written};
use super::preflight::Preflight;
use super::result::{Fault, RunFacts, failure};
use super::retry::RetryPolicy;
use super::schedule::{Progress, Schedule, StageEnd};
use super::state::{RunState, TaskState};
use super::tasks::{Folder, Tools};
use super::{RunStatus, StageStatus, stages, stop};
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::Breakers;
use crate::types::now;

/// Which tasks are under way in this process, for those who look at the run meanwhile.
pub(super) type UnderWay = Arc<Mutex<HashSet<(usize, usize)>>>;

/// A run in the hands of this process.
pub(super) struct Execution {
    pub(super) facts: Arc<RunFacts>,
    pub(super) definition: Arc<Definition>,
    pub(super) preflight: Preflight,
    pub(super) state: RunState,
    pub(super) status: RunStatus,
    /// Why the run is failing, once it is.
    pub(super) error: Option<Fault>,
    pub(super) limit: usize,
    pub(super) tools: Tools,
    pub(super) folder: Folder,
    pub(super) breakers: Breakers,
    pub(super) journal: RunJournal,
    pub(super) seq: Arc<AtomicI64>,
    pub(super) events: Events,
    pub(super) under_way: UnderWay,
    /// Somebody wants the run cancelled.
    pub(super) cancel: CancellationToken,
    /// This process lets the run go, for another or a later one.
    pub(super) hand_back: CancellationToken,
}

/// A task that ended, or a transition that is durable.
enum Step {
    Ended(usize, Result<Ended>),
    Written(usize, bool, Result<()>),
}

/// Why a stage stopped beginning tasks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closed {
    Cancelled,
    TimedOut,
}

impl Execution {
    /// Executes the run from where it stands to its end.
    ///
    /// # Errors
    /// `ABORTED` when another worker owns the run, `CANCELLED` when it was handed back, or what the database says when
    /// it fails for good; the run can then be resumed.
    pub(super) async fn execute(mut self) -> Result<()> {
        if self.status == RunStatus::Compensating {
            return self.recover().await;
        }
        for stage in 0..self.definition.stages.len() {
            if self.state.stages[stage].status != StageStatus::Pending {
                continue;
            }
            if self.cancel.is_cancelled() {
                return self.fail(self.journal.transition(), cancelled()).await;
            }
            if let Some((action, reason)) = stop::check(&self).await? {
                return self.stop(action, reason).await;
            }
            if self.stage(stage).await?.is_break() {
                return if self.status == RunStatus::Compensating {
                    self.recover().await
                } else {
                    Ok(())
                };
            }
        }
        // Only a definition whose last stages are empty comes here; `close` has recorded all others.
        let transition = self.journal.transition();
        self.finish(transition, RunStatus::Succeeded).await
    }

    /// Executes one stage and records how it ended. Breaks off when that decided the run.
    pub(super) async fn stage(&mut self, stage: usize) -> Result<std::ops::ControlFlow<()>> {
        if self.definition.stages[stage].tasks.is_empty() {
            let mut transition = self.journal.transition();
            self.push(&mut transition, self.stage_row(stage, StageStatus::Skipped));
            self.write(transition).await?;
            return Ok(std::ops::ControlFlow::Continue(()));
        }
        self.state.stages[stage].started_at.get_or_insert_with(now);
        self.events.send(RunEvent::StageStarted {
            stage: stage as u32,
        });
        self.settle_unfinished(stage).await?;
        let mut schedule = self.schedule(stage);
        let mut steps: JoinSet<Step> = JoinSet::new();
        let interrupt = CancellationToken::new();
        let deadline = self.definition.stages[stage]
            .timeout
            .map(|timeout| Instant::now() + timeout);
        let (mut closed, mut writing) = (None, 0_usize);
        // The last task's row waits here until all others are durable; then it goes with the stage's own row.
        let mut last: Option<(usize, StageRow)> = None;
        loop {
            self.begin(stage, &mut schedule, &mut steps, &interrupt);
            if writing == 0
                && let Some(end) = schedule.end()
            {
                let row = last.take();
                return self.close(stage, &schedule, end, closed, row).await;
            }
            let step = tokio::select! {
                biased;
                () = self.hand_back.cancelled() => return Err(self.handed_back(interrupt, steps).await),
                () = self.cancel.cancelled(), if closed.is_none() => {
                    closed = Some(Closed::Cancelled);
                    interrupt.cancel();
                    schedule.close();
                    continue;
                }
                () = until(deadline), if closed.is_none() => {
                    closed = Some(Closed::TimedOut);
                    interrupt.cancel();
                    schedule.close();
                    continue;
                }
                step = steps.join_next() => step,
            };
            match step {
                None => return Err(Error::internal("a stage has nothing under way and no end")),
                Some(Err(error)) => {
                    return Err(
                        Error::internal("a task's driver ended in a panic").caused_by(error)
                    );
                }
                Some(Ok(Step::Ended(task, ended))) => {
                    let ended = ended?;
                    let written = ended.written;
                    let row = self.settle(stage, ended, closed);
                    let succeeded = row.status == StageStatus::Succeeded;
                    self.announce(stage, task, &row);
                    if written {
                        self.state.apply(&self.definition, &row);
                        schedule.ended(task, succeeded);
                    } else if schedule.after(task, succeeded).end().is_some() {
                        schedule.ended(task, succeeded);
                        last = Some((task, row));
                    } else {
                        self.state.apply(&self.definition, &row);
                        let mut transition = self.journal.transition();
                        transition.rows.push(row);
                        let (journal, cancel) = (self.journal.clone(), self.cancel_on_request());
                        writing += 1;
                        steps.spawn(async move {
                            let written = journal.write(transition).await;
                            let written = written.map(|written| heed(written, cancel.as_ref()));
                            Step::Written(task, succeeded, written)
                        });
                    }
                }
                Some(Ok(Step::Written(task, succeeded, written))) => {
                    written?;
                    writing -= 1;
                    schedule.ended(task, succeeded);
                }
            }
        }
    }

    /// Starts every task of the stage that may start now.
    fn begin(
        &self,
        stage: usize,
        schedule: &mut Schedule,
        steps: &mut JoinSet<Step>,
        interrupt: &CancellationToken,
    ) {
        for task in schedule.begin() {
            self.under_way
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert((stage, task));
            let work = self.work(stage, task, interrupt.clone());
            steps.spawn(async move { Step::Ended(task, work.carry_out().await) });
        }
    }

    /// Tasks that a crash left in the middle of their only attempt, and tasks that the preflight found impossible.
    async fn settle_unfinished(&mut self, stage: usize) -> Result<()> {
        let mut transition = self.journal.transition();
        for index in 0..self.definition.stages[stage].tasks.len() {
            let task = &self.state.stages[stage].tasks[index];
            let (status, error, attempt) = match (task.status, self.preflight.problem(stage, index))
            {
                (StageStatus::Running, _) => {
                    let message = "the engine stopped in the middle of its only attempt; nobody knows whether it was done";
                    (
                        StageStatus::Indeterminate,
                        (ErrorKind::Aborted, message.to_owned()),
                        task.attempts,
                    )
                }
                (StageStatus::Pending, Some(problem)) => (StageStatus::Failed, problem.clone(), 0),
                _ => continue,
            };
            let row = StageRow {
                error: Some(error),
                attempt,
                ..self.task_row(stage, index, status)
            };
            self.announce(stage, index, &row);
            self.push(&mut transition, row);
        }
        if transition.rows.is_empty() {
            Ok(())
        } else {
            self.write(transition).await
        }
    }

    fn schedule(&self, stage: usize) -> Schedule {
        let definition = &self.definition.stages[stage];
        let progress = self.state.stages[stage]
            .tasks
            .iter()
            .zip(&definition.tasks)
            .map(|(task, declared)| match task.status {
                StageStatus::Succeeded => Progress::Succeeded,
                StageStatus::Failed if is_final(task, &declared.retry) => Progress::Failed,
                StageStatus::Indeterminate | StageStatus::Cancelled => Progress::Failed,
                StageStatus::Skipped => Progress::Dropped,
                _ => Progress::Waiting,
            })
            .collect();
        Schedule::new(definition, progress, self.limit)
    }

    pub(super) fn work(&self, stage: usize, index: usize, interrupt: CancellationToken) -> Work {
        let declared = &self.definition.stages[stage].tasks[index];
        let action = match stages::output(declared, self) {
            Some(output) => Action::Stage(output),
            None => self.preflight.action(stage, index),
        };
        Work {
            kind: Kind::Task,
            stage,
            context: self.context(stage, index, false),
            iteration: self.state.iteration,
            with: declared.with.clone(),
            action,
            effect: declared.effect,
            retry: declared.retry.clone(),
            timeout: declared.timeout,
            breaker: declared
                .breaker
                .as_deref()
                .map(|name| self.breakers.named(name)),
            attempts_before: self.state.stages[stage].tasks[index].attempts,
            tools: self.tools.clone(),
            folder: self.folder.clone(),
            journal: self.journal.clone(),
            seq: self.seq.clone(),
            events: self.events.clone(),
            interrupt,
        }
    }

    pub(super) fn context(&self, stage: usize, index: usize, compensating: bool) -> TaskContext {
        let stage = &self.definition.stages[stage];
        let (run, task) = (&self.facts.id, &stage.tasks[index].name);
        TaskContext {
            run_id: run.clone(),
            workflow_id: self.facts.workflow_id.clone(),
            stage: stage.id.clone(),
            task: task.clone(),
            attempt: 0,
            seed: self.facts.seed,
            idempotency_key: idempotency_key(
                run,
                &stage.id,
                task,
                self.state.iteration,
                compensating,
            ),
            input: self.facts.input.clone(),
            compensating,
            cancel: CancellationToken::new(),
        }
    }

    /// Decides what the row of an interrupted task says.
    fn settle(&self, stage: usize, ended: Ended, closed: Option<Closed>) -> StageRow {
        let mut row = ended.row;
        if ended.interrupted && !ended.written && row.status == StageStatus::Cancelled {
            if closed == Some(Closed::TimedOut) {
                let limit = self.definition.stages[stage]
                    .timeout
                    .unwrap_or_default()
                    .as_millis();
                row.status = StageStatus::Failed;
                row.error = Some((
                    ErrorKind::DeadlineExceeded,
                    format!("the stage took longer than the {limit} ms it may"),
                ));
            } else {
                row.error = Some((ErrorKind::Cancelled, "the run was cancelled".to_owned()));
            }
        }
        row
    }

    pub(super) fn announce(&self, stage: usize, index: usize, row: &StageRow) {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(stage, index));
        let declared = &self.definition.stages[stage].tasks[index];
        self.events.send(RunEvent::TaskEnded {
            stage: stage as u32,
            task: row.item.clone(),
            status: row.status,
            error: row
                .error
                .as_ref()
                .map(|(kind, message)| failure(&declared.retry, *kind, message)),
            compensating: row.kind == Kind::Compensation,
        });
    }

    /// Records the end of a stage and everything that follows from it at once.
    async fn close(
        &mut self,
        stage: usize,
        schedule: &Schedule,
        end: StageEnd,
        closed: Option<Closed>,
        last: Option<(usize, StageRow)>,
    ) -> Result<std::ops::ControlFlow<()>> {
        let mut transition = self.journal.transition();
        if let Some((_, row)) = last {
            self.push(&mut transition, row);
        }
        for index in schedule.dropped().collect::<Vec<_>>() {
            if self.state.stages[stage].tasks[index].status == StageStatus::Pending {
                self.push(
                    &mut transition,
                    self.task_row(stage, index, StageStatus::Skipped),
                );
            }
        }
        let status = match (end, closed) {
            (StageEnd::Succeeded, _) => StageStatus::Succeeded,
            (StageEnd::Failed, Some(Closed::Cancelled)) => StageStatus::Cancelled,
            (StageEnd::Failed, _) => StageStatus::Failed,
        };
        self.push(&mut transition, self.stage_row(stage, status));
        self.events.send(RunEvent::StageEnded {
            stage: stage as u32,
            status,
        });
        let recovering = self.status == RunStatus::Compensating;
        if status == StageStatus::Succeeded {
            let over = !recovering
                && self.state.stages[stage + 1..]
                    .iter()
                    .all(|later| later.tasks.is_empty());
            if over {
                for empty in stage + 1..self.state.stages.len() {
                    self.push(&mut transition, self.stage_row(empty, StageStatus::Skipped));
                }
                self.finish(transition, RunStatus::Succeeded).await?;
                return Ok(std::ops::ControlFlow::Break(()));
            }
            self.write(transition).await?;
            return Ok(std::ops::ControlFlow::Continue(()));
        }
        if recovering {
            self.write(transition).await?;
            return Ok(std::ops::ControlFlow::Continue(()));
        }
        let error = if status == StageStatus::Cancelled {
            cancelled()
        } else {
            self.stage_error(stage, closed)
        };
        self.begin_recovery(transition, error).await?;
        Ok(std::ops::ControlFlow::Break(()))
    }

    /// What is said about the run when this stage has failed.
    fn stage_error(&self, stage: usize, closed: Option<Closed>) -> Fault {
        let id = &self.definition.stages[stage].id;
        if closed == Some(Closed::TimedOut) {
            return (
                ErrorKind::DeadlineExceeded,
                format!("stage '{id}' took longer than it may"),
            );
        }
        let tasks = &self.state.stages[stage].tasks;
        let failed: Vec<_> = (0..tasks.len())
            .filter(|&index| tasks[index].error.is_some())
            .collect();
        let first = failed
            .iter()
            .min_by_key(|&&index| tasks[index].seq)
            .copied();
        match first.and_then(|index| tasks[index].error.as_ref().map(|error| (index, error))) {
            Some((index, (kind, message))) => {
                let others = if failed.len() > 1 {
                    format!(" (and {} more)", failed.len() - 1)
                } else {
                    String::new()
                };
                let task = &self.definition.stages[stage].tasks[index].name;
                (
                    *kind,
                    format!("stage '{id}': task '{task}' failed{others}: {message}"),
                )
            }
            None => (ErrorKind::Internal, format!("stage '{id}' failed")),
        }
    }

    pub(super) async fn write(&self, transition: Transition) -> Result<()> {
        let written = self.journal.write(transition).await?;
        heed(written, self.cancel_on_request().as_ref());
        Ok(())
    }

    /// What a request to cancel fires, as long as there is something to cancel.
    fn cancel_on_request(&self) -> Option<CancellationToken> {
        (self.status == RunStatus::Running).then(|| self.cancel.clone())
    }

    /// Lets tasks under way end by themselves for a moment, then abandons them: nothing is recorded of their attempt,
    /// so whoever takes the run over begins it again.
    async fn handed_back(&self, interrupt: CancellationToken, mut steps: JoinSet<Step>) -> Error {
        interrupt.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            while steps.join_next().await.is_some() {}
        })
        .await;
        handed_back()
    }
}

/// Whether a failed task is not tried again.
pub(super) fn is_final(task: &TaskState, retry: &RetryPolicy) -> bool {
    let attempts = u32::try_from(task.attempts).unwrap_or(u32::MAX);
    task.attempts == 0
        || task
            .error
            .as_ref()
            .is_none_or(|(kind, _)| !retry.repeats(attempts, *kind))
}

/// Cancels if the database says that somebody asked for it.
fn heed(written: Written, cancel: Option<&CancellationToken>) {
    if let Some(cancel) = cancel.filter(|_| written.cancel_requested) {
        cancel.cancel();
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

fn cancelled() -> Fault {
    (ErrorKind::Cancelled, "the run was cancelled".to_owned())
}

pub(super) fn handed_back() -> Error {
    Error::cancelled("the engine closed; the run can be resumed")
}
