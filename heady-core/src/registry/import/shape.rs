//! How a section of a registry is written, told by its shape and never by a version number.

mod foreign;
mod group;

use serde_json::{Map, Value};

pub(in crate::registry) use self::foreign::compose;
pub(super) use self::foreign::foreign;
pub(super) use self::group::{Member, Members, is_bag, may_be_group};

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

    /// The form of a section. One with a `name` that is known holds entries, all others only if they look so.
    pub(super) fn of(name: Option<&str>, value: &Value) -> Self {
        let known = name.is_some();
        match value {
            Value::Array(items) if items.is_empty() && known => Self::List,
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
            Value::Object(map) => match name {
                Some(name) => Self::of_members(name, map),
                None => Self::of_map(map),
            },
            _ => Self::Value,
        }
    }

    /// The form of an object that is a section with a name that is known.
    pub(super) fn of_members(name: &str, map: &Map<String, Value>) -> Self {
        if map.is_empty() {
            Self::Map
        } else {
            group::form_of(name, map)
        }
    }

    fn of_map(map: &Map<String, Value>) -> Self {
        if !map.is_empty() && map.values().all(Value::is_object) {
            Self::Map
        } else {
            Self::Value
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
            let name = known.then_some("services");
            assert_eq!(Form::of(name, &value), form, "{known} {value}");
        }
    }
}
