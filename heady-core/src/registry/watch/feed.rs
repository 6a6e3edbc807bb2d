//! The one reader of an engine that feeds all its watchers.
//!
//! This process's writers hand their events over as they commit; those of other processes are found by asking for the
//! revision, often while much happens and once a second while nothing does. It reads only while somebody watches.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use super::super::{EntryKind, queries};
use super::model::{Told, bytes};
use super::{RegistryChange, RegistryEvent, list_again};
use crate::error::{Error, Result};
use crate::store::{Row, Store, Transaction, args};

/// How many broadcasts a watcher may be late before it has to read the table.
const CAPACITY: usize = 256;

/// How many events are read from the table, or taken from memory, at once, and how many bytes of them: every watcher that is
/// late holds a page of its own.
const PAGE: usize = 512;
pub(super) const PAGE_BYTES: usize = 2 << 20;

/// How many events are kept in memory for watchers that are late, and how many bytes of them, so that a thousand of them do
/// not all read the table, nor each hold events of its own.
const RECENT: usize = 4096;
const RECENT_BYTES: usize = 8 << 20;

/// How many bytes of events are on their way to watchers of which one has not taken them, or to the reader.
pub(super) const UNDERWAY_BYTES: usize = 8 << 20;

/// How soon, at best and at worst, a change by another process is seen.
const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(1);

/// Events in order and without gaps, the first of them following revision `after`.
#[derive(Debug, Clone)]
pub(super) struct Broadcast {
    pub(super) after: i64,
    /// The revision of the last.
    pub(super) last: i64,
    /// None of them, where they are too much: who wants them finds them in what is recent, or in the table.
    pub(super) events: Arc<[Told]>,
}

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

#[derive(Default)]
struct State {
    /// Present while the reader goes round.
    live: Option<broadcast::Sender<Broadcast>>,
    /// What this process's writers committed and the reader has not seen.
    told: VecDeque<Vec<Told>>,
    told_bytes: usize,
    /// The newest of what was broadcast, in order and without gaps.
    recent: VecDeque<Told>,
    recent_bytes: usize,
    /// How many bytes each of the last broadcasts has that some watcher has not taken.
    underway: VecDeque<usize>,
}

impl State {
    /// The place of this revision among the recent events, or where it would be.
    fn index(&self, revision: i64) -> Option<usize> {
        let first = self.recent.front()?.revision;
        usize::try_from(revision - first).ok()
    }

    /// The events after a revision, at most a page of them, unless the table may know more.
    fn after(&self, revision: i64) -> Option<Vec<Told>> {
        let start = self.index(revision + 1)?;
        let mut bytes = 0;
        let fits = |told: &&Told| {
            let is_first = bytes == 0;
            bytes += told.bytes.max(1);
            is_first || bytes <= PAGE_BYTES
        };
        let page = self.recent.iter().skip(start).take(PAGE);
        let page: Vec<_> = page.take_while(fits).cloned().collect();
        (!page.is_empty()).then_some(page)
    }

    /// Whether these events were broadcast already.
    fn knows(&self, events: &[Told]) -> bool {
        let known = |told: &Told| {
            let known = self.recent.get(self.index(told.revision)?)?;
            Some(known.event == told.event)
        };
        events.iter().all(|told| known(told) == Some(true))
    }

    fn remember(&mut self, after: i64, events: &[Told]) {
        if self
            .recent
            .back()
            .is_some_and(|last| last.revision != after)
        {
            self.forget();
        }
        self.recent.extend(events.iter().cloned());
        self.recent_bytes += bytes(events);
        while self.recent.len() > RECENT || self.recent_bytes > RECENT_BYTES {
            let oldest = self.recent.pop_front();
            self.recent_bytes -= oldest.map_or(0, |oldest| oldest.bytes);
        }
    }

    fn forget(&mut self) {
        self.recent.clear();
        self.recent_bytes = 0;
    }

