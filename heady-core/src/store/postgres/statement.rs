//! What is sent for parts of a call: a text, which is made up once, and its arguments.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::postgres::PgArguments;
use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

use super::joined::{alone, joined};
use super::single::single;
use crate::error::Result;
use crate::store::Part;
use crate::store::sql::{Arg, Dialect, Sql, postgres_arguments, postgres_row};

/// A text and what it is handed.
pub(super) struct Statement {
    pub(super) text: SqlStr,
    pub(super) arguments: PgArguments,
}

impl Statement {
    /// Parts as one statement, or `None` if they do not join.
    pub(super) fn joined<P: Borrow<Part>>(parts: &[P]) -> Result<Option<Self>> {
        let args = || parts.iter().flat_map(|part| part.borrow().args());
        let Some(Text { text, one_row }) = Text::of(parts, is_one_row(args())) else {
            return Ok(None);
        };
        let arguments = if one_row {
            postgres_row(args())
        } else {
            postgres_arguments(args())
        };
        Ok(Some(Self {
            text: AssertSqlSafe(text).into_sql_str(),
            arguments: arguments?,
        }))
    }

    /// One part by itself.
    pub(super) fn alone(part: &Part) -> Result<Self> {
        Ok(Self {
            text: AssertSqlSafe(alone(part.sql.text(Dialect::Postgres))).into_sql_str(),
            arguments: postgres_arguments(part.args())?,
        })
    }

    /// A statement that is no part of a call.
    pub(super) fn of(sql: Sql, args: &[Arg]) -> Result<Self> {
        Ok(Self {
            text: AssertSqlSafe(sql.into_text(Dialect::Postgres)).into_sql_str(),
            arguments: postgres_arguments(args)?,
        })
    }
}

/// Whether there are columns among the arguments, all of one row.
fn is_one_row<'a>(args: impl Iterator<Item = &'a Arg>) -> bool {
    let mut rows = args.filter_map(|arg| match arg {
        Arg::Each(column) => Some(column.rows()),
        _ => None,
    });
    rows.next() == Some(1) && rows.all(|rows| rows == 1)
}

/// The text for parts, and whether it is handed the values of one row instead of columns: PostgreSQL need not take arrays
/// apart then, which is most of what such a small statement costs.
#[derive(Clone)]
struct Text {
    text: Arc<str>,
    one_row: bool,
}

/// The texts made up so far, of constants alone, so that there are only so many.
static MADE: LazyLock<Mutex<HashMap<Key, Option<Text>>>> = LazyLock::new(Mutex::default);

/// Where the parts' texts stand in memory and how many arguments each has, and whether it is for one row.
type Key = (Vec<(usize, usize, usize)>, bool);

impl Text {
    /// `None` if the parts do not join.
    fn of<P: Borrow<Part>>(parts: &[P], one_row: bool) -> Option<Self> {
        let Some(places) = places(parts) else {
            return Self::make(parts, one_row);
        };
        let key = (places, one_row);
        let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = made().get(&key) {
            return text.clone();
        }
        let text = Self::make(parts, one_row);
        made().insert(key, text.clone());
        text
    }

    fn make<P: Borrow<Part>>(parts: &[P], one_row: bool) -> Option<Self> {
        let text = joined(parts)?;
        let args: Vec<_> = parts.iter().flat_map(|part| part.borrow().args()).collect();
        let is_column = |place: usize| matches!(args.get(place - 1), Some(Arg::Each(_)));
        let single = one_row.then(|| single(&text, is_column)).flatten();
        Some(match single {
            Some(single) => Self {
                text: single.into(),
                one_row,
            },
            None => Self {
                text: text.into(),
                one_row: false,
            },
        })
    }
}

/// Where constant texts stand; `None` if one of them is none.
fn places<P: Borrow<Part>>(parts: &[P]) -> Option<Vec<(usize, usize, usize)>> {
    let place = |part: &P| {
        let part = part.borrow();
        let text = part.sql.postgres_constant()?;
        Some((text.as_ptr().addr(), text.len(), part.args().len()))
    };
    parts.iter().map(place).collect()
}
