//! What an engine remembers of the registry, so that a change need not be read before it is decided.
//!
//! It is as of one commit, and every commit that may have changed entries leaves a mark of its own in the registry's one
//! row. What is decided on memory is written only where the mark is still the remembered one. So memory that is stale, for
//! whatever reason, costs a repetition that reads, and never a lost update. It serves no deletion: whether something needs
//! an entry is not remembered.

use std::collections::HashMap;

use super::entry::{Entry, Present, attached};
use super::put::LIGHT;
use super::{Node, Service, Workflow};
use crate::error::{Error, Result};
use crate::store::Row;
use crate::types::{Id, weight};

/// About how many bytes of each kind are remembered.
const MOST: usize = 8 << 20;

/// How many batches in a row must find the registry as this engine left it before memory is trusted again.
const WARY: u32 = 8;

/// Where the registry stands after a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) revision: i64,
    /// Another one after every commit that may have changed entries.
    pub(super) mark: Id,
    pub(super) compacted: i64,
    pub(super) retained: i64,
}

impl Position {
    pub(super) fn read(row: Option<&Row>) -> Result<Self> {
        let row = row.ok_or_else(|| Error::data_loss("the registry has lost its revision"))?;
        Ok(Self {
            revision: row.get("revision")?,
            mark: row.get("mark")?,
            compacted: row.get("compacted")?,
            retained: row.get("retained")?,
        })
    }

    fn is(&self, other: &Self) -> bool {
        (self.revision, &self.mark) == (other.revision, &other.mark)
    }
}

/// Entries of all kinds as they were at one position.
#[derive(Default)]
pub(super) struct Memory {
    position: Option<Position>,
    pub(super) services: Known<Service>,
    pub(super) nodes: Known<Node>,
    pub(super) workflows: Known<Workflow>,
    /// For how many batches more it is not trusted.
    wary: u32,
    #[cfg(test)]
    pub(super) readings: usize,
}

impl Memory {
    /// The position, if all of these entries are known at it and nobody else seems to write.
    pub(super) fn knows<E: Entry>(&mut self, ids: &[&Id]) -> Option<Position> {
        let known = E::known(self).knows(ids);
        let trusted = known && !self.is_wary();
        self.position.clone().filter(|_| trusted)
    }

    /// Whether others were seen writing just now, so that it is better to lock before reading.
    pub(super) fn is_wary(&self) -> bool {
        self.wary > 0
    }

    /// Takes note of what was read: of these entries those that are there, all others being absent.
    pub(super) fn read<E: Entry>(
        &mut self,
        position: &Position,
        ids: &[&Id],
        present: HashMap<Id, Present<E>>,
    ) {
        #[cfg(test)]
        {
            self.readings += 1;
        }
        match &self.position {
            Some(own) if own.is(position) => self.wary = self.wary.saturating_sub(1),
            Some(_) => self.refused(),
            None => self.forget(),
        }
        self.position = Some(position.clone());
        let known = E::known(self);
        known.make_room();
        for id in ids {
            // There may be several changes of one.
            if !present.contains_key(id) {
                known.set(id, None);
            }
        }
        for (id, present) in present {
            known.set(&id, Some(present));
        }
    }

    /// Takes note of where this engine's own changes lead, after what they changed.
    pub(super) fn stands_at(&mut self, position: Position) {
        self.position = Some(position);
        // Not before: what was decided has to be known up to here.
        self.services.make_room();
        self.nodes.make_room();
        self.workflows.make_room();
    }

    /// Somebody else wrote.
    pub(super) fn refused(&mut self) {
        self.forget();
        self.wary = WARY;
    }

    /// Drops everything: it may be otherwise now.
    pub(super) fn forget(&mut self) {
        self.position = None;
        self.services = Known::default();
        self.nodes = Known::default();
        self.workflows = Known::default();
    }
}

/// Entries of one kind, those that are absent among them.
pub(super) struct Known<E> {
    entries: HashMap<Id, Option<Present<E>>>,
    weight: usize,
}

impl<E> Default for Known<E> {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            weight: 0,
        }
    }
}

impl<E: Entry> Known<E> {
    fn knows(&self, ids: &[&Id]) -> bool {
        ids.iter().all(|id| self.entries.contains_key(id))
    }

    pub(super) fn get(&self, id: &Id) -> Option<&Present<E>> {
        self.entries.get(id)?.as_ref()
    }

