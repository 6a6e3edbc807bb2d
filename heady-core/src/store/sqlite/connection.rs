//! A connection: statements that stay prepared, values that go in and rows that come out.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{CachedStatement, ErrorCode, OpenFlags, ToSql};

use crate::error::{Error, Result};
use crate::store::sql::{Arg, check_nul, time_text};
use crate::store::{Durability, Each, Row};

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many statements stay prepared.
const STATEMENTS: usize = 256;

/// What a connection is for.
#[derive(Clone, Copy)]
pub(super) enum Access {
    Read,
    Write(Durability),
}

pub(super) struct Connection {
    inner: rusqlite::Connection,
}

impl Connection {
    /// Opens a file, or a database in memory.
    pub(super) fn open(path: Option<&Path>, access: Access) -> Result<Self> {
        // Nobody uses a connection from two threads at once, so SQLite need not guard against it.
        let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if matches!(access, Access::Write(_)) {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        let inner = match path {
            Some(path) => rusqlite::Connection::open_with_flags(path, flags)?,
            None => rusqlite::Connection::open_in_memory_with_flags(flags)?,
        };
        inner.busy_timeout(BUSY_TIMEOUT)?;
        inner.set_prepared_statement_cache_capacity(STATEMENTS);
        let synchronous = match access {
            Access::Read => "PRAGMA query_only = 1",
            Access::Write(Durability::Full) => "PRAGMA synchronous = FULL",
            Access::Write(Durability::Process) => "PRAGMA synchronous = NORMAL",
        };
        if path.is_some() && matches!(access, Access::Write(_)) {
            check_ours(&inner)?;
            write_ahead(&inner)?;
        }
        // Without recursive triggers INSERT OR REPLACE would delete rows behind the back of the triggers that refuse it.
        inner.execute_batch(&format!(
            "PRAGMA foreign_keys = 1; PRAGMA recursive_triggers = 1; PRAGMA wal_autocheckpoint = 4000; {synchronous}"
        ))?;
        Ok(Self { inner })
    }

    /// Runs statements without arguments.
    pub(super) fn execute_batch(&self, text: &str) -> Result<()> {
        Ok(self.inner.execute_batch(text)?)
    }

    /// Whether no transaction is open.
    pub(super) fn is_autocommit(&self) -> bool {
        self.inner.is_autocommit()
    }

    /// Runs one statement and returns how many rows it changed.
    pub(super) fn execute(&self, text: &str, args: &[Arg]) -> Result<u64> {
        // It may have rows, which nobody asks for.
        self.fetch_all(text, args)?;
        let changes = !self.inner.prepare_cached(text)?.readonly();
        Ok(if changes { self.inner.changes() } else { 0 })
    }

    /// Runs one statement and returns its rows.
    pub(super) fn fetch_all(&self, text: &str, args: &[Arg]) -> Result<Vec<Row>> {
        args.iter().try_for_each(check_nul)?;
        self.run(text, args)
    }

    /// Runs a statement that was checked, once for each row if columns are among its arguments.
    pub(super) fn run(&self, text: &str, args: &[Arg]) -> Result<Vec<Row>> {
        let mut columns = Vec::new();
        let mut statement = self.inner.prepare_cached(text)?;
        bind(&mut statement, args, &mut columns)?;
        let Some((_, first)) = columns.first() else {
            return fetched(&mut statement);
        };
        let mut found = Vec::new();
        for row in 0..first.rows() {
            for (place, column) in &columns {
                statement.raw_bind_parameter(*place, EachAt(column, row))?;
            }
            if statement.column_count() == 0 {
                statement.raw_execute()?;
            } else {
                found.extend(fetched(&mut statement)?);
            }
        }
        Ok(found)
    }
}

/// Binds all arguments but the columns, of which it takes a note.
fn bind<'a>(
    statement: &mut CachedStatement<'_>,
    args: &'a [Arg],
    columns: &mut Vec<(usize, &'a Each)>,
) -> Result<()> {
    // `$2` is a name to SQLite, and its place is where it first occurs.
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place);
        let number = number.and_then(|name| name.get(1..)?.parse::<usize>().ok());
        let number = number.unwrap_or(place);
        // What has no argument stays NULL.
        match args.get(number.wrapping_sub(1)) {
            Some(Arg::Each(column)) => columns.push((place, column)),
            Some(arg) => statement.raw_bind_parameter(place, arg)?,
            None => {}
        }
    }
    Ok(())
}

