//! What executes a task: the engine's own handlers and those that a host registers by name.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::types::{Id, Json};

/// The future of one call of a handler.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Result<Json>> + Send>>;

/// Executes tasks. Implemented by every `Fn(TaskContext, Json) -> Future<Output = Result<Json>>`.
///
/// An error's kind decides whether the task is tried again; an error without a better kind is `INTERNAL`. The future
/// is dropped a second after [`TaskContext::cancelled`] fires, so a handler may be left at any of its awaits.
pub trait Handler: Send + Sync + 'static {
    /// Executes one attempt of one task: `with` is what the definition gives it, the result its output.
    fn call(&self, context: TaskContext, with: Json) -> HandlerFuture;
}

impl<F, R> Handler for F
where
    F: Fn(TaskContext, Json) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Json>> + Send + 'static,
{
    fn call(&self, context: TaskContext, with: Json) -> HandlerFuture {
        Box::pin(self(context, with))
    }
}

/// What a handler knows about the attempt it executes.
#[derive(Debug, Clone)]
pub struct TaskContext {
    /// The run.
    pub run_id: Id,
    /// The workflow that is run.
    pub workflow_id: String,
    /// The id of the stage.
    pub stage: String,
    /// The name of the task.
    pub task: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The seed of the run.
    pub seed: i64,
    /// The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition.
    pub idempotency_key: String,
    /// What the run was started with.
    pub input: Arc<Value>,
    /// Whether this call undoes the task instead of doing it.
    pub compensating: bool,
    pub(crate) cancel: CancellationToken,
}

impl TaskContext {
    /// Completes when the attempt should end early: its time is up, or the run was cancelled.
    pub async fn cancelled(&self) {
        self.cancel.cancelled().await;
    }

    /// Whether the attempt should end early.
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// The key of a task: 128 bits of the SHA-256 of what names it, each part with its length in front.
pub(super) fn idempotency_key(
    run: &Id,
    stage: &str,
    task: &str,
    iteration: i64,
    compensating: bool,
) -> String {
    let mut hash = Sha256::new();
    let kind = if compensating { "compensation" } else { "task" };
    for part in [
        "heady/idempotency/1",
        run.as_str(),
        stage,
        task,
        &iteration.to_string(),
        kind,
    ] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    crate::types::hex(&hash.finalize()[..16])
}

/// Whether a name is the engine's: it has a dot and is no path of a script.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.contains('.') && !name.contains(['/', '\\'])
}

/// The handlers of one engine, by name; clones share them.
#[derive(Clone, Default)]
pub(super) struct Handlers {
    by_name: Arc<RwLock<BTreeMap<String, Arc<dyn Handler>>>>,
}

impl std::fmt::Debug for Handlers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Handlers {
    /// Registers a host's handler in place of an earlier one of that name.
    pub(super) fn register(&self, name: &str, handler: Arc<dyn Handler>) -> Result<()> {
        if name.trim().is_empty() {
            return Err(Error::invalid_argument("a handler needs a name"));
        }
        if is_reserved(name) {
            return Err(Error::invalid_argument(format!(
                "'{name}': names with a dot are the engine's own"
            )));
        }
        self.by_name
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), handler);
        Ok(())
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<dyn Handler>> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.by_name
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_dot_are_the_engines_and_script_paths_the_hosts() {
        let handlers = Handlers::default();
        let handler: Arc<dyn Handler> =
            Arc::new(|_: TaskContext, with: Json| async move { Ok(with) });
        for name in ["scan", "scripts/sync.ps1", "Ünïcode task"] {
            handlers.register(name, handler.clone()).unwrap();
            assert!(handlers.get(name).is_some());
        }
        for name in ["process.run", "http.request", "", "  "] {
            assert!(handlers.register(name, handler.clone()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_key_names_one_task_of_one_run() {
        let run = Id::from("r");
        let key = idempotency_key(&run, "s", "t", 0, false);
        assert_eq!(key, idempotency_key(&run, "s", "t", 0, false));
        assert_eq!(key.len(), 32);
        let others = [
            idempotency_key(&Id::from("r2"), "s", "t", 0, false),
            idempotency_key(&run, "st", "", 0, false),
            idempotency_key(&run, "s", "t", 1, false),
            idempotency_key(&run, "s", "t", 0, true),
        ];
        assert!(!others.contains(&key));
    }
}
