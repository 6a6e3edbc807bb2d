//! The leaf types that cross every boundary: [`Id`], [`Timestamp`] and [`Json`], warnings, and the seeds of runs.
//!
//! Only here are conversions to a binding's language written by hand; every other boundary type derives them.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// A point in time in UTC, with microseconds: what both databases keep.
pub type Timestamp = DateTime<Utc>;

/// The current time, cut to the microseconds that storage keeps, so that a value read back equals the one written.
pub(crate) fn now() -> Timestamp {
    Utc::now().trunc_subsecs(6)
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The bytes behind lower-case hex digits, if they are as many as asked for.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

/// About how many bytes a value has as JSON, without writing it.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| 1 + weight(item)).sum::<usize>(),
        Value::Object(map) => {
            2 + map
                .iter()
                .map(|(key, value)| key.len() + 4 + weight(value))
                .sum::<usize>()
        }
        _ => 8,
    }
}

/// The name of a stored thing: a UUID (version 7, RFC 9562) where the engine chose it, text where the user did.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
#[cfg_attr(
    feature = "python",
    derive(pyo3::IntoPyObject, pyo3::FromPyObject),
    pyo3(transparent)
)]
#[cfg_attr(feature = "node", napi_derive::napi(transparent))]
pub struct Id(String);

impl Id {
    /// A new identifier that sorts after all earlier ones of this process.
    pub fn new() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as a UUID, unless the user chose another text.
    pub(crate) fn uuid(&self) -> Option<uuid::Uuid> {
        self.0.parse().ok()
    }
}

impl Default for Id {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Any JSON value: an object or plain value in JavaScript and Python, JSON text on mobile.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Json(pub Value);

impl Json {
    /// JSON's null.
    pub const NULL: Self = Self(Value::Null);

    /// The plain value.
    pub fn into_inner(self) -> Value {
        self.0
    }
}

impl Deref for Json {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl FromStr for Json {
    type Err = Error;

