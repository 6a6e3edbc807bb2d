//! Connections to the server.
//!
//! They are those of sqlx's pool, which asks the server after each use whether the connection is still well, a trip that costs
//! about as much as a small call, and hands them out in turn, so that a lone caller goes through all of them and finds none
//! warm. So one that is known to be well does not go back there at once: it rests here, and the last to come is the first to
//! go. What has been away from the pool for [`AWAY`] returns to it, to be looked at, to be closed when nobody needs it, or to
//! be replaced when it is old.

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

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use super::*;

    fn connections() -> Connections {
        let url = std::env::var("HEADY_TEST_POSTGRES_URL").expect("a server");
        let options = PgConnectOptions::from_str(&url).unwrap();
        Connections::new(options, &Handle::current())
    }

    async fn all(connections: &Connections) -> Vec<Connection> {
        let mut taken = Vec::new();
        for _ in 0..CONNECTIONS {
            taken.push(connections.take().await.unwrap());
        }
        taken
    }

    async fn process(connection: &mut Connection) -> i32 {
        let asked = sqlx::query_scalar("SELECT pg_backend_pid()");
        asked.fetch_one(connection.get().unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_last_to_come_is_the_first_to_go() {
        let connections = connections();
        let (mut one, mut two) = (
            connections.take().await.unwrap(),
            connections.take().await.unwrap(),
        );
        let (first, second) = (process(&mut one).await, process(&mut two).await);
        assert_ne!(first, second);
        for _ in 0..3 {
            two.rest();
            two = connections.take().await.unwrap();
            assert_eq!(process(&mut two).await, second);
        }
        two.rest();
        one.rest();
        let mut last = connections.take().await.unwrap();
        assert_eq!(process(&mut last).await, first);
    }

    #[tokio::test]
    async fn what_was_left_under_way_is_finished_first() {
        let connections = connections();
        for _ in 0..2 * CONNECTIONS {
            let mut connection = connections.take().await.unwrap();
            let slow = sqlx::query("SELECT pg_sleep(0.1)").execute(connection.get().unwrap());
            let given_up = tokio::time::timeout(Duration::from_millis(1), slow).await;
            assert!(given_up.is_err());
        }
        let mut connection = connections.take().await.unwrap();
        assert_ne!(process(&mut connection).await, 0);
    }

    #[tokio::test]
    async fn one_that_takes_no_writes_any_more_goes_once_it_refused_one() {
        let connections = connections();
        let mut taken = connections.take().await.unwrap();
        let first = process(&mut taken).await;
        let standby = sqlx::raw_sql("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
        standby.execute(taken.get().unwrap()).await.unwrap();
        let refused = sqlx::raw_sql("CREATE TABLE refused ()").execute(taken.get().unwrap());
        let refused = crate::Error::from(refused.await.unwrap_err());
        assert_eq!(refused.kind(), crate::ErrorKind::Unavailable, "{refused}");
        drop(taken);
        let mut others = all(&connections).await;
        for other in &mut others {
            assert_ne!(process(other).await, first);
        }
    }

    #[tokio::test]
    async fn nobody_takes_more_than_there_are() {
        let connections = connections();
        let mut taken = all(&connections).await;
        let (waiting, one) = (connections.clone(), taken.pop().unwrap());
        let waiting = tokio::spawn(async move { waiting.take().await.map(drop) });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        one.rest();
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn nobody_waits_for_what_somebody_else_gave_up() {
        let connections = connections();
        let mut taken = all(&connections).await;
        let (mut given_up, one) = (taken.pop().unwrap(), taken.pop().unwrap());
        let slow = sqlx::query("SELECT pg_sleep(30)").execute(given_up.get().unwrap());
        assert!(
            tokio::time::timeout(Duration::from_millis(1), slow)
                .await
                .is_err()
        );
        drop(given_up);
        let waiting = connections.clone();
        let waiting = tokio::spawn(async move { waiting.take().await.map(drop) });
        tokio::task::yield_now().await;
        one.rest();
        let taken = tokio::time::timeout(Duration::from_secs(10), waiting).await;
        taken.expect("while the other sleeps").unwrap().unwrap();
    }

    #[tokio::test]
    async fn closing_waits_for_those_in_use() {
        let connections = connections();
        connections.take().await.unwrap().rest();
        let (mut used, closing) = (connections.take().await.unwrap(), connections.clone());
        let closed = tokio::spawn(async move { closing.close().await });
        tokio::task::yield_now().await;
        assert_ne!(process(&mut used).await, 0);
        assert!(!closed.is_finished());
        used.rest();
        closed.await.unwrap();
        let refused = connections.take().await.err().unwrap();
        assert_eq!(refused.kind(), crate::ErrorKind::Unavailable);
    }

    #[tokio::test]
    async fn they_may_go_anywhere() {
        let connections = connections();
        let used = connections.take().await.unwrap();
        connections.take().await.unwrap().rest();
        std::thread::spawn(move || drop((used, connections)))
            .join()
            .unwrap();
    }
}
