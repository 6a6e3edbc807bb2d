//! The SQL of the registry.

use std::sync::{LazyLock, OnceLock};

use serde_json::{Value, json};

use super::EntryKind;
use super::entry::Entry;
use crate::error::Result;
use crate::store::{Arg, Columns, Row, Sql, Transaction, args};
use crate::types::now;

/// One entry, beside the database's time.
pub(super) fn by_id<E: Entry>() -> Sql {
    Sql::from(format!(
        "SELECT {{now}} AS now, entry.* FROM {} AS entry WHERE entry.id = $1",
        E::SOURCE
    ))
    .with_clock()
}

/// Every entry and its place, by id.
pub(super) fn placed<E: Entry>() -> String {
    format!(
        "SELECT entry.* FROM {} AS entry ORDER BY entry.id",
        E::SOURCE
    )
}

/// Every entry by id beside the revision and the database's time: one row without an entry if there are none.
pub(super) fn all<E: Entry>() -> Sql {
    Sql::from(format!(
        "SELECT {{now}} AS now, at.revision, entry.* FROM registry_revision AS at LEFT JOIN {} AS entry ON true
         ORDER BY entry.id",
        E::SOURCE
    ))
    .with_clock()
}

/// The entries of these ids, a JSON list, and whether something needs them.
pub(super) fn among<E: Entry>() -> Sql {
    let among = |ids: &str| {
        format!(
            "SELECT entry.*, {} AS in_use FROM {} AS entry WHERE entry.id IN ({ids})",
            E::IN_USE,
            E::SOURCE
        )
    };
    Sql::of(
        among("SELECT value FROM json_each($1)"),
        among("SELECT json_array_elements_text($1::json)"),
    )
}

/// The same, each beside the revision and the database's time: one row without an entry if there are none.
pub(super) fn among_at<E: Entry>() -> Sql {
    let among = among::<E>();
    among.map(|text| {
        format!(
            "SELECT {{now}} AS now, at.revision, at.mark, at.compacted, at.retained, there.* FROM registry_revision AS at
             LEFT JOIN ({text}) AS there ON true"
        )
    })
    .with_clock()
}

/// A table of entries, as the statement that writes changes needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    kind: EntryKind,
    name: &'static str,
    columns: &'static [(&'static str, &'static str)],
    beside: Option<(&'static str, &'static str)>,
}

/// Where every entry stands in an imported document.
const PLACE: [(&str, &str); 2] = [("section", "text"), ("position", "bigint")];

impl Table {
    pub(super) fn of<E: Entry>() -> Self {
        Self {
            kind: E::KIND,
            name: E::TABLE,
            columns: E::COLUMNS,
            beside: E::BESIDE,
        }
    }

    fn columns(&self) -> Columns {
        Columns::of(self.columns).and(&PLACE)
    }

    fn insert(&self, columns: Columns, source: &str) -> String {
        // Not the key, or rows that refer to this one would count as touched.
        let changes = columns.names().filter(|name| *name != "id");
        let changes: Vec<_> = changes
            .map(|name| format!("{name} = excluded.{name}"))
            .collect();
        format!(
            "INSERT INTO {} ({}) {source} ON CONFLICT (id) DO UPDATE SET {}",
            self.name,
            columns.list(),
            changes.join(", ")
        )
    }

    /// Writes rows.
    pub(super) fn puts(&self) -> &'static Sql {
        static MADE: [OnceLock<Sql>; 3] = [const { OnceLock::new() }; 3];
        MADE[self.kind as usize].get_or_init(|| self.make_puts())
    }

    fn make_puts(&self) -> Sql {
        let columns = self.columns();
        let rows = format!("SELECT {} WHERE {{after}}", columns.unnested(1));
        Sql::of(
            self.insert(columns, &format!("VALUES ({})", columns.values(1))),
            format!("{{last}} {}", self.insert(columns, &rows)),
        )
    }

    /// The rows as columns.
    pub(super) fn arguments(&self, rows: impl ExactSizeIterator<Item = Vec<Arg>>) -> Vec<Arg> {
        self.columns().arguments(rows)
    }

    /// Deletes the entries of these ids, a list.
    pub(super) fn deletes(&self) -> Sql {
        delete(self.name, "id")
    }

    /// Deletes what is kept beside the entries of these ids, if there is anything: it goes with an entry that is deleted, but
    /// not with one in whose place another one is written at once.
    pub(super) fn forgets(&self) -> Option<Sql> {
        self.beside.map(|(table, column)| delete(table, column))
    }
}

/// Deletes the rows that have one of these ids, a list, in this column.
fn delete(table: &str, column: &str) -> Sql {
    let delete = |gone: &str| format!("DELETE FROM {table} WHERE {column} IN ({gone})");
    let gone = delete("SELECT json_array_elements_text($1::json) WHERE {after}");
    Sql::of(
        delete("SELECT value FROM json_each($1)"),
        format!("{{last}} {gone}"),
    )
}

/// Locks the row that every transaction which changes the registry counts up.
pub(super) const LOCK: &str = "SELECT 1 FROM registry_revision FOR UPDATE";

/// Locks it too, leaves the mark `$1` and gives where the registry stands.
pub(super) const BEGIN: &str =
    "UPDATE registry_revision SET mark = $1 RETURNING revision, mark, compacted, retained";

