//! The reader of definition documents (the contract is the page "Files and JSON", section 1).

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Compensate, Definition, Effect, OnFailure, Stage, StopAction, StopCondition, StopRule, Task,
    builtin,
};
use crate::document::{Field, Fields};
use crate::error::{Error, ErrorKind, Result};
use crate::order;
use crate::pipeline::retry::{Backoff, RetryPolicy};
use crate::pipeline::tasks;
use crate::types::{Warning, checked_seed, seed_of_text};

/// The longest time that can be declared anywhere: a hundred days, in milliseconds.
const MAX_MS: f64 = 100.0 * 24.0 * 3600.0 * 1000.0;

/// The most stages, and the most tasks of one stage; the largest real file has 22 and 210.
const MAX_ITEMS: usize = 10_000;

/// What holds for every task unless it says otherwise.
struct Defaults {
    retry: RetryPolicy,
}

pub(super) fn definition(document: &Value) -> Result<Definition> {
    let mut warnings = Vec::new();
    let mut top = Fields::of(document, "")?;
    top.get("version");
    let mut pipeline = top.require("pipeline")?.fields()?;
    top.finish_lenient(&mut warnings)?;

    let name = pipeline.require("name")?.name()?;
    pipeline.get("description");
    let global = pipeline.get("global");
    let stages = pipeline.get("stages");
    let stop_rule = pipeline.get("stopRule");
    pipeline.finish_lenient(&mut warnings)?;

    let (max_concurrent_tasks, seed, defaults) = self::global(global, &mut warnings)?;
    let mut definition = Definition {
        id: id_of(&name).ok_or_else(|| {
            Error::invalid_argument("pipeline.name: needs at least one letter or digit")
        })?,
        name,
        max_concurrent_tasks,
        seed,
        stages: match stages {
            Some(stages) => self::stages(&stages, &defaults, &mut warnings)?,
            None => builtin::stages(&defaults.retry),
        },
        retry: defaults.retry,
        stop_rules: stop_rule
            .map(|field| stop_rules(&field, &mut warnings))
            .transpose()?
            .unwrap_or_default(),
        warnings,
    };
    definition.sort_stages()?;
    Ok(definition)
}

/// Whether the document leaves its stages to the engine.
pub(super) fn is_builtin(document: &Value) -> bool {
    document
        .pointer("/pipeline/stages")
        .is_none_or(Value::is_null)
}

/// `HCFullPipeline (v2)` is `hcfullpipeline-v2`.
fn id_of(name: &str) -> Option<String> {
    let words: Vec<_> = name
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    (!words.is_empty()).then(|| words.join("-").to_lowercase())
}

fn global(
    field: Option<Field<'_>>,
    warnings: &mut Vec<Warning>,
) -> Result<(Option<usize>, Option<i64>, Defaults)> {
    let mut defaults = Defaults {
        retry: RetryPolicy::default(),
    };
    let Some(field) = field else {
        return Ok((None, None, defaults));
    };
    let mut fields = field.fields()?;
    let limit = fields
        .get("maxConcurrentTasks")
        .map(|field| field.integer_in(1, 1024))
        .transpose()?;
    let seed = fields
        .get("seed")
        .map(|field| self::seed(&field))
        .transpose()?;
    if let Some(field) = fields.get("maxRetries") {
        defaults.retry.max_attempts =
            u32::try_from(field.integer_in(0, 1000)?).unwrap_or_default() + 1;
    }
    if let Some(field) = fields.get("retryBackoffMs") {
        let waits = if field.value.is_array() {
            field.list()?
        } else {
            vec![field.clone()]
        };
        if waits.is_empty() {
            return Err(field.error("must have at least one wait"));
        }
        defaults.retry.backoff =
            Backoff::Table(waits.iter().map(milliseconds).collect::<Result<_>>()?);
    }
    if let Some(field) = fields.get("jitterEnabled") {
        defaults.retry.jitter = field.boolean()?;
    }
    fields.finish_lenient(warnings)?;
    Ok((
        limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        seed,
        defaults,
    ))
}

fn seed(field: &Field<'_>) -> Result<i64> {
    match field.value {
        Value::String(text) => Ok(seed_of_text(text)),
        _ => checked_seed(field.integer_in(i64::MIN, i64::MAX)?)
            .map_err(|error| field.error(error.message())),
    }
}

fn milliseconds(field: &Field<'_>) -> Result<Duration> {
    Ok(Duration::from_secs_f64(
        field.number_in(0.0, MAX_MS)? / 1000.0,
    ))
}

fn timeout(field: &Field<'_>) -> Result<Duration> {
    // Zero would be a task that can never succeed.
    Ok(Duration::from_secs_f64(
        field.number_in(1.0, MAX_MS)? / 1000.0,
    ))
}

