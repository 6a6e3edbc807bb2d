//! What a registry document says, whatever its shape: sections of entries, and the plain values around them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::shape::{self, Form, Member, Members};
use crate::error::{Error, Result};
use crate::types::Warning;

/// Which table an entry goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::registry) enum Kind {
    Service,
    Node,
    Workflow,
    /// `registry_entries`, as it is.
    Other,
}

/// What an export puts before the name of a section that is taken by something else.
pub(super) const REGISTERED: &str = "registered-";

impl Kind {
    fn of_section(name: &str) -> Self {
        match name.trim_start_matches(REGISTERED) {
            "services" => Self::Service,
            "aiNodes" | "nodes" => Self::Node,
            "workflows" => Self::Workflow,
            _ => Self::Other,
        }
    }
}

/// Whether a section of this name is known to hold entries.
pub(super) fn entries_of(name: &str) -> bool {
    Kind::of_section(name) != Kind::Other || name == "components"
}

/// What an entry is called among all: services, nodes and workflows are one namespace each, whichever section they
/// stand in; every other section has its own.
pub(in crate::registry) type Key = (Kind, String, String);

/// One entry of a document.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::registry) struct Item {
    pub(in crate::registry) kind: Kind,
    /// Where its section stands: the name of a top-level section, or `section/group` (RFC 6901 without the first `/`).
    pub(in crate::registry) section: String,
    /// Its name; empty for a section that is one value.
    pub(in crate::registry) id: String,
    pub(in crate::registry) position: i64,
    pub(in crate::registry) body: Value,
    /// Why it is kept for the export only, if it is.
    pub(in crate::registry) fault: Option<&'static str>,
}

impl Item {
    pub(in crate::registry) fn of(
        kind: Kind,
        section: &str,
        id: String,
        position: i64,
        body: Value,
    ) -> Self {
        Self {
            kind,
            section: section.to_owned(),
            id,
            position,
            body,
            fault: None,
        }
    }

