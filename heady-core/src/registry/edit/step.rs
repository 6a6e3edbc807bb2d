//! What a change of one entry is, and what it comes to.

use std::sync::Arc;

use serde_json::Value;

use crate::error::Result;
use crate::registry::entry::Present;
use crate::types::Id;

/// What a caller's change comes to, now that it sees the entry.
pub(in crate::registry) enum Step<E> {
    /// Nothing: this is the entry.
    Keep(E),
    /// Another declaration.
    Put(E),
    /// Another health.
    Observe(E),
    /// Another health, because somebody said so: with what the audit log says of it.
    Report(E, Value),
    /// A time that nobody needs to be told of.
    Note(E),
    /// First what time alone has made of its health and nobody has written yet, so that the log has it, and then this.
    Overdue(E, Box<Step<E>>),
    /// The entry goes.
    Delete,
}

/// What a change does with the entry as it is, or with its absence. It may be asked more than once.
pub(in crate::registry) type Decide<E> =
    Box<dyn Fn(Option<&Present<E>>) -> Result<Step<E>> + Send + Sync>;

/// One caller's change of one entry.
pub(in crate::registry) struct Edit<E> {
    pub(in crate::registry) id: Id,
    pub(in crate::registry) actor: Arc<str>,
    /// About how many bytes it writes.
    pub(in crate::registry) weight: usize,
    /// Whether it may come to [`Step::Delete`].
    pub(in crate::registry) deletes: bool,
    pub(in crate::registry) decide: Decide<E>,
}