/// Moves the registry on from the mark `$4` at revision `$5`, where it stood when the changes were decided, to `$1`; gives no
/// row if others moved it since.
pub(super) static TURN: LazyLock<Sql> = LazyLock::new(|| {
    let turn = "UPDATE registry_revision SET revision = $1, compacted = $2, mark = $3 WHERE mark = $4 AND revision = $5
         RETURNING 1 AS moved";
    Sql::of(turn, format!("{{last}} {turn}"))
});

/// Drops the events after the revision `$1` up to `$2`. Those before are gone, but not from PostgreSQL's index until that is
/// vacuumed: without the lower end each call would look at all of them again.
pub(super) fn compact() -> Sql {
    let compact = "DELETE FROM registry_events WHERE revision > $1 AND revision <= $2";
    Sql::of(compact, format!("{{last}} {compact} AND {{after}}"))
}

/// Writes events.
pub(super) static LOG: LazyLock<Sql> = LazyLock::new(|| {
    let insert = "INSERT INTO registry_events (revision, change, kind, id, object, at)";
    Sql::of(
        format!("{insert} VALUES ($1, $2, $3, $4, $5, $6)"),
        format!(
            "{{last}} {insert} SELECT unnest($1::bigint[]), unnest($2::text[]), unnest($3::text[]), unnest($4::text[]),
               unnest($5::text[])::json, unnest($6::timestamptz[]) WHERE {{after}}"
        ),
    )
});

/// The newest revision and the newest one whose event is gone.
pub(super) const REVISION: &str = "SELECT revision, mark,
        (SELECT at FROM registry_events AS event WHERE event.revision = now.revision) AS seen_at
     FROM registry_revision AS now";

/// The events after `$1` in order, at most `$2` and so many that their objects have no more than `$3` bytes, but one at least;
/// each with those bytes, beside where the registry stands and when the event of `$1` was: one row without an event if there
/// are none.
pub(super) const EVENTS: &str = "SELECT now.revision AS newest, now.compacted, now.mark,
        (SELECT at FROM registry_events WHERE revision = $1) AS seen_at, event.*
     FROM registry_revision AS now LEFT JOIN
       (SELECT * FROM
          (SELECT *, sum(bytes) OVER (ORDER BY revision) AS up_to FROM
             (SELECT *, octet_length(CAST(object AS TEXT)) AS bytes FROM registry_events WHERE revision > $1
              ORDER BY revision LIMIT $2) AS page) AS weighed
        WHERE up_to <= $3 OR up_to = bytes) AS event ON true
     ORDER BY event.revision";

/// The events of the revisions in `$1`, a JSON list.
pub(super) fn events_at() -> Sql {
    let at =
        |revisions: &str| format!("SELECT * FROM registry_events WHERE revision IN ({revisions})");
    Sql::of(
        at("SELECT value FROM json_each($1)"),
        at("SELECT json_array_elements_text($1::json)::bigint"),
    )
}

/// A section entry without a table of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OtherEntry {
    pub(super) section: String,
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) body: Value,
}

impl OtherEntry {
    /// What tells it from all others, however long their names are.
    fn key(&self) -> String {
        crate::document::hash(&json!([self.section, self.id]))
    }
}

pub(super) fn other_entry(row: &Row) -> Result<OtherEntry> {
    Ok(OtherEntry {
        section: row.get("section")?,
        id: row.get("id")?,
        position: row.get("position")?,
        body: row.get("body")?,
    })
}

pub(super) const OTHER_ENTRIES: &str =
    "SELECT section, id, position, body FROM registry_entries ORDER BY section, position, id";

pub(super) async fn put_other_entry(
    transaction: &mut Transaction,
    entry: &OtherEntry,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_entries (key, section, id, position, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO UPDATE SET position = excluded.position, body = excluded.body",
            args![entry.key(), &entry.section, &entry.id, entry.position, &entry.body],
        )
        .await
        .map(drop)
}

pub(super) async fn delete_other_entry(
    transaction: &mut Transaction,
    entry: &OtherEntry,
) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM registry_entries WHERE key = $1",
            args![entry.key()],
        )
        .await
        .map(drop)
}

/// The imported document: its plain values, and its sections with their forms.
#[derive(Debug)]
pub(super) struct DocumentRow {
    pub(super) shape: String,
    pub(super) header: Value,
    pub(super) sections: Value,
    pub(super) content_hash: String,
}

/// There is one registry, hence one document.
const DOCUMENT: &str = "registry";

pub(super) async fn put_document(
    transaction: &mut Transaction,
    document: DocumentRow,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_documents (id, shape, header, sections, content_hash, imported_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET shape = excluded.shape, header = excluded.header,
               sections = excluded.sections, content_hash = excluded.content_hash, imported_at = excluded.imported_at",
            args![DOCUMENT, document.shape, document.header, document.sections, document.content_hash, now()],
        )
        .await
        .map(drop)
}

/// The plain values of the imported document and its sections with their forms, if there is one.
pub(super) async fn document(transaction: &mut Transaction) -> Result<Option<(Value, Value)>> {
    let sql = "SELECT header, sections FROM registry_documents";
    let row = transaction.fetch_optional(sql, vec![]).await?;
    row.map(|row| Ok((row.get("header")?, row.get("sections")?)))
        .transpose()
}

/// Lets comparisons take turns. On SQLite every writing transaction has its turn already.
pub(super) async fn lock_document(transaction: &mut Transaction) -> Result<()> {
    let sql = Sql::of(
        "SELECT 1",
        "LOCK TABLE registry_documents IN SHARE ROW EXCLUSIVE MODE",
    );
    transaction.execute(sql, vec![]).await.map(drop)
}
