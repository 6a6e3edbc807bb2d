//! The registry's history: every transaction that changes entries counts the one revision up, writes an event for each
//! change, and does both in the statement that writes the rows.
//!
//! The revision's row is locked first, so revisions are in the order of commits and have no gaps: whoever has seen
//! revision n has seen everything before it. Each transaction also leaves a mark of its own there, by which one that
//! decided before it had the lock notices that another came between.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::json;

use super::entry::{self, Entry, Place, Present};
use super::memory::Position;
use super::queries::{self, Table};
use super::watch::{News, RegistryChange, RegistryEvent, Told};
use super::{EntryKind, Node, Service, Workflow};
use crate::error::Result;
use crate::store::{Arg, Call, Each, Row, Sql, Store, Transaction, args};
use crate::types::{Id, Json, Timestamp, now};

/// Lets another domain's transaction change entries by SQL of its own: nobody decides on what was there before.
pub(crate) async fn take_turn(transaction: &mut Transaction) -> Result<()> {
    History::begin(transaction).await.map(drop)
}

/// What one transaction changes in the registry.
#[derive(Debug)]
pub(super) struct History {
    /// Where the registry must stand when it is written.
    after: Position,
    revision: i64,
    events: Vec<Told>,
    /// Whether they are for anybody but the log.
    told: bool,
    /// What of the events is stored.
    log: Log,
    /// The rows and identifiers to write and delete in each table.
    tables: [(Table, Pending); 3],
    /// Where the registry stands then.
    mark: Id,
}

#[derive(Debug, Default)]
struct Pending {
    rows: BTreeMap<Id, Vec<Arg>>,
    gone: BTreeSet<Id>,
    /// Those that were gone in between: others of the same name.
    anew: Vec<Id>,
}

/// Where the registry stands, the database's time, and those of the entries that are there.
pub(super) type Reading<E> = (Position, Timestamp, HashMap<Id, Present<E>>);

impl History {
    /// Lets this transaction be the one that changes the registry: all others that want to wait. What they remember of it
    /// is nothing to go by then, whether this changes an entry or not.
    pub(super) async fn begin(transaction: &mut Transaction) -> Result<Self> {
        let mark = Id::new();
        let args = vec![Arg::uuid(&mark)];
        let row = transaction.fetch_optional(queries::BEGIN, args).await?;
        Ok(Self::after(Position::read(row.as_ref())?))
    }

    /// Keeps all others from changing the registry until this transaction ends.
    pub(super) async fn lock(transaction: &mut Transaction) -> Result<()> {
        let sql = Sql::of("SELECT 1", queries::LOCK);
        transaction.execute(sql, vec![]).await.map(drop)
    }

    /// Begins a transaction that changes the registry, and reads where it stands and those of the entries that are there.
    pub(super) async fn open<E: Entry>(
        store: &Store,
        ids: &[&Id],
    ) -> Result<(Transaction, Reading<E>)> {
        let mut transaction = store.begin_locking(queries::LOCK).await?;
        let rows = transaction
            .fetch_all(queries::among_at::<E>(), among(ids))
            .await?;
        Ok((transaction, read(&rows)?))
    }

    /// Reads the same from the last committed state.
    pub(super) async fn look<E: Entry>(store: &Store, ids: &[&Id]) -> Result<Reading<E>> {
        let rows = store
            .fetch_all(queries::among_at::<E>(), among(ids))
            .await?;
        read(&rows)
    }

    /// Changes the registry as it stands there, or not at all.
    pub(super) fn after(position: Position) -> Self {
        Self {
            revision: position.revision,
            after: position,
            events: Vec::new(),
            told: true,
            log: Log::default(),
            tables: [
                (Table::of::<Service>(), Pending::default()),
                (Table::of::<Node>(), Pending::default()),
                (Table::of::<Workflow>(), Pending::default()),
            ],
            mark: Id::new(),
        }
    }

    /// The same without anybody to tell of it: its events are for the log alone.
    pub(super) fn untold(position: Position) -> Self {
        Self {
            told: false,
            ..Self::after(position)
        }
    }

    /// The same where those who watch read the log once it is committed: many changes need no copies for them.
    pub(super) fn told_by_the_log(self) -> Self {
        Self {
            told: false,
            ..self
        }
    }

    pub(super) fn is_untold(&self) -> bool {
        !self.told
    }

