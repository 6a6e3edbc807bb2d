//! Texts that people write (definitions, plans, registry files) and their reading, key by key.
//!
//! YAML and JSON are equal everywhere. YAML is read by its version 1.2: `on`, `off`, `yes` and `no` are texts, so that
//! a setting such as `speedPriority: on` keeps its word; where a truth value is wanted they are understood as one.
//! Every error names the place: line and column while the text is parsed, the path of the key afterwards.

use std::fmt;
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::types::Warning;

/// The most a document may weigh; the largest real one of ours is half a megabyte.
const MAX_BYTES: usize = 16 << 20;

/// Reads a YAML or JSON file, chosen by its extension (`.json`, else YAML).
///
/// # Errors
/// `NOT_FOUND`, `PERMISSION_DENIED` or `INVALID_ARGUMENT` with line and column.
pub async fn read(path: &Path) -> Result<Value> {
    let context = |error: Error| error.context(format_args!("'{}'", path.display()));
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|error| context(io_error(error)))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| context(Error::invalid_argument("not a UTF-8 text").caused_by(error)))?;
    // Editors on Windows put a mark in front that is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("json") => parse_json(text),
        _ => parse_yaml(text),
    }
    .map_err(context)
}

fn io_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(crate::ErrorKind::NotFound, "no such file"),
        std::io::ErrorKind::PermissionDenied => {
            Error::permission_denied("no right to read this file")
        }
        _ => Error::invalid_argument(format!("cannot be read: {error}")),
    }
    .caused_by(error)
}

/// Parses YAML 1.2 (of which JSON is a part) without ever evaluating anything.
pub fn parse_yaml(text: &str) -> Result<Value> {
    check_size(text)?;
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        // The parser puts "line L column C" in front; the place travels in the details as well.
        let error = Error::invalid_argument(format!("not readable as YAML: {error}"));
        match place {
            Some(place) => error.at(place.line(), place.column()),
            None => error,
        }
    })
}

/// Parses JSON (RFC 8259), refusing objects that name a key twice.
pub fn parse_json(text: &str) -> Result<Value> {
    check_size(text)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let unreadable = |error: serde_json::Error, what: &str| {
        Error::invalid_argument(format!("not readable as JSON: {what}{error}"))
            .at(error.line() as u64, error.column() as u64)
    };
    let value = UniqueKeys
        .deserialize(&mut deserializer)
        .map_err(|error| unreadable(error, ""))?;
    deserializer
        .end()
        .map_err(|error| unreadable(error, "the document is over and something follows: "))?;
    Ok(value)
}

fn check_size(text: &str) -> Result<()> {
    if text.len() > MAX_BYTES {
        return Err(Error::resource_exhausted(format!(
            "{} bytes are more than the {MAX_BYTES} a document may have",
            text.len()
        )));
    }
    Ok(())
}

/// Reads any JSON value as `serde_json` does, but an object with a repeated key is an error instead of a silent loss.
struct UniqueKeys;

impl<'de> DeserializeSeed<'de> for UniqueKeys {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueKeys {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(de::Error::custom(format_args!(
                    "the key '{key}' stands here twice"
                )));
            }
            map.insert(key, entries.next_value_seed(Self)?);
        }
        Ok(Value::Object(map))
    }
}

/// The hash that tells two documents apart: SHA-256 of the document as JSON with sorted keys, in hex. `1` and `1.0` are
/// one number, because languages differ in how they write it.
pub(crate) fn hash(document: &Value) -> String {
    fn normal(value: &Value) -> Value {
        match value {
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                    (float as i64).into()
                }
                _ => value.clone(),
            },
            Value::Array(items) => items.iter().map(normal).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), normal(value)))
                .collect(),
            other => other.clone(),
        }
    }
    crate::types::hex(&Sha256::digest(normal(document).to_string()))
}

