//! Secrets that found their way into a registry file are taken out before anything is stored.
//!
//! Two things give a secret away: the key it stands under, and the form that a well-known issuer gives its tokens. What
//! is taken out is named by its path in a warning, never by its value. Placeholders (`${NAME}`) and names of variables
//! are no secrets.

mod key;
#[cfg(test)]
mod tests;
mod text;

use serde_json::{Map, Value};

use self::key::Secrecy;
use super::catalog::path_of;
use crate::error::{Error, Result};
use crate::types::Warning;

/// What stands where a secret stood.
const REDACTED: &str = "[REDACTED]";

/// Takes the secrets out of a document.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the path of a text with the character U+0000, which no database keeps as text.
pub(super) fn redact(document: &mut Value) -> Result<Vec<Warning>> {
    // The store of the scanner keeps the beginnings of values under this name; anywhere else it is a harmless word.
    let scanned =
        document.get("entries").is_some_and(Value::is_object) && document.get("meta").is_some();
    let mut redaction = Redaction {
        scanned,
        warnings: Vec::new(),
    };
    redaction.value(document, "", Secrecy::None)?;
    Ok(redaction.warnings)
}

struct Redaction {
    scanned: bool,
    warnings: Vec<Warning>,
}

impl Redaction {
    /// Goes through a value of which the key over it says this.
    fn value(&mut self, value: &mut Value, path: &str, secrecy: Secrecy) -> Result<()> {
        match value {
            Value::Object(map) => self.object(map, path, secrecy),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(item, &format!("{path}[{index}]"), secrecy)?;
                }
                Ok(())
            }
            Value::String(text) => {
                check_text(text, path)?;
                let redacted = if secrecy.takes(text) {
                    Some(REDACTED.to_owned())
                } else {
                    text::without_secrets(text)
                };
                if let Some(redacted) = redacted {
                    *text = redacted;
                    self.warn(path);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn object(&mut self, map: &mut Map<String, Value>, path: &str, over: Secrecy) -> Result<()> {
        self.keys(map, path);
        // `{"name": "DB_PASSWORD", "value": …}`, as headers and environments are written.
        let named = ["name", "key"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str())
            .map_or(Secrecy::None, Secrecy::of);
        for (key, value) in map {
            check_text(key, path)?;
            let key_path = path_of(key, path);
            let mut own = Secrecy::of(key);
            if self.scanned && key == "preview" {
                own = Secrecy::Certain;
            } else if own == Secrecy::None && key == "value" {
                own = named;
            }
            if own == Secrecy::Certain && value.is_number() {
                *value = Value::String(REDACTED.to_owned());
                self.warn(&key_path);
            }
            let secrecy = match value {
                Value::Object(_) => Secrecy::inside(key, over),
                Value::String(_) if Secrecy::is_described_by(key) => own,
                _ => own.max(over),
            };
            self.value(value, &key_path, secrecy)?;
        }
        Ok(())
    }

    /// Takes secrets out of the keys themselves.
    fn keys(&mut self, map: &mut Map<String, Value>, path: &str) {
        let leaking: Vec<String> = map
            .keys()
            .filter(|key| text::without_secrets(key).is_some())
            .cloned()
            .collect();
        for key in leaking {
            let mut clean = text::without_secrets(&key).unwrap_or_default();
            while map.contains_key(&clean) {
                clean.push('#');
            }
            if let Some(value) = map.remove(&key) {
                map.insert(clean, value);
            }
            self.warn(path);
        }
    }

    fn warn(&mut self, path: &str) {
        let message =
            "looks like a secret and was not stored; name a variable instead, as in ${NAME}";
        self.warnings
            .push(Warning::new("SECRET_REDACTED", path, message));
    }
}

fn check_text(text: &str, path: &str) -> Result<()> {
    if text.contains('\0') {
        let place = if path.is_empty() { "a key" } else { path };
        return Err(Error::invalid_argument(format!(
            "{place}: has the character U+0000, which is no text"
        )));
    }
    Ok(())
}
