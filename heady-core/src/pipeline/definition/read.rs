//! The reader of definition documents (the contract is the page "Files and JSON", section 1).

use std::time::Duration;

use serde_json::Value;

use super::{Definition, OnFailure, Stage, StopAction, StopCondition, StopRule, builtin, task};
use crate::document::{Field, Fields};
use crate::error::{Error, Result};
use crate::pipeline::retry::{Backoff, RetryPolicy};
use crate::types::{Warning, checked_seed, seed_of_text};

/// The longest time that can be declared anywhere: a hundred days, in milliseconds.
const MAX_MS: f64 = 100.0 * 24.0 * 3600.0 * 1000.0;

/// The most stages, and the most tasks of one stage; the largest real file has 22 and 210.
pub(super) const MAX_ITEMS: usize = 10_000;

/// What holds for every task unless it says otherwise.
pub(super) struct Defaults {
    pub(super) retry: RetryPolicy,
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

pub(super) fn milliseconds(field: &Field<'_>) -> Result<Duration> {
    Ok(Duration::from_secs_f64(
        field.number_in(0.0, MAX_MS)? / 1000.0,
    ))
}

pub(super) fn timeout(field: &Field<'_>) -> Result<Duration> {
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
        Some(field) => task::task_list(&field, defaults, warnings)?,
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
pub(super) fn names(field: &Field<'_>) -> Result<Vec<String>> {
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
