//! One task, tried until it succeeds, fails for good or is interrupted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::AbortHandle;
use tokio_util::sync::CancellationToken;

use super::StageStatus;
use super::definition::Effect;
use super::event::{Events, RunEvent};
use super::handler::{Handler, TaskContext};
use super::journal::{Kind, RunJournal, StageRow};
use super::result::{Fault, failure};
use super::retry::RetryPolicy;
use super::statement::Statement;
use super::tasks::{EngineTask, Folder, Tools};
use crate::error::{Error, ErrorKind, Result};
use crate::monte_carlo::Stream;
use crate::outbound::Breaker;
use crate::store::check_storable;
use crate::types::{Json, Timestamp, now};

/// How long a host's handler may take to end after it was asked to, before it is abandoned.
const GRACE: Duration = Duration::from_secs(1);

/// The same for the engine's tasks: a process that ignores SIGTERM is killed within this time.
const ENGINE_GRACE: Duration = Duration::from_secs(5);

/// What executes a task.
#[derive(Clone)]
pub(super) enum Action {
    /// A handler that the host registered.
    Host(Arc<dyn Handler>),
    /// One of the engine's tasks.
    Engine(Arc<dyn EngineTask>),
    /// A built-in stage's own work; its output is known when it begins.
    Stage(Result<Value, Fault>),
}

impl Action {
    fn grace(&self) -> Duration {
        match self {
            Self::Host(_) | Self::Stage(_) => GRACE,
            Self::Engine(_) => ENGINE_GRACE,
        }
    }
}

/// Everything needed to carry out one task or compensation.
pub(super) struct Work {
    pub(super) kind: Kind,
    pub(super) stage: usize,
    /// What the handler is told; the attempt and the token are filled in for each attempt.
    pub(super) context: TaskContext,
    pub(super) iteration: i64,
    pub(super) with: Value,
    pub(super) action: Action,
    pub(super) effect: Effect,
    pub(super) retry: RetryPolicy,
    pub(super) timeout: Option<Duration>,
    pub(super) breaker: Option<Breaker>,
    /// Attempts recorded before a crash.
    pub(super) attempts_before: i64,
    pub(super) tools: Tools,
    pub(super) folder: Folder,
    pub(super) journal: RunJournal,
    pub(super) seq: Arc<AtomicI64>,
    pub(super) events: Events,
    /// Fires when the task should end early.
    pub(super) interrupt: CancellationToken,
}

/// How a task ended.
pub(super) struct Ended {
    /// The row of its last attempt.
    pub(super) row: StageRow,
    /// Whether the row is durable already.
    pub(super) written: bool,
    /// Whether it ended because it was asked to; the caller knows why that was.
    pub(super) interrupted: bool,
}

/// What one attempt came to.
enum Outcome {
    Done(Value),
    Failed(Error),
    /// It was asked to end early and did, or was abandoned.
    Interrupted,
}