    /// Reads JSON text of a caller.
    fn from_str(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|error| Error::invalid_argument(format!("this is not JSON: {error}")))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Defines an enum whose variants are the same words in SQL, JSON, JavaScript and Python: upper-case ones, unless another
/// case stands behind the name.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $name:ident { $($variants:tt)* }) => {
        $crate::types::words! { $(#[$meta])* pub enum $name in "UPPER_SNAKE" { $($variants)* } }
    };
    ($(#[$meta:meta])* pub enum $name:ident in $case:literal {
        $($(#[$doc:meta])* $variant:ident = $word:literal,)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[cfg_attr(feature = "node", napi_derive::napi(string_enum = $case))]
        #[cfg_attr(feature = "mobile", derive(uniffi::Enum))]
        pub enum $name {
            $(
                $(#[$doc])*
                #[serde(rename = $word)]
                $variant,
            )*
        }

        #[cfg(feature = "python")]
        const _: () = {
            use pyo3::inspect::{PyStaticConstant, PyStaticExpr};
            use pyo3::types::PyString;
            use pyo3::{Borrowed, Bound, FromPyObject, IntoPyObject, PyAny, PyErr, Python};

            // A plain str: what a notebook compares, groups and prints.
            const WORDS: PyStaticExpr = pyo3::type_hint_subscript!(
                pyo3::type_hint_identifier!("typing", "Literal"),
                $(PyStaticExpr::Constant { value: PyStaticConstant::Str($word) }),*
            );

            impl<'py> IntoPyObject<'py> for $name {
                type Target = PyString;
                type Output = Bound<'py, PyString>;
                type Error = std::convert::Infallible;
                const OUTPUT_TYPE: PyStaticExpr = WORDS;

                fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, Self::Error> {
                    Ok(PyString::new(py, self.as_str()))
                }
            }

            impl<'py> FromPyObject<'_, 'py> for $name {
                type Error = PyErr;
                const INPUT_TYPE: PyStaticExpr = WORDS;

                fn extract(object: Borrowed<'_, 'py, PyAny>) -> Result<Self, PyErr> {
                    let word: String = object.extract()?;
                    Self::from_word(&word)
                        .map_err(|_| pyo3::exceptions::PyValueError::new_err(Self::refusal(&word)))
                }
            }
        };

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The value of this word.
            pub fn from_word(word: &str) -> $crate::Result<Self> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == word)
                    .ok_or_else(|| $crate::Error::data_loss(Self::refusal(word)))
            }

            fn refusal(word: &str) -> String {
                let words: Vec<&str> = Self::ALL.iter().map(|value| value.as_str()).collect();
                format!(concat!("'{}' is no ", stringify!($name), ": {}"), word, words.join(", "))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;

/// Something a reader noticed that did not stop it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Warning {
    /// What kind of thing was noticed, in upper case: `UNKNOWN_KEY`, `NO_HISTORY`.
    pub code: String,
    /// Where, such as `pipeline.stages[3].mcConfig`; empty for the whole document.
    pub path: String,
    /// The sentence for people.
    pub message: String,
}

impl Warning {
    /// A warning of this code about the thing at `path`.
    pub fn new(code: &str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            path: path.into(),
            message: message.into(),
        }
    }
}

/// The largest seed: 2^53 - 1, the largest integer that every language of the bindings holds exactly.
pub const MAX_SEED: i64 = (1 << 53) - 1;

/// Checks that a seed is in 0 ..= [`MAX_SEED`].
pub fn checked_seed(seed: i64) -> Result<i64> {
    if (0..=MAX_SEED).contains(&seed) {
        Ok(seed)
    } else {
        Err(Error::invalid_argument(format!(
            "seed {seed} is outside 0 .. {MAX_SEED}"
        )))
    }
}

/// The seed that stands for a text: the first 53 bits of the SHA-256 of its UTF-8 bytes, most significant bit first.
pub fn seed_of_text(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    // 53 bits fit into the positive half of an i64.
    (u64::from_be_bytes(head) >> 11).cast_signed()
}

/// A seed that nobody chose, drawn from the system's randomness (74 bits of it are in a new identifier).
pub fn random_seed() -> i64 {
    seed_of_text(Id::new().as_str())
}

#[cfg(feature = "python")]
mod python {
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
}

#[cfg(feature = "node")]
mod node {
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
}

#[cfg(feature = "mobile")]
mod mobile {
    use std::time::SystemTime;

    use super::{Id, Json, Timestamp};
    use crate::mobile::HeadyError;

    uniffi::custom_newtype!(Id, String);

    uniffi::custom_type!(Json, String, {
        lower: |json| json.0.to_string(),
        try_lift: |text| Ok(text.parse::<Json>().map_err(HeadyError::from)?),
    });

    uniffi::custom_type!(Timestamp, SystemTime, {
        remote,
        lower: |timestamp| timestamp.into(),
        try_lift: |time| Ok(time.into()),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_seed_is_the_head_of_its_hash() {
        // The first 16 hex digits of the published SHA-256 test vectors, shifted right by 11.
        assert_eq!(
            seed_of_text(""),
            (0xe3b0_c442_98fc_1c14_u64 >> 11).cast_signed()
        );
        assert_eq!(
            seed_of_text("abc"),
            (0xba78_16bf_8f01_cfea_u64 >> 11).cast_signed()
        );
    }

    #[test]
    fn seeds_stay_inside_what_javascript_holds() {
        assert_eq!(checked_seed(MAX_SEED).unwrap(), 9_007_199_254_740_991);
        assert!(checked_seed(MAX_SEED + 1).is_err());
        assert!(checked_seed(-1).is_err());
        for _ in 0..1000 {
            checked_seed(random_seed()).unwrap();
        }
    }

    #[test]
    fn new_ids_sort_in_order_of_creation() {
        let ids: Vec<Id> = (0..1000).map(|_| Id::new()).collect();
        assert!(ids.is_sorted());
    }
}
