//! The registry's history: every transaction that changes entries counts the one revision up, writes an event for each
//! change, and does both in the statement that writes the rows.
//!
//! The revision's row is locked first, so revisions are in the order of commits and have no gaps: whoever has seen
//! revision n has seen everything before it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::entry::{self, Entry, Place, Present};
use super::queries::{self, Table, TableChange};
use super::watch::{RegistryChange, RegistryEvent};
use super::{EntryKind, Node, Service, Workflow};
use crate::error::{Error, Result};
use crate::store::{Call, Row, Sql, Store, Transaction, args, time_text};
use crate::types::{Id, Json, now};

/// What one transaction changes in the registry.
#[derive(Debug)]
pub(super) struct History {
    revision: i64,
    compacted: i64,
    retained: i64,
    events: Vec<Arc<RegistryEvent>>,
    /// The rows and identifiers to write and delete in each table.
    tables: [(Table, Pending); 3],
}

#[derive(Debug, Default)]
struct Pending {
    rows: Map<String, Value>,
    gone: Vec<Id>,
}

impl History {
    /// Lets this transaction be the one that changes the registry: all others that want to wait.
    pub(super) async fn begin(transaction: &mut Transaction) -> Result<Self> {
        let text = "SELECT revision, compacted, retained FROM registry_revision";
        let row = transaction
            .fetch_optional(Sql::of(text, format!("{text} FOR UPDATE")), vec![])
            .await?;
        Self::of(row.as_ref())
    }

    /// Begins a transaction that changes the registry, and reads those of the entries that are there.
    pub(super) async fn open<E: Entry>(
        store: &Store,
        ids: &[&Id],
    ) -> Result<(Transaction, Self, HashMap<Id, Present<E>>)> {
        let mut transaction = store.begin_locking(queries::LOCK).await?;
        let ids = args![json!(ids).to_string()];
        let rows = transaction.fetch_all(queries::among_at::<E>(), ids).await?;
        let history = Self::of(rows.first())?;
        let is_entry = |row: &&Row| !matches!(row.get::<Option<Id>>("id"), Ok(None));
        let present = rows.iter().filter(is_entry).map(entry::with_id);
        Ok((transaction, history, present.collect::<Result<_>>()?))
    }

    fn of(row: Option<&Row>) -> Result<Self> {
        let row = row.ok_or_else(|| Error::data_loss("the registry has lost its revision"))?;
        Ok(Self {
            revision: row.get("revision")?,
            compacted: row.get("compacted")?,
            retained: row.get("retained")?,
            events: Vec::new(),
            tables: [
                (Table::of::<Service>(), Pending::default()),
                (Table::of::<Node>(), Pending::default()),
                (Table::of::<Workflow>(), Pending::default()),
            ],
        })
    }

    /// Writes a declared entry in place of `old`; its version is the revision of the change.
    pub(super) fn put<E: Entry>(
        &mut self,
        old: Option<&E>,
        mut entry: E,
        place: &Place,
    ) -> Result<E> {
        let (change, at) = match old {
            Some(_) => (RegistryChange::Update, now()),
            None => (RegistryChange::Create, entry.created_at()),
        };
        entry.touch(self.revision + 1, at);
        self.record(change, &entry)?;
        self.keep(&entry, place);
        Ok(entry)
    }

    /// Writes an entry whose health changed, which is not a change of what was declared.
    pub(super) fn observe<E: Entry>(&mut self, entry: &E, place: &Place) -> Result<()> {
        self.record(RegistryChange::Update, entry)?;
        self.keep(entry, place);
        Ok(())
    }

    /// Writes an entry of which nobody needs to be told.
    pub(super) fn keep<E: Entry>(&mut self, entry: &E, place: &Place) {
        let pending = self.pending(E::KIND);
        pending.gone.retain(|gone| gone != entry.id());
        let row = entry::written(entry, place);
        pending.rows.insert(entry.id().to_string(), row);
    }

