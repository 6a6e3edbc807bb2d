//! What an imported entry takes over from the one in whose place it comes.

use super::super::entry::Entry;
use super::super::workflow::{GOVERNANCE_KEY, LIMIT_KEYS, PIPELINE_KEYS};
use super::super::{Node, Service, Workflow};
use super::declare::SETTING_KEYS;

/// Takes over what an entry had before that no document says.
pub(super) trait Succeeds: Entry {
    /// Keeps what belongs to the engine, not to the document.
    fn succeed(&mut self, old: &Self);
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
