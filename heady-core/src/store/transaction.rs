//! A transaction on either database.

use sqlx::AssertSqlSafe;

use super::sql::{Arg, Row, Sql, sqlite_arguments};
use super::{Call, Dialect};
use crate::error::Result;

/// An open transaction; dropping it rolls back.
pub(crate) enum Transaction {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

impl Transaction {
    pub(crate) fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs a statement and returns how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>, args: Vec<Arg>) -> Result<u64> {
        // Every text that reaches this point is a constant of a domain's `queries.rs`, or a user's statement of a
        // TRANSACTIONAL task, which the host itself wrote; values are always bound.
        let text = AssertSqlSafe(sql.into().into_text(self.dialect()));
        Ok(match self {
            Self::Sqlite(transaction) => sqlx::query_with(text, sqlite_arguments(args)?)
                .execute(&mut **transaction)
                .await?
                .rows_affected(),
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                sqlx::query_with(text, super::sql::postgres_arguments(args)?)
                    .execute(&mut **transaction)
                    .await?
                    .rows_affected()
            }
        })
    }

    /// Runs a statement and returns its rows.
    pub(crate) async fn fetch_all(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Vec<Row>> {
        let text = AssertSqlSafe(sql.into().into_text(self.dialect()));
        Ok(match self {
            Self::Sqlite(transaction) => {
                let rows = sqlx::query_with(text, sqlite_arguments(args)?)
                    .fetch_all(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => {
                let arguments = super::sql::postgres_arguments(args)?;
                let rows = sqlx::query_with(text, arguments)
                    .fetch_all(&mut **transaction)
                    .await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a statement and returns its first row.
    pub(crate) async fn fetch_optional(
        &mut self,
        sql: impl Into<Sql>,
        args: Vec<Arg>,
    ) -> Result<Option<Row>> {
        Ok(self.fetch_all(sql, args).await?.into_iter().next())
    }

    /// Runs the parts of a call, in this transaction.
    pub(crate) async fn run(&mut self, call: &Call) -> Result<Vec<Row>> {
        call.check()?;
        let mut rows = Vec::new();
        for part in call.parts() {
            rows.extend(
                self.fetch_all(part.sql.clone(), vec![part.document.as_str().into()])
                    .await?,
            );
        }
        Ok(rows)
    }

    pub(super) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(transaction) => transaction.commit().await?,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit().await?,
        }
        Ok(())
    }
}
