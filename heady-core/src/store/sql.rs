//! SQL in two dialects and the values that go in.
//!
//! | here | PostgreSQL | SQLite |
//! |---|---|---|
//! | [`Id`] of ours | `UUID` | text, hyphenated |
//! | [`Timestamp`] | `TIMESTAMPTZ` | text, RFC 3339 with six digits and `Z`, so that text order is time order |
//! | bytes | `BYTEA` | blob |
//! | JSON | `JSONB` | text |
//! | list of texts | `TEXT[]` | JSON text |

use std::borrow::Cow;

use serde_json::Value;
#[cfg(feature = "postgres")]
use sqlx::{Arguments as _, error::BoxDynError, postgres::PgArguments};

use super::Each;
use crate::error::{Error, Result};
use crate::types::{Id, Timestamp};

/// Which of the two databases speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

/// One statement; a plain `&'static str` where both dialects understand the same text.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    sqlite: Cow<'static, str>,
    postgres: Cow<'static, str>,
}

impl Sql {
    /// A statement that differs between the dialects.
    pub(crate) fn of(
        sqlite: impl Into<Cow<'static, str>>,
        postgres: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            sqlite: sqlite.into(),
            postgres: postgres.into(),
        }
    }

    /// The statement with the database's own time for `{now}`.
    pub(crate) fn with_clock(&self) -> Self {
        Self::of(
            self.sqlite
                .replace("{now}", "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"),
            self.postgres.replace("{now}", "clock_timestamp()"),
        )
    }

    /// Both statements through the same form.
    pub(crate) fn map(&self, form: impl Fn(&str) -> String) -> Self {
        Self::of(form(&self.sqlite), form(&self.postgres))
    }

    pub(crate) fn text(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::Sqlite => &self.sqlite,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => &self.postgres,
        }
    }

    /// The text for PostgreSQL if it stands in memory for as long as the process.
    #[cfg(feature = "postgres")]
    pub(super) fn postgres_constant(&self) -> Option<&'static str> {
        match self.postgres {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }

    pub(crate) fn into_text(self, dialect: Dialect) -> Cow<'static, str> {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self.postgres,
        }
    }
}

/// A statement that is made up once.
impl From<&'static Sql> for Sql {
    fn from(sql: &'static Sql) -> Self {
        Self::of(&*sql.sqlite, &*sql.postgres)
    }
}

impl From<&'static str> for Sql {
    fn from(both: &'static str) -> Self {
        Self::of(both, both)
    }
}

impl From<String> for Sql {
    fn from(both: String) -> Self {
        Self::of(both.clone(), both)
    }
}

/// One argument of a statement.
#[derive(Debug, Clone)]
pub(crate) enum Arg {
    Text(Option<String>),
    Uuid(Option<uuid::Uuid>),
    Int(Option<i64>),
    Float(Option<f64>),
    Bool(Option<bool>),
    Time(Option<Timestamp>),
    Bytes(Option<Vec<u8>>),
    Json(Option<Value>),
    Texts(Vec<String>),
    Each(Each),
}

impl Arg {
    /// The argument for a UUID column. A text that is no UUID names nothing, so it becomes NULL, which equals nothing.
    pub(crate) fn uuid(id: &Id) -> Self {
        Self::Uuid(id.uuid())
    }
}

macro_rules! values {
    ($($variant:ident: $type:ty $(=> $convert:expr)?;)*) => { $(
        impl From<$type> for Arg {
            fn from(value: $type) -> Self { Self::$variant(Some(values!(@ value $(, $convert)?))) }
        }
        impl From<Option<$type>> for Arg {
            fn from(value: Option<$type>) -> Self { Self::$variant(value.map(|value| values!(@ value $(, $convert)?))) }
        }
    )* };
    (@ $value:ident) => { $value };
    (@ $value:ident, $convert:expr) => { $convert($value) };
}

values! {
    Text: String;
    Text: &String => String::clone;
    Text: &str => str::to_owned;
    Text: &Id => ToString::to_string;
    Int: i64;
    Int: i32 => i64::from;
    Int: u32 => i64::from;
    Float: f64;
    Bool: bool;
    Time: Timestamp;
    Bytes: Vec<u8>;
    Json: Value;
    Json: &Value => Value::clone;
}

impl From<&[String]> for Arg {
    fn from(value: &[String]) -> Self {
        Self::Texts(value.to_vec())
    }
}

/// The arguments of a statement: `args![id, name, now()]`.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::Arg::from($value)),*] };
}
pub(crate) use args;

/// The text under which SQLite keeps a point in time.
pub(crate) fn time_text(time: Timestamp) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

#[cfg(feature = "postgres")]
pub(super) fn postgres_arguments<'a>(
    values: impl IntoIterator<Item = &'a Arg>,
) -> Result<PgArguments> {
    arguments(values, Each::add_array)
}

