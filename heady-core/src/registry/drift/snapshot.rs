//! What a source said when it was last looked at.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::{Row, Transaction, args};
use crate::types::Timestamp;

/// The document of the last import: the common ancestor of what the file says now and what the registry has.
pub(in crate::registry) const APPLIED: &str = "APPLIED";

/// A source at a moment.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::registry) struct Snapshot {
    /// The file it was read from.
    pub(in crate::registry) location: Option<String>,
    pub(in crate::registry) content_hash: String,
    pub(in crate::registry) content: Value,
    pub(in crate::registry) taken_at: Timestamp,
}

/// What to say of one that is there and cannot be read. It is a copy, and the next look at the source replaces it.
pub(super) fn unreadable(error: Error) -> Error {
    let message = format!(
        "what was last seen here cannot be read ({}); the next look replaces it",
        error.message()
    );
    Error::data_loss(message).caused_by(error)
}

/// What a source said last, if anything, or why that cannot be read.
pub(in crate::registry) async fn get(
    transaction: &mut Transaction,
    source: &str,
) -> Result<Option<Result<Snapshot>>> {
    let row = transaction
        .fetch_optional(
            "SELECT location, content_hash, content, taken_at FROM registry_snapshots
             WHERE source = $1 AND content IS NOT NULL",
            args![source],
        )
        .await?;
    Ok(row.as_ref().map(|row| read(row).map_err(unreadable)))
}

fn read(row: &Row) -> Result<Snapshot> {
    Ok(Snapshot {
        location: row.get("location")?,
        content_hash: row.get("content_hash")?,
        content: row.get("content")?,
        taken_at: row.get("taken_at")?,
    })
}

/// Replaces what is known of a source; whatever kept it from being read before is over.
pub(in crate::registry) async fn put(
    transaction: &mut Transaction,
    source: &str,
    snapshot: &Snapshot,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_snapshots (source, location, content_hash, content, taken_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (source) DO UPDATE SET location = excluded.location, content_hash = excluded.content_hash,
               content = excluded.content, taken_at = excluded.taken_at, error = NULL, failed_at = NULL",
            args![
                source,
                snapshot.location.clone(),
                &snapshot.content_hash,
                &snapshot.content,
                snapshot.taken_at
            ],
        )
        .await
        .map(drop)
}
