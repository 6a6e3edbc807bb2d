//! Sections of entries: what stands there under `csrf-token` is an entry of this id, and no token.

use serde_json::{Map, Value};

use super::super::catalog::entries_of;
use super::super::shape::{Form, Member, Members, is_bag};
use super::key::Secrecy;

/// Where in the document an object or a list stands.
#[derive(Debug, Clone, Default)]
pub(super) enum Spot {
    /// It is the document itself.
    Document,
    /// It is a section of entries, or a group of them.
    Section(Section),
    /// It is an entry, under its id.
    Entry,
    #[default]
    Elsewhere,
}

#[derive(Debug, Clone)]
pub(super) struct Section {
    /// None in the store of the scanner, where every object is an entry.
    name: Option<String>,
    /// What is said about every entry in it: ids and names of groups say nothing.
    pub(super) over: Secrecy,
}

impl Spot {
    /// The section that stands under this key of a document.
    fn section(key: &str, scanned: bool, over: Secrecy) -> Self {
        let name = entries_of(key).then(|| key.to_owned());
        if name.is_some() || scanned && key == "entries" {
            Self::Section(Section { name, over })
        } else {
            Self::Elsewhere
        }
    }

    /// What tells the members of this object, if it is a section.
    pub(super) fn members<'s>(&'s self, map: &Map<String, Value>) -> Option<Inside<'s>> {
        let Self::Section(section) = self else {
            return None;
        };
        let name = section.name.as_deref();
        let form = name.map_or(Form::Map, |name| Form::of_members(name, map));
        Some(Inside {
            section,
            members: Members::of(name, form, map),
        })
    }

    /// Where a member of this object stands, and what is said about it: `below`, if its key says something.
    pub(super) fn enter(
        &self,
        inside: Option<&Inside<'_>>,
        scanned: bool,
        (key, value): (&str, &Value),
        below: Secrecy,
    ) -> (Self, Secrecy) {
        match (self, inside) {
            (Self::Document, _) => (Self::section(key, scanned, below), below),
            (_, Some(inside)) => inside.enter(key, value, below),
            _ => (Self::Elsewhere, below),
        }
    }
}

/// A section whose members are gone through.
#[derive(Debug)]
pub(super) struct Inside<'s> {
    section: &'s Section,
    members: Members<'s>,
}

impl Inside<'_> {
    fn enter(&self, key: &str, value: &Value, below: Secrecy) -> (Spot, Secrecy) {
        let name = self.section.name.as_deref();
        match self.members.tell(key, value) {
            // The name of a group says what the texts beside its entries are, as it does anywhere else.
            Member::Group => (Spot::Section(self.section.clone()), below),
            Member::Entry if !name.is_some_and(|name| is_bag(name, value)) => {
                (Spot::Entry, self.section.over)
            }
            _ => (Spot::Elsewhere, below),
        }
    }
}
