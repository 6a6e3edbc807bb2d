//! Who did what: blueprint 2.2.
//!
//! Every change that somebody asked for writes one row here, in the same transaction as the change: neither can exist
//! without the other.

#[cfg(feature = "bench")]
mod bench;
mod chain;
mod checkpoint;
mod export;
mod file;
mod key;
mod list;
mod model;
mod note;
mod queries;
mod record;
mod report;
mod row;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "bench")]
#[doc(hidden)]
pub use bench::Bench;
pub use file::verify_export;
pub use key::public_key;
pub use model::{
    AuditCheckpoint, AuditEntry, AuditExport, AuditFault, AuditPage, AuditQuery, AuditReport,
    CheckpointPage, CheckpointQuery, ExportAudit, FaultKind, KeySource, VerifyAudit,
};
pub(crate) use record::Record;

use crate::error::Result;
use crate::store::{Call, Store, Transaction};

/// Appends records in the transaction of the change that they describe.
pub(crate) async fn append(transaction: &mut Transaction, records: &[Record]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    transaction
        .continue_with(&chain::Rows(records.to_vec()))
        .await
}

/// Appends records in the call of a batch.
pub(crate) fn part<'r>(call: Call, records: impl Into<Cow<'r, [Record]>>) -> Call {
    let records = records.into();
    if records.is_empty() {
        call
    } else {
        call.continued_by(Arc::new(chain::Rows(records.into_owned())))
    }
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct Audit {
    store: Store,
    signer: Arc<checkpoint::Signer>,
}

impl Audit {
    /// The log of a database, whose signing key stands beside it if it is a file.
    pub(crate) fn new(store: Store) -> Self {
        let signer = checkpoint::Signer::new(&store, None);
        Self {
            store,
            signer: Arc::new(signer),
        }
    }

    /// The same log, signed with the key in another file.
    pub(crate) fn with_key(mut self, file: PathBuf) -> Self {
        self.signer = Arc::new(checkpoint::Signer::new(&self.store, Some(file)));
        self
    }

    /// Checks that the key that somebody named can be used.
    pub(crate) async fn check_key(&self) -> Result<()> {
        self.signer.ring.check().await
    }

    /// Lists entries, newest first. A page ends before an entry that cannot be read.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000, `DATA_LOSS` for a page that begins with an entry that cannot be
    /// read: the message names it, and the cursor behind it.
    pub async fn list(&self, query: AuditQuery) -> Result<AuditPage> {
        list::entries(&self.store, query).await
    }

    /// Computes every hash and checks every signature again, and names the first thing that is wrong.
    ///
    /// Rows that were cut off before any checkpoint outside the database was made can only be missed by a checkpoint
    /// inside it, which somebody who can write to the database and read the key could replace.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a public key that is none. A broken log is no error of this call: see the report.
    pub async fn verify(&self, options: VerifyAudit) -> Result<AuditReport> {
        verify::stored(&self.store, &self.signer.ring, options).await
    }

    /// Signs what all chains came to, and keeps it. An engine whose loops run does so by itself, every second or 1,000
    /// rows, and every engine when it closes.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` if there is no key and no place for one, as on PostgreSQL without the option `auditKey`;
    /// `DATA_LOSS` if somebody changed what a chain came to into something that cannot be signed.
    pub async fn checkpoint(&self) -> Result<AuditCheckpoint> {
        self.signer.sign(&self.store).await
    }

    /// Signs what all chains came to, but only with a key that is there and, if others signed this log before, did so too:
    /// for readers of a log that may have come without its key.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` if there is no such key.
    pub async fn checkpoint_as_before(&self) -> Result<AuditCheckpoint> {
        self.signer.sign_as_before(&self.store).await
    }

    /// Lists checkpoints, newest first. A page ends before one that cannot be read.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000, `DATA_LOSS` for a page that begins with a checkpoint that cannot
    /// be read: the message names it, and the cursor behind it.
    pub async fn checkpoints(&self, query: CheckpointQuery) -> Result<CheckpointPage> {
        list::checkpoints(&self.store, query).await
    }

    /// Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere. The line of a row that
    /// cannot be read says why, and has what can.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000 or a cursor of something else.
    pub async fn export(&self, options: ExportAudit) -> Result<AuditExport> {
        export::export(&self.store, options).await
    }

    /// Starts signing what is appended.
    pub(crate) fn start(&self) {
        self.signer.clone().start(&self.store);
    }

    /// Signs what was appended since the last checkpoint.
    pub(crate) async fn close(&self) {
        self.signer.close(&self.store).await;
    }
}
