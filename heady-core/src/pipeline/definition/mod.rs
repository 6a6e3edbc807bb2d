//! What a pipeline is to do: the users' files as they are, and our extensions of them.
//!
//! Reading never evaluates anything: expressions, shell commands and hooks in a file are texts that are kept and
//! reported, not executed.

mod builtin;
mod read;
mod task;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use builtin::PREFIX as STAGE_PREFIX;

use serde_json::Value;

use super::retry::RetryPolicy;
use crate::error::{Error, Result};
use crate::order;
use crate::types::Warning;

/// A definition, checked and with its stages in the order of execution.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    /// The name in the file.
    pub(crate) name: String,
    /// The name as an id: letters, digits and dashes.
    pub(crate) id: String,
    /// How many tasks of one run may be under way at once, if the file says.
    pub(crate) max_concurrent_tasks: Option<usize>,
    /// The seed, if the file says; `--seed` and callers win over it.
    pub(crate) seed: Option<i64>,
    /// How tasks are tried unless they say otherwise.
    pub(crate) retry: RetryPolicy,
    pub(crate) stages: Vec<Stage>,
    pub(crate) stop_rules: Vec<StopRule>,
    pub(crate) warnings: Vec<Warning>,
}

/// A stage: tasks that must be done before the next stage begins.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The stages that the file wants done before this one; their order already respects it.
    depends_on: Vec<String>,
    /// False: one task after the other.
    pub(crate) parallel: bool,
    pub(crate) on_failure: OnFailure,
    pub(crate) timeout: Option<Duration>,
    /// Whether it is executed after a failure as well.
    pub(crate) always: bool,
    pub(crate) tasks: Vec<Task>,
}

/// What a failed task means for its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// The stage has failed; no further task is started.
    FailFast,
    /// The others are still executed, then the stage has failed.
    CollectAll,
    /// The stage succeeds if this many tasks do.
    Quorum(usize),
}

/// A task: one call of a handler.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// The handler.
    pub(crate) uses: String,
    /// What the handler gets.
    pub(crate) with: Value,
    /// Indexes of the tasks of the same stage that must succeed first.
    pub(crate) depends_on: Vec<usize>,
    pub(crate) effect: Effect,
    pub(crate) retry: RetryPolicy,
    /// The time for each attempt.
    pub(crate) timeout: Option<Duration>,
    /// The circuit breaker that guards the calls.
    pub(crate) breaker: Option<String>,
    /// The declared distribution of its duration in seconds, in the form of a simulation plan.
    pub(crate) duration: Option<Value>,
    pub(crate) compensate: Option<Compensate>,
    /// In the users' form `{run, args}`, a handler that the host registered under the script's name is called instead
    /// of the script.
    pub(crate) script: Option<String>,
}

/// How a done task is undone.
#[derive(Debug, Clone)]
pub(crate) struct Compensate {
    pub(crate) uses: String,
    pub(crate) with: Value,
}

/// What may happen to the world when a task is executed, and so what a crash allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing: the same input gives the same output, as often as one likes.
    Pure,
    /// The same as once, however often it happens under one idempotency key.
    Idempotent,
    /// Something; after a crash in the middle it may happen again.
    Once,
    /// Statements in the engine's own database, committed together with the task.
    Transactional,
    /// Something that must not happen twice; after a crash in the middle nobody knows whether it did.
    AtMostOnce,
}

impl Effect {
    /// The effect of this word in a definition.
    fn of(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "PURE" => Some(Self::Pure),
            "IDEMPOTENT" => Some(Self::Idempotent),
            "EFFECT" => Some(Self::Once),
            "TRANSACTIONAL" => Some(Self::Transactional),
            "AT_MOST_ONCE" => Some(Self::AtMostOnce),
            _ => None,
        }
    }
}

/// When to stop, in the users' vocabulary; checked before each stage.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StopRule {
    pub(crate) condition: StopCondition,
    pub(crate) action: StopAction,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum StopCondition {
    /// The share of failed tasks reached this.
    ErrorRate(f64),
    /// The run's readiness is not above this.
    ReadinessScore(f64),
    /// At least so many services that the registry calls critical are unhealthy.
    CriticalAlarm(i64),
    /// A task failed with `DATA_LOSS`.
    DataIntegrityFailure,
}

/// What is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopAction {
    /// The run has failed: undo, then the stages that are always executed.
    EnterRecovery,
    /// The run waits for a person, who resumes or cancels it.
    Pause,
    /// The run has failed and nothing more is executed, not even compensations.
    Halt,
}

impl Definition {
    /// Reads a definition document.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path of what is wrong.
    pub(crate) fn read(document: &Value) -> Result<Self> {
        read::definition(document)
    }

    /// The definition for one run: the built-in stages get the tasks that the run's input names, and those of the
    /// host's handlers (`hosted`, stage ids) that there were when it began.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path in the input.
    pub(crate) fn for_run(document: &Value, input: &Value, hosted: &[String]) -> Result<Self> {
        let mut definition = Self::read(document)?;
        if read::is_builtin(document) {
            let retry = definition.retry.clone();
            builtin::add_tasks(&mut definition, &retry, input, hosted)?;
        }
        Ok(definition)
    }

    /// The stage ids under which a host may register handlers, if the document leaves its stages to the engine.
    pub(crate) fn hostable(document: &Value) -> &'static [&'static str] {
        if read::is_builtin(document) {
            builtin::IDS
        } else {
            &[]
        }
    }

    /// How many tasks all stages have.
    pub(crate) fn task_count(&self) -> usize {
        self.stages.iter().map(|stage| stage.tasks.len()).sum()
    }

    /// Brings the stages into the order of execution.
    fn sort_stages(&mut self) -> Result<()> {
        let dependencies = self
            .stages
            .iter()
            .map(|stage| {
                let index = |id: &String| {
                    self.stages
                        .iter()
                        .position(|other| other.id == *id)
                        .ok_or_else(|| {
                            Error::invalid_argument(format!(
                                "stage '{}': dependsOn names '{id}', which is no stage",
                                stage.id
                            ))
                        })
                };
                stage.depends_on.iter().map(index).collect()
            })
            .collect::<Result<Vec<Vec<usize>>>>()?;
        let order = order::kahn(&dependencies).map_err(|cycle| {
            let names: Vec<_> = cycle
                .iter()
                .map(|&index| self.stages[index].id.as_str())
                .collect();
            Error::invalid_argument(format!(
                "the stages wait for each other in a circle: {}",
                names.join(" -> ")
            ))
        })?;
        let mut stages: Vec<_> = std::mem::take(&mut self.stages)
            .into_iter()
            .map(Some)
            .collect();
        self.stages = order
            .into_iter()
            .filter_map(|index| stages[index].take())
            .collect();
        Ok(())
    }
}
