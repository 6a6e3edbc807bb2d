//! What services, nodes and workflows have in common: how they are read, written, registered and changed.

use std::collections::HashMap;
use std::iter;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::edit::Editors;
use super::import::Item;
use super::memory::{Known, Memory};
use super::said::Said;
use super::{EntryKind, Node, Service, Workflow, queries};
use crate::error::{Error, Result};
use crate::store::{
    Arg, DEEPEST, Lane, Row, Store, Transaction, args, check_storable_within, check_text,
};
use crate::types::{Id, Json, Timestamp, plain_numbers};

/// A kind of registry entry with a table of its own.
pub(super) trait Entry: Clone + PartialEq + Serialize + Send + Sync + 'static {
    /// What callers declare.
    type Spec: Clone + Serialize + DeserializeOwned + Send + Sync + 'static;

    const KIND: EntryKind;
    const TABLE: &'static str;
    /// What its rows are read from: the table, and what is kept beside it.
    const SOURCE: &'static str = Self::TABLE;
    /// The table of that and its column with the entry's id, if there is one.
    const BESIDE: Option<(&'static str, &'static str)> = None;
    /// Its columns and their PostgreSQL types, the id first; `section` and `position` follow in every table.
    const COLUMNS: &'static [(&'static str, &'static str)];
    /// Whether something still needs the row called `entry`, as SQL.
    const IN_USE: &'static str;

    /// Reads a row.
    fn of(row: &Row) -> Result<Self>;
    /// The values of its columns.
    fn row(&self) -> Vec<Arg>;
    /// The lane that its changes go through.
    fn lane(editors: &Editors) -> &Lane<super::edit::Editor<Self>>;
    /// What an engine remembers of this kind.
    fn known(memory: &mut Memory) -> &mut Known<Self>;

    /// A new entry with this declaration, checked and completed.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field.
    fn declare(spec: Self::Spec) -> Result<Self>;
    /// Its declaration.
    fn spec(&self) -> Self::Spec;
    /// Takes over from the entry that it replaces what nobody declares.
    fn inherit(&mut self, old: &Self);
    /// Whether nothing is kept beside the row that belongs to this entry and was not seen with the one before it.
    fn is_all_after(&self, _old: &Self) -> bool {
        true
    }

    fn id(&self) -> &Id;
    fn name(&self) -> &str;
    fn metadata(&self) -> &Json;
    /// Rules that are attached beside the metadata.
    fn governance(&self) -> Option<&Json> {
        None
    }
    fn set_metadata(&mut self, metadata: Value);
    fn version(&self) -> i64;
    fn created_at(&self) -> Timestamp;
    /// Marks a change.
    fn touch(&mut self, version: i64, at: Timestamp);
    /// Whether it may become another one by time alone.
    fn expires(&self) -> bool {
        false
    }
    /// The entry as it is at this time, if that differs from what was last written.
    #[must_use]
    fn seen_at(self, _now: Timestamp) -> Self {
        self
    }
    /// The typed fields that entries of documents say, `name` first.
    const SAID: &'static [Said<Self>];
    /// What an entry of a document says.
    fn said(item: &Item) -> Self;
    /// Corrects in an entry of a document what it says otherwise than this one, the name aside.
    fn correct(&self, said: &Self, body: &mut Map<String, Value>);
    /// The entry as a document would declare it: what is attached to it, and the typed fields over that.
    fn declared(&self) -> Value;
}

/// The tables of entries.
pub(crate) const TABLES: [&str; 3] = [Service::TABLE, Node::TABLE, Workflow::TABLE];

/// Where an entry stands in an imported document; entries that were registered by call stand nowhere.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Place {
    pub(super) section: Option<String>,
    pub(super) position: i64,
}

/// A row and its place.
pub(super) type Placed<E> = (E, Place);

pub(super) fn placed<E: Entry>(row: &Row) -> Result<Placed<E>> {
    Ok((
        E::of(row)?,
        Place {
            section: row.get("section")?,
            position: row.get("position")?,
        },
    ))
}

/// The values of an entry's row: of its columns, and of its place.
pub(super) fn row<E: Entry>(entry: &E, place: &Place) -> Vec<Arg> {
    let mut row = entry.row();
    row.push(place.section.as_deref().into());
    row.push(place.position.into());
    row
}

