//! Arguments of callers: what is wrong with one is said where its name is known, with the code of the engine.

use std::path::PathBuf;

use heady_core::http::Role;
use heady_core::monte_carlo::Method;
use heady_core::pipeline::RunStatus;
use heady_core::registry::{DriftSeverity, DriftSource, EntryKind, HealthStatus};
use heady_core::{Durability, Json, Timestamp};
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyString, PyTzInfo};
use pyo3::{Borrowed, PyTypeInfo};

use crate::json;
use crate::refusal::Refusal;

/// What an argument can be.
pub trait Argument {
    /// What is made of it.
    type Value;
    /// What the typings say.
    const HINT: PyStaticExpr;

    /// Reads what a caller gave.
    fn read(object: &Bound<'_, PyAny>) -> Result<Self::Value, Refusal>;
}

/// An argument that was read, well or not. `named` gives the value out.
pub struct Given<T: Argument>(Result<T::Value, Refusal>);

impl<'py, T: Argument> FromPyObject<'_, 'py> for Given<T> {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = T::HINT;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self(T::read(&object)))
    }
}

/// What has a value or an error once its name is known.
pub trait Named {
    /// The value.
    type Value;

    /// The value, or an error that names the argument.
    fn named(self, name: &str) -> PyResult<Self::Value>;
}

impl<T: Argument> Named for Given<T> {
    type Value = T::Value;

    fn named(self, name: &str) -> PyResult<T::Value> {
        self.0.map_err(|refusal| refusal.of(name))
    }
}

impl<T: Argument> Named for Option<Given<T>> {
    type Value = Option<T::Value>;

    fn named(self, name: &str) -> PyResult<Option<T::Value>> {
        self.map(|given| given.named(name)).transpose()
    }
}

/// The options that arguments of the same names make up.
macro_rules! options {
    ($options:ident { $($field:ident),* $(,)? }) => {
        $options { $($field: $crate::argument::Named::named($field, stringify!($field))?),* }
    };
}
pub(crate) use options;

/// The characters of a `str`, also of a subclass that prints as something else.
pub fn text(object: &Bound<'_, PyAny>) -> Result<String, Refusal> {
    let text = object.cast::<PyString>().map_err(PyErr::from)?;
    match text.to_str() {
        Ok(text) => Ok(text.to_owned()),
        Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(object.py()) => {
            Err(Refusal::value("a lone surrogate is no character"))
        }
        Err(error) => Err(error.into()),
    }
}

impl Argument for String {
    type Value = Self;
    const HINT: PyStaticExpr = PyString::TYPE_HINT;

    fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
        text(object)
    }
}

/// A path, as the text that the engine takes.
pub enum FilePath {}

impl Argument for FilePath {
    type Value = String;
    const HINT: PyStaticExpr = <PathBuf as FromPyObject<'_, '_>>::INPUT_TYPE;

    fn read(object: &Bound<'_, PyAny>) -> Result<String, Refusal> {
        let path: PathBuf = object.extract()?;
        let text = path.into_os_string().into_string();
        text.map_err(|_| Refusal::value("a path must be UTF-8"))
    }
}

impl Argument for Json {
    type Value = Self;
    const HINT: PyStaticExpr = pyo3::type_hint_identifier!("typing", "Any");

    fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
        json::read(object).map(Self)
    }
}

impl Argument for Timestamp {
    type Value = Self;
    const HINT: PyStaticExpr = PyDateTime::TYPE_HINT;

    fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
        let time = object.cast::<PyDateTime>().map_err(PyErr::from)?;
        // Python would take one without an offset for local time.
        if time.call_method0("utcoffset")?.is_none() {
            return Err(Refusal::kind("a datetime needs a time zone"));
        }
        let utc = PyTzInfo::utc(object.py())?;
        Ok(time.call_method1("astimezone", (utc,))?.extract()?)
    }
}

/// A `str` is a sequence of `str`, too, and never what was meant.
impl<T: Argument> Argument for Vec<T> {
    type Value = Vec<T::Value>;
    const HINT: PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("heady._types", "SequenceNotStr"),
        T::HINT
    );

    fn read(object: &Bound<'_, PyAny>) -> Result<Self::Value, Refusal> {
        let items: Vec<Bound<'_, PyAny>> = object.extract()?;
        let items = items.iter().enumerate();
        items
            .map(|(n, item)| T::read(item).map_err(|refusal| refusal.within(&format!("[{n}]"))))
            .collect()
    }
}

impl<A: Argument, B: Argument> Argument for (A, B) {
    type Value = (A::Value, B::Value);
    const HINT: PyStaticExpr = pyo3::type_hint_subscript!(
        pyo3::type_hint_identifier!("builtins", "tuple"),
        A::HINT,
        B::HINT
    );

    fn read(object: &Bound<'_, PyAny>) -> Result<Self::Value, Refusal> {
        let (first, second): (Bound<'_, PyAny>, Bound<'_, PyAny>) = object.extract()?;
        let first = A::read(&first).map_err(|refusal| refusal.within("[0]"))?;
        let second = B::read(&second).map_err(|refusal| refusal.within("[1]"))?;
        Ok((first, second))
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl Argument for $integer {
            type Value = Self;
            const HINT: PyStaticExpr = <Self as FromPyObject<'_, '_>>::INPUT_TYPE;

            fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
                object.extract().map_err(|error| {
                    let (least, most) = (Self::MIN, Self::MAX);
                    let message = format!("must be an integer from {least} to {most}");
                    Refusal::of_number(object.py(), error, message)
                })
            }
        }
    )*};
}
integers! { i64 u32 u64 }

macro_rules! plain {
    ($($plain:ty)*) => {$(
        impl Argument for $plain {
            type Value = Self;
            const HINT: PyStaticExpr = <Self as FromPyObject<'_, '_>>::INPUT_TYPE;

            fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
                Ok(object.extract()?)
            }
        }
    )*};
}
plain! { bool f64 }

macro_rules! words {
    ($($word:ty)*) => {$(
        impl Argument for $word {
            type Value = Self;
            const HINT: PyStaticExpr = <Self as FromPyObject<'_, '_>>::INPUT_TYPE;

            fn read(object: &Bound<'_, PyAny>) -> Result<Self, Refusal> {
                // First as a text: what the enum itself says is about words only.
                text(object)?;
                Ok(object.extract()?)
            }
        }
    )*};
}
words! { Durability DriftSeverity DriftSource EntryKind HealthStatus Method Role RunStatus }