    /// Takes note of an entry as it is, or that it is absent.
    pub(super) fn set(&mut self, id: &Id, present: Option<Present<E>>) {
        self.weight += weighed(present.as_ref());
        let old = self.entries.insert(id.clone(), present);
        self.weight -= old.map_or(0, |old| weighed(old.as_ref()));
    }

    /// Drops an entry of which the database knows more than was written.
    pub(super) fn drop(&mut self, id: &Id) {
        let old = self.entries.remove(id);
        self.weight -= old.map_or(0, |old| weighed(old.as_ref()));
    }

    fn make_room(&mut self) {
        if self.weight > MOST {
            *self = Self::default();
        }
    }
}

fn weighed<E: Entry>(present: Option<&Present<E>>) -> usize {
    let weight = |present: &Present<E>| -> usize {
        let attached = attached(&*present.entry);
        attached.map(|(_, value)| weight(value)).sum()
    };
    LIGHT + present.map_or(0, weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::RegisterService;
    use crate::registry::entry::Place;

    fn position(revision: i64) -> Position {
        Position {
            revision,
            mark: Id::new(),
            compacted: 0,
            retained: 100,
        }
    }

    fn there(id: &str) -> HashMap<Id, Present<Service>> {
        let spec = RegisterService {
            id: id.into(),
            metadata: Some(serde_json::json!({"text": "a".repeat(100)}).into()),
            ..RegisterService::default()
        };
        let present = Present {
            entry: std::sync::Arc::new(Service::declare(spec).unwrap()),
            place: Place::default(),
            in_use: false,
        };
        HashMap::from([(id.into(), present)])
    }

    #[test]
    fn what_was_read_at_one_position_is_known_together() {
        let mut memory = Memory::default();
        let (a, b) = (Id::from("a"), Id::from("b"));
        let (one, two) = (position(1), position(1));
        memory.read(&one, &[&a, &a], there("a"));
        memory.read::<Service>(&one, &[&b], HashMap::new());
        assert_eq!(memory.knows::<Service>(&[&a, &b]), Some(one.clone()));
        assert!(memory.services.get(&a).is_some() && memory.services.get(&b).is_none());
        assert_eq!(memory.knows::<Node>(&[&a]), None);
        assert_eq!(memory.knows::<Service>(&[&a, &"c".into()]), None);

        // The same revision, but another commit: what was known before says nothing.
        memory.read::<Service>(&two, &[&b], HashMap::new());
        assert!(memory.is_wary());
        assert_eq!(memory.knows::<Service>(&[&b]), None);
        for _ in 0..WARY {
            memory.read::<Service>(&two, &[&b], HashMap::new());
        }
        assert_eq!(memory.knows::<Service>(&[&b]), Some(two));
        assert_eq!(memory.knows::<Service>(&[&a]), None);
    }

    #[test]
    fn what_known_entries_become_is_not_remembered_without_end() {
        let (mut memory, at) = (Memory::default(), position(1));
        let ids: Vec<_> = (0..20).map(|n| Id::from(format!("s{n}"))).collect();
        memory.read::<Service>(&at, &ids.iter().collect::<Vec<_>>(), HashMap::new());
        let mut forgotten = 0;
        for id in &ids {
            let spec = RegisterService {
                id: id.to_string(),
                metadata: Some(serde_json::json!({"text": "a".repeat(MOST / 8)}).into()),
                ..RegisterService::default()
            };
            let present = Present {
                entry: std::sync::Arc::new(Service::declare(spec).unwrap()),
                place: Place::default(),
                in_use: false,
            };
            memory.services.set(id, Some(present));
            memory.stands_at(at.clone());
            assert!(memory.services.weight <= MOST);
            forgotten += usize::from(memory.services.entries.is_empty());
        }
        assert!(forgotten > 0);
    }

    #[test]
    fn only_so_much_is_remembered() {
        let (mut memory, at) = (Memory::default(), position(1));
        let name = |n: usize| Id::from(format!("s{n}"));
        for n in 0..2 * MOST / LIGHT {
            let id = name(n);
            memory.read(&at, &[&id], there(id.as_str()));
            assert!(memory.services.get(&id).is_some());
        }
        let kept = memory.services.entries.len();
        assert!(kept > MOST / LIGHT / 8 && kept * LIGHT <= MOST, "{kept}");
        memory.services.drop(&name(2 * MOST / LIGHT - 1));
        while let Some(id) = memory.services.entries.keys().next().cloned() {
            memory.services.drop(&id);
        }
        assert_eq!(memory.services.weight, 0);
    }
}