impl Work {
    /// Tries until there is an end. Every attempt but the last is durable when the next begins; the last one's row is
    /// left to the caller, who may have more to say in the same transition.
    ///
    /// # Errors
    /// `ABORTED` if another worker took the run over, or what the database says if it fails for good.
    pub(super) async fn carry_out(self) -> Result<Ended> {
        let mut attempt = self.attempts_before;
        loop {
            attempt += 1;
            let Some(permit) = self.permit().await else {
                return Ok(self.never_began(attempt));
            };
            if self.effect == Effect::AtMostOnce {
                self.record_intent(attempt).await?;
            }
            self.events.send(RunEvent::TaskStarted {
                stage: self.stage as u32,
                task: self.context.task.clone(),
                attempt,
                compensating: self.context.compensating,
            });
            let (started_at, started) = (now(), Instant::now());
            let outcome = self.attempt(attempt).await;
            let duration = started.elapsed();
            if let Some(permit) = permit
                && !matches!(outcome, Outcome::Interrupted)
            {
                permit.report(matches!(outcome, Outcome::Done(_)), Instant::now());
            }
            let mut row = self.row(attempt, started_at, duration);
            let error = match outcome {
                Outcome::Interrupted => {
                    return Ok(Ended {
                        row: self.interrupted(row),
                        written: false,
                        interrupted: true,
                    });
                }
                Outcome::Done(output) => match self.finish(&mut row, output).await {
                    Ok(written) => {
                        return Ok(Ended {
                            row,
                            written,
                            interrupted: false,
                        });
                    }
                    Err(error)
                        if error.kind() == ErrorKind::Aborted && error.details().is_none() =>
                    {
                        return Err(error);
                    }
                    Err(error) => error,
                },
                Outcome::Failed(error) => error,
            };
            row.status = StageStatus::Failed;
            row.output = error.details().map(recordable_value);
            row.error = Some((error.kind(), recordable(error.message())));
            let attempts = u32::try_from(attempt).unwrap_or(u32::MAX);
            if self.effect == Effect::AtMostOnce && error.kind() == ErrorKind::DeadlineExceeded {
                row.status = StageStatus::Indeterminate;
            } else if self.retry.repeats(attempts, error.kind()) {
                let wait = self.retry.wait(attempts, self.draw(attempt));
                self.events.send(RunEvent::TaskWaits {
                    stage: self.stage as u32,
                    task: self.context.task.clone(),
                    wait_ms: wait.as_secs_f64() * 1000.0,
                    error: failure(&self.retry, error.kind(), error.message()),
                });
                self.record(row.clone()).await?;
                tokio::select! {
                    () = tokio::time::sleep(wait) => continue,
                    // The failure is recorded; that the next attempt was called off is the caller's to say.
                    () = self.interrupt.cancelled() => return Ok(Ended { row, written: true, interrupted: true }),
                }
            }
            return Ok(Ended {
                row,
                written: false,
                interrupted: false,
            });
        }
    }

    /// Leave from the circuit breaker, or `None` if the task was interrupted while it waited for that.
    async fn permit(&self) -> Option<Option<crate::outbound::Permit>> {
        let Some(breaker) = &self.breaker else {
            return Some(None);
        };
        loop {
            match breaker.permit(Instant::now()) {
                Ok(permit) => return Some(Some(permit)),
                Err(until) => tokio::select! {
                    () = tokio::time::sleep_until(until.into()) => {}
                    () = self.interrupt.cancelled() => return None,
                },
            }
        }
    }

