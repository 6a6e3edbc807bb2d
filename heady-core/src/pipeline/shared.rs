//! What all runs of one engine share: those that it executes now, kept alive, taken up and let go.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::documents::Documents;
use super::event::Events;
use super::execution::{Execution, UnderWay};
use super::handler::Handlers;
use super::journal::{Journal, RunChange, RunJournal};
use super::recent::Recent;
use super::resume::{self, Reason};
use super::tasks::Tools;
use super::worker::Worker;
use super::{RunStatus, queries};
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::Breakers;
use crate::store::{Lane, Store};
use crate::types::Id;

/// How often a worker looks for runs that have lost theirs, and for requests to cancel its own.
pub(super) const LOOK: Duration = Duration::from_secs(1);

/// What all runs of one engine share.
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) tools: Tools,
    pub(super) handlers: Handlers,
    pub(super) breakers: Breakers,
    pub(super) documents: Documents,
    pub(super) recent: Recent,
    pub(super) lane: Lane<Journal>,
    pub(super) worker: Worker,
    pub(super) active: Mutex<HashMap<Id, Active>>,
    /// Whether [`Shared::keep_alive`] goes round.
    pub(super) kept_alive: AtomicBool,
    /// Fires when the engine closes.
    pub(super) closing: CancellationToken,
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
pub(super) struct Active {
    pub(super) cancel: CancellationToken,
    pub(super) events: Events,
    pub(super) under_way: UnderWay,
    /// Changes when something of the run has become durable.
    pub(super) recorded: watch::Sender<()>,
    /// Changes, or is dropped, when this process no longer executes the run.
    pub(super) done: watch::Receiver<()>,
}

impl Shared {
    pub(super) fn active(&self) -> MutexGuard<'_, HashMap<Id, Active>> {
        self.active.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn journal(&self, run: &Id, fence: i64) -> RunJournal {
        RunJournal {
            store: self.store.clone(),
            lane: self.lane.clone(),
            run: run.clone(),
            fence,
            recorded: watch::Sender::new(()),
        }
    }

    /// The tools of one run: its requests may also go to the services of the registry.
    pub(super) async fn tools_for_run(&self) -> Result<Tools> {
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
    pub(super) async fn see_through<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let done = self.store.runtime().spawn(work).await;
        done.unwrap_or_else(|error| {
            Err(Error::internal("the call ended in a panic").caused_by(error))
        })
    }

    /// Executes a run in the background.
    pub(super) fn spawn(self: &Arc<Self>, mut execution: Execution) -> Id {
        let id = execution.facts.id.clone();
        let (done, receiver) = watch::channel(());
        execution.hand_back = self.closing.clone();
        let active = Active {
            cancel: execution.cancel.clone(),
            events: execution.events.clone(),
            under_way: execution.under_way.clone(),
            recorded: execution.journal.recorded.clone(),
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
    pub(super) async fn rest(&self, time: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.closing.cancelled() => true,
        }
    }

    /// Takes up runs whose worker is gone.
    pub(super) async fn adopt(self: &Arc<Self>) -> Result<()> {
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
