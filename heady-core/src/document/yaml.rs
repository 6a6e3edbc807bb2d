//! YAML 1.2, read without ever evaluating anything.

use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, with_deserializer_from_str_with_options};

use super::unique::{Keys, UniqueKeys};
use crate::error::{Error, Result};

pub(super) fn parse(text: &str, keys: &mut Keys, note_repeated: bool) -> Result<Value> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
        with_snippet: false,
        duplicate_keys: if note_repeated { DuplicateKeyPolicy::PassThrough } else { DuplicateKeyPolicy::Error },
    };
    with_deserializer_from_str_with_options(text, options, |deserializer| {
        UniqueKeys(keys).deserialize(deserializer)
    })
    .map_err(|error| {
        let place = error.location();
        let error = Error::invalid_argument(format!("not readable as YAML: {}", told(&error)));
        match place {
            Some(place) => error.at(place.line(), place.column()),
            None => error,
        }
    })
}

/// What is wrong, for whoever wrote the text: what the parser advises its caller to do is no business of theirs.
fn told(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error as Fault;
    // Where an alias is at fault, the error itself is inside.
    let mut fault = error;
    while let Fault::AliasError { error, .. } = fault {
        fault = error;
    }
    let what = match fault {
        Fault::NullIntoString { .. } => "a key is empty here; write it as a text",
        Fault::MultipleDocuments { .. } => "a second document begins here; a file has one",
        Fault::TaggedScalarCannotDeserializeIntoString { .. } => {
            "a value has a tag that is not read here; write it as a plain text"
        }
        Fault::Budget { .. }
        | Fault::AliasReplayLimitExceeded { .. }
        | Fault::AliasExpansionLimitExceeded { .. }
        | Fault::AliasReplayStackDepthExceeded { .. } => {
            "more keys, values, aliases or levels than a document may have; JSON may have more of them"
        }
        // The parser says where, too; the place travels in the details as well.
        _ => {
            let told = error.to_string();
            return told.replace(", set DuplicateKeyPolicy in Options if acceptable", "");
        }
    };
    match error.location() {
        Some(place) => format!(
            "{what}, at line {}, column {}",
            place.line(),
            place.column()
        ),
        None => what.to_owned(),
    }
}
