//! The schema: the same numbered files for both databases, applied on connect under a lock.

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqlitePool};

use crate::error::{Error, Result};

macro_rules! migrations {
    ($dialect:literal) => {
        migrations!(@ $dialect: "0001_registry" "0002_pipeline" "0003_audit" "0004_vault" "0005_policy" "0006_sync" "0007_monte_carlo" "0008_api_keys" "0009_drift")
    };
    (@ $dialect:literal: $($name:literal)*) => {
        [$(($name, include_str!(concat!("../../../migrations/", $dialect, "/", $name, ".sql")))),*]
    };
}

fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    Migrator::with_migrations(
        files
            .iter()
            .map(|(name, sql)| {
                Migration::new(
                    version(name),
                    (*name).into(),
                    MigrationType::Simple,
                    sql.into_sql_str(),
                    false,
                )
            })
            .collect(),
    )
}

/// The number that a file's name begins with.
fn version(name: &str) -> i64 {
    name.split('_')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

pub(super) async fn sqlite(writer: &SqlitePool) -> Result<()> {
    let migrator = migrator(&migrations!("sqlite"));
    // One transaction around all: two processes that open a new file at once take turns, and neither sees a half.
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    let outcome = migrator.run_direct(None, &mut *transaction, false).await;
    if let Err(error) = outcome {
        let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut *transaction)
            .await;
        return Err(explain(error, found.ok()));
    }
    transaction.commit().await?;
    Ok(())
}

#[cfg(feature = "postgres")]
pub(super) async fn postgres(options: &sqlx::postgres::PgConnectOptions) -> Result<()> {
    use sqlx::{ConnectOptions, Connection};
    let migrator = migrator(&migrations!("postgres"));
    // A session of its own: sqlx holds its advisory lock on it, and after a failure only the end of the session
    // releases that for sure.
    let mut session = options.connect().await?;
    let outcome = migrator.run_direct(None, &mut session, false).await;
    let outcome = match outcome {
        Ok(()) => Ok(()),
        Err(error) => {
            let found = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
                .fetch_one(&mut session)
                .await;
            Err(explain(error, found.ok()))
        }
    };
    session.close().await?;
    outcome
}

fn explain(error: MigrateError, found: Option<i64>) -> Error {
    let known = migrations!("sqlite")
        .iter()
        .map(|(name, _)| version(name))
        .max()
        .unwrap_or(0);
    match error {
        MigrateError::VersionMissing(missing) => Error::failed_precondition(format!(
            "the database has schema version {}, this Heady knows versions up to {known}; use a newer Heady",
            found.unwrap_or(missing)
        ))
        .caused_by(error),
        MigrateError::VersionMismatch(version) => Error::failed_precondition(format!(
            "schema version {version} of the database was made by another build of Heady and differs from ours"
        ))
        .caused_by(error),
        MigrateError::ExecuteMigration(cause, version) => {
            let text = cause.to_string();
            if text.contains("extension \"vector\"") {
                return Error::failed_precondition(
                    "the extension pgvector is missing: install it on the server (package postgresql-<version>-pgvector) \
                     and have its owner run CREATE EXTENSION vector",
                )
                .caused_by(cause);
            }
            Error::from(cause).context(format!("schema version {version} cannot be applied"))
        }
        MigrateError::Execute(cause) => cause.into(),
        other => Error::internal(format!("the schema cannot be brought up to date: {other}")).caused_by(other),
    }
}
