//! The columns that come out; the dialects' types are those of [`super::sql`].

use rusqlite::types::Value as SqliteValue;
use serde_json::Value;

use super::sqlite::SqliteRow;
use crate::error::{Error, Result};
use crate::types::{Id, Timestamp};

/// One row of a result.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

/// Why a column cannot be read.
type Unreadable = Box<dyn std::error::Error + Send + Sync>;

impl Row {
    /// The column of this name.
    pub(crate) fn get<T: Column>(&self, name: &str) -> Result<T> {
        let value = match self {
            Self::Sqlite(row) => match row.value(name) {
                Some(value) => T::from_sqlite(value),
                None => Err("there is no such column".into()),
            },
            #[cfg(feature = "postgres")]
            Self::Postgres(row) => T::from_postgres(row, name).map_err(Into::into),
        };
        value.map_err(|error| {
            Error::data_loss(format!("the stored column '{name}' is not readable")).caused_by(error)
        })
    }
}

/// What a column can be read as.
pub(crate) trait Column: Sized {
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable>;
    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self>;
}

/// SQLite's text.
fn text(value: &SqliteValue) -> Result<&str, Unreadable> {
    match value {
        SqliteValue::Text(text) => Ok(text),
        other => Err(unexpected("a text", other)),
    }
}

fn unexpected(wanted: &str, found: &SqliteValue) -> Unreadable {
    format!("{wanted} is expected, not {}", found.data_type()).into()
}

macro_rules! column {
    ($type:ty, $from_sqlite:expr) => {
        impl Column for $type {
            fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
                $from_sqlite(value)
            }

            #[cfg(feature = "postgres")]
            fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
                sqlx::Row::try_get(row, name)
            }
        }
    };
}

column!(String, |value| text(value).map(str::to_owned));
column!(bool, |value| i64::from_sqlite(value)
    .map(|value| value != 0));
column!(Value, |value| Ok(serde_json::from_str(text(value)?)?));
column!(Vec<String>, |value| Ok(serde_json::from_str(text(value)?)?));
column!(Vec<u8>, |value: &SqliteValue| match value {
    SqliteValue::Blob(bytes) => Ok(bytes.clone()),
    other => Err(unexpected("bytes", other)),
});
column!(f64, |value: &SqliteValue| match value {
    SqliteValue::Real(value) => Ok(*value),
    // What an expression makes of whole numbers.
    SqliteValue::Integer(value) => Ok(*value as f64),
    other => Err(unexpected("a number", other)),
});

impl Column for Timestamp {
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
        Ok(text(value)?.parse()?)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        // By ourselves, because sqlx panics at `infinity` and at years that chrono does not have.
        const EPOCH: i64 = 946_684_800_000_000;
        let unreadable = |error: Unreadable| sqlx::Error::ColumnDecode {
            index: name.to_owned(),
            source: error,
        };
        let column = sqlx::Row::try_column(row, name)?;
        let kind = sqlx::TypeInfo::name(sqlx::Column::type_info(column));
        if kind != "TIMESTAMPTZ" {
            return Err(unreadable(format!("a time is expected, not {kind}").into()));
        }
        let since: i64 = sqlx::Row::try_get_unchecked(row, name)?;
        since
            .checked_add(EPOCH)
            .and_then(Self::from_timestamp_micros)
            .ok_or_else(|| unreadable("the time is none of a calendar".into()))
    }
}

/// A point in time that stands there as this engine writes it. SQLite compares texts, of which others may mean the same moment
/// and sort elsewhere.
pub(crate) struct AsWritten(pub(crate) Timestamp);

impl Column for AsWritten {
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
        // As `time_text` writes it; that is not called, since whoever verifies a log reads millions of them.
        const FORM: &[u8; 27] = b"0000-00-00T00:00:00.000000Z";
        let written = text(value)?.as_bytes();
        let is_as = |(byte, form): (&u8, &u8)| match form {
            b'0' => byte.is_ascii_digit(),
            form => byte == form,
        };
        if written.len() != FORM.len() || !written.iter().zip(FORM).all(is_as) {
            return Err("the time stands there in another form than it is written".into());
        }
        Timestamp::from_sqlite(value).map(Self)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        Timestamp::from_postgres(row, name).map(Self)
    }
}

impl Column for i64 {
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
        match value {
            SqliteValue::Integer(value) => Ok(*value),
            other => Err(unexpected("an integer", other)),
        }
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
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
        text(value).map(Self::from)
    }

    #[cfg(feature = "postgres")]
    fn from_postgres(row: &sqlx::postgres::PgRow, name: &str) -> sqlx::Result<Self> {
        use sqlx::Row;
        row.try_get::<uuid::Uuid, _>(name)
            .map(|uuid| Self::from(uuid.to_string()))
            .or_else(|_| row.try_get::<String, _>(name).map(Self::from))
    }
}

impl<T: Column> Column for Option<T> {
    fn from_sqlite(value: &SqliteValue) -> Result<Self, Unreadable> {
        match value {
            SqliteValue::Null => Ok(None),
            value => T::from_sqlite(value).map(Some),
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
