//! Health of services: probed in a rhythm, asked for once, or reported by themselves.
//!
//! The invariant: a service's status is only what somebody saw, it is written when it changes and not otherwise, and one
//! prober at a time looks at a service, however many processes share the database.
//!
//! A prober is two loops. The first ([`schedule`]) asks whoever is due and touches no database, so a slow one holds up
//! no probe. The second ([`lease`]) does everything that touches it: writes what was found, shows that this prober
//! lives, and takes and gives services so that all probers have about as many.
//!
//! An engine that is started and does not probe still writes which reports have run out ([`expiry`]).

mod ask;
mod expiry;
mod lease;
mod model;
mod once;
mod queries;
mod record;
mod report;
mod roster;
mod schedule;
mod settings;
mod streak;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use model::{LastProbe, Probe, ProbeOptions, ProbeReport, ReportHealth};
pub(super) use once::Asked;
pub(super) use queries::with_last;
pub(super) use report::report;
pub(super) use settings::{checked_interval, checked_threshold, checked_timeout};

use self::ask::{Answer, ask};
use self::roster::{Call, Roster};
use super::edit::Editors;
use super::watch::Feed;
use super::{Service, ServiceList};
use crate::error::Result;
use crate::outbound::HttpClient;
use crate::store::Store;
use crate::types::{Id, now};

/// How fast a prober's loops turn.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// How long a prober that shows no life is still taken for alive.
    lease: Duration,
    /// How often it looks at what it should probe.
    tick: Duration,
}

const PACE: Pace = Pace {
    lease: Duration::from_secs(10),
    tick: Duration::from_secs(1),
};

/// This process among those that probe; clones share it.
#[derive(Clone)]
pub(super) struct Prober {
    inner: Arc<Inner>,
}

struct Inner {
    id: Id,
    store: Store,
    feed: Feed,
    editors: Editors,
    /// What the registry's other requests use.
    shared_http: HttpClient,
    /// With a connection of its own for each probe; made when it is needed.
    http: OnceLock<HttpClient>,
    roster: Mutex<Roster>,
    /// Called when the roster has other services, or other times.
    rescheduled: Notify,
    /// Called when something is to be written sooner.
    found: Notify,
    /// Until when nobody takes this prober's services.
    lease: watch::Sender<Instant>,
    started: AtomicBool,
    expires: AtomicBool,
    closing: CancellationToken,
    loops: Mutex<Vec<JoinHandle<()>>>,
}

impl Prober {
    pub(super) fn new(store: Store, feed: Feed, editors: Editors, http: HttpClient) -> Self {
        let inner = Inner {
            id: Id::new(),
            store,
            feed,
            editors,
            shared_http: http,
            http: OnceLock::new(),
            roster: Mutex::default(),
            rescheduled: Notify::new(),
            found: Notify::new(),
            lease: watch::Sender::new(Instant::now()),
            started: AtomicBool::new(false),
            expires: AtomicBool::new(false),
            closing: CancellationToken::new(),
            loops: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Probes in a rhythm from now on, once, or only writes which reports have run out.
    pub(super) fn start(&self, probes: bool) {
        if probes {
            self.start_at(PACE);
        } else {
            self.start_expiring(PACE);
        }
    }

    fn start_at(&self, pace: Pace) {
        self.start_expiring(pace);
        if self.inner.started.swap(true, Ordering::Relaxed) {
            return;
        }
        let prober = self.clone();
        self.spawn(async move {
            // Without a client it takes no services, which others can ask.
            let http = match prober.http() {
                Ok(http) => http.clone(),
                Err(error) => return tracing::error!("nothing is probed here: {error}"),
            };
            tokio::join!(prober.schedule(http), prober.keep(pace));
        });
    }

    fn start_expiring(&self, pace: Pace) {
        if !self.inner.expires.swap(true, Ordering::Relaxed) {
            let prober = self.clone();
            self.spawn(async move { prober.keep_expiring(pace.tick).await });
        }
    }

    /// Runs a loop until the engine closes.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.inner.closing.clone();
        let running = self.inner.store.runtime().spawn(async move {
            closing.run_until_cancelled(work).await;
        });
        self.loops().push(running);
    }

    fn loops(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.inner
            .loops
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends every probe, writes what was found and hands the services back.
    pub(super) async fn close(&self) {
        if self.stop().await
            && let Err(error) = self.leave().await
        {
            tracing::warn!("the services of this prober are free once its lease runs out: {error}");
        }
    }

    /// Ends the loops, and says whether there were services to hand back.
    async fn stop(&self) -> bool {
        self.inner.closing.cancel();
        let loops = std::mem::take(&mut *self.loops());
        let ran = !loops.is_empty() && self.inner.started.load(Ordering::Relaxed);
        for running in loops {
            if let Err(error) = running.await {
                tracing::warn!("the prober ended in a panic: {error}");
            }
        }
        ran
    }

    /// A service with what this process found of it a moment ago.
    pub(super) fn freshened(&self, mut service: Service) -> Service {
        self.roster().freshen(&mut service, now());
        service
    }

    /// The same for all services.
    pub(super) fn all_freshened(&self, mut list: ServiceList) -> ServiceList {
        let (roster, at) = (self.roster(), now());
        list.services
            .iter_mut()
            .for_each(|service| roster.freshen(service, at));
        list
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.inner
            .roster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn http(&self) -> Result<&HttpClient> {
        if let Some(http) = self.inner.http.get() {
            return Ok(http);
        }
        let http = self.inner.shared_http.without_pool()?;
        Ok(self.inner.http.get_or_init(|| http))
    }

    fn id(&self) -> &Id {
        &self.inner.id
    }

    fn store(&self) -> &Store {
        &self.inner.store
    }

    fn feed(&self) -> &Feed {
        &self.inner.feed
    }

    fn editors(&self) -> &Editors {
        &self.inner.editors
    }
}

/// Who is asked: services over HTTP, and in tests whatever a test wants.
trait Ask: Send + Sync + 'static {
    fn ask(&self, call: &Call) -> impl Future<Output = Answer> + Send;
}

impl Ask for HttpClient {
    async fn ask(&self, call: &Call) -> Answer {
        let service = &call.service;
        ask(
            self,
            &service.base_url,
            &service.health_path,
            service.settings.timeout,
        )
        .await
    }
}
