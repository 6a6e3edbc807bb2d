//! Who did what: blueprint 2.2.
//!
//! Every change that somebody asked for writes one row here, in the same transaction as the change: neither can exist
//! without the other.

mod chain;
mod model;
mod queries;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use model::{AuditEntry, AuditPage, AuditQuery};
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
pub(crate) fn part(call: Call, records: &[Record]) -> Call {
    if records.is_empty() {
        call
    } else {
        call.continued_by(Arc::new(chain::Rows(records.to_vec())))
    }
}

/// The audit log.
#[derive(Debug, Clone)]
pub struct Audit {
    store: Store,
}

impl Audit {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Lists entries, newest first.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a limit outside 1 to 1,000.
    pub async fn list(&self, query: AuditQuery) -> Result<AuditPage> {
        queries::list(&self.store, query).await
    }
}
