//! Any JSON: how it crosses the boundaries, what it weighs, and its numbers as both databases keep them.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};

/// Any JSON value: an object or plain value in JavaScript and Python, JSON text on mobile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Json(pub Value);

impl Json {
    /// JSON's null.
    pub const NULL: Self = Self(Value::Null);

    /// The plain value.
    pub fn into_inner(self) -> Value {
        self.0
    }
}

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl FromStr for Json {
    type Err = Error;

    /// Reads JSON text of a caller.
    fn from_str(text: &str) -> Result<Self> {
        serde_json::from_str(text).map(Self).map_err(|error| {
            Error::invalid_argument(format!("this is not JSON: {error}"))
                .at(error.line() as u64, error.column() as u64)
        })
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// About how many bytes a value has as JSON, without writing it.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| 1 + weight(item)).sum::<usize>(),
        Value::Object(map) => {
            2 + map
                .iter()
                .map(|(key, value)| key.len() + 4 + weight(value))
                .sum::<usize>()
        }
        _ => 8,
    }
}

/// Makes integers of the floats that are written with an exponent, are some and fit 64 bits: PostgreSQL gives `1e17` back as
/// `100000000000000000`, so that what was stored would differ from what is declared again.
pub(crate) fn plain_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(integer) = number.as_f64().and_then(integer) {
                *value = integer;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_numbers),
        Value::Object(map) => map.values_mut().for_each(plain_numbers),
        _ => {}
    }
}

/// The integer that a float is, if 64 bits are enough for it.
fn integer(float: f64) -> Option<Value> {
    // Both bounds are floats, so whatever is between them is cut off nowhere.
    const I64: f64 = 9_223_372_036_854_775_808.0;
    // From here on an exponent is written, and there are no fractions.
    const EXPONENT: f64 = 1e16;
    if float.abs() < EXPONENT {
        None
    } else if (-I64..I64).contains(&float) {
        Some((float as i64).into())
    } else if (I64..2.0 * I64).contains(&float) {
        Some((float as u64).into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn large_floats_that_are_integers_become_some() {
        let mut value = json!({
            "a": [1.0, 1e16, 1e17, -9_223_372_036_854_775_808.0, 1.8e19],
            "b": {"c": [0.5, 1e20, -1e19, 7, "1.0", null]},
        });
        plain_numbers(&mut value);
        assert_eq!(
            value,
            json!({
                "a": [1.0, 10_000_000_000_000_000_i64, 100_000_000_000_000_000_i64, i64::MIN, 18_000_000_000_000_000_000_u64],
                "b": {"c": [0.5, 1e20, -1e19, 7, "1.0", null]},
            })
        );
    }
}
