//! The embedded database: one writing connection, several reading ones.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, SqlitePool};
use tokio::runtime::Handle;

use super::hold::Hold;
use super::sql::{Arg, Row, Sql, sqlite_arguments};
use super::writing::Writing;
use super::{Dialect, Durability, migrations};
use crate::error::{Error, Result};

const READERS: u32 = 4;

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    /// A pool of exactly one connection is a fair queue for the one writer.
    writer: SqlitePool,
    /// For a database in memory the same pool: its readers would otherwise wait for table locks of the writer.
    readers: SqlitePool,
    /// `None` in memory.
    path: Option<PathBuf>,
    /// The locks held in memory, where no other process can look.
    held: Arc<Mutex<HashSet<String>>>,
}

impl Sqlite {
    pub(super) async fn open(path: &str, durability: Durability) -> Result<Self> {
        let memory = path == ":memory:";
        if path.is_empty() {
            return Err(Error::invalid_argument(
                "the database URL 'sqlite:' names no file; write sqlite:heady.db",
            ));
        }
        let options = if memory {
            // A name of its own, or two engines of one process would share their tables.
            SqliteConnectOptions::new()
                .filename(format!(
                    "file:heady-{}?mode=memory",
                    crate::types::Id::new()
                ))
                .in_memory(true)
        } else {
            SqliteConnectOptions::new()
                .filename(path)
                .journal_mode(SqliteJournalMode::Wal)
        };
        let options = options
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("wal_autocheckpoint", "4000")
            // Or INSERT OR REPLACE would delete rows behind the back of the triggers that refuse it.
            .pragma("recursive_triggers", "1")
            .synchronous(match durability {
                Durability::Full => SqliteSynchronous::Full,
                Durability::Process => SqliteSynchronous::Normal,
            });
        let context = |error: Error| {
            error.context(if memory {
                "a database in memory".to_owned()
            } else {
                format!("the database '{path}'")
            })
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_mins(1))
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(|error| context(error.into()))?;
        migrations::sqlite(&writer).await.map_err(context)?;
        let readers = if memory {
            writer.clone()
        } else {
            SqlitePoolOptions::new()
                .max_connections(READERS)
                .test_before_acquire(false)
                .connect_lazy_with(options.pragma("query_only", "1"))
        };
        Ok(Self {
            writer,
            readers,
            path: (!memory).then(|| PathBuf::from(path)),
            held: Arc::default(),
        })
    }

    /// The file, unless the database is in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) async fn fetch_all(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>> {
        let text = AssertSqlSafe(sql.into_text(Dialect::Sqlite));
        let rows = sqlx::query_with(text, sqlite_arguments(args)?)
            .fetch_all(&self.readers)
            .await?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    /// The writing connection, with a transaction that begins with its first statement.
    pub(super) async fn begin(&self, runtime: &Handle) -> Result<Writing> {
        Ok(Writing::new(self.writer.acquire().await?, runtime))
    }

    pub(super) async fn hold(&self, name: &str) -> Result<Option<Hold>> {
        match &self.path {
            Some(path) => Hold::file(&lock_path(path, name)).await,
            None => Ok(Hold::memory(&self.held, name)),
        }
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn lock_path(database: &Path, name: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!("-lock-{name}"));
    path.into()
}
