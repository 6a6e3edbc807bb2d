//! The SQL of the registry.

use serde_json::Value;

use super::entry::Entry;
use crate::error::Result;
use crate::store::{Row, Sql, Transaction, args};
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

/// The same, each beside the revision: one row without an entry if there are none.
pub(super) fn among_at<E: Entry>() -> Sql {
    let among = among::<E>();
    among.map(|text| {
        format!(
            "SELECT at.revision, at.compacted, at.retained, there.* FROM registry_revision AS at
             LEFT JOIN ({text}) AS there ON true"
        )
    })
}

/// A table of entries, as the statement that writes changes needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    columns: &'static [(&'static str, &'static str)],
}

/// Where every entry stands in an imported document.
const PLACE: [(&str, &str); 2] = [("section", "text"), ("position", "bigint")];

impl Table {
    pub(super) fn of<E: Entry>() -> Self {
        Self {
            name: E::TABLE,
            columns: E::COLUMNS,
        }
    }

    /// The key of the identifiers to delete.
    pub(super) fn gone(&self) -> String {
        format!("{}Gone", self.name)
    }

    fn columns(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> + use<> {
        self.columns.iter().chain(&PLACE)
    }

    /// Each column through `form`, with commas between.
    fn list(&self, form: impl Fn(&str, &str) -> String) -> String {
        let columns: Vec<_> = self
            .columns()
            .map(|(name, kind)| form(name, kind))
            .collect();
        columns.join(", ")
    }

    fn insert(&self, source: &str) -> String {
        format!(
            "INSERT INTO {} ({}) {source} ON CONFLICT (id) DO UPDATE SET {}",
            self.name,
            self.list(|name, _| name.to_owned()),
            self.list(|name, _| format!("{name} = excluded.{name}"))
        )
    }

    /// Writes the rows of the document; for SQLite and for PostgreSQL.
    fn puts(&self) -> [String; 2] {
        let name = self.name;
        let values = self.list(|name, kind| match kind {
            "jsonb" | "text[]" => format!("value -> '{name}'"),
            _ => format!("value ->> '{name}'"),
        });
        let kinds = self.list(|name, kind| format!("{name} {kind}"));
        [
            format!("SELECT {values} FROM jsonb_each($1, '$.{name}') WHERE true"),
            format!("SELECT r.* FROM document, json_to_recordset(d -> '{name}') AS r({kinds})"),
        ]
        .map(|rows| self.insert(&rows))
    }

    /// Deletes what the document says is gone; for SQLite and for PostgreSQL.
    fn deletes(&self) -> [String; 2] {
        let gone = self.gone();
        [
            format!("value FROM json_each($1, '$.{gone}')"),
            format!("json_array_elements_text(d -> '{gone}') FROM document"),
        ]
        .map(|gone| format!("DELETE FROM {} WHERE id IN (SELECT {gone})", self.name))
    }
}

/// Locks the row that every transaction which changes the registry counts up.
pub(super) const LOCK: &str = "SELECT 1 FROM registry_revision FOR UPDATE";

/// Drops the events up to the revision `$1`.
pub(super) fn compact() -> Sql {
    Sql::of(
        "DELETE FROM registry_events WHERE revision <= CAST($1 AS INTEGER);
         UPDATE registry_revision SET compacted = CAST($1 AS INTEGER)",
        "WITH dropped AS (DELETE FROM registry_events WHERE revision <= $1::text::bigint)
         UPDATE registry_revision SET compacted = $1::text::bigint",
    )
}

/// What one document changes in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableChange {
    pub(super) table: Table,
    pub(super) puts: bool,
    pub(super) deletes: bool,
}

/// Writes the rows of these tables, the events and the revision of one document. SQLite, which would have to parse the
/// document for it once more, sees the revision at the events.
pub(super) fn write_changes(changes: &[TableChange]) -> Sql {
    let mut sqlite = String::new();
    let mut postgres = "WITH document AS (SELECT $1::json AS d)".to_owned();
    for change in changes {
        let puts = change.puts.then(|| ("put", change.table.puts()));
        let deletes = change.deletes.then(|| ("gone", change.table.deletes()));
        for (what, [on_sqlite, on_postgres]) in puts.into_iter().chain(deletes) {
            sqlite += &format!("{on_sqlite};\n");
            postgres += &format!(",\n{}_{what} AS ({on_postgres})", change.table.name);
        }
    }
    sqlite += "INSERT INTO registry_events (revision, change, kind, id, object, at)
        SELECT value ->> 'revision', value ->> 'change', value ->> 'kind', value ->> 'id', value -> 'object',
               value ->> 'at'
        FROM jsonb_each($1, '$.events');
        UPDATE registry_revision SET revision = coalesce((SELECT max(revision) FROM registry_events), revision)";
    postgres += ",
        told AS (
          INSERT INTO registry_events (revision, change, kind, id, object, at)
          SELECT e.* FROM document, json_to_recordset(d -> 'events')
            AS e(revision bigint, change text, kind text, id text, object jsonb, at timestamptz)
        )
        UPDATE registry_revision SET revision = (d ->> 'revision')::bigint FROM document";
    Sql::of(sqlite, postgres)
}

/// The newest revision and the newest one whose event is gone.
pub(super) const REVISION: &str = "SELECT revision, compacted FROM registry_revision";

/// The events after `$1` in order, at most `$2`, beside what [`REVISION`] gives: one row without an event if there are
/// none.
pub(super) const EVENTS: &str =
    "SELECT now.revision AS newest, now.compacted, event.* FROM registry_revision AS now
     LEFT JOIN (SELECT * FROM registry_events WHERE revision > $1 ORDER BY revision LIMIT $2) AS event ON true
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
            "INSERT INTO registry_entries (section, id, position, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (section, id) DO UPDATE SET position = excluded.position, body = excluded.body",
            args![&entry.section, &entry.id, entry.position, &entry.body],
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
            "DELETE FROM registry_entries WHERE section = $1 AND id = $2",
            args![&entry.section, &entry.id],
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

/// Lets comparisons take turns. On SQLite every writing transaction has its turn already.
pub(super) async fn lock_document(transaction: &mut Transaction) -> Result<()> {
    let sql = Sql::of(
        "SELECT 1",
        "LOCK TABLE registry_documents IN SHARE ROW EXCLUSIVE MODE",
    );
    transaction.execute(sql, vec![]).await.map(drop)
}
