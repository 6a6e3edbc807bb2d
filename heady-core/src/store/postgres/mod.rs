//! The production database.

mod connections;
mod joined;
mod single;
mod statement;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tokio::runtime::Handle;

pub(super) use self::connections::CONNECTIONS;
use self::connections::{Connection, Connections};
pub(super) use self::joined::joins;
use self::statement::Statement;
use super::error::is_cut_off;
use super::hold::Hold;
use super::sql::{Arg, Sql};
use super::{Call, Part, Row, Store, args, migrations};
use crate::error::{Error, Result};

/// Schemas of one database have locks of their own, as they have tables of their own.
const TAKE: &str =
    "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || '/heady/' || $1, 0))";

/// The same lock, released with the statement's own transaction.
const TAKE_FOR_A_MOMENT: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '/heady/' || $1, 0)) AS free";

pub(super) struct Postgres {
    connections: Connections,
    options: PgConnectOptions,
}

impl Postgres {
    pub(super) async fn open(url: &str, runtime: &Handle) -> Result<Self> {
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
        Ok(Self {
            connections: Connections::new(options.clone(), runtime),
            options,
        })
    }

    /// Reads. What is only read can be asked for again, so the end of a connection is nobody's concern.
    pub(super) async fn fetch_all(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>> {
        let first = self.fetch(Statement::of(sql.clone(), &args)?).await;
        if self.renewed_after(&first) {
            return self.fetch(Statement::of(sql, &args)?).await;
        }
        first
    }

    async fn fetch(&self, statement: Statement) -> Result<Vec<Row>> {
        let mut connection = self.connections.take().await?;
        let rows = fetch(connection.get()?, statement).await?;
        connection.rest();
        Ok(rows)
    }

    /// Throws away the connections that rest if the server has cut this one off, and says whether it has: for all we know it
    /// has cut off the others, too, as after a restart.
    fn renewed_after<T>(&self, outcome: &Result<T>) -> bool {
        let cut_off = outcome.as_ref().is_err_and(is_cut_off);
        if cut_off {
            self.connections.renew();
        }
        cut_off
    }

    /// Begins a transaction, and in the same trip locks the rows that a statement selects.
    pub(super) async fn begin(&self, lock: &'static str, runtime: &Handle) -> Result<Session> {
        let first = self.begin_once(lock, runtime).await;
        if self.renewed_after(&first) {
            return self.begin_once(lock, runtime).await;
        }
        first
    }

    async fn begin_once(&self, lock: &'static str, runtime: &Handle) -> Result<Session> {
        let session = Session {
            connection: Some(self.connections.take().await?),
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
        let mut connection = self.connections.take().await?;
        let mut lease = store.seat_for(call).await?;
        let parts = call.parts_from(lease.as_mut())?;
        let statement = match parts {
            Some(parts) => Statement::joined(&parts)?,
            None => None,
        };
        let Some(statement) = statement else {
            connection.rest();
            return Ok(None);
        };
        let rows = fetch(connection.get()?, statement).await;
        // Only its caller knows how to, as it may have been carried out.
        self.renewed_after(&rows);
        let rows = rows?;
        connection.rest();
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
        let rows = self.fetch_all(TAKE_FOR_A_MOMENT.into(), args![name]);
        let row = rows.await?.into_iter().next();
        let row = row.ok_or_else(|| Error::internal("a lock gave no answer"))?;
        Ok(!row.get::<bool>("free")?)
    }

    pub(super) async fn close(&self) {
        self.connections.close().await;
    }
}

/// A connection in a transaction; dropping it rolls back.
pub(super) struct Session {
    /// Present until the transaction is over.
    connection: Option<Connection>,
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
        let mut session = self.run("COMMIT".to_owned()).await?;
        if let Some(connection) = session.connection.take() {
            connection.rest();
        }
        Ok(())
    }

    pub(super) fn connection(&mut self) -> Result<&mut PgConnection> {
        let over = || Error::internal("a transaction that is over was used");
        self.connection.as_mut().ok_or_else(over)?.get()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            self.runtime.spawn(async move {
                if connection.is_well_after("ROLLBACK").await {
                    connection.rest();
                } else {
                    connection.discard();
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
    if let Some(statement) = Statement::joined(parts)? {
        return fetch(connection, statement).await;
    }
    let mut rows = Vec::new();
    for part in parts {
        rows.extend(fetch(connection, Statement::alone(part.borrow())?).await?);
    }
    Ok(rows)
}

async fn fetch(connection: &mut PgConnection, statement: Statement) -> Result<Vec<Row>> {
    let Statement { text, arguments } = statement;
    let query = sqlx::query_with(text, arguments);
    let rows = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(Row::Postgres).collect())
}
