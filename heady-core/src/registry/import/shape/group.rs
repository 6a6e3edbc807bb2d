//! What in a section is an entry, and what is a group of entries.

use serde_json::{Map, Value};

use super::{Form, id, is_word};

/// What a member of a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::registry::import) enum Member {
    Entry,
    /// A section of its own.
    Group,
    /// Kept where it stands.
    Value,
}

/// Keys that say where something is found, or what it is for: they are seldom written of a part of an entry.
pub(super) const PLACES: &[&str] = &[
    "port",
    "endpoint",
    "baseUrl",
    "base_url",
    "url",
    "healthPath",
    "health_path",
    "healthEndpoint",
    "health_check_url",
    "role",
    "file",
    "file_path",
    "path",
    "sourceOfTruth",
    "triggers",
    "trigger_on",
];

/// Other keys that an entry has and a group of entries has not; a part of an entry may have them, too.
const MARKS: &[&str] = &[
    "id",
    "name",
    "health",
    "type",
    "status",
    "version",
    "enabled",
    "tool",
    "model",
    "provider",
    "criticality",
];

/// Places that a group may name for all of its entries.
const SHARED: &[&str] = &["host", "hostname", "domain", "location"];

/// Places of which nothing but a service has one.
const ADDRESSES: &[&str] = &["port", "endpoint", "baseUrl", "base_url", "url"];

fn has(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).is_some_and(|value| !value.is_object())
}

fn has_any(map: &Map<String, Value>, keys: &[&str]) -> bool {
    keys.iter().any(|key| has(map, key))
}

/// Whether this is an entry of which it is said where it is.
fn is_placed(map: &Map<String, Value>) -> bool {
    let placed = |value: &Value| value.as_object().is_some_and(|map| has_any(map, PLACES));
    has_any(map, PLACES) || has_any(map, SHARED) && !map.values().any(placed)
}

fn is_placed_value(value: &Value) -> bool {
    value.as_object().is_some_and(is_placed)
}

/// The entries that stand in an object under the name of its section.
fn inner<'v>(section: &str, map: &'v Map<String, Value>) -> Option<&'v Value> {
    let inner = map.get(section)?;
    let holds_entries = match inner {
        Value::Object(map) => map.values().any(|value| is_entry(section, value)),
        Value::Array(items) => {
            !items.is_empty()
                && items
                    .iter()
                    .all(|item| item.is_object() && id(item).is_some())
        }
        _ => false,
    };
    holds_entries.then_some(inner)
}

/// The entries of a group that is written as an object with a name: `{"name": "Core", "services": {…}}`.
fn wrapped<'v>(section: &str, map: &'v Map<String, Value>) -> Option<&'v Value> {
    // Without a text it is told from a group of groups by having nothing else.
    let is_described = map.len() == 1 || map.values().any(Value::is_string);
    inner(section, map).filter(|_| is_described && !is_placed(map))
}

fn is_entry(section: &str, value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        (is_placed(map) || has_any(map, MARKS)) && wrapped(section, map).is_none()
    })
}

fn is_group(section: &str, value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            !items.is_empty() && items.iter().all(|item| id(item).is_some() || is_word(item))
        }
        Value::Object(map) => {
            !is_entry(section, value)
                && (wrapped(section, map).is_some()
                    || map.values().any(|value| is_entry(section, value))
                    || all_described(map)
                    || map.values().any(|value| holds_placed(section, value)))
        }
        _ => false,
    }
}

/// Whether somewhere in these groups is an entry of which it is said where it is.
fn holds_placed(section: &str, value: &Value) -> bool {
    let in_group = |value: &Value| {
        if is_entry(section, value) {
            is_placed_value(value)
        } else {
            holds_placed(section, value)
        }
    };
    match value {
        Value::Object(map) if !is_entry(section, value) => match wrapped(section, map) {
            Some(_) => true,
            None => map.values().any(in_group),
        },
        _ => false,
    }
}

/// Whether all in here are objects with a text that describes them, which is the least that people write of an entry. A
/// group may be described, too, but not everything in an entry is.
fn all_described(map: &Map<String, Value>) -> bool {
    let text = |value: &Value, key| value.get(key).is_some_and(Value::is_string);
    !map.is_empty()
        && map
            .values()
            .all(|value| text(value, "description") || text(value, "purpose"))
}

