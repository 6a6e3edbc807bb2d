//! Imports on their way: few at once, whether or not anybody waits for them.
//!
//! An import that has begun goes on when its caller stops waiting, and has its whole document in memory until it is done. So
//! the others wait with their callers, and are gone with them.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::Registry;
use super::{ImportOptions, ImportReport, ReadImport, run};
use crate::error::{Error, Result};

/// How many are under way at most. The database carries out one after the other; what others do meanwhile is read and plan.
const AT_ONCE: usize = 4;

/// The places of those under way; clones share them.
#[derive(Clone)]
pub(in crate::registry) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Places {
    async fn place(&self) -> Result<OwnedSemaphorePermit> {
        let place = self.0.clone().acquire_owned().await;
        place.map_err(|error| Error::internal("imports have no places any more").caused_by(error))
    }
}

impl Registry {
    /// Imports a registry document: plans what to create, change and delete, then does it in one transaction.
    ///
    /// # Errors
    /// `NOT_FOUND` for a missing file, `INVALID_ARGUMENT` with line and column for a malformed one or for a document
    /// that is no registry, `FAILED_PRECONDITION` if it would delete a large share of the registry. After an error
    /// nothing has changed.
    pub async fn import(&self, options: ImportOptions) -> Result<ImportReport> {
        self.begin_import(ReadImport::open(options)).await
    }

    /// Imports a document that was read already, as [`Registry::import`] does.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` if it would delete a large share of the registry. After an error nothing has changed.
    pub async fn import_read(&self, import: ReadImport) -> Result<ImportReport> {
        self.begin_import(std::future::ready(Ok(import))).await
    }

    async fn begin_import(
        &self,
        read: impl Future<Output = Result<ReadImport>> + Send + 'static,
    ) -> Result<ImportReport> {
        let registry = self.clone();
        let place = self.imports.place().await?;
        let importing = self.store.runtime().spawn(async move {
            let report = run(&registry.store, &registry.actor, read.await?).await?;
            registry.changed();
            drop(place);
            Ok(report)
        });
        importing
            .await
            .map_err(|error| Error::internal("an import ended in a panic").caused_by(error))?
    }

    /// How many imports are under way.
    #[cfg(test)]
    pub(crate) fn imports_under_way(&self) -> usize {
        AT_ONCE - self.imports.0.available_permits()
    }
}
