//! How a section of a registry is written, told by its shape and never by a version number.

use serde_json::{Map, Value};

/// How a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::registry) enum Form {
    /// A list of objects, each with its `id` (or `name`).
    List,
    /// An object of objects, each under its id.
    Map,
    /// A list of ids, of which some may be written as objects.
    Words,
    /// An object of sections: `{"core": {…}, "edge": […]}`.
    Groups,
    /// Anything else, kept as one value.
    Value,
}

impl Form {
    pub(in crate::registry) fn word(self) -> &'static str {
        match self {
            Self::List => "LIST",
            Self::Map => "MAP",
            Self::Words => "WORDS",
            Self::Groups => "GROUPS",
            Self::Value => "VALUE",
        }
    }

    /// The form of a section; `known` ones hold entries by their name, all others only if they look so.
    pub(super) fn of(known: bool, value: &Value) -> Self {
        match value {
            Value::Array(items) if items.is_empty() && known => Self::List,
            Value::Object(map) if map.is_empty() && known => Self::Map,
            Value::Array(items) if !items.is_empty() => {
                let named = items.iter().filter(|item| id(item).is_some()).count();
                let words = items.iter().filter(|item| is_word(item)).count();
                if known && words > 0 && named + words == items.len() {
                    Self::Words
                } else if named == items.len() || (known && named > 0) {
                    Self::List
                } else {
                    Self::Value
                }
            }
            Value::Object(map) if known && is_grouped(map) => Self::Groups,
            Value::Object(map)
                if map.values().all(Value::is_object) || (known && has_entry(map)) =>
            {
                Self::of_map(map)
            }
            _ => Self::Value,
        }
    }

    fn of_map(map: &Map<String, Value>) -> Self {
        if map.is_empty() {
            Self::Value
        } else {
            Self::Map
        }
    }
}

/// The name of an item in a list: its `id`, a text or an integer, or else its `name`.
pub(super) fn id(item: &Value) -> Option<String> {
    let text = |key: &str| match item.get(key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    };
    text("id").or_else(|| text("name"))
}

fn is_word(item: &Value) -> bool {
    item.as_str()
        .is_some_and(|word| !word.trim().is_empty() && !word.contains(char::is_whitespace))
}

/// Keys that an entry has and a group of entries has not.
const MARKS: &[&str] = &[
    "id",
    "name",
    "port",
    "endpoint",
    "url",
    "health",
    "healthPath",
    "role",
    "type",
    "status",
    "version",
    "enabled",
    "file",
    "file_path",
    "path",
    "tool",
    "triggers",
    "trigger_on",
    "model",
    "provider",
    "criticality",
    "sourceOfTruth",
];

fn is_entry(value: &Value) -> bool {
    let marked = |mark: &&str| value.get(*mark).is_some_and(|value| !value.is_object());
    MARKS.iter().any(marked)
}

fn has_entry(map: &Map<String, Value>) -> bool {
    map.values().any(is_entry)
}

/// Whether every list and object in here is a group of entries. One from which the last entry was taken says nothing.
fn is_grouped(map: &Map<String, Value>) -> bool {
    let holds_something = |value: &&Value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => false,
    };
    let mut groups = map.values().filter(holds_something).peekable();
    groups.peek().is_some() && groups.all(is_group)
}

fn is_group(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| id(item).is_some() || is_word(item)),
        Value::Object(map) => !is_entry(value) && (has_entry(map) || all_described(map)),
        _ => false,
    }
}

/// Whether all in here are objects with a text that describes them, which is the least that people write of an entry. A
/// group may be described, too, but not everything in an entry is.
fn all_described(map: &Map<String, Value>) -> bool {
    map.values()
        .all(|value| value.get("description").is_some_and(Value::is_string))
}

