//! Connections to the server.
//!
//! They are those of sqlx's pool, which asks the server after each use whether the connection is still well, a trip that costs
//! about as much as a small call, and hands them out in turn, so that a lone caller goes through all of them and finds none
//! warm. So one that is known to be well does not go back there at once: it rests here, and the last to come is the first to
//! go. What has been away from the pool for [`AWAY`] returns to it, to be looked at, to be closed when nobody needs it, or to
//! be replaced when it is old.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Postgres, Row as _};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// How many there are at most.
pub(in crate::store) const CONNECTIONS: u32 = 2 * crate::store::batch::COMMITTERS as u32;

/// How long a connection stays away from the pool.
const AWAY: Duration = Duration::from_secs(30);

/// How long anybody waits for a connection.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a statement waits for a lock, as on SQLite, unless whoever runs the server has said how long: one that is left
/// open somewhere else must not hold up the engine for ever.
const LOCK_TIME: &str =
    "SELECT set_config('lock_timeout', '5s', false) WHERE current_setting('lock_timeout') = '0'";

/// The connections of one engine; clones share them.
#[derive(Clone)]
pub(super) struct Connections {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    runtime: Handle,
    /// One for each connection that is in use, or looked at after that: so nobody waits for the pool because others do not
    /// give theirs back.
    permits: Arc<Semaphore>,
    resting: Mutex<Resting>,
}

#[derive(Default)]
struct Resting {
    connections: Vec<Away>,
    /// Whether somebody will send back those that nobody comes for.
    swept: bool,
    closed: bool,
}

/// A connection, and since when it is away from the pool.
struct Away {
    /// Present until it goes.
    connection: Option<PoolConnection<Postgres>>,
    since: Instant,
    runtime: Handle,
}

impl Away {
    fn is_due(&self) -> bool {
        self.since.elapsed() > AWAY
    }

    /// Closes it, since nobody knows how it is.
    fn discard(mut self) {
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

impl Drop for Away {
    /// Sends it back to the pool, which looks at it in a task of its own.
    fn drop(&mut self) {
        let _runtime = self.runtime.enter();
        drop(self.connection.take());
    }
}

impl Connections {
    pub(super) fn new(options: PgConnectOptions, runtime: &Handle) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(LOCK_TIME).await.map(drop) })
            })
            .connect_lazy_with(options);
        Self {
            shared: Arc::new(Shared {
                pool,
                runtime: runtime.clone(),
                permits: Arc::new(Semaphore::new(CONNECTIONS as usize)),
                resting: Mutex::default(),
            }),
        }
    }

    /// Takes a connection, once one is free. What is seldom waited for is in a box, or every future that comes here would
    /// have room for it.
    pub(super) async fn take(&self) -> Result<Connection> {
        let permit = self.permit().await?;
        let resting = self.shared.resting().connections.pop();
        let away = match resting {
            Some(away) if !away.is_due() => away,
            due => {
                drop(due);
                Away {
                    connection: Some(Box::pin(self.shared.pool.acquire()).await?),
                    since: Instant::now(),
                    runtime: self.shared.runtime.clone(),
                }
            }
        };
        Ok(Connection {
            held: Some(Held {
                away,
                _permit: permit,
            }),
            shared: self.shared.clone(),
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permits = &self.shared.permits;
        if let Ok(permit) = permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let permit = tokio::time::timeout(PATIENCE, permits.clone().acquire_owned());
        let permit = Box::pin(permit).await;
        let permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?;
        permit.map_err(|error| Error::internal("the connections are gone").caused_by(error))
    }

    /// Closes those that rest, since they are cut off as another one was. The pool looks at its own before it gives them.
    pub(super) fn renew(&self) {
        let resting = std::mem::take(&mut self.shared.resting().connections);
        resting.into_iter().for_each(Away::discard);
    }

    /// Waits for those in use and closes them all.
    pub(super) async fn close(&self) {
        let resting = {
            let mut resting = self.shared.resting();
            resting.closed = true;
            std::mem::take(&mut resting.connections)
        };
        drop(resting);
        self.shared.pool.close().await;
    }
}

impl Shared {
    fn resting(&self) -> MutexGuard<'_, Resting> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rest(self: &Arc<Self>, away: Away) {
        let mut resting = self.resting();
        if resting.closed || away.is_due() {
            // Sent back once the lock is free.
            drop(resting);
            return;
        }
        resting.connections.push(away);
        if !resting.swept {
            resting.swept = true;
            self.runtime.spawn(sweep(Arc::downgrade(self)));
        }
    }
}

/// Sends back those that nobody comes for, as long as there are any.
async fn sweep(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(AWAY).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        let mut resting = shared.resting();
        resting.swept = !resting.connections.is_empty();
        let goes_on = resting.swept;
        let due = resting.connections.extract_if(.., |away| away.is_due());
        let due: Vec<_> = due.collect();
        drop(resting);
        drop(due);
        if !goes_on {
            return;
        }
    }
}

/// A connection in use. Dropped with something under way it is looked at before anybody gets it.
pub(super) struct Connection {
    /// Present until it goes.
    held: Option<Held>,
    shared: Arc<Shared>,
}

/// The permit goes last, so that whoever gets it finds the connection.
struct Held {
    away: Away,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn get(&mut self) -> Result<&mut PgConnection> {
        let held = self.held.as_mut().and_then(Held::connection);
        held.ok_or_else(|| Error::internal("a connection was used that is gone"))
    }

    /// Gives it back: nothing is under way on it, and it is in no transaction.
    pub(super) fn rest(mut self) {
        if let Some(Held { away, _permit }) = self.held.take() {
            self.shared.rest(away);
        }
    }

    /// Closes it, since nobody knows how it is.
    pub(super) fn discard(mut self) {
        if let Some(held) = self.held.take() {
            held.away.discard();
        }
    }

    /// Whether it is well once these statements are over.
    pub(super) async fn is_well_after(&mut self, statements: &str) -> bool {
        match &mut self.held {
            Some(held) => held.is_well_after(statements).await,
            None => false,
        }
    }
}

impl Held {
    fn connection(&mut self) -> Option<&mut PgConnection> {
        self.away.connection.as_deref_mut()
    }

    /// Whether the server answers, has done what was under way, and takes what is written. It does not where it has become
    /// a standby, and goes on to say so on every connection from before.
    async fn is_well_after(&mut self, statements: &str) -> bool {
        let Some(connection) = self.connection() else {
            return false;
        };
        let text = AssertSqlSafe([statements, ";SHOW transaction_read_only"].concat());
        let shown = sqlx::raw_sql(text).fetch_one(connection).await;
        shown.is_ok_and(|row| row.try_get(0).is_ok_and(|word: &str| word == "off"))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(mut held) = self.held.take() {
            let shared = self.shared.clone();
            self.shared.runtime.spawn(async move {
                if held.is_well_after("").await {
                    shared.rest(held.away);
                } else {
                    held.away.discard();
                }
            });
        }
    }
}
