//! Declared entries under a condition: registered, put in place of another, patched, deleted.

mod condition;
mod model;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use self::condition::Condition;
use self::model::Update;
pub use self::model::{PatchEntry, PutNode, PutService, PutWorkflow};
use super::edit::{Clock, Edit, Editors, Step};
use super::entry::{Entry, Present, attached, check_attached};
use super::{DeleteEntry, said};
use crate::error::{Error, Result};
use crate::types::{Id, plain_numbers, weight};

/// Registers an entry that must not be there yet.
pub(super) async fn register<E: Entry>(
    editors: &Editors,
    actor: &Arc<str>,
    spec: E::Spec,
) -> Result<E> {
    let wanted = declare::<E>(spec, None)?;
    let (id, weight, clock) = (wanted.id().clone(), weighed(&wanted), editors.clock());
    let decide = move |present: Option<&Present<E>>| match seen(present, &clock) {
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
    let (id, weight, clock) = (wanted.id().clone(), weighed(&wanted), editors.clock());
    let decide = move |present: Option<&Present<E>>| {
        let present = seen(present, &clock);
        let present = present.as_deref();
        condition.check(wanted.id(), present)?;
        match present {
            None => Ok(Step::Put(wanted.clone())),
            Some(old) => replace(wanted.clone(), old),
        }
    };
    editors.edit(edit(actor, id, weight, decide)).await
}

/// Changes fields of an entry.
pub(super) async fn update<U: Update>(
    editors: &Editors,
    actor: &Arc<str>,
    options: U,
) -> Result<U::Entry> {
    let (id, if_version) = options.which();
    let (id, condition) = (Id::from(id), Condition::of(if_version, None, None)?);
    let weight = heavy(options.weight());
    let change = move |spec| Ok(options.clone().over(spec));
    self::change(editors, actor, (id, condition, weight), change).await
}

/// Changes the declaration of an entry; a change to what it already is changes nothing.
async fn change<E, F>(
    editors: &Editors,
    actor: &Arc<str>,
    (id, condition, weight): (Id, Condition, usize),
    change: F,
) -> Result<E>
where
    E: Entry,
    F: Fn(E::Spec) -> Result<E::Spec> + Send + Sync + 'static,
{
    let (clock, own) = (editors.clock(), id.clone());
    let decide = move |present: Option<&Present<E>>| {
        let present = seen(present, &clock);
        let old = present.as_deref();
        let old = old.ok_or_else(|| Error::not_found(E::KIND.noun(), &own))?;
        condition.check(&own, Some(old))?;
        let wanted = declare(change(old.entry.spec())?, Some(&*old.entry))?;
        replace(wanted, old)
    };
    editors.edit(edit(actor, id, weight, decide)).await
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
    let (id, condition) = (Id::from(id), Condition::of(if_version, None, None)?);
    let weight = heavy(weight(&patch));
    let which = (id, condition, weight);
    change(editors, actor, which, move |spec: E::Spec| {
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
    let condition = Condition::of(which.if_version, None, None)?;
    let id = Id::from(which.id);
    let decide = {
        let (id, clock) = (id.clone(), editors.clock());
        move |present: Option<&Present<E>>| {
            let noun = E::KIND.noun();
            let present = seen(present, &clock);
            let old = present.as_deref();
            let old = old.ok_or_else(|| Error::not_found(noun, &id))?;
            condition.check(&id, Some(old))?;
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

/// About how many bytes a change writes that carries so many: they are written twice, in the row and in the event.
fn heavy(carried: usize) -> usize {
    LIGHT + 2 * carried
}

fn weighed<E: Entry>(wanted: &E) -> usize {
    heavy(attached(wanted).map(|(_, value)| weight(value)).sum())
}

/// An entry as everybody sees it now, though nobody may have written that yet.
fn seen<'p, E: Entry>(
    present: Option<&'p Present<E>>,
    clock: &Clock,
) -> Option<Cow<'p, Present<E>>> {
    let present = present?;
    if !present.entry.expires() {
        return Some(Cow::Borrowed(present));
    }
    let entry = E::clone(&present.entry).seen_at(clock.now());
    Some(Cow::Owned(Present {
        entry: Arc::new(entry),
        ..present.clone()
    }))
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
    // A file may have brought one, which must not keep its entry from being changed.
    let is_new = old.is_none_or(|old| old.name() != entry.name());
    if is_new && entry.name().contains(char::is_control) {
        return Err(Error::invalid_argument(
            "name: must have no control characters",
        ));
    }
    Ok(entry)
}

/// The entry in place of another: what nobody declares stays, and the imported entry behind it says the same.
fn replace<E: Entry>(mut wanted: E, old: &Present<E>) -> Result<Step<E>> {
    wanted.inherit(&old.entry);
    if is_kept(wanted.metadata(), old.entry.metadata()) {
        wanted.set_metadata(old.entry.metadata().0.clone());
    }
    if old.place.section.is_some() && wanted != *old.entry {
        let metadata = said::imported(&wanted, &*old.entry)?;
        wanted.set_metadata(metadata);
    }
    Ok(if wanted == *old.entry {
        Step::Keep(wanted)
    } else {
        Step::Put(wanted)
    })
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
    use crate::registry::{RegisterWorkflow, UpdateService, UpdateWorkflow, Workflow};

    #[test]
    fn what_a_change_carries_weighs() {
        let large = || Some(json!({"text": "a".repeat(10_000)}).into());
        let service = UpdateService {
            metadata: large(),
            ..UpdateService::default()
        };
        let workflow = UpdateWorkflow {
            governance: large(),
            ..UpdateWorkflow::default()
        };
        assert!(service.weight() > 10_000 && workflow.weight() > 10_000);
        let wanted = RegisterWorkflow {
            id: "w".into(),
            governance: large(),
            ..RegisterWorkflow::default()
        };
        let wanted: Workflow = declare(wanted, None).unwrap();
        assert!(weighed(&wanted) > 20_000);
        assert_eq!(heavy(UpdateService::default().weight()), LIGHT);
    }

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
