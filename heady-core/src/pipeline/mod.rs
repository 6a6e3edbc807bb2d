//! Durable pipelines: blueprint 1.1 and 1.2.
//!
//! A run is executed stage by stage, and everything that happens in it is recorded before anything follows from it: a
//! process that dies loses nothing that was recorded and repeats nothing that was done. The invariant is that of the
//! journal: one worker at a time owns a run, and only it writes.

mod attempt;
mod begin;
mod critique;
mod definition;
mod documents;
mod event;
mod execution;
mod follow;
mod forecast;
mod handler;
mod journal;
mod model;
mod preflight;
mod queries;
mod recent;
mod record;
mod recovery;
mod register;
mod result;
mod resume;
mod retry;
mod schedule;
mod shared;
mod stages;
mod state;
mod statement;
mod stop;
mod tasks;
#[cfg(test)]
mod tests;
mod worker;

pub use event::{RunEvent, RunEvents};
pub use follow::{FollowRun, RunFollow, RunStep, StepKind};
pub use handler::{Handler, HandlerFuture, TaskContext};
pub use model::{
    Compensation, Critique, DefinePipeline, DefinitionQuery, Failure, Finding, Forecast,
    PipelineDefinition, PipelineRun, PipelineVersion, RunMetrics, RunPage, RunQuery, RunStatus,
    RunSummary, StageRun, StageStatus, StartRun, TaskForecast, TaskRun,
};

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use self::begin::Begun;
use self::documents::Documents;
use self::handler::Handlers;
use self::recent::Recent;
use self::result::{StoredResult, Whole};
use self::resume::{Loaded, Reason};
use self::shared::{LOOK, Shared};
pub(crate) use self::tasks::Tools;
use self::worker::Worker;
use crate::error::{Error, Result};
use crate::outbound::Breakers;
use crate::store::{Lane, Store};
use crate::types::Id;
use crate::watch::SharedWatch;

/// How long a closing engine waits for its runs to be handed back.
const CLOSING: Duration = Duration::from_secs(10);

/// Pipelines and their runs.
#[derive(Debug, Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
    actor: Arc<str>,
}

impl Pipeline {
    pub(crate) fn new(store: Store, tools: Tools, actor: Arc<str>) -> Self {
        let shared = Shared {
            lane: Lane::new(store.clone()),
            worker: Worker::new(store.clone()),
            store,
            tools,
            handlers: Handlers::default(),
            breakers: Breakers::default(),
            documents: Documents::default(),
            recent: Recent::default(),
            active: Mutex::default(),
            kept_alive: AtomicBool::new(false),
            closing: CancellationToken::new(),
        };
        Self {
            shared: Arc::new(shared),
            actor,
        }
    }

    /// The same pipelines for another caller.
    pub(crate) fn acting_as(&self, actor: Arc<str>) -> Self {
        Self {
            shared: self.shared.clone(),
            actor,
        }
    }

    /// Registers a handler under a name, in place of an earlier one. Handlers belong to this process: whoever resumes
    /// a run elsewhere registers them there.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty name or one of the engine's own, which have a dot.
    pub fn handle(&self, name: &str, handler: impl Handler) -> Result<()> {
        self.shared.handlers.register(name, Arc::new(handler))
    }

    /// Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the place, or `NOT_FOUND` for a missing file.
    pub async fn define(&self, options: DefinePipeline) -> Result<PipelineVersion> {
        register::define(&self.shared, &self.actor, options).await
    }

    /// Returns the definition that a workflow runs: the newest version, or the one that is asked for.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown workflow, one without a definition, or an unknown version.
    pub async fn definition(&self, query: DefinitionQuery) -> Result<PipelineDefinition> {
        register::definition(&self.shared, query).await
    }

