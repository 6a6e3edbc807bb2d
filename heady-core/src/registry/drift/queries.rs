//! The SQL of drift.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::diff::Finding;
use super::snapshot::{APPLIED, unreadable};
use super::{
    Drift, DriftKind, DriftQuery, DriftReport, DriftSeverity, DriftSnapshot, DriftSource, live,
};
use crate::error::{Error, Result};
use crate::store::{Row, Store, Transaction, args};
use crate::types::{Timestamp, now};

/// The sources that were ever read, and their files.
pub(super) async fn locations(store: &Store) -> Result<Vec<(String, Option<String>)>> {
    let rows = store
        .fetch_all("SELECT source, location FROM registry_snapshots", vec![])
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("source")?, row.get("location")?)))
        .collect()
}

/// The document of the last import, which was no file that could be read again.
pub(super) async fn applied(store: &Store) -> Result<Value> {
    let row = store
        .fetch_optional(
            "SELECT content FROM registry_snapshots WHERE source = $1",
            args![APPLIED],
        )
        .await?;
    let row = row.ok_or_else(|| Error::not_found("import", "of a document"))?;
    row.get("content").map_err(|error| {
        let message = format!(
            "the copy of the last import cannot be read ({}); import the registry again",
            error.message()
        );
        Error::data_loss(message).caused_by(error)
    })
}

/// Forgets the sources that could never be read: whoever mistook a path is told once.
pub(super) async fn forget_unread(store: &Store) -> Result<()> {
    let unread = "FROM registry_snapshots WHERE content IS NULL";
    let rows = store
        .fetch_all(format!("SELECT source {unread}"), vec![])
        .await?;
    if rows.is_empty() {
        return Ok(());
    }
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute(format!("DELETE {unread}"), vec![])
                    .await
                    .map(drop)
            })
        })
        .await
}

/// Whether a source was ever looked at.
pub(super) async fn is_known(transaction: &mut Transaction, source: DriftSource) -> Result<bool> {
    let text = "SELECT source FROM registry_snapshots WHERE source = $1";
    let row = transaction.fetch_optional(text, args![source.as_str()]);
    Ok(row.await?.is_some())
}

/// Forgets a source and what it said.
pub(super) async fn forget(transaction: &mut Transaction, source: DriftSource) -> Result<()> {
    let text = "DELETE FROM registry_snapshots WHERE source = $1";
    let gone = transaction.execute(text, args![source.as_str()]);
    gone.await.map(drop)
}

/// Notes why a source could not be read; what is known of it stays, the file that it was read from too.
pub(super) async fn put_failure(
    transaction: &mut Transaction,
    source: DriftSource,
    location: Option<String>,
    error: Value,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_snapshots (source, location, error, failed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (source) DO UPDATE SET error = excluded.error, failed_at = excluded.failed_at",
            args![source.as_str(), location, error, now()],
        )
        .await
        .map(drop)
}

/// How the drift of a source changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) appeared: usize,
    pub(super) resolved: usize,
    pub(super) open: usize,
}

impl Change {
    pub(super) fn is_any(self) -> bool {
        self.appeared + self.resolved > 0
    }

    /// Adds itself to the details of an audit row.
    pub(super) fn write(self, details: &mut Value) {
        details["appeared"] = self.appeared.into();
        details["resolved"] = self.resolved.into();
        details["open"] = self.open.into();
    }
}

/// The drift of a source by its keys: how it differed, and since when.
pub(super) async fn known(
    transaction: &mut Transaction,
    source: DriftSource,
) -> Result<HashMap<String, (String, Timestamp)>> {
    let rows = transaction
        .fetch_all(
            "SELECT key, kind, first_seen FROM registry_drift WHERE source = $1",
            args![source.as_str()],
        )
        .await?;
    rows.iter()
        .map(|row| Ok((row.get("key")?, (row.get("kind")?, row.get("first_seen")?))))
        .collect()
}