    /// Takes note of a broadcast of so many bytes beside those that some watcher has not taken, and says whether it is not
    /// too much.
    fn fits(&mut self, waiting: usize, bytes: usize) -> bool {
        while self.underway.len() > waiting {
            self.underway.pop_front();
        }
        let underway: usize = self.underway.iter().sum();
        let fits = bytes <= PAGE_BYTES && underway + bytes <= UNDERWAY_BYTES;
        self.underway.push_back(if fits { bytes } else { 0 });
        fits
    }
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
    pub(in crate::registry) fn tell(&self, events: Vec<Told>) {
        let mut state = self.state();
        if state.live.is_some() && !events.is_empty() {
            // A reader that falls behind finds them in the table.
            if state.told.len() == CAPACITY || state.told_bytes > UNDERWAY_BYTES {
                state.told.clear();
                state.told_bytes = 0;
            }
            state.told_bytes += bytes(&events);
            state.told.push_back(events);
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

    /// The newest revision.
    pub(super) async fn revision(&self) -> Result<i64> {
        let row = self
            .inner
            .store
            .fetch_optional(queries::REVISION, vec![])
            .await?;
        row.ok_or_else(lost)?.get("revision")
    }

    /// The events after a revision, at most a page of them; empty if there are none.
    pub(super) async fn after(&self, revision: i64) -> Result<Vec<Told>> {
        let recent = self.state().after(revision);
        match recent {
            Some(recent) => Ok(recent),
            None => self.stored_after(revision).await,
        }
    }

    /// The same from the table alone, which is what everybody who begins sees.
    pub(super) async fn stored_after(&self, revision: i64) -> Result<Vec<Told>> {
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
        if revision > newest || revision < compacted {
            return Err(list_again(revision, newest, compacted));
        }
        if revision == newest {
            return Ok(Vec::new());
        }
        rows.iter().map(heard).collect()
    }

    /// As a feed of which many events more were broadcast.
    #[cfg(test)]
    pub(in crate::registry) fn forget(&self) {
        self.state().forget();
    }

    /// How many bytes of events are on their way.
    #[cfg(test)]
    pub(super) fn underway(&self) -> usize {
        self.state().underway.iter().sum()
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
    async fn step(&self, position: &mut Option<i64>) -> Result<bool> {
        let Some(mut at) = *position else {
            // Whoever listens from an earlier position learns that it is behind.
            let newest = self.revision().await?;
            self.send(newest, Vec::new());
            *position = Some(newest);
            return Ok(true);
        };
        let (mut heard, mut whole) = (false, true);
        loop {
            let Some(events) = self.next_told() else {
                break;
            };
            heard = true;
            if events.first().map_or(0, |event| event.revision) == at + 1 {
                at = self.send(at, events);
                *position = Some(at);
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
            let events = match self.stored_after(at).await {
                Ok(events) if events.is_empty() => return Ok(found),
                Ok(events) => events,
                Err(error) if error.details().is_some() => {
                    // Too late, or the log was put back: the watchers find out for themselves what they have missed.
                    let newest = self.revision().await?;
                    self.send(newest, Vec::new());
                    *position = Some(newest);
                    return Ok(true);
                }
                Err(error) => return Err(error),
            };
            found = true;
            at = self.send(at, events);
            *position = Some(at);
        }
    }

    fn next_told(&self) -> Option<Vec<Told>> {
        let mut state = self.state();
        let events = state.told.pop_front()?;
        state.told_bytes -= bytes(&events);
        Some(events)
    }

    /// Broadcasts events and returns the revision of the last.
    fn send(&self, after: i64, events: Vec<Told>) -> i64 {
        let last = events.last().map_or(after, |event| event.revision);
        let mut state = self.state();
        state.remember(after, &events);
        if let Some(live) = state.live.clone() {
            let fits = state.fits(live.len(), bytes(&events));
            // Nobody listening is no failure.
            let _ = live.send(Broadcast {
                after,
                last,
                events: if fits { events.into() } else { Arc::from([]) },
            });
        }
        last
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn events(revisions: std::ops::RangeInclusive<i64>) -> Vec<Told> {
        weighing(100, revisions)
    }

    fn weighing(bytes: usize, revisions: std::ops::RangeInclusive<i64>) -> Vec<Told> {
        revisions
            .map(|revision| Told {
                event: Arc::new(RegistryEvent::bookmark(revision)),
                bytes,
            })
            .collect()
    }

    fn revisions(events: Option<Vec<Told>>) -> Option<(i64, i64)> {
        let events = events?;
        let gapless = events
            .windows(2)
            .all(|pair| pair[0].revision + 1 == pair[1].revision);
        assert!(gapless);
        Some((events.first()?.revision, events.last()?.revision))
    }

    #[test]
    fn what_was_broadcast_last_is_found_without_the_table() {
        let mut state = State::default();
        assert_eq!(revisions(state.after(0)), None);
        let first = events(11..=20);
        state.remember(10, &first);
        assert_eq!(revisions(state.after(9)), None, "11 is the oldest here");
        assert_eq!(revisions(state.after(10)), Some((11, 20)));
        assert_eq!(revisions(state.after(18)), Some((19, 20)));
        assert_eq!(revisions(state.after(20)), None, "the table may know more");
        assert!(state.knows(&first[3..5]));
        // The same revisions of a log that was put back.
        assert!(!state.knows(&events(14..=15)));
        assert!(!state.knows(&events(20..=21)));

        let many = events(21..=21 + RECENT as i64);
        state.remember(20, &many);
        assert_eq!(state.recent.len(), RECENT);
        assert_eq!(revisions(state.after(20)), None);
        assert_eq!(revisions(state.after(21)), Some((22, 21 + PAGE as i64)));

        state.remember(5, &[]);
        assert!(state.after(21).is_none() && state.after(5).is_none());
        assert_eq!(state.recent_bytes, 0);
        state.remember(5, &first[..0]);
        state.remember(5, &events(6..=6));
        assert_eq!(revisions(state.after(5)), Some((6, 6)));
    }

    #[test]
    fn large_events_are_few_in_memory() {
        let mut state = State::default();
        state.remember(0, &weighing(PAGE_BYTES / 2, 1..=100));
        assert_eq!(state.recent_bytes, RECENT_BYTES);
        assert_eq!(state.recent.len(), 2 * RECENT_BYTES / PAGE_BYTES);
        let oldest = state.recent[0].revision;
        assert_eq!(
            revisions(state.after(oldest)),
            Some((oldest + 1, oldest + 2))
        );
        // One is a page, however large it is.
        state.remember(100, &weighing(2 * PAGE_BYTES, 101..=102));
        assert_eq!(revisions(state.after(100)), Some((101, 101)));
        state.remember(102, &weighing(2 * RECENT_BYTES, 103..=103));
        assert_eq!((state.recent.len(), state.recent_bytes), (0, 0));
    }

    #[test]
    fn what_is_underway_is_bounded_by_those_who_have_not_taken_it() {
        let mut state = State::default();
        assert!(!state.fits(0, PAGE_BYTES + 1), "it is read in pages");
        let most = UNDERWAY_BYTES / PAGE_BYTES;
        for waiting in 0..most {
            assert!(state.fits(waiting, PAGE_BYTES));
        }
        assert!(!state.fits(most, 1));
        assert!(state.fits(1, PAGE_BYTES), "all but one are taken");
    }
}
