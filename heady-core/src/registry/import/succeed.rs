//! What an imported entry takes over from the one in whose place it comes.

use serde_json::{Map, Value, json};

use super::super::entry::Entry;
use super::super::said::said;
use super::super::service::PLACE_KEYS;
use super::super::workflow::{GOVERNANCE_KEY, LIMIT_KEYS, PIPELINE_KEYS};
use super::super::{Node, Service, Workflow};
use super::declare::{HEALTH_KEYS, SETTING_KEYS};

/// Takes over what an entry had before that no document says.
pub(super) trait Succeeds: Entry {
    /// Keeps what belongs to the engine, not to the document.
    fn succeed(&mut self, old: &Self);

    /// What a document says of this entry, which was registered by call, as far as its fields may be taken one by one.
    fn heard(&self, document: &Self) -> Self {
        document.clone()
    }

    /// Lets an entry of a document say what takes several keys, with no more of them changed than need be.
    fn say_whole(&self, _body: &mut Map<String, Value>) {}
}

/// Whether what entries say under these keys was set otherwise: by call, or by the pipeline that is registered under the name.
/// What a document said, and says no longer, is gone.
fn no_document_said<E: Entry>(keys: &[&str], new: &E, old: &E) -> bool {
    let says = |entry: &E| keys.iter().any(|key| entry.metadata().get(key).is_some());
    !says(new) && !says(old)
}

impl Succeeds for Service {
    fn succeed(&mut self, old: &Self) {
        let [interval, timeout, healthy, unhealthy] =
            SETTING_KEYS.map(|keys| no_document_said(keys, self, old));
        if interval {
            self.probe_interval_ms = old.probe_interval_ms;
        }
        if timeout {
            self.probe_timeout_ms = old.probe_timeout_ms;
        }
        if healthy {
            self.healthy_threshold = old.healthy_threshold;
        }
        if unhealthy {
            self.unhealthy_threshold = old.unhealthy_threshold;
        }
        self.inherit(old);
    }

    fn heard(&self, document: &Self) -> Self {
        let mut heard = document.clone();
        if !self.base_url.is_empty() && self.base_url != document.base_url {
            // The path in the address of another place belongs to that one; a path that stands by itself is another matter.
            let mut body = document.metadata().0.clone();
            if let Value::Object(body) = &mut body {
                body.retain(|key, _| {
                    let key = key.as_str();
                    !PLACE_KEYS.contains(&key) || HEALTH_KEYS.contains(&key)
                });
            }
            heard.health_path = said::<Self>(&self.id, &body).health_path;
        }
        heard
    }

    fn say_whole(&self, body: &mut Map<String, Value>) {
        if !self.is_at(&said(&self.id, &Value::Object(body.clone()))) {
            body.retain(|key, _| !["baseUrl", "base_url", "url"].contains(&key.as_str()));
            body.insert("endpoint".to_owned(), json!(self.address()));
        }
    }
}

impl Succeeds for Node {
    fn succeed(&mut self, old: &Self) {
        self.inherit(old);
    }
}

impl Succeeds for Workflow {
    fn succeed(&mut self, old: &Self) {
        self.inherit(old);
        let [pipeline, limit, governance] = [&PIPELINE_KEYS[..], &LIMIT_KEYS, &[GOVERNANCE_KEY]]
            .map(|keys| no_document_said(keys, self, old));
        if pipeline {
            self.pipeline_id.clone_from(&old.pipeline_id);
        }
        if limit {
            self.max_concurrent_tasks = old.max_concurrent_tasks;
        }
        if governance {
            self.governance = old.governance.clone();
        }
    }
}
