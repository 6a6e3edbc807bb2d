//! [`Json`] as plain Python objects.

use pyo3::inspect::PyStaticExpr;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use pyo3::{Borrowed, IntoPyObjectExt};
use serde_json::{Number, Value};

use super::Json;

/// As deep as `serde_json` reads: deeper objects of a caller are refused instead of exhausting the stack.
const MAX_DEPTH: usize = 128;

const ANY: PyStaticExpr = pyo3::type_hint_identifier!("typing", "Any");

impl<'py> IntoPyObject<'py> for Json {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    const OUTPUT_TYPE: PyStaticExpr = ANY;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        to_python(py, &self.0)
    }
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => value.into_bound_py_any(py),
            (None, Some(value)) => value.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(items) => {
            let items = items
                .iter()
                .map(|item| to_python(py, item))
                .collect::<PyResult<Vec<_>>>()?;
            items.into_bound_py_any(py)
        }
        Value::Object(entries) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                dict.set_item(key, to_python(py, value)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Json {
    type Error = PyErr;
    const INPUT_TYPE: PyStaticExpr = ANY;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        from_python(&object, 0).map(Self)
    }
}

fn from_python(object: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    let invalid = |message: String| pyo3::exceptions::PyTypeError::new_err(message);
    if depth > MAX_DEPTH {
        return Err(invalid(format!("deeper than {MAX_DEPTH} levels")));
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    // bool before int: in Python True is an int.
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return match object.extract::<i64>() {
            Ok(value) => Ok(value.into()),
            Err(_) => Ok(object.extract::<u64>()?.into()),
        };
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        let value: f64 = value.extract()?;
        return Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| invalid(format!("{value} has no JSON form")));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.to_string()));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return object
            .try_iter()?
            .map(|item| from_python(&item?, depth + 1))
            .collect();
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return dict
            .iter()
            .map(|(key, value)| {
                let key: String = key
                    .extract()
                    .map_err(|_| invalid(format!("the key {key} is not a str")))?;
                Ok((key, from_python(&value, depth + 1)?))
            })
            .collect::<PyResult<serde_json::Map<_, _>>>()
            .map(Value::Object);
    }
    // Whatever counts as an integer, such as those of numpy.
    if let Ok(value) = object.extract::<i64>() {
        return Ok(value.into());
    }
    Err(invalid(format!(
        "{} has no JSON form",
        object.get_type().name()?
    )))
}
