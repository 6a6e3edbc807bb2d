//! Both databases behind two doors.
//!
//! [`Store::write`] runs a short transaction of one caller; a [`Lane`] gathers the operations of many callers into one
//! call. Reads go to connections of their own. The store knows no domain: each domain owns its SQL.

mod batch;
mod call;
mod columns;
mod each;
mod error;
mod hold;
mod migrations;
mod pace;
mod page;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod seat;
mod sql;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod transaction;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::runtime::Handle;

pub(crate) use batch::{Attempt, Batch, Failed, Lane, Work};
pub(crate) use call::{Call, Part};
pub(crate) use columns::Columns;
pub(crate) use each::Each;
pub(crate) use hold::Hold;
pub(crate) use page::Page;
pub(crate) use row::{AsWritten, Row};
pub(crate) use seat::{Continuation, Mark, Seats};
pub(crate) use sql::{
    Arg, DEEPEST, Dialect, Sql, args, check_storable, check_storable_within, check_text, time_text,
};
use transaction::Open;
pub(crate) use transaction::Transaction;

use crate::error::{Error, Result};
use crate::types::words;

/// A future that a writing closure returns: `store.write(|tx| Box::pin(async move { … }))`.
pub(crate) type Boxed<'t, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 't>>;

words! {
    /// What a commit survives on SQLite. PostgreSQL follows its server's `synchronous_commit`.
    #[derive(Default)]
    pub enum Durability {
        /// Loss of power: every commit reaches the disk before it is reported.
        #[default]
        Full = "FULL",
        /// The death of the process, but not of the machine: the last commits may be lost with the power, none by
        /// `kill`.
        Process = "PROCESS",
    }
}

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoreOptions {
    pub(crate) durability: Durability,
    /// Whether a SQLite file that is missing is created.
    pub(crate) create_if_missing: bool,
}

/// An open database, cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    seats: Seats,
    closed: AtomicBool,
    /// The runtime `connect` was called on: writes run there as tasks of their own, so that a caller who stops
    /// waiting neither tears a transaction nor blocks the writer.
    runtime: Handle,
}

/// Where a database keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    File(&'a Path),
    /// In this process.
    Memory,
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "PostgreSQL is not compiled in")
    )]
    Server,
}

enum Database {
    Sqlite(sqlite::Sqlite),
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::Postgres>),
}

impl Database {
    /// How many connections can write at once.
    fn writers(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => postgres::CONNECTIONS as usize,
        }
    }
}

