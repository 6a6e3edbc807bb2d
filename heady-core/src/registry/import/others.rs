//! The plan for sections whose entries have no table of their own.

use std::collections::{BTreeMap, HashMap};
use std::mem::{self, Discriminant};

use serde_json::Value;

use super::super::ImportAction;
use super::super::list::Unreadable;
use super::super::queries::{self, OtherEntry};
use super::catalog::{self, Item};
use super::guard::{MANY, ValueLoss};
use super::plan::Plan;
use crate::error::{Error, Result};
use crate::store::Transaction;

/// What stands in one section.
#[derive(Debug, Default)]
struct Extent {
    /// How many entries, those in a section that is one value included.
    entries: usize,
    /// How many texts, numbers and so on in a section that is one value.
    plain: usize,
    /// The same if it is a collection of them: what goes then is missed.
    collected: usize,
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
        let plain = plain_in(entry);
        extent.plain += plain;
        extent.collected += if is_collection(entry) { plain } else { 0 };
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

/// How many plain values there are in a section that is one value.
fn plain_in(entry: &OtherEntry) -> usize {
    let is_plain = |value: &&Value| !value.is_object();
    match &entry.body {
        Value::Array(items) if entry.id.is_empty() => items.iter().filter(is_plain).count(),
        Value::Object(map) if entry.id.is_empty() => map.values().filter(is_plain).count(),
        _ => 0,
    }
}

/// Whether the values in here are as many of the same: in a list, or where names are mapped to values of one kind, such as
/// ports. Settings are of many kinds, or few.
fn is_collection(entry: &OtherEntry) -> bool {
    match &entry.body {
        Value::Object(map) if map.len() >= MANY => {
            let mut kinds = map.values().map(kind);
            let first = kinds.next().flatten();
            first.is_some() && kinds.all(|kind| kind == first)
        }
        value => value.is_array(),
    }
}

/// Of what kind a plain value is.
fn kind(value: &Value) -> Option<Discriminant<Value>> {
    let is_plain = value.is_string() || value.is_number() || value.is_boolean();
    is_plain.then(|| mem::discriminant(value))
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
        let present = rows.iter().map(|row| {
            let unread = |error| Error::data_loss(Unreadable::other(row, &error).told());
            queries::other_entry(row).map_err(unread)
        });
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

        let olds = matched(present, &wanted);
        for ((entry, fault), old) in wanted.into_iter().zip(faults).zip(olds.of_wanted) {
            let action = match &old {
                _ if fault.is_some() => ImportAction::Skip,
                None => ImportAction::Create,
                Some(old) if old.body == entry.body => ImportAction::Unchanged,
                Some(_) => ImportAction::Update,
            };
            let reason = fault.map(|fault| format!("{fault}; kept for the export only"));
            self.note(&entry.section, &entry.id, action, reason);
            if old.as_ref() != Some(&entry) {
                let moved = old.filter(|old| old.section != entry.section);
                self.others_to_delete.extend(moved);
                self.others.push(entry);
            }
        }
        // How many there were in a section, its groups included, and how many go.
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for (section, extent) in &before {
            counts.entry(top(section).to_owned()).or_default().0 += extent.weight;
        }
        for entry in olds.gone {
            // What stands in the section in another form now is not gone.
            let is_value = |extents: &HashMap<String, Extent>| {
                extents.get(&entry.section).map(|extent| extent.is_value)
            };
            let reformed =
                after.contains_key(&entry.section) && is_value(&before) != is_value(&after);
            if !reformed {
                counts.entry(top(&entry.section).to_owned()).or_default().1 += 1;
                self.note(&entry.section, &entry.id, ImportAction::Delete, None);
            }
            self.others_to_delete.push(entry);
        }
        for (section, (all, gone)) in counts {
            let what = match section.as_str() {
                "components" => section,
                section => named(section),
            };
            self.losses.count(what, all, gone);
        }
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
            let lost = old
                .weight
                .saturating_sub(new.map_or(1, |extent| extent.weight));
            // No plain value stands for an entry that goes.
            let left = new.map_or(0, |extent| extent.plain.min(old.collected));
            // One without objects counts as one entry, whatever is in it.
            let counted = usize::from(old.entries == 0);
            let gone_counted = if new.is_none() { counted } else { 0 };
            self.losses.count_value(ValueLoss {
                what: named(section),
                lost,
                before: old.entries + old.collected,
                after: left + new.map_or(0, |extent| extent.entries),
                plain_before: old.collected.saturating_sub(counted),
                plain_lost: old.collected.saturating_sub(left + gone_counted),
            });
        }
    }
}

/// A section in a message about how many of it go.
fn named(section: &str) -> String {
    format!("of '{}'", catalog::path(section, ""))
}

/// The section that a group is in.
fn top(section: &str) -> &str {
    section.split('/').next().unwrap_or_default()
}

/// Entries of before, matched with those that are wanted.
struct Matched {
    /// For each that is wanted, what it was.
    of_wanted: Vec<Option<OtherEntry>>,
    /// What nobody wants, in the order of the document.
    gone: Vec<OtherEntry>,
}

/// Matches entries by their section and id; a component may have come to another group, as services may.
fn matched(present: Vec<OtherEntry>, wanted: &[OtherEntry]) -> Matched {
    let mut present: HashMap<_, _> = present
        .into_iter()
        .map(|entry| ((entry.section.clone(), entry.id.clone()), entry))
        .collect();
    let mut of_wanted: Vec<_> = wanted
        .iter()
        .map(|entry| present.remove(&(entry.section.clone(), entry.id.clone())))
        .collect();
    let is_component = |entry: &OtherEntry| top(&entry.section) == "components";
    let mut components: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in present
        .values()
        .filter(|entry| is_component(entry) && !entry.id.is_empty())
    {
        let sections = components.entry(entry.id.clone()).or_default();
        sections.push(entry.section.clone());
        sections.sort();
    }
    for (entry, old) in wanted.iter().zip(&mut of_wanted) {
        if old.is_none()
            && is_component(entry)
            && let Some(section) = components.get_mut(&entry.id).and_then(Vec::pop)
        {
            *old = present.remove(&(section, entry.id.clone()));
        }
    }
    let mut gone: Vec<OtherEntry> = present.into_values().collect();
    gone.sort_by(|a, b| (&a.section, a.position, &a.id).cmp(&(&b.section, b.position, &b.id)));
    Matched { of_wanted, gone }
}
