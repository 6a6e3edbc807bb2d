//! The group writer: operations of many callers in one call to the database.
//!
//! While a commit is under way, further operations gather; the next call takes them all. A lone caller pays one commit
//! as before, thirty-two callers share a few. On SQLite one writer drains the lane; on PostgreSQL several do, because there
//! a commit waits for the disk without holding up the next: as many as it takes long (see [`super::pace`]).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::error::{is_cut_off, is_locked_out};
use super::pace::Pace;
use super::{Call, Database, Row, Store};
use crate::error::{Error, ErrorKind, Result};

/// The most operations of one call.
const MAX_OPS: usize = 512;

/// The most that the operations of one call weigh together, in bytes as estimated by [`Batch::weight`].
const MAX_WEIGHT: usize = 4 << 20;

/// How many calls of one lane may be under way on PostgreSQL.
pub(super) const COMMITTERS: usize = 6;

/// How a lane carries out the operations that gathered in it.
///
/// Every [`Batch`] is such work: one call. A domain that has to read before it can decide does it by hand, in one
/// transaction of [`Store::begin`].
///
/// If the work errors it has changed nothing, and each operation is carried out again alone, so that only the culprit
/// fails. Operations must therefore bear repetition, also because a lost connection can hide that a commit succeeded.
pub(crate) trait Work: Send + Sync + 'static {
    /// One caller's request.
    type Op: Send + Sync + 'static;
    /// What that caller is told.
    type Outcome: Send + 'static;

    /// How much of it may be under way at once on PostgreSQL; on SQLite there is one writer.
    #[cfg(feature = "postgres")]
    const AT_ONCE: usize;

    /// Carries out these operations, in order, and returns one outcome for each.
    fn carry_out(
        &self,
        store: &Store,
        ops: &[Self::Op],
        attempt: Attempt,
    ) -> impl Future<Output = Result<Vec<Self::Outcome>, Failed>> + Send;

    /// Whether so many operations that wait are worth another call beside one that is under way.
    fn is_worth_a_call(&self, waiting: usize) -> bool {
        waiting > 0
    }

    /// About how many bytes this operation adds.
    fn weight(op: &Self::Op) -> usize;
}

/// What a domain writes in one call.
///
/// No operation can fail its neighbours: guards stand in the SQL and show in the outcomes.
pub(crate) trait Batch: Default + Send + Sync + 'static {
    /// One caller's request.
    type Op: Send + Sync + 'static;
    /// What that caller is told.
    type Outcome: Send + 'static;

    /// The call that carries out these operations, in order.
    fn call(ops: &[Self::Op]) -> Result<Call>;

    /// What the rows of the call say about each operation, in the same order.
    fn outcomes(ops: &[Self::Op], rows: &[Row]) -> Result<Vec<Self::Outcome>>;

    /// About how many bytes this operation adds to the call.
    fn weight(op: &Self::Op) -> usize;
}

impl<B: Batch> Work for B {
    type Op = B::Op;
    type Outcome = B::Outcome;

    #[cfg(feature = "postgres")]
    const AT_ONCE: usize = COMMITTERS;

    async fn carry_out(
        &self,
        store: &Store,
        ops: &[B::Op],
        attempt: Attempt,
    ) -> Result<Vec<B::Outcome>, Failed> {
        let call = B::call(ops)?;
        let rows = match attempt {
            Attempt::First => store.call(&call).await,
            Attempt::Again => store.call_again(&call).await,
        };
        let rows = rows.map_err(|error| Failed {
            again: call.continuation().is_some()
                && (is_cut_off(&error)
                    || matches!(
                        error.kind(),
                        ErrorKind::FailedPrecondition
                            | ErrorKind::AlreadyExists
                            | ErrorKind::Aborted
                    )),
            error,
        })?;
        Ok(B::outcomes(ops, &rows)?)
    }

    fn weight(op: &B::Op) -> usize {
        <B as Batch>::weight(op)
    }
}

/// The queue of one kind of operations; clones share it.
pub(crate) struct Lane<W: Work> {
    store: Store,
    work: Arc<W>,
    queue: Arc<Mutex<Queue<W>>>,
}

type Waiting<W> = (
    <W as Work>::Op,
    oneshot::Sender<Result<<W as Work>::Outcome>>,
);

struct Queue<W: Work> {
    waiting: VecDeque<Waiting<W>>,
    /// How many tasks drain this queue now.
    drains: usize,
    pace: Pace,
    #[cfg(test)]
    crash: Option<super::testing::Crash>,
}

impl<W: Work> Clone for Lane<W> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            work: self.work.clone(),
            queue: self.queue.clone(),
        }
    }
}

impl<W: Work> Lane<W> {
    pub(crate) fn new(store: Store) -> Self
    where
        W: Default,
    {
        Self::of(store, W::default())
    }

    pub(crate) fn of(store: Store, work: W) -> Self {
        Self {
            store,
            work: Arc::new(work),
            queue: Arc::new(Mutex::new(Queue {
                waiting: VecDeque::new(),
                drains: 0,
                pace: Pace::default(),
                #[cfg(test)]
                crash: None,
            })),
        }
    }

    /// Hands in one operation and returns when it is durable. A caller that stops waiting changes nothing.
    pub(crate) async fn submit(&self, op: W::Op) -> Result<W::Outcome> {
        let (reply, outcome) = oneshot::channel();
        {
            let mut queue = self.lock();
            queue.waiting.push_back((op, reply));
            let most = queue.pace.calls_at_once().min(self.most_drains());
            let beside = |waiting| self.work.is_worth_a_call(waiting);
            if queue.drains == 0 || queue.drains < most && beside(queue.waiting.len()) {
                queue.drains += 1;
                self.store.runtime().spawn(self.clone().drain());
            }
        }
        outcome.await.map_err(|error| {
            Error::unavailable("the engine stopped before this was written").caused_by(error)
        })?
    }

