//! SQL in two dialects, the values that go in and the columns that come out.
//!
//! | here | PostgreSQL | SQLite |
//! |---|---|---|
//! | [`Id`] of ours | `UUID` | text, hyphenated |
//! | [`Timestamp`] | `TIMESTAMPTZ` | text, RFC 3339 with six digits and `Z`, so that text order is time order |
//! | JSON | `JSONB` | text |
//! | list of texts | `TEXT[]` | JSON text |

use std::borrow::Cow;

use serde_json::{Value, json};

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

    pub(crate) fn into_text(self, dialect: Dialect) -> Cow<'static, str> {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            #[cfg(feature = "postgres")]
            Dialect::Postgres => self.postgres,
        }
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
    Json(Option<Value>),
    Texts(Vec<String>),
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

pub(crate) fn sqlite_arguments(values: Vec<Arg>) -> Result<sqlx::sqlite::SqliteArguments> {
    use sqlx::Arguments;
    let mut arguments = sqlx::sqlite::SqliteArguments::default();
    for value in values {
        check_nul(&value)?;
        match value {
            Arg::Text(value) => arguments.add(value),
            Arg::Uuid(value) => arguments.add(value.map(|uuid| uuid.to_string())),
            Arg::Int(value) => arguments.add(value),
            Arg::Float(value) => arguments.add(value),
            Arg::Bool(value) => arguments.add(value),
            Arg::Time(value) => arguments.add(value.map(time_text)),
            Arg::Json(value) => arguments.add(value.map(|json| json.to_string())),
            Arg::Texts(value) => arguments.add(json!(value).to_string()),
        }
        .map_err(encoding)?;
    }
    Ok(arguments)
}

#[cfg(feature = "postgres")]
pub(crate) fn postgres_arguments(values: Vec<Arg>) -> Result<sqlx::postgres::PgArguments> {
    use sqlx::Arguments;
    let mut arguments = sqlx::postgres::PgArguments::default();
    for value in values {
        check_nul(&value)?;
        match value {
            Arg::Text(value) => arguments.add(value),
            Arg::Uuid(value) => arguments.add(value),
            Arg::Int(value) => arguments.add(value),
            Arg::Float(value) => arguments.add(value),
            Arg::Bool(value) => arguments.add(value),
            Arg::Time(value) => arguments.add(value),
            Arg::Json(value) => arguments.add(value),
            Arg::Texts(value) => arguments.add(value),
        }
        .map_err(encoding)?;
    }
    Ok(arguments)
}

/// Refuses U+0000 everywhere, because PostgreSQL can keep it nowhere: what one database takes, the other must take.
fn check_nul(arg: &Arg) -> Result<()> {
    let found = match arg {
        Arg::Text(Some(text)) => text.contains('\0'),
        Arg::Json(Some(value)) => return check_storable(value),
        Arg::Texts(texts) => texts.iter().any(|text| text.contains('\0')),
        _ => false,
    };
    if found { Err(nul()) } else { Ok(()) }
}

/// The same for a document that is JSON already, where the character stands as an escape.
pub(super) fn check_nul_in_document(document: &str) -> Result<()> {
    // An escape that is itself escaped (`\\\\u0000`) is six harmless characters; only a parser tells them apart.
    let suspect = document.contains("\\u0000");
    if suspect {
        check_storable(&serde_json::from_str(document)?)
    } else {
        Ok(())
    }
}

/// Refuses a value that no database here can keep, before it is part of anything.
pub(crate) fn check_storable(value: &Value) -> Result<()> {
    if has_nul(value) { Err(nul()) } else { Ok(()) }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map
            .iter()
            .any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

fn nul() -> Error {
    Error::invalid_argument("a text has the character U+0000, which cannot be stored")
}

fn encoding(error: sqlx::error::BoxDynError) -> Error {
    Error::internal("an argument cannot be encoded for the database").caused_by(error)
}

/// One row of a result.
pub(crate) enum Row {
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    /// The column of this name.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T> {
        match self {
            Self::Sqlite(row) => T::from_sqlite(row, name),
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => T::from_postgres(row, name),
        }
        .map_err(|error| {
            Error::data_loss(format!("the stored column '{name}' is not readable")).caused_by(error)
        })
    }
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self>;
    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self>;
}

/// Reads SQLite's text and lets `read` make sense of it.
fn sqlite_text<T, E>(
    row: &sqlx::sqlite::SqliteRow,
    name: &str,
    read: impl Fn(&str) -> Result<T, E>,
) -> sqlx::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    use sqlx::Row;
    let text: &str = row.try_get_unchecked(name)?;
    read(text).map_err(|error| sqlx::Error::ColumnDecode {
        index: name.to_owned(),
        source: error.into(),
    })
}

macro_rules! same_in_both {
    ($($type:ty),*) => { $(
        impl Column for $type {
            fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
                sqlx::Row::try_get_unchecked(row, name)
            }
            #[cfg(feature = "postgres")]
            fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
                sqlx::Row::try_get(row, name)
            }
        }
    )* };
}

same_in_both!(String, bool, f64);

impl Column for i64 {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        sqlx::Row::try_get_unchecked(row, name)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        use sqlx::Row;
        // The blueprint's columns are INT, ours BIGINT; one integer type serves both here.
        row.try_get::<i64, _>(name)
            .or_else(|_| row.try_get::<i32, _>(name).map(i64::from))
    }
}

impl Column for Id {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        String::from_sqlite(row, name).map(Self::from)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        use sqlx::Row;
        row.try_get::<uuid::Uuid, _>(name)
            .map(|uuid| Self::from(uuid.to_string()))
            .or_else(|_| row.try_get::<String, _>(name).map(Self::from))
    }
}

impl Column for Timestamp {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        sqlite_text(row, name, str::parse)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        sqlx::Row::try_get(row, name)
    }
}

impl Column for Value {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        sqlite_text(row, name, |text| serde_json::from_str(text))
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        sqlx::Row::try_get(row, name)
    }
}

impl Column for Vec<String> {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        sqlite_text(row, name, |text| serde_json::from_str(text))
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        sqlx::Row::try_get(row, name)
    }
}

impl<T: Column> Column for Option<T> {
    fn from_sqlite(row: &sqlx::sqlite::SqliteRow, name: &str) -> sqlx::Result<Self> {
        use sqlx::{Row, ValueRef};
        if row.try_get_raw(name)?.is_null() {
            Ok(None)
        } else {
            T::from_sqlite(row, name).map(Some)
        }
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        use sqlx::{Row, ValueRef};
        if row.try_get_raw(name)?.is_null() {
            Ok(None)
        } else {
            T::from_postgres(row, name).map(Some)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
