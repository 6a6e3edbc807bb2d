//! What a feed holds in memory: what is on its way to watchers, and what those need that are late. All of it is bounded by
//! number and by bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast;

use super::model::{News, Told, bytes};

/// How many broadcasts a watcher may be late before it has to read the table.
pub(super) const CAPACITY: usize = 256;

/// How many events are read from the table, or taken from memory, at once, and how many bytes of them: every watcher that is
/// late holds a page of its own.
pub(super) const PAGE: usize = 512;
pub(super) const PAGE_BYTES: usize = 2 << 20;

/// How many events are kept in memory for watchers that are late, and how many bytes of them, so that a thousand of them do
/// not all read the table, nor each hold events of its own.
const RECENT: usize = 4096;
const RECENT_BYTES: usize = 8 << 20;

/// How many bytes of events are on their way to watchers of which one has not taken them, or to the reader.
pub(super) const UNDERWAY_BYTES: usize = 8 << 20;

/// Events in order and without gaps, the first of them following revision `after`.
#[derive(Debug, Clone)]
pub(super) struct Broadcast {
    pub(super) after: i64,
    /// The revision of the last.
    pub(super) last: i64,
    /// None of them, where they are too much: who wants them finds them in what is recent, or in the table.
    pub(super) events: Arc<[Told]>,
    /// Whether what was broadcast before is no longer to be relied on.
    pub(super) anew: bool,
}

#[derive(Default)]
pub(super) struct State {
    /// Present while the reader goes round.
    pub(super) live: Option<broadcast::Sender<Broadcast>>,
    /// What this process's writers committed and the reader has not seen.
    told: VecDeque<News>,
    told_bytes: usize,
    /// The newest of what was broadcast, in order and without gaps.
    recent: VecDeque<Told>,
    recent_bytes: usize,
    /// How many bytes each of the last broadcasts has that some watcher has not taken.
    underway: VecDeque<usize>,
}

impl State {
    /// Takes what was committed, for the reader; one that falls behind finds it in the table.
    pub(super) fn tell(&mut self, news: News) {
        if self.told.len() == CAPACITY || self.told_bytes > UNDERWAY_BYTES {
            self.told.clear();
            self.told_bytes = 0;
        }
        self.told_bytes += bytes(&news.events);
        self.told.push_back(news);
    }

    pub(super) fn next_told(&mut self) -> Option<News> {
        let news = self.told.pop_front()?;
        self.told_bytes -= bytes(&news.events);
        Some(news)
    }

    /// How many bytes of events are on their way.
    #[cfg(test)]
    pub(super) fn underway(&self) -> usize {
        self.underway.iter().sum()
    }

    /// The place of this revision among the recent events, or where it would be.
    fn index(&self, revision: i64) -> Option<usize> {
        let first = self.recent.front()?.revision;
        usize::try_from(revision - first).ok()
    }

    /// The events after a revision, at most a page of them, unless the table may know more.
    pub(super) fn after(&self, revision: i64) -> Option<Vec<Told>> {
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
    pub(super) fn knows(&self, events: &[Told]) -> bool {
        let known = |told: &Told| {
            let known = self.recent.get(self.index(told.revision)?)?;
            Some(known.event == told.event)
        };
        events.iter().all(|told| known(told) == Some(true))
    }

    pub(super) fn remember(&mut self, after: i64, events: &[Told]) {
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

    /// Sends events, which lead from one revision to another, to all who listen.
    pub(super) fn broadcast(&mut self, after: i64, last: i64, events: Vec<Told>, anew: bool) {
        let Some(live) = self.live.clone() else {
            return;
        };
        let fits = self.fits(live.len(), bytes(&events));
        // Nobody listening is no failure.
        let _ = live.send(Broadcast {
            after,
            last,
            events: if fits { events.into() } else { Arc::from([]) },
            anew,
        });
    }

    pub(super) fn forget(&mut self) {
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

#[cfg(test)]
mod tests {
    use super::super::{RegistryEvent, Seen};
    use super::*;

    fn events(revisions: std::ops::RangeInclusive<i64>) -> Vec<Told> {
        weighing(100, revisions)
    }

    fn weighing(bytes: usize, revisions: std::ops::RangeInclusive<i64>) -> Vec<Told> {
        revisions
            .map(|revision| Told {
                event: Arc::new(RegistryEvent::bookmark(Seen { revision, at: None })),
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
