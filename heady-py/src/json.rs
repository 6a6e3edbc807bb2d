//! Plain Python objects as JSON.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

use crate::argument::text;
use crate::refusal::Refusal;

/// As deep as `serde_json` reads: deeper objects of a caller are refused instead of exhausting the stack.
const MAX_DEPTH: usize = 128;

/// The value of an object, as `json.dumps` would write it.
pub fn read(object: &Bound<'_, PyAny>) -> Result<Value, Refusal> {
    value(object, 0)
}

fn value(object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Refusal> {
    if depth > MAX_DEPTH {
        return Err(Refusal::value(format!("deeper than {MAX_DEPTH} levels")));
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    // bool before int: in Python True is an int.
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(Value::Bool(value.is_true()));
    }
    if object.is_instance_of::<PyInt>() {
        return integer(object);
    }
    if let Ok(value) = object.cast::<PyFloat>() {
        return float(value.extract()?);
    }
    if object.is_instance_of::<PyString>() {
        return text(object).map(Value::String);
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return list(object, depth);
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return entries(dict, depth);
    }
    other(object)
}

fn integer(object: &Bound<'_, PyAny>) -> Result<Value, Refusal> {
    if let Ok(value) = object.extract::<i64>() {
        return Ok(value.into());
    }
    let value = object.extract::<u64>().map(Value::from);
    let message = "an integer must have at most 64 bits";
    value.map_err(|error| Refusal::of_number(object.py(), error, message))
}

fn float(value: f64) -> Result<Value, Refusal> {
    Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| Refusal::value(format!("{value} has no JSON form")))
}

fn list(items: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Refusal> {
    let items = items.try_iter()?.enumerate();
    items
        .map(|(n, item)| {
            value(&item?, depth + 1).map_err(|refusal| refusal.within(&format!("[{n}]")))
        })
        .collect()
}

fn entries(dict: &Bound<'_, PyDict>, depth: usize) -> Result<Value, Refusal> {
    let mut entries = Map::new();
    // A list of them: another thread may change the dict meanwhile.
    for entry in dict.items() {
        let (key, item): (Bound<'_, PyAny>, Bound<'_, PyAny>) = entry.extract()?;
        if !key.is_instance_of::<PyString>() {
            let kind = key.get_type().name()?;
            return Err(Refusal::kind(format!("a key must be a str, not {kind}")));
        }
        let key = text(&key).map_err(|refusal| refusal.within("[a key]"))?;
        let item = value(&item, depth + 1).map_err(|refusal| refusal.within(&format!(".{key}")))?;
        entries.insert(key, item);
    }
    Ok(Value::Object(entries))
}

/// Whatever counts as an integer, such as those of numpy.
fn other(object: &Bound<'_, PyAny>) -> Result<Value, Refusal> {
    if object.hasattr("__index__")? {
        return integer(object);
    }
    let kind = object.get_type().name()?;
    Err(Refusal::kind(format!("{kind} has no JSON form")))
}
