//! The SQL of walking along chains.
//!
//! PostgreSQL has an index of the rows in the order of their chains. On SQLite they stand in that order themselves: a row's
//! `place`, which is its rowid, is made of its chain's number and of its own in the chain. An index costs an append there
//! more than all hashing does, because SQLite rebalances it over and over where it grows only at its end.

use std::collections::HashMap;

use serde_json::Value;

use crate::audit::note::Head;
use crate::error::{Error, Result};
use crate::store::{Arg, Dialect, Row, Sql, Store, args};
use crate::types::Id;

/// How many bits of a place are the row's number in its chain; the others are the chain's.
const BITS: u32 = 40;

/// The greatest number of a row.
const LAST: i64 = (1 << BITS) - 1;

/// In SQL of SQLite, the place in front of the first row of the chain `$1`, which a seat names: its engine's number is the
/// chain's, as SQLite has one seat.
macro_rules! front {
    () => {
        "(CAST($1 AS INTEGER) << 40)"
    };
}
pub(in crate::audit) use front;

/// The number of a chain on SQLite, if a row there can be its.
fn number(chain_id: &str) -> Option<i64> {
    let number = chain_id.strip_suffix(".0")?.parse().ok()?;
    let is_place = (number << BITS) >> BITS == number;
    (is_place && name(number) == chain_id).then_some(number)
}

fn name(number: i64) -> String {
    format!("{number}.0")
}

/// The first and the last place of a chain from this number on; none for a chain that no row can be of.
fn places_from(chain_id: &str, seq: i64) -> [Arg; 2] {
    let front = number(chain_id).map(|number| number << BITS);
    let seq = seq.clamp(0, LAST + 1);
    [
        Arg::Int(front.and_then(|front| front.checked_add(seq))),
        Arg::Int(front.map(|front| front | LAST)),
    ]
}

/// A place in a chain, between rows.
#[derive(Debug, Clone, Copy)]
pub(in crate::audit) struct Cursor {
    seq: i64,
    /// Where nothing keeps rows from claiming the same place, the one that it is behind; before all of them if it is none.
    id: Option<uuid::Uuid>,
}

impl Cursor {
    pub(in crate::audit) fn start() -> Self {
        Self {
            seq: i64::MIN,
            id: None,
        }
    }

    /// Reads what a cursor's text has.
    pub(in crate::audit) fn read(seq: &str, id: &str) -> Option<Self> {
        Some(Self {
            seq: seq.parse().ok()?,
            id: match id {
                "" => None,
                id => Some(id.parse().ok()?),
            },
        })
    }

