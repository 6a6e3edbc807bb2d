//! Declared entries under a condition: registered, put in place of another, patched, deleted.

mod model;

use std::sync::Arc;

use serde_json::{Map, Value, json};

pub use self::model::{PatchEntry, PutNode, PutService, PutWorkflow};
use super::DeleteEntry;
use super::edit::{Edit, Editors, Step};
use super::entry::{Entry, Present, check_attached};
use crate::error::{Error, Result};
use crate::store::check_storable_json;
use crate::types::{Id, plain_numbers, weight};

/// What must be so for a change to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Condition {
    Always,
    Absent,
    Version(i64),
}

impl Condition {
    /// # Errors
    /// `INVALID_ARGUMENT` for both at once.
    pub(super) fn of(if_version: Option<i64>, if_absent: Option<bool>) -> Result<Self> {
        match (if_version, if_absent.unwrap_or(false)) {
            (Some(_), true) => Err(Error::invalid_argument(
                "ifVersion: an entry cannot have a version and be absent; give one of ifVersion and ifAbsent",
            )),
            (Some(version), false) => Ok(Self::Version(version)),
            (None, true) => Ok(Self::Absent),
            (None, false) => Ok(Self::Always),
        }
    }

    /// # Errors
    /// `ABORTED` with the current entry, null if there is none.
    fn check<E: Entry>(self, id: &Id, present: Option<&Present<E>>) -> Result<()> {
        let noun = E::KIND.noun();
        let lost = match (self, present) {
            (Self::Always, _) | (Self::Absent, None) => return Ok(()),
            (Self::Version(version), Some(present)) if version == present.entry.version() => {
                return Ok(());
            }
            (Self::Version(version), Some(present)) => format!(
                "{noun} '{id}' has version {}, not {version}; somebody changed it meanwhile",
                present.entry.version()
            ),
            (Self::Version(version), None) => {
                format!("{noun} '{id}' does not exist, so it has no version {version}")
            }
            (Self::Absent, Some(present)) => format!(
                "{noun} '{id}' is there already, with version {}",
                present.entry.version()
            ),
        };
        let current = present.map(|present| &*present.entry);
        Err(Error::aborted(lost).with_details(json!({"current": current})))
    }
}

/// Registers an entry that must not be there yet.
pub(super) async fn register<E: Entry>(
    editors: &Editors,
    actor: &Arc<str>,
    spec: E::Spec,
) -> Result<E> {
    let wanted = declare::<E>(spec, None)?;
    let (id, weight) = (wanted.id().clone(), weighed(&wanted));
    let decide = move |present: Option<&Present<E>>| match present {
        None => Ok(Step::Put(wanted.clone())),
        Some(present) => {
            let message = format!("{} '{}' exists already", E::KIND.noun(), wanted.id());
            let current = json!({"current": &*present.entry});
            Err(Error::already_exists(message).with_details(current))
        }
    };
    editors.edit(edit(actor, id, weight, decide)).await
}

/// Creates an entry or puts it in place of the one that is there.
pub(super) async fn put<E: Entry>(
    editors: &Editors,
    actor: &Arc<str>,
    (spec, condition): (E::Spec, Condition),
) -> Result<E> {
    let wanted = declare::<E>(spec, None)?;
    let (id, weight) = (wanted.id().clone(), weighed(&wanted));
    let decide = move |present: Option<&Present<E>>| {
        condition.check(wanted.id(), present)?;
        Ok(match present {
            None => Step::Put(wanted.clone()),
            Some(old) => replace(wanted.clone(), old),
        })
    };
    editors.edit(edit(actor, id, weight, decide)).await
}

/// Changes the declaration of an entry; a change to what it already is changes nothing.
pub(super) async fn change<E, F>(
    editors: &Editors,
    actor: &Arc<str>,
    id: &str,
    if_version: Option<i64>,
    change: F,
) -> Result<E>
where
    E: Entry,
    F: Fn(E::Spec) -> Result<E::Spec> + Send + Sync + 'static,
{
    let (condition, id) = (Condition::of(if_version, None)?, Id::from(id));
    let decide = {
        let id = id.clone();
        move |present: Option<&Present<E>>| {
            let old = present.ok_or_else(|| Error::not_found(E::KIND.noun(), &id))?;
            condition.check(&id, present)?;
            let wanted = declare(change(old.entry.spec())?, Some(&*old.entry))?;
            Ok(replace(wanted, old))
        }
    };
    let edit = Edit {
        id,
        actor: actor.clone(),
        weight: LIGHT,
        deletes: false,
        decide: Box::new(decide),
    };
    editors.edit(edit).await
}

