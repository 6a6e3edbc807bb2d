//! The production database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

use super::batch::Part;
use super::hold::Hold;
use super::sql::{Arg, Row, Sql, postgres_arguments};
use super::transaction::Open;
use super::{Call, Dialect, Store, migrations};
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
        let rows = sqlx::query_with(text, postgres_arguments(args)?)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn begin(&self) -> Result<Open> {
        Ok(Open::Postgres(self.pool.begin().await?))
    }

    /// Runs a call of one part in one round trip, which PostgreSQL makes a transaction by itself; several parts in a
    /// transaction around them. Returns `None` if the seat that it takes does not know its last row.
    pub(super) async fn call(&self, call: &Call, store: &Store) -> Result<Option<Vec<Row>>> {
        let mut connection = self.pool.acquire().await?;
        let mut lease = store.seat_for(call).await?;
        let Some(mut parts) = call.parts_from(lease.as_mut())? else {
            return Ok(None);
        };
        let mut rows = Vec::new();
        if let [part] = &mut parts[..] {
            rows.extend(fetch(&mut connection, part).await?);
        } else {
            let mut transaction = sqlx::Connection::begin(&mut *connection).await?;
            for part in &mut parts {
                rows.extend(fetch(&mut transaction, part).await?);
            }
            transaction.commit().await?;
        }
        if let Some(lease) = lease {
            lease.committed();
        }
        Ok(Some(rows.into_iter().map(Row::Postgres).collect()))
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

async fn fetch(
    connection: &mut sqlx::PgConnection,
    part: &mut Part,
) -> Result<Vec<sqlx::postgres::PgRow>> {
    let text = AssertSqlSafe(part.sql.text(Dialect::Postgres).to_owned());
    let arguments = postgres_arguments(vec![std::mem::take(&mut part.document).into()])?;
    Ok(sqlx::query_with(text, arguments)
        .fetch_all(connection)
        .await?)
}
