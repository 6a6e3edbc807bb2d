//! What the databases complain about, in the engine's words.

use crate::error::{Error, ErrorKind};

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let kind_and_message = match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default();
                #[cfg(feature = "postgres")]
                if database
                    .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
                    .is_some()
                {
                    postgres(&code, database.message())
                } else {
                    sqlite(&code, database.message())
                }
                #[cfg(not(feature = "postgres"))]
                sqlite(&code, database.message())
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
            sqlx::Error::WorkerCrashed => (
                ErrorKind::Unavailable,
                "the database thread ended".to_owned(),
            ),
            other => (
                ErrorKind::Internal,
                format!("unexpected database answer: {other}"),
            ),
        };
        Self::new(kind_and_message.0, kind_and_message.1).caused_by(error)
    }
}

/// By SQLite's primary result code (<https://sqlite.org/rescode.html>), the low byte of the extended one.
fn sqlite(code: &str, message: &str) -> (ErrorKind, String) {
    let primary = code.parse::<i64>().unwrap_or_default() & 0xff;
    match primary {
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
        13 => (
            ErrorKind::ResourceExhausted,
            "the disk under the database is full".to_owned(),
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
    let kind = match code {
        "23505" => ErrorKind::AlreadyExists,
        "40001" | "40P01" => ErrorKind::Aborted,
        "3D000" => ErrorKind::NotFound,
        "42501" => ErrorKind::PermissionDenied,
        "57014" => ErrorKind::DeadlineExceeded,
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
