//! Changes of many callers in one transaction.
//!
//! A change has to see the entry before it can decide: whether its condition holds, whether it changes anything, what a
//! merge patch makes of it. So a lane's work takes the entries of all its operations from memory or reads them, lets each
//! decide in turn on what the ones before it left, and writes everything in one call, which the database refuses if they
//! were not as they were remembered or read (`memory.rs`). Where that happened, or nothing may be remembered, it reads
//! under the registry's lock. A loser costs its neighbours nothing, and a batch of losers writes nothing.
//!
//! On PostgreSQL the next call is decided while one is under way, as if that had succeeded, and sent once it has. Nor could it
//! be written otherwise: it goes by the mark that the first one leaves.
//!
//! A commit whose answer was lost may have succeeded. So each change remembers the events that it sent, and before it is
//! repeated the log is asked whether one of them is there: then it is done, and must not lose against itself.

mod answers;
mod clock;
mod decided;
mod step;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::answers::Answers;
pub(super) use self::clock::Clock;
use self::decided::Decided;
pub(super) use self::step::{Edit, Step};
use super::entry::Entry;
use super::history::History;
use super::memory::{Memory, Position};
use super::watch::{self, Feed, News, RegistryEvent};
use super::{Node, Service, Workflow};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Attempt, Dialect, Failed, Lane, Store, Transaction, Work};
use crate::types::Id;

/// A change on its way, and what was sent for it so far.
pub(super) struct Underway<E> {
    edit: Edit<E>,
    sent: Mutex<Vec<Sent<E>>>,
}

/// What was sent for a change, and what its caller is told if it arrived.
struct Sent<E> {
    event: Arc<RegistryEvent>,
    entry: Arc<E>,
}

/// The lanes of one engine, one for each kind of entry.
#[derive(Clone)]
pub(super) struct Editors {
    pub(super) services: Lane<Editor<Service>>,
    pub(super) nodes: Lane<Editor<Node>>,
    pub(super) workflows: Lane<Editor<Workflow>>,
    shared: Arc<Shared>,
}

/// What the lanes of one engine share.
#[derive(Default)]
struct Shared {
    /// Whoever has it is the one who decides.
    desk: tokio::sync::Mutex<Desk>,
    /// The greatest doubt that came up about what is remembered.
    doubt: AtomicU8,
    /// Whether what came last was decided on memory, so that what comes next can be decided before it is written.
    ahead: AtomicBool,
    clock: Clock,
}

/// Something else may have been written than is remembered.
const STALE: u8 = 1;
/// Somebody else has written.
const REFUSED: u8 = 2;

impl Shared {
    fn doubt(&self, doubt: u8) {
        self.doubt.fetch_max(doubt, Ordering::AcqRel);
    }
}

/// What deciding takes.
#[derive(Default)]
struct Desk {
    /// The registry as it is once everything that was sent is committed.
    memory: Memory,
    answers: Answers,
}

impl Editors {
    pub(super) fn new(store: &Store, feed: &Feed) -> Self {
        let shared = Arc::default();
        Self {
            services: Editor::lane(store, feed, &shared),
            nodes: Editor::lane(store, feed, &shared),
            workflows: Editor::lane(store, feed, &shared),
            shared,
        }
    }

    /// Carries a change out and returns the entry as it is then, or was before it was deleted.
    pub(super) async fn edit<E: Entry>(&self, edit: Edit<E>) -> Result<E> {
        let sent = Mutex::default();
        E::lane(self).submit(Underway { edit, sent }).await?
    }

    /// What tells the time to those who decide.
    pub(super) fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Lets nothing be decided on memory until it was read again: this engine wrote by another way. The database would
    /// refuse it too, only later.
    pub(super) fn forget(&self) {
        self.shared.doubt(STALE);
    }

    /// How often entries were read to decide on.
    #[cfg(test)]
    pub(super) async fn readings(&self) -> usize {
        self.shared.desk.lock().await.memory.readings
    }
}

/// What carries out the changes of one kind of entry.
pub(super) struct Editor<E> {
    feed: Feed,
    shared: Arc<Shared>,
    kind: PhantomData<fn() -> E>,
}

impl<E: Entry> Editor<E> {
    fn lane(store: &Store, feed: &Feed, shared: &Arc<Shared>) -> Lane<Self> {
        let editor = Self {
            feed: feed.clone(),
            shared: shared.clone(),
            kind: PhantomData,
        };
        Lane::of(store.clone(), editor)
    }

    /// Decides on what is known, or is read now without a lock; `None` if it has to be read under the lock.
    async fn without_lock(
        &self,
        store: &Store,
        ops: &[Underway<E>],
        desk: &mut Desk,
    ) -> Result<Option<Decided<E>>> {
        let ids = ids(ops);
        if let Some(position) = desk.memory.knows::<E>(&ids) {
            let history = self.history(position);
            let decided = Decided::of(
                &mut desk.memory,
                history,
                &self.shared.clock,
                ops,
                &HashMap::new(),
            );
            if decided.writes {
                self.shared.ahead.store(true, Ordering::Relaxed);
                return Ok(Some(decided));
            }
        }
        self.shared.ahead.store(false, Ordering::Relaxed);
        // Also where it would only be refused or kept: the database must confirm that.
        if store.dialect() == Dialect::Sqlite {
            // The transaction reads on the way, and nobody writes meanwhile.
            return Ok(None);
        }
        // What is under way could not be seen.
        desk.answers.all().await;
        self.settle(desk);
        let (position, now, present) = History::look::<E>(store, &ids).await?;
        self.shared.clock.set(now);
        let Desk { memory, .. } = desk;
        memory.read(&position, &ids, present);
        let history = self.history(position);
        Ok(Some(Decided::of(
            memory,
            history,
            &self.shared.clock,
            ops,
            &HashMap::new(),
        )))
    }