fn stages(
    field: &Field<'_>,
    defaults: &Defaults,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Stage>> {
    let list = field.list()?;
    if list.is_empty() || list.len() > MAX_ITEMS {
        return Err(field.error(format_args!(
            "must have 1 to {MAX_ITEMS} stages; leave it out for the built-in nine"
        )));
    }
    let mut stages: Vec<Stage> = Vec::with_capacity(list.len());
    for field in list {
        let stage = stage(&field, defaults, warnings)?;
        if stages.iter().any(|other| other.id == stage.id) {
            return Err(field.error(format_args!("another stage has the id '{}'", stage.id)));
        }
        stages.push(stage);
    }
    Ok(stages)
}

fn stage(field: &Field<'_>, defaults: &Defaults, warnings: &mut Vec<Warning>) -> Result<Stage> {
    let mut fields = field.fields()?;
    let id = fields.require("id")?.name()?;
    let name = fields.get("name").map(|field| field.name()).transpose()?;
    // Every stage is a checkpoint, so what the users' files say about it changes nothing.
    fields.get("checkpoint");
    fields.get("description");
    let depends_on = fields
        .get("dependsOn")
        .map(|field| names(&field))
        .transpose()?
        .unwrap_or_default();
    let parallel = fields
        .get("parallel")
        .map(|field| field.boolean())
        .transpose()?
        .unwrap_or(true);
    let always = fields
        .get("always")
        .map(|field| field.boolean())
        .transpose()?
        .unwrap_or(false);
    let timeout = fields
        .get("timeoutMs")
        .map(|field| self::timeout(&field))
        .transpose()?;
    let tasks = match fields.get("tasks") {
        Some(field) => task_list(&field, defaults, warnings)?,
        None => Vec::new(),
    };
    let on_failure = match fields.get("onFailure") {
        Some(field) => self::on_failure(&field, tasks.len())?,
        None => OnFailure::FailFast,
    };
    if tasks.is_empty() {
        warnings.push(Warning::new(
            "EMPTY_STAGE",
            fields.path(),
            "has no tasks, so it is skipped",
        ));
    }
    fields.finish_lenient(warnings)?;
    Ok(Stage {
        name: name.unwrap_or_else(|| id.clone()),
        id,
        depends_on,
        parallel,
        on_failure,
        timeout,
        always,
        tasks,
    })
}

/// One name or a list of names.
fn names(field: &Field<'_>) -> Result<Vec<String>> {
    if field.value.is_array() {
        field.names()
    } else {
        Ok(vec![field.name()?])
    }
}

fn on_failure(field: &Field<'_>, tasks: usize) -> Result<OnFailure> {
    match field.value {
        Value::String(word) if word == "failFast" => Ok(OnFailure::FailFast),
        Value::String(word) if word == "collectAll" => Ok(OnFailure::CollectAll),
        Value::Object(_) => {
            let mut fields = field.fields()?;
            let most = i64::try_from(tasks.max(1)).unwrap_or(i64::MAX);
            let quorum = fields.require("quorum")?.integer_in(1, most)?;
            fields.finish_strict()?;
            Ok(OnFailure::Quorum(
                usize::try_from(quorum).unwrap_or(usize::MAX),
            ))
        }
        _ => Err(field.expected("failFast, collectAll or {quorum: n}")),
    }
}

/// A task as read, before the names in `dependsOn` are looked up.
struct Draft {
    task: Task,
    /// Whether the file gave the name itself, so that a second one is a mistake.
    named: bool,
    waits_for: Vec<String>,
    path: String,
}

fn task_list(
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

fn stop_rules(field: &Field<'_>, warnings: &mut Vec<Warning>) -> Result<Vec<StopRule>> {
    let mut fields = field.fields()?;
    fields.get("description");
    let conditions = fields
        .get("conditions")
        .map(|field| field.list())
        .transpose()?
        .unwrap_or_default();
    fields.finish_lenient(warnings)?;
    let mut rules = Vec::new();
    for field in conditions {
        if let Some(rule) = stop_rule(&field, warnings)? {
            rules.push(rule);
        }
    }
    Ok(rules)
}

/// A rule, or a warning if it looks at something that this engine does not measure.
fn stop_rule(field: &Field<'_>, warnings: &mut Vec<Warning>) -> Result<Option<StopRule>> {
    let mut fields = field.fields()?;
    let kind = fields.require("type")?;
    let action = fields.require("action")?;
    let (threshold, count) = (fields.get("threshold"), fields.get("count"));
    let threshold = |low, high| {
        let field = threshold
            .as_ref()
            .ok_or_else(|| field.error("threshold: is missing"))?;
        field.number_in(low, high)
    };
    let condition = match kind.text()? {
        "error_rate" => StopCondition::ErrorRate(threshold(0.0, 1.0)?),
        "readiness_score" => StopCondition::ReadinessScore(threshold(0.0, 100.0)?),
        "critical_alarm" => StopCondition::CriticalAlarm(
            count
                .map(|field| field.integer_in(1, i64::MAX))
                .transpose()?
                .unwrap_or(1),
        ),
        "data_integrity_failure" => StopCondition::DataIntegrityFailure,
        other => {
            let message =
                format!("the engine does not measure '{other}', so this rule never stops a run");
            warnings.push(Warning::new(
                "STOP_RULE_NOT_MEASURED",
                field.path.clone(),
                message,
            ));
            return Ok(None);
        }
    };
    let action = match action.text()? {
        "enter_recovery" => StopAction::EnterRecovery,
        "halt_immediately" => StopAction::Halt,
        "pause_and_escalate" => StopAction::Pause,
        other => {
            // As the users' engine does with an action it does not know: a person decides.
            let message = format!("'{other}' is no known action; the run is paused instead");
            warnings.push(Warning::new(
                "STOP_ACTION_UNKNOWN",
                action.path.clone(),
                message,
            ));
            StopAction::Pause
        }
    };
    fields.finish_lenient(warnings)?;
    Ok(Some(StopRule { condition, action }))
}
