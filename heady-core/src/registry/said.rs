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
    use crate::registry::{RegisterService, Service};

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
            metadata in prop::sample::subsequence(vec![
                ("url", json!("http://other:2/x")), ("base_url", json!("http://other:3")), ("health", json!("/other")),
                ("port", json!(80)), ("healthCheckIntervalMs", json!(5000)), ("health_check_url", json!("http://other/h")),
                ("name", json!("Other")), ("id", json!("other")), ("baseUrl", json!("http://other:4")), ("note", json!(1)),
            ], 0..10),
        ) {
            let metadata: Map<_, _> = metadata.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            let spec = RegisterService {
                id: "s".into(),
                base_url: Some(base.to_owned()),
                health_path: Some(path),
                probe_interval_ms: interval,
                metadata: Some(Value::Object(metadata).into()),
                ..RegisterService::default()
            };
            let service = Service::declare(spec).unwrap();
            let exported = service.declared();
            let read: Service = said(&"s".into(), &exported);
            for (field, _, value) in Service::SAID {
                prop_assert_eq!(value(&read), value(&service), "{} of {}", field, exported);
            }
            prop_assert_eq!(told_id(&exported), Some("s".to_owned()));
        }
    }
}
