//! This process as one of those that execute runs: its identity, and how others learn that it is gone.
//!
//! A worker holds a lock that dies with it, so that a peer sees a `kill -9` at once. Its lease tells the same, later,
//! where the lock cannot: a machine that vanished without closing its connection. Neither is trusted with correctness:
//! every write carries the fence of the claim (see [`super::journal`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::queries;
use crate::error::{Error, Result};
use crate::store::{Hold, Store};
use crate::types::Id;

/// How often a lease is renewed while runs are executed; a third of its length.
const RENEW: Duration = Duration::from_secs(queries::LEASE_SECONDS / 3);

/// This process among the workers.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: Id,
    store: Store,
    registered: Mutex<Option<Registered>>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct Registered {
    hold: Hold,
    renewed: Instant,
}

impl Worker {
    /// A worker that the database does not know yet.
    pub(super) fn new(store: Store) -> Self {
        let inner = Inner {
            id: Id::new(),
            store,
            registered: Mutex::new(None),
            closed: AtomicBool::new(false),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(super) fn id(&self) -> &Id {
        &self.inner.id
    }

    /// Makes sure that peers take this worker for alive: before it takes a run, and now and then while it has one.
    pub(super) async fn show_life(&self) -> Result<()> {
        if self.inner.closed.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the engine is closed"));
        }
        let mut registered = self.inner.registered.lock().await;
        if let Some(registered) = &mut *registered
            && registered.renewed.elapsed() < RENEW
        {
            return Ok(());
        }
        let holds = match &mut *registered {
            Some(registered) => registered.hold.still_held().await,
            None => false,
        };
        if !holds {
            // A peer that looks whether we live holds the lock for a moment.
            let hold = self.inner.store.hold(&lock_name(&self.inner.id)).await?;
            let hold = hold
                .ok_or_else(|| Error::unavailable("this worker's lock is not free; try again"))?;
            *registered = Some(Registered {
                hold,
                renewed: Instant::now(),
            });
        }
        queries::renew_lease(&self.inner.store, &self.inner.id).await?;
        if let Some(registered) = &mut *registered {
            registered.renewed = Instant::now();
        }
        Ok(())
    }

    /// Whether the worker that owns a run is gone.
    pub(super) async fn is_gone(&self, owner: &Id) -> Result<bool> {
        if *owner == self.inner.id {
            return Ok(false);
        }
        let store = &self.inner.store;
        Ok(!store.is_held(&lock_name(owner)).await? || !queries::has_lease(store, owner).await?)
    }

    /// Dies without a word, as by `kill -9`. Returns when its lock is free: PostgreSQL notices a moment later that nobody is
    /// there any more.
    #[cfg(test)]
    pub(super) async fn die(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        self.inner.registered.lock().await.take();
        let freed = async {
            let name = lock_name(&self.inner.id);
            while self.inner.store.is_held(&name).await.expect("looks") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), freed).await;
        in_time.expect("a lock dies with its holder");
    }

    /// Leaves the workers.
    pub(super) async fn leave(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        if self.inner.registered.lock().await.take().is_some()
            && let Err(error) = queries::delete_worker(&self.inner.store, &self.inner.id).await
        {
            tracing::warn!("the worker's row stays behind: {error}");
        }
    }
}

fn lock_name(id: &Id) -> String {
    format!("worker-{id}")
}
