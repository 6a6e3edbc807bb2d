//! Pages of rows that are ordered by their identifiers, newest first (keyset paging: no row is missed or repeated
//! while others are added).

use crate::error::{Error, Result};
use crate::types::Id;

/// The most rows of one page.
const MAX_LIMIT: u32 = 1000;

/// One page's request, checked: where it begins and how many rows it has at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Rows before this identifier; `None` for the first page.
    pub(crate) before: Option<uuid::Uuid>,
    limit: u32,
}

impl Page {
    /// Reads the `limit` (100 if left out) and `cursor` that a caller gave.
    pub(crate) fn of(limit: Option<u32>, cursor: Option<&str>) -> Result<Self> {
        let limit = limit.unwrap_or(100);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid_argument(format!(
                "limit: must be between 1 and {MAX_LIMIT}, not {limit}"
            )));
        }
        let before = cursor
            .map(|cursor| {
                cursor.parse().map_err(|error| {
                    Error::invalid_argument("cursor: is not a 'next' that this list gave")
                        .caused_by(error as uuid::Error)
                })
            })
            .transpose()?;
        Ok(Self { before, limit })
    }

    /// How many rows to read: one more than the page has, to know whether there is a next one.
    pub(crate) fn rows(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts the rows to the page and names the next one.
    pub(crate) fn cut<T>(
        self,
        mut rows: Vec<T>,
        id: impl Fn(&T) -> &Id,
    ) -> (Vec<T>, Option<String>) {
        let limit = self.limit as usize;
        if rows.len() <= limit {
            return (rows, None);
        }
        rows.truncate(limit);
        let next = rows.last().map(|row| id(row).to_string());
        (rows, next)
    }
}
