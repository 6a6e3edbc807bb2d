//! Drift: in what the registry differs from the file it was imported from, from what answers, and from what is deployed.
//!
//! Each source is looked at for itself: one that cannot be read is recorded with its error, and stops no other; what it
//! said last is compared again meanwhile. What was seen, what differs and the audit row of a source commit together.

mod diff;
mod kept;
mod live;
mod manifest;
mod model;
mod place;
mod ports;
mod queries;
pub(super) mod snapshot;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Value, json};

use self::diff::Finding;
use self::queries::Change;
use self::snapshot::Snapshot;
use super::ProbeOptions;
use super::import::{self, Item, Key, Origin, Present, Reader, Source};
use super::probe::{Prober, checked_timeout};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::{Store, Transaction};
use crate::types::now;

pub(crate) use kept::STAYS;
pub use model::{
    DetectDrift, Drift, DriftKind, DriftQuery, DriftReport, DriftSeverity, DriftSnapshot,
    DriftSource,
};

pub(super) async fn detect(
    store: &Store,
    prober: &Prober,
    actor: &Arc<str>,
    options: DetectDrift,
) -> Result<DriftReport> {
    // A mistake of the caller is no finding about a source.
    checked_timeout("timeoutMs", options.timeout_ms)?;
    if options.path.is_some() && options.document.is_some() {
        return Err(Error::invalid_argument(
            "a registry is read from either path or document",
        ));
    }
    if options.manifest.is_some() && options.manifest_document.is_some() {
        return Err(Error::invalid_argument(
            "what is deployed is read from either manifest or manifestDocument",
        ));
    }
    // What was handed over is no source that fails.
    let handed_over = options.manifest_document.as_deref();
    let deployed = handed_over
        .map(manifest::handed_over)
        .transpose()
        .map_err(|error| error.context("the manifest"))?;
    queries::forget_unread(store).await?;
    let known = queries::locations(store).await?;
    let known = |source: &str| known.iter().find(|known| known.0 == source);
    let is_given = options.document.is_some();
    let file = match (options.path, options.document, known(snapshot::APPLIED)) {
        (None, None, None) => None,
        (None, None, Some((_, Some(location)))) => Some((Some(location.clone()), None)),
        (None, None, Some((_, None))) => Some((None, Some(queries::applied(store).await))),
        (path, document, _) => Some((path, document.map(|document| Ok(document.into_inner())))),
    };
    if let Some((path, document)) = file {
        let opened = match document.transpose() {
            Ok(document) => {
                let origin = Origin {
                    path: path.clone(),
                    document,
                    name: None,
                };
                Source::open(origin, None).await
            }
            Err(error) => Err(error),
        };
        let seen = match opened {
            // What was handed over is no source that fails.
            Err(error) if is_given => return Err(error),
            seen => seen,
        };
        let seen = seen.map(|source| Snapshot {
            location: source.location,
            content_hash: source.content_hash,
            content: source.document,
            taken_at: now(),
        });
        record(store, actor, DriftSource::File, path, seen).await?;
    }
    if options.live.unwrap_or(true) {
        let probes = ProbeOptions {
            timeout_ms: options.timeout_ms,
            ..ProbeOptions::default()
        };
        let seen = prober
            .probe_addresses(actor, probes)
            .await
            .map(live::snapshot);
        record(store, actor, DriftSource::Live, None, seen).await?;
    } else if known(DriftSource::Live.as_str()).is_some() {
        look_back(store, actor, DriftSource::Live).await?;
    }
    let source = DriftSource::Manifest;
    let remembered = known(source.as_str()).map(|known| known.1.clone());
    let is_remembered = remembered.is_some();
    match (deployed, options.manifest.or(remembered.flatten())) {
        (Some(snapshot), _) => record(store, actor, source, None, Ok(snapshot)).await?,
        (None, Some(path)) if path.is_empty() => forget(store, actor, source).await?,
        (None, Some(path)) => {
            let seen = manifest::read(&path).await;
            record(store, actor, source, Some(path), seen).await?;
        }
        (None, None) if is_remembered => look_back(store, actor, source).await?,
        (None, None) => {}
    }
    queries::list(store, DriftQuery::default()).await
}

pub(super) async fn list(store: &Store, query: DriftQuery) -> Result<DriftReport> {
    queries::list(store, query).await
}

/// Replaces the drift of the file in the transaction that imports it, if a file was ever compared: what differed until now
/// may not any more.
pub(super) async fn imported(
    transaction: &mut Transaction,
    actor: &str,
    applied: &Snapshot,
) -> Result<()> {
    if queries::is_known(transaction, DriftSource::File).await? {
        note(transaction, actor, DriftSource::File, applied).await?;
    }
    Ok(())
}

