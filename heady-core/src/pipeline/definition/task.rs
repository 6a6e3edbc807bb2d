//! The reader of tasks: text, the users' scripts, and ours.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::read::{Defaults, MAX_ITEMS, milliseconds, names, timeout};
use super::{Compensate, Effect, Task};
use crate::document::Field;
use crate::error::{Error, ErrorKind, Result};
use crate::order;
use crate::pipeline::retry::{Backoff, RetryPolicy};
use crate::pipeline::tasks;
use crate::types::Warning;

/// A task as read, before the names in `dependsOn` are looked up.
struct Draft {
    task: Task,
    /// Whether the file gave the name itself, so that a second one is a mistake.
    named: bool,
    waits_for: Vec<String>,
    path: String,
}

pub(super) fn task_list(
    field: &Field<'_>,
    defaults: &Defaults,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Task>> {
    let list = field.list()?;
    if list.len() > MAX_ITEMS {
        return Err(field.error(format_args!("must have at most {MAX_ITEMS} tasks")));
    }
    let mut drafts = list
        .iter()
        .map(|field| task(field, defaults, warnings))
        .collect::<Result<Vec<_>>>()?;
    let mut count: HashMap<String, usize> = HashMap::new();
    for draft in &mut drafts {
        let seen = count.entry(draft.task.name.clone()).or_default();
        *seen += 1;
        if *seen > 1 {
            if draft.named {
                let message = format!(
                    "{}.name: another task of this stage is called '{}'",
                    draft.path, draft.task.name
                );
                return Err(Error::invalid_argument(message));
            }
            draft.task.name = format!("{}#{seen}", draft.task.name);
        }
    }
    let index: HashMap<String, usize> = drafts
        .iter()
        .map(|draft| draft.task.name.clone())
        .zip(0..)
        .collect();
    for draft in &mut drafts {
        let find = |name: &String| {
            index.get(name).copied().ok_or_else(|| {
                Error::invalid_argument(format!(
                    "{}.dependsOn: this stage has no task '{name}'",
                    draft.path
                ))
            })
        };
        draft.task.depends_on = draft.waits_for.iter().map(find).collect::<Result<_>>()?;
    }
    let tasks: Vec<Task> = drafts.into_iter().map(|draft| draft.task).collect();
    let dependencies: Vec<_> = tasks.iter().map(|task| task.depends_on.clone()).collect();
    order::kahn(&dependencies).map_err(|cycle| {
        let names: Vec<_> = cycle
            .iter()
            .map(|&index| tasks[index].name.as_str())
            .collect();
        field.error(format_args!(
            "wait for each other in a circle: {}",
            names.join(" -> ")
        ))
    })?;
    Ok(tasks)
}

fn task(field: &Field<'_>, defaults: &Defaults, warnings: &mut Vec<Warning>) -> Result<Draft> {
    let Value::Object(object) = field.value else {
        let form = "a text, {run, args} or {name, uses, …}";
        let name = field.name().map_err(|_| field.expected(form))?;
        return Ok(Draft {
            task: plain(name, defaults),
            named: false,
            waits_for: Vec::new(),
            path: field.path.clone(),
        });
    };
    if object.contains_key("name") || object.contains_key("uses") {
        return ours(field, defaults);
    }
    if object.contains_key("run") {
        return script(field, defaults, warnings);
    }
    Err(field.error("a task is a text, {run, args} or has a name or uses"))
}

fn plain(name: String, defaults: &Defaults) -> Task {
    Task {
        uses: name.clone(),
        name,
        with: json!({}),
        depends_on: Vec::new(),
        effect: Effect::Once,
        retry: defaults.retry.clone(),
        timeout: None,
        breaker: None,
        duration: None,
        compensate: None,
        script: None,
    }
}

/// The users' form: the process task. A PowerShell script needs its interpreter named.
fn script(field: &Field<'_>, defaults: &Defaults, warnings: &mut Vec<Warning>) -> Result<Draft> {
    let mut fields = field.fields()?;
    let run = fields.require("run")?.text()?.trim().to_owned();
    if run.is_empty() {
        return Err(field.error("run: must not be empty"));
    }
    let args = match fields.get("args") {
        Some(args) if args.value.is_array() => args.names()?,
        Some(args) => {
            shlex::split(args.text()?).ok_or_else(|| args.error("has a quote without its end"))?
        }
        None => Vec::new(),
    };
    fields.finish_lenient(warnings)?;
    let (program, args) = if run.to_ascii_lowercase().ends_with(".ps1") {
        (
            "pwsh".to_owned(),
            ["-File".to_owned(), run.clone()]
                .into_iter()
                .chain(args)
                .collect(),
        )
    } else {
        (run.clone(), args)
    };
    let task = Task {
        uses: "process.run".to_owned(),
        with: json!({"program": program, "args": args}),
        script: Some(run.clone()),
        ..plain(run, defaults)
    };
    Ok(Draft {
        task,
        named: false,
        waits_for: Vec::new(),
        path: field.path.clone(),
    })
}

fn ours(field: &Field<'_>, defaults: &Defaults) -> Result<Draft> {
    let mut fields = field.fields()?;
    let name = fields.get("name").map(|field| field.name()).transpose()?;
    let uses = fields.get("uses").map(|field| field.name()).transpose()?;
    let named = name.is_some();
    let name = name
        .or_else(|| uses.clone())
        .ok_or_else(|| field.error("needs a name or uses"))?;
    let mut task = plain(name, defaults);
    if let Some(uses) = uses {
        task.uses = uses;
    }
    if let Some(with) = fields.get("with") {
        with.fields()?;
        task.with = with.value.clone();
    }
    let waits_for = fields
        .get("dependsOn")
        .map(|field| names(&field))
        .transpose()?
        .unwrap_or_default();
    if let Some(field) = fields.get("effect") {
        task.effect = Effect::of(field.text()?).ok_or_else(|| {
            field.expected("PURE, IDEMPOTENT, EFFECT, TRANSACTIONAL or AT_MOST_ONCE")
        })?;
    }
    if let Some(field) = fields.get("retry") {
        task.retry = retry(&field, &defaults.retry)?;
    }
    if task.effect == Effect::AtMostOnce {
        // A failed attempt may have had its effect all the same.
        task.retry.max_attempts = 1;
    }
    task.timeout = fields
        .get("timeoutMs")
        .map(|field| timeout(&field))
        .transpose()?;
    task.breaker = fields
        .get("breaker")
        .map(|field| field.name())
        .transpose()?;
    if let Some(field) = fields.get("duration") {
        crate::monte_carlo::check_distribution(field.value, &field.path)?;
        task.duration = Some(field.value.clone());
    }
    task.compensate = fields
        .get("compensate")
        .map(|field| compensate(&field))
        .transpose()?;
    tasks::read(&task.uses, &task.with, &field.path)?;
    fields.finish_strict()?;
    Ok(Draft {
        task,
        named,
        waits_for,
        path: field.path.clone(),
    })
}

fn retry(field: &Field<'_>, defaults: &RetryPolicy) -> Result<RetryPolicy> {
    let mut policy = defaults.clone();
    let mut fields = field.fields()?;
    if let Some(field) = fields.get("maxAttempts") {
        policy.max_attempts = u32::try_from(field.integer_in(1, 1001)?).unwrap_or(u32::MAX);
    }
    if let Some(field) = fields.get("backoff") {
        let mut fields = field.fields()?;
        let base = fields.require("baseMs")?;
        let base = milliseconds(&base)?;
        let max = fields
            .get("maxMs")
            .map(|field| milliseconds(&field))
            .transpose()?;
        fields.finish_strict()?;
        policy.backoff = Backoff::Exponential {
            base,
            max: max.unwrap_or(RetryPolicy::MAX_WAIT).max(base),
        };
    }
    if let Some(field) = fields.get("nonRetryable") {
        policy.non_retryable = field
            .list()?
            .iter()
            .map(|field| {
                let code = field.text()?.to_ascii_uppercase();
                ErrorKind::from_code(&code)
                    .ok_or_else(|| field.expected("an error code, such as INVALID_ARGUMENT"))
            })
            .collect::<Result<_>>()?;
    }
    fields.finish_strict()?;
    Ok(policy)
}

fn compensate(field: &Field<'_>) -> Result<Compensate> {
    let mut fields = field.fields()?;
    let uses = fields.require("uses")?.name()?;
    let with = match fields.get("with") {
        Some(with) => {
            with.fields()?;
            with.value.clone()
        }
        None => json!({}),
    };
    fields.finish_strict()?;
    tasks::read(&uses, &with, &field.path)?;
    Ok(Compensate { uses, with })
}