    /// Just after a row that [`rows_after`] found.
    pub(in crate::audit) fn after(row: &Row) -> Result<Self> {
        Ok(Self {
            seq: seq_of(row)?,
            id: uuid_of(row),
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.id.map_or(Ok(()), |id| id.fmt(f))
    }
}

/// The number of the place in which [`rows_after`] found a row, whatever the row says.
pub(in crate::audit) fn seq_of(row: &Row) -> Result<i64> {
    row.get("stands_at")
}

/// The identifier of a row, if it is stored as we write it.
pub(in crate::audit) fn uuid_of(row: &Row) -> Option<uuid::Uuid> {
    let id: Id = row.get("id").ok()?;
    id.uuid().filter(|uuid| uuid.to_string() == id.as_str())
}

/// The next rows of a chain, in its order. Places that several rows claim are no reason to miss one.
pub(in crate::audit) async fn rows_after(
    store: &Store,
    chain_id: &str,
    after: &Cursor,
    limit: i64,
) -> Result<Vec<Row>> {
    let (sql, args) = match store.dialect() {
        Dialect::Sqlite => {
            let [from, to] = places_from(chain_id, after.seq.saturating_add(1));
            (
                "SELECT *, place & 1099511627775 AS stands_at FROM audit_logs WHERE place BETWEEN $1 AND $2
                 ORDER BY place LIMIT $3",
                vec![from, to, limit.into()],
            )
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => (
            "SELECT *, seq AS stands_at FROM audit_logs WHERE chain_id = $1 AND seq >= $2
                AND (seq > $2 OR $3 IS NULL OR id > $3)
             ORDER BY seq, id LIMIT $4",
            vec![
                chain_id.into(),
                after.seq.into(),
                Arg::Uuid(after.id),
                limit.into(),
            ],
        ),
    };
    store.fetch_all(sql, args).await
}

/// Rows that no walk along chains meets, because they have no place in one: somebody put them there. On SQLite every row has
/// a place.
pub(in crate::audit) async fn strays(store: &Store, offset: i64, limit: i64) -> Result<Vec<Row>> {
    let sql = Sql::of(
        "SELECT * FROM audit_logs WHERE false",
        // In two steps, lest they are looked for in the order of all identifiers.
        "WITH strays AS MATERIALIZED (SELECT * FROM audit_logs WHERE chain_id IS NULL OR seq IS NULL)
         SELECT * FROM strays ORDER BY id LIMIT $2 OFFSET $1",
    );
    store.fetch_all(sql, args![offset, limit]).await
}

/// The next chain that has rows; the first one if it is after none.
///
/// # Errors
/// `INVALID_ARGUMENT` for a chain after which there can be none.
pub(in crate::audit) async fn next_chain(
    store: &Store,
    after: Option<&str>,
) -> Result<Option<String>> {
    match store.dialect() {
        Dialect::Sqlite => {
            let number_of = |chain_id| {
                number(chain_id).ok_or_else(|| {
                    Error::invalid_argument(format!("there is no chain '{chain_id}' on SQLite"))
                })
            };
            let from = match after.map(number_of).transpose()? {
                Some(number) => (number << BITS | LAST).checked_add(1),
                None => Some(i64::MIN),
            };
            let sql = "SELECT place FROM audit_logs WHERE place >= $1 ORDER BY place LIMIT 1";
            let row = store.fetch_optional(sql, vec![Arg::Int(from)]).await?;
            row.map(|row| Ok(name(row.get::<i64>("place")? >> BITS)))
                .transpose()
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => {
            let (condition, args) = match after {
                Some(after) => ("chain_id > $1", args![after]),
                None => ("true", vec![]),
            };
            let sql = format!("SELECT min(chain_id) AS chain_id FROM audit_logs WHERE {condition}");
            let row = store.fetch_optional(sql, args).await?;
            row.map_or(Ok(None), |row| row.get("chain_id"))
        }
    }
}

/// The number of the last row of a chain.
pub(in crate::audit) async fn last_seq(store: &Store, chain_id: &str) -> Result<i64> {
    let (sql, args) = match store.dialect() {
        Dialect::Sqlite => (
            "SELECT coalesce(max(place) & 1099511627775, 0) AS seq FROM audit_logs WHERE place BETWEEN $1 AND $2",
            places_from(chain_id, 1).to_vec(),
        ),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => (
            "SELECT coalesce(max(seq), 0) AS seq FROM audit_logs WHERE chain_id = $1",
            args![chain_id],
        ),
    };
    let row = store.fetch_optional(sql, args).await?;
    row.map_or(Ok(0), |row| row.get("seq"))
}

/// The hashes of the rows at these places.
pub(in crate::audit) async fn hashes_at(
    store: &Store,
    places: &[&Head],
) -> Result<HashMap<(String, i64), Vec<u8>>> {
    let document: Value = match store.dialect() {
        Dialect::Sqlite => {
            let is_number = |seq: &i64| (0..=LAST).contains(seq);
            let place = |head: &&Head| {
                let seq = Some(head.seq).filter(is_number)?;
                Some(number(&head.chain_id)? << BITS | seq)
            };
            places.iter().filter_map(place).collect()
        }
        #[cfg(feature = "postgres")]
        Dialect::Postgres => places
            .iter()
            .map(|head| serde_json::json!([head.chain_id, head.seq]))
            .collect(),
    };
    let sql = Sql::of(
        "SELECT chain_id, seq, hash FROM json_each($1) AS wanted JOIN audit_logs ON place = wanted.value",
        "SELECT chain_id, seq, hash FROM json_array_elements($1::json) AS wanted(value)
         JOIN audit_logs ON chain_id = value ->> 0 AND seq = (value ->> 1)::bigint",
    );
    let rows = store.fetch_all(sql, args![document.to_string()]).await?;
    rows.iter()
        .map(|row| {
            let hash = row.get("hash").unwrap_or_default();
            Ok(((row.get("chain_id")?, row.get("seq")?), hash))
        })
        .collect()
}