    /// Deletes an entry.
    pub(super) fn delete<E: Entry>(&mut self, entry: &E) -> Result<()> {
        self.record(RegistryChange::Delete, entry)?;
        let pending = self.pending(E::KIND);
        pending.rows.remove(entry.id().as_str());
        pending.gone.push(entry.id().clone());
        Ok(())
    }

    /// The event of the change that was made last.
    pub(super) fn newest(&self) -> Option<&Arc<RegistryEvent>> {
        self.events.last()
    }

    fn pending(&mut self, kind: EntryKind) -> &mut Pending {
        let index = match kind {
            EntryKind::Service => 0,
            EntryKind::Node => 1,
            EntryKind::Workflow => 2,
        };
        &mut self.tables[index].1
    }

    fn record<E: Entry>(&mut self, change: RegistryChange, entry: &E) -> Result<()> {
        self.revision += 1;
        self.events.push(Arc::new(RegistryEvent {
            revision: self.revision,
            change,
            kind: Some(E::KIND),
            id: Some(entry.id().clone()),
            object: Some(serde_json::to_value(entry)?.into()),
            at: now(),
        }));
        Ok(())
    }

    /// Writes it all, and returns the events for those who watch: to be told once the transaction is committed.
    pub(super) async fn write(
        &mut self,
        transaction: &mut Transaction,
    ) -> Result<Vec<Arc<RegistryEvent>>> {
        let (call, events) = self.call()?;
        transaction.run(&call).await?;
        Ok(events)
    }

    /// The call that writes it all, and the events for those who watch.
    pub(super) fn call(&mut self) -> Result<(Call, Vec<Arc<RegistryEvent>>)> {
        let (mut changes, mut lists) = (Vec::new(), BTreeMap::new());
        for (table, pending) in &mut self.tables {
            let Pending { rows, gone } = std::mem::take(pending);
            changes.push(TableChange {
                table: *table,
                puts: !rows.is_empty(),
                deletes: !gone.is_empty(),
            });
            let rows = rows.into_iter().map(|(_, row)| row).collect();
            lists.insert(table.name.to_owned(), rows);
            lists.insert(table.gone(), json!(gone));
        }
        changes.retain(|change| change.puts || change.deletes);
        if changes.is_empty() {
            return Ok((Call::default(), Vec::new()));
        }
        let document = Document {
            revision: self.revision,
            events: self.events.iter().map(|event| row(event)).collect(),
            lists,
        };
        let call = Call::default().with(
            queries::write_changes(&changes),
            serde_json::to_string(&document)?,
        );
        Ok((self.compacted(call), std::mem::take(&mut self.events)))
    }

    /// Drops the oldest events once there are an eighth more than are to be kept, so that few transactions do it. They
    /// may be among those that the same call writes, so it is a part of its own.
    fn compacted(&self, call: Call) -> Call {
        if self.revision - self.compacted <= self.retained + self.retained / 8 {
            return call;
        }
        let compacted = self.revision - self.retained;
        call.with(queries::compact(), compacted.to_string())
    }
}

/// What the statement that writes changes takes.
#[derive(Serialize)]
struct Document<'a> {
    revision: i64,
    events: Vec<EventRow<'a>>,
    /// Rows to write and identifiers to delete, by table.
    #[serde(flatten)]
    lists: BTreeMap<String, Value>,
}

#[derive(Serialize)]
struct EventRow<'a> {
    revision: i64,
    change: RegistryChange,
    kind: Option<EntryKind>,
    id: Option<&'a Id>,
    object: Option<&'a Json>,
    at: String,
}

fn row(event: &RegistryEvent) -> EventRow<'_> {
    EventRow {
        revision: event.revision,
        change: event.change,
        kind: event.kind,
        id: event.id.as_ref(),
        object: event.object.as_ref(),
        at: time_text(event.at),
    }
}
