//! A transaction on SQLite's writing connection.
//!
//! The connection has a thread of its own, and each trip to it is a switch there and back. So BEGIN goes with the first
//! statement, and COMMIT may go with the last.

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Sqlite};
use tokio::runtime::Handle;

use super::batch::Part;
use super::sql::{Arg, Dialect, Row, sqlite_arguments};
use crate::error::{Error, Result};

/// IMMEDIATE: a transaction that begins by reading could not become a writing one while another commits.
const BEGIN: &str = "BEGIN IMMEDIATE;\n";

const COMMIT: &str = "COMMIT";

/// An open transaction; dropping it rolls back.
pub(super) struct Writing {
    /// Present until the transaction is over.
    connection: Option<PoolConnection<Sqlite>>,
    /// Whether BEGIN was sent.
    begun: bool,
    runtime: Handle,
}

impl Writing {
    pub(super) fn new(connection: PoolConnection<Sqlite>, runtime: &Handle) -> Self {
        Self {
            connection: Some(connection),
            begun: false,
            runtime: runtime.clone(),
        }
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn execute(&mut self, text: &str, args: Vec<Arg>) -> Result<u64> {
        if !self.begun {
            // In one text with the statement, BEGIN would count as what was changed before it.
            self.fetch_all("", vec![]).await?;
        }
        let query = sqlx::query_with(AssertSqlSafe(text), sqlite_arguments(args)?);
        let done = query.execute(&mut **self.connection()?).await?;
        Ok(done.rows_affected())
    }

    /// Runs statements and returns the rows of them all.
    pub(super) async fn fetch_all(&mut self, text: &str, args: Vec<Arg>) -> Result<Vec<Row>> {
        let arguments = sqlite_arguments(args)?;
        let begins = !std::mem::replace(&mut self.begun, true);
        let text = [if begins { BEGIN } else { "" }, text].concat();
        let query = sqlx::query_with(AssertSqlSafe(text), arguments);
        match query.fetch_all(&mut **self.connection()?).await {
            Ok(rows) => Ok(rows.into_iter().map(Row::Sqlite).collect()),
            Err(error) => {
                if begins {
                    // Perhaps nothing began, and whatever followed would run outside a transaction.
                    self.roll_back();
                }
                Err(error.into())
            }
        }
    }

    /// Runs parts, each with its own argument, and commits.
    pub(super) async fn finish(&mut self, parts: Vec<Part>) -> Result<Vec<Row>> {
        let (text, args) = joined(parts);
        let rows = self.fetch_all(&(text + COMMIT), args).await?;
        self.connection = None;
        Ok(rows)
    }

    pub(super) async fn commit(&mut self) -> Result<()> {
        if self.begun {
            self.fetch_all(COMMIT, vec![]).await?;
        }
        self.connection = None;
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut PoolConnection<Sqlite>> {
        let over = || Error::internal("a transaction that is over was used");
        self.connection.as_mut().ok_or_else(over)
    }

    /// Gives the connection back after a ROLLBACK, so that nobody gets it before that.
    fn roll_back(&mut self) {
        if let Some(mut connection) = self.connection.take_if(|_| self.begun) {
            self.runtime.spawn(async move {
                // If it fails there was no transaction.
                let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            });
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.roll_back();
    }
}

/// Parts as one text, each part's `$1` renumbered to its own argument.
pub(super) fn joined(parts: Vec<Part>) -> (String, Vec<Arg>) {
    let mut text = String::new();
    for (part, number) in parts.iter().zip(1..) {
        let sql = part.sql.text(Dialect::Sqlite);
        text += &sql.replace("$1", &format!("${number}"));
        text += ";\n";
    }
    let documents = parts.into_iter().map(|part| part.document.into());
    (text, documents.collect())
}