    /// Lets everything that goes through this lane hang from the given moment on, as if the process had died there:
    /// two moments for each call, just before and just after it. Completes when that has happened.
    #[cfg(test)]
    pub(crate) fn crash_at(&self, moment: usize) -> impl Future<Output = ()> + use<W> {
        let (crash, happened) = super::testing::Crash::at(moment);
        self.lock().crash = Some(crash);
        happened
    }

    #[cfg(test)]
    async fn crash_point(&self) {
        let hangs = self
            .lock()
            .crash
            .as_mut()
            .is_some_and(super::testing::Crash::is_now);
        if hangs {
            std::future::pending::<()>().await;
        }
    }

    fn most_drains(&self) -> usize {
        match self.store.inner.database {
            Database::Sqlite(_) => 1,
            #[cfg(feature = "postgres")]
            Database::Postgres(_) => W::AT_ONCE,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<W>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn drain(self) {
        loop {
            let taken = {
                let mut queue = self.lock();
                let waiting = queue.waiting.len();
                if waiting == 0 || queue.drains > 1 && !self.work.is_worth_a_call(waiting) {
                    queue.drains -= 1;
                    return;
                }
                take::<W>(&mut queue.waiting)
            };
            let (ops, replies): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
            #[cfg(test)]
            self.crash_point().await;
            let (count, lane) = (ops.len(), self.clone());
            let begun = Instant::now();
            let outcomes = self
                .store
                .run(async move { lane.carry_out(&ops).await })
                .await;
            self.lock().pace.took(begun.elapsed());
            #[cfg(test)]
            self.crash_point().await;
            let outcomes = outcomes.unwrap_or_else(|error| {
                let failed = || Err(Error::new(error.kind(), error.message().to_owned()));
                std::iter::repeat_with(failed).take(count).collect()
            });
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // A caller that no longer waits is no failure.
                let _ = reply.send(outcome);
            }
            self.gather(count).await;
        }
    }

    /// Lets those who just got their answer hand in what they have next: it goes into the next call instead of waiting for
    /// the end of it, and a turn for them costs far less than a commit. There are more turns for as long as each brings
    /// something, as the first one may come before the other threads have begun.
    async fn gather(&self, answered: usize) {
        let mut waiting = self.lock().waiting.len();
        let enough = waiting + answered;
        loop {
            tokio::task::yield_now().await;
            let before = std::mem::replace(&mut waiting, self.lock().waiting.len());
            if waiting <= before || waiting >= enough {
                return;
            }
        }
    }

    async fn carry_out(&self, ops: &[W::Op]) -> Vec<Result<W::Outcome>> {
        // The first may find a seat's memory stale, the second lose the answer to its commit, the third see that it is
        // done.
        for attempt in [Attempt::First, Attempt::Again, Attempt::Again] {
            match self.call(ops, attempt).await {
                Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
                // Each of them would wait as long for the same lock, one after the other, and those behind them for all.
                Err(failed) if is_locked_out(&failed.error) => {
                    let (kind, message) = (failed.error.kind(), failed.error.message());
                    let error = || Err(Error::new(kind, message.to_owned()));
                    return ops.iter().map(|_| error()).collect();
                }
                Err(failed) if failed.again => {}
                Err(failed) if ops.len() == 1 => return vec![Err(failed.error)],
                Err(_) => break,
            }
        }
        let mut outcomes = Vec::with_capacity(ops.len());
        for op in ops.chunks(1) {
            let outcome = self.call(op, Attempt::Again).await;
            outcomes.push(outcome.map_err(|failed| failed.error).and_then(|mut one| {
                one.pop()
                    .ok_or_else(|| Error::internal("a batch of one had no outcome"))
            }));
        }
        outcomes
    }

    async fn call(&self, ops: &[W::Op], attempt: Attempt) -> Result<Vec<W::Outcome>, Failed> {
        // In a box, because it is large and would be copied from one task to the next.
        let work = Box::pin(self.work.carry_out(&self.store, ops, attempt));
        let outcomes = work.await?;
        if outcomes.len() == ops.len() {
            Ok(outcomes)
        } else {
            Err(Failed::from(Error::internal(format!(
                "{} operations had {} outcomes",
                ops.len(),
                outcomes.len()
            ))))
        }
    }
}

/// Whether operations may have been carried out already.
#[derive(Clone, Copy)]
pub(crate) enum Attempt {
    First,
    Again,
}

/// Why a call failed.
pub(crate) struct Failed {
    error: Error,
    /// Whether all of it is worth another attempt: the database refused it for what a seat remembered, perhaps, or
    /// carried it out without our hearing of it.
    again: bool,
}

impl Failed {
    /// A commit failed, or its answer was lost, or what a seat remembered was stale. The next attempt finds out which, so
    /// this is for work that does.
    pub(crate) fn perhaps_done(error: Error) -> Self {
        Self { error, again: true }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            error,
            again: false,
        }
    }
}

/// Takes the operations of the next call from the front of the queue.
fn take<W: Work>(waiting: &mut VecDeque<Waiting<W>>) -> Vec<Waiting<W>> {
    let mut weight = 0;
    let fits = |(op, _): &&Waiting<W>| {
        weight += W::weight(op);
        weight <= MAX_WEIGHT
    };
    let count = waiting.iter().take(MAX_OPS).take_while(fits).count();
    waiting.drain(..count.max(1).min(waiting.len())).collect()
}
