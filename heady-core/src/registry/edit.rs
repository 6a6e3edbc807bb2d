//! Changes of many callers in one transaction.
//!
//! A change has to see the entry before it can decide: whether its condition holds, whether it changes anything, what a
//! merge patch makes of it. So a lane's work reads the entries of all its operations under the registry's lock, lets
//! each decide in turn on what the ones before it left, and writes everything in one statement. A loser costs its
//! neighbours nothing, and a batch of losers writes nothing.
//!
//! A commit whose answer was lost may have succeeded. So each change remembers the events that it sent, and before it is
//! repeated the log is asked whether one of them is there: then it is done, and must not lose against itself.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;

use super::entry::{Entry, Present};
use super::history::History;
use super::watch::{self, Feed, RegistryEvent};
use super::{Node, Service, Workflow};
use crate::audit::{self, Record};
use crate::error::Result;
use crate::store::{Attempt, Failed, Lane, Store, Transaction, Work};
use crate::types::Id;

/// What a caller's change comes to, now that it sees the entry.
pub(super) enum Step<E> {
    /// Nothing: this is the entry.
    Keep(E),
    /// Another declaration.
    Put(E),
    /// Another health.
    Observe(E),
    /// A time that nobody needs to be told of.
    Note(E),
    /// The entry goes.
    Delete,
}

/// What a change does with the entry as it is, or with its absence. It may be asked more than once.
type Decide<E> = Box<dyn Fn(Option<&Present<E>>) -> Result<Step<E>> + Send + Sync>;

/// One caller's change of one entry.
pub(super) struct Edit<E> {
    pub(super) id: Id,
    pub(super) actor: Arc<str>,
    /// About how many bytes it writes.
    pub(super) weight: usize,
    pub(super) decide: Decide<E>,
}

/// A change on its way, and what was sent for it so far.
pub(super) struct Underway<E> {
    edit: Edit<E>,
    sent: Mutex<Vec<Sent<E>>>,
}

/// What was sent for a change, and what its caller is told if it arrived.
struct Sent<E> {
    event: Arc<RegistryEvent>,
    entry: E,
}

/// The lanes of one engine, one for each kind of entry.
#[derive(Clone)]
pub(super) struct Editors {
    pub(super) services: Lane<Editor<Service>>,
    pub(super) nodes: Lane<Editor<Node>>,
    pub(super) workflows: Lane<Editor<Workflow>>,
}

impl Editors {
    pub(super) fn new(store: &Store, feed: &Feed) -> Self {
        Self {
            services: Editor::lane(store, feed),
            nodes: Editor::lane(store, feed),
            workflows: Editor::lane(store, feed),
        }
    }

    /// Carries a change out and returns the entry as it is then, or was before it was deleted.
    pub(super) async fn edit<E: Entry>(&self, edit: Edit<E>) -> Result<E> {
        let sent = Mutex::default();
        E::lane(self).submit(Underway { edit, sent }).await?
    }
}

/// What carries out the changes of one kind of entry.
pub(super) struct Editor<E> {
    feed: Feed,
    kind: PhantomData<fn() -> E>,
}

impl<E: Entry> Editor<E> {
    fn lane(store: &Store, feed: &Feed) -> Lane<Self> {
        let editor = Self {
            feed: feed.clone(),
            kind: PhantomData,
        };
        Lane::of(store.clone(), editor)
    }
}

impl<E: Entry> Work for Editor<E> {
    type Op = Underway<E>;
    type Outcome = Result<E>;

    // Every transaction waits for the registry's lock: a second one would only make both batches smaller.
    #[cfg(feature = "postgres")]
    const AT_ONCE: usize = 1;

    async fn carry_out(
        &self,
        store: &Store,
        ops: &[Underway<E>],
        attempt: Attempt,
    ) -> Result<Vec<Result<E>>, Failed> {
        // Every attempt reads for itself what is there, and those after the first also what the audit rows continue.
        let ids: Vec<&Id> = ops.iter().map(|op| &op.edit.id).collect();
        let (mut transaction, history, present) = History::open(store, &ids).await?;
        let arrived = match attempt {
            Attempt::First => HashMap::new(),
            Attempt::Again => arrived(&mut transaction, ops).await?,
        };
        let mut batch = Batch {
            present,
            history,
            records: Vec::new(),
            writes: false,
        };
        let outcomes = ops.iter().map(|op| match op.done(&arrived) {
            Some(entry) => Ok(entry),
            None => batch.apply(op),
        });
        let outcomes = outcomes.collect();
        if batch.writes {
            let (call, events) = batch.history.call()?;
            let call = audit::part(call, &batch.records);
            match attempt {
                Attempt::First => {
                    let finished = transaction.finish(&call).await;
                    finished.map_err(Failed::perhaps_done)?;
                }
                Attempt::Again => {
                    transaction.run(&call).await?;
                    transaction.commit().await.map_err(Failed::perhaps_done)?;
                }
            }
            self.feed.tell(events);
        }
        Ok(outcomes)
    }

