//! What happens in a run, made durable: transitions of many runs in one call.
//!
//! A transition is everything that changes at one moment of one run. It is written whole or not at all, and only by the
//! worker that owns the run: each carries the fence under which that worker took it, and a stale one is refused by the
//! statement itself.

mod batch;
mod sql;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::watch;

pub(super) use self::batch::Journal;
use super::result::Fault;
use super::statement::Statement;
use super::{RunStatus, StageStatus, queries};
use crate::audit::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::registry;
use crate::store::{Arg, Batch as _, Lane, Sql, Store};
use crate::types::{Id, Timestamp};

/// How long a database that does not answer is waited for before the run is let go.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a row of `pipeline_stage_runs` is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stage,
    Task,
    Compensation,
}

impl Kind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "STAGE",
            Self::Task => "TASK",
            Self::Compensation => "COMPENSATION",
        }
    }

    pub(super) fn from_word(word: &str) -> Result<Self> {
        [Self::Stage, Self::Task, Self::Compensation]
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| Error::data_loss(format!("'{word}' is no kind of stage row")))
    }
}

/// One row: a stage that ended, an attempt of a task or compensation, or a task that will never begin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StageRow {
    pub(super) kind: Kind,
    pub(super) stage: usize,
    pub(super) stage_id: String,
    /// The task's name; empty for a stage.
    pub(super) item: String,
    pub(super) iteration: i64,
    /// 0 for what never began.
    pub(super) attempt: i64,
    /// The order of events in the run.
    pub(super) seq: i64,
    pub(super) status: StageStatus,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) duration_ms: Option<f64>,
    pub(super) simulated: bool,
    pub(super) output: Option<Value>,
    pub(super) error: Option<Fault>,
}

/// A run that begins.
#[derive(Debug, Clone)]
pub(super) struct NewRun {
    pub(super) workflow_id: String,
    pub(super) request_id: Option<String>,
    pub(super) seed: i64,
    pub(super) status: RunStatus,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) result: Value,
    pub(super) pipeline_id: String,
    pub(super) definition_version: i64,
    pub(super) folder: Option<String>,
    pub(super) input: Value,
    pub(super) hosted: Vec<String>,
    pub(super) simulated: bool,
    pub(super) forecast: Value,
    pub(super) owner: Option<Id>,
    pub(super) actor: String,
}

/// A change of the run's own row.
#[derive(Debug, Clone)]
pub(super) struct RunChange {
    pub(super) status: RunStatus,
    pub(super) finished_at: Option<Timestamp>,
    /// What it came to, if that is known now.
    pub(super) result: Option<Value>,
    /// Whether the worker lets the run go.
    pub(super) release: bool,
}

/// Everything that changes at one moment of one run.
#[derive(Debug, Clone)]
pub(super) struct Transition {
    pub(super) run: Id,
    pub(super) fence: i64,
    pub(super) start: Option<NewRun>,
    pub(super) rows: Vec<StageRow>,
    pub(super) change: Option<RunChange>,
    pub(super) audit: Vec<Record>,
}

/// What a worker learns when its transition is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Whether somebody asked for the run to be cancelled.
    pub(super) cancel_requested: bool,
}

/// The lane of one engine, and one run's right to write in it.
#[derive(Clone)]
pub(super) struct RunJournal {
    pub(super) store: Store,
    pub(super) lane: Lane<Journal>,
    pub(super) run: Id,
    pub(super) fence: i64,
    /// Changes when something of the run has become durable, for those in this process who follow it.
    pub(super) recorded: watch::Sender<()>,
}

impl RunJournal {
    /// An empty transition of this run.
    pub(super) fn transition(&self) -> Transition {
        Transition {
            run: self.run.clone(),
            fence: self.fence,
            start: None,
            rows: vec![],
            change: None,
            audit: vec![],
        }
    }