/// One object of a document, read key by key; what was never asked for is found at the end.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The object at `path`.
    pub(crate) fn of(value: &'a Value, path: impl Into<String>) -> Result<Self> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self {
                path,
                map,
                known: Vec::new(),
            }),
            other => Err(Field { path, value: other }.expected("an object")),
        }
    }

    /// The value of a key, unless it is absent or null.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Field<'a>> {
        self.known.push(key);
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(Field {
            path: join(&self.path, key),
            value,
        })
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&mut self, key: &'static str) -> Result<Field<'a>> {
        self.get(key).ok_or_else(|| {
            Error::invalid_argument(format!("{}: is missing", join(&self.path, key)))
        })
    }

    /// Where this object stands.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The keys nobody asked for.
    fn unknown(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.map
            .keys()
            .map(String::as_str)
            .filter(|key| !self.known.contains(key))
    }

    /// The known key that an unknown one was probably meant to be: one or two letters away.
    fn meant(&self, key: &str) -> Option<&'static str> {
        let close = |known: &&&'static str| {
            strsim::damerau_levenshtein(known, key) <= (known.len() / 2).min(2)
        };
        self.known.iter().find(close).copied()
    }

    /// Ends the reading of an object of ours: a key nobody asked for is an error.
    pub(crate) fn finish_strict(self) -> Result<()> {
        let Some(key) = self.unknown().next() else {
            return Ok(());
        };
        let hint = match self.meant(key) {
            Some(known) => format!("did you mean '{known}'?"),
            None => format!("known here: {}", self.known.join(", ")),
        };
        Err(Error::invalid_argument(format!(
            "{}: unknown key; {hint}",
            join(&self.path, key)
        )))
    }

    /// Ends the reading of an object that users extend: a key nobody asked for is kept and reported, unless it is so
    /// close to a known one that it must be a slip.
    pub(crate) fn finish_lenient(self, warnings: &mut Vec<Warning>) -> Result<()> {
        for key in self.unknown() {
            let path = join(&self.path, key);
            if let Some(known) = self.meant(key) {
                return Err(Error::invalid_argument(format!(
                    "{path}: unknown key; did you mean '{known}'?"
                )));
            }
            warnings.push(Warning::new(
                "UNKNOWN_KEY",
                path,
                "kept, but nothing reads this key",
            ));
        }
        Ok(())
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// One value of a document and its path.
#[derive(Debug, Clone)]
pub(crate) struct Field<'a> {
    pub(crate) path: String,
    pub(crate) value: &'a Value,
}

impl<'a> Field<'a> {
    /// An error about this value.
    pub(crate) fn error(&self, rule: impl fmt::Display) -> Error {
        Error::invalid_argument(format!("{}: {rule}", self.path))
    }