/// An entry that is there.
#[derive(Debug, Clone)]
pub(super) struct Present<E> {
    pub(super) entry: Arc<E>,
    pub(super) place: Place,
    /// Whether something needs it, so that it cannot be deleted.
    pub(super) in_use: bool,
}

/// Those of the entries that are there.
pub(super) async fn present<E: Entry>(
    transaction: &mut Transaction,
    ids: &[&Id],
) -> Result<HashMap<Id, Present<E>>> {
    let rows = transaction
        .fetch_all(queries::among::<E>(), args![json!(ids).to_string()])
        .await?;
    rows.iter().map(with_id).collect()
}

/// A row of [`queries::among`].
pub(super) fn with_id<E: Entry>(row: &Row) -> Result<(Id, Present<E>)> {
    let (entry, place) = placed::<E>(row)?;
    let in_use = row.get("in_use")?;
    let present = Present {
        entry: Arc::new(entry),
        place,
        in_use,
    };
    Ok((present.entry.id().clone(), present))
}

pub(super) async fn get<E: Entry>(store: &Store, id: &str) -> Result<E> {
    let row = store
        .fetch_optional(queries::by_id::<E>(), args![id])
        .await?
        .ok_or_else(|| Error::not_found(E::KIND.noun(), id))?;
    Ok(E::of(&row)?.seen_at(row.get("now")?))
}

/// The attached object with these fields over it.
pub(super) fn over(metadata: &Json, fields: &Value) -> Map<String, Value> {
    let mut object = metadata.as_object().cloned().unwrap_or_default();
    object.extend(fields.as_object().cloned().unwrap_or_default());
    object
}

/// How deep what is attached to an entry may be nested: an export has it in an entry of a section, perhaps of a group in that,
/// and what was exported can be imported.
const DEEPEST_ATTACHED: usize = DEEPEST - 3;

/// What is attached to an entry, by the names of its fields.
pub(super) fn attached<E: Entry>(entry: &E) -> impl Iterator<Item = (&'static str, &Json)> {
    let governance = entry.governance().map(|rules| ("governance", rules));
    iter::once(("metadata", entry.metadata())).chain(governance)
}

/// Refuses what no database can keep, and what is nested deeper than anybody could read again, unless that is there already
/// and its owner may not even know.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub(super) fn check_attached<E: Entry>(entry: &E, old: Option<&E>) -> Result<()> {
    for (field, value) in attached(entry) {
        let is_old = old.is_some_and(|old| attached(old).any(|old| old == (field, value)));
        let deepest = if is_old { usize::MAX } else { DEEPEST_ATTACHED };
        check_storable_within(deepest, value).map_err(|error| error.context(field))?;
    }
    Ok(())
}

/// A text that both databases can keep.
///
/// # Errors
/// `INVALID_ARGUMENT` naming the field.
pub(super) fn checked_text(field: &str, text: String) -> Result<String> {
    check_text(&text).map_err(|error| error.context(field))?;
    Ok(text)
}

/// An object, or an empty one where the caller gave none; numbers as both databases keep them.
pub(super) fn checked_object(field: &str, value: Option<Json>) -> Result<Json> {
    match value {
        None => Ok(Value::Object(Map::new()).into()),
        Some(mut value) if value.is_object() => {
            plain_numbers(&mut value.0);
            Ok(value)
        }
        Some(_) => Err(Error::invalid_argument(format!(
            "{field}: must be an object"
        ))),
    }
}

/// An id that can stand in a path, a log line and a report.
pub(crate) fn checked_id(id: &str) -> Result<Id> {
    if matches!(id, "." | "..") {
        // A client that tidies up its addresses would ask for another one.
        return Err(Error::invalid_argument("id: must not be '.' or '..'"));
    }
    // The longest have 800 bytes, of the 2,704 that an index of PostgreSQL takes.
    if id.trim().is_empty() || id.chars().count() > 200 || id.chars().any(char::is_control) {
        return Err(Error::invalid_argument(
            "id: must have 1 to 200 characters, none of them a control character",
        ));
    }
    Ok(Id::from(id))
}