    /// Makes a transition durable, repeating it while the database does not answer: a transition bears repetition.
    ///
    /// # Errors
    /// `ABORTED` when another worker owns the run; then this one must stop. `UNAVAILABLE` when the database stays away
    /// longer than [`PATIENCE`].
    pub(super) async fn write(&self, transition: Transition) -> Result<Written> {
        let transition = Arc::new(transition);
        self.patiently(|| self.submit(transition.clone())).await
    }

    /// Makes a transition durable, or says at once that the database does not answer.
    ///
    /// # Errors
    /// As [`RunJournal::write`].
    pub(super) async fn write_once(&self, transition: Transition) -> Result<Written> {
        self.submit(Arc::new(transition)).await
    }

    async fn submit(&self, transition: Arc<Transition>) -> Result<Written> {
        let changes = transition.change.is_some();
        match self.lane.submit(transition).await {
            Ok(Some(written)) => {
                self.recorded.send_replace(());
                Ok(written)
            }
            Ok(None) => Err(taken_over(&self.run)),
            // See `sql::ops`: the table refused the NULL status of a stale change.
            Err(error) if changes && error.kind() == ErrorKind::FailedPrecondition => {
                Err(taken_over(&self.run))
            }
            // Two transactions were in each other's way. That says nothing about who owns the run.
            Err(error) if error.kind() == ErrorKind::Aborted => {
                Err(Error::unavailable("the database asks to try again").caused_by(error))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the success of a transactional task durable together with its statements: all of it or nothing. Returns
    /// the row that is recorded: if an earlier attempt was committed although nobody learned of it, that one's, and
    /// then these statements have had no effect.
    ///
    /// # Errors
    /// `ABORTED` without details when another worker owns the run; anything else is the statements' own.
    pub(super) async fn write_with(
        &self,
        row: StageRow,
        statements: Vec<Statement>,
    ) -> Result<StageRow> {
        let (run, fence) = (self.run.clone(), self.fence);
        let mut transition = self.transition();
        transition.rows.push(row.clone());
        let call = Journal::call(&[Arc::new(transition)])?;
        let written = self
            .store
            .write(move |transaction| {
                Box::pin(async move {
                    let owned = transaction
                        .fetch_optional(lock_owned(), vec![Arg::uuid(&run), fence.into()])
                        .await?;
                    if owned.is_none() {
                        return Err(taken_over(&run));
                    }
                    if statements.iter().any(Statement::may_change_entries) {
                        registry::take_turn(transaction).await?;
                    }
                    for statement in statements {
                        // Details mark an error as the statement's own, whatever its kind.
                        let marked = |error: Error| error.with_details(Value::Null);
                        statement.execute(transaction).await.map_err(marked)?;
                    }
                    transaction.run(&call).await.map(drop)
                })
            })
            .await;
        match written {
            Ok(()) => {
                self.recorded.send_replace(());
                Ok(row)
            }
            // The answer to a commit may be lost, of this attempt or of the one before it.
            Err(error)
                if error.details().is_none()
                    && matches!(
                        error.kind(),
                        ErrorKind::Unavailable | ErrorKind::AlreadyExists
                    ) =>
            {
                let recorded = self
                    .patiently(|| queries::success(&self.store, &self.run, &row))
                    .await?;
                recorded.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Repeats a call while the database does not answer.
    async fn patiently<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        let (began, mut wait) = (Instant::now(), Duration::from_millis(50));
        loop {
            match call().await {
                Err(error)
                    if error.kind() == ErrorKind::Unavailable && began.elapsed() < PATIENCE =>
                {
                    tracing::warn!(run = %self.run, "the database does not answer: {error}");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(2));
                }
                outcome => return outcome,
            }
        }
    }
}

fn lock_owned() -> Sql {
    let text = "SELECT id FROM pipeline_runs WHERE id = $1 AND fence = $2";
    Sql::of(text, format!("{text} FOR SHARE"))
}

fn taken_over(run: &Id) -> Error {
    Error::aborted(format!("run {run} was taken over by another worker"))
}
