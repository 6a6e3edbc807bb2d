//! The plan of an import: what it would do with every entry, and the doing of it.

use std::collections::{HashMap, HashSet};
use std::mem::take;

use serde_json::{Value, json};

use super::super::drift::snapshot;
use super::super::entry::{self, Place, Placed};
use super::super::history::History;
use super::super::list::Unreadable;
use super::super::queries::{self, DocumentRow, OtherEntry};
use super::super::said::said;
use super::super::{
    ImportAction, ImportEntry, ImportReport, ImportSection, Node, Service, Workflow,
};
use super::adopt::adopt;
use super::catalog::{self, Catalog, Key, Kind};
use super::guard::Losses;
use super::merge::{Merged, merge};
use super::succeed::Succeeds;
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::Transaction;
use crate::types::Warning;

/// What to do with one entry of a table.
pub(super) enum Step<E> {
    Create(Placed<E>),
    Change(Placed<E>),
    /// It only stands elsewhere in the document.
    Move(Placed<E>),
    Delete(E),
}

/// A planned import.
pub(super) struct Plan {
    pub(super) report: ImportReport,
    /// What the last import brought; an entry that differs from it was changed by call since.
    pub(super) applied: HashMap<Key, Value>,
    /// Whether the document wins over what was changed by call.
    pub(super) force: bool,
    pub(super) losses: Losses,
    history: History,
    services: Vec<Step<Service>>,
    nodes: Vec<Step<Node>>,
    workflows: Vec<Step<Workflow>>,
    pub(super) others: Vec<OtherEntry>,
    pub(super) others_to_delete: Vec<OtherEntry>,
    pub(super) header: Value,
    /// The sections and their forms, in pairs.
    pub(super) sections: Value,
}

