//! Following a run: what is recorded of it, in order and once, whichever process executes it.
//!
//! A follower reads the rows of the run. It is woken when this process has written one, and looks by itself, less and
//! less often, for those of other processes. It knows its position, so nothing depends on when it looks.

mod model;
mod position;
mod queries;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use model::{FollowRun, RunStep, StepKind};

use self::position::Position;
use self::queries::Look;
use super::definition::Definition;
use super::journal::{Kind, StageRow};
use super::result::failure;
use super::retry::RetryPolicy;
use super::{RunStatus, Shared, StageStatus};
use crate::error::Result;
use crate::types::Id;
use crate::watch::Watch;

/// How long after one look the next one is, at least and at most. What is recorded in between is found by one.
const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(1);

/// The steps of one run; dropping it ends it.
#[derive(Debug)]
pub struct RunFollow {
    shared: Arc<Shared>,
    run: Id,
    definition: Definition,
    stages: Option<HashSet<String>>,
    /// Everything up to here was read.
    position: Position,
    /// What was read and not given out.
    ahead: VecDeque<RunStep>,
    /// Whether more is there to be read at once.
    behind: bool,
    /// Whether the run has ended with what was read.
    ended: bool,
    pause: Duration,
}

impl RunFollow {
    pub(super) async fn open(shared: &Arc<Shared>, options: FollowRun) -> Result<Self> {
        let run = Id::from(options.id);
        let row = super::queries::run_by_id(&shared.store, &run).await?;
        let document = shared.documents.get(&shared.store, &row.definition).await?;
        let position = match options.after {
            None => Position::start(),
            Some(after) => {
                let position = Position::read(&after)?;
                if position.seq > queries::newest_seq(&shared.store, &run).await? {
                    return Err(position::unknown(&after));
                }
                position
            }
        };
        let mut follow = Self {
            shared: shared.clone(),
            definition: Definition::for_run(&document, &row.input, &row.hosted)?,
            run,
            stages: options.stages.map(HashSet::from_iter),
            position,
            ahead: VecDeque::new(),
            behind: true,
            ended: false,
            pause: SOON,
        };
        follow.look().await?;
        Ok(follow)
    }

    /// Whether the run has ended and every step of it was given out.
    pub fn has_ended(&self) -> bool {
        self.ended && self.ahead.is_empty()
    }

    /// Returns the next step, or `None` when the run has ended or the engine is closed. A run that waits for a person has
    /// not ended. A caller may stop waiting and ask again.
    ///
    /// # Errors
    /// `UNAVAILABLE` if the database is: ask again.
    pub async fn next(&mut self) -> Result<Option<RunStep>> {
        loop {
            if let Some(step) = self.ahead.pop_front() {
                return Ok(Some(step));
            }
            if self.ended {
                return Ok(None);
            }
            // Before the look, so that what is recorded after it is news.
            let news = self.shared.news(&self.run);
            let found = match self.look().await {
                // The database may be closed before this follow has heard of it.
                Err(_) if self.shared.closing.is_cancelled() => return Ok(None),
                found => found?,
            };
            if found {
                self.pause = SOON;
            }
            if self.behind || self.ended || !self.ahead.is_empty() {
                continue;
            }
            tokio::select! {
                () = self.shared.closing.cancelled() => return Ok(None),
                () = heard(news) => tokio::time::sleep(SOON).await,
                () = tokio::time::sleep(self.pause) => self.pause = (self.pause * 2).min(LATE),
            }
        }
    }

    /// Reads on, and says whether there was anything.
    async fn look(&mut self) -> Result<bool> {
        let Position { seq, missing, .. } = &self.position;
        let look = queries::look(&self.shared.store, &self.run, *seq, missing).await?;
        for row in &look.rows {
            // It had ended or paused, and was resumed since.
            if is_settled(self.position.told) && row.seq > self.position.seq {
                self.tell(&look, RunStatus::Running);
            }
            if self.position.pass(row.seq) {
                self.take(row);
            }
        }
        (self.behind, self.ended) = (look.more, false);
        if !look.more {
            if is_settled(look.status) {
                self.position.missing.clear();
            }
            if look.status != self.position.told {
                self.tell(&look, look.status);
            }
            self.ended = look.status.is_terminal();
        }
        Ok(!look.rows.is_empty())
    }

    fn tell(&mut self, look: &Look, status: RunStatus) {
        self.position.told = status;
        let now = status == look.status;
        self.ahead.push_back(RunStep {
            position: self.position.to_string(),
            kind: StepKind::Run,
            run_status: Some(status),
            status: None,
            stage_num: None,
            stage_id: None,
            task: None,
            attempt: None,
            iteration: look.iteration,
            started_at: Some(look.started_at),
            finished_at: look.finished_at.filter(|_| now),
            duration_ms: None,
            simulated: look.simulated,
            error: look.error.clone().filter(|_| now),
        });
    }

    fn take(&mut self, row: &StageRow) {
        if row.kind == Kind::Stage {
            // A stage's own row is written when all of its tasks are, and before any of a later stage.
            self.position.settle(row.seq);
        }
        if let Some(stages) = &self.stages
            && !stages.contains(&row.stage_id)
        {
            return;
        }
        let about_task = row.kind != Kind::Stage;
        let began = row.attempt > 0 || !about_task && row.status != StageStatus::Skipped;
        self.ahead.push_back(RunStep {
            position: self.position.to_string(),
            kind: match row.kind {
                Kind::Stage => StepKind::Stage,
                Kind::Task => StepKind::Task,
                Kind::Compensation => StepKind::Compensation,
            },
            run_status: None,
            status: Some(row.status),
            stage_num: Some(row.stage as i64),
            stage_id: Some(row.stage_id.clone()),
            task: about_task.then(|| row.item.clone()),
            attempt: about_task.then_some(row.attempt),
            iteration: row.iteration,
            started_at: began.then_some(row.started_at),
            finished_at: row.finished_at.filter(|_| began),
            duration_ms: row.duration_ms,
            simulated: row.simulated,
            error: row
                .error
                .as_ref()
                .map(|(kind, message)| failure(self.retry(row), *kind, message)),
        });
    }

    /// By which rules the task of a row is repeated.
    fn retry(&self, row: &StageRow) -> &RetryPolicy {
        let stage = self.definition.stages.get(row.stage);
        let tasks = stage.into_iter().flat_map(|stage| &stage.tasks);
        let task = tasks.into_iter().find(|task| task.name == row.item);
        task.map_or(&self.definition.retry, |task| &task.retry)
    }
}

impl Watch for RunFollow {
    type Event = RunStep;

    async fn next(&mut self) -> Result<Option<RunStep>> {
        Self::next(self).await
    }
}

impl Shared {
    /// What changes when something of a run becomes durable that this process executes.
    fn news(&self, run: &Id) -> Option<watch::Receiver<()>> {
        let active = self.active();
        active.get(run).map(|active| active.recorded.subscribe())
    }
}

/// Whether everything that was recorded under this status is durable.
fn is_settled(status: RunStatus) -> bool {
    status.is_terminal() || status == RunStatus::Paused
}

/// Waits for news; for ever if another process has them.
async fn heard(news: Option<watch::Receiver<()>>) {
    match news {
        // An error says that the run has left this process, which is news too.
        Some(mut news) => drop(news.changed().await),
        None => std::future::pending().await,
    }
}
