//! What can be known before the first task: which handlers there are and which rights they lack.

use super::attempt::Action;
use super::definition::{Definition, Task};
use super::handler::{Handlers, is_reserved};
use super::result::Fault;
use super::tasks::{self, Folder, Tools};
use super::{definition, schedule};
use crate::error::{Error, ErrorKind, Result};

/// What executes each task and undoes it, or why nothing can.
pub(super) struct Preflight {
    tasks: Vec<Vec<Resolved>>,
}

struct Resolved {
    action: Result<Action, Fault>,
    undo: Option<Action>,
}

impl Preflight {
    /// Looks for the handler of every task and compensation and checks their rights.
    pub(super) fn check(
        definition: &Definition,
        handlers: &Handlers,
        tools: &Tools,
        folder: &Folder,
    ) -> Self {
        let resolve = |task: &Task| {
            let action = resolve(
                &task.uses,
                task.script.as_deref(),
                &task.with,
                handlers,
                tools,
                folder,
            );
            let undo = task.compensate.as_ref().map(|undo| {
                let context =
                    |error: Error| error.context(format_args!("its compensation '{}'", undo.uses));
                resolve(&undo.uses, None, &undo.with, handlers, tools, folder).map_err(context)
            });
            // A task that could not be undone must not be begun.
            match (action, undo) {
                (Ok(action), None) => Resolved {
                    action: Ok(action),
                    undo: None,
                },
                (Ok(action), Some(Ok(undo))) => Resolved {
                    action: Ok(action),
                    undo: Some(undo),
                },
                (Err(error), _) | (_, Some(Err(error))) => Resolved {
                    action: Err((error.kind(), error.message().to_owned())),
                    undo: None,
                },
            }
        };
        let stages = definition
            .stages
            .iter()
            .map(|stage| stage.tasks.iter().map(resolve).collect());
        Self {
            tasks: stages.collect(),
        }
    }

    /// Why a task cannot be executed.
    pub(super) fn problem(&self, stage: usize, task: usize) -> Option<&Fault> {
        self.tasks[stage][task].action.as_ref().err()
    }

    /// The tasks that cannot be executed, as `stage/task`, and why.
    pub(super) fn problems<'a>(
        &'a self,
        definition: &'a Definition,
    ) -> impl Iterator<Item = (String, &'a Fault)> {
        let stages = definition.stages.iter().zip(&self.tasks);
        stages.flat_map(|(stage, resolved)| {
            let tasks = stage.tasks.iter().zip(resolved);
            tasks.filter_map(|(task, resolved)| {
                let problem = resolved.action.as_ref().err()?;
                Some((format!("{}/{}", stage.id, task.name), problem))
            })
        })
    }

    /// What executes a task.
    pub(super) fn action(&self, stage: usize, task: usize) -> Action {
        match &self.tasks[stage][task].action {
            Ok(action) => action.clone(),
            Err(problem) => Action::Stage(Err(problem.clone())),
        }
    }

    /// What undoes a task.
    pub(super) fn undo_action(&self, stage: usize, task: usize) -> Action {
        let missing = || {
            Action::Stage(Err((
                ErrorKind::NotFound,
                "the compensation has no handler here".to_owned(),
            )))
        };
        self.tasks[stage][task].undo.clone().unwrap_or_else(missing)
    }

    /// Whether some stage that must not lose a task has lost one, so that the run cannot succeed whatever happens.
    pub(super) fn rules_out_success(&self, definition: &Definition) -> bool {
        definition
            .stages
            .iter()
            .zip(&self.tasks)
            .any(|(stage, tasks)| {
                let lost = tasks.iter().filter(|task| task.action.is_err()).count();
                lost > 0
                    && stage.on_failure != definition::OnFailure::CollectAll
                    && !schedule::can_succeed(stage, lost)
            })
    }
}

fn resolve(
    uses: &str,
    script: Option<&str>,
    with: &serde_json::Value,
    handlers: &Handlers,
    tools: &Tools,
    folder: &Folder,
) -> Result<Action> {
    if uses.starts_with(definition::STAGE_PREFIX) {
        // Its output is filled in when it begins.
        return Ok(Action::Stage(Ok(serde_json::Value::Null)));
    }
    // In the users' form a script may have become a function of the host, registered under the script's name.
    if let Some(handler) = handlers.get(script.unwrap_or(uses)) {
        return Ok(Action::Host(handler));
    }
    if let Some(task) = tasks::read(uses, with, uses)? {
        task.check(tools, folder)?;
        return Ok(Action::Engine(task));
    }
    let hint = if is_reserved(uses) {
        format!(
            "the engine has no task '{uses}'; it has {}",
            tasks::NAMES.join(", ")
        )
    } else {
        format!("no handler is registered under '{uses}'")
    };
    Err(Error::new(ErrorKind::NotFound, hint))
}

impl std::fmt::Debug for Preflight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Preflight").finish_non_exhaustive()
    }
}
