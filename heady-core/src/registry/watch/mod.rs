//! Watching the registry: every change after a revision, in order, once.
//!
//! A watcher first reads what it missed from the table of events and then takes what the engine's one reader
//! broadcasts. It knows its position, so whatever happens to the broadcast (it lags, it has a gap, it repeats) it
//! goes back to the table and neither misses nor repeats an event, and it never holds up a writer.

mod feed;
mod model;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

pub(super) use feed::{Feed, events_at};
pub(crate) use model::Seen;
pub(super) use model::{News, Told};
pub use model::{RegistryChange, RegistryEvent, WatchOptions};

use self::state::Broadcast;
use super::EntryKind;
use crate::error::{Error, Result};
use crate::types::Id;
use crate::watch::Watch;

/// How long a watcher is left without a sign of how far it has seen, if it wants bookmarks.
const BOOKMARK_EVERY: Duration = Duration::from_secs(10);

/// Up to where a watch is behind that has missed something: to the end, wherever that is.
const UNKNOWN: i64 = i64::MAX;

/// A stream of changes; dropping it ends it.
#[derive(Debug)]
pub struct RegistryWatch {
    feed: Feed,
    live: broadcast::Receiver<Broadcast>,
    filter: Filter,
    bookmarks: Option<Bookmarks>,
    /// Everything up to here was given out or filtered out.
    position: Seen,
    /// What comes next, in order and without gaps after `position`.
    ahead: VecDeque<Told>,
    /// Up to where there is more than `ahead`, if there may be.
    behind: Option<i64>,
}

#[derive(Debug)]
struct Bookmarks {
    /// The last revision that was given out.
    told: i64,
    due: Instant,
}

#[derive(Debug)]
struct Filter {
    kinds: Option<HashSet<EntryKind>>,
    ids: Option<HashSet<Id>>,
}

impl Filter {
    fn passes(&self, event: &RegistryEvent) -> bool {
        let among = |set: &Option<HashSet<Id>>| match (set, &event.id) {
            (Some(set), Some(id)) => set.contains(id),
            _ => true,
        };
        let kind = match (&self.kinds, event.kind) {
            (Some(kinds), Some(kind)) => kinds.contains(&kind),
            _ => true,
        };
        kind && among(&self.ids)
    }
}

impl RegistryWatch {
    pub(super) async fn open(feed: &Feed, options: WatchOptions) -> Result<Self> {
        if options.since.is_some_and(|since| since < 0) {
            return Err(Error::invalid_argument(
                "since: must be a revision that a list or an event gave, or 0 for the beginning",
            ));
        }
        if options.since.is_none() && options.since_at.is_some() {
            return Err(Error::invalid_argument(
                "sinceAt: says of which change the revision in since is, so it needs that",
            ));
        }
        let filter = Filter {
            kinds: options.kinds.map(HashSet::from_iter),
            ids: options
                .ids
                .map(|ids| ids.into_iter().map(Id::from).collect()),
        };
        // Listens before it reads: what is committed in between comes twice rather than never.
        let live = feed.listen()?;
        let (ahead, position) = match options.since {
            None => (Vec::new(), feed.now().await?.seen),
            Some(revision) => {
                let at = options.since_at;
                let stored = feed.stored_after(Seen { revision, at }).await?;
                (stored.events, stored.after)
            }
        };
        Ok(Self {
            feed: feed.clone(),
            live,
            filter,
            bookmarks: options.bookmarks.unwrap_or(false).then(|| Bookmarks {
                // So that the first one comes at once, and says where this watch begins.
                told: -1,
                due: Instant::now(),
            }),
            position,
            behind: (!ahead.is_empty()).then_some(UNKNOWN),
            ahead: ahead.into(),
        })
    }

    /// The revision up to which this watch has seen everything: where to go on after an interruption.
    pub fn revision(&self) -> i64 {
        self.position.revision
    }

    /// The same, and of which change the revision is.
    #[cfg(feature = "http")]
    pub(crate) fn seen(&self) -> Seen {
        self.position
    }

