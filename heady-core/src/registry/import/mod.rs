//! Import: first a plan of what to create, change and delete, then all of it in one transaction, or nothing.

mod adopt;
mod beside;
mod catalog;
mod check;
mod declare;
mod export;
mod gone;
mod guard;
mod home;
mod merge;
mod model;
mod others;
mod places;
mod plan;
mod secrets;
mod sections;
mod shape;
mod succeed;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::plan::Plan;
use super::drift::{
    self,
    snapshot::{self, Snapshot},
};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::types::{Warning, now, plain_numbers};

pub use model::{ImportAction, ImportEntry, ImportOptions, ImportReport, ImportSection};

pub(super) use catalog::{Catalog, Item, Key, Kind, read};
pub(super) use declare::{HEALTH_KEYS, SETTING_KEYS, is_health_place, is_off, told_id};
pub(super) use export::{Present, Reader, export, present};
pub(super) use places::Places;
#[cfg(feature = "http")]
pub(crate) use sections::entries;
pub(crate) use sections::other_sections;
pub(super) use shape::compose;
pub(super) use text::Origin;

/// A registry document without secrets, taken apart and looked through.
#[derive(Debug)]
pub(super) struct Source {
    /// Its file, or `document` for one that was handed over.
    pub(super) name: String,
    /// The absolute path of a file that can be read again.
    pub(super) location: Option<String>,
    pub(super) document: Value,
    pub(super) content_hash: String,
    pub(super) catalog: Catalog,
    pub(super) warnings: Vec<Warning>,
}

impl Source {
    /// Reads a file or takes a document.
    ///
    /// # Errors
    /// `NOT_FOUND` for a missing file or root, `INVALID_ARGUMENT` for what is malformed or no registry.
    pub(super) async fn open(origin: Origin, root: Option<String>) -> Result<Self> {
        let read = text::read(origin).await?;
        let location = read.location.clone();
        // Seconds of work for the largest of documents, off the threads that serve others.
        let looked_through = tokio::task::spawn_blocking(move || Self::look_through(read));
        let mut source = looked_through.await.map_err(|error| {
            Error::internal("looking through a registry ended in a panic").caused_by(error)
        })??;
        if let Some(root) = folder(root, location.as_deref()).await? {
            let missing = check::files(&source.catalog, root).await?;
            source.warnings.extend(missing);
        }
        Ok(source)
    }

    /// Takes the secrets out of a document and takes it apart.
    fn look_through(read: text::Read) -> Result<Self> {
        let text::Read {
            name,
            location,
            mut document,
            repeated,
        } = read;
        let context = |error: Error| error.context(format_args!("'{name}'"));
        plain_numbers(&mut document);
        let mut warnings = secrets::redact(&mut document).map_err(context)?;
        let mut catalog = catalog::read(&document).map_err(context)?;
        catalog.tell_repeated(repeated);
        warnings.append(&mut catalog.warnings);
        warnings.extend(check::numbers(&document));
        warnings.extend(declare::check_settings(&catalog.items));
        warnings.extend(check::references(&catalog));
        Ok(Self {
            location: location.map(|location| location.display().to_string()),
            content_hash: crate::document::hash(&document),
            name,
            document,
            catalog,
            warnings,
        })
    }
}

/// Where the paths of a registry begin: in `root`, or beside the file.
async fn folder(root: Option<String>, file: Option<&Path>) -> Result<Option<PathBuf>> {
    let Some(root) = root else {
        return Ok(file.and_then(Path::parent).map(Path::to_owned));
    };
    match tokio::fs::metadata(&root).await {
        Ok(found) if found.is_dir() => Ok(Some(PathBuf::from(root))),
        _ => Err(Error::not_found("folder", &root)),
    }
}

/// An import whose document was read and looked through: what it would be refused for by itself is known before there is a
/// database, and no file is read a second time.
#[derive(Debug)]
pub struct ReadImport {
    source: Source,
    dry_run: bool,
    force: bool,
}

impl ReadImport {
    /// Reads the document.
    ///
    /// # Errors
    /// `NOT_FOUND` for a missing file, `INVALID_ARGUMENT` with line and column for a malformed one or for a document
    /// that is no registry.
    pub async fn open(options: ImportOptions) -> Result<Self> {
        Self::open_named(None, options).await
    }

    /// The same, where the document is handed over and called this in messages and in the audit log: `standard input`.
    ///
    /// # Errors
    /// As [`ReadImport::open`].
    pub async fn open_named(name: Option<&'static str>, options: ImportOptions) -> Result<Self> {
        let origin = Origin {
            path: options.path,
            document: options.document.map(crate::types::Json::into_inner),
            name,
        };
        Ok(Self {
            source: Source::open(origin, options.root).await?,
            dry_run: options.dry_run.unwrap_or(false),
            force: options.force.unwrap_or(false),
        })
    }
}

async fn run(store: &Store, actor: &str, import: ReadImport) -> Result<ImportReport> {
    let ReadImport {
        source,
        dry_run,
        force,
    } = import;
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let applied = Snapshot {
                    location: source.location,
                    content_hash: source.content_hash.clone(),
                    content: source.document,
                    taken_at: now(),
                };
                let mut plan =
                    Plan::of(transaction, source.catalog, source.warnings, force).await?;
                if let Err(error) = plan.check_deletions(&source.name)
                    && !force
                {
                    if !dry_run {
                        return Err(error);
                    }
                    let warning = Warning::new("MASS_DELETION", "", error.message());
                    plan.report.warnings.insert(0, warning);
                }
                if !dry_run {
                    plan.carry_out(transaction, source.content_hash, &actor, &source.name)
                        .await?;
                    snapshot::put(transaction, snapshot::APPLIED, &applied).await?;
                    drift::imported(transaction, &actor, &applied).await?;
                }
                Ok(plan.report)
            })
        })
        .await
}