    /// Forgets what is in doubt.
    fn settle(&self, desk: &mut Desk) {
        match self.shared.doubt.swap(0, Ordering::AcqRel) {
            STALE => desk.memory.forget(),
            REFUSED => desk.memory.refused(),
            _ => {}
        }
    }

    /// What nobody watches need not be told.
    fn history(&self, position: Position) -> History {
        if self.feed.is_watched() {
            History::after(position)
        } else {
            History::untold(position)
        }
    }

    /// Writes what was decided, and lets others decide meanwhile on what comes after it.
    async fn send(
        &self,
        store: &Store,
        mut decided: Decided<E>,
        mut desk: OnDesk<'_>,
    ) -> Result<Vec<Result<E>>, Failed> {
        if !decided.writes {
            return Ok(decided.outcomes);
        }
        let sent = decided.call();
        let (call, news) = sent.inspect_err(|_| desk.memory.forget())?;
        decided.remember(&mut desk.memory);
        let mut answer = desk.answers.next();
        drop(desk);
        if !answer.is_next().await {
            self.shared.doubt(STALE);
            let error = Error::aborted("what this was decided on was not written");
            return Err(Failed::perhaps_done(error));
        }
        store.call(&call).await.map_err(|error| {
            let refused = error.kind() == ErrorKind::Aborted;
            self.shared.doubt(if refused { REFUSED } else { STALE });
            Failed::perhaps_done(error)
        })?;
        self.tell(&decided, news);
        answer.arrived();
        Ok(decided.outcomes)
    }

    /// Reads, decides and writes in one transaction in which nobody else changes the registry.
    async fn under_lock(
        &self,
        store: &Store,
        ops: &[Underway<E>],
        attempt: Attempt,
        desk: &mut Desk,
    ) -> Result<Vec<Result<E>>, Failed> {
        self.shared.ahead.store(false, Ordering::Relaxed);
        // What is under way would be overtaken, and refused.
        desk.answers.all().await;
        self.settle(desk);
        let (memory, ids) = (&mut desk.memory, ids(ops));
        let (mut transaction, (position, now, present)) = History::open::<E>(store, &ids).await?;
        self.shared.clock.set(now);
        memory.read(&position, &ids, present);
        // Every attempt after the first also reads what became of those before, and what the audit rows continue.
        let arrived = match attempt {
            Attempt::First => HashMap::new(),
            Attempt::Again => arrived(&mut transaction, ops).await?,
        };
        let mut decided = Decided::of(
            memory,
            self.history(position),
            &self.shared.clock,
            ops,
            &arrived,
        );
        if decided.writes {
            let (call, news) = decided.call()?;
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
            decided.remember(memory);
            self.tell(&decided, news);
        }
        Ok(decided.outcomes)
    }

    /// Tells those who watch of what is committed.
    fn tell(&self, decided: &Decided<E>, news: News) {
        if decided.is_untold() && self.feed.is_watched() {
            // Since then somebody began to watch, who finds the events in the table.
            self.feed.wake();
        }
        self.feed.tell(news);
    }
}

/// How many changes make a call worth its while beside another one.
const BESIDE: usize = 16;

type OnDesk<'a> = tokio::sync::MutexGuard<'a, Desk>;

fn ids<E>(ops: &[Underway<E>]) -> Vec<&Id> {
    ops.iter().map(|op| &op.edit.id).collect()
}

impl<E: Entry> Work for Editor<E> {
    type Op = Underway<E>;
    type Outcome = Result<E>;

    // One is decided while the other is carried out; the database would let a third one wait.
    #[cfg(feature = "postgres")]
    const AT_ONCE: usize = 2;

    async fn carry_out(
        &self,
        store: &Store,
        ops: &[Underway<E>],
        attempt: Attempt,
    ) -> Result<Vec<Result<E>>, Failed> {
        let mut desk = self.shared.desk.lock().await;
        self.settle(&mut desk);
        let deletes = ops.iter().any(|op| op.edit.deletes);
        if matches!(attempt, Attempt::First)
            && !deletes
            && !desk.memory.is_wary()
            && let Some(decided) = self.without_lock(store, ops, &mut desk).await?
        {
            return self.send(store, decided, desk).await;
        }
        let outcomes = self.under_lock(store, ops, attempt, &mut desk).await;
        if outcomes.is_err() {
            desk.memory.forget();
        }
        outcomes
    }

    /// Few cost less in the next call than in one of their own, and so do many that have to be read first.
    fn is_worth_a_call(&self, waiting: usize) -> bool {
        waiting >= BESIDE && self.shared.ahead.load(Ordering::Relaxed)
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
        Some(E::clone(&self.sent().iter().find(is_there)?.entry))
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
