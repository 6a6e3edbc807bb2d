//! The production database.

use std::borrow::Borrow;
use std::str::FromStr;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection, PgPool};
use tokio::runtime::Handle;

use super::call::Part;
use super::hold::Hold;
use super::sql::{Arg, Sql, postgres_arguments};
use super::{Call, Dialect, Row, Store, joined, migrations};
use crate::error::{Error, Result};

/// Six committers (see [`super::batch`]) and as many readers.
pub(super) const CONNECTIONS: u32 = 2 * super::batch::COMMITTERS as u32;

/// Schemas of one database have locks of their own, as they have tables of their own.
const TAKE: &str =
    "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/heady/' || $1, 0))";

/// The same lock, released with the statement's own transaction.
const TAKE_FOR_A_MOMENT: &str =
    "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/heady/' || $1, 0))";

pub(super) struct Postgres {
    pool: PgPool,
    options: PgConnectOptions,
}

impl Postgres {
    pub(super) async fn open(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("heady")
            // The engine reports failures itself; PostgreSQL's notices would only repeat them in the log.
            .log_statements(tracing::log::LevelFilter::Off);
        let place = format!(
            "PostgreSQL at {}:{}/{}",
            options.get_host(),
            options.get_port(),
            options
                .get_database()
                .unwrap_or_else(|| options.get_username())
        );
        let context = |error: Error| error.context(&place);
        // First on a session of its own: a pool would go on knocking at a closed door until its time is up.
        migrations::postgres(&options).await.map_err(context)?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(Duration::from_secs(15))
            .test_before_acquire(false)
            .connect_lazy_with(options.clone());
        Ok(Self { pool, options })
    }

    pub(super) async fn fetch_all(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>> {
        let text = AssertSqlSafe(sql.into_text(Dialect::Postgres));
        let rows = sqlx::query_with(text, postgres_arguments(&args)?)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    /// Begins a transaction, and in the same trip locks the rows that a statement selects.
    pub(super) async fn begin(&self, lock: &'static str, runtime: &Handle) -> Result<Session> {
        let session = Session {
            connection: Some(self.pool.acquire().await?),
            runtime: runtime.clone(),
        };
        // If only the lock fails the transaction has begun all the same, so from here on the session rolls back.
        session.run(["BEGIN;", lock].concat()).await
    }

    /// Runs a call as one statement, which PostgreSQL makes a transaction by itself, in one round trip. Returns `None` if
    /// it cannot be one, or if the seat that it takes does not know its last row.
    pub(super) async fn call(&self, call: &Call, store: &Store) -> Result<Option<Vec<Row>>> {
        if !call.is_one_statement() {
            return Ok(None);
        }
        let mut connection = self.pool.acquire().await?;
        let mut lease = store.seat_for(call).await?;
        let Some(parts) = call.parts_from(lease.as_mut())? else {
            return Ok(None);
        };
        let Some(text) = joined::joined(&parts) else {
            return Ok(None);
        };
        let rows = fetch(&mut connection, text, arguments(&parts)).await?;
        call.check_guard(&rows)?;
        if let Some(lease) = lease {
            lease.committed();
        }
        Ok(Some(rows))
    }

    /// An advisory lock on a session of its own: the server releases it when the process dies.
    pub(super) async fn hold(&self, name: &str) -> Result<Option<Hold>> {
        let mut session = self.options.connect().await?;
        let taken: bool = sqlx::query_scalar(TAKE)
            .bind(name)
            .fetch_one(&mut session)
            .await?;
        Ok(taken.then(|| Hold::session(session)))
    }

    /// Takes the lock for a moment to see whether somebody else has it.
    pub(super) async fn is_held(&self, name: &str) -> Result<bool> {
        let free: bool = sqlx::query_scalar(TAKE_FOR_A_MOMENT)
            .bind(name)
            .fetch_one(&self.pool)
            .await?;
        Ok(!free)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection in a transaction; dropping it rolls back.
pub(super) struct Session {
    /// Present until the transaction is over.
    connection: Option<PoolConnection<sqlx::Postgres>>,
    runtime: Handle,
}

impl Session {
    /// Runs statements without arguments.
    async fn run(mut self, text: String) -> Result<Self> {
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(self.connection()?)
            .await?;
        Ok(self)
    }

    pub(super) async fn commit(self) -> Result<()> {
        self.run("COMMIT".to_owned()).await?.connection = None;
        Ok(())
    }

    pub(super) fn connection(&mut self) -> Result<&mut PgConnection> {
        let over = || Error::internal("a transaction that is over was used");
        self.connection.as_deref_mut().ok_or_else(over)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            self.runtime.spawn(async move {
                let rolled_back = sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await;
                if rolled_back.is_err() {
                    connection.close_on_drop();
                }
            });
        }
    }
}

/// Runs parts, in one trip if they join, and returns their rows.
pub(super) async fn fetch_all<P: Borrow<Part>>(
    connection: &mut PgConnection,
    parts: &[P],
) -> Result<Vec<Row>> {
    if let Some(text) = joined::joined(parts) {
        return fetch(connection, text, arguments(parts)).await;
    }
    let mut rows = Vec::new();
    for part in parts.iter().map(Borrow::borrow) {
        let text = joined::alone(part.sql.text(Dialect::Postgres));
        rows.extend(fetch(connection, text, part.args()).await?);
    }
    Ok(rows)
}

fn arguments<P: Borrow<Part>>(parts: &[P]) -> impl Iterator<Item = &Arg> {
    parts.iter().flat_map(|part| part.borrow().args())
}

async fn fetch(
    connection: &mut PgConnection,
    text: String,
    args: impl IntoIterator<Item = &Arg>,
) -> Result<Vec<Row>> {
    let arguments = postgres_arguments(args)?;
    let query = sqlx::query_with(AssertSqlSafe(text), arguments);
    let rows = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}