    fn weight(op: &Underway<E>) -> usize {
        op.edit.weight
    }
}

impl<E: Entry> Underway<E> {
    /// What the caller is told if one of the events that were sent for this change is among those that arrived.
    fn done(&self, arrived: &HashMap<i64, RegistryEvent>) -> Option<E> {
        let is_there = |sent: &&Sent<E>| {
            let event = &sent.event;
            arrived.get(&event.revision).is_some_and(|there| {
                (there.change, there.kind, &there.id, there.at)
                    == (event.change, event.kind, &event.id, event.at)
            })
        };
        Some(self.sent().iter().find(is_there)?.entry.clone())
    }

    fn sent(&self) -> MutexGuard<'_, Vec<Sent<E>>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The events that stand in the log where those stand that were sent for these changes.
async fn arrived<E: Entry>(
    transaction: &mut Transaction,
    ops: &[Underway<E>],
) -> Result<HashMap<i64, RegistryEvent>> {
    let revisions = |op: &Underway<E>| -> Vec<i64> {
        let sent = op.sent();
        sent.iter().map(|sent| sent.event.revision).collect()
    };
    let sent: Vec<i64> = ops.iter().flat_map(revisions).collect();
    if sent.is_empty() {
        return Ok(HashMap::new());
    }
    let events = watch::events_at(transaction, &sent).await?;
    Ok(events
        .into_iter()
        .map(|event| (event.revision, event))
        .collect())
}

/// The changes of one transaction so far.
struct Batch<E> {
    present: HashMap<Id, Present<E>>,
    history: History,
    records: Vec<Record>,
    writes: bool,
}

impl<E: Entry> Batch<E> {
    fn apply(&mut self, op: &Underway<E>) -> Result<E> {
        let edit = &op.edit;
        let old = self.present.get(&edit.id);
        let step = (edit.decide)(old)?;
        let place = old.map(|old| old.place.clone()).unwrap_or_default();
        let in_use = old.is_some_and(|old| old.in_use);
        let old = old.map(|old| old.entry.clone());
        let entry = match step {
            Step::Keep(entry) => return Ok(entry),
            Step::Put(entry) => {
                let entry = self.history.put(old.as_ref(), entry, &place)?;
                self.sent(op, &entry);
                let change = if old.is_some() { "UPDATE" } else { "CREATE" };
                let details = json!({"change": change, "resourceVersion": entry.version()});
                self.record(edit, details);
                entry
            }
            Step::Observe(entry) => {
                self.history.observe(&entry, &place)?;
                self.sent(op, &entry);
                entry
            }
            Step::Note(entry) => {
                self.history.keep(&entry, &place);
                entry
            }
            Step::Delete => {
                let entry = old.ok_or_else(|| crate::Error::not_found(E::KIND.noun(), &edit.id))?;
                self.history.delete(&entry)?;
                self.sent(op, &entry);
                self.record(edit, json!({"change": "DELETE"}));
                self.present.remove(&edit.id);
                self.writes = true;
                return Ok(entry);
            }
        };
        self.writes = true;
        let present = Present {
            entry: entry.clone(),
            place,
            in_use,
        };
        self.present.insert(edit.id.clone(), present);
        Ok(entry)
    }

    fn sent(&self, op: &Underway<E>, entry: &E) {
        if let Some(event) = self.history.newest() {
            let (event, entry) = (event.clone(), entry.clone());
            op.sent().push(Sent { event, entry });
        }
    }

    fn record(&mut self, edit: &Edit<E>, details: serde_json::Value) {
        let target = format!("{}:{}", E::KIND.noun(), edit.id);
        let record = Record::new(&edit.actor, "CONFIG_CHANGE", target, "SUCCEEDED");
        self.records.push(record.with(details));
    }
}
