//! Errors, in both directions: the engine's become exceptions of `heady.errors`, those of handlers keep their code.

use heady_core::{Error, ErrorKind, Json};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use serde_json::Value;

use crate::refusal::Refusal;

/// An engine error as an exception.
pub fn raised(error: &Error) -> PyErr {
    let exception = |py: Python<'_>| -> PyResult<PyErr> {
        let mut details = match error.to_json() {
            Value::Object(details) => details,
            _ => serde_json::Map::new(),
        };
        details.retain(|key, _| key != "code" && key != "message");
        let arguments = (error.code(), error.message(), Json(Value::Object(details)));
        let exception = py
            .import("heady.errors")?
            .getattr("_of_code")?
            .call1(arguments)?;
        Ok(PyErr::from_value(exception))
    };
    Python::attach(|py| exception(py).unwrap_or_else(|broken| broken))
}

/// What a handler raised: its `code`, if it is one of the engine's, decides whether the task is tried again.
pub fn of_handler(py: Python<'_>, raised: &PyErr) -> Error {
    let value = raised.value(py);
    let kind = value
        .getattr("code")
        .and_then(|code| code.extract::<String>())
        .ok()
        .and_then(|code| ErrorKind::from_code(&code));
    let text = value.to_string();
    let name = || {
        raised
            .get_type(py)
            .name()
            .map_or_else(|_| "an exception".to_owned(), |name| name.to_string())
    };
    let message = match (kind, text.is_empty()) {
        (Some(_), false) => text,
        (_, true) => name(),
        (None, false) => format!("{}: {text}", name()),
    };
    Error::new(kind.unwrap_or(ErrorKind::Internal), message)
}

/// A value of a handler that cannot be kept.
pub fn no_output(refusal: &Refusal) -> PyErr {
    PyTypeError::new_err(format!("the output of a handler must be JSON: {refusal}"))
}