fn fetched(statement: &mut CachedStatement<'_>) -> Result<Vec<Row>> {
    let names = statement.column_names();
    let columns: Arc<[Box<str>]> = names.into_iter().map(Box::from).collect();
    let (mut found, mut rows) = (Vec::new(), statement.raw_query());
    while let Some(row) = rows.next()? {
        let values = (0..columns.len()).map(|place| Ok(value(row.get_ref(place)?)));
        let values = values.collect::<rusqlite::Result<_>>()?;
        let columns = columns.clone();
        found.push(Row::Sqlite(SqliteRow { columns, values }));
    }
    Ok(found)
}

/// A value as it stands there. SQLite keeps any bytes as a text: those that are none are bytes to us, which whoever expects a
/// text cannot read, and no failure of the whole statement.
fn value(stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_owned()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Null => Value::Null,
    }
}

/// Refuses the file of another program, before anything in it is changed.
fn check_ours(connection: &rusqlite::Connection) -> Result<()> {
    const OTHERS: &str =
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'
        AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations') ORDER BY name";
    let mut others = connection.prepare(OTHERS)?;
    match others.query([])?.next()? {
        Some(other) => Err(Error::failed_precondition(format!(
            "it is another program's: it has a table '{}', and none of Heady's",
            other.get::<_, String>(0)?
        ))),
        None => Ok(()),
    }
}

/// Switches a file to write-ahead logging. While another process does the same, SQLite refuses without waiting.
fn write_ahead(connection: &rusqlite::Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.execute_batch("PRAGMA journal_mode = WAL") {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < BUSY_TIMEOUT => {}
            done => return done,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

impl ToSql for Arg {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |text: String| ToSqlOutput::Owned(text.into());
        Ok(match self {
            Self::Text(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Uuid(Some(uuid)) => owned(uuid.to_string()),
            Self::Int(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Self::Float(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Self::Bool(Some(value)) => ToSqlOutput::Borrowed(ValueRef::Integer((*value).into())),
            Self::Bytes(Some(bytes)) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Time(Some(time)) => owned(time_text(*time)),
            Self::Json(Some(value)) => owned(value.to_string()),
            Self::Texts(texts) => {
                let json = serde_json::to_string(texts);
                owned(json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?)
            }
            Self::Text(None)
            | Self::Each(_)
            | Self::Uuid(None)
            | Self::Int(None)
            | Self::Float(None)
            | Self::Bool(None)
            | Self::Time(None)
            | Self::Bytes(None)
            | Self::Json(None) => ToSqlOutput::Borrowed(ValueRef::Null),
        })
    }
}

/// A column's value for one row.
struct EachAt<'a>(&'a Each, usize);

impl ToSql for EachAt<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let Self(column, row) = *self;
        let owned = |text: String| ToSqlOutput::Owned(text.into());
        let value = match column {
            Each::Uuids(values) => values.get(row).map(|uuid| owned(uuid.to_string())),
            Each::Texts(values) | Each::Documents(values) => {
                let text = values.get(row).map(|text| ValueRef::Text(text.as_bytes()));
                text.map(ToSqlOutput::Borrowed)
            }
            Each::Ints(values) => {
                let value = values.get(row).map(|value| ValueRef::Integer(*value));
                value.map(ToSqlOutput::Borrowed)
            }
            Each::Times(values) => values.get(row).map(|time| owned(time_text(*time))),
            Each::Bytes { bytes, width } => {
                let bytes = bytes.chunks_exact(*width).nth(row).map(ValueRef::Blob);
                bytes.map(ToSqlOutput::Borrowed)
            }
            Each::Values(_, values) => values.get(row).map(ToSql::to_sql).transpose()?,
        };
        // Columns of unequal length would be a mistake, which NOT NULL refuses.
        Ok(value.unwrap_or(ToSqlOutput::Borrowed(ValueRef::Null)))
    }
}

/// One row of a result.
pub(crate) struct SqliteRow {
    columns: Arc<[Box<str>]>,
    values: Box<[Value]>,
}

impl SqliteRow {
    /// The value of the column of this name, if there is one.
    pub(in crate::store) fn value(&self, name: &str) -> Option<&Value> {
        let place = self.columns.iter().position(|column| **column == *name)?;
        self.values.get(place)
    }
}