/// Records what was seen of a source and what follows from it, or why nothing was seen.
async fn record(
    store: &Store,
    actor: &str,
    source: DriftSource,
    location: Option<String>,
    seen: Result<Snapshot>,
) -> Result<()> {
    let (error, was_seen) = match seen {
        Err(error) => (error, false),
        Ok(snapshot) => {
            let actor = actor.to_owned();
            let noted = store
                .write(move |transaction| {
                    Box::pin(async move { note(transaction, &actor, source, &snapshot).await })
                })
                .await;
            let Err(error) = noted else { return Ok(()) };
            (error, true)
        }
    };
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let mut details = json!({"code": error.code()});
                // What could not be written once is not tried again.
                if !was_seen {
                    let change = compare_again(transaction, source).await?;
                    change.write(&mut details);
                }
                queries::put_failure(transaction, source, location, error.to_json()).await?;
                let record = Record::new(&actor, "DRIFT", format!("registry:{source}"), "FAILED");
                audit::append(transaction, &[record.with(details)]).await
            })
        })
        .await
}

/// Compares the registry, as it is now, with what a source said last, which nobody asks this time.
async fn look_back(store: &Store, actor: &str, source: DriftSource) -> Result<()> {
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let change = compare_again(transaction, source).await?;
                if !change.is_any() {
                    return Ok(());
                }
                let mut details = json!({"change": "COMPARE_AGAIN"});
                change.write(&mut details);
                let record =
                    Record::new(&actor, "DRIFT", format!("registry:{source}"), "SUCCEEDED");
                audit::append(transaction, &[record.with(details)]).await
            })
        })
        .await
}

/// Writes what a source says now and in what it differs.
async fn note(
    transaction: &mut Transaction,
    actor: &str,
    source: DriftSource,
    snapshot: &Snapshot,
) -> Result<()> {
    super::queries::lock_document(transaction).await?;
    let present = import::present(&mut Reader::Transaction(transaction)).await?;
    let findings = compare(transaction, source, &snapshot.content, &present).await?;
    snapshot::put(transaction, source.as_str(), snapshot).await?;
    let change = queries::replace(transaction, source, findings).await?;
    if !change.is_any() {
        return Ok(());
    }
    let mut details = json!({"contentHash": snapshot.content_hash});
    change.write(&mut details);
    let record = Record::new(actor, "DRIFT", format!("registry:{source}"), "SUCCEEDED");
    audit::append(transaction, &[record.with(details)]).await
}

/// Compares the registry with what a source said when it could last be read. That is no witness of what came later: an
/// entry that is not there any more is no finding unless it was one before.
async fn compare_again(transaction: &mut Transaction, source: DriftSource) -> Result<Change> {
    super::queries::lock_document(transaction).await?;
    // One that cannot be read tells nothing new; what was found with it stays.
    let Some(Ok(last)) = snapshot::get(transaction, source.as_str()).await? else {
        return Ok(Change::default());
    };
    let present = import::present(&mut Reader::Transaction(transaction)).await?;
    // Where nothing can be made of it any more, what was found then stays.
    let Ok(mut findings) = compare(transaction, source, &last.content, &present).await else {
        return Ok(Change::default());
    };
    let before = queries::known(transaction, source).await?;
    let unread = present.unreadable.iter().map(Finding::unreadable);
    let there = present.items.iter().map(Item::key);
    let there: HashSet<Key> = there
        .chain(unread.filter_map(|finding| finding.entry()))
        .collect();
    findings.retain(|finding| {
        let was_found = |(kind, _): &(String, _)| kind == finding.kind.as_str();
        finding.entry().is_none_or(|entry| there.contains(&entry))
            || before.get(&finding.key()).is_some_and(was_found)
    });
    queries::replace(transaction, source, findings).await
}

/// In what the registry differs from what a source says.
async fn compare(
    transaction: &mut Transaction,
    source: DriftSource,
    content: &Value,
    present: &Present,
) -> Result<Vec<Finding>> {
    let mut is_lost = false;
    let mut findings = match source {
        DriftSource::File => {
            let applied = snapshot::get(transaction, snapshot::APPLIED).await?;
            is_lost = matches!(applied, Some(Err(_)));
            let applied = applied.and_then(Result::ok);
            let applied = applied.and_then(|applied| import::read(&applied.content).ok());
            let desired = import::read(content)?;
            diff::against_file(applied.as_ref(), &desired, present)
        }
        DriftSource::Live => live::diff(content, &present.items),
        DriftSource::Manifest => manifest::diff(content, &present.items),
    };
    // What cannot be read is there all the same, and cannot be compared.
    let unread: Vec<Finding> = present.unreadable.iter().map(Finding::unreadable).collect();
    let keys: HashSet<Option<Key>> = unread.iter().map(Finding::entry).collect();
    findings.retain(|finding| !keys.contains(&finding.entry()));
    if source == DriftSource::File {
        kept::tell(transaction, &mut findings).await?;
        if is_lost {
            kept::name_nobody(&mut findings);
        }
    }
    findings.extend(unread);
    Ok(findings)
}

/// Forgets a source, and in what the registry differed from it.
async fn forget(store: &Store, actor: &str, source: DriftSource) -> Result<()> {
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                super::queries::lock_document(transaction).await?;
                if !queries::is_known(transaction, source).await? {
                    return Ok(());
                }
                let change = queries::replace(transaction, source, Vec::new()).await?;
                queries::forget(transaction, source).await?;
                let mut details = json!({"change": "FORGET"});
                change.write(&mut details);
                let record =
                    Record::new(&actor, "DRIFT", format!("registry:{source}"), "SUCCEEDED");
                audit::append(transaction, &[record.with(details)]).await
            })
        })
        .await
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
