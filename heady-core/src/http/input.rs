//! The options of a call, put together from path, query and body.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::document;
use crate::error::{Error, Result};
use crate::types::Timestamp;

/// No options.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// What a path with `{id}` names.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    /// Which one.
    pub(super) id: String,
}

/// How the text of a parameter is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Boolean,
    Time,
    List,
}

/// The fields of an options type, read from its schema: paths and queries have only texts.
#[derive(Debug)]
pub(super) struct Shape(BTreeMap<String, Kind>);

/// The schema of an options type without references.
pub(super) fn flat_schema<O: JsonSchema>() -> Schema {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<O>()
}

impl Shape {
    pub(super) fn of<O: JsonSchema>() -> Self {
        let schema = flat_schema::<O>();
        let fields = schema.get("properties").and_then(Value::as_object);
        let kind = |field: &Value| {
            let is = |word: &str| match &field["type"] {
                Value::Array(types) => types.iter().any(|kind| kind == word),
                kind => kind == word,
            };
            match () {
                () if is("integer") || is("number") => Kind::Number,
                () if is("boolean") => Kind::Boolean,
                () if is("array") => Kind::List,
                () if field["format"] == "date-time" => Kind::Time,
                () => Kind::Text,
            }
        };
        Self(
            fields
                .into_iter()
                .flatten()
                .map(|(name, field)| (name.clone(), kind(field)))
                .collect(),
        )
    }

    /// Whether there is a field of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds parameters to the options. One that stands there already must have the same value.
    pub(super) fn add(
        &self,
        options: &mut Map<String, Value>,
        parameters: impl IntoIterator<Item = (String, String)>,
    ) -> Result<()> {
        let mut lists: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (name, text) in parameters {
            match self.0.get(&name) {
                Some(Kind::List) => lists.entry(name).or_default().push(text.into()),
                kind => {
                    let value = value(&name, text, kind.copied().unwrap_or(Kind::Text))?;
                    set(options, name, value)?;
                }
            }
        }
        for (name, values) in lists {
            set(options, name, values.into())?;
        }
        Ok(())
    }
}

fn set(options: &mut Map<String, Value>, name: String, value: Value) -> Result<()> {
    match options.get(&name) {
        Some(present) if *present != value => Err(Error::invalid_argument(format!(
            "{name}: is given twice, with different values"
        ))),
        _ => {
            options.insert(name, value);
            Ok(())
        }
    }
}

fn value(name: &str, text: String, kind: Kind) -> Result<Value> {
    let read = |what: &str| match serde_json::from_str(&text) {
        Ok(value @ (Value::Number(_) | Value::Bool(_))) => Ok(value),
        _ => Err(Error::invalid_argument(format!(
            "{name}: must be {what}, not '{text}'"
        ))),
    };
    match kind {
        Kind::Number => read("a number"),
        Kind::Boolean => read("true or false"),
        // In a query '+' is a blank.
        Kind::Time if text.parse::<Timestamp>().is_err() => Err(Error::invalid_argument(format!(
            "{name}: must be a time as in RFC 3339, such as 2026-11-30T08:00:00Z (in a query the '+' of an offset is %2B), \
             not '{text}'"
        ))),
        Kind::Text | Kind::Time | Kind::List => Ok(text.into()),
    }
}

/// The object in a body; an empty body is an empty object.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::invalid_argument("the body is no UTF-8 text").caused_by(error))?;
    match document::parse_json(text).map_err(|error| error.context("the body"))? {
        Value::Object(object) => Ok(object),
        _ => Err(Error::invalid_argument("the body must be a JSON object")),
    }
}

/// Reads options as strictly as every other door does.
pub(super) fn read<O: DeserializeOwned>(options: Map<String, Value>) -> Result<O> {
    serde_path_to_error::deserialize(Value::Object(options)).map_err(|error| {
        let path = error.path().to_string();
        let message = error.into_inner().to_string();
        Error::invalid_argument(match path.as_str() {
            "." => message,
            _ => format!("{path}: {message}"),
        })
    })
}
