//! Secrets that found their way into a registry file are taken out before anything is stored.
//!
//! Two things give a secret away: the key it stands under, and the form that a well-known issuer gives its tokens. What
//! is taken out is named by its path in a warning, never by its value. Placeholders (`${NAME}`) and names of variables
//! are no secrets. Each text is read a fixed number of times, however it is made.

mod address;
mod command;
mod direction;
mod key;
mod literal;
mod number;
mod place;
mod reference;
mod section;
mod tag;
mod tags;
#[cfg(test)]
mod tests;
mod text;
mod word;

use std::collections::HashMap;
use std::mem;

use serde_json::{Map, Value};

use self::command::Program;
use self::key::Secrecy;
use self::number::{is_duration, measures};
pub(super) use self::place::Place;
use self::section::Spot;
use self::text::{Awaited, without_secrets};
use crate::error::{Error, Result};
use crate::types::Warning;

/// What stands where a secret stood.
const REDACTED: &str = "[REDACTED]";

/// The keys under which the name of a secret stands beside it, and those of the secret itself.
const NAMES: [&str; 9] = [
    "name", "key", "id", "variable", "var", "env", "header", "flag", "option",
];
const VALUES: [&str; 5] = ["value", "values", "val", "v", "default"];

/// The keys under which a program stands, and those under which its arguments stand beside it.
const COMMANDS: [&str; 6] = [
    "command",
    "cmd",
    "program",
    "executable",
    "entrypoint",
    "exec",
];
const ARGUMENTS: [&str; 4] = ["args", "arguments", "argv", "options"];

/// How many documents within texts of each other are opened.
const MOST_IN_TEXTS: usize = 3;

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
        spot: Spot::Document,
        ..Redaction::default()
    };
    redaction.value(document, "", Secrecy::None)?;
    Ok(redaction.warnings)
}

#[derive(Default)]
struct Redaction {
    scanned: bool,
    /// How many texts that are documents themselves this one is in.
    in_texts: usize,
    place: Place,
    /// Where the object or list stands that comes next.
    spot: Spot,
    /// The program that the text or list is for that comes next.
    program: Program,
    warnings: Vec<Warning>,
}

