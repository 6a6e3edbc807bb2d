//! What callers pass in. Reading it never fails where napi would throw: the engine's methods say what is wrong with it, in
//! the way in which they say everything, and with the name that they know it by.

use heady_core::{Error, Json, Result};
use napi::bindgen_prelude::{
    Env, FromNapiValue, Function, JsValuesTupleIntoVec, Object, TypeName, Unknown,
    ValidateNapiValue,
};
use napi::{JsString, ValueType, sys};

use crate::plain::{self, Names};

/// An argument, or why it is none.
pub struct Given<T>(std::result::Result<T, String>);

impl<T> Given<T> {
    /// The same as what is called `name`.
    pub fn part(self, name: &str) -> Self {
        Self(self.0.map_err(|why| format!("{name}: {why}")))
    }

    /// The argument, or why it is none.
    pub fn outcome(self) -> std::result::Result<T, String> {
        self.0
    }

    /// The argument that is called `name`.
    pub fn read(self, name: &str) -> Result<T> {
        self.part(name).0.map_err(Error::invalid_argument)
    }
}

impl<T> From<std::result::Result<T, String>> for Given<T> {
    fn from(outcome: std::result::Result<T, String>) -> Self {
        Self(outcome)
    }
}

/// What an argument can be.
pub trait Argument: Sized {
    /// Reads it, or says why it cannot be read.
    fn of(env: &Env, value: Unknown<'_>) -> std::result::Result<Self, String>;
}

impl Argument for String {
    fn of(_: &Env, value: Unknown<'_>) -> std::result::Result<Self, String> {
        let text: JsString<'_> = typed(value, ValueType::String, "a string")?;
        // As UTF-8 a lone surrogate would be another character, and an id that of another entry.
        let text = text.into_utf16().map_err(|error| error.reason.clone())?;
        text.as_str()
            .map_err(|_| "this is no text: it has a lone surrogate".to_owned())
    }
}

impl Argument for Object<'_> {
    fn of(_: &Env, value: Unknown<'_>) -> std::result::Result<Self, String> {
        typed(value, ValueType::Object, "an object")
    }
}

impl<A: JsValuesTupleIntoVec, R: FromNapiValue> Argument for Function<'_, A, R> {
    fn of(_: &Env, value: Unknown<'_>) -> std::result::Result<Self, String> {
        typed(value, ValueType::Function, "a function")
    }
}

impl Argument for Json {
    fn of(env: &Env, value: Unknown<'_>) -> std::result::Result<Self, String> {
        plain::json(env, value, Names::Any)
    }
}

#[expect(
    unsafe_code,
    reason = "the value is of the type that it is taken for: it was just looked at"
)]
fn typed<T: FromNapiValue>(
    value: Unknown<'_>,
    needed: ValueType,
    called: &str,
) -> std::result::Result<T, String> {
    let found = value.get_type().map_err(|error| error.reason.clone())?;
    if found != needed {
        return Err(format!("{called} is needed, not {}", kind(found)));
    }
    unsafe { value.cast() }.map_err(|error: napi::Error| error.reason.clone())
}

fn kind(found: ValueType) -> &'static str {
    match found {
        ValueType::Undefined => "undefined",
        ValueType::Null => "null",
        ValueType::Boolean => "a boolean",
        ValueType::Number => "a number",
        ValueType::String => "a string",
        ValueType::Symbol => "a symbol",
        ValueType::Object => "an object",
        ValueType::Function => "a function",
        ValueType::BigInt => "a BigInt",
        _ => "this",
    }
}

impl<T> TypeName for Given<T> {
    fn type_name() -> &'static str {
        "Given"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl<T> ValidateNapiValue for Given<T> {}

#[expect(
    unsafe_code,
    reason = "napi's trait is unsafe by signature; the value is only passed on"
)]
impl<T: Argument> FromNapiValue for Given<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let value = unsafe { Unknown::from_napi_value(env, value)? };
        Ok(T::of(&Env::from_raw(env), value).into())
    }
}