    /// Begins a run and returns it as it then stands; it goes on in the background.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown workflow or a missing file, `FAILED_PRECONDITION` for a workflow without a
    /// definition, `INVALID_ARGUMENT` for anything malformed. Missing handlers and rights are no error of this call:
    /// the run fails, and says so.
    pub async fn start(&self, options: StartRun) -> Result<PipelineRun> {
        let id = self.begin(options).await?;
        let begun = self.get(id.as_str()).await;
        begun.map_err(|error| went_on(&id, error))
    }

    /// Begins a run and returns it when it has ended, or waits for a person.
    ///
    /// # Errors
    /// As [`Pipeline::start`]. A run that fails is no error of this call: see its status.
    pub async fn run(&self, options: StartRun) -> Result<PipelineRun> {
        let id = self.begin(options).await?;
        let ended = self.wait(id.as_str()).await;
        ended.map_err(|error| went_on(&id, error))
    }

    /// Begins a run. From then on it is there, whatever goes wrong for the caller.
    async fn begin(&self, options: StartRun) -> Result<Id> {
        let Self { shared, actor } = self.clone();
        let begin = async move {
            Ok(match begin::begin(&shared, &actor, options).await? {
                Begun::New(execution) => shared.spawn(*execution),
                Begun::Ended(id) | Begun::Known(id) => id,
            })
        };
        self.shared.see_through(begin).await
    }

