//! Who did what: blueprint 2.2.
//!
//! Every change that somebody asked for writes one row here, in the same transaction as the change: neither can exist
//! without the other.

mod model;
mod queries;

pub use model::{AuditEntry, AuditPage, AuditQuery};
pub(crate) use queries::{append, part};

use crate::error::Result;
use crate::store::Store;

/// A row that a domain is about to append.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Record {
    id: crate::Id,
    actor: String,
    action: &'static str,
    target: String,
    status: String,
    details: serde_json::Value,
    timestamp: crate::Timestamp,
}

impl Record {
    /// `actor` did `action` to `target`, which ended as `status`.
    pub(crate) fn new(
        actor: &str,
        action: &'static str,
        target: impl Into<String>,
        status: &str,
    ) -> Self {
        Self {
            id: crate::Id::new(),
            actor: actor.to_owned(),
            action,
            target: target.into(),
            status: status.to_owned(),
            details: serde_json::json!({}),
            timestamp: crate::types::now(),
        }
    }

    /// Adds facts; never secrets, never document text.
    pub(crate) fn with(mut self, details: serde_json::Value) -> Self {
        self.details = details;
        self
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
