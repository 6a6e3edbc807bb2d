//! The reading of a registry: from a file, from a text, or as it was handed over.

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;

use super::catalog::{Catalog, path};
use super::secrets::Place;
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

/// Where a registry is read from.
#[derive(Debug, Default)]
pub(in crate::registry) struct Origin {
    pub(in crate::registry) path: Option<String>,
    /// The registry itself, in place of a file.
    pub(in crate::registry) document: Option<Value>,
    /// What to call that.
    pub(in crate::registry) name: Option<&'static str>,
}

/// Reads a registry once: there may be no second time, as with a pipe.
pub(super) async fn read(origin: Origin) -> Result<Read> {
    let Origin {
        path,
        document,
        name,
    } = origin;
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
                // A path that is no text would be kept as another one.
                location: Some(location).filter(|path| is_file && path.to_str().is_some()),
                document,
                repeated,
            }
        }
        (None, Some(document)) => {
            let name = name.unwrap_or("document").to_owned();
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
    fn look(value: &Value, place: &mut Place, levels: usize) -> Result<()> {
        let refused = |place: &Place, what: String| {
            // The beginning is enough to find what is nested too deeply.
            let place = short(&place.shown());
            Err(Error::invalid_argument(format!("{place}: {what}")))
        };
        let nul = "a text has the character U+0000, which cannot be stored";
        match value {
            Value::String(text) if text.contains('\0') => refused(place, nul.to_owned()),
            Value::Array(_) | Value::Object(_) if levels == 0 => refused(
                place,
                format!("JSON is nested in more than {DEEPEST} levels"),
            ),
            Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
                let left = place.enter_item(index);
                look(item, place, levels - 1)?;
                place.leave(left);
                Ok(())
            }),
            Value::Object(map) => map.iter().try_for_each(|(key, value)| {
                if key.contains('\0') {
                    return refused(place, nul.to_owned());
                }
                let left = place.enter_key(key);
                look(value, place, levels - 1)?;
                place.leave(left);
                Ok(())
            }),
            _ => Ok(()),
        }
    }
    look(document, &mut Place::default(), DEEPEST)
}

/// The beginning of a place.
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
        if repeated.is_empty() {
            return;
        }
        let items = self.items.iter();
        let entries: HashSet<(&str, &str)> = items
            .map(|item| (item.section.as_str(), item.id.as_str()))
            .collect();
        for Repeated {
            object,
            key,
            path: place,
            same,
        } in repeated
        {
            let (code, place) = if !entries.contains(&(object.as_str(), key.as_str())) {
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
