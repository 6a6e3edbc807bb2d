//! Enums that are the same words everywhere.

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
