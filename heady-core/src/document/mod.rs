//! Texts that people write (definitions, plans, registry files) and their reading, key by key.
//!
//! YAML and JSON are equal everywhere. YAML is read by its version 1.2: `on`, `off`, `yes` and `no` are texts, so that
//! a setting such as `speedPriority: on` keeps its word; where a truth value is wanted they are understood as one.
//! Every error names the place: line and column while the text is parsed, the path of the key afterwards.

mod fields;
mod unique;

use std::path::Path;

use serde::de::DeserializeSeed;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

pub(crate) use self::fields::{Field, Fields};
use self::unique::UniqueKeys;
use crate::error::{Error, Result};

/// The most a document may weigh; the largest real one of ours is half a megabyte.
const MAX_BYTES: usize = 16 << 20;

/// Reads a YAML or JSON file, chosen by its extension (`.json`, else YAML).
///
/// # Errors
/// `NOT_FOUND`, `PERMISSION_DENIED` or `INVALID_ARGUMENT` with line and column.
pub async fn read(path: &Path) -> Result<Value> {
    let context = |error: Error| error.context(format_args!("'{}'", path.display()));
    let bytes = bytes_of(path)
        .await
        .map_err(|error| context(io_error(error)))?;
    check_size(bytes.len()).map_err(context)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| context(no_text(&bytes, error)))?;
    // Editors on Windows put a mark in front that is no part of the text.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("json") => parse_json(text),
        _ => parse_yaml(text),
    }
    .map_err(context)
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
        _ => Error::invalid_argument(format!("cannot be read: {error}")),
    }
    .caused_by(error)
}

/// Parses YAML 1.2 (of which JSON is a part) without ever evaluating anything.
pub fn parse_yaml(text: &str) -> Result<Value> {
    check_size(text.len())?;
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location();
        // The parser says where, too; the place travels in the details as well. What it advises its caller to do about a
        // repeated key is no business of whoever wrote the text.
        let told = error
            .to_string()
            .replace(", set DuplicateKeyPolicy in Options if acceptable", "");
        let error = Error::invalid_argument(format!("not readable as YAML: {told}"));
        match place {
            Some(place) => error.at(place.line(), place.column()),
            None => error,
        }
    })
}

/// Parses JSON (RFC 8259), refusing objects that name a key twice.
pub fn parse_json(text: &str) -> Result<Value> {
    check_size(text.len())?;
    if text.trim().is_empty() {
        return Err(Error::invalid_argument("not readable as JSON: nothing stands there").at(1, 1));
    }
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
        let twice = parse_yaml("a: 1\na: 2\n").unwrap_err();
        assert!(
            twice
                .message()
                .ends_with("duplicate mapping key: a at line 2, column 1"),
            "{twice}"
        );
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_a_document_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("registry.json");
        let refused = async |bytes: &[u8]| {
            std::fs::write(&file, bytes).unwrap();
            read(&file).await.unwrap_err()
        };
        let latin = refused(b"{\n \"n\": \"caf\xe9\"}").await;
        assert!(
            latin
                .message()
                .ends_with("not a UTF-8 text, at line 2 column 11"),
            "{latin}"
        );
        assert_eq!(latin.details().unwrap()["column"], 11);
        let wide = refused(b"\xff\xfe{\0}\0").await;
        assert!(wide.message().contains("UTF-16"), "{wide}");
        let empty = refused(b" \r\n").await;
        assert!(empty.message().contains("nothing stands there"), "{empty}");
        // A terabyte, of which no more is read than it takes to refuse it.
        std::fs::File::create(&file)
            .unwrap()
            .set_len(1 << 40)
            .unwrap();
        assert_eq!(read(&file).await.unwrap_err().code(), "RESOURCE_EXHAUSTED");
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        assert_eq!(read(&file).await.unwrap_err().code(), "INVALID_ARGUMENT");
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
}