/// The same for a statement that takes the values of the one row that columns have.
#[cfg(feature = "postgres")]
pub(super) fn postgres_row<'a>(values: impl IntoIterator<Item = &'a Arg>) -> Result<PgArguments> {
    arguments(values, Each::add_value)
}

#[cfg(feature = "postgres")]
fn arguments<'a>(
    values: impl IntoIterator<Item = &'a Arg>,
    add_column: fn(&Each, &mut PgArguments) -> std::result::Result<(), BoxDynError>,
) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        check_nul(value)?;
        match value {
            Arg::Text(value) => arguments.add(value),
            Arg::Uuid(value) => arguments.add(value),
            Arg::Int(value) => arguments.add(value),
            Arg::Float(value) => arguments.add(value),
            Arg::Bool(value) => arguments.add(value),
            Arg::Time(value) => arguments.add(value),
            Arg::Bytes(value) => arguments.add(value),
            Arg::Json(value) => arguments.add(value),
            Arg::Texts(value) => arguments.add(value),
            Arg::Each(column) => add_column(column, &mut arguments),
        }
        .map_err(encoding)?;
    }
    Ok(arguments)
}

/// Refuses U+0000 everywhere, because PostgreSQL can keep it nowhere: what one database takes, the other must take.
pub(super) fn check_nul(arg: &Arg) -> Result<()> {
    let found = match arg {
        Arg::Text(Some(text)) => text.contains('\0'),
        Arg::Json(Some(value)) => return check_storable(value),
        Arg::Texts(texts) => texts.iter().any(|text| text.contains('\0')),
        Arg::Each(column) => column.has_nul()?,
        _ => false,
    };
    if found { Err(nul()) } else { Ok(()) }
}

/// The same for a text by itself.
pub(crate) fn check_text(text: &str) -> Result<()> {
    if text.contains('\0') {
        Err(nul())
    } else {
        Ok(())
    }
}

/// The same for a document that is JSON already, where the character stands as an escape.
pub(crate) fn check_storable_json(document: &str) -> Result<()> {
    // An escape that is itself escaped (`\\\\u0000`) is six harmless characters; only a parser tells them apart.
    let suspect = document.contains("\\u0000");
    if suspect {
        check_storable(&serde_json::from_str(document)?)
    } else {
        Ok(())
    }
}

/// How deep stored JSON may be nested. Whoever reads JSON text allows 128 levels, and what is stored is handed out inside of
/// other objects.
pub(crate) const DEEPEST: usize = 100;

/// Refuses a value that no database here can keep, or that nobody could read again, before it is part of anything.
pub(crate) fn check_storable(value: &Value) -> Result<()> {
    check_storable_within(DEEPEST, value)
}

/// The same for a value that is stored inside of others, which leave it so many levels.
pub(crate) fn check_storable_within(deepest: usize, value: &Value) -> Result<()> {
    if storable(value, deepest)? {
        Ok(())
    } else {
        Err(Error::invalid_argument(format!(
            "JSON is nested in more than {deepest} levels"
        )))
    }
}

/// Whether a value has no more than so many levels.
fn storable(value: &Value, levels: usize) -> Result<bool> {
    match value {
        Value::String(text) if text.contains('\0') => Err(nul()),
        Value::Array(_) | Value::Object(_) if levels == 0 => Ok(false),
        Value::Array(items) => {
            for item in items {
                if !storable(item, levels - 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Object(map) => {
            for (key, value) in map {
                if key.contains('\0') {
                    return Err(nul());
                }
                if !storable(value, levels - 1)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}

fn nul() -> Error {
    Error::invalid_argument("a text has the character U+0000, which cannot be stored")
}

#[cfg(feature = "postgres")]
fn encoding(error: BoxDynError) -> Error {
    Error::internal("an argument cannot be encoded for the database").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_can_be_read_again_inside_of_other_objects() {
        let nested = |levels| {
            (0..levels).fold(Value::Null, |inner, level| match level % 2 {
                0 => serde_json::json!([inner]),
                _ => serde_json::json!({"d": inner}),
            })
        };
        check_storable(&nested(DEEPEST)).unwrap();
        let error = check_storable(&nested(DEEPEST + 1)).unwrap_err();
        assert_eq!(error.code(), "INVALID_ARGUMENT");
        let within = serde_json::json!({"services": [{"metadata": nested(DEEPEST)}]});
        serde_json::from_str::<Value>(&within.to_string()).unwrap();
    }

    #[test]
    fn time_texts_sort_like_times_and_read_back() {
        let times = [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.000001Z",
            "2026-01-01T00:00:01Z",
            "2026-11-24T10:00:00.5Z",
        ]
        .map(|text| text.parse::<Timestamp>().unwrap());
        let texts = times.map(time_text);
        assert!(texts.is_sorted());
        assert!(texts.iter().all(|text| text.len() == 27));
        assert_eq!(texts.map(|text| text.parse::<Timestamp>().unwrap()), times);
    }
}
