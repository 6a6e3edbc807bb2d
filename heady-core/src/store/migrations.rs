//! The schema: the same numbered files for both databases, applied on connect under a lock.
//!
//! Which of them were applied stands in a table of the form that sqlx's migrator gives it.

use sha2::{Digest, Sha384};

#[cfg(feature = "postgres")]
use super::sql::postgres_arguments;
use super::sqlite::Writing;
use super::{Arg, Row, args};
use crate::error::{Error, Result};

macro_rules! migrations {
    ($dialect:literal) => {
        migrations!(@ $dialect: "0001_registry" "0002_pipeline" "0003_audit" "0004_vault" "0005_policy" "0006_sync" "0007_monte_carlo" "0008_api_keys" "0009_drift")
    };
    (@ $dialect:literal: $($name:literal)*) => {
        [$(Migration { name: $name, sql: include_str!(concat!("../../../migrations/", $dialect, "/", $name, ".sql")) }),*]
    };
}

/// One file.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

impl Migration {
    /// The number that the file's name begins with.
    fn version(&self) -> i64 {
        let number = self.name.split('_').next();
        number.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    fn checksum(&self) -> Vec<u8> {
        Sha384::digest(self.sql).to_vec()
    }

    /// What is kept of it once it is applied.
    fn row(&self) -> Vec<Arg> {
        args![self.version(), self.name, self.checksum()]
    }

    /// What a failure to apply it means.
    fn failed(&self, error: Error) -> Error {
        error.context(format!(
            "schema version {} cannot be applied",
            self.version()
        ))
    }
}

/// A version that a database has, and the checksum of its file.
type Applied = (i64, Vec<u8>);

/// The files that a database lacks.
fn missing<'a>(
    files: &'a [Migration],
    applied: &'a [Applied],
) -> Result<impl Iterator<Item = &'a Migration>> {
    let newest = |versions: &mut dyn Iterator<Item = i64>| versions.max().unwrap_or(0);
    for (version, checksum) in applied {
        let Some(file) = files.iter().find(|file| file.version() == *version) else {
            return Err(Error::failed_precondition(format!(
                "the database has schema version {}, this Heady knows versions up to {}; use a newer Heady",
                newest(&mut applied.iter().map(|(version, _)| *version)),
                newest(&mut files.iter().map(Migration::version)),
            )));
        };
        if file.checksum() != *checksum {
            return Err(Error::failed_precondition(format!(
                "schema version {version} of the database was made by another build of Heady and differs from ours"
            )));
        }
    }
    let is_missing = |file: &&Migration| {
        !applied
            .iter()
            .any(|(version, _)| *version == file.version())
    };
    Ok(files.iter().filter(is_missing))
}

/// The table of what was applied; `BYTES` is the type of a checksum.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BYTES NOT NULL,
    execution_time BIGINT NOT NULL)";

const APPLIED: &str = "SELECT version, checksum FROM _sqlx_migrations ORDER BY version";

const APPLY: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES ($1, $2, true, $3, 0)";

fn applied(rows: &[Row]) -> Result<Vec<Applied>> {
    let version = |row: &Row| Ok((row.get("version")?, row.get("checksum")?));
    rows.iter().map(version).collect()
}

pub(super) fn sqlite(transaction: &Writing) -> Result<()> {
    let files = migrations!("sqlite");
    transaction.execute(&TABLE.replace("BYTES", "BLOB"), &[])?;
    let applied = applied(&transaction.fetch_all(APPLIED, &[])?)?;
    for file in missing(&files, &applied)? {
        let failed = |error| file.failed(error);
        transaction.execute_batch(file.sql).map_err(failed)?;
        transaction.execute(APPLY, &file.row())?;
    }
    Ok(())
}

#[cfg(feature = "postgres")]
pub(super) async fn postgres(options: &sqlx::postgres::PgConnectOptions) -> Result<()> {
    use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
    // Of the whole database: schemas share the extension that one of the files makes.
    const LOCK: &str = "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('heady/schema', 0))";
    // A session of its own: what a failure leaves behind ends with it.
    let mut session = options.connect().await?;
    sqlx::raw_sql(LOCK).execute(&mut session).await?;
    let table = AssertSqlSafe(TABLE.replace("BYTES", "BYTEA"));
    sqlx::raw_sql(table).execute(&mut session).await?;
    let rows = sqlx::query(APPLIED).fetch_all(&mut session).await?;
    let rows: Vec<Row> = rows.into_iter().map(Row::Postgres).collect();
    for file in missing(&migrations!("postgres"), &applied(&rows)?)? {
        let applied = sqlx::raw_sql(file.sql).execute(&mut session).await;
        applied.map_err(|error| {
            without_pgvector(&error).unwrap_or_else(|| file.failed(error.into()))
        })?;
        let arguments = postgres_arguments(&file.row())?;
        sqlx::query_with(APPLY, arguments)
            .execute(&mut session)
            .await?;
    }
    sqlx::raw_sql("COMMIT").execute(&mut session).await?;
    Ok(session.close().await?)
}

#[cfg(feature = "postgres")]
fn without_pgvector(error: &sqlx::Error) -> Option<Error> {
    let text = error.to_string();
    text.contains("extension \"vector\"").then(|| {
        Error::failed_precondition(
            "the extension pgvector is missing: install it on the server (package postgresql-<version>-pgvector) \
             and have its owner run CREATE EXTENSION vector",
        )
        .caused_by(text)
    })
}