/// Changes the declaration of an entry by a merge patch.
pub(super) async fn patch<E: Entry>(
    editors: &Editors,
    actor: &Arc<str>,
    options: PatchEntry,
) -> Result<E> {
    let PatchEntry {
        id,
        patch,
        if_version,
    } = options;
    let invalid = |message: String| Error::invalid_argument(format!("patch: {message}"));
    let object = patch
        .as_object()
        .ok_or_else(|| invalid("must be an object".to_owned()))?;
    if object.get("id").is_some_and(|other| *other != json!(id)) {
        return Err(invalid("an entry keeps its id".to_owned()));
    }
    change(editors, actor, &id, if_version, move |spec: E::Spec| {
        let mut document = serde_json::to_value(spec)?;
        merge(&mut document, &patch);
        serde_json::from_value(document).map_err(|error| invalid(error.to_string()))
    })
    .await
}

/// Deletes an entry and returns what it was.
pub(super) async fn delete<E: Entry>(
    editors: &Editors,
    actor: &Arc<str>,
    which: DeleteEntry,
) -> Result<E> {
    let condition = Condition::of(which.if_version, None)?;
    let id = Id::from(which.id);
    let decide = {
        let id = id.clone();
        move |present: Option<&Present<E>>| {
            let noun = E::KIND.noun();
            let old = present.ok_or_else(|| Error::not_found(noun, &id))?;
            condition.check(&id, present)?;
            if old.in_use {
                let message = format!("{noun} '{id}' has runs and cannot be deleted");
                return Err(Error::failed_precondition(message));
            }
            Ok(Step::Delete)
        }
    };
    let edit = Edit {
        id,
        actor: actor.clone(),
        weight: LIGHT,
        deletes: true,
        decide: Box::new(decide),
    };
    editors.edit(edit).await
}

/// About how many bytes an entry has beside what is attached to it.
pub(super) const LIGHT: usize = 1024;

/// What is attached is written twice: in the row and in the event.
fn weighed<E: Entry>(wanted: &E) -> usize {
    LIGHT + 2 * weight(wanted.metadata())
}

fn edit<E, F>(actor: &Arc<str>, id: Id, weight: usize, decide: F) -> Edit<E>
where
    E: Entry,
    F: Fn(Option<&Present<E>>) -> Result<Step<E>> + Send + Sync + 'static,
{
    Edit {
        id,
        actor: actor.clone(),
        weight,
        deletes: false,
        decide: Box::new(decide),
    }
}

/// A new entry with this declaration, perhaps in place of one, which both databases can keep.
fn declare<E: Entry>(spec: E::Spec, old: Option<&E>) -> Result<E> {
    let entry = E::declare(spec)?;
    check_attached(&entry, old)?;
    check_storable_json(&serde_json::to_string(&entry)?)?;
    Ok(entry)
}

/// The entry in place of another: what nobody declares stays, and the imported entry behind it says the same.
fn replace<E: Entry>(mut wanted: E, old: &Present<E>) -> Step<E> {
    wanted.inherit(&old.entry);
    if is_kept(wanted.metadata(), old.entry.metadata()) {
        wanted.set_metadata(old.entry.metadata().0.clone());
    }
    if old.place.section.is_some() {
        if wanted.metadata() == old.entry.metadata() {
            wanted.write_back(&old.entry);
        } else {
            let declared = wanted.declared();
            wanted.set_metadata(declared);
        }
    }
    if wanted == *old.entry {
        Step::Keep(wanted)
    } else {
        Step::Put(wanted)
    }
}

/// Whether metadata is what was there, but for the form of its numbers: entries of earlier versions have another one.
fn is_kept(wanted: &Value, old: &Value) -> bool {
    let plain = |value: &Value| {
        let mut value = value.clone();
        plain_numbers(&mut value);
        value
    };
    wanted != old && *wanted == plain(old)
}

/// Merges a patch into a document, as RFC 7396 says.
fn merge(document: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        document.clone_from(patch);
        return;
    };
    if !document.is_object() {
        *document = Value::Object(Map::new());
    }
    if let Value::Object(document) = document {
        for (key, value) in patch {
            if value.is_null() {
                document.remove(key);
            } else {
                merge(document.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn patches_merge_as_the_standard_says() {
        for (document, patch, result) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (
                json!({"a": "b"}),
                json!({"b": "c"}),
                json!({"a": "b", "b": "c"}),
            ),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (
                json!({"a": "b", "b": "c"}),
                json!({"a": null}),
                json!({"b": "c"}),
            ),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (
                json!({"a": [{"b": "c"}]}),
                json!({"a": [1]}),
                json!({"a": [1]}),
            ),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a": "b"}), json!(["c"]), json!(["c"])),
            (json!({"a": "foo"}), json!(null), json!(null)),
            (json!({"a": "foo"}), json!("bar"), json!("bar")),
            (
                json!({"e": null}),
                json!({"a": 1}),
                json!({"e": null, "a": 1}),
            ),
            (
                json!([1, 2]),
                json!({"a": "b", "c": null}),
                json!({"a": "b"}),
            ),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let mut merged = document.clone();
            merge(&mut merged, &patch);
            assert_eq!(merged, result, "{document} with {patch}");
        }
    }
}
