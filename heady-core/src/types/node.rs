//! [`Json`] as plain JavaScript values.
//!
//! Values cross as text through JavaScript's own `JSON`: it knows `toJSON`, refuses cycles and `BigInt` with an
//! error, and is faster than building objects property by property.

use napi::bindgen_prelude::{
    Env, FromNapiValue, Function, JsObjectValue, Object, ToNapiValue, TypeName, Unknown,
    ValidateNapiValue,
};
use napi::{Error, JsValue, Result, Status, ValueType, sys};

use super::Json;

fn json_object(env: &Env) -> Result<Object<'_>> {
    env.get_global()?.get_named_property("JSON")
}

fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(Status::InvalidArg, error.to_string())
}

impl TypeName for Json {
    fn type_name() -> &'static str {
        "Json"
    }

    fn value_type() -> ValueType {
        ValueType::Unknown
    }
}

impl ValidateNapiValue for Json {}

#[expect(
    unsafe_code,
    reason = "napi's traits are unsafe by signature; both only pass handles on"
)]
impl ToNapiValue for Json {
    unsafe fn to_napi_value(env: sys::napi_env, value: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(env);
        let parse: Function<'_, String, Unknown<'_>> =
            json_object(&env)?.get_named_property("parse")?;
        let parsed = parse.call(value.0.to_string())?;
        unsafe { Unknown::to_napi_value(env.raw(), parsed) }
    }
}

#[expect(unsafe_code, reason = "see above")]
impl FromNapiValue for Json {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let (env, value) = unsafe {
            let unknown = Unknown::from_napi_value(env, value)?;
            (Env::from_raw(env), unknown)
        };
        let stringify: Function<'_, Unknown<'_>, Unknown<'_>> =
            json_object(&env)?.get_named_property("stringify")?;
        let text = stringify.call(value)?;
        if text.get_type()? == ValueType::Undefined {
            return Ok(Self::NULL);
        }
        let text = text.coerce_to_string()?.into_utf8()?;
        serde_json::from_str(text.as_str()?).map_err(invalid)
    }
}