    /// Returns a run as it stands.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get(&self, run_id: &str) -> Result<PipelineRun> {
        let loaded = Loaded::of(&self.shared, &Id::from(run_id)).await?;
        self.assemble(&loaded)
    }

    fn assemble(&self, loaded: &Loaded) -> Result<PipelineRun> {
        let under_way = self
            .shared
            .active()
            .get(&loaded.row.id)
            .map(|active| active.under_way.clone());
        let whole = Whole {
            facts: loaded.facts()?,
            status: loaded.row.status,
            finished_at: loaded.row.finished_at,
            result: StoredResult::read(loaded.row.result.clone())?,
            state: loaded.state(loaded.row.iteration),
            definition: &loaded.definition,
            under_way: &|stage, task| {
                under_way.as_ref().is_some_and(|set| {
                    set.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .contains(&(stage, task))
                })
            },
        };
        Ok(whole.assemble())
    }

    /// Returns a run when it has ended or waits for a person, wherever it is executed.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `CANCELLED` if this engine is closed meanwhile.
    pub async fn wait(&self, run_id: &str) -> Result<PipelineRun> {
        let id = Id::from(run_id);
        loop {
            let done = self
                .shared
                .active()
                .get(&id)
                .map(|active| active.done.clone());
            let here = done.is_some();
            if let Some(mut done) = done {
                let _ = done.changed().await;
            }
            if self.shared.closing.is_cancelled() {
                return Err(execution::handed_back());
            }
            let row = queries::run_by_id(&self.shared.store, &id).await?;
            if row.status.is_terminal() || row.status == RunStatus::Paused {
                return self.assemble(&Loaded::from_row(&self.shared, row).await?);
            }
            if !here {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Lists runs, newest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000 or a cursor of another list.
    pub async fn list(&self, query: RunQuery) -> Result<RunPage> {
        queries::list(&self.shared.store, query).await
    }

    /// Cancels a run: what is under way is interrupted, what was done is undone. A run that waits for a person is taken
    /// up here and has ended when this returns; one that nobody executes is cancelled when somebody resumes it.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `FAILED_PRECONDITION` if it has ended. For a run that waits for a person also what is missing
    /// here to undo it; it is then cancelled where that is not so.
    pub async fn cancel(&self, run_id: &str) -> Result<PipelineRun> {
        let id = Id::from(run_id);
        let Self { shared, actor } = self.clone();
        let cancel = async move { resume::cancel(&shared, &actor, &id).await };
        match self.shared.see_through(cancel).await? {
            RunStatus::Paused => self.wait(run_id).await,
            _ => self.get(run_id).await,
        }
    }

    /// Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
    /// undone ones are. Returns it as it then stands; it goes on in the background.
    ///
    /// # Errors
    /// `NOT_FOUND`; `FAILED_PRECONDITION` if it has succeeded or is being executed elsewhere; and what the preflight
    /// finds missing here, in which case the run stays as it was.
    pub async fn resume(&self, run_id: &str) -> Result<PipelineRun> {
        let id = Id::from(run_id);
        if !self.shared.active().contains_key(&id) {
            let Self { shared, actor } = self.clone();
            let take_up = async move {
                if let Some(execution) =
                    resume::take_up(&shared, &actor, &id, Reason::Asked).await?
                {
                    shared.spawn(*execution);
                }
                Ok(())
            };
            self.shared.see_through(take_up).await?;
        }
        self.get(run_id).await
    }

    /// Follows a run wherever it is executed: what is recorded of it, from the beginning or from where an earlier follow
    /// stood, in order and once, up to its end.
    ///
    /// ```
    /// # use heady_core::pipeline::{FollowRun, StartRun, StepKind};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let heady = heady_core::Heady::connect("sqlite::memory:").await?;
    /// let pipeline = heady.pipeline();
    /// let run = pipeline.start(StartRun { simulate: Some(true), ..Default::default() }).await?;
    /// let id = run.run_id.to_string();
    /// let mut follow = pipeline.follow(FollowRun { id, ..Default::default() }).await?;
    /// let mut last = None;
    /// while let Some(step) = follow.next().await? {
    ///     last = Some(step.kind);
    /// }
    /// assert_eq!(last, Some(StepKind::Run));
    /// # heady.close().await;
    /// # Ok::<_, heady_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `NOT_FOUND`, or `INVALID_ARGUMENT` for a position that no step of this run gave.
    pub async fn follow(&self, options: FollowRun) -> Result<RunFollow> {
        RunFollow::open(&self.shared, options).await
    }

    /// Follows as [`Pipeline::follow`] does, for a caller that cannot wait for the beginning: what that is refused for,
    /// the first call of [`SharedWatch::next`] says.
    pub fn begin_follow(&self, options: FollowRun) -> SharedWatch<RunFollow> {
        let shared = self.shared.clone();
        SharedWatch::opened_by(self.shared.store.runtime(), async move {
            RunFollow::open(&shared, options).await
        })
    }

    /// The events of a run that this engine executes, or `None` if it does not. The first who asks gets them from the
    /// beginning, others from then on.
    pub fn watch(&self, run_id: &str) -> Option<RunEvents> {
        self.shared
            .active()
            .get(&Id::from(run_id))
            .map(|active| active.events.watch())
    }

    /// Starts looking for runs whose worker is gone, and executes those whose handlers are all registered here.
    pub(crate) fn start_worker(&self) {
        let shared = self.shared.clone();
        shared.store.runtime().clone().spawn(async move {
            while !shared.rest(LOOK).await {
                if let Err(error) = shared.adopt().await {
                    tracing::warn!("looking for abandoned runs failed: {error}");
                }
            }
        });
    }

    /// Hands every run back, so that another or a later process can continue it at once.
    pub(crate) async fn close(&self) {
        self.shared.closing.cancel();
        let waiting: Vec<_> = self
            .shared
            .active()
            .values()
            .map(|active| active.done.clone())
            .collect();
        let all = async {
            for mut done in waiting {
                let _ = done.changed().await;
            }
        };
        if tokio::time::timeout(CLOSING, all).await.is_err() {
            tracing::warn!(
                "some runs did not stop in time; they can be resumed when this process has ended"
            );
        }
        self.shared.worker.leave().await;
    }
}

/// An error of looking at a run that has begun: its caller must not begin it again.
fn went_on(id: &Id, error: Error) -> Error {
    let context = format!("run '{id}' has begun, but could not be looked at");
    error.context(context).with_details(json!({"runId": id}))
}
