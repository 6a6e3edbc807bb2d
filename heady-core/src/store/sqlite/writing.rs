//! The writing connection and its transactions.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::connection::Connection;
use crate::error::{Error, Result};
use crate::store::sql::{Arg, Dialect};
use crate::store::{Part, Row};

/// The connection that writes; clones share it and take turns.
#[derive(Clone)]
pub(in crate::store) struct Writer {
    /// `None` once it is closed.
    connection: Arc<Mutex<Option<Connection>>>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(Some(connection))),
        }
    }

    /// Takes the connection, once nobody else has it.
    pub(super) async fn lock(&self) -> Result<Turn> {
        let guard = self.connection.clone().lock_owned().await;
        if guard.is_none() {
            return Err(closed());
        }
        Ok(Turn(guard))
    }

    pub(super) async fn begin(&self) -> Result<Writing> {
        let turn = self.lock().await?;
        let connection = turn.get()?;
        if !connection.is_autocommit() {
            // What could not be rolled back when its transaction was given up.
            connection.execute("ROLLBACK", &[])?;
        }
        // IMMEDIATE: a transaction that begins by reading could not become a writing one while another commits.
        connection.execute("BEGIN IMMEDIATE", &[])?;
        Ok(Writing { turn })
    }

    pub(super) async fn close(&self) {
        *self.connection.lock().await = None;
    }
}

/// The writing connection while one has it.
pub(super) struct Turn(OwnedMutexGuard<Option<Connection>>);

impl Turn {
    fn get(&self) -> Result<&Connection> {
        self.0.as_ref().ok_or_else(closed)
    }

    pub(super) fn fetch_all(&self, text: &str, args: &[Arg]) -> Result<Vec<Row>> {
        self.get()?.fetch_all(text, args)
    }
}

fn closed() -> Error {
    Error::unavailable("the engine is closed")
}

/// An open transaction; dropping it rolls back. Its statements run on the caller's thread, which is the one that waits
/// for the disk.
pub(in crate::store) struct Writing {
    turn: Turn,
}

impl Writing {
    /// Runs a statement and returns how many rows it changed.
    pub(in crate::store) fn execute(&self, text: &str, args: &[Arg]) -> Result<u64> {
        self.turn.get()?.execute(text, args)
    }

    /// Runs a statement and returns its rows.
    pub(in crate::store) fn fetch_all(&self, text: &str, args: &[Arg]) -> Result<Vec<Row>> {
        self.turn.fetch_all(text, args)
    }

    /// Runs statements without arguments.
    pub(in crate::store) fn execute_batch(&self, text: &str) -> Result<()> {
        self.turn.get()?.execute_batch(text)
    }

    /// Runs the statements of a part and returns the rows of them all.
    pub(in crate::store) fn run(&self, part: &Part) -> Result<Vec<Row>> {
        let text = part.sql.text(Dialect::Sqlite).trim_end();
        if !text.contains(';') {
            return self.turn.get()?.run(text, part.args());
        }
        let mut rows = Vec::new();
        for statement in text.trim_end_matches(';').split(STATEMENT_END) {
            rows.extend(self.turn.get()?.run(statement, part.args())?);
        }
        Ok(rows)
    }

    pub(in crate::store) fn commit(self) -> Result<()> {
        self.execute("COMMIT", &[]).map(drop)
    }
}

/// What stands between the statements of a part: at the end of a line, where no literal of ours has it.
const STATEMENT_END: &str = ";\n";

impl Drop for Writing {
    fn drop(&mut self) {
        if let Ok(connection) = self.turn.get()
            && !connection.is_autocommit()
        {
            // If it fails it is tried again before the next transaction.
            let _ = connection.execute("ROLLBACK", &[]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;
    use crate::store::sqlite::connection::Access;

    #[tokio::test]
    async fn what_was_left_open_is_rolled_back_first() {
        let access = Access::Write(Durability::Process);
        let writer = Writer::new(Connection::open(None, access).unwrap());
        let left = "CREATE TABLE kept (n); BEGIN; INSERT INTO kept VALUES (1)";
        let turn = writer.lock().await.unwrap();
        turn.get().unwrap().execute_batch(left).unwrap();
        drop(turn);
        let transaction = writer.begin().await.unwrap();
        let rows = transaction.fetch_all("SELECT count(*) AS n FROM kept", &[]);
        assert_eq!(rows.unwrap()[0].get::<i64>("n").unwrap(), 0);
    }
}