/// Whether this is a group beyond doubt: beside something that is neither an entry nor a group, a part of an entry may
/// look like one as well.
fn is_surely_group(section: &str, value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(is_placed_value),
        Value::Object(map) => {
            let objects: Vec<&Value> = map.values().filter(|value| value.is_object()).collect();
            holds_placed(section, value)
                || objects.len() > 1 && objects.iter().all(|value| is_entry(section, value))
        }
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// The form of an object that holds the entries of a section, in groups or not.
pub(super) fn form_of(section: &str, map: &Map<String, Value>) -> Form {
    if wrapped(section, map).is_some() {
        return Form::Groups;
    }
    let has_entry = map.values().any(|value| is_entry(section, value));
    let all_objects = map.values().all(Value::is_object);
    let mut groups = map.values().filter(|value| is_group(section, value));
    // One from which the last entry was taken says nothing.
    let is_other = |value: &Value| {
        (value.is_object() || value.is_array()) && !is_empty(value) && !is_group(section, value)
    };
    let is_grouped = if map.values().any(is_other) && all_objects {
        groups.any(|value| is_surely_group(section, value))
    } else {
        groups.next().is_some()
    };
    if is_grouped && !has_entry {
        Form::Groups
    } else if (all_objects || has_entry) && !map.is_empty() {
        Form::Map
    } else {
        Form::Value
    }
}

/// Tells the members of an object in the form of a map or of groups.
#[derive(Debug)]
pub(in crate::registry::import) struct Members<'s> {
    /// The name of a section that is known to hold entries.
    section: Option<&'s str>,
    form: Form,
    is_wrapped: bool,
    /// The keys by which the entries here say where they are.
    places: Vec<&'static str>,
}

impl<'s> Members<'s> {
    pub(in crate::registry::import) fn of(
        section: Option<&'s str>,
        form: Form,
        map: &Map<String, Value>,
    ) -> Self {
        let is_wrapped = section.is_some_and(|section| wrapped(section, map).is_some());
        let entries: Vec<_> = map
            .values()
            .filter(|value| section.is_some_and(|section| is_entry(section, value)))
            .filter_map(Value::as_object)
            .collect();
        let is_used = |key: &&str| entries.iter().any(|entry| has(entry, key));
        let places = PLACES.iter().chain(SHARED).copied().filter(is_used);
        Self {
            section,
            form,
            is_wrapped,
            places: places.collect(),
        }
    }

    pub(in crate::registry::import) fn tell(&self, key: &str, value: &Value) -> Member {
        let Some(section) = self.section else {
            return if value.is_object() {
                Member::Entry
            } else {
                Member::Value
            };
        };
        let is_group = match self.form {
            Form::Groups if self.is_wrapped => key == section,
            Form::Groups => is_empty(value) || is_group(section, value),
            _ => is_group(section, value) && self.is_like_these(value),
        };
        if is_group {
            Member::Group
        } else if value.is_object() && self.form == Form::Map {
            Member::Entry
        } else {
            Member::Value
        }
    }

    /// Whether all in a group say where they are as the entries beside it do: only so it is told from one more entry, which
    /// has nothing but parts.
    fn is_like_these(&self, group: &Value) -> bool {
        let is_like = |value: &Value| match value {
            Value::Object(map) => has_any(map, &self.places) || self.is_like_these(value),
            _ => false,
        };
        match group {
            Value::Array(items) => items.iter().all(is_like),
            Value::Object(map) => {
                let mut objects = map.values().filter(|value| value.is_object()).peekable();
                objects.peek().is_some() && objects.all(is_like)
            }
            _ => false,
        }
    }
}

/// Whether this is nothing but texts of which none is one that entries have: in `"passwords": {"db": …}` the key over them
/// says what they are, even where an entry would stand.
pub(in crate::registry::import) fn is_bag(section: &str, value: &Value) -> bool {
    let all_texts = |map: &Map<String, Value>| map.values().all(Value::is_string);
    value.as_object().is_some_and(all_texts) && !is_entry(section, value)
}

/// Whether what was taken for an entry may be a group: it has entries under the name of its section, it has no place of its
/// own and all objects in it have one, or it has nothing but objects.
pub(in crate::registry::import) fn may_be_group(section: &str, entry: &Value) -> bool {
    let Some(map) = entry.as_object().filter(|map| !map.is_empty()) else {
        return false;
    };
    let holds_objects = |value: &Value| match value {
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_object),
        value => value.is_object(),
    };
    let is_addressed = |value: &&Value| match value.as_object() {
        Some(map) => has_any(map, ADDRESSES),
        None => false,
    };
    let mut objects = map.values().filter(|value| value.is_object()).peekable();
    inner(section, map).is_some()
        || map.values().all(holds_objects)
        || !is_placed(map) && objects.peek().is_some() && objects.all(|value| is_addressed(&value))
}
