//! A transaction on either database.

use std::borrow::Borrow;

use super::seat::{Continuation, Lease};
use super::sql::{Arg, Sql};
use super::sqlite::Writing;
use super::{Call, Dialect, Part, Row, Store};
use crate::error::{Error, Result};

/// An open transaction; dropping it rolls back.
pub(crate) struct Transaction {
    open: Open,
    store: Store,
    /// The seat whose rows this transaction continues.
    lease: Option<Lease>,
}

pub(super) enum Open {
    Sqlite(Writing),
    #[cfg(feature = "postgres")]
    Postgres(super::postgres::Session),
}

impl Open {
    /// Runs parts of a call that were checked, and returns the rows of all their statements.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(clippy::unused_async, reason = "only PostgreSQL is waited for")
    )]
    async fn run<P: Borrow<Part>>(&mut self, parts: &[P], call: &Call) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(transaction) => {
                let mut rows = Vec::new();
                for part in parts {
                    rows.extend(transaction.run(part.borrow())?);
                    call.check_guard(&rows)?;
                }
                Ok(rows)
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                let rows = super::postgres::fetch_all(transaction.connection()?, parts).await?;
                call.check_guard(&rows)?;
                Ok(rows)
            }
        }
    }
}

#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unused_async, reason = "only PostgreSQL is waited for")
)]
impl Transaction {
    pub(super) fn new(open: Open, store: Store) -> Self {
        Self {
            open,
            store,
            lease: None,
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<u64> {
        // Every text that reaches this point is a constant of a domain's `queries.rs`, or a user's statement of a
        // TRANSACTIONAL task, which the host itself wrote; values are always bound.
        let text = sql.into().into_text(self.dialect());
        match &mut self.open {
            Open::Sqlite(transaction) => transaction.execute(&text, &args),
            #[cfg(feature = "postgres")]
            Open::Postgres(transaction) => {
                let arguments = super::sql::postgres_arguments(&args)?;
                let done = sqlx::query_with(sqlx::AssertSqlSafe(text), arguments)
                    .execute(transaction.connection()?)
                    .await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn fetch_all(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>> {
        let text = sql.into().into_text(self.dialect());
        match &mut self.open {
            Open::Sqlite(transaction) => transaction.fetch_all(&text, &args),
            #[cfg(feature = "postgres")]
            Open::Postgres(transaction) => {
                let arguments = super::sql::postgres_arguments(&args)?;
                let rows = sqlx::query_with(sqlx::AssertSqlSafe(text), arguments)
                    .fetch_all(transaction.connection()?)
                    .await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs a statement and returns its first row.
    pub(crate) async fn fetch_optional(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        Ok(self.fetch_all(sql, args).await?.into_iter().next())
    }

    /// Writes rows that continue others.
    pub(crate) async fn continue_with(&mut self, rows: &dyn Continuation) -> Result<()> {
        self.take_seat(rows).await?;
        let part = match &mut self.lease {
            Some(lease) => lease.part(rows)?,
            None => None,
        };
        let part = part.ok_or_else(|| Error::internal("a seat lost its last row"))?;
        part.check()?;
        self.open.run(&[part], &Call::default()).await.map(drop)
    }

    /// Takes a seat under whose name no other engine has written since, and reads its last row, unless this transaction has
    /// one already.
    async fn take_seat(&mut self, rows: &dyn Continuation) -> Result<()> {
        while self.lease.is_none() {
            let mut lease = self.store.inner.seats.take().await?;
            let mark = rows.last(&lease.name(), self).await?;
            if lease.read(mark) {
                self.lease = Some(lease);
            }
        }
        Ok(())
    }

    /// Runs a call, in this transaction.
    pub(crate) async fn run(&mut self, call: &Call) -> Result<Vec<Row>> {
        let rows = self.run_parts(call).await?;
        if let Some(continuation) = call.continuation() {
            self.continue_with(&**continuation).await?;
        }
        Ok(rows)
    }

    /// Runs a call that may have been carried out already, in this transaction.
    pub(super) async fn run_again(&mut self, call: &Call) -> Result<Vec<Row>> {
        let rows = self.run_parts(call).await?;
        if let Some(continuation) = call.continuation() {
            // Its rows are looked for only when nobody can commit them any more: an earlier call from this seat that
            // is still under way on the server ends before the seat's last row is ours to read.
            self.take_seat(&**continuation).await?;
            if !continuation.is_stored(self).await? {
                self.continue_with(&**continuation).await?;
            }
        }
        Ok(rows)
    }

    async fn run_parts(&mut self, call: &Call) -> Result<Vec<Row>> {
        call.parts().iter().try_for_each(Part::check)?;
        self.open.run(call.parts(), call).await
    }

    /// Runs a call and commits. What continues the rows of a seat follows the last one that it remembers, so this fails if
    /// that is stale.
    pub(crate) async fn finish(mut self, call: &Call) -> Result<Vec<Row>> {
        let mut lease = match self.lease.take() {
            Some(lease) => Some(lease),
            None => self.store.seat_for(call).await?,
        };
        let Some(parts) = call.parts_from(lease.as_mut())? else {
            // It remembers none.
            drop(lease);
            let rows = self.run(call).await?;
            self.commit().await?;
            return Ok(rows);
        };
        let rows = self.open.run(&parts, call).await?;
        self.lease = lease;
        self.commit().await?;
        Ok(rows)
    }

    pub(crate) async fn commit(self) -> Result<()> {
        match self.open {
            Open::Sqlite(transaction) => transaction.commit()?,
            #[cfg(feature = "postgres")]
            Open::Postgres(transaction) => transaction.commit().await?,
        }
        if let Some(lease) = self.lease {
            lease.committed();
        }
        Ok(())
    }
}
