//! Durable pipelines: blueprint 1.1 and 1.2.
//!
//! A run is executed stage by stage, and everything that happens in it is recorded before anything follows from it: a
//! process that dies loses nothing that was recorded and repeats nothing that was done. The invariant is that of the
//! journal: one worker at a time owns a run, and only it writes.

mod attempt;
mod begin;
mod critique;
mod definition;
mod event;
mod execution;
mod forecast;
mod handler;
mod journal;
mod model;
mod preflight;
mod queries;
mod recent;
mod record;
mod recovery;
mod result;
mod resume;
mod retry;
mod schedule;
mod stages;
mod state;
mod statement;
mod stop;
mod tasks;
#[cfg(test)]
mod tests;
mod worker;

pub use event::{RunEvent, RunEvents};
pub use handler::{Handler, HandlerFuture, TaskContext};
pub use model::{
    Compensation, Critique, DefinePipeline, Failure, Finding, Forecast, PipelineRun,
    PipelineVersion, RunMetrics, RunPage, RunQuery, RunStatus, RunSummary, StageRun, StageStatus,
    StartRun, TaskForecast, TaskRun,
};

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::begin::Begun;
use self::event::Events;
use self::execution::{Execution, UnderWay};
use self::handler::Handlers;
use self::journal::{Journal, RunChange, RunJournal};
use self::recent::Recent;
use self::result::{StoredResult, Whole};
use self::resume::{Loaded, Reason};
pub(crate) use self::tasks::Tools;
use self::worker::Worker;
use crate::audit::{self, Record};
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::Breakers;
use crate::store::{Lane, Store};
use crate::types::Id;

/// How often a worker looks for runs that have lost theirs, and for requests to cancel its own.
const LOOK: Duration = Duration::from_secs(1);

/// How long a closing engine waits for its runs to be handed back.
const CLOSING: Duration = Duration::from_secs(10);

/// Pipelines and their runs.
#[derive(Debug, Clone)]
pub struct Pipeline {
    shared: Arc<Shared>,
    actor: Arc<str>,
}

/// What all runs of one engine share.
struct Shared {
    store: Store,
    tools: Tools,
    handlers: Handlers,
    breakers: Breakers,
    recent: Recent,
    lane: Lane<Journal>,
    worker: Worker,
    active: Mutex<HashMap<Id, Active>>,
    /// Whether [`Shared::keep_alive`] goes round.
    kept_alive: AtomicBool,
    /// Fires when the engine closes.
    closing: CancellationToken,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}

/// A run that this process executes.
#[derive(Debug)]
struct Active {
    cancel: CancellationToken,
    events: Events,
    under_way: UnderWay,
    /// Changes, or is dropped, when this process no longer executes the run.
    done: watch::Receiver<()>,
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
        begin::define(&self.shared, &self.actor, options).await
    }

    /// Begins a run and returns it as it then stands; it goes on in the background.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown workflow or a missing file, `FAILED_PRECONDITION` for a workflow without a
    /// definition, `INVALID_ARGUMENT` for anything malformed. Missing handlers and rights are no error of this call:
    /// the run fails, and says so.
    pub async fn start(&self, options: StartRun) -> Result<PipelineRun> {
        let id = self.begin(options).await?;
        self.get(id.as_str()).await
    }

    /// Begins a run and returns it when it has ended, or waits for a person.
    ///
    /// # Errors
    /// As [`Pipeline::start`]. A run that fails is no error of this call: see its status.
    pub async fn run(&self, options: StartRun) -> Result<PipelineRun> {
        let id = self.begin(options).await?;
        self.wait(id.as_str()).await
    }

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
        let record = Record::new(&self.actor, "RUN_CANCEL", format!("run:{id}"), "SUCCEEDED");
        let wanted = id.clone();
        let status = self
            .shared
            .store
            .write(move |transaction| {
                Box::pin(async move {
                    let row = queries::request_cancel(transaction, &wanted).await?;
                    let row = row.ok_or_else(|| Error::not_found("run", &wanted))?;
                    if row.status.is_terminal() {
                        let message = format!(
                            "run {wanted} has ended with {}; there is nothing to cancel",
                            row.status
                        );
                        return Err(Error::failed_precondition(message));
                    }
                    audit::append(transaction, &[record]).await?;
                    Ok(row.status)
                })
            })
            .await?;
        if status == RunStatus::Paused {
            let Self { shared, actor } = self.clone();
            let take_up = async move {
                if let Some(execution) =
                    resume::take_up(&shared, &actor, &id, Reason::ToCancel).await?
                {
                    execution.cancel.cancel();
                    shared.spawn(*execution);
                }
                Ok(())
            };
            self.shared.see_through(take_up).await?;
            return self.wait(run_id).await;
        }
        if let Some(active) = self.shared.active().get(&id) {
            active.cancel.cancel();
        }
        self.get(run_id).await
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

