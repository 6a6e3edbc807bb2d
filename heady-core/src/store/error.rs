//! What the databases complain about, in the engine's words.

use crate::error::{Error, ErrorKind};

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
            return disk_full().caused_by(error);
        }
        let (kind, message) = match &error {
            rusqlite::Error::SqliteFailure(failure, message) => sqlite(
                failure.extended_code,
                message.as_deref().unwrap_or("it does not say why"),
            ),
            other => (
                ErrorKind::Internal,
                format!("unexpected answer of the database: {other}"),
            ),
        };
        Self::new(kind, message).caused_by(error)
    }
}

/// Whether somebody else held a lock for all of the time that a statement waits for it, such as another process the SQLite
/// file: nothing was done then.
pub(super) fn is_locked_out(error: &Error) -> bool {
    #[cfg(feature = "postgres")]
    if sqlstate(error).as_deref() == Some("55P03") {
        return true;
    }
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    matches!(
        cause.and_then(rusqlite::Error::sqlite_error_code),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}

/// Whether the connection to the server is gone, and with it the knowledge of what became of a statement. There is none to
/// SQLite.
#[cfg(not(feature = "postgres"))]
pub(super) fn is_cut_off(_: &Error) -> bool {
    false
}

/// Whether the connection to the server is gone, and with it the knowledge of what became of a statement.
#[cfg(feature = "postgres")]
pub(super) fn is_cut_off(error: &Error) -> bool {
    if let Some(code) = sqlstate(error) {
        // An administrator ended the session, or it ended with another one's crash.
        return matches!(&*code, "57P01" | "57P02") || code.starts_with("08");
    }
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(sqlx::Error::Io(_)))
}

#[cfg(feature = "postgres")]
fn sqlstate(error: &Error) -> Option<std::borrow::Cow<'_, str>> {
    let cause = std::error::Error::source(error)?.downcast_ref::<sqlx::Error>()?;
    cause.as_database_error()?.code()
}

#[cfg(feature = "postgres")]
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some("53100") {
            return disk_full().caused_by(error);
        }
        let (kind, message) = match &error {
            sqlx::Error::Database(database) => {
                postgres(&database.code().unwrap_or_default(), database.message())
            }
            sqlx::Error::PoolTimedOut => (
                ErrorKind::Unavailable,
                "no database connection became free in time".to_owned(),
            ),
            sqlx::Error::PoolClosed => (ErrorKind::Unavailable, "the engine is closed".to_owned()),
            sqlx::Error::Io(cause) => (
                ErrorKind::Unavailable,
                format!("the database cannot be reached: {cause}"),
            ),
            sqlx::Error::Tls(cause) => (
                ErrorKind::Unavailable,
                format!("no secure connection to the database: {cause}"),
            ),
            sqlx::Error::Configuration(cause) => (
                ErrorKind::InvalidArgument,
                format!("the database URL is not understood: {cause}"),
            ),
            other => (
                ErrorKind::Internal,
                format!("unexpected answer of the database: {other}"),
            ),
        };
        Self::new(kind, message).caused_by(error)
    }
}

/// Not what a caller has too much of, which the same kind is for: so HTTP has another status for it.
fn disk_full() -> Error {
    Error::resource_exhausted("the disk under the database is full")
        .with_details(serde_json::json!({"diskFull": true}))
}

/// By SQLite's primary result code (<https://sqlite.org/rescode.html>), the low byte of the extended one.
fn sqlite(code: i32, message: &str) -> (ErrorKind, String) {
    match code & 0xff {
        5 | 6 => (
            ErrorKind::Unavailable,
            "another process holds the database file; close it or try again".to_owned(),
        ),
        3 | 8 | 23 => (
            ErrorKind::PermissionDenied,
            "no right to write the database file".to_owned(),
        ),
        10 => (
            ErrorKind::Unavailable,
            format!("the disk under the database fails: {message}"),
        ),
        11 | 26 => (
            ErrorKind::DataLoss,
            "the file is damaged or is not a SQLite database".to_owned(),
        ),
        14 => (
            ErrorKind::NotFound,
            "the database file cannot be opened; does its folder exist and may you write there?"
                .to_owned(),
        ),
        18 => (
            ErrorKind::ResourceExhausted,
            "the value is larger than the database takes".to_owned(),
        ),
        19 if message.contains("UNIQUE") => (
            ErrorKind::AlreadyExists,
            format!("stored already: {message}"),
        ),
        19 => (
            ErrorKind::FailedPrecondition,
            format!("refused by a rule of the database: {message}"),
        ),
        _ => (
            ErrorKind::Internal,
            format!("the database refused a statement: {message}"),
        ),
    }
}

/// By SQLSTATE (PostgreSQL documentation, appendix A).
#[cfg(feature = "postgres")]
fn postgres(code: &str, message: &str) -> (ErrorKind, String) {
    if code == "55P03" {
        let message = "somebody else holds a lock on the database's tables; try again";
        return (ErrorKind::Unavailable, message.to_owned());
    }
    let kind = match code {
        "23505" => ErrorKind::AlreadyExists,
        "40001" | "40P01" => ErrorKind::Aborted,
        "3D000" => ErrorKind::NotFound,
        "42501" => ErrorKind::PermissionDenied,
        "57014" => ErrorKind::DeadlineExceeded,
        // Read-only for now, as a standby is; not accepting connections.
        "25006" | "55000" => ErrorKind::Unavailable,
        "XX001" | "XX002" => ErrorKind::DataLoss,
        _ => match code.get(..2).unwrap_or_default() {
            "08" | "57" => ErrorKind::Unavailable,
            "22" => ErrorKind::InvalidArgument,
            "23" => ErrorKind::FailedPrecondition,
            "28" => ErrorKind::Unauthenticated,
            "53" => ErrorKind::ResourceExhausted,
            _ => ErrorKind::Internal,
        },
    };
    (kind, format!("PostgreSQL: {message}"))
}
