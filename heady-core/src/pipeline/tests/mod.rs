//! The pipeline's suite, the same on both databases.

mod account;
mod attempts;
mod crashes;
mod failures;
mod following;
mod resuming;
mod semantics;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::journal::RunChange;
use super::tasks::Tools;
use super::*;
use crate::audit::{Audit, AuditQuery, Record};
use crate::monte_carlo::MonteCarlo;
use crate::outbound::{HostRules, HttpClient, ProgramRules};
use crate::registry::Registry;
use crate::store::testing::{Fresh, on_both_databases};
use crate::types::Json;
use crate::{Error, ErrorKind};

/// An engine's pipeline over an open store.
pub(super) fn pipeline(store: &Store) -> Pipeline {
    allowing(store, &[])
}

pub(super) fn allowing(store: &Store, programs: &[&str]) -> Pipeline {
    let actor: Arc<str> = Arc::from("tester");
    let http = HttpClient::new(HostRules::default()).unwrap();
    let programs: Vec<_> = programs
        .iter()
        .map(|program| (*program).to_owned())
        .collect();
    let tools = Tools {
        registry: Registry::new(store.clone(), http.clone(), actor.clone()),
        monte_carlo: MonteCarlo::new(store.clone()),
        programs: ProgramRules::new(&programs),
        http,
    };
    Pipeline::new(store.clone(), tools, actor)
}

/// A definition of these stages, as YAML.
pub(super) fn of(stages: &str) -> StartRun {
    let yaml = format!(
        "pipeline:\n  name: test\n  global: {{jitterEnabled: off, retryBackoffMs: [1], seed: 7}}\n  stages:\n{stages}"
    );
    StartRun {
        definition: Some(Json(Value::String(yaml))),
        ..StartRun::default()
    }
}

/// What happened, in order, as handlers of [`Log::handle`] saw it.
#[derive(Clone, Default)]
pub(super) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    running: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Log {
    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub(super) fn add(&self, line: impl Into<String>) {
        self.lines.lock().unwrap().push(line.into());
    }

    /// The most handlers that ran at once.
    pub(super) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Registers a handler that writes its task's name and what `with` asks for: `{ms: 5}` takes that long,
    /// `{fail: CODE}` fails, `{failUntil: 3}` fails until the third attempt.
    pub(super) fn handle(&self, pipeline: &Pipeline, name: &str) {
        let log = self.clone();
        let handler = move |context: TaskContext, with: Json| {
            let log = log.clone();
            async move {
                let now = log.running.fetch_add(1, Ordering::SeqCst) + 1;
                log.most.fetch_max(now, Ordering::SeqCst);
                let undo = if context.compensating { "undo " } else { "" };
                log.add(format!("{undo}{}", context.task));
                if let Some(ms) = with.get("ms").and_then(Value::as_u64) {
                    tokio::time::sleep(Duration::from_millis(ms)).await;
                }
                log.running.fetch_sub(1, Ordering::SeqCst);
                let until = with.get("failUntil").and_then(Value::as_u64).unwrap_or(0);
                if u64::from(context.attempt) < until {
                    return Err(Error::unavailable("not yet"));
                }
                match with.get("fail").and_then(Value::as_str) {
                    Some(code) => Err(Error::new(ErrorKind::from_code(code).unwrap(), "as asked")),
                    None => Ok(json!({"task": context.task, "attempt": context.attempt}).into()),
                }
            }
        };
        pipeline.handle(name, handler).unwrap();
    }
}

/// The tasks of a run by name, with what is asked about them.
pub(super) fn tasks<T>(run: &PipelineRun, about: impl Fn(&TaskRun) -> T) -> BTreeMap<String, T> {
    run.stages
        .iter()
        .flat_map(|stage| &stage.tasks)
        .map(|task| (task.name.clone(), about(task)))
        .collect()
}

pub(super) fn statuses(run: &PipelineRun) -> Vec<(String, &'static str)> {
    run.stages
        .iter()
        .flat_map(|stage| &stage.tasks)
        .map(|task| (task.name.clone(), task.status.as_str()))
        .collect()
}

pub(super) fn stage_statuses(run: &PipelineRun) -> Vec<&'static str> {
    run.stages
        .iter()
        .map(|stage| stage.status.as_str())
        .collect()
}

/// What every run that has ended must be, whatever happened in it.
pub(super) fn assert_sound(run: &PipelineRun) {
    let metrics = &run.metrics;
    assert_eq!(
        metrics.completed_tasks + metrics.failed_tasks + metrics.skipped_tasks,
        metrics.total_tasks,
        "the counts of {run:#?}"
    );
    assert!(run.status.is_terminal() && run.finished_at.is_some());
    for task in run.stages.iter().flat_map(|stage| &stage.tasks) {
        assert_eq!(task.attempts == 0, task.started_at.is_none(), "{task:?}");
        assert_eq!(
            task.error.is_none(),
            matches!(task.status, StageStatus::Succeeded | StageStatus::Skipped),
            "{task:?}"
        );
    }
    if run.status == RunStatus::Succeeded {
        assert!(run.error.is_none());
    }
}
