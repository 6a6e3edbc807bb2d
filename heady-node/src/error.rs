//! Errors, in both directions: the engine's become `Error` objects with a `code`, those of handlers keep theirs.

use heady_core::{Error, ErrorKind};
use napi::bindgen_prelude::{Env, Error as NapiError, Object, Unknown};
use napi::{JsError, JsValue, ValueType};
use serde_json::Value;

/// A custom status: it becomes `code`.
pub struct Code(&'static str);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0
    }
}

/// An engine error as what a synchronous function throws.
pub fn thrown(error: &Error) -> NapiError<Code> {
    NapiError::new(Code(error.code()), error.message().to_owned())
}

/// An engine error as what a promise is rejected with: an `Error` with `code`, and the facts about it both as properties of
/// its own and, as in the other languages, in `details`.
pub fn rejection(env: &Env, error: &Error) -> NapiError {
    let object = JsError::from(thrown(error)).into_unknown(*env);
    if let Ok(mut object) = object.coerce_to_object()
        && let Value::Object(mut details) = error.to_json()
    {
        details.retain(|key, _| key != "code" && key != "message");
        for (key, value) in &details {
            // What cannot be added is missing from the facts; the error itself still says what happened.
            let _ = object.set(key, heady_core::Json(value.clone()));
        }
        let _ = object.set("details", heady_core::Json(Value::Object(details)));
    }
    NapiError::from(object)
}

/// What a handler threw: its `code`, if it is one of the engine's, decides whether the task is tried again.
pub fn of_handler(thrown: Unknown<'_>) -> Error {
    let text = |object: &Object<'_>, key: &str| object.get::<String>(key).ok().flatten();
    let object = match thrown.get_type() {
        Ok(ValueType::Object) => thrown.coerce_to_object().ok(),
        _ => None,
    };
    let kind = object
        .as_ref()
        .and_then(|object| ErrorKind::from_code(&text(object, "code")?))
        .unwrap_or(ErrorKind::Internal);
    let message = object
        .as_ref()
        .and_then(|object| text(object, "message"))
        .or_else(|| {
            let text = thrown.coerce_to_string().ok()?;
            text.into_utf8().ok()?.into_owned().ok()
        });
    Error::new(
        kind,
        message.unwrap_or_else(|| "the handler threw something that has no text".to_owned()),
    )
}
