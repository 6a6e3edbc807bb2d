//! Locks that die with their holder.
//!
//! A worker holds one for its lifetime; a peer that can take it knows that the worker is gone, within milliseconds of
//! a `kill -9` and without waiting for a lease to run out.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Result};

/// A held lock; dropping it releases it.
pub(crate) struct Hold {
    #[allow(dead_code, reason = "without PostgreSQL only kept for its drop")]
    kind: Kind,
}

enum Kind {
    File {
        _lock: LockFile,
    },
    Memory {
        _entry: Entry,
    },
    #[cfg(feature = "postgres")]
    Session(Box<sqlx::PgConnection>),
}

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hold")
    }
}

impl Hold {
    /// An advisory lock on a file beside the database.
    pub(super) async fn file(path: &Path) -> Result<Option<Self>> {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || LockFile::take(path))
            .await
            .map_err(|error| Error::internal("taking a lock ended in a panic").caused_by(error))?
            .map(|lock| {
                lock.map(|lock| Self {
                    kind: Kind::File { _lock: lock },
                })
            })
    }

    /// An entry in a set, for databases that no other process sees.
    pub(super) fn memory(held: &Arc<Mutex<HashSet<String>>>, name: &str) -> Option<Self> {
        let fresh = held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned());
        fresh.then(|| Self {
            kind: Kind::Memory {
                _entry: Entry {
                    held: held.clone(),
                    name: name.to_owned(),
                },
            },
        })
    }

    #[cfg(feature = "postgres")]
    pub(super) fn session(session: sqlx::PgConnection) -> Self {
        Self {
            kind: Kind::Session(Box::new(session)),
        }
    }

    /// Whether the lock is still held: a PostgreSQL session may have been cut.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "only PostgreSQL has to be asked")
    )]
    pub(crate) async fn still_held(&mut self) -> bool {
        match &mut self.kind {
            Kind::File { .. } | Kind::Memory { .. } => true,
            #[cfg(feature = "postgres")]
            Kind::Session(session) => sqlx::query("SELECT 1")
                .execute(&mut **session)
                .await
                .is_ok(),
        }
    }
}

struct LockFile {
    path: PathBuf,
    _file: File,
}

impl LockFile {
    fn take(path: PathBuf) -> Result<Option<Self>> {
        let failed = |error: std::io::Error| {
            Error::permission_denied(format!(
                "the lock file '{}' cannot be used: {error}",
                path.display()
            ))
            .caused_by(error)
        };
        loop {
            let file = File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)
                .map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            // The last holder removes its file: between our open and our lock it may have become another one.
            if same_file(&file, &path) {
                return Ok(Some(Self { path, _file: file }));
            }
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Left behind it is harmless, so a failure is not worth a word.
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn same_file(_file: &File, _path: &Path) -> bool {
    true
}

struct Entry {
    held: Arc<Mutex<HashSet<String>>>,
    name: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}
