//! What a domain hands in: one row that is not chained yet.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

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
        Self::at(now(), actor, action, target, status)
    }

    /// The same at a moment.
    pub(super) fn at(
        timestamp: Timestamp,
        actor: &str,
        action: &'static str,
        target: impl Into<String>,
        status: &str,
    ) -> Self {
        Self {
            id: id_of(timestamp),
            actor: actor.to_owned(),
            action,
            target: target.into(),
            status: status.to_owned(),
            details: json!({}),
            timestamp,
        }
    }

    /// Adds facts; never secrets, never document text.
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// A new identifier of a moment, which sorts after those of the same moment that this process made before. The row's own
/// time is in it, even where the clock was put back: so the order of identifiers is that of times, and a range of times is
/// a range of identifiers.
fn id_of(timestamp: Timestamp) -> Id {
    // Enough that a process does not come back to a number within a millisecond; the bits behind it are random.
    const BITS: u8 = 42;
    static NEXT: LazyLock<AtomicU64> =
        LazyLock::new(|| AtomicU64::new(uuid::Uuid::now_v7().as_u64_pair().1));
    let number = NEXT.fetch_add(1, Ordering::Relaxed) & ((1 << BITS) - 1);
    let seconds = u64::try_from(timestamp.timestamp()).unwrap_or_default();
    let time = uuid::Timestamp::from_unix_time(
        seconds,
        timestamp.timestamp_subsec_nanos(),
        number.into(),
        BITS,
    );
    uuid::Uuid::new_v7(time).to_string().into()
}
