//! The plan for sections whose entries have no table of their own.

use std::collections::HashMap;

use serde_json::Value;

use super::super::ImportAction;
use super::super::queries::{self, OtherEntry};
use super::catalog::{self, Item};
use super::plan::{MANY, Plan};
use crate::error::Result;
use crate::store::Transaction;

/// What stands in one section.
#[derive(Debug, Default)]
struct Extent {
    /// How many entries, those in a section that is one value included.
    entries: usize,
    /// The same, but at least one for a section that is there: it counts as an entry, too.
    weight: usize,
    is_value: bool,
}

/// What stands in each section.
fn extents<'e>(entries: impl Iterator<Item = &'e OtherEntry>) -> HashMap<String, Extent> {
    let mut extents: HashMap<String, Extent> = HashMap::new();
    for entry in entries {
        let extent = extents.entry(entry.section.clone()).or_default();
        extent.is_value |= entry.id.is_empty();
        let entries = entries_in(entry);
        extent.entries += entries;
        extent.weight += entries.max(1);
    }
    extents
}

/// How many entries this is: as many as there are objects in a section that is one value.
fn entries_in(entry: &OtherEntry) -> usize {
    let objects =
        |values: &mut dyn Iterator<Item = &Value>| values.filter(|value| value.is_object()).count();
    match &entry.body {
        Value::Array(items) if entry.id.is_empty() => objects(&mut items.iter()),
        Value::Object(map) if entry.id.is_empty() => objects(&mut map.values()),
        _ => 1,
    }
}

impl Plan {
    pub(super) async fn others(
        &mut self,
        transaction: &mut Transaction,
        wanted: Vec<Item>,
    ) -> Result<()> {
        let rows = transaction
            .fetch_all(queries::OTHER_ENTRIES, vec![])
            .await?;
        let present = rows.iter().map(queries::other_entry);
        let present = present.collect::<Result<Vec<OtherEntry>>>()?;
        let (faults, wanted): (Vec<_>, Vec<_>) = wanted
            .into_iter()
            .map(|item| {
                let entry = OtherEntry {
                    section: item.section,
                    id: item.id,
                    position: item.position,
                    body: item.body,
                };
                (item.fault, entry)
            })
            .unzip();
        let (before, after) = (extents(present.iter()), extents(wanted.iter()));
        self.count_values(&before, &after);

        let mut present: HashMap<_, _> = present
            .into_iter()
            .map(|entry| ((entry.section.clone(), entry.id.clone()), entry))
            .collect();
        let components = |section: &str| section.split('/').next() == Some("components");
        let all: usize = before.values().map(|extent| extent.weight).sum();
        let of_components = before.iter().filter(|(section, _)| components(section));
        let all_components: usize = of_components.map(|(_, extent)| extent.weight).sum();
        for (entry, fault) in wanted.into_iter().zip(faults) {
            let old = present.remove(&(entry.section.clone(), entry.id.clone()));
            let action = match &old {
                _ if fault.is_some() => ImportAction::Skip,
                None => ImportAction::Create,
                Some(old) if old.body == entry.body => ImportAction::Unchanged,
                Some(_) => ImportAction::Update,
            };
            let reason = fault.map(|fault| format!("{fault}; kept for the export only"));
            self.note(&entry.section, &entry.id, action, reason);
            if old.as_ref() != Some(&entry) {
                self.others.push(entry);
            }
        }
        let mut gone: Vec<OtherEntry> = present.into_values().collect();
        gone.sort_by(|a, b| (&a.section, a.position, &a.id).cmp(&(&b.section, b.position, &b.id)));
        let mut gone_components = 0;
        for entry in gone {
            // What stands in the section in another form now is not gone.
            let is_value = |extents: &HashMap<String, Extent>| {
                extents.get(&entry.section).map(|extent| extent.is_value)
            };
            let reformed =
                after.contains_key(&entry.section) && is_value(&before) != is_value(&after);
            if !reformed {
                if components(&entry.section) {
                    gone_components += 1;
                }
                self.note(&entry.section, &entry.id, ImportAction::Delete, None);
            }
            self.others_to_delete.push(entry);
        }
        self.count_before("components".to_owned(), all_components, gone_components);
        self.imported_before += all - all_components;
        Ok(())
    }

    /// Counts what is lost in sections that were one value, or are now: there no entry is deleted by its id.
    fn count_values(&mut self, before: &HashMap<String, Extent>, after: &HashMap<String, Extent>) {
        for (section, old) in before {
            let new = after.get(section);
            let is_value = |extent: &Extent| extent.is_value;
            if !old.is_value && !new.is_some_and(is_value) {
                continue;
            }
            // One that is gone as a whole counts as one deletion already.
            let remain = new.map_or(1, |extent| extent.weight);
            self.lost += old.weight.saturating_sub(remain);
            if new.is_none_or(|extent| extent.entries == 0) && old.entries >= MANY {
                let section = catalog::path(section, "");
                self.emptied.push((format!("of '{section}'"), old.entries));
            }
        }
        self.emptied.sort();
    }
}
