//! Texts that people write (definitions, plans, registry files) and their reading, key by key.
//!
//! YAML and JSON are equal everywhere. YAML is read by its version 1.2: `on`, `off`, `yes` and `no` are texts, so that
//! a setting such as `speedPriority: on` keeps its word; where a truth value is wanted they are understood as one.
//! Every error names the place: line and column while the text is parsed, the path of the key afterwards.

mod fields;
mod large;
#[cfg(test)]
mod tests;
mod unique;
mod yaml;

use std::io::Read;
use std::path::Path;

use serde::Deserializer;
use serde::de::DeserializeSeed;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

pub(crate) use self::fields::{Field, Fields};
pub(crate) use self::unique::Repeated;
use self::unique::{Keys, UniqueKeys};
use crate::error::{Error, Result};

/// The most a document may weigh; the largest real one of ours is half a megabyte.
const MAX_BYTES: usize = 16 << 20;

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Yaml,
}

impl Format {
    /// That of a file, by its extension.
    fn of(path: &Path) -> Self {
        let is = |name: &str| {
            path.extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case(name))
        };
        if ["json", "jsonc", "json5"].into_iter().any(is) {
            Self::Json
        } else {
            Self::Yaml
        }
    }

    /// That of a text without a name.
    fn guessed(text: &str) -> Self {
        if text.trim_start().starts_with(['{', '[']) {
            Self::Json
        } else {
            Self::Yaml
        }
    }
}

/// Reads a YAML or JSON file, chosen by its extension (`.json`, else YAML).
///
/// # Errors
/// `NOT_FOUND`, `PERMISSION_DENIED` or `INVALID_ARGUMENT` with line and column.
pub async fn read(path: &Path) -> Result<Value> {
    let context = |error: Error| error.context(format_args!("'{}'", path.display()));
    let text = text(path).await?;
    match Format::of(path) {
        Format::Json => json(&text, &mut Keys::default()),
        Format::Yaml => parse_yaml(&text),
    }
    .map_err(context)
}

/// The same as [`read`] for a file in which keys may be repeated, as `JSON.parse` reads it: the last one counts. All
/// repetitions are told.
pub(crate) async fn read_repeated(path: &Path) -> Result<(Value, Vec<Repeated>)> {
    let context = |error: Error| error.context(format_args!("'{}'", path.display()));
    let text = text(path).await?;
    parse_noting(&text, Format::of(path)).map_err(context)
}

/// The same for a text that is no file, in JSON or YAML.
pub(crate) fn parse_repeated(text: &str) -> Result<(Value, Vec<Repeated>)> {
    check_size(text.len())?;
    parse_noting(text, Format::guessed(text))
}

/// The same as [`read`] for a text that is no file.
pub(crate) fn parse(text: &str) -> Result<Value> {
    check_size(text.len())?;
    match Format::guessed(text) {
        Format::Json => json(text, &mut Keys::default()),
        Format::Yaml => parse_yaml(text),
    }
}

/// A value in which no key is repeated, as part of something else that is read.
pub(crate) fn unrepeated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    UniqueKeys(&mut Keys::default()).deserialize(deserializer)
}

fn parse_noting(text: &str, format: Format) -> Result<(Value, Vec<Repeated>)> {
    let mut keys = Keys::noted();
    let value = match format {
        Format::Json => json(text, &mut keys),
        Format::Yaml => yaml::parse(text, &mut keys, true),
    }?;
    Ok((value, keys.into_repeated()))
}

/// The text in a file.
///
/// # Errors
/// As those of [`read`].
pub async fn text(path: &Path) -> Result<String> {
    let context = |error: Error| error.context(format_args!("'{}'", path.display()));
    let bytes = bytes_of(path)
        .await
        .map_err(|error| context(io_error(error)))?;
    decoded(bytes).map_err(context)
}

/// The text that somebody sends, such as through a pipe.
///
/// # Errors
/// As those of [`read`].
pub fn text_from(source: impl Read) -> Result<String> {
    let mut bytes = Vec::new();
    let mut source = source.take(MAX_BYTES as u64 + 1);
    source.read_to_end(&mut bytes).map_err(io_error)?;
    decoded(bytes)
}

fn decoded(bytes: Vec<u8>) -> Result<String> {
    check_size(bytes.len())?;
    let mut text =
        String::from_utf8(bytes).map_err(|error| no_text(error.as_bytes(), error.utf8_error()))?;
    // Editors on Windows put a mark in front that is no part of the text.
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}

/// What stands in a file, and no more of it than is needed to see that it is too much.
async fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .await?;
    Ok(bytes)
}

/// The error for bytes that are no UTF-8, with the place of the first.
fn no_text(bytes: &[u8], error: std::str::Utf8Error) -> Error {
    let what = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "a text in UTF-16; save it as UTF-8",
        _ => "not a UTF-8 text",
    };
    let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let line = before.matches('\n').count() as u64 + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() as u64 + 1;
    Error::invalid_argument(format!("{what}, at line {line} column {column}"))
        .at(line, column)
        .caused_by(error)
}

fn io_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Error::new(crate::ErrorKind::NotFound, "no such file"),
        std::io::ErrorKind::PermissionDenied => {
            Error::permission_denied("no right to read this file")
        }
        std::io::ErrorKind::IsADirectory => {
            Error::invalid_argument("this is a folder; name a file in it")
        }
        _ => Error::invalid_argument(format!("cannot be read: {error}")),
    }
    .caused_by(error)
}

/// Parses YAML 1.2 (of which JSON is a part) without ever evaluating anything, refusing objects that name a key twice.
pub fn parse_yaml(text: &str) -> Result<Value> {
    check_size(text.len())?;
    yaml::parse(text, &mut Keys::default(), false)
}

/// Parses JSON (RFC 8259) that somebody sends, refusing objects that name a key twice and integers of more than 64 bits, which
/// would be rounded.
pub fn parse_json(text: &str) -> Result<Value> {
    check_size(text.len())?;
    json(text, &mut Keys::refusing(large::first_large(text)))
}

fn json(text: &str, keys: &mut Keys) -> Result<Value> {
    if text.trim().is_empty() {
        return Err(Error::invalid_argument("not readable as JSON: nothing stands there").at(1, 1));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let unreadable = |error: serde_json::Error, what: &str| {
        let (line, column) = (error.line(), error.column());
        let what = if is_comment(text, line, column) {
            "JSON has no comments; take them out, or save it as YAML with '#' in front of them: "
        } else {
            what
        };
        Error::invalid_argument(format!("not readable as JSON: {what}{error}"))
            .at(line as u64, column as u64)
    };
    let value = UniqueKeys(keys)
        .deserialize(&mut deserializer)
        .map_err(|error| unreadable(error, ""))?;
    deserializer
        .end()
        .map_err(|error| unreadable(error, "the document is over and something follows: "))?;
    Ok(value)
}

/// Whether a comment as in JavaScript begins at a place, of which the parser counts the bytes.
fn is_comment(text: &str, line: usize, column: usize) -> bool {
    let line = text.split('\n').nth(line.saturating_sub(1));
    let rest = line.and_then(|line| line.get(column.saturating_sub(1)..));
    rest.is_some_and(|rest| rest.starts_with("//") || rest.starts_with("/*"))
}

fn check_size(bytes: usize) -> Result<()> {
    if bytes > MAX_BYTES {
        return Err(Error::resource_exhausted(format!(
            "more than the {MAX_BYTES} bytes that a document may have"
        )));
    }
    Ok(())
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