    pub(in crate::registry) fn key(&self) -> Key {
        let section = match self.kind {
            Kind::Other => self.section.clone(),
            _ => String::new(),
        };
        (self.kind, section, self.id.clone())
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Where it stands, for people: `services.api`.
    pub(in crate::registry) fn path(&self) -> String {
        path(&self.section, &self.id)
    }
}

/// A place in a document, for people.
pub(super) fn path(section: &str, id: &str) -> String {
    let section = section
        .replace('/', ".")
        .replace("~1", "/")
        .replace("~0", "~");
    if id.is_empty() {
        section
    } else {
        format!("{section}.{id}")
    }
}

/// The place of a key, for people.
pub(super) fn path_of(key: &str, object: &str) -> String {
    let dot = if object.is_empty() { "" } else { "." };
    format!("{object}{dot}{key}")
}

/// A document, taken apart.
#[derive(Debug, Default)]
pub(in crate::registry) struct Catalog {
    pub(in crate::registry) shape: &'static str,
    /// The plain values of the top level.
    pub(in crate::registry) header: Map<String, Value>,
    /// The sections in a stable order, groups after what they are in, and how each is written.
    pub(super) sections: Vec<(String, Form)>,
    pub(in crate::registry) items: Vec<Item>,
    /// The sections and ids of what stands there twice, and what is made of it.
    pub(super) repeated: Vec<(String, String, &'static str)>,
    pub(super) warnings: Vec<Warning>,
    /// Which item has a key.
    seen: HashMap<Key, usize>,
    /// How many entries of a section had an id that was taken, the first included.
    kept: HashMap<(String, String), usize>,
}

/// The sections by which a document is known to be a registry.
const TELLING: [&str; 5] = ["services", "aiNodes", "nodes", "workflows", "components"];

/// Takes a document apart.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is no registry.
pub(in crate::registry) fn read(document: &Value) -> Result<Catalog> {
    let top = document.as_object().ok_or_else(|| {
        Error::invalid_argument(match document {
            Value::Null => "is empty; a registry is an object with sections",
            Value::String(_) => "a registry is an object with sections, and this is a text",
            _ => "a registry is an object, this document is not",
        })
    })?;
    let mut catalog = Catalog::default();
    for (name, value) in top {
        if value.is_array() || value.is_object() {
            catalog.section(&token(name), name, value);
        } else {
            catalog.header.insert(name.clone(), value.clone());
        }
    }
    if let Some(what) = shape::foreign(top, &catalog.telling()) {
        return Err(Error::invalid_argument(format!(
            "this is not a registry, it looks like {what}"
        )));
    }
    catalog.shape = catalog.shape(top)?;
    Ok(catalog)
}

/// A name as a part of a section's pointer.
pub(super) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Catalog {
    fn section(&mut self, pointer: &str, name: &str, value: &Value) {
        let kind = Kind::of_section(name);
        let known = entries_of(name);
        let known_name = known.then_some(name);
        let form = match Form::of(known_name, value) {
            // Where ids are not unique and nobody says that they should be, they do not name entries.
            Form::List if !known && self.warn_of_repetition(pointer, value) => Form::Value,
            form => form,
        };
        self.sections.push((pointer.to_owned(), form));
        match (form, value) {
            (Form::List, Value::Array(items)) => {
                for (item, position) in items.iter().zip(0..) {
                    match shape::id(item) {
                        Some(id) => {
                            if known {
                                self.check_group(pointer, name, &id, item);
                            }
                            self.add(kind, pointer, id, position, item.clone());
                        }
                        None => {
                            let id = "unnamed".to_owned();
                            let item = Item::of(Kind::Other, pointer, id, position, item.clone());
                            self.keep(item, "has neither an id nor a name");
                        }
                    }
                }
            }
            (Form::Words, Value::Array(items)) => {
                for (item, position) in items.iter().zip(0..) {
                    let (id, body) = match item.as_str() {
                        Some(word) => (word.to_owned(), json!({"id": word})),
                        None => (shape::id(item).unwrap_or_default(), item.clone()),
                    };
                    self.add(kind, pointer, id, position, body);
                    // One that is kept for the export only is kept as it is written.
                    if let Some(kept) = self.items.last_mut()
                        && item.is_string()
                        && (kept.section.as_str(), kept.position) == (pointer, position)
                        && kept.fault.is_some()
                    {
                        kept.body = item.clone();
                    }
                }
            }
            (Form::Map | Form::Groups, Value::Object(map)) => {
                let members = Members::of(known_name, form, map);
                for ((id, item), position) in map.iter().zip(0..) {
                    let pointer_of = || format!("{pointer}/{}", token(id));
                    match members.tell(id, item) {
                        Member::Group => self.section(&pointer_of(), name, item),
                        Member::Value => self.value(&pointer_of(), item),
                        Member::Entry => {
                            if known {
                                self.check_entry(pointer, name, id, item);
                            }
                            self.add(kind, pointer, id.clone(), position, item.clone());
                        }
                    }
                }
            }
            _ => {
                if known {
                    let message = "no entries can be told here by an id; it is kept as one value";
                    self.warnings
                        .push(Warning::new("NOT_ENTRIES", path(pointer, ""), message));
                }
                self.add(Kind::Other, pointer, String::new(), 0, value.clone());
            }
        }
    }

    /// Warns of an entry under an id that says something else than its place does.
    fn check_entry(&mut self, pointer: &str, section: &str, id: &str, item: &Value) {
        let own = item.get("id").and_then(Value::as_str);
        if let Some(own) = own.filter(|own| *own != id) {
            let message = format!("calls itself '{own}'; the key that it stands under counts");
            self.warnings
                .push(Warning::new("DIFFERENT_ID", path(pointer, id), message));
        }
        self.check_group(pointer, section, id, item);
    }

    /// Warns of an entry that may be a group: those in it were not taken for entries.
    fn check_group(&mut self, pointer: &str, section: &str, id: &str, item: &Value) {
        if shape::may_be_group(section, item) {
            let message = "was taken for one entry, though it holds objects as a group of entries does; they are a part of it";
            self.warnings
                .push(Warning::new("UNCLEAR_GROUP", path(pointer, id), message));
        }
    }

    /// What is no entry and stands among entries or groups: kept where it stands.
    fn value(&mut self, pointer: &str, value: &Value) {
        let holds_objects = match value {
            Value::Array(items) => items.iter().any(Value::is_object),
            Value::Object(map) => map.values().any(Value::is_object),
            _ => false,
        };
        if holds_objects {
            let message = "no group of entries can be told here; it is kept as one value";
            self.warnings
                .push(Warning::new("NOT_ENTRIES", path(pointer, ""), message));
        }
        self.sections.push((pointer.to_owned(), Form::Value));
        self.add(Kind::Other, pointer, String::new(), 0, value.clone());
    }

    fn add(&mut self, kind: Kind, section: &str, id: String, position: i64, body: Value) {
        let item = Item::of(kind, section, id, position, body);
        if kind != Kind::Other && super::super::checked_id(&item.id).is_err() {
            let fault = match item.id.as_str() {
                "." | ".." => "has an id that no address can have, '.' or '..'",
                _ => "has no id of 1 to 200 characters without control characters",
            };
            self.keep(item, fault);
        } else if let Some(first) = self.seen.get(&item.key()).map(|index| &self.items[*index]) {
            let same = first.body == item.body;
            let place = (first.section != item.section).then(|| path(&first.section, ""));
            let message = match (same, place) {
                (true, None) => "stands there twice, word for word; one was taken".to_owned(),
                (false, None) => "stands there twice and differs; the first counts".to_owned(),
                (_, Some(place)) => format!("stands in {place} too; the entry there counts"),
            };
            let once = same && first.section == item.section;
            let code = if same {
                "DUPLICATE_ID"
            } else {
                "CONFLICTING_ID"
            };
            self.warnings.push(Warning::new(code, item.path(), message));
            if once {
                let reason = "stands there twice, word for word";
                self.repeated.push((item.section, item.id, reason));
            } else {
                self.keep(item, "another entry has this id");
            }
        } else {
            self.seen.insert(item.key(), self.items.len());
            self.items.push(item);
        }
    }

    /// Keeps what cannot be an entry, so that an export has it still, under an id that is free.
    fn keep(&mut self, mut item: Item, fault: &'static str) {
        item.kind = Kind::Other;
        item.fault = Some(fault);
        let id = item.id.clone();
        while self.seen.contains_key(&item.key()) {
            let kept = self
                .kept
                .entry((item.section.clone(), id.clone()))
                .or_insert(1);
            *kept += 1;
            item.id = format!("{id}#{kept}");
        }
        self.seen.insert(item.key(), self.items.len());
        self.items.push(item);
    }

    /// Whether two items of a list have one id.
    fn warn_of_repetition(&mut self, pointer: &str, value: &Value) -> bool {
        let mut bodies = HashMap::new();
        let repeated = value.as_array().into_iter().flatten().find_map(|item| {
            let id = shape::id(item)?;
            let other = bodies.insert(id.clone(), item)?;
            Some((id, other == item))
        });
        let Some((id, same)) = repeated else {
            return false;
        };
        let (code, how) = if same {
            ("DUPLICATE_ID", "are the same")
        } else {
            ("CONFLICTING_ID", "differ")
        };
        let message = format!("two entries of this id {how}; the section is kept as one value");
        self.warnings
            .push(Warning::new(code, path(pointer, &id), message));
        true
    }

    /// The sections with entries by which a document is known to be a registry.
    fn telling(&self) -> Vec<&str> {
        let entries = self.items.iter().filter(|item| item.fault.is_none());
        let named = entries.filter(|item| !item.id.is_empty());
        let mut names: Vec<&str> = named
            .filter_map(|item| item.section.split('/').next())
            .filter(|name| TELLING.contains(name))
            .collect();
        names.dedup();
        names
    }

    fn shape(&self, top: &Map<String, Value>) -> Result<&'static str> {
        let forms: Vec<Form> = self
            .sections
            .iter()
            .filter(|(name, _)| TELLING.contains(&name.trim_start_matches(REGISTERED)))
            .map(|(_, form)| *form)
            .collect();
        let scanned = |meta: &Value| meta.get("scanCount").or(meta.get("lastScan")).is_some();
        if top.get("entries").is_some_and(Value::is_object) && top.get("meta").is_some_and(scanned)
        {
            Ok("SCAN")
        } else if forms.contains(&Form::Groups) {
            Ok("GROUPS")
        } else if forms.contains(&Form::List) {
            Ok("CATALOG")
        } else if forms.contains(&Form::Map) {
            Ok("MAPS")
        } else {
            Err(Error::invalid_argument(
                "this is not a registry: it has no services, aiNodes, nodes, workflows or components with ids",
            ))
        }
    }
}
