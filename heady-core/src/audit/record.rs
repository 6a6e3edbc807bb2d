//! What a domain hands in: one row that is not chained yet.

use serde_json::{Value, json};

use crate::types::{Id, Timestamp, now};

/// A row that a domain is about to append.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(super) id: Id,
    pub(super) actor: String,
    pub(super) action: &'static str,
    pub(super) target: String,
    pub(super) status: String,
    pub(super) details: Value,
    pub(super) timestamp: Timestamp,
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
            id: Id::new(),
            actor: actor.to_owned(),
            action,
            target: target.into(),
            status: status.to_owned(),
            details: json!({}),
            timestamp: now(),
        }
    }

    /// Adds facts; never secrets, never document text.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}
