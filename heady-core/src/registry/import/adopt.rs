//! Entries that were registered by call and that a document has, too: they become a part of it, and stay as the call said.

use serde_json::{Map, Value, json};

use super::super::ImportAction;
use super::super::said::{corrected, said};
use super::declare::told_id;
use super::merge::{merge, otherwise};
use super::succeed::Succeeds;
use crate::error::Result;

/// What such an entry comes to.
pub(super) struct Adopted<E> {
    pub(super) entry: E,
    pub(super) action: ImportAction,
    pub(super) reason: String,
}

/// Merges what was said by call with what the document says. No import ever brought the entry, so whatever it has beyond a bare
/// declaration is an edit, and a field that has its default is open to the document.
pub(super) fn adopt<E: Succeeds>(old: &E, document: &E) -> Result<Adopted<E>> {
    let body = body(old, document)?;
    let (called, written) = (&old.metadata().0, &document.metadata().0);
    let (kept, lost) = (otherwise(written, &body), otherwise(called, &body));
    let is_news = kept.is_empty() || !otherwise(&body, &old.declared()).is_empty();
    let mut reason = "was registered by call until now".to_owned();
    if !kept.is_empty() {
        let kept = kept.join("', '");
        reason +=
            &format!("; the document says '{kept}' otherwise; kept (force takes the document's)");
    } else if body != *written {
        reason += "; what either says was taken";
    }
    if !lost.is_empty() {
        let lost = lost.join("', '");
        reason += &format!("; '{lost}' of its metadata goes, as it says its fields otherwise");
    }
    let mut entry: E = said(old.id(), &body);
    entry.succeed(old);
    Ok(Adopted {
        entry,
        action: if is_news {
            ImportAction::Update
        } else {
            ImportAction::Skip
        },
        reason,
    })
}

/// The entry as the document is to have it.
fn body<E: Succeeds>(old: &E, document: &E) -> Result<Value> {
    let fields = fields(old, document)?;
    let nothing = json!({});
    let attached = merge(Some(&nothing), old.metadata(), document.metadata()).entry;
    let mut body: Map<String, Value> = attached.as_object().cloned().unwrap_or_default();
    // What is attached is not what the entry is called.
    match document.metadata().get("id") {
        Some(id) => drop(body.insert("id".to_owned(), id.clone())),
        None => drop(body.remove("id")),
    }
    fields.say_whole(&mut body);
    let mut body = corrected(&fields, body);
    // In a list nothing else tells which entry it is.
    let is_told = |body: &Value| told_id(body).as_deref() == Some(old.id().as_str());
    if is_told(document.metadata()) && !is_told(&body) {
        body["id"] = json!(old.id());
    }
    Ok(body)
}