impl Plan {
    pub(super) async fn of(
        transaction: &mut Transaction,
        catalog: Catalog,
        mut warnings: Vec<Warning>,
        force: bool,
    ) -> Result<Self> {
        // The lock under which nothing else changes the registry: what is planned now holds when it is carried out.
        let history = History::begin(transaction).await?.told_by_the_log();
        let applied = snapshot::get(transaction, snapshot::APPLIED).await?;
        if let Some(Err(_)) = applied {
            let message = "the copy of the last import cannot be read, so nobody knows what was changed by call since; the document counts, and is the copy from now on";
            warnings.insert(0, Warning::new("LAST_IMPORT_UNREADABLE", "", message));
        }
        let applied = applied
            .and_then(Result::ok)
            .and_then(|applied| catalog::read(&applied.content).ok());
        let mut plan = Self {
            report: ImportReport {
                shape: catalog.shape.to_owned(),
                created: 0,
                updated: 0,
                deleted: 0,
                unchanged: 0,
                skipped: 0,
                sections: Vec::new(),
                entries: Vec::new(),
                warnings,
            },
            applied: applied
                .into_iter()
                .flat_map(|applied| applied.items)
                .map(|item| (item.key(), item.body))
                .collect(),
            force,
            losses: Losses::default(),
            history,
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
        let (mut services, mut nodes, mut workflows, mut others) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for item in catalog.items {
            let place = Place {
                section: Some(item.section.clone()),
                position: item.position,
            };
            match item.kind {
                Kind::Service => services.push((item.service(), place)),
                Kind::Node => nodes.push((item.node(), place)),
                Kind::Workflow => workflows.push((item.workflow(), place)),
                Kind::Other => others.push(item),
            }
        }
        plan.services = plan.entries(transaction, Kind::Service, services).await?;
        plan.nodes = plan.entries(transaction, Kind::Node, nodes).await?;
        plan.workflows = plan.entries(transaction, Kind::Workflow, workflows).await?;
        plan.others(transaction, others).await?;
        for (section, id, reason) in catalog.repeated {
            plan.note(&section, &id, ImportAction::Skip, Some(reason.to_owned()));
        }
        plan.count_sections();
        plan.compare_document(transaction).await?;
        Ok(plan)
    }

    pub(super) fn note(
        &mut self,
        section: &str,
        id: &str,
        action: ImportAction,
        reason: Option<String>,
    ) {
        self.report.entries.push(ImportEntry {
            section: section.to_owned(),
            id: id.to_owned(),
            action,
            reason,
        });
    }

    async fn entries<E: Succeeds>(
        &mut self,
        transaction: &mut Transaction,
        kind: Kind,
        wanted: Vec<Placed<E>>,
    ) -> Result<Vec<Step<E>>> {
        let rows = transaction
            .fetch_all(queries::placed::<E>(), vec![])
            .await?;
        let mut present = rows
            .iter()
            .map(|row| match entry::placed::<E>(row) {
                Ok(placed) => Ok((placed.0.id().clone(), placed)),
                Err(error) => Err(Error::data_loss(Unreadable::of::<E>(row, &error).told())),
            })
            .collect::<Result<HashMap<_, _>>>()?;
        let imported = present
            .values()
            .filter(|(_, place)| place.section.is_some())
            .count();
        let sections: HashSet<_> = wanted
            .iter()
            .map(|(_, place)| place.section.clone())
            .collect();
        let mut steps = Vec::new();
        for (mut entry, place) in wanted {
            let section = place.section.clone().unwrap_or_default();
            let id = entry.id().to_string();
            let applied = self.applied.get(&(kind, String::new(), id.clone()));
            let Some((old, old_place)) = present.remove(entry.id()) else {
                let reason =
                    applied.map(|_| "was deleted by call since the last import".to_owned());
                self.note(&section, &id, ImportAction::Create, reason);
                steps.push(Step::Create((entry, place)));
                continue;
            };
            let by_call = old_place.section.is_none();
            if !by_call && old.metadata() == entry.metadata() {
                self.note(&section, &id, ImportAction::Unchanged, None);
                if old_place != place {
                    steps.push(Step::Move((old, place)));
                }
                continue;
            }
            if by_call && !self.force {
                let adopted = adopt(&old, &entry)?;
                self.note(&section, &id, adopted.action, Some(adopted.reason));
                steps.push(Step::Change((adopted.entry, place)));
                continue;
            }
            let (ours, theirs) = (&old.metadata().0, &entry.metadata().0);
            let is_changed = !by_call && applied != Some(ours);
            let merged = match applied {
                _ if self.force || !is_changed => None,
                // It was kept beside documents that did not have it, and nobody knows any more what it was before.
                None if self.applied.is_empty() => None,
                base => Some(merge(base, ours, theirs)),
            };
            let reason = match merged {
                None if by_call => Some("was registered by call until now".to_owned()),
                None if is_changed => Some("was changed by call since the last import".to_owned()),
                None => None,
                Some(merged) if merged.entry != *ours => {
                    entry = said(entry.id(), &merged.entry);
                    Some(told(&merged, "both changes were taken"))
                }
                Some(merged) => {
                    let reason = told(&merged, "the document says nothing new");
                    self.note(&section, &id, ImportAction::Skip, Some(reason));
                    if old_place != place {
                        steps.push(Step::Move((old, place)));
                    }
                    continue;
                }
            };
            self.note(&section, &id, ImportAction::Update, reason);
            entry.succeed(&old);
            steps.push(Step::Change((entry, place)));
        }
        let sections = sections.into_iter().flatten().collect();
        let (gone, deleted) = self.gone(transaction, kind, present, &sections).await?;
        steps.extend(gone);
        self.losses.count(E::TABLE.to_owned(), imported, deleted);
        Ok(steps)
    }

    /// Counts what was noted, as a whole and by section, and keeps the entries that something happens to.
    fn count_sections(&mut self) {
        let report = &mut self.report;
        let mut sections: Vec<ImportSection> = Vec::new();
        let mut indexes: HashMap<String, usize> = HashMap::new();
        for entry in &report.entries {
            let index = *indexes.entry(entry.section.clone()).or_insert_with(|| {
                sections.push(ImportSection::empty(&entry.section));
                sections.len() - 1
            });
            *sections[index].count(entry.action) += 1;
        }
        let total = |count: fn(&ImportSection) -> i64| sections.iter().map(count).sum();
        report.created = total(|section| section.created);
        report.updated = total(|section| section.updated);
        report.deleted = total(|section| section.deleted);
        report.unchanged = total(|section| section.unchanged);
        report.skipped = total(|section| section.skipped);
        sections.sort_by(|a, b| a.section.cmp(&b.section));
        report.sections = sections;
        report
            .entries
            .retain(|entry| entry.action != ImportAction::Unchanged);
    }

    pub(super) async fn carry_out(
        &mut self,
        transaction: &mut Transaction,
        content_hash: String,
        actor: &str,
        source: &str,
    ) -> Result<()> {
        let history = &mut self.history;
        apply(history, take(&mut self.services))?;
        apply(history, take(&mut self.nodes))?;
        apply(history, take(&mut self.workflows))?;
        history.write(transaction).await?;
        for entry in &self.others {
            queries::put_other_entry(transaction, entry).await?;
        }
        for entry in &self.others_to_delete {
            queries::delete_other_entry(transaction, entry).await?;
        }
        let report = &self.report;
        let details = json!({
            "shape": report.shape, "contentHash": content_hash, "created": report.created, "updated": report.updated,
            "deleted": report.deleted, "unchanged": report.unchanged, "skipped": report.skipped, "forced": self.force,
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

/// Why an entry that was changed by call, too, is what it comes to.
fn told(merged: &Merged, otherwise: &str) -> String {
    let what = match merged.conflicts.as_slice() {
        [] => otherwise.to_owned(),
        [whole] if whole.is_empty() => {
            "the document has it again; kept (force takes the document's)".to_owned()
        }
        fields => format!(
            "the document changes '{}', too; kept (force takes the document's)",
            fields.join("', '")
        ),
    };
    format!("was changed by call, too, since the last import; {what}")
}

fn apply<E: Succeeds>(history: &mut History, steps: Vec<Step<E>>) -> Result<()> {
    for step in steps {
        match step {
            Step::Create((entry, place)) => drop(history.put(false, entry, &place)?),
            Step::Change((entry, place)) => drop(history.put(true, entry, &place)?),
            Step::Move((entry, place)) => history.keep(&entry, &place),
            Step::Delete(entry) => history.delete(&entry)?,
        }
    }
    Ok(())
}
