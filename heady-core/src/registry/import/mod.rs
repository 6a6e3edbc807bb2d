//! Import: first a plan of what to create, change and delete, then all of it in one transaction, or nothing.

mod catalog;
mod export;

use std::collections::HashMap;
use std::path::Path;

use serde_json::{Value, json};

use self::catalog::{Catalog, Item, Kind, Succeeds};
use super::entry::{self, Place, Placed};
use super::queries::{self, DocumentRow, OtherEntry};
use super::{ImportAction, ImportEntry, ImportOptions, ImportReport, Node, Service, Workflow};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::{Store, Transaction};
use crate::types::Warning;

pub(super) use export::export;

/// An import that would delete more than this share of the imported entries is refused unless it is forced.
const MOST_DELETED: f64 = 0.25;

pub(super) async fn run(
    store: &Store,
    actor: &str,
    options: ImportOptions,
) -> Result<ImportReport> {
    let (source, document) = match (options.path, options.document) {
        (Some(path), None) => {
            let path = Path::new(&path);
            let name = path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            );
            let document = crate::document::read(path).await?;
            (name, document)
        }
        (None, Some(document)) => ("document".to_owned(), document.into_inner()),
        _ => {
            return Err(Error::invalid_argument(
                "an import needs either path or document",
            ));
        }
    };
    let catalog =
        catalog::read(&document).map_err(|error| error.context(format_args!("'{source}'")))?;
    let content_hash = crate::document::hash(&document);
    let (dry_run, force) = (
        options.dry_run.unwrap_or(false),
        options.force.unwrap_or(false),
    );
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let mut import = Import::begin(transaction, catalog).await?;
                if let Err(error) = import.check_deletions(&source) {
                    if dry_run {
                        import.report.warnings.push(Warning::new(
                            "MASS_DELETION",
                            "",
                            error.message(),
                        ));
                    } else if !force {
                        return Err(error);
                    }
                }
                if !dry_run {
                    import
                        .carry_out(transaction, content_hash, &actor, &source)
                        .await?;
                }
                Ok(import.report)
            })
        })
        .await
}

/// What to do with one entry of a table.
enum Step<E> {
    Create(Placed<E>),
    Overwrite(Placed<E>),
    Delete(E, Place),
}

/// A planned import.
struct Import {
    report: ImportReport,
    /// How many entries earlier imports brought.
    imported_before: usize,
    services: Vec<Step<Service>>,
    nodes: Vec<Step<Node>>,
    workflows: Vec<Step<Workflow>>,
    others: Vec<OtherEntry>,
    others_to_delete: Vec<OtherEntry>,
    header: Value,
    sections: Value,
}

impl Import {
    async fn begin(transaction: &mut Transaction, catalog: Catalog) -> Result<Self> {
        queries::lock_document(transaction).await?;
        let mut import = Self {
            report: ImportReport {
                shape: catalog.shape.to_owned(),
                created: 0,
                updated: 0,
                deleted: 0,
                unchanged: 0,
                skipped: 0,
                entries: Vec::new(),
                warnings: catalog.warnings,
            },
            imported_before: 0,
            services: Vec::new(),
            nodes: Vec::new(),
            workflows: Vec::new(),
            others: Vec::new(),
            others_to_delete: Vec::new(),
            header: Value::Object(catalog.header),
            sections: catalog
                .sections
                .iter()
                .map(|(name, form)| json!([name, form.word()]))
                .collect(),
        };
        for (section, id, reason) in catalog.skipped {
            import.note(&section, &id, ImportAction::Skip, Some(reason));
        }
        let mut warnings = Vec::new();
        let (mut services, mut nodes, mut workflows, mut others) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for item in catalog.items {
            let place = Place {
                section: Some(item.section.clone()),
                position: item.position,
            };
            match item.kind {
                Kind::Service => services.push((item.service(&mut warnings), place)),
                Kind::Node => nodes.push((item.node(), place)),
                Kind::Workflow => workflows.push((item.workflow(), place)),
                Kind::Other => others.push(item),
            }
        }
        import.report.warnings.extend(warnings);
        import.services = import.plan(transaction, services).await?;
        import.nodes = import.plan(transaction, nodes).await?;
        import.workflows = import.plan(transaction, workflows).await?;
        import.plan_others(transaction, others).await?;
        Ok(import)
    }

    fn note(&mut self, section: &str, id: &str, action: ImportAction, reason: Option<String>) {
        let report = &mut self.report;
        let count = match action {
            ImportAction::Create => &mut report.created,
            ImportAction::Update => &mut report.updated,
            ImportAction::Delete => &mut report.deleted,
            ImportAction::Unchanged => &mut report.unchanged,
            ImportAction::Skip => &mut report.skipped,
        };
        *count += 1;
        if action != ImportAction::Unchanged {
            report.entries.push(ImportEntry {
                section: section.to_owned(),
                id: id.to_owned(),
                action,
                reason,
            });
        }
    }