    /// Returns the next event, or `None` when the engine is closed. A caller may stop waiting and ask again.
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with `compacted` in its details if events that this watch has not seen are gone; list
    /// again. `UNAVAILABLE` if the database is: ask again. `DATA_LOSS` with `revision` in its details in place of an event
    /// that cannot be read: asked again, the watch goes on after it.
    pub async fn next(&mut self) -> Result<Option<Arc<RegistryEvent>>> {
        loop {
            while let Some(Told { event, .. }) = self.ahead.pop_front() {
                self.position = Seen::from(&*event);
                if self.filter.passes(&event) {
                    self.told();
                    if event.is_readable() {
                        return Ok(Some(event));
                    }
                    return Err(unreadable(event.revision));
                }
            }
            if let Some(goal) = self.behind {
                self.ahead = match self.feed.after(self.position).await {
                    // The database may be closed before this watch has heard of it.
                    Err(_) if self.feed.is_closed() => return Ok(None),
                    after => after?.into(),
                };
                let last = self.ahead.back().map(|last| last.revision);
                self.behind = last.filter(|last| *last < goal).map(|_| goal);
                continue;
            }
            let heard = match self.bookmark_due() {
                None => Ok(self.live.recv().await),
                Some(due) => tokio::time::timeout_at(due, self.live.recv()).await,
            };
            match heard {
                Ok(Ok(broadcast)) => self.hear(&broadcast),
                Ok(Err(RecvError::Lagged(_))) => self.behind = Some(UNKNOWN),
                Ok(Err(RecvError::Closed)) => return Ok(None),
                Err(_) => {
                    self.told();
                    return Ok(Some(Arc::new(RegistryEvent::bookmark(self.position))));
                }
            }
        }
    }

    fn hear(&mut self, broadcast: &Broadcast) {
        let (position, last) = (self.position.revision, broadcast.last);
        if broadcast.after > position || broadcast.anew {
            self.behind = Some(UNKNOWN);
        } else if broadcast.events.is_empty() {
            // They were too much to be sent along.
            self.behind = Some(last).filter(|last| *last > position);
        } else {
            let known = usize::try_from(position - broadcast.after).unwrap_or(usize::MAX);
            self.ahead
                .extend(broadcast.events.iter().skip(known).cloned());
        }
    }

    fn told(&mut self) {
        if let Some(bookmarks) = &mut self.bookmarks {
            bookmarks.told = self.position.revision;
            bookmarks.due = Instant::now() + BOOKMARK_EVERY;
        }
    }

    /// When to give out a bookmark if nothing else comes: at no time while there is nothing new in it.
    fn bookmark_due(&self) -> Option<Instant> {
        self.bookmarks
            .as_ref()
            .filter(|bookmarks| bookmarks.told < self.position.revision)
            .map(|bookmarks| bookmarks.due)
    }
}

impl Watch for RegistryWatch {
    type Event = RegistryEvent;

    async fn next(&mut self) -> Result<Option<RegistryEvent>> {
        Ok(Self::next(self).await?.map(Arc::unwrap_or_clone))
    }
}

/// What stands in for an event that cannot be read: silence would hide that there was a change.
fn unreadable(revision: i64) -> Error {
    let message = format!(
        "the event of revision {revision} cannot be read; list again to see what it changed, the watch goes on after it"
    );
    Error::data_loss(message).with_details(serde_json::json!({"revision": revision}))
}

/// The answer to a watcher who asks for events that are no longer, or not yet, there, or that follow other ones.
fn list_again(since: i64, newest: i64, compacted: i64) -> Error {
    let message = if since > newest {
        format!(
            "the registry is at revision {newest}, not at {since} yet: this is another registry, or an older copy of \
             it; list again and watch from there"
        )
    } else if since < compacted {
        format!(
            "events after revision {since} are gone, the oldest kept is {}; list again and watch from there",
            compacted.saturating_add(1)
        )
    } else {
        format!(
            "the change of revision {since} is another one than was seen: this is another registry, or an older copy of \
             it that was changed since; list again and watch from there"
        )
    };
    gone(message, compacted.saturating_add(1), newest)
}

/// The answer to a watcher whose next events somebody removed: those up to the oldest that comes after them.
fn removed(since: i64, newest: i64, oldest: i64) -> Error {
    let message = format!(
        "events after revision {since} are missing: somebody removed those before revision {oldest}; list again and watch \
         from there"
    );
    gone(message, oldest, newest)
}

fn gone(message: String, oldest: i64, newest: i64) -> Error {
    // Not ABORTED, which asks for the same call once more: that one can never succeed.
    Error::failed_precondition(message).with_details(serde_json::json!({
        "compacted": true, "oldest": oldest, "newest": newest,
    }))
}