    /// The error that says what should have stood here; it shows short values only.
    pub(crate) fn expected(&self, what: &str) -> Error {
        let found = match self.value {
            Value::Object(_) => "an object".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::String(text) if text.chars().count() > 40 => "a long text".to_owned(),
            other => other.to_string(),
        };
        self.error(format_args!("must be {what}, not {found}"))
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.expected("a text"))
    }

    /// A name: a text or an integer, as users write both.
    pub(crate) fn name(&self) -> Result<String> {
        let name = match self.value {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.is_i64() || number.is_u64() => number.to_string(),
            _ => return Err(self.expected("a text or an integer")),
        };
        if name.trim().is_empty() {
            return Err(self.error("must not be empty"));
        }
        Ok(name)
    }

    /// A truth value; YAML 1.1's words for one are understood, because a truth value is all they can mean here.
    pub(crate) fn boolean(&self) -> Result<bool> {
        match self.value {
            Value::Bool(value) => Ok(*value),
            Value::String(word) => match word.to_ascii_lowercase().as_str() {
                "on" | "yes" | "true" => Ok(true),
                "off" | "no" | "false" => Ok(false),
                _ => Err(self.expected("true or false")),
            },
            _ => Err(self.expected("true or false")),
        }
    }

    /// A finite number.
    pub(crate) fn number(&self) -> Result<f64> {
        self.value
            .as_f64()
            .filter(|number| number.is_finite())
            .ok_or_else(|| self.expected("a number"))
    }

    /// A finite number in a closed range.
    pub(crate) fn number_in(&self, low: f64, high: f64) -> Result<f64> {
        let number = self.number()?;
        if (low..=high).contains(&number) {
            Ok(number)
        } else if high == f64::INFINITY {
            Err(self.expected(&format!("at least {low}")))
        } else {
            Err(self.expected(&format!("between {low} and {high}")))
        }
    }

    /// An integer in a closed range; `2.0` is one, because JSON has one kind of number.
    pub(crate) fn integer_in(&self, low: i64, high: i64) -> Result<i64> {
        let exact =
            |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
        self.value
            .as_i64()
            .or_else(|| self.value.as_f64().and_then(exact))
            .filter(|number| (low..=high).contains(number))
            .ok_or_else(|| self.expected(&format!("an integer between {low} and {high}")))
    }

    pub(crate) fn list(&self) -> Result<Vec<Field<'a>>> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.expected("a list"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| Field {
                path: format!("{}[{index}]", self.path),
                value,
            })
            .collect())
    }

    /// A list of names.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        self.list()?.iter().map(Field::name).collect()
    }

    pub(crate) fn fields(&self) -> Result<Fields<'a>> {
        Fields::of(self.value, self.path.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_of_yaml_1_1_stay_words() {
        let value = parse_yaml("speed: on\nno: yes\nold: 012\nbig: 1_000\n1: x\n").unwrap();
        assert_eq!(
            value,
            json!({"speed": "on", "no": "yes", "old": "012", "big": "1_000", "1": "x"})
        );
        let field = |word: &'static str| Field {
            path: "a".into(),
            value: Box::leak(Box::new(json!(word))),
        };
        assert!(field("On").boolean().unwrap());
        assert!(!field("no").boolean().unwrap());
        assert_eq!(
            field("maybe").boolean().unwrap_err().message(),
            "a: must be true or false, not \"maybe\""
        );
    }

    #[test]
    fn a_broken_text_names_line_and_column() {
        let yaml = parse_yaml("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert_eq!(yaml.details().unwrap()["line"], 3);
        let json = parse_json("{\"a\": 1,\n \"b\": }").unwrap_err();
        assert_eq!(
            (
                &json.details().unwrap()["line"],
                &json.details().unwrap()["column"]
            ),
            (&json!(2), &json!(7))
        );
        let twice = parse_json("{\"a\": 1, \"a\": 2}").unwrap_err();
        assert!(twice.message().contains("'a' stands here twice"), "{twice}");
        assert!(
            parse_json("{} {}").unwrap_err().details().is_some(),
            "a second document is not dropped"
        );
        assert!(parse_yaml("a: 1\na: 2\n").is_err());
    }

    #[test]
    fn equal_numbers_hash_equally() {
        assert_eq!(
            hash(&json!({"b": [1, 2.0], "a": {"x": 1e3}})),
            hash(&json!({"a": {"x": 1000}, "b": [1.0, 2]}))
        );
        assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": 1.5})));
        assert_ne!(hash(&json!({"a": 1})), hash(&json!({"a": "1"})));
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = level - 1;
            text += &format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{last}"); 10].join(", ")
            );
        }
        assert_eq!(parse_yaml(&text).unwrap_err().code(), "INVALID_ARGUMENT");
    }

    #[test]
    fn unknown_keys_are_errors_in_our_objects_and_warnings_in_theirs() {
        let value = json!({"maxAttempts": 3, "maxAttemts": 4, "mcConfig": {}});
        let read = |value: &'static str| {
            let value = Box::leak(Box::new(serde_json::from_str(value).unwrap()));
            let mut fields = Fields::of(value, "retry").unwrap();
            fields.get("maxAttempts");
            fields
        };
        let slip = read(r#"{"maxAttemts": 4}"#).finish_strict().unwrap_err();
        assert_eq!(
            slip.message(),
            "retry.maxAttemts: unknown key; did you mean 'maxAttempts'?"
        );
        let mut warnings = Vec::new();
        assert!(
            read(r#"{"maxAttemts": 4}"#)
                .finish_lenient(&mut warnings)
                .is_err()
        );
        read(r#"{"mcConfig": {}}"#)
            .finish_lenient(&mut warnings)
            .unwrap();
        assert_eq!(warnings[0].path, "retry.mcConfig");
        drop(value);
    }
}
