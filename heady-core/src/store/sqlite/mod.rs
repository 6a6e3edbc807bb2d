//! The embedded database: one writing connection, several reading ones, each used on a thread of its own.

mod connection;
#[cfg(test)]
mod tests;
mod thread;
mod writing;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

pub(crate) use self::connection::SqliteRow;
use self::connection::{Access, Connection};
use self::thread::Thread;
pub(super) use self::thread::{Job, answered};
use self::writing::Writer;
pub(super) use self::writing::Writing;
use super::hold::Hold;
use super::sql::{Arg, Sql};
use super::{Dialect, Row, StoreOptions, migrations};
use crate::error::{Error, ErrorKind, Result};

const READERS: usize = 4;

pub(super) struct Sqlite {
    writer: Writer,
    thread: Thread,
    /// `None` in memory: there everything is read through the writing connection, which alone sees the tables.
    readers: Option<Readers>,
    /// `None` in memory.
    path: Option<PathBuf>,
    /// The locks held in memory, where no other process can look.
    held: Arc<Mutex<HashSet<String>>>,
}

impl Sqlite {
    pub(super) async fn open(path: &str, options: StoreOptions, runtime: &Handle) -> Result<Self> {
        let memory = path == ":memory:";
        if path.is_empty() {
            return Err(Error::invalid_argument(
                "the database URL 'sqlite:' names no file; write sqlite:heady.db",
            ));
        }
        let path = (!memory).then(|| PathBuf::from(path));
        if let Some(path) = &path
            && !options.create_if_missing
            && !path.exists()
        {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("there is no database file '{}'", path.display()),
            ));
        }
        if path.as_deref().is_some_and(Path::is_dir) {
            return Err(Error::invalid_argument(
                "the database URL names a folder; write sqlite:FOLDER/heady.db",
            ));
        }
        let context = |error: Error| {
            let error = match &path {
                Some(path) if error.kind() == ErrorKind::NotFound && path.exists() => {
                    Error::permission_denied(
                        "there is no right to open it for writing, or to write in its folder",
                    )
                    .caused_by(error)
                }
                _ => error,
            };
            error.context(match &path {
                Some(path) => format!("the database '{}'", path.display()),
                None => "a database in memory".to_owned(),
            })
        };
        let thread = Thread::start("heady-writer", runtime)?;
        let file = path.clone();
        let opened = thread.run(async move {
            let writer = Writer::new(Connection::open(
                file.as_deref(),
                Access::Write(options.durability),
            )?);
            // One transaction around all: two processes that open a new file at once take turns, and neither sees a half.
            let transaction = writer.begin().await?;
            migrations::sqlite(&transaction)?;
            transaction.commit()?;
            Ok(writer)
        });
        Ok(Self {
            writer: opened.await?.map_err(context)?,
            thread,
            readers: path.clone().map(|path| Readers::new(path, runtime)),
            path,
            held: Arc::default(),
        })
    }

    /// The file, unless the database is in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    pub(super) async fn fetch_all(&self, sql: Sql, args: Vec<Arg>) -> Result<Vec<Row>> {
        let text = sql.into_text(Dialect::Sqlite);
        match &self.readers {
            Some(readers) => {
                let read = move |connection: &Connection| connection.fetch_all(&text, &args);
                readers.read(read).await
            }
            None => {
                let writer = self.writer.clone();
                let read = async move { writer.lock().await?.fetch_all(&text, &args) };
                self.thread.run(read).await?
            }
        }
    }

    /// Begins a transaction on the writing connection, once it is free.
    pub(super) async fn begin(&self) -> Result<Writing> {
        self.writer.begin().await
    }

    /// Does a job that writes, on the thread that waits for the disk, after what was handed in before it.
    pub(super) fn execute(&self, job: Job) {
        self.thread.execute(job);
    }

    pub(super) async fn hold(&self, name: &str) -> Result<Option<Hold>> {
        match &self.path {
            Some(path) => Hold::file(&lock_path(path, name)).await,
            None => Ok(Hold::memory(&self.held, name)),
        }
    }

    pub(super) async fn close(&self) {
        if let Some(readers) = &self.readers {
            readers.close().await;
        }
        let writer = self.writer.clone();
        // After everything that was handed in. If the thread is gone, so is the connection.
        let _ = self.thread.run(async move { writer.close().await }).await;
    }
}

/// Connections that read, opened when they are needed.
#[derive(Clone)]
struct Readers {
    path: PathBuf,
    runtime: Handle,
    /// One for each connection that may be in use.
    permits: Arc<Semaphore>,
    /// Those that rest.
    idle: Arc<Mutex<Vec<Reader>>>,
}

struct Reader {
    connection: Connection,
    thread: Thread,
}

impl Readers {
    fn new(path: PathBuf, runtime: &Handle) -> Self {
        Self {
            path,
            runtime: runtime.clone(),
            permits: Arc::new(Semaphore::new(READERS)),
            idle: Arc::default(),
        }
    }

    async fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|_| Error::unavailable("the engine is closed"))?;
        let rests = self.idle().pop();
        let (connection, thread) = match rests {
            Some(Reader { connection, thread }) => (Some(connection), thread),
            None => (None, Thread::start("heady-reader", &self.runtime)?),
        };
        let (readers, own_thread) = (self.clone(), thread.clone());
        let work = async move {
            let connection = match connection {
                Some(connection) => connection,
                None => Connection::open(Some(&readers.path), Access::Read)?,
            };
            let outcome = read(&connection);
            let reader = Reader {
                connection,
                thread: own_thread,
            };
            // Before the permit goes, so that whoever gets it finds a connection at rest.
            readers.idle().push(reader);
            drop(permit);
            outcome
        };
        thread.run(work).await?
    }

    /// Waits for what is being read and closes the connections.
    async fn close(&self) {
        // If it fails they are closed already.
        if let Ok(all) = self.permits.acquire_many(READERS as u32).await {
            all.forget();
        }
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Reader>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock_path(database: &Path, name: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!("-lock-{name}"));
    path.into()
}