/// An entry with the fields that the call set, and the document's where it left the default.
fn fields<E: Succeeds>(old: &E, document: &E) -> Result<E> {
    let declared = |entry: &E| -> Result<Value> {
        let mut fields = serde_json::to_value(entry.spec())?;
        // It is merged by itself.
        fields["metadata"] = Value::Null;
        Ok(fields)
    };
    let bare = E::declare(serde_json::from_value(json!({"id": old.id()}))?)?;
    let (bare, ours) = (declared(&bare)?, declared(old)?);
    let theirs = declared(&old.heard(document))?;
    let merged = merge(Some(&bare), &ours, &theirs);
    E::declare(serde_json::from_value(merged.entry)?)
        .map_err(|error| error.context(format_args!("'{}'", old.id())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::service::HEALTH_PATH;
    use super::super::super::{RegisterService, Service};
    use super::*;
    use crate::registry::entry::Entry;

    fn some_of(keys: Vec<(&'static str, Value)>) -> impl Strategy<Value = Value> {
        let most = keys.len();
        prop::sample::subsequence(keys, 0..=most).prop_map(|some| {
            let some = some.into_iter();
            Value::Object(some.map(|(key, value)| (key.to_owned(), value)).collect())
        })
    }

    fn called(base_url: &str, health_path: Option<&str>, metadata: Value) -> Service {
        let spec = RegisterService {
            id: "s".into(),
            base_url: Some(base_url.to_owned()),
            health_path: health_path.map(str::to_owned),
            metadata: Some(metadata.into()),
            ..RegisterService::default()
        };
        Service::declare(spec).unwrap()
    }

    /// The entry, and what of the document it does not have.
    fn adopted(old: &Service, written: &Value) -> (Value, Vec<String>) {
        let document: Service = said(&old.id, written);
        let entry = adopt(old, &document).unwrap().entry;
        let kept = otherwise(written, &entry.metadata);
        (entry.metadata.0, kept)
    }

    #[test]
    fn an_address_is_one_and_a_path_by_itself_is_another_matter() {
        let here = "http://127.0.0.1:5";
        for (path, written, endpoint, kept) in [
            (
                None,
                json!({"endpoint": "http://prod:1/status"}),
                json!("http://127.0.0.1:5/api/health"),
                vec!["endpoint"],
            ),
            (
                None,
                json!({"healthPath": "/status"}),
                json!("http://127.0.0.1:5/status"),
                vec![],
            ),
            (
                Some("/h"),
                json!({"health_path": "/status", "port": 5}),
                json!("http://127.0.0.1:5/h"),
                vec!["health_path"],
            ),
            (
                None,
                json!({"url": "http://127.0.0.1:5/status"}),
                Value::Null,
                vec![],
            ),
        ] {
            let (body, unlike) = adopted(&called(here, path, json!({})), &written);
            assert_eq!(body["endpoint"], endpoint, "{written}: {body}");
            assert_eq!(unlike, kept, "{written}: {body}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn what_was_said_by_call_stays(
            base in prop_oneof![Just(""), Just("http://h:1"), Just("http://h:1/api"), Just("https://[::1]")],
            path in prop::option::of(prop_oneof![Just("/h"), Just("/h?deep=1"), Just("/api/health"), Just("/")]),
            metadata in some_of(vec![
                ("owner", json!("me")), ("env", json!({"a": 1})), ("url", json!("http://wiki")), ("id", json!("other")),
                ("name", json!("Other")), ("health", json!("good")), ("port", json!(7)), ("healthPath", json!("/m")),
            ]),
            written in some_of(vec![
                ("id", json!("s")), ("name", json!("File")), ("endpoint", json!("http://f:2/e")), ("url", json!("http://g:3/g")),
                ("owner", json!("file")), ("env", json!({"a": 2, "b": 3})), ("health", json!("/f")), ("port", json!(9)),
                ("healthPath", json!("/p")), ("baseUrl", json!("http://b:4")), ("note", json!(1)),
            ]),
        ) {
            let old = called(base, path, metadata.clone());
            let document: Service = said(&old.id, &written);
            let entry = adopt(&old, &document).unwrap().entry;
            let read: Service = said(&old.id, &entry.metadata);
            prop_assert_eq!((&read.base_url, &read.health_path, &read.name), (&entry.base_url, &entry.health_path, &entry.name));
            let base_url = if old.base_url.is_empty() { &document.base_url } else { &old.base_url };
            prop_assert_eq!(&entry.base_url, base_url);
            if old.health_path != HEALTH_PATH {
                prop_assert_eq!(&entry.health_path, &old.health_path);
            }
            prop_assert_eq!(&entry.name, &document.name);
            if let Some(owner) = metadata.get("owner").or(written.get("owner")) {
                prop_assert_eq!(&entry.metadata["owner"], owner);
            }
            let value = |place: &str| written.pointer(place).or(metadata.pointer(place));
            prop_assert_eq!(entry.metadata.pointer("/env/b"), written.pointer("/env/b"));
            prop_assert_eq!(entry.metadata.pointer("/env/a"), metadata.pointer("/env/a").or(value("/env/a")));
            prop_assert_eq!(entry.metadata.get("note"), written.get("note"));
            prop_assert_eq!(entry.metadata.get("id"), written.get("id"));
        }
    }
}