/// Formats that share a word with registries, and what to say about them.
const OTHERS: &[(&[&str], &str)] = &[
    (&["openapi"], "an API description"),
    (&["swagger"], "an API description"),
    (&["asyncapi"], "an API description"),
    (&["mcpServers"], "a configuration of MCP servers"),
    (&["pipeline"], "a pipeline definition (heady run)"),
    (&["apiVersion", "kind"], "a Kubernetes resource"),
    (&["name", "version", "scripts"], "a package manifest"),
    (&["lockfileVersion"], "a lock file"),
    (&["nodes", "edges"], "a graph"),
    (&["nodes", "links"], "a graph"),
    (&["nodes", "connections"], "a graph"),
    (&["files", "patterns", "tasks"], "an index of files"),
];

/// The services of a Compose file, if this is one.
pub(in crate::registry) fn compose(top: &Map<String, Value>) -> Option<&Map<String, Value>> {
    let image = |service: &Value| service.get("image").or(service.get("build")).is_some();
    let services = top.get("services")?.as_object()?;
    (!services.is_empty() && services.values().all(image)).then_some(services)
}

/// What a document is, if it is known to be something else than a registry.
pub(super) fn foreign(top: &Map<String, Value>) -> Option<&'static str> {
    if compose(top).is_some() {
        return Some("a Compose file: what is deployed, not what is registered");
    }
    OTHERS
        .iter()
        .find(|(keys, _)| keys.iter().all(|key| top.contains_key(*key)))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn forms_are_told_by_their_shape() {
        for (known, value, form) in [
            (true, json!([]), Form::List),
            (false, json!([]), Form::Value),
            (true, json!({}), Form::Map),
            (false, json!({}), Form::Value),
            (
                true,
                json!([{"id": "a"}, {"name": "b"}, {"id": 3}]),
                Form::List,
            ),
            (true, json!([{"id": "a"}, {"port": 1}]), Form::List),
            (false, json!([{"id": "a"}, {"port": 1}]), Form::Value),
            (true, json!(["a", "b"]), Form::Words),
            (false, json!(["a", "b"]), Form::Value),
            (true, json!([{"port": 1}]), Form::Value),
            (true, json!({"API": {"port": 3301}}), Form::Map),
            (true, json!({"api": {"config": {}, "slo": {}}}), Form::Map),
            (true, json!({"api": {"port": 1}, "count": 1}), Form::Map),
            (false, json!({"low": {}, "high": {}}), Form::Map),
            (false, json!({"low": {}, "count": 1}), Form::Value),
            (
                true,
                json!({"core": {"api": {"port": 1}}, "edge": [{"id": "x"}], "note": "n"}),
                Form::Groups,
            ),
            (true, json!({"core": ["api", "web"]}), Form::Groups),
            (
                true,
                json!({"core": {"api": {"port": 1}}, "edge": {}, "lab": []}),
                Form::Groups,
            ),
            (
                true,
                json!({"core": {"api": {"description": "a"}, "web": {"description": "w"}}}),
                Form::Groups,
            ),
            (true, json!({"api": {"port": 1}, "new": {}}), Form::Map),
            (
                true,
                json!({"api": {"name": "x", "deps": {"a": {"type": "t"}}}}),
                Form::Map,
            ),
            (true, json!("none"), Form::Value),
        ] {
            assert_eq!(Form::of(known, &value), form, "{known} {value}");
        }
    }

    #[test]
    fn other_formats_are_recognized() {
        for (document, found) in [
            (
                json!({"services": {"web": {"image": "nginx"}, "db": {"build": "."}}}),
                true,
            ),
            (
                json!({"openapi": "3.1.0", "components": {"schemas": {"x": {"type": "object"}}}}),
                true,
            ),
            (json!({"nodes": [{"id": "a"}], "edges": []}), true),
            (
                json!({"name": "heady", "version": "1.0.0", "services": []}),
                false,
            ),
            (json!({"services": {"web": {"port": 1}}}), false),
        ] {
            assert_eq!(
                foreign(document.as_object().unwrap()).is_some(),
                found,
                "{document}"
            );
        }
    }
}
