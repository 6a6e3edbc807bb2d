//! Values of the caller as JSON. They cross as text, which plain.js writes: JavaScript's own `JSON` is faster than reading
//! objects property by property, and knows `toJSON`.

use heady_core::Json;
use napi::bindgen_prelude::{
    Env, FnArgs, FromNapiValue, Function, FunctionRef, JsObjectValue, Unknown,
};
use napi::{JsValue, ValueType, sys};

/// Whose the names in an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The caller's.
    Any,
    /// The engine's: a value of theirs that JSON passes over is a mistake.
    Options,
}

/// What plain.js makes of a value.
type Reader = FunctionRef<FnArgs<(sys::napi_value, bool, bool)>, Said>;

/// A value as JSON, or why it has no such form.
pub fn json(env: &Env, value: Unknown<'_>, names: Names) -> Result<Json, String> {
    match said(env, value, names, false)? {
        None => Ok(Json::NULL),
        Some(text) => serde_json::from_str(&text).or_else(|error| {
            // What the reader of JSON stumbles over has a place, too.
            said(env, value, names, true)?;
            Err(error.to_string())
        }),
    }
}

/// Its text, if there is one. With `look` every value is looked at, whatever the text gives reason to.
fn said(env: &Env, value: Unknown<'_>, names: Names, look: bool) -> Result<Option<String>, String> {
    let call = || {
        let arguments = (value.raw(), names == Names::Options, look);
        reader(env)?.borrow_back(env)?.call(arguments.into())
    };
    let Said(said) = call().map_err(|error| error.reason.clone())?;
    said
}

/// Every environment has its own, for functions are an environment's: a worker of Node is another one.
fn reader(env: &Env) -> napi::Result<&'static Reader> {
    if let Some(reader) = env.get_instance_data::<Reader>()? {
        return Ok(reader);
    }
    let reader: Function<'_, FnArgs<(sys::napi_value, bool, bool)>, Said> =
        env.run_script(include_str!("plain.js"))?;
    env.set_instance_data(reader.create_ref()?, (), |_| ())?;
    env.get_instance_data()?
        .map(|reader| &*reader)
        .ok_or_else(|| napi::Error::from_reason("the reader of arguments is gone"))
}

/// A text, nothing, or a refusal.
struct Said(Result<Option<String>, String>);

#[expect(
    unsafe_code,
    reason = "napi's trait is unsafe by signature; the value is only looked at"
)]
impl FromNapiValue for Said {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let value = unsafe { Unknown::from_napi_value(env, value)? };
        Ok(Self(match value.get_type()? {
            ValueType::Undefined => Ok(None),
            ValueType::String => Ok(Some(unsafe { value.cast()? })),
            _ => Err(value.coerce_to_object()?.get_named_property("refusal")?),
        }))
    }
}
