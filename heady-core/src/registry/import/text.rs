//! The reading of a registry: from a file, from a text, or as it was handed over.

use std::path::PathBuf;

use serde_json::Value;

use super::catalog::{Catalog, path, path_of};
use crate::document::{self, Repeated};
use crate::error::{Error, Result};
use crate::store::DEEPEST;
use crate::types::Warning;

/// A registry that was read, and what to call it.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) name: String,
    /// The absolute path of a file that can be read again.
    pub(super) location: Option<PathBuf>,
    pub(super) document: Value,
    pub(super) repeated: Vec<Repeated>,
}

/// Reads a registry once: there may be no second time, as with a pipe.
pub(super) async fn read(path: Option<String>, document: Option<Value>) -> Result<Read> {
    let read = match (path, document) {
        (Some(path), None) => {
            let path = PathBuf::from(path);
            let name = path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            );
            let found = tokio::fs::metadata(&path).await;
            let (document, repeated) = document::read_repeated(&path).await?;
            let is_file = found.is_ok_and(|found| found.is_file());
            let location = std::path::absolute(&path).unwrap_or(path);
            Read {
                name,
                location: is_file.then_some(location),
                document,
                repeated,
            }
        }
        (None, Some(document)) => {
            let name = "document".to_owned();
            let (document, repeated) = match document {
                Value::String(text) => document::parse_repeated(&text)
                    .map_err(|error| error.context(format_args!("'{name}'")))?,
                document => (document, Vec::new()),
            };
            Read {
                name,
                location: None,
                document,
                repeated,
            }
        }
        _ => {
            return Err(Error::invalid_argument(
                "a registry is read from either path or document",
            ));
        }
    };
    check(&read.document).map_err(|error| error.context(format_args!("'{}'", read.name)))?;
    Ok(read)
}

/// Refuses what could not be stored, by its place, before anything is done.
fn check(document: &Value) -> Result<()> {
    fn look(value: &Value, place: &str, levels: usize) -> Result<()> {
        let refused =
            |what: String| Err(Error::invalid_argument(format!("{}: {what}", short(place))));
        let nul = "a text has the character U+0000, which cannot be stored";
        match value {
            Value::String(text) if text.contains('\0') => refused(nul.to_owned()),
            Value::Array(_) | Value::Object(_) if levels == 0 => {
                refused(format!("JSON is nested in more than {DEEPEST} levels"))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .try_for_each(|(index, item)| look(item, &format!("{place}[{index}]"), levels - 1)),
            Value::Object(map) => map.iter().try_for_each(|(key, value)| {
                if key.contains('\0') {
                    return refused(nul.to_owned());
                }
                look(value, &path_of(key, place), levels - 1)
            }),
            _ => Ok(()),
        }
    }
    look(document, "", DEEPEST)
}

/// The beginning of a place, which is enough to find what is nested too deeply.
fn short(place: &str) -> String {
    const MOST: usize = 80;
    match place.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &place[..end]),
        None => place.to_owned(),
    }
}

impl Catalog {
    /// Tells which keys stood in an object again; of an entry there is one, and only the last of them is known.
    pub(super) fn tell_repeated(&mut self, repeated: Vec<Repeated>) {
        for Repeated {
            object,
            key,
            path: place,
            same,
        } in repeated
        {
            let is_entry = |item: &super::Item| item.section == object && item.id == key;
            let (code, place) = if !self.items.iter().any(is_entry) {
                ("REPEATED_KEY", place)
            } else if same {
                ("DUPLICATE_ID", path(&object, &key))
            } else {
                ("CONFLICTING_ID", path(&object, &key))
            };
            let message = if same {
                "stands there twice with the same value; one was taken"
            } else {
                "stands there twice and differs; the last counts, as in JavaScript"
            };
            self.warnings.push(Warning::new(code, place, message));
            if code != "REPEATED_KEY" {
                self.repeated.push((object, key, message));
            }
        }
    }
}