impl Shared {
    fn active(&self) -> MutexGuard<'_, HashMap<Id, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self, run: &Id, fence: i64) -> RunJournal {
        RunJournal {
            store: self.store.clone(),
            lane: self.lane.clone(),
            run: run.clone(),
            fence,
        }
    }

    /// The tools of one run: its requests may also go to the services of the registry.
    async fn tools_for_run(&self) -> Result<Tools> {
        let services = self.tools.registry.base_urls().await?;
        let rules = self
            .tools
            .http
            .rules()
            .with_services(services.iter().map(String::as_str));
        Ok(Tools {
            http: self.tools.http.with_rules(rules),
            ..self.tools.clone()
        })
    }

    /// Does what must not end with its caller: a run that is this worker's and that nobody executes would wait until the
    /// worker is taken for dead.
    async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let done = self.store.runtime().spawn(work).await;
        done.unwrap_or_else(|error| {
            Err(Error::internal("the call ended in a panic").caused_by(error))
        })
    }

    /// Executes a run in the background.
    fn spawn(self: &Arc<Self>, mut execution: Execution) -> Id {
        let id = execution.facts.id.clone();
        let (done, receiver) = watch::channel(());
        execution.hand_back = self.closing.clone();
        let active = Active {
            cancel: execution.cancel.clone(),
            events: execution.events.clone(),
            under_way: execution.under_way.clone(),
            done: receiver,
        };
        self.active().insert(id.clone(), active);
        if !self.kept_alive.swap(true, Ordering::AcqRel) {
            self.clone().keep_alive();
        }
        let (shared, journal, run) = (self.clone(), execution.journal.clone(), id.clone());
        self.store.runtime().spawn(async move {
            let executing = tokio::spawn(execution.execute());
            let outcome = executing.await.unwrap_or_else(|error| {
                Err(Error::internal("the execution ended in a panic").caused_by(error))
            });
            if let Err(error) = outcome {
                shared.let_go(&journal, error).await;
            }
            shared.active().remove(&run);
            drop(done);
        });
        id
    }

    /// Gives up ownership of a run that this process no longer executes but that has not ended.
    async fn let_go(&self, journal: &RunJournal, error: Error) {
        if error.kind() == ErrorKind::Aborted {
            tracing::info!(run = %journal.run, "{error}");
            return;
        }
        if error.kind() != ErrorKind::Cancelled {
            tracing::error!(run = %journal.run, "the run is left as it stands: {error}");
        }
        let status = queries::run_by_id(&self.store, &journal.run)
            .await
            .map(|row| row.status);
        if let Ok(status @ (RunStatus::Running | RunStatus::Compensating)) = status {
            let mut transition = journal.transition();
            transition.change = Some(RunChange {
                status,
                finished_at: None,
                result: None,
                release: true,
            });
            if let Err(error) = journal.write_once(transition).await {
                tracing::warn!(run = %journal.run, "it could not be handed back: {error}");
            }
        }
    }

    /// From the first run on: shows that this worker lives while it has runs, and heeds requests to cancel them.
    fn keep_alive(self: Arc<Self>) {
        self.store.runtime().clone().spawn(async move {
            while !self.rest(LOOK).await {
                if self.active().is_empty() {
                    continue;
                }
                if let Err(error) = self.look_after_runs().await {
                    tracing::warn!("looking after the runs failed: {error}");
                }
            }
        });
    }

    async fn look_after_runs(&self) -> Result<()> {
        self.worker.show_life().await?;
        for id in queries::cancel_requests(&self.store, self.worker.id()).await? {
            if let Some(active) = self.active().get(&id) {
                active.cancel.cancel();
            }
        }
        Ok(())
    }

    /// Waits, and says whether the engine closes.
    async fn rest(&self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.closing.cancelled() => true,
        }
    }

    /// Takes up runs whose worker is gone.
    async fn adopt(self: &Arc<Self>) -> Result<()> {
        for row in queries::open_runs(&self.store).await? {
            if self.active().contains_key(&row.id) {
                continue;
            }
            match resume::take_up(self, &row.actor, &row.id, Reason::Orphaned).await {
                Ok(Some(execution)) => drop(self.spawn(*execution)),
                Ok(None) => {}
                // Its worker lives, or another worker has the handlers that this one lacks.
                Err(error) => tracing::debug!(run = %row.id, "not taken up: {error}"),
            }
        }
        Ok(())
    }
}
