//! The one reader of an engine that feeds all its watchers.
//!
//! This process's writers hand their events over as they commit; those of other processes are found by asking for the
//! revision, often while much happens and once a second while nothing does. It reads only while somebody watches.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::super::{EntryKind, queries};
use super::model::{News, Seen, Told};
use super::state::{Broadcast, CAPACITY, PAGE, PAGE_BYTES, State};
use super::{RegistryChange, RegistryEvent, list_again, removed};
use crate::error::{Error, Result};
use crate::store::{Row, Store, Transaction, args};
use crate::types::Id;

/// How soon, at best and at worst, a change by another process is seen.
const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(1);

/// What connects writers with watchers; clones share it.
#[derive(Clone)]
pub(in crate::registry) struct Feed {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

struct Inner {
    store: Store,
    state: Mutex<State>,
    wake: Notify,
    closing: CancellationToken,
}

impl Feed {
    pub(in crate::registry) fn new(store: Store) -> Self {
        let inner = Inner {
            store,
            state: Mutex::default(),
            wake: Notify::new(),
            closing: CancellationToken::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Takes the events of a transaction that is committed.
    pub(in crate::registry) fn tell(&self, news: News) {
        let mut state = self.state();
        if state.live.is_some() && !news.events.is_empty() {
            state.tell(news);
            drop(state);
            self.inner.wake.notify_one();
        }
    }

    /// Whether anybody watches now.
    pub(in crate::registry) fn is_watched(&self) -> bool {
        self.state().live.is_some()
    }

    /// Lets the reader look at the table at once.
    pub(in crate::registry) fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Whether [`Feed::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.inner.closing.is_cancelled()
    }

    /// Ends every watch.
    pub(in crate::registry) fn close(&self) {
        self.inner.closing.cancel();
        *self.state() = State::default();
    }

    /// Takes part in the broadcast, and starts the reader if it rests.
    pub(super) fn listen(&self) -> Result<broadcast::Receiver<Broadcast>> {
        let mut state = self.state();
        // Looked at under the lock, so that `close` ends what was begun before it.
        if self.inner.closing.is_cancelled() {
            return Err(Error::unavailable("the engine is closed"));
        }
        if let Some(live) = &state.live {
            return Ok(live.subscribe());
        }
        let (live, receiver) = broadcast::channel(CAPACITY);
        state.live = Some(live);
        self.inner.store.runtime().spawn(self.clone().read());
        Ok(receiver)
    }

    /// Where the registry stands.
    pub(super) async fn now(&self) -> Result<Here> {
        let row = self
            .inner
            .store
            .fetch_optional(queries::REVISION, vec![])
            .await?;
        let row = row.ok_or_else(lost)?;
        Ok(Here {
            seen: Seen {
                revision: row.get("revision")?,
                at: row.get("seen_at").unwrap_or_default(),
            },
            mark: Some(row.get("mark")?),
        })
    }

    /// The events after those that were seen, at most a page of them; empty if there are none.
    pub(super) async fn after(&self, seen: Seen) -> Result<Vec<Told>> {
        let recent = self.state().after(seen.revision);
        match recent {
            Some(recent) => Ok(recent),
            None => Ok(self.stored_after(seen).await?.events),
        }
    }

    /// The same from the table alone, which is what everybody who begins sees.
    pub(super) async fn stored_after(&self, seen: Seen) -> Result<Stored> {
        let revision = seen.revision;
        let rows = self
            .inner
            .store
            .fetch_all(
                queries::EVENTS,
                args![revision, PAGE as i64, PAGE_BYTES as i64],
            )
            .await?;
        let first = rows.first().ok_or_else(lost)?;
        let (newest, compacted): (i64, i64) = (first.get("newest")?, first.get("compacted")?);
        // A time that cannot be read is that of an event which somebody damaged, and says nothing.
        let at = first.get("seen_at").unwrap_or_default();
        if revision > newest || revision < compacted || !seen.may_be_of(at) {
            return Err(list_again(revision, newest, compacted));
        }
        let events = if revision == newest {
            Vec::new()
        } else {
            without_gap(revision, newest, &rows)?
        };
        let last = events.last().map_or(revision, |last: &Told| last.revision);
        Ok(Stored {
            after: Seen {
                revision,
                at: at.or(seen.at),
            },
            events,
            mark: (last == newest).then(|| first.get("mark")).transpose()?,
        })
    }

    /// As a feed of which many events more were broadcast.
    #[cfg(test)]
    pub(in crate::registry) fn forget(&self) {
        self.state().forget();
    }

    /// How many bytes of events are on their way.
    #[cfg(test)]
    pub(super) fn underway(&self) -> usize {
        self.state().underway()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(self) {
        let mut position = None;
        let mut pause = SOON;
        loop {
            match self.step(&mut position).await {
                Ok(true) => pause = SOON,
                Ok(false) => pause = (pause * 2).min(LATE),
                // The database may be closed before this has heard of it.
                Err(_) if self.is_closed() => return,
                Err(error) => {
                    tracing::warn!("reading the registry's events failed: {error}");
                    pause = LATE;
                }
            }
            tokio::select! {
                () = self.inner.closing.cancelled() => return,
                () = self.inner.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
            let mut state = self.state();
            if state
                .live
                .as_ref()
                .is_none_or(|live| live.receiver_count() == 0)
            {
                *state = State::default();
                return;
            }
        }
    }

    /// Broadcasts what is new, and says whether anything of it came from another process.
    async fn step(&self, position: &mut Option<Here>) -> Result<bool> {
        let Some(here) = position else {
            // Whoever listens from an earlier position learns that it is behind.
            *position = Some(self.begin(false).await?);
            return Ok(true);
        };
        let (mut heard, mut whole) = (false, true);
        while let Some(News { marks, events }) = self.next_told() {
            heard = true;
            let [before, after] = marks;
            if here.mark.as_ref() == Some(&before) {
                here.seen = self.send(here.seen, events);
                here.mark = Some(after);
            } else if !self.state().knows(&events) {
                // Others wrote in between, or the log was put back: the table knows.
                whole = false;
            }
        }
        // What this process wrote was all there was: no need to read it.
        if heard && whole {
            return Ok(false);
        }
        let mut found = false;
        loop {
            let stored = match self.stored_after(here.seen).await {
                Ok(stored) => stored,
                Err(error) if error.details().is_some() => {
                    // Too late, or the log was put back: the watchers find out for themselves what they have missed.
                    *here = self.begin(true).await?;
                    return Ok(true);
                }
                Err(error) => return Err(error),
            };
            here.mark = stored.mark;
            if stored.events.is_empty() {
                return Ok(found);
            }
            found = true;
            here.seen = self.send(here.seen, stored.events);
        }
    }

    fn next_told(&self) -> Option<News> {
        self.state().next_told()
    }

    /// Begins, perhaps anew, where the registry stands.
    async fn begin(&self, anew: bool) -> Result<Here> {
        let here = self.now().await?;
        let mut state = self.state();
        state.forget();
        let revision = here.seen.revision;
        state.broadcast(revision, revision, Vec::new(), anew);
        Ok(here)
    }

    /// Broadcasts events and returns how far they lead.
    fn send(&self, after: Seen, events: Vec<Told>) -> Seen {
        let last = events.last().map_or(after, |last| Seen::from(&**last));
        let mut state = self.state();
        state.remember(after.revision, &events);
        state.broadcast(after.revision, last.revision, events, false);
        last
    }
}

/// How far the reader has come.
#[derive(Debug)]
pub(super) struct Here {
    pub(super) seen: Seen,
    /// The mark of the registry there, if that is known: what this process writes next follows it.
    mark: Option<Id>,
}

/// What the table has after a revision.
#[derive(Debug)]
pub(super) struct Stored {
    /// That revision.
    pub(super) after: Seen,
    /// A page of the events.
    pub(super) events: Vec<Told>,
    /// The mark of the registry, if these are all of them.
    mark: Option<Id>,
}

/// The events of these revisions that are there.
pub(in crate::registry) async fn events_at(
    transaction: &mut Transaction,
    revisions: &[i64],
) -> Result<Vec<RegistryEvent>> {
    let revisions = serde_json::to_string(revisions)?;
    let rows = transaction
        .fetch_all(queries::events_at(), args![revisions])
        .await?;
    rows.iter().map(event).collect()
}

/// The events of rows up to the first one that is missing. What somebody removed must not be passed over in silence.
///
/// # Errors
/// `FAILED_PRECONDITION`, as for events that were dropped, if the first one is missing.
fn without_gap(since: i64, newest: i64, rows: &[Row]) -> Result<Vec<Told>> {
    // Without any there is one row, of the registry's revision alone.
    let is_event = |row: &&Row| !matches!(row.get::<Option<i64>>("revision"), Ok(None));
    let mut events: Vec<Told> = Vec::with_capacity(rows.len());
    let mut next = since;
    for row in rows.iter().filter(is_event) {
        let told = heard(row)?;
        next = next.saturating_add(1);
        if told.revision != next {
            if events.is_empty() {
                return Err(removed(since, newest, told.revision));
            }
            break;
        }
        events.push(told);
    }
    if events.is_empty() {
        return Err(removed(since, newest, newest.saturating_add(1)));
    }
    Ok(events)
}

/// The event of a row, or its place: one that cannot be read must not keep those behind it from everybody.
fn heard(row: &Row) -> Result<Told> {
    let (revision, bytes): (i64, i64) = (row.get("revision")?, row.get("bytes")?);
    let event = event(row).unwrap_or_else(|error| {
        tracing::warn!("the registry's event of revision {revision} cannot be read: {error}");
        let kind = row.get::<String>("kind");
        let kind = kind.and_then(|kind| EntryKind::from_word(&kind));
        RegistryEvent::unreadable(revision, kind.ok(), row.get("id").ok())
    });
    Ok(Told {
        event: Arc::new(event),
        bytes: usize::try_from(bytes).unwrap_or(0),
    })
}

fn event(row: &Row) -> Result<RegistryEvent> {
    Ok(RegistryEvent {
        revision: row.get("revision")?,
        change: RegistryChange::from_word(&row.get::<String>("change")?)?,
        kind: Some(EntryKind::from_word(&row.get::<String>("kind")?)?),
        id: Some(row.get("id")?),
        object: Some(row.get::<serde_json::Value>("object")?.into()),
        at: row.get("at")?,
    })
}

fn lost() -> Error {
    Error::data_loss("the registry has lost its revision")
}
