//! What a watch is asked for, and what it gives out.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::EntryKind;
use crate::types::{Id, Json, Timestamp, now, words};

words! {
    /// What happened to an entry.
    pub enum RegistryChange {
        /// It was not there before.
        Create = "CREATE",
        /// Its declaration or its health is another one.
        Update = "UPDATE",
        /// It is gone.
        Delete = "DELETE",
        /// Nothing; the event only says how far the watch has seen.
        Bookmark = "BOOKMARK",
    }
}

/// What to watch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct WatchOptions {
    /// Events after this revision, such as that of a list; those from now on if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub since: Option<i64>,
    /// When the change of that revision was, as its event or its bookmark said: a registry that was put back from a backup
    /// and has changed otherwise since is told apart then. Looked at to the millisecond.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub since_at: Option<Timestamp>,
    /// Only entries of these kinds.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub kinds: Option<Vec<EntryKind>>,
    /// Only entries of these ids.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub ids: Option<Vec<String>>,
    /// Whether to give out bookmarks: one at once when everything up to now was seen, and later ones when a while went
    /// by in which only other entries changed. False if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub bookmarks: Option<bool>,
}

/// One change of the registry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
// TypeScript's `RegistryEvent` stands in `types.d.ts`: there `kind` says which entry `object` is.
#[cfg_attr(
    feature = "node",
    napi_derive::napi(object, use_nullable = true, js_name = "RegistryEventFields")
)]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RegistryEvent {
    /// The registry's revision with this change: the next change has the next number.
    pub revision: i64,
    /// What happened.
    pub change: RegistryChange,
    /// What kind of entry; null for a bookmark.
    pub kind: Option<EntryKind>,
    /// Which entry; null for a bookmark.
    pub id: Option<Id>,
    /// The service, node or workflow with this change, or before it was deleted, as its JSON; null for a bookmark.
    pub object: Option<Json>,
    /// When; of a bookmark, when the change of its revision was.
    pub at: Timestamp,
}

/// How far somebody has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Up to this revision.
    pub(crate) revision: i64,
    /// When its change was, if that is known. Two logs that parted have changes of other times under the same number.
    pub(crate) at: Option<Timestamp>,
}

impl Seen {
    /// Whether the change of this revision may be that of this time. To the millisecond, which is all that a date of
    /// JavaScript has.
    pub(super) fn may_be_of(&self, at: Option<Timestamp>) -> bool {
        let parted =
            |(seen, at): (Timestamp, Timestamp)| seen.timestamp_millis() != at.timestamp_millis();
        !self.at.zip(at).is_some_and(parted)
    }
}

impl From<&RegistryEvent> for Seen {
    fn from(event: &RegistryEvent) -> Self {
        Self {
            revision: event.revision,
            at: Some(event.at).filter(|_| event.is_readable()),
        }
    }
}

/// What a transaction changed, for those who watch.
#[derive(Debug)]
pub(in crate::registry) struct News {
    /// The mark of the registry before it and after it.
    pub(in crate::registry) marks: [Id; 2],
    pub(in crate::registry) events: Vec<Told>,
}

/// An event, and how many bytes its object has as JSON: about what whoever keeps it for a watcher has to keep.
#[derive(Debug, Clone)]
pub(in crate::registry) struct Told {
    pub(in crate::registry) event: Arc<RegistryEvent>,
    pub(in crate::registry) bytes: usize,
}

impl Deref for Told {
    type Target = RegistryEvent;

    fn deref(&self) -> &RegistryEvent {
        &self.event
    }
}

/// The bytes of several.
pub(super) fn bytes(events: &[Told]) -> usize {
    events.iter().map(|told| told.bytes).sum()
}

impl RegistryEvent {
    pub(super) fn bookmark(seen: Seen) -> Self {
        Self {
            revision: seen.revision,
            change: RegistryChange::Bookmark,
            kind: None,
            id: None,
            object: None,
            at: seen.at.unwrap_or_else(now),
        }
    }

    /// The place of an event that is there and cannot be read, and what is known of whom it is about.
    pub(super) fn unreadable(revision: i64, kind: Option<EntryKind>, id: Option<Id>) -> Self {
        Self {
            change: RegistryChange::Update,
            kind,
            id,
            ..Self::bookmark(Seen { revision, at: None })
        }
    }

    /// Whether it says what happened: all do but bookmarks and those that cannot be read.
    pub(super) fn is_readable(&self) -> bool {
        self.object.is_some() || self.change == RegistryChange::Bookmark
    }
}
