//! What an entry of a document and the typed fields say of each other.
//!
//! The metadata of an imported entry is its whole entry in the document. So a change of a typed field is written into it, and
//! whatever says that field otherwise goes: the next import, or a look for drift, reads what the registry has.

use serde_json::{Map, Value, json};

use super::entry::Entry;
use super::import::{Item, Kind, told_id};
use crate::error::{Error, Result};
use crate::types::Id;

/// A typed field, the keys of entries that say it, and its value.
pub(super) type Said<E> = (&'static str, &'static [&'static str], fn(&E) -> Value);

/// What an entry of a document says.
pub(super) fn said<E: Entry>(id: &Id, body: &Value) -> E {
    // What is read does not depend on where it stands.
    let item = Item::of(Kind::Other, "", id.to_string(), 0, body.clone());
    E::said(&item)
}

/// An entry of a document that says what this one declares.
pub(super) fn corrected<E: Entry>(entry: &E, mut body: Map<String, Value>) -> Value {
    let said = said::<E>(entry.id(), &Value::Object(body.clone()));
    if said.name() != entry.name() {
        body.insert("name".to_owned(), entry.name().into());
    }
    entry.correct(&said, &mut body);
    Value::Object(body)
}

/// Lets an entry of a document say this under the one of these keys that it uses, or the first.
pub(super) fn say(body: &mut Map<String, Value>, keys: &[&str], value: Value) {
    let used = keys.iter().find(|key| body.contains_key(**key));
    let key = used.or(keys.first()).map(|key| (*key).to_owned());
    unsay(body, keys);
    body.extend(key.map(|key| (key, value)));
}

/// Lets an entry of a document say it under none.
pub(super) fn unsay(body: &mut Map<String, Value>, keys: &[&str]) {
    body.retain(|key, _| !keys.contains(&key.as_str()));
}

/// The metadata of an imported entry that is changed by call.
///
/// # Errors
/// `INVALID_ARGUMENT` if new metadata says a typed field otherwise than that field: it would change nothing.
pub(super) fn imported<E: Entry>(wanted: &E, old: &E) -> Result<Value> {
    if wanted.metadata() != old.metadata() {
        check(wanted, old)?;
    }
    let body = wanted.metadata().as_object().cloned();
    let mut body = corrected(wanted, body.unwrap_or_default());
    // In a list nothing else tells which entry it is.
    let is_told = |body: &Value| told_id(body).as_deref() == Some(wanted.id().as_str());
    if is_told(old.metadata()) && !is_told(&body) {
        body["id"] = json!(wanted.id());
    }
    Ok(body)
}

fn check<E: Entry>(wanted: &E, old: &E) -> Result<()> {
    let new_value = |key: &str| {
        let value = wanted.metadata().get(key);
        value.filter(|value| Some(*value) != old.metadata().get(key))
    };
    if new_value("id").is_some_and(|id| *id != json!(wanted.id())) {
        return Err(Error::invalid_argument(
            "metadata.id: an entry keeps its id",
        ));
    }
    let says = |entry: &E| said::<E>(entry.id(), entry.metadata());
    let (new, before) = (says(wanted), says(old));
    for (field, keys, value) in E::SAID {
        let key = keys.iter().find(|key| new_value(key).is_some());
        if let Some(key) = key
            && value(&new) != value(&before)
            && value(&new) != value(wanted)
        {
            return Err(Error::invalid_argument(format!(
                "metadata.{key}: says the field {field} of this entry, which was imported; change {field} itself"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::{
        Node, RegisterNode, RegisterService, RegisterWorkflow, Service, Workflow,
    };
    use crate::types::Json;

    /// Metadata of any of these keys.
    fn among(keys: Vec<(&'static str, Value)>) -> impl Strategy<Value = Json> {
        let most = keys.len();
        let some = prop::sample::subsequence(keys, 0..=most);
        some.prop_map(|some| {
            let map: Map<_, _> = some
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect();
            Value::Object(map).into()
        })
    }

    fn reads_back<E: Entry>(entry: &E) -> Result<(), TestCaseError> {
        let exported = entry.declared();
        let read: E = said(entry.id(), &exported);
        for (field, _, value) in E::SAID {
            prop_assert_eq!(value(&read), value(entry), "{} of {}", field, exported);
        }
        prop_assert_eq!(told_id(&exported), Some(entry.id().to_string()));
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_is_exported_reads_back(
            base in prop_oneof![
                Just(""), Just("http://h:1"), Just("http://h:1/api"), Just("https://h.example/a/b/"), Just("http://[::1]:80/"),
                Just("http://h/$x/%20"), Just("https://bücher.example"),
            ],
            path in prop_oneof![
                Just("/".to_owned()), Just("/api/health".to_owned()), Just("/h?deep=1".to_owned()), Just("//h".to_owned()),
                "/[a-z/.?#% ä{$<]{0,12}",
            ],
            interval in prop::option::of(1000..60_000_i64),
            metadata in among(vec![
                ("url", json!("http://other:2/x")), ("base_url", json!("http://other:3")), ("health", json!("/other")),
                ("port", json!(80)), ("healthCheckIntervalMs", json!(5000)), ("health_check_url", json!("http://other/h")),
                ("name", json!("Other")), ("id", json!("other")), ("baseUrl", json!("http://other:4")), ("note", json!(1)),
            ]),
        ) {
            let spec = RegisterService {
                id: "s".into(),
                base_url: Some(base.to_owned()),
                health_path: Some(path),
                probe_interval_ms: interval,
                metadata: Some(metadata),
                ..RegisterService::default()
            };
            reads_back(&Service::declare(spec).unwrap())?;
        }

        #[test]
        fn nodes_read_back(
            runtime in prop::option::of("[a-z]{1,4}"),
            triggers in prop::option::of(prop::collection::vec("[a-z]{1,3}", 0..3)),
            enabled in prop::option::of(any::<bool>()),
            metadata in among(vec![
                ("name", json!("Other")), ("id", json!("other")), ("runtime", json!("java")), ("trigger_on", json!(["x"])),
                ("triggers", json!("x")), ("enabled", json!(false)), ("status", json!("available")), ("note", json!(1)),
            ]),
        ) {
            let spec = RegisterNode {
                id: "n".into(),
                runtime,
                triggers,
                metadata: Some(metadata),
                ..RegisterNode::default()
            };
            let mut node = Node::declare(spec).unwrap();
            node.enabled = enabled.unwrap_or(node.enabled);
            reads_back(&node)?;
        }

        #[test]
        fn workflows_read_back(
            pipeline_id in prop::option::of("[a-z]{1,4}"),
            max_concurrent_tasks in prop::option::of(1..1025_i64),
            governance in prop::option::of(among(vec![("approval", json!("required")), ("roles", json!(["a"]))])),
            metadata in among(vec![
                ("name", json!("Other")), ("id", json!("other")), ("pipeline_id", json!("p")), ("pipelineId", json!(7)),
                ("maxConcurrentTasks", json!(0)), ("max_concurrent_tasks", json!(3)), ("governance", json!("strict")),
            ]),
        ) {
            let spec = RegisterWorkflow {
                id: "w".into(),
                pipeline_id,
                max_concurrent_tasks,
                governance,
                metadata: Some(metadata),
                ..RegisterWorkflow::default()
            };
            reads_back(&Workflow::declare(spec).unwrap())?;
        }
    }
}