/// Makes these findings the drift of a source: what was seen before keeps its beginning, what is gone goes.
pub(super) async fn replace(
    transaction: &mut Transaction,
    source: DriftSource,
    findings: Vec<Finding>,
) -> Result<Change> {
    let mut before = known(transaction, source).await?;
    transaction
        .execute(
            "DELETE FROM registry_drift WHERE source = $1",
            args![source.as_str()],
        )
        .await?;
    let seen = now();
    let mut change = Change::default();
    let mut written = HashSet::new();
    for finding in findings {
        let key = finding.key();
        // Two that are told apart by nothing are one: they must not keep all others from being told.
        if !written.insert(key.clone()) {
            continue;
        }
        change.open += 1;
        let first_seen = match before.remove(&key) {
            Some((kind, first_seen)) if kind == finding.kind.as_str() => first_seen,
            _ => {
                change.appeared += 1;
                seen
            }
        };
        transaction
            .execute(
                "INSERT INTO registry_drift (source, key, section, id, path, kind, severity, reason, orphan, desired, observed,
                   first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                args![
                    source.as_str(),
                    key,
                    finding.section,
                    finding.id,
                    finding.path,
                    finding.kind.as_str(),
                    finding.severity.as_str(),
                    finding.reason,
                    finding.orphan,
                    finding.desired,
                    finding.observed,
                    first_seen,
                    seen,
                ],
            )
            .await?;
    }
    change.resolved = before.len();
    Ok(change)
}

pub(super) async fn list(store: &Store, query: DriftQuery) -> Result<DriftReport> {
    let rows = store
        .fetch_all(
            "SELECT source, location, content_hash, content, taken_at, error, failed_at FROM registry_snapshots
             WHERE source <> $1 ORDER BY source",
            args![APPLIED],
        )
        .await?;
    let sources = rows.iter().map(snapshot).collect::<Result<_>>()?;
    let rows = store
        .fetch_all(
            "SELECT * FROM registry_drift WHERE ($1 IS NULL OR source = $1) AND ($2 IS NULL OR id = $2)
             ORDER BY source, section, id, path, key",
            args![query.source.map(|source| source.as_str().to_owned()), query.id],
        )
        .await?;
    let mut drift = rows.iter().map(entry).collect::<Result<Vec<_>>>()?;
    drift.retain(|drift| query.severity.is_none_or(|least| drift.severity >= least));
    drift.sort_by_key(|drift| std::cmp::Reverse(drift.severity));
    Ok(DriftReport { sources, drift })
}

fn snapshot(row: &Row) -> Result<DriftSnapshot> {
    let source = DriftSource::from_word(&row.get::<String>("source")?)?;
    let mut error: Option<Value> = row.get("error")?;
    let taken_at: Option<Timestamp> = row.get("taken_at")?;
    let mut failed_at: Option<Timestamp> = row.get("failed_at")?;
    let content: Option<Value> = row.get("content").unwrap_or_else(|unread| {
        // Why nothing more recent was seen explains more.
        if error.is_none() {
            error = Some(unreadable(unread).to_json());
            failed_at = taken_at;
        }
        None
    });
    let (observed, unobserved) = match (&content, source) {
        (None, _) => (0, 0),
        (Some(content), DriftSource::Live) => live::counts(content),
        (Some(content), DriftSource::Manifest) => (
            content["services"]
                .as_object()
                .map_or(0, serde_json::Map::len) as i64,
            0,
        ),
        (Some(content), DriftSource::File) => (
            crate::registry::import::read(content).map_or(0, |catalog| catalog.items.len()) as i64,
            0,
        ),
    };
    Ok(DriftSnapshot {
        source,
        location: row.get("location")?,
        content_hash: row.get("content_hash")?,
        taken_at,
        observed,
        unobserved,
        error: error.map(Into::into),
        failed_at,
    })
}

fn entry(row: &Row) -> Result<Drift> {
    Ok(Drift {
        source: DriftSource::from_word(&row.get::<String>("source")?)?,
        section: row.get("section")?,
        id: row.get::<String>("id")?.into(),
        kind: DriftKind::from_word(&row.get::<String>("kind")?)?,
        path: row.get("path")?,
        severity: DriftSeverity::from_word(&row.get::<String>("severity")?)?,
        desired: row.get::<Option<Value>>("desired")?.map(Into::into),
        observed: row.get::<Option<Value>>("observed")?.map(Into::into),
        reason: row.get("reason")?,
        orphan: row.get("orphan")?,
        first_seen: row.get("first_seen")?,
        last_seen: row.get("last_seen")?,
    })
}