    /// Writes a declared entry, in place of one if it is there; its version is the revision of the change.
    pub(super) fn put<E: Entry>(
        &mut self,
        is_there: bool,
        mut entry: E,
        place: &Place,
    ) -> Result<E> {
        let (change, at) = if is_there {
            (RegistryChange::Update, now())
        } else {
            (RegistryChange::Create, entry.created_at())
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
        let row = entry::row(entry, place);
        let pending = self.pending(E::KIND);
        if pending.gone.remove(entry.id()) {
            pending.anew.push(entry.id().clone());
        }
        pending.rows.insert(entry.id().clone(), row);
    }

    /// Deletes an entry.
    pub(super) fn delete<E: Entry>(&mut self, entry: &E) -> Result<()> {
        self.record(RegistryChange::Delete, entry)?;
        let pending = self.pending(E::KIND);
        pending.rows.remove(entry.id());
        pending.gone.insert(entry.id().clone());
        Ok(())
    }

    /// The event of the change that was made last.
    pub(super) fn newest(&self) -> Option<&Arc<RegistryEvent>> {
        self.events.last().map(|told| &told.event)
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
        let (revision, at) = (self.revision + 1, now());
        let log = &mut self.log;
        let object = serde_json::to_string(entry)?;
        let bytes = object.len();
        log.objects.push(object);
        log.revisions.push(revision);
        log.changes.push(change.to_string());
        log.kinds.push(E::KIND.to_string());
        log.ids.push(entry.id().to_string());
        log.times.push(at);
        self.revision = revision;
        let object = self.told.then(|| serde_json::to_value(entry)).transpose()?;
        let event = Arc::new(RegistryEvent {
            revision,
            change,
            kind: Some(E::KIND),
            id: Some(entry.id().clone()),
            object: object.map(Json::from),
            at,
        });
        self.events.push(Told { event, bytes });
        Ok(())
    }

    /// Writes it all, and returns the news for those who watch: to be told once the transaction is committed.
    pub(super) async fn write(&mut self, transaction: &mut Transaction) -> Result<News> {
        let (call, news) = self.call()?;
        transaction.run(&call).await?;
        Ok(news)
    }

    /// Where the registry stands when it is written.
    pub(super) fn end(&self) -> Position {
        Position {
            revision: self.revision,
            mark: self.mark.clone(),
            compacted: self.compacted(),
            retained: self.after.retained,
        }
    }

    /// The call that writes it all, and the news for those who watch.
    pub(super) fn call(&mut self) -> Result<(Call, News)> {
        let marks = [self.after.mark.clone(), self.mark.clone()];
        let news = |events| News { marks, events };
        let mut parts = Vec::new();
        for (table, pending) in &mut self.tables {
            let Pending { rows, gone, anew } = std::mem::take(pending);
            if let Some(forgets) = table.forgets().filter(|_| !anew.is_empty()) {
                parts.push((forgets, vec![serde_json::to_string(&anew)?.into()]));
            }
            if !rows.is_empty() {
                parts.push((table.puts().into(), table.arguments(rows.into_values())));
            }
            if !gone.is_empty() {
                let gone = serde_json::to_string(&gone)?;
                parts.push((table.deletes(), vec![gone.into()]));
            }
        }
        if parts.is_empty() {
            return Ok((Call::default(), news(Vec::new())));
        }
        let compacted = self.compacted();
        let mut call = Call::default().guarded_by(
            &*queries::TURN,
            vec![
                self.revision.into(),
                compacted.into(),
                Arg::uuid(&self.mark),
                Arg::uuid(&self.after.mark),
                self.after.revision.into(),
            ],
        );
        for (sql, args) in parts {
            call = call.with(sql, args);
        }
        // What would be dropped at once is not written.
        let dropped = usize::try_from(compacted.saturating_sub(self.after.revision)).unwrap_or(0);
        let log = std::mem::take(&mut self.log);
        if log.revisions.len() > dropped {
            call = call.with(&*queries::LOG, log.arguments(dropped));
        }
        if compacted > self.after.compacted {
            let dropped = args![self.after.compacted, compacted];
            call = call.with(queries::compact(), dropped);
        }
        let events = std::mem::take(&mut self.events);
        Ok((call, news(if self.told { events } else { Vec::new() })))
    }

    /// Up to where events are gone then: the oldest are dropped once there are an eighth more than are to be kept, so that
    /// few transactions do it.
    fn compacted(&self) -> i64 {
        let Position {
            compacted,
            retained,
            ..
        } = self.after;
        // Whoever set it may have meant all, or none.
        let retained = retained.max(0);
        if self.revision.saturating_sub(compacted) <= retained.saturating_add(retained / 8) {
            compacted
        } else {
            self.revision - retained
        }
    }
}

fn among(ids: &[&Id]) -> Vec<Arg> {
    args![json!(ids).to_string()]
}

/// What [`queries::among_at`] gave.
fn read<E: Entry>(rows: &[Row]) -> Result<Reading<E>> {
    let is_entry = |row: &&Row| !matches!(row.get::<Option<Id>>("id"), Ok(None));
    let present = rows.iter().filter(is_entry).map(entry::with_id);
    let position = Position::read(rows.first())?;
    let now = rows
        .first()
        .map_or_else(|| Ok(now()), |row| row.get("now"))?;
    Ok((position, now, present.collect::<Result<_>>()?))
}

/// What of events is stored, as columns.
#[derive(Debug, Default)]
struct Log {
    revisions: Vec<i64>,
    changes: Vec<String>,
    kinds: Vec<String>,
    ids: Vec<String>,
    /// As JSON.
    objects: Vec<String>,
    times: Vec<Timestamp>,
}

impl Log {
    /// All but the first so many.
    fn arguments(mut self, dropped: usize) -> Vec<Arg> {
        self.revisions.drain(..dropped);
        self.times.drain(..dropped);
        let texts = [
            &mut self.changes,
            &mut self.kinds,
            &mut self.ids,
            &mut self.objects,
        ];
        for texts in texts {
            texts.drain(..dropped);
        }
        let columns = [
            Each::Ints(self.revisions),
            Each::Texts(self.changes),
            Each::Texts(self.kinds),
            Each::Texts(self.ids),
            Each::Documents(self.objects),
            Each::Times(self.times),
        ];
        columns.into_iter().map(Arg::Each).collect()
    }
}
