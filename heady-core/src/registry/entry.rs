//! What services, nodes and workflows have in common: registered, changed and deleted the same way.

use serde::Serialize;
use serde_json::json;

use super::{DeleteEntry, queries};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::store::{Arg, Row, Sql, Store, Transaction};
use crate::types::{Id, Json};

/// A kind of registry entry with a table of its own.
pub(super) trait Entry: Clone + PartialEq + Serialize + Send + Sync + 'static {
    /// The kind in errors and audit targets: `service`.
    const KIND: &'static str;
    /// Its table.
    const TABLE: &'static str;
    /// Inserts every column of [`Entry::args`], then `section` and `position`.
    const INSERT: &'static str;
    /// Writes every column of [`Entry::args`], then `section` and `position`, where the id matches.
    const UPDATE: &'static str;
    /// Deletes by id, unless something still needs the row.
    const DELETE: &'static str;

    /// Reads a row.
    fn of(row: &Row) -> Result<Self>;
    /// The values of its columns, the id first.
    fn args(&self) -> Vec<Arg>;
    fn id(&self) -> &Id;
    fn metadata(&self) -> &Json;
    fn version(&self) -> i64;
    /// Marks a change: the next version, now.
    fn touch(&mut self);
    /// Writes the typed fields that differ from `old` into the imported entry kept as metadata, so that an export
    /// shows them.
    fn write_back(&mut self, old: &Self);
    /// The entry as a document would declare it: what is attached to it, and the typed fields over that.
    fn declared(&self) -> serde_json::Value;
}

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

pub(super) async fn insert<E: Entry>(
    transaction: &mut Transaction,
    entry: &E,
    place: &Place,
) -> Result<()> {
    transaction
        .execute(E::INSERT, with_place(entry, place))
        .await
        .map_err(|error| match error.kind() {
            crate::ErrorKind::AlreadyExists => {
                Error::already_exists(format!("{} '{}' exists already", E::KIND, entry.id()))
                    .caused_by(error)
            }
            _ => error,
        })?;
    Ok(())
}

pub(super) async fn overwrite<E: Entry>(
    transaction: &mut Transaction,
    entry: &E,
    place: &Place,
) -> Result<()> {
    transaction
        .execute(E::UPDATE, with_place(entry, place))
        .await?;
    Ok(())
}

fn with_place<E: Entry>(entry: &E, place: &Place) -> Vec<Arg> {
    let mut args = entry.args();
    args.extend([place.section.clone().into(), place.position.into()]);
    args
}

/// The entry and its place, locked until the transaction ends.
pub(super) async fn locked<E: Entry>(
    transaction: &mut Transaction,
    id: &str,
) -> Result<Option<Placed<E>>> {
    let sql = Sql::of(
        queries::by_id(E::TABLE),
        format!("{} FOR UPDATE", queries::by_id(E::TABLE)),
    );
    transaction
        .fetch_optional(sql, vec![id.into()])
        .await?
        .map(|row| placed(&row))
        .transpose()
}

pub(super) async fn get<E: Entry>(store: &Store, id: &str) -> Result<E> {
    let row = store
        .fetch_optional(queries::by_id(E::TABLE), vec![id.into()])
        .await?;
    row.map(|row| E::of(&row))
        .transpose()?
        .ok_or_else(|| Error::not_found(E::KIND, id))
}

pub(super) async fn list<E: Entry>(store: &Store) -> Result<Vec<E>> {
    let rows = store
        .fetch_all(format!("SELECT * FROM {} ORDER BY id", E::TABLE), vec![])
        .await?;
    rows.iter().map(E::of).collect()
}

/// Registers a new entry.
pub(super) async fn register<E: Entry>(store: &Store, actor: &str, entry: E) -> Result<E> {
    let record = record::<E>(actor, entry.id()).with(json!({"change": "CREATE"}));
    store
        .write(move |transaction| {
            Box::pin(async move {
                insert(transaction, &entry, &Place::default()).await?;
                audit::append(transaction, &[record]).await?;
                Ok(entry)
            })
        })
        .await
}

/// Changes an entry; a change to what it already is changes nothing.
pub(super) async fn update<E, F>(
    store: &Store,
    actor: &str,
    id: &str,
    if_version: Option<i64>,
    change: F,
) -> Result<E>
where
    E: Entry,
    F: FnOnce(&mut E) + Send + 'static,
{
    let (id, actor) = (id.to_owned(), actor.to_owned());
    store
        .write(move |transaction| {
            Box::pin(async move {
                let (old, place) = expected::<E>(transaction, &id, if_version).await?;
                let mut entry = old.clone();
                change(&mut entry);
                if place.section.is_some() {
                    entry.write_back(&old);
                }
                if entry == old {
                    return Ok(old);
                }
                entry.touch();
                overwrite(transaction, &entry, &place).await?;
                let details = json!({"change": "UPDATE", "resourceVersion": entry.version()});
                audit::append(
                    transaction,
                    &[record::<E>(&actor, entry.id()).with(details)],
                )
                .await?;
                Ok(entry)
            })
        })
        .await
}

/// Deletes an entry.
pub(super) async fn delete<E: Entry>(store: &Store, actor: &str, which: DeleteEntry) -> Result<E> {
    let actor = actor.to_owned();
    store
        .write(move |transaction| {
            Box::pin(async move {
                let (entry, _) = expected::<E>(transaction, &which.id, which.if_version).await?;
                if !remove::<E>(transaction, &which.id).await? {
                    let message =
                        format!("{} '{}' has runs and cannot be deleted", E::KIND, which.id);
                    return Err(Error::failed_precondition(message));
                }
                let record = record::<E>(&actor, entry.id()).with(json!({"change": "DELETE"}));
                audit::append(transaction, &[record]).await?;
                Ok(entry)
            })
        })
        .await
}

/// Removes the row, and says whether it could be.
pub(super) async fn remove<E: Entry>(transaction: &mut Transaction, id: &str) -> Result<bool> {
    Ok(transaction.execute(E::DELETE, vec![id.into()]).await? == 1)
}

async fn expected<E: Entry>(
    transaction: &mut Transaction,
    id: &str,
    version: Option<i64>,
) -> Result<Placed<E>> {
    let found = locked::<E>(transaction, id)
        .await?
        .ok_or_else(|| Error::not_found(E::KIND, id))?;
    match version {
        Some(version) if version != found.0.version() => Err(Error::aborted(format!(
            "{} '{id}' has version {}, not {version}; somebody changed it meanwhile",
            E::KIND,
            found.0.version()
        ))
        .with_details(json!({"current": found.0}))),
        _ => Ok(found),
    }
}

fn record<E: Entry>(actor: &str, id: &Id) -> Record {
    Record::new(
        actor,
        "CONFIG_CHANGE",
        format!("{}:{id}", E::KIND),
        "SUCCEEDED",
    )
}
