//! Changes of many callers in one transaction.
//!
//! A change has to see the entry before it can decide: whether its condition holds, whether it changes anything, what a
//! merge patch makes of it. So a lane's work reads the entries of all its operations under the registry's lock, lets
//! each decide in turn on what the ones before it left, and writes everything in one statement. A loser costs its
//! neighbours nothing, and a batch of losers writes nothing.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::json;

use super::entry::{self, Entry, Present};
use super::history::History;
use super::watch::Feed;
use super::{Node, Service, Workflow};
use crate::audit::{self, Record};
use crate::error::Result;
use crate::store::{Attempt, Failed, Lane, Store, Work};
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
        E::lane(self).submit(edit).await?
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
    type Op = Edit<E>;
    type Outcome = Result<E>;

    // Every transaction waits for the registry's lock: a second one would only make both batches smaller.
    #[cfg(feature = "postgres")]
    const AT_ONCE: usize = 1;

    async fn carry_out(
        &self,
        store: &Store,
        ops: &[Edit<E>],
        _attempt: Attempt,
    ) -> Result<Vec<Result<E>>, Failed> {
        // Every attempt reads for itself what is there and what the audit rows continue.
        let mut transaction = store.begin().await?;
        let history = History::begin(&mut transaction).await?;
        let ids: Vec<&Id> = ops.iter().map(|op| &op.id).collect();
        let mut batch = Batch {
            present: entry::present(&mut transaction, &ids).await?,
            history,
            records: Vec::new(),
            writes: false,
        };
        let outcomes = ops.iter().map(|op| batch.apply(op)).collect();
        if batch.writes {
            let events = batch.history.write(&mut transaction).await?;
            if !batch.records.is_empty() {
                audit::append(&mut transaction, &batch.records).await?;
            }
            transaction.commit().await?;
            self.feed.tell(events);
        }
        Ok(outcomes)
    }

    fn weight(op: &Edit<E>) -> usize {
        op.weight
    }
}

/// The changes of one transaction so far.
struct Batch<E> {
    present: HashMap<Id, Present<E>>,
    history: History,
    records: Vec<Record>,
    writes: bool,
}

impl<E: Entry> Batch<E> {
    fn apply(&mut self, op: &Edit<E>) -> Result<E> {
        let old = self.present.get(&op.id);
        let step = (op.decide)(old)?;
        let place = old.map(|old| old.place.clone()).unwrap_or_default();
        let in_use = old.is_some_and(|old| old.in_use);
        let old = old.map(|old| old.entry.clone());
        let entry = match step {
            Step::Keep(entry) => return Ok(entry),
            Step::Put(entry) => {
                let entry = self.history.put(old.as_ref(), entry, &place)?;
                let change = if old.is_some() { "UPDATE" } else { "CREATE" };
                let details = json!({"change": change, "resourceVersion": entry.version()});
                self.record(op, details);
                entry
            }
            Step::Observe(entry) => {
                self.history.observe(&entry, &place)?;
                entry
            }
            Step::Note(entry) => {
                self.history.keep(&entry, &place);
                entry
            }
            Step::Delete => {
                let entry = old.ok_or_else(|| crate::Error::not_found(E::KIND.noun(), &op.id))?;
                self.history.delete(&entry)?;
                self.record(op, json!({"change": "DELETE"}));
                self.present.remove(&op.id);
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
        self.present.insert(op.id.clone(), present);
        Ok(entry)
    }

    fn record(&mut self, op: &Edit<E>, details: serde_json::Value) {
        let target = format!("{}:{}", E::KIND.noun(), op.id);
        let record = Record::new(&op.actor, "CONFIG_CHANGE", target, "SUCCEEDED");
        self.records.push(record.with(details));
    }
}