    async fn attempt(&self, attempt: i64) -> Outcome {
        let token = self.interrupt.child_token();
        let mut context = self.context.clone();
        context.attempt = u32::try_from(attempt).unwrap_or(u32::MAX);
        context.cancel = token.clone();
        let mut call = Call::start(self, context);
        let time_is_up = async {
            match self.timeout {
                Some(timeout) => tokio::time::sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            outcome = call.outcome() => outcome,
            () = time_is_up => {
                token.cancel();
                // What it says in the end no longer counts, but its process or connection gets time to close.
                let _ = tokio::time::timeout(self.action.grace(), call.outcome()).await;
                let limit = self.timeout.unwrap_or_default().as_millis();
                Outcome::Failed(Error::deadline_exceeded(format!("took longer than the {limit} ms it may")))
            }
            () = self.interrupt.cancelled() => match tokio::time::timeout(self.action.grace(), call.outcome()).await {
                // It was done all the same.
                Ok(Outcome::Done(output)) => Outcome::Done(output),
                _ => Outcome::Interrupted,
            },
        }
    }

    /// Puts the output into the row; for a transactional task also writes it, with its statements.
    async fn finish(&self, row: &mut StageRow, output: Value) -> Result<bool> {
        if self.effect != Effect::Transactional {
            check_storable(&output)?;
            row.output = Some(output);
            return Ok(false);
        }
        let (output, statements) = Statement::split(&output)?;
        check_storable(&output)?;
        row.output = Some(output);
        *row = self.journal.write_with(row.clone(), statements).await?;
        Ok(true)
    }

    fn row(&self, attempt: i64, started_at: Timestamp, duration: Duration) -> StageRow {
        let micros = duration.as_micros() as f64;
        StageRow {
            kind: self.kind,
            stage: self.stage,
            stage_id: self.context.stage.clone(),
            item: self.context.task.clone(),
            iteration: self.iteration,
            attempt,
            seq: self.seq.fetch_add(1, Ordering::Relaxed) + 1,
            status: StageStatus::Succeeded,
            started_at,
            finished_at: Some(
                started_at + chrono::Duration::from_std(duration).unwrap_or_default(),
            ),
            duration_ms: Some(micros / 1000.0),
            simulated: false,
            output: None,
            error: None,
        }
    }

    fn interrupted(&self, mut row: StageRow) -> StageRow {
        row.status = match self.effect {
            Effect::AtMostOnce => StageStatus::Indeterminate,
            _ => StageStatus::Cancelled,
        };
        row
    }

    fn never_began(&self, attempt: i64) -> Ended {
        let mut row = self.row(attempt, now(), Duration::ZERO);
        row.status = StageStatus::Cancelled;
        Ended {
            row,
            written: false,
            interrupted: true,
        }
    }

    async fn record_intent(&self, attempt: i64) -> Result<()> {
        let mut row = self.row(attempt, now(), Duration::ZERO);
        (row.status, row.finished_at, row.duration_ms) = (StageStatus::Running, None, None);
        self.record(row).await
    }

    async fn record(&self, row: StageRow) -> Result<()> {
        let mut transition = self.journal.transition();
        transition.rows.push(row);
        self.journal.write(transition).await.map(drop)
    }

    /// The draw for the wait after this attempt: the same for the same seed, whatever else happens.
    fn draw(&self, attempt: i64) -> f64 {
        let (iteration, attempt) = (self.iteration.to_string(), attempt.to_string());
        let parts = [
            self.context.stage.as_str(),
            &self.context.task,
            self.kind.as_str(),
            &iteration,
            &attempt,
        ];
        Stream::new(self.context.seed, "heady/pipeline/backoff", &parts).uniform(0)
    }
}

/// What a failed attempt said, in a form that can be recorded whatever it was: a run must not get stuck on the words of
/// its own failure.
fn recordable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn recordable_value(value: &Value) -> Value {
    match value {
        Value::String(text) => recordable(text).into(),
        Value::Array(items) => items.iter().map(recordable_value).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (recordable(key), recordable_value(value)))
            .collect(),
        other => other.clone(),
    }
}

/// A call under way, as a task of its own: a panic in it is a failure of this attempt and nothing else, and it is
/// aborted when nobody waits for it any more.
struct Call {
    outcome: tokio::task::JoinHandle<Result<Value>>,
    _abort: Abort,
}

struct Abort(AbortHandle);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Call {
    fn start(work: &Work, context: TaskContext) -> Self {
        let with = work.with.clone();
        let outcome =
            match work.action.clone() {
                Action::Host(handler) => tokio::spawn(async move {
                    Ok(handler.call(context, Json(with)).await?.into_inner())
                }),
                Action::Engine(task) => {
                    tokio::spawn(task.call(work.tools.clone(), work.folder.clone(), context))
                }
                Action::Stage(output) => tokio::spawn(async move {
                    output.map_err(|(kind, message)| Error::new(kind, message))
                }),
            };
        Self {
            _abort: Abort(outcome.abort_handle()),
            outcome,
        }
    }

    async fn outcome(&mut self) -> Outcome {
        match (&mut self.outcome).await {
            Ok(Ok(output)) => Outcome::Done(output),
            Ok(Err(error)) => Outcome::Failed(error),
            Err(error) => Outcome::Failed(Error::internal(panic_message(error))),
        }
    }
}

fn panic_message(error: tokio::task::JoinError) -> String {
    let Ok(panic) = error.try_into_panic() else {
        return "the handler's task was ended".to_owned();
    };
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned());
    format!(
        "the handler panicked: {}",
        text.unwrap_or_else(|| "without a message".to_owned())
    )
}
