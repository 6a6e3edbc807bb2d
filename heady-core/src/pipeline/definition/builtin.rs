//! The nine stages of the blueprint (1.2), for definitions that name none.
//!
//! What the blueprint gives to the engine, the engine does; `ingest` and `execute` are the host's: a handler of that
//! name, or the tasks listed in the run's input. A handler under the name of another stage is called after the
//! engine's own task.

use serde_json::{Value, json};

use super::{Definition, Effect, OnFailure, Stage, Task};
use crate::document::Field;
use crate::error::Result;
use crate::pipeline::handler::is_reserved;
use crate::pipeline::retry::RetryPolicy;

/// A stage's id, its name, and whether it is executed after a failure as well.
const STAGES: [(&str, &str, bool); 9] = [
    ("channel-entry", "Channel Entry", false),
    ("ingest", "Ingest", false),
    ("plan", "Plan", false),
    ("execute", "Execute", false),
    ("recover", "Recover", true),
    ("self-critique", "Self-Critique", true),
    ("optimize", "Optimize", false),
    ("finalize", "Finalize", true),
    ("monitor-feedback", "Monitor & Feedback", true),
];

/// Their ids.
pub(super) const IDS: &[&str] = &[
    STAGES[0].0,
    STAGES[1].0,
    STAGES[2].0,
    STAGES[3].0,
    STAGES[4].0,
    STAGES[5].0,
    STAGES[6].0,
    STAGES[7].0,
    STAGES[8].0,
];

/// The stages whose work is the host's.
const HOSTED: [&str; 2] = ["ingest", "execute"];

/// The prefix of the engine's own stage tasks.
pub(crate) const PREFIX: &str = "stage.";

pub(super) fn stages(retry: &RetryPolicy) -> Vec<Stage> {
    STAGES
        .iter()
        .map(|&(id, name, always)| Stage {
            id: id.to_owned(),
            name: name.to_owned(),
            depends_on: Vec::new(),
            parallel: true,
            on_failure: OnFailure::FailFast,
            timeout: None,
            always,
            tasks: if HOSTED.contains(&id) {
                Vec::new()
            } else {
                vec![task(id, &format!("{PREFIX}{id}"), retry)]
            },
        })
        .collect()
}

fn task(name: &str, uses: &str, retry: &RetryPolicy) -> Task {
    Task {
        name: name.to_owned(),
        uses: uses.to_owned(),
        with: json!({}),
        depends_on: Vec::new(),
        effect: if uses.starts_with(PREFIX) {
            Effect::Pure
        } else {
            Effect::Once
        },
        retry: retry.clone(),
        timeout: None,
        breaker: None,
        duration: None,
        compensate: None,
        script: None,
    }
}

/// Gives the stages of one run their tasks: `hosted` are the stage ids under which the host had registered handlers
/// when the run began.
pub(super) fn add_tasks(
    definition: &mut Definition,
    retry: &RetryPolicy,
    input: &Value,
    hosted: &[String],
) -> Result<()> {
    let listed = listed(input, retry)?;
    for stage in &mut definition.stages {
        let own = listed
            .iter()
            .find(|(id, _)| *id == stage.id)
            .map(|(_, tasks)| tasks.clone());
        match own {
            Some(tasks) => stage.tasks.extend(tasks),
            None if hosted.contains(&stage.id) => {
                let mut task = task(&stage.id, &stage.id, retry);
                if !stage.tasks.is_empty() {
                    task.name = format!("{}#2", stage.id);
                    task.depends_on = vec![0];
                }
                stage.tasks.push(task);
            }
            None => {}
        }
    }
    Ok(())
}

/// The tasks in `input.tasks`: a list for `execute`, or an object with lists for `ingest` and `execute`.
fn listed(input: &Value, retry: &RetryPolicy) -> Result<Vec<(String, Vec<Task>)>> {
    let Some(tasks) = input.get("tasks").filter(|tasks| !tasks.is_null()) else {
        return Ok(Vec::new());
    };
    let field = Field {
        path: "input.tasks".to_owned(),
        value: tasks,
    };
    if tasks.is_array() {
        return Ok(vec![("execute".to_owned(), list(&field, retry)?)]);
    }
    let mut fields = field.fields()?;
    let mut stages = Vec::new();
    for id in HOSTED {
        if let Some(field) = fields.get(id) {
            stages.push((id.to_owned(), list(&field, retry)?));
        }
    }
    fields.finish_strict()?;
    Ok(stages)
}

/// Names of host handlers and what each gets; nothing here can reach the engine's own tasks.
fn list(field: &Field<'_>, retry: &RetryPolicy) -> Result<Vec<Task>> {
    let mut tasks: Vec<Task> = Vec::new();
    for field in field.list()? {
        let (name, with) = if field.value.is_object() {
            let mut fields = field.fields()?;
            let (name, with) = (
                fields.require("name")?.name()?,
                fields.get("with").map(|with| with.value.clone()),
            );
            fields.finish_strict()?;
            (name, with)
        } else {
            (field.name()?, None)
        };
        if is_reserved(&name) {
            return Err(field.error(format_args!(
                "'{name}' is a task of the engine; only the host's handlers can be listed"
            )));
        }
        let mut task = task(&name, &name, retry);
        let same = tasks.iter().filter(|other| other.uses == name).count();
        if same > 0 {
            task.name = format!("{name}#{}", same + 1);
        }
        task.with = with.unwrap_or_else(|| json!({}));
        tasks.push(task);
    }
    Ok(tasks)
}
