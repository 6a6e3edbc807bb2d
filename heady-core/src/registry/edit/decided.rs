//! What the changes of one transaction come to, each decided on what the ones before it left.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;

use super::super::entry::{Entry, Place, Present};
use super::super::history::History;
use super::super::memory::Memory;
use super::super::watch::{News, RegistryEvent};
use super::{Clock, Edit, Sent, Step, Underway};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::Call;
use crate::types::Id;

/// What is to be written, and what each caller is told once it is.
pub(super) struct Decided<E> {
    history: History,
    records: Vec<Record>,
    pub(super) writes: bool,
    /// Entries of which there is more to know than what is written.
    incomplete: Vec<Id>,
    pub(super) outcomes: Vec<Result<E>>,
}

impl<E: Entry> Decided<E> {
    /// Decides on what memory knows, which is then as it will be once all is written. What has arrived is done.
    pub(super) fn of(
        memory: &mut Memory,
        history: History,
        clock: &Clock,
        ops: &[Underway<E>],
        arrived: &HashMap<i64, RegistryEvent>,
    ) -> Self {
        let mut decided = Self {
            history,
            records: Vec::new(),
            writes: false,
            incomplete: Vec::new(),
            outcomes: Vec::with_capacity(ops.len()),
        };
        for op in ops {
            let outcome = match op.done(arrived) {
                Some(entry) => Ok(entry),
                None => decided.apply(op, memory, clock),
            };
            decided.outcomes.push(outcome);
        }
        decided
    }

    /// Whether the events are only for the log.
    pub(super) fn is_untold(&self) -> bool {
        self.history.is_untold()
    }

    /// The call that writes it all, and the news for those who watch.
    pub(super) fn call(&mut self) -> Result<(Call, News)> {
        let (call, news) = self.history.call()?;
        Ok((audit::part(call, &self.records), news))
    }

    /// Lets memory, which is as it will be, stand where the registry does then.
    pub(super) fn remember(&self, memory: &mut Memory) {
        memory.stands_at(self.history.end());
        for id in &self.incomplete {
            E::known(memory).drop(id);
        }
    }

    fn apply(&mut self, op: &Underway<E>, memory: &mut Memory, clock: &Clock) -> Result<E> {
        let (edit, known) = (&op.edit, E::known(memory));
        let old = known.get(&edit.id);
        let place = old.map_or_else(Place::default, |old| old.place.clone());
        let (overdue, step) = match (edit.decide)(old)? {
            Step::Overdue(seen, step) => (Some(seen), *step),
            step => (None, step),
        };
        if let Some(seen) = &overdue {
            self.history.observe(seen, &place)?;
        }
        let entry = match step {
            Step::Keep(entry) if overdue.is_none() => return Ok(entry),
            Step::Put(entry) => {
                let entry = Arc::new(self.history.put(old.is_some(), entry, &place)?);
                self.sent(op, &entry);
                let change = if old.is_some() { "UPDATE" } else { "CREATE" };
                let details = json!({"change": change, "resourceVersion": entry.version()});
                self.record(edit, details);
                entry
            }
            Step::Observe(entry) | Step::Overdue(entry, _) => {
                self.history.observe(&entry, &place)?;
                let entry = Arc::new(entry);
                self.sent(op, &entry);
                entry
            }
            Step::Report(entry, details) => {
                self.history.observe(&entry, &place)?;
                let entry = Arc::new(entry);
                self.sent(op, &entry);
                self.record(edit, details);
                entry
            }
            Step::Keep(entry) | Step::Note(entry) => {
                self.history.keep(&entry, &place);
                let entry = Arc::new(entry);
                if overdue.is_some() {
                    self.sent(op, &entry);
                }
                entry
            }
            Step::Delete => {
                let old = old.ok_or_else(|| Error::not_found(E::KIND.noun(), &edit.id))?;
                let entry = if old.entry.expires() {
                    Arc::new(E::clone(&old.entry).seen_at(clock.now()))
                } else {
                    old.entry.clone()
                };
                self.history.delete(&*entry)?;
                self.sent(op, &entry);
                self.record(edit, json!({"change": "DELETE"}));
                known.set(&edit.id, None);
                self.writes = true;
                return Ok(E::clone(&entry));
            }
        };
        self.writes = true;
        if old.is_some_and(|old| !entry.is_all_after(&old.entry)) {
            self.incomplete.push(edit.id.clone());
        }
        let present = Present {
            entry: entry.clone(),
            place,
            in_use: old.is_some_and(|old| old.in_use),
        };
        known.set(&edit.id, Some(present));
        Ok(E::clone(&entry))
    }

    fn sent(&self, op: &Underway<E>, entry: &Arc<E>) {
        if let Some(event) = self.history.newest() {
            let (event, entry) = (event.clone(), entry.clone());
            op.sent().push(Sent { event, entry });
        }
    }

    fn record(&mut self, edit: &Edit<E>, details: serde_json::Value) {
        let target = format!("{}:{}", E::KIND.noun(), edit.id);
        let record = Record::new(&edit.actor, "CONFIG_CHANGE", target, "SUCCEEDED");
        self.records.push(record.with(details));
    }
}