    async fn plan<E: Succeeds>(
        &mut self,
        transaction: &mut Transaction,
        wanted: Vec<Placed<E>>,
    ) -> Result<Vec<Step<E>>> {
        let rows = transaction
            .fetch_all(format!("SELECT * FROM {} ORDER BY id", E::TABLE), vec![])
            .await?;
        let mut present = rows
            .iter()
            .map(|row| entry::placed::<E>(row).map(|placed| (placed.0.id().clone(), placed)))
            .collect::<Result<HashMap<_, _>>>()?;
        self.imported_before += present
            .values()
            .filter(|(_, place)| place.section.is_some())
            .count();
        let mut steps = Vec::new();
        for (mut entry, place) in wanted {
            let section = place.section.clone().unwrap_or_default();
            let id = entry.id().to_string();
            match present.remove(entry.id()) {
                None => {
                    self.note(&section, &id, ImportAction::Create, None);
                    steps.push(Step::Create((entry, place)));
                }
                Some((old, old_place))
                    if old_place.section.is_some() && old.metadata() == entry.metadata() =>
                {
                    self.note(&section, &id, ImportAction::Unchanged, None);
                    if old_place != place {
                        steps.push(Step::Overwrite((old, place)));
                    }
                }
                Some((old, old_place)) => {
                    let reason = old_place
                        .section
                        .is_none()
                        .then(|| "was registered by call until now".to_owned());
                    self.note(&section, &id, ImportAction::Update, reason);
                    entry.succeed(&old);
                    entry.touch();
                    steps.push(Step::Overwrite((entry, place)));
                }
            }
        }
        let mut gone: Vec<_> = present
            .into_values()
            .filter(|(_, place)| place.section.is_some())
            .collect();
        gone.sort_by(|(a, _), (b, _)| a.id().cmp(b.id()));
        for (entry, place) in gone {
            let section = place.section.clone().unwrap_or_default();
            self.note(&section, entry.id().as_str(), ImportAction::Delete, None);
            steps.push(Step::Delete(entry, place));
        }
        Ok(steps)
    }

    async fn plan_others(
        &mut self,
        transaction: &mut Transaction,
        wanted: Vec<Item>,
    ) -> Result<()> {
        let rows = transaction
            .fetch_all(queries::OTHER_ENTRIES, vec![])
            .await?;
        let mut present = rows
            .iter()
            .map(queries::other_entry)
            .collect::<Result<Vec<_>>>()?;
        self.imported_before += present.len();
        for item in wanted {
            let entry = OtherEntry {
                section: item.section,
                id: item.id,
                position: item.position,
                body: item.body,
            };
            let old = present
                .iter()
                .position(|old| old.section == entry.section && old.id == entry.id);
            let action = match old.map(|index| present.swap_remove(index)) {
                None => ImportAction::Create,
                Some(old) if old.body == entry.body => ImportAction::Unchanged,
                Some(_) => ImportAction::Update,
            };
            self.note(&entry.section, &entry.id, action, None);
            self.others.push(entry);
        }
        for entry in present {
            self.note(&entry.section, &entry.id, ImportAction::Delete, None);
            self.others_to_delete.push(entry);
        }
        Ok(())
    }

    /// Refuses the accident that once emptied the users' catalog: a document that lost most of its entries.
    fn check_deletions(&self, source: &str) -> Result<()> {
        let deleted = self.report.deleted;
        if deleted as f64 <= MOST_DELETED * self.imported_before as f64 {
            return Ok(());
        }
        Err(Error::failed_precondition(format!(
            "'{source}' would delete {deleted} of {} imported entries; nothing was changed. If that is what you want, force it (--force)",
            self.imported_before
        )))
    }

    async fn carry_out(
        &mut self,
        transaction: &mut Transaction,
        content_hash: String,
        actor: &str,
        source: &str,
    ) -> Result<()> {
        let report = &mut self.report;
        apply(transaction, report, std::mem::take(&mut self.services)).await?;
        apply(transaction, report, std::mem::take(&mut self.nodes)).await?;
        apply(transaction, report, std::mem::take(&mut self.workflows)).await?;
        for entry in &self.others {
            queries::put_other_entry(transaction, entry).await?;
        }
        for entry in &self.others_to_delete {
            queries::delete_other_entry(transaction, entry).await?;
        }
        let report = &self.report;
        let details = json!({
            "shape": report.shape, "contentHash": content_hash, "created": report.created, "updated": report.updated,
            "deleted": report.deleted, "unchanged": report.unchanged, "skipped": report.skipped,
        });
        let document = DocumentRow {
            shape: report.shape.clone(),
            header: self.header.take(),
            sections: self.sections.take(),
            content_hash,
        };
        queries::put_document(transaction, document).await?;
        let record =
            Record::new(actor, "IMPORT", format!("registry:{source}"), "SUCCEEDED").with(details);
        audit::append(transaction, &[record]).await
    }
}

async fn apply<E: Succeeds>(
    transaction: &mut Transaction,
    report: &mut ImportReport,
    steps: Vec<Step<E>>,
) -> Result<()> {
    for step in steps {
        match step {
            Step::Create((entry, place)) => entry::insert(transaction, &entry, &place).await?,
            Step::Overwrite((entry, place)) => {
                entry::overwrite(transaction, &entry, &place).await?;
            }
            Step::Delete(entry, place) => {
                if !entry::remove::<E>(transaction, entry.id().as_str()).await? {
                    keep(report, &place, entry.id().as_str());
                    entry::overwrite(transaction, &entry, &Place::default()).await?;
                }
            }
        }
    }
    Ok(())
}

/// Takes a planned deletion back: the entry stays, but no longer as a part of the document.
fn keep(report: &mut ImportReport, place: &Place, id: &str) {
    let section = place.section.as_deref().unwrap_or_default();
    report.deleted -= 1;
    report.skipped += 1;
    for noted in &mut report.entries {
        if noted.section == section && noted.id == id && noted.action == ImportAction::Delete {
            noted.action = ImportAction::Skip;
            noted.reason = Some("has runs, so it stays".to_owned());
        }
    }
}
