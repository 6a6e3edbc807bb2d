//! Lists of all entries of a kind. One that cannot be read withholds no other, and is not left out in silence: the list is
//! an error then, which has all others in its details.

use serde::Serialize;
use serde_json::{Value, json};

use super::entry::Entry;
use super::{EntryKind, NodeList, Registry, ServiceList, WorkflowList, queries};
use crate::error::{Error, Result};
use crate::store::{Row, Store};
use crate::types::Id;

/// An entry that is there and cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Unreadable {
    /// None for an entry of a section that is none of ours.
    pub(super) kind: Option<EntryKind>,
    /// The section that it stands in, or its table.
    pub(super) section: String,
    pub(super) id: Id,
    pub(super) reason: String,
}

impl Unreadable {
    /// What can be told of a row by its error.
    pub(super) fn of<E: Entry>(row: &Row, error: &Error) -> Self {
        let section = row.get::<Option<String>>("section").ok().flatten();
        Self {
            kind: Some(E::KIND),
            section: section.unwrap_or_else(|| E::TABLE.to_owned()),
            ..Self::other(row, error)
        }
    }

    /// The same of an entry of another section.
    pub(super) fn other(row: &Row, error: &Error) -> Self {
        Self {
            kind: None,
            section: row.get("section").unwrap_or_default(),
            id: row.get("id").unwrap_or_else(|_| "".into()),
            reason: error.message().to_owned(),
        }
    }

    pub(super) fn told(&self) -> String {
        match self.kind {
            Some(kind) => format!(
                "the {} '{}' cannot be read: {}",
                kind.noun(),
                self.id,
                self.reason
            ),
            None => format!(
                "the entry '{}' of '{}' cannot be read: {}",
                self.id, self.section, self.reason
            ),
        }
    }

    fn to_json(&self) -> Value {
        json!({"kind": self.kind, "section": self.section, "id": self.id, "reason": self.reason})
    }
}

/// What was read, if all of it was.
///
/// # Errors
/// `DATA_LOSS` that names what could not be read, with what could be in its details beside `unreadable`.
pub(super) fn whole<T: Serialize>(read: T, others: &str, unreadable: &[Unreadable]) -> Result<T> {
    let Some(first) = unreadable.first() else {
        return Ok(read);
    };
    let more = match unreadable.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let message = format!("{}{more}; the details have {others}", first.told());
    let mut details = serde_json::to_value(read)?;
    details["unreadable"] = unreadable.iter().map(Unreadable::to_json).collect();
    Err(Error::data_loss(message).with_details(details))
}

/// All entries by id and the revision at which they were so: one statement, hence one moment.
pub(super) struct Listed<E> {
    pub(super) entries: Vec<E>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) revision: i64,
}

/// Reads all entries of a kind.
///
/// # Errors
/// `DATA_LOSS` where nothing can be read at all.
pub(super) async fn list<E: Entry>(store: &Store) -> Result<Listed<E>> {
    let rows = store.fetch_all(queries::all::<E>(), vec![]).await?;
    let first = rows
        .first()
        .ok_or_else(|| Error::data_loss("the registry has lost its revision"))?;
    let (revision, now) = (first.get("revision")?, first.get("now")?);
    let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
    let there = rows
        .iter()
        .filter(|row| !matches!(row.get::<Option<Id>>("id"), Ok(None)));
    for row in there {
        match E::of(row) {
            Ok(entry) => entries.push(entry.seen_at(now)),
            Err(error) => unreadable.push(Unreadable::of::<E>(row, &error)),
        }
    }
    Ok(Listed {
        entries,
        unreadable,
        revision,
    })
}

impl Registry {
    /// Lists all services by id, and the revision at which they were so.
    ///
    /// # Errors
    /// `DATA_LOSS` naming a service that cannot be read, with `services`, all others, in its details, beside `revision` and
    /// `unreadable`.
    pub async fn list_services(&self) -> Result<ServiceList> {
        let listed = list(&self.store).await?;
        let services = self.prober.all_freshened(ServiceList {
            services: listed.entries,
            revision: listed.revision,
        });
        whole(services, "all others", &listed.unreadable)
    }

    /// Lists all nodes by id, and the revision at which they were so.
    ///
    /// # Errors
    /// `DATA_LOSS` naming a node that cannot be read, with `nodes`, all others, in its details, beside `revision` and
    /// `unreadable`.
    pub async fn list_nodes(&self) -> Result<NodeList> {
        let listed = list(&self.store).await?;
        let nodes = NodeList {
            nodes: listed.entries,
            revision: listed.revision,
        };
        whole(nodes, "all others", &listed.unreadable)
    }

    /// Lists all workflows by id, and the revision at which they were so.
    ///
    /// # Errors
    /// `DATA_LOSS` naming a workflow that cannot be read, with `workflows`, all others, in its details, beside `revision`
    /// and `unreadable`.
    pub async fn list_workflows(&self) -> Result<WorkflowList> {
        let listed = list(&self.store).await?;
        let workflows = WorkflowList {
            workflows: listed.entries,
            revision: listed.revision,
        };
        whole(workflows, "all others", &listed.unreadable)
    }
}
