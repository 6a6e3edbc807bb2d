//! What one call hands to the database.

use std::borrow::Cow;
use std::sync::Arc;

use super::Row;
use super::seat::{Continuation, Lease};
use super::sql::{Arg, Sql, check_nul, check_storable_json};
use crate::error::{Error, Result};

/// One call: parts that commit together, and rows that continue others.
#[derive(Debug, Default)]
pub(crate) struct Call {
    continuation: Option<Arc<dyn Continuation>>,
    parts: Vec<Part>,
    /// Whether the first part is a condition.
    guarded: bool,
}

/// A part of a call. On PostgreSQL its SQL is one statement; on SQLite it may be several, all seeing the same arguments.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(super) sql: Sql,
    values: Values,
}

/// What a part's SQL is handed.
#[derive(Debug, Clone)]
pub(crate) struct Values {
    args: Vec<Arg>,
    /// Whether it is one text, and that JSON.
    document: bool,
}

impl From<String> for Values {
    fn from(document: String) -> Self {
        Self {
            args: vec![document.into()],
            document: true,
        }
    }
}

impl From<Vec<Arg>> for Values {
    fn from(args: Vec<Arg>) -> Self {
        Self {
            args,
            document: false,
        }
    }
}

impl Part {
    pub(crate) fn new(sql: impl Into<Sql>, values: impl Into<Values>) -> Self {
        Self {
            sql: sql.into(),
            values: values.into(),
        }
    }

    /// Refuses what no database may be handed.
    pub(super) fn check(&self) -> Result<()> {
        match &self.values.args[..] {
            [Arg::Text(Some(document))] if self.values.document => check_storable_json(document),
            args => args.iter().try_for_each(check_nul),
        }
    }

    pub(super) fn args(&self) -> &[Arg] {
        &self.values.args
    }
}

impl Call {
    /// Adds a part.
    #[must_use]
    pub(crate) fn with(mut self, sql: impl Into<Sql>, values: impl Into<Values>) -> Self {
        self.parts.push(Part::new(sql, values));
        self
    }

    /// Adds a part that was made before.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with_part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Begins with a part that gives a row if the call may go on: its condition, under which nobody else can change what it
    /// is about. Where it gives none, nothing is written and the call is refused as `ABORTED`.
    #[must_use]
    pub(crate) fn guarded_by(mut self, sql: impl Into<Sql>, values: impl Into<Values>) -> Self {
        self.parts.insert(0, Part::new(sql, values));
        self.guarded = true;
        self
    }

    /// Refuses to go on after these rows of the first part.
    pub(super) fn check_guard(&self, rows: &[Row]) -> Result<()> {
        if self.guarded && rows.is_empty() {
            return Err(Error::aborted(
                "somebody else wrote meanwhile; what was decided before does not hold",
            ));
        }
        Ok(())
    }

    /// Sets the rows that continue others. They are written after the parts: every transaction locks what it changes first
    /// and what it continues last, so that none waits in a circle.
    #[must_use]
    pub(crate) fn continued_by(mut self, rows: Arc<dyn Continuation>) -> Self {
        self.continuation = Some(rows);
        self
    }

    pub(super) fn continuation(&self) -> Option<&Arc<dyn Continuation>> {
        self.continuation.as_ref()
    }

    /// Whether PostgreSQL can take it as one statement, as far as is known before its seat is: what continues rows joins
    /// other parts.
    #[cfg(feature = "postgres")]
    pub(super) fn is_one_statement(&self) -> bool {
        let alone = self.parts.len() + usize::from(self.continuation.is_some()) == 1;
        alone || self.parts.iter().all(super::postgres::joins)
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// All parts, those that continue the seat's rows last, or `None` if the seat does not know its last row.
    pub(super) fn parts_from(
        &self,
        lease: Option<&mut Lease>,
    ) -> Result<Option<Vec<Cow<'_, Part>>>> {
        let mut parts: Vec<_> = self.parts.iter().map(Cow::Borrowed).collect();
        if let (Some(rows), Some(lease)) = (&self.continuation, lease) {
            let Some(part) = lease.part(&**rows)? else {
                return Ok(None);
            };
            parts.push(Cow::Owned(part));
        }
        parts.iter().try_for_each(|part| part.check())?;
        Ok(Some(parts))
    }
}