/// Refuses what looks like a URL of something else, without showing it.
fn check_path(path: &str) -> Result<()> {
    let what = if path.contains('?') {
        "parameters, of which it takes none"
    } else if path.contains('\0') {
        "the character U+0000, which no path has"
    } else if path
        .split_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
    {
        "a user and a password, of which it takes none"
    } else {
        return Ok(());
    };
    Err(Error::invalid_argument(format!(
        "the database URL has {what}; write sqlite:heady.db"
    )))
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("dialect", &self.dialect())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database at `url`, a new one if it is a file that is missing.
    #[cfg(any(test, feature = "bench"))]
    pub(crate) async fn connect(url: &str, durability: Durability) -> Result<Self> {
        let options = StoreOptions {
            durability,
            create_if_missing: true,
        };
        Self::open(url, options).await
    }

    /// Opens the database at `url` and brings its schema up to date.
    pub(crate) async fn open(url: &str, options: StoreOptions) -> Result<Self> {
        let runtime = Handle::current();
        let database = match url.split_once(':') {
            Some(("sqlite", rest)) => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                check_path(path)?;
                Database::Sqlite(sqlite::Sqlite::open(path, options, &runtime).await?)
            }
            // Without the slashes all of it would be taken for the database's name, and shown as such.
            Some(("postgres" | "postgresql", rest)) if !rest.starts_with("//") => {
                return Err(Error::invalid_argument(
                    "the database URL has no '//' behind 'postgres:'; write postgres://user@host/name",
                ));
            }
            #[cfg(feature = "postgres")]
            Some(("postgres" | "postgresql", _)) => {
                Database::Postgres(Box::new(postgres::Postgres::open(url, &runtime).await?))
            }
            #[cfg(not(feature = "postgres"))]
            Some(("postgres" | "postgresql", _)) => {
                return Err(Error::failed_precondition(
                    "this build of Heady was made without PostgreSQL",
                ));
            }
            // The URL itself stays out of the message: whatever stands there may be a password.
            _ => {
                return Err(Error::invalid_argument(
                    "a database URL starts with 'sqlite:' (sqlite:heady.db) or 'postgres:' (postgres://user@host/name)",
                ));
            }
        };
        let seats = Seats::new(database.writers());
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                seats,
                closed: AtomicBool::new(false),
                runtime,
            }),
        })
    }

    pub(crate) fn dialect(&self) -> Dialect {
        match &self.inner.database {
            Database::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Where the data is.
    pub(crate) fn place(&self) -> Place<'_> {
        match &self.inner.database {
            Database::Sqlite(sqlite) => sqlite.path().map_or(Place::Memory, Place::File),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => Place::Server,
        }
    }

    /// The runtime that background work of the engine belongs to.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.inner.runtime
    }

    /// Reads all rows of a query from the last committed state.
    pub(crate) async fn fetch_all(&self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<Vec<Row>> {
        match &self.inner.database {
            Database::Sqlite(sqlite) => sqlite.fetch_all(sql.into(), args).await,
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => postgres.fetch_all(sql.into(), args).await,
        }
    }

    /// Reads at most one row.
    pub(crate) async fn fetch_optional(
        &self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        Ok(self.fetch_all(sql, args).await?.into_iter().next())
    }

    /// Runs `body` in a transaction that is committed if it succeeds and rolled back if it fails, panics or is never
    /// finished. The body awaits nothing but its transaction: everybody else's writes wait for it.
    pub(crate) async fn write<T, F>(&self, body: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Transaction) -> Boxed<'t, T> + Send + 'static,
    {
        let store = self.clone();
        let work = async move {
            let mut transaction = store.begin().await?;
            let value = body(&mut transaction).await?;
            transaction.commit().await?;
            Ok(value)
        };
        self.run(work).await?
    }

    /// Does work that writes, on SQLite on the thread that waits for the disk, whether or not anybody waits until it is
    /// done.
    fn run<T, F>(&self, work: F) -> impl Future<Output = Result<T>> + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (job, answer) = sqlite::answered(work);
        match &self.inner.database {
            Database::Sqlite(sqlite) => sqlite.execute(job),
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => drop(self.inner.runtime.spawn(job)),
        }
        answer
    }

    /// Begins a transaction. For [`Work`] alone, which nobody can stop half-way; everybody else's way is
    /// [`Store::write`].
    pub(crate) async fn begin(&self) -> Result<Transaction> {
        self.begin_locking("").await
    }

    /// The same, and locks the rows that this statement selects; on SQLite nobody else writes meanwhile anyway.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, reason = "PostgreSQL is not compiled in")
    )]
    pub(crate) async fn begin_locking(&self, lock: &'static str) -> Result<Transaction> {
        let open = match &self.inner.database {
            Database::Sqlite(sqlite) => Open::Sqlite(sqlite.begin().await?),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => {
                Open::Postgres(postgres.begin(lock, self.runtime()).await?)
            }
        };
        Ok(Transaction::new(open, self.clone()))
    }

    /// Runs the parts of a call as one transaction.
    pub(crate) async fn call(&self, call: &Call) -> Result<Vec<Row>> {
        #[cfg(feature = "postgres")]
        if let Database::Postgres(postgres) = &self.inner.database
            && let Some(rows) = postgres.call(call, self).await?
        {
            return Ok(rows);
        }
        self.begin().await?.finish(call).await
    }

    /// Runs a call that may have been carried out already, in a transaction that reads for itself whether it was and
    /// what it continues.
    pub(crate) async fn call_again(&self, call: &Call) -> Result<Vec<Row>> {
        let mut transaction = self.begin().await?;
        let rows = transaction.run_again(call).await?;
        transaction.commit().await?;
        Ok(rows)
    }

    async fn seat_for(&self, call: &Call) -> Result<Option<seat::Lease>> {
        match call.continuation() {
            Some(_) => Ok(Some(self.inner.seats.take().await?)),
            None => Ok(None),
        }
    }

    /// The seats of this engine.
    pub(crate) fn seats(&self) -> &Seats {
        &self.inner.seats
    }

    /// Takes the lock of this name, or returns `None` while another process or engine holds it. The lock goes with
    /// its holder, however it dies.
    pub(crate) async fn hold(&self, name: &str) -> Result<Option<Hold>> {
        match &self.inner.database {
            Database::Sqlite(sqlite) => sqlite.hold(name).await,
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => postgres.hold(name).await,
        }
    }

    /// Whether somebody holds the lock of this name.
    pub(crate) async fn is_held(&self, name: &str) -> Result<bool> {
        match &self.inner.database {
            Database::Sqlite(sqlite) => Ok(sqlite.hold(name).await?.is_none()),
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => postgres.is_held(name).await,
        }
    }

    /// Refuses to go on with a database that is closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.inner.closed.load(Ordering::Relaxed) {
            return Err(Error::unavailable("the engine is closed"));
        }
        Ok(())
    }

    /// Waits for writes under way and closes every connection.
    pub(crate) async fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        match &self.inner.database {
            Database::Sqlite(sqlite) => sqlite.close().await,
            #[cfg(feature = "postgres")]
            Database::Postgres(postgres) => postgres.close().await,
        }
    }
}
