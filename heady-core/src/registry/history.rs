//! The registry's history: every transaction that changes entries counts the one revision up, writes an event for each
//! change, and does both in the statement that writes the rows.
//!
//! The revision's row is locked first, so revisions are in the order of commits and have no gaps: whoever has seen
//! revision n has seen everything before it.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::entry::{self, Entry, Place};
use super::queries::{self, Table};
use super::watch::{RegistryChange, RegistryEvent};
use super::{EntryKind, Node, Service, Workflow};
use crate::error::{Error, Result};
use crate::store::{Sql, Transaction, args, time_text};
use crate::types::{Id, now};

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
            .await?
            .ok_or_else(|| Error::data_loss("the registry has lost its revision"))?;
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
        let touched: Vec<_> = self
            .tables
            .iter_mut()
            .filter(|(_, pending)| !pending.rows.is_empty() || !pending.gone.is_empty())
            .collect();
        if touched.is_empty() {
            return Ok(Vec::new());
        }
        let mut document = json!({"revision": self.revision});
        let mut tables = Vec::new();
        for (table, pending) in touched {
            let rows = std::mem::take(&mut pending.rows);
            document[table.name] = rows.into_iter().map(|(_, row)| row).collect();
            document[table.gone()] = json!(std::mem::take(&mut pending.gone));
            tables.push(*table);
        }
        document["events"] = self.events.iter().map(|event| row(event)).collect();
        transaction
            .execute(queries::write_changes(&tables), args![document.to_string()])
            .await?;
        self.compact(transaction).await?;
        Ok(std::mem::take(&mut self.events))
    }

    /// Drops the oldest events once there are an eighth more than are to be kept, so that few transactions do it.
    async fn compact(&self, transaction: &mut Transaction) -> Result<()> {
        if self.revision - self.compacted <= self.retained + self.retained / 8 {
            return Ok(());
        }
        let compacted = self.revision - self.retained;
        let deleted = "DELETE FROM registry_events WHERE revision <= $1";
        transaction.execute(deleted, args![compacted]).await?;
        let noted = "UPDATE registry_revision SET compacted = $1";
        transaction.execute(noted, args![compacted]).await.map(drop)
    }
}

fn row(event: &RegistryEvent) -> Value {
    json!({
        "revision": event.revision, "change": event.change, "kind": event.kind, "id": event.id,
        "object": event.object, "at": time_text(event.at),
    })
}
