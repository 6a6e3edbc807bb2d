//! Drift: in what the registry differs from the file it was imported from, from what answers, and from what is deployed.
//!
//! Each source is looked at for itself: one that cannot be read is recorded with its error, keeps what was known of it,
//! and stops no other. What was seen, what differs and the audit row of a source commit together.

mod diff;
mod live;
mod manifest;
mod model;
mod place;
mod ports;
mod queries;
pub(super) mod snapshot;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use self::snapshot::Snapshot;
use super::ProbeOptions;
use super::import::{self, Reader, Source};
use super::probe::{Prober, checked_timeout};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::{Store, Transaction};
use crate::types::now;

pub use model::{
    DetectDrift, Drift, DriftKind, DriftQuery, DriftReport, DriftSeverity, DriftSnapshot,
    DriftSource,
};

/// What a look at a source gave.
enum Seen {
    /// A registry document: what should be there.
    File(Box<Source>),
    /// What probes found.
    Live(Snapshot),
    /// What is deployed.
    Manifest(Snapshot),
}

pub(super) async fn detect(
    store: &Store,
    prober: &Prober,
    actor: &str,
    options: DetectDrift,
) -> Result<DriftReport> {
    // A mistake of the caller is no finding about a source.
    checked_timeout("timeoutMs", options.timeout_ms)?;
    if options.path.is_some() && options.document.is_some() {
        return Err(Error::invalid_argument(
            "a registry is read from either path or document",
        ));
    }
    queries::forget_unread(store).await?;
    let known = queries::locations(store).await?;
    let known = |source: &str| known.iter().find(|known| known.0 == source);
    let is_given = options.document.is_some();
    let file = match (options.path, options.document, known(snapshot::APPLIED)) {
        (None, None, None) => None,
        (None, None, Some((_, Some(location)))) => Some((Some(location.clone()), None)),
        (None, None, Some((_, None))) => Some((None, queries::applied(store).await?)),
        (path, document, _) => Some((path, document.map(crate::types::Json::into_inner))),
    };
    if let Some((path, document)) = file {
        let seen = match Source::open(path.clone(), document, None).await {
            // What was handed over is no source that fails.
            Err(error) if is_given => return Err(error),
            seen => seen,
        };
        let seen = seen.map(|source| Seen::File(Box::new(source)));
        record(store, actor, DriftSource::File, path, seen).await?;
    }
    if options.live.unwrap_or(true) {
        let probes = ProbeOptions {
            timeout_ms: options.timeout_ms,
            ..ProbeOptions::default()
        };
        let seen = prober.probe(probes).await.map(live::snapshot);
        record(store, actor, DriftSource::Live, None, seen.map(Seen::Live)).await?;
    }
    let deployed = known(DriftSource::Manifest.as_str()).and_then(|known| known.1.clone());
    if let Some(path) = options.manifest.or(deployed) {
        let seen = manifest::read(&path).await.map(Seen::Manifest);
        record(store, actor, DriftSource::Manifest, Some(path), seen).await?;
    }
    queries::list(store, DriftQuery::default()).await
}

pub(super) async fn list(store: &Store, query: DriftQuery) -> Result<DriftReport> {
    queries::list(store, query).await
}

/// Records what was seen of a source and what follows from it, or why nothing was seen.
async fn record(
    store: &Store,
    actor: &str,
    source: DriftSource,
    location: Option<String>,
    seen: Result<Seen>,
) -> Result<()> {
    let noted = match seen {
        Ok(seen) => {
            let actor = actor.to_owned();
            store
                .write(move |transaction| {
                    Box::pin(async move { note(transaction, &actor, source, seen).await })
                })
                .await
        }
        Err(error) => Err(error),
    };
    let Err(error) = noted else { return Ok(()) };
    let record = Record::new(actor, "DRIFT", format!("registry:{source}"), "FAILED")
        .with(json!({"code": error.code()}));
    store
        .write(move |transaction| {
            Box::pin(async move {
                queries::put_failure(transaction, source, location, error.to_json()).await?;
                audit::append(transaction, &[record]).await
            })
        })
        .await
}

async fn note(
    transaction: &mut Transaction,
    actor: &str,
    source: DriftSource,
    seen: Seen,
) -> Result<()> {
    super::queries::lock_document(transaction).await?;
    let present = import::present(&mut Reader::Transaction(transaction)).await?;
    let (snapshot, findings) = match seen {
        Seen::File(file) => {
            let applied = snapshot::get(transaction, snapshot::APPLIED).await?;
            let applied = applied.and_then(|applied| import::read(&applied.content).ok());
            let findings = diff::against_file(applied.as_ref(), &file.catalog, &present);
            let snapshot = Snapshot {
                location: file.location,
                content_hash: file.content_hash,
                content: file.document,
                taken_at: now(),
            };
            (snapshot, findings)
        }
        Seen::Live(snapshot) => {
            let findings = live::diff(&snapshot.content, &present.items);
            (snapshot, findings)
        }
        Seen::Manifest(snapshot) => {
            let findings = manifest::diff(&snapshot.content, &present.items);
            (snapshot, findings)
        }
    };
    snapshot::put(transaction, source.as_str(), &snapshot).await?;
    let change = queries::replace(transaction, source, findings).await?;
    if change.appeared + change.resolved == 0 {
        return Ok(());
    }
    let record = Record::new(actor, "DRIFT", format!("registry:{source}"), "SUCCEEDED").with(json!({
        "contentHash": snapshot.content_hash, "appeared": change.appeared, "resolved": change.resolved, "open": change.open,
    }));
    audit::append(transaction, &[record]).await
}

/// A document as a snapshot of now.
fn snapshot_of(location: Option<String>, content: Value) -> Snapshot {
    Snapshot {
        location,
        content_hash: crate::document::hash(&content),
        content,
        taken_at: now(),
    }
}
