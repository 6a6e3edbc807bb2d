//! The leaf types that cross every boundary: [`Id`], [`Timestamp`] and [`Json`], warnings, and the seeds of runs.
//!
//! Only here are conversions to a binding's language written by hand, in a file for each language; every other
//! boundary type derives them.

mod json;
#[cfg(feature = "mobile")]
mod mobile;
#[cfg(feature = "node")]
mod node;
#[cfg(feature = "python")]
mod python;
mod seed;
mod words;

use std::fmt;

pub use self::json::Json;
pub(crate) use self::json::{plain_numbers, weight};
pub use self::seed::{MAX_SEED, checked_seed, random_seed, seed_of_text};
pub(crate) use self::words::words;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

/// A point in time in UTC, with microseconds: what both databases keep.
pub type Timestamp = DateTime<Utc>;

/// The current time, cut to the microseconds that storage keeps, so that a value read back equals the one written.
pub(crate) fn now() -> Timestamp {
    Utc::now().trunc_subsecs(6)
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The bytes behind lower-case hex digits, if they are as many as asked for.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    unhex_all(text)?.try_into().ok()
}

/// The bytes behind lower-case hex digits.
pub(crate) fn unhex_all(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let byte = |[high, low]: &[u8; 2]| Some(value(*high)? << 4 | value(*low)?);
    pairs.iter().map(byte).collect()
}

/// The name of a stored thing: a UUID (version 7, RFC 9562) where the engine chose it, text where the user did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
#[cfg_attr(
    feature = "python",
    derive(pyo3::IntoPyObject, pyo3::FromPyObject),
    pyo3(transparent)
)]
#[cfg_attr(feature = "node", napi_derive::napi(transparent))]
pub struct Id(String);

impl Id {
    /// A new identifier that sorts after all earlier ones of this process.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as a UUID, unless the user chose another text.
    pub(crate) fn uuid(&self) -> Option<uuid::Uuid> {
        self.0.parse().ok()
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Something a reader noticed that did not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Warning {
    /// What kind of thing was noticed, in upper case: `UNKNOWN_KEY`, `NO_HISTORY`.
    pub code: String,
    /// Where, such as `pipeline.stages[3].mcConfig`; empty for the whole document.
    pub path: String,
    /// The sentence for people.
    pub message: String,
}

impl Warning {
    /// A warning of this code about the thing at `path`.
    pub fn new(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            path: path.into(),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_sort_in_order_of_creation() {
        let ids: Vec<Id> = (0..1000).map(|_| Id::new()).collect();
        assert!(ids.is_sorted());
    }
}
