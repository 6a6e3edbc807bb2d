//! Seats: places from which rows that follow one another are written.
//!
//! Some rows continue the row before them, as those of the audit log's chains do. To continue it, a writer has to know it
//! before its SQL is sent, and nobody else of its engine may append there meanwhile. So it takes a seat for the length of
//! one transaction; the seat's name is the chain's, and the seat remembers the [`Mark`] where its last commit ended.
//!
//! What a seat remembers is only for speed. The SQL of a [`Continuation`] refuses a stale mark, whatever its cause, and
//! the call is then repeated with the mark read, and locked, inside the transaction. A mark is kept only after a commit
//! that was confirmed. An engine that finds that another one writes under the same name moves on to names of its own: so
//! there are about as many chains as engines and connections that ever wrote at once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::call::Part;
use super::{Boxed, Transaction};
use crate::error::{Error, Result};

/// The last row that was written from a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) seq: i64,
    pub(crate) digest: [u8; 32],
}

/// Rows that continue those written from the same seat before.
pub(crate) trait Continuation: std::fmt::Debug + Send + Sync {
    /// How many rows there are.
    fn rows(&self) -> usize;

    /// The part that writes them after `mark`, and the mark after that. The part must fail when the seat's last row in
    /// the database is another one.
    fn after(&self, seat: &str, mark: &Mark) -> Result<(Part, Mark)>;

    /// Reads the seat's last row, and keeps others from adding one until the transaction ends. `None` if what the database
    /// has under the seat's name cannot be continued.
    fn last<'t>(&self, seat: &str, transaction: &'t mut Transaction) -> Boxed<'t, Option<Mark>>;

    /// Whether these rows are stored already: the call was committed, although its caller did not learn it.
    fn is_stored<'t>(&self, transaction: &'t mut Transaction) -> Boxed<'t, bool>;
}

/// The seats of one engine.
pub(crate) struct Seats {
    shared: Arc<Shared>,
}

struct Shared {
    /// As many as connections that write, so that who holds a connection never waits for another one's.
    permits: Arc<Semaphore>,
    free: Mutex<Free>,
    committed: AtomicU64,
    commits: Notify,
}

/// Free seats and their marks; the lowest is taken first, so that few are used.
#[derive(Default)]
struct Free {
    /// This engine's part of the names.
    engine: usize,
    seats: BTreeMap<usize, Option<Mark>>,
    made: usize,
}

impl Seats {
    pub(super) fn new(count: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                permits: Arc::new(Semaphore::new(count)),
                free: Mutex::default(),
                committed: AtomicU64::new(0),
                commits: Notify::new(),
            }),
        }
    }

    /// Takes a seat, for as long as the caller holds the connection that it already has.
    pub(super) async fn take(&self) -> Result<Lease> {
        let permit = self.shared.permits.clone().acquire_owned().await;
        let permit = permit.map_err(|error| {
            Error::internal("the seats are gone before the store is").caused_by(error)
        })?;
        let mut free = self.shared.free();
        let (number, mark) = free.seats.pop_first().unwrap_or_else(|| {
            free.made += 1;
            (free.made - 1, None)
        });
        Ok(Lease {
            shared: self.shared.clone(),
            engine: free.engine,
            number,
            mark,
            kept: mark,
            rows: 0,
            _permit: permit,
        })
    }

    /// How many rows this engine has committed from its seats.
    pub(crate) fn committed(&self) -> u64 {
        self.shared.committed.load(Ordering::Relaxed)
    }

    /// Completes when rows are committed from now on, or were since this last completed.
    pub(crate) async fn commits(&self) {
        self.shared.commits.notified().await;
    }
}

impl Shared {
    fn free(&self) -> MutexGuard<'_, Free> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A seat that is taken; it goes back when this is dropped.
pub(super) struct Lease {
    shared: Arc<Shared>,
    engine: usize,
    number: usize,
    /// Where the rows end that are written so far.
    mark: Option<Mark>,
    /// What the seat will remember.
    kept: Option<Mark>,
    rows: u64,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.engine, self.number)
    }

    /// The part of a call that writes these rows, or `None` if the seat's last row has to be read first.
    pub(super) fn part(&mut self, rows: &dyn Continuation) -> Result<Option<Part>> {
        let Some(mark) = self.mark else {
            return Ok(None);
        };
        let (part, mark) = rows.after(&self.name(), &mark)?;
        self.mark = Some(mark);
        self.rows += rows.rows() as u64;
        Ok(Some(part))
    }

    /// Takes note of the seat's last row as the database has it. Returns whether this engine can write from the seat, and
    /// is still alone there.
    pub(super) fn read(&mut self, mark: Option<Mark>) -> bool {
        let mark = mark.filter(|mark| self.kept.is_none_or(|kept| kept == *mark));
        let Some(mark) = mark else {
            self.move_on();
            return false;
        };
        self.mark = Some(mark);
        // Where nothing was written yet nothing can be locked either, so that is read again each time.
        self.kept = (mark.seq > 0).then_some(mark);
        true
    }

    /// Leaves this engine's names to the one that also uses them.
    fn move_on(&self) {
        let mut free = self.shared.free();
        if free.engine == self.engine {
            *free = Free {
                engine: self.engine + 1,
                ..Free::default()
            };
        }
    }

    /// Gives the seat back after a commit.
    pub(super) fn committed(mut self) {
        self.kept = self.mark;
        if self.rows > 0 {
            self.shared
                .committed
                .fetch_add(self.rows, Ordering::Relaxed);
            self.shared.commits.notify_one();
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut free = self.shared.free();
        if free.engine == self.engine {
            free.seats.insert(self.number, self.kept);
        }
    }
}
