//! Why something that a caller gave is not taken.

use std::fmt;

use heady_core::Error;
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::errors::raised;

/// What is wrong, and where: below an argument whose name whoever reads it does not know.
pub struct Refusal {
    /// `.tags[0]`; empty for the argument itself.
    place: String,
    reason: Reason,
}

enum Reason {
    /// This kind of object is never taken.
    Kind(String),
    /// The kind is right, and what it holds is not.
    Value(String),
    /// What Python said.
    Raised(PyErr),
}

impl Refusal {
    pub fn kind(message: impl Into<String>) -> Self {
        Reason::Kind(message.into()).into()
    }

    pub fn value(message: impl Into<String>) -> Self {
        Reason::Value(message.into()).into()
    }

    /// What Python says of a number that is too large, in words that say what would not be.
    pub fn of_number(py: Python<'_>, error: PyErr, message: impl Into<String>) -> Self {
        if error.is_instance_of::<PyOverflowError>(py) && !of_the_caller(py, &error) {
            return Self::value(message);
        }
        error.into()
    }

    /// Puts a step in front of the place.
    pub fn within(mut self, step: &str) -> Self {
        self.place.insert_str(0, step);
        self
    }

    /// The exception for the argument of this name.
    pub fn of(self, name: &str) -> PyErr {
        let place = format!("{name}{}", self.place);
        match self.reason {
            Reason::Kind(message) => of_kind(&place, &message),
            Reason::Value(message) => of_value(&place, &message),
            Reason::Raised(error) => Python::attach(|py| of_raised(py, &place, error)),
        }
    }
}

fn of_kind(place: &str, message: &str) -> PyErr {
    PyTypeError::new_err(format!("{place}: {message}"))
}

fn of_value(place: &str, message: &str) -> PyErr {
    raised(&Error::invalid_argument(format!("{place}: {message}")))
}

/// Whether the caller's own code raised this: it alone has a traceback.
fn of_the_caller(py: Python<'_>, error: &PyErr) -> bool {
    error.traceback(py).is_some()
}

/// What the conversions of Python say gets the place. What the caller's own code raised stays as it is.
fn of_raised(py: Python<'_>, place: &str, error: PyErr) -> PyErr {
    if of_the_caller(py, &error) {
        return error;
    }
    let message = error.value(py).to_string();
    if error.is_instance_of::<PyValueError>(py) || error.is_instance_of::<PyOverflowError>(py) {
        of_value(place, &message)
    } else if error.is_instance_of::<PyTypeError>(py) {
        of_kind(place, &message)
    } else {
        error
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self {
            place: String::new(),
            reason,
        }
    }
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Reason::Raised(error).into()
    }
}

/// Without a name there is only the place below it.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        match &self.reason {
            Reason::Kind(message) | Reason::Value(message) => f.write_str(message),
            Reason::Raised(error) => error.fmt(f),
        }
    }
}