impl Redaction {
    /// Goes through a value under this key, or in a list under it, of which the keys over it say this.
    fn value(&mut self, value: &mut Value, key: &str, secrecy: Secrecy) -> Result<()> {
        match value {
            Value::Object(map) => self.object(map, key, secrecy),
            Value::Array(items) => self.list(items, key, secrecy),
            Value::String(text) => {
                self.check_text(text)?;
                let redacted = if secrecy.takes(text) {
                    Some(REDACTED.to_owned())
                } else {
                    self.without_secrets(text, key, secrecy)
                };
                if let Some(redacted) = redacted {
                    *text = redacted;
                    self.warn();
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A text without the secrets in it, if it has any; one that is a document is looked through as such.
    fn without_secrets(&self, text: &str, key: &str, secrecy: Secrecy) -> Option<String> {
        let trimmed = text.trim();
        let is_document = self.in_texts < MOST_IN_TEXTS
            && (trimmed.starts_with('{') && trimmed.ends_with('}')
                || trimmed.starts_with('[') && trimmed.ends_with(']'));
        if is_document && let Ok(mut document) = serde_json::from_str(trimmed) {
            let mut inner = Self {
                in_texts: self.in_texts + 1,
                ..Self::default()
            };
            let looked_through = inner.value(&mut document, key, secrecy);
            if looked_through.is_ok() && !inner.warnings.is_empty() {
                return Some(document.to_string());
            }
        }
        without_secrets(text, self.program)
    }

    fn list(&mut self, items: &mut [Value], key: &str, secrecy: Secrecy) -> Result<()> {
        let spot = mem::take(&mut self.spot);
        let named = pair(items);
        let mut awaited = Awaited::Nothing;
        let mut program = mem::take(&mut self.program);
        let mut before = String::new();
        for (index, item) in items.iter_mut().enumerate() {
            let left = self.place.enter_item(index);
            let text = item.as_str().unwrap_or_default();
            let next = if text.contains(char::is_whitespace) {
                Awaited::Nothing
            } else {
                let known = program.awaits_behind(text);
                known.unwrap_or_else(|| Awaited::by(text, ""))
            };
            // Lists and texts in this one may be commands, each for itself.
            self.program = if text.starts_with('-') {
                program
            } else {
                Program::default()
            };
            if !text.contains(char::is_whitespace) {
                program = program.after(text, &before);
            }
            text.clone_into(&mut before);
            if let Some(redacted) = awaited.redacted(text) {
                self.check_text(text)?;
                *item = Value::String(redacted);
                self.warn();
            } else if secrecy == Secrecy::Certain && number::is_secret(item, key, "") {
                self.take(item);
            } else {
                let own = if index == 1 { named } else { Secrecy::None };
                let secrecy = match &spot {
                    Spot::Section(section) if item.is_object() => section.over,
                    _ => secrecy.max(own),
                };
                self.value(item, key, secrecy)?;
            }
            awaited = next;
            self.place.leave(left);
        }
        Ok(())
    }

    fn object(&mut self, map: &mut Map<String, Value>, parent: &str, over: Secrecy) -> Result<()> {
        self.keys(map);
        let spot = mem::take(&mut self.spot);
        let inside = spot.members(map);
        let id = matches!(spot, Spot::Entry).then_some(parent);
        let named = named(map).max(id.map_or(Secrecy::None, Secrecy::of));
        let program = program(map);
        for (key, value) in map {
            self.check_text(key)?;
            let left = self.place.enter_key(key);
            let mut own = Secrecy::of_part(key, parent);
            if self.scanned && key == "preview" {
                own = Secrecy::Certain;
            } else if own == Secrecy::None && is_among(key, &VALUES) {
                own = named;
            } else if let Some(id) = id {
                own = own.max(Secrecy::of_form(key, id));
            }
            if own == Secrecy::Certain && number::is_secret(value, key, parent) {
                self.take(value);
            }
            let below = match value {
                Value::Object(_) => own.inside(key, over),
                Value::String(_) if Secrecy::is_described_by(key) => own,
                Value::String(text) if is_duration(text) && measures(parent) => Secrecy::None,
                Value::String(text) if over == Secrecy::Certain && Secrecy::is_named(key, text) => {
                    Secrecy::None
                }
                _ => own.max(over),
            };
            let member = (key.as_str(), &*value);
            let (next, secrecy) = spot.enter(inside.as_ref(), self.scanned, member, below);
            self.spot = next;
            self.program = if is_among(key, &ARGUMENTS) {
                program
            } else {
                Program::default()
            };
            self.value(value, key, secrecy)?;
            self.place.leave(left);
        }
        Ok(())
    }

    /// Takes secrets out of the keys themselves.
    fn keys(&mut self, map: &mut Map<String, Value>) {
        let leaking: Vec<(String, String)> = map
            .keys()
            .filter_map(|key| Some((key.clone(), without_secrets(key, Program::default())?)))
            .collect();
        // How many keys became the same one.
        let mut taken: HashMap<String, usize> = HashMap::new();
        for (key, clean) in leaking {
            let Some(value) = map.remove(&key) else {
                continue;
            };
            let mut free = clean.clone();
            while map.contains_key(&free) {
                let count = taken.entry(clean.clone()).or_insert(1);
                *count += 1;
                free = format!("{clean}#{count}");
            }
            map.insert(free, value);
            self.warn();
        }
    }

    fn take(&mut self, value: &mut Value) {
        *value = Value::String(REDACTED.to_owned());
        self.warn();
    }

    fn warn(&mut self) {
        let message =
            "looks like a secret and was not stored; name a variable instead, as in ${NAME}";
        self.warnings
            .push(Warning::new("SECRET_REDACTED", self.place.shown(), message));
    }

    /// Of a text within another one nothing is stored that is not escaped.
    fn check_text(&self, text: &str) -> Result<()> {
        if self.in_texts == 0 && text.contains('\0') {
            let place = self.place.shown();
            let place = if place.is_empty() { "a key" } else { &place };
            return Err(Error::invalid_argument(format!(
                "{place}: has the character U+0000, which is no text"
            )));
        }
        Ok(())
    }
}

/// What the name says that stands beside a value: `{"name": "DB_PASSWORD", "value": …}`, as headers and environments are
/// written.
fn named(map: &Map<String, Value>) -> Secrecy {
    if !map.keys().any(|key| is_among(key, &VALUES)) {
        return Secrecy::None;
    }
    map.iter()
        .filter(|(key, _)| is_among(key, &NAMES))
        .filter_map(|(_, name)| name.as_str().map(Secrecy::of))
        .max()
        .unwrap_or(Secrecy::None)
}

/// The program whose arguments stand beside it: `{"command": ["mysql"], "args": ["-p…"]}`.
fn program(map: &Map<String, Value>) -> Program {
    if !map.keys().any(|key| is_among(key, &ARGUMENTS)) {
        return Program::default();
    }
    let commands = map.iter().filter(|(key, _)| is_among(key, &COMMANDS));
    let words = commands.flat_map(|(_, command)| match command {
        Value::Array(words) => words.as_slice(),
        word => std::slice::from_ref(word),
    });
    words
        .filter_map(Value::as_str)
        .fold(Program::default(), Program::after_all)
}

/// What the first of two texts says about the second: `["X-Api-Key", …]`. Both may be words of a list, so it has to look
/// like a secret.
fn pair(items: &[Value]) -> Secrecy {
    match items {
        [Value::String(name), Value::String(_)] => Secrecy::of(name).min(Secrecy::Doubtful),
        _ => Secrecy::None,
    }
}

fn is_among(key: &str, keys: &[&str]) -> bool {
    keys.iter().any(|one| key.eq_ignore_ascii_case(one))
}
