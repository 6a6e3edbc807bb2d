//! The reading of a parsed document, key by key.

use std::fmt;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::types::Warning;

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
    fn words_for_truth_values_are_understood_where_one_is_wanted() {
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
    fn unknown_keys_are_errors_in_our_objects_and_warnings_in_theirs() {
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
    }
}
