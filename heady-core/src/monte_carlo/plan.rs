//! A plan, read and checked: what is simulated.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::correlation::Correlation;
use super::distribution::Distribution;
use super::stream::nonce;
use crate::document::{Field, Fields};
use crate::error::{Error, Result};
use crate::types::Warning;

/// The most tasks, drivers or risks of a plan.
const MAX_ITEMS: usize = 100_000;

/// The share of a duration's probability that may lie below zero without a warning.
const TOLERATED_BELOW_ZERO: f64 = 0.001;

/// What is simulated. Times and costs are in the plan's own units.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// How many tasks may be under way at once; `None` without a limit.
    pub(super) workers: Option<usize>,
    pub(super) priority: Priority,
    pub(super) deadline: Option<f64>,
    pub(super) budget: Option<f64>,
    pub(super) fixed_cost: f64,
    pub(super) cost_per_time: f64,
    pub(super) tasks: Vec<PlanTask>,
    pub(super) drivers: Vec<Driver>,
    pub(super) risks: Vec<Risk>,
    pub(super) correlation: Option<Correlation>,
    pub(super) warnings: Vec<Warning>,
    /// SHA-256 of the plan as JSON with sorted keys.
    pub(super) hash: String,
}

/// Which of the tasks that could begin does.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Priority {
    /// The one with the largest mean of the chain that remains, then file order.
    LongestTail,
    /// The one that could begin first, then file order.
    Fifo,
    /// The one with the least slack under mean durations, then file order.
    LeastSlack,
    /// Each task's place in a given order.
    Rank(Vec<usize>),
}

/// A task of a plan.
#[derive(Debug, Clone)]
pub(super) struct PlanTask {
    pub(super) id: String,
    pub(super) depends_on: Vec<usize>,
    pub(super) duration: Distribution,
    /// The drivers that multiply the duration.
    pub(super) drivers: Vec<usize>,
    /// The probability that an attempt fails.
    pub(super) failure: f64,
    pub(super) retries: u32,
    /// The share of the duration that a failing attempt takes.
    pub(super) failed_share: f64,
    /// The wait before each further attempt.
    pub(super) backoff: f64,
    /// Where a longer attempt is cut off and has failed.
    pub(super) timeout: f64,
    pub(super) fixed_cost: f64,
    pub(super) cost_per_time: f64,
    /// The probability that the task is needed at all; else it takes no time, costs nothing and cannot fail.
    pub(super) probability: f64,
    pub(super) streams: TaskStreams,
}

/// The streams of a task's variables.
#[derive(Debug, Clone, Copy)]
pub(super) struct TaskStreams {
    pub(super) duration: u64,
    pub(super) failure: u64,
    pub(super) branch: u64,
}

/// Something that stretches several tasks at once.
#[derive(Debug, Clone)]
pub(super) struct Driver {
    pub(super) id: String,
    pub(super) factor: Distribution,
    pub(super) stream: u64,
}

/// Something that may happen and delays tasks.
#[derive(Debug, Clone)]
pub(super) struct Risk {
    pub(super) probability: f64,
    pub(super) delay: Distribution,
    pub(super) cost: f64,
    pub(super) tasks: Vec<usize>,
    pub(super) occurs: u64,
    pub(super) length: u64,
}

impl Plan {
    /// Reads a plan document.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with the path of what is wrong.
    pub(super) fn read(document: &Value) -> Result<Self> {
        let mut warnings = Vec::new();
        let mut fields = Fields::of(document, "")?;
        for label in ["name", "unit"] {
            fields.get(label).map(|field| field.name()).transpose()?;
        }
        if let Some(field) = fields.get("scenario") {
            return Err(field.error("is the callers' simple form; it is simulated by scenario()"));
        }
        let workers = fields
            .get("workers")
            .map(|field| field.integer_in(1, 1_000_000))
            .transpose()?;
        let priority = fields.get("priority");
        let deadline = fields
            .get("deadline")
            .map(|field| field.number_in(0.0, f64::INFINITY))
            .transpose()?;
        let budget = fields
            .get("budget")
            .map(|field| field.number_in(0.0, f64::INFINITY))
            .transpose()?;
        let (fixed_cost, cost_per_time) = costs(fields.get("costs"))?;
        let drivers = list(fields.get("drivers"), driver)?;
        unique(&drivers, |driver| &driver.id, "drivers")?;
        let tasks = fields.require("tasks")?;
        let risks = fields.get("risks");
        let correlation = fields.get("correlation");
        let tasks = read_tasks(&tasks, &drivers, &mut warnings)?;
        let index: HashMap<&str, usize> =
            tasks.iter().map(|task| task.id.as_str()).zip(0..).collect();
        let risks = read_risks(risks, &index, &mut warnings)?;
        let correlation = correlation
            .map(|field| Correlation::read(&field, &drivers, &tasks))
            .transpose()?;
        let priority = priority.map_or(Ok(Priority::LongestTail), |field| {
            read_priority(&field, &index)
        })?;
        fields.finish_strict()?;
        let plan = Self {
            workers: workers.map(|workers| usize::try_from(workers).unwrap_or(usize::MAX)),
            priority,
            deadline,
            budget,
            fixed_cost,
            cost_per_time,
            tasks,
            drivers,
            risks,
            correlation,
            warnings,
            hash: crate::document::hash(document),
        };
        plan.check_streams()?;
        Ok(plan)
    }

    /// The mean duration of each task under its drivers, without failures and risks: what static priorities go by.
    pub(super) fn mean_durations(&self) -> Vec<f64> {
        let factor = |task: &PlanTask| {
            task.drivers
                .iter()
                .map(|&driver| self.drivers[driver].factor.mean())
                .product::<f64>()
        };
        self.tasks
            .iter()
            .map(|task| (task.duration.mean() * factor(task)).max(0.0))
            .collect()
    }

    /// Two variables with the same stream would move together; with 64-bit numbers that is a coincidence to refuse.
    fn check_streams(&self) -> Result<()> {
        let mut seen = BTreeMap::new();
        let tasks = self.tasks.iter().flat_map(|task| {
            [
                task.streams.duration,
                task.streams.failure,
                task.streams.branch,
            ]
            .map(|stream| (stream, &task.id))
        });
        let drivers = self
            .drivers
            .iter()
            .map(|driver| (driver.stream, &driver.id));
        for (stream, id) in tasks.chain(drivers) {
            if let Some(other) = seen.insert(stream, id) {
                return Err(Error::invalid_argument(format!(
                    "'{id}' and '{other}' have the same stream; rename one"
                )));
            }
        }
        Ok(())
    }
}

fn list<T>(field: Option<Field<'_>>, read: impl Fn(&Field<'_>) -> Result<T>) -> Result<Vec<T>> {
    let Some(field) = field else {
        return Ok(Vec::new());
    };
    let items = field.list()?;
    if items.len() > MAX_ITEMS {
        return Err(field.error(format_args!("must have at most {MAX_ITEMS} entries")));
    }
    items.iter().map(read).collect()
}

fn unique<T>(items: &[T], id: impl Fn(&T) -> &String, what: &str) -> Result<()> {
    let mut seen = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(first) = seen.insert(id(item), index) {
            return Err(Error::invalid_argument(format!(
                "{what}[{index}].id: '{}' is also the id of {what}[{first}]",
                id(item)
            )));
        }
    }
    Ok(())
}

fn costs(field: Option<Field<'_>>) -> Result<(f64, f64)> {
    let Some(field) = field else {
        return Ok((0.0, 0.0));
    };
    let mut fields = field.fields()?;
    let fixed = fields
        .get("fixed")
        .map_or(Ok(0.0), |field| field.number_in(0.0, f64::INFINITY))?;
    let per_time = fields
        .get("perTime")
        .map_or(Ok(0.0), |field| field.number_in(0.0, f64::INFINITY))?;
    fields.finish_strict()?;
    Ok((fixed, per_time))
}

fn driver(field: &Field<'_>) -> Result<Driver> {
    let mut fields = field.fields()?;
    let id = fields.require("id")?.name()?;
    let factor = Distribution::read(&fields.require("factor")?)?;
    fields.finish_strict()?;
    Ok(Driver {
        stream: nonce(&["driver", &id]),
        id,
        factor,
    })
}

fn read_tasks(
    field: &Field<'_>,
    drivers: &[Driver],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<PlanTask>> {
    let items = field.list()?;
    if items.is_empty() || items.len() > MAX_ITEMS {
        return Err(field.error(format_args!("must have 1 to {MAX_ITEMS} tasks")));
    }
    let mut waits_for = Vec::with_capacity(items.len());
    let mut tasks = Vec::with_capacity(items.len());
    for item in &items {
        let (task, names) = read_task(item, drivers, warnings)?;
        tasks.push(task);
        waits_for.push(names);
    }
    unique(&tasks, |task| &task.id, "tasks")?;
    let index: HashMap<String, usize> = tasks.iter().map(|task| task.id.clone()).zip(0..).collect();
    for (number, names) in waits_for.iter().enumerate() {
        for name in names {
            let other = index.get(name).copied();
            let path = format!("tasks[{number}].dependsOn");
            let other = other.ok_or_else(|| {
                Error::invalid_argument(format!("{path}: no task has the id '{name}'"))
            })?;
            if other == number {
                return Err(Error::invalid_argument(format!(
                    "{path}: '{name}' waits for itself"
                )));
            }
            tasks[number].depends_on.push(other);
        }
    }
    let dependencies: Vec<_> = tasks.iter().map(|task| task.depends_on.clone()).collect();
    crate::order::kahn(&dependencies).map_err(|circle| {
        let names: Vec<_> = circle
            .iter()
            .map(|&index| tasks[index].id.as_str())
            .collect();
        Error::invalid_argument(format!(
            "tasks: wait for each other in a circle: {}",
            names.join(" -> ")
        ))
    })?;
    Ok(tasks)
}

fn read_task(
    field: &Field<'_>,
    drivers: &[Driver],
    warnings: &mut Vec<Warning>,
) -> Result<(PlanTask, Vec<String>)> {
    let mut fields = field.fields()?;
    let id = fields.require("id")?.name()?;
    fields.get("stage").map(|field| field.name()).transpose()?;
    let waits_for = fields
        .get("dependsOn")
        .map_or(Ok(Vec::new()), |field| field.names())?;
    let duration = fields.require("duration")?;
    let negative_path = duration.path.clone();
    let duration = Distribution::read(&duration)?;
    let below_zero = duration.below_zero();
    if below_zero > TOLERATED_BELOW_ZERO {
        let message = format!(
            "{:.1} % of it lies below 0; such durations are taken as 0",
            below_zero * 100.0
        );
        warnings.push(Warning::new("NEGATIVE_DURATION", negative_path, message));
    }
    let mut used = Vec::new();
    if let Some(field) = fields.get("drivers") {
        for (name, item) in field.names()?.iter().zip(field.list()?) {
            let driver = drivers.iter().position(|driver| driver.id == *name);
            used.push(
                driver.ok_or_else(|| item.error(format_args!("no driver has the id '{name}'")))?,
            );
        }
    }
    let probability = fields
        .get("probability")
        .map_or(Ok(1.0), |field| field.number_in(0.0, 1.0))?;
    let (fixed_cost, cost_per_time) = costs(fields.get("cost"))?;
    let mut task = PlanTask {
        streams: TaskStreams {
            duration: nonce(&["task", &id, "duration"]),
            failure: nonce(&["task", &id, "failure"]),
            branch: nonce(&["task", &id, "branch"]),
        },
        id,
        depends_on: Vec::new(),
        duration,
        drivers: used,
        failure: 0.0,
        retries: 0,
        failed_share: 1.0,
        backoff: 0.0,
        timeout: f64::INFINITY,
        fixed_cost,
        cost_per_time,
        probability,
    };
    if let Some(field) = fields.get("failure") {
        let mut fields = field.fields()?;
        task.failure = fields
            .get("probability")
            .map_or(Ok(0.0), |field| field.number_in(0.0, 1.0))?;
        let retries = fields
            .get("retries")
            .map_or(Ok(0), |field| field.integer_in(0, 1000))?;
        task.retries = u32::try_from(retries).unwrap_or_default();
        task.failed_share = fields
            .get("failedShare")
            .map_or(Ok(1.0), |field| field.number_in(0.0, 1.0))?;
        task.backoff = fields
            .get("backoff")
            .map_or(Ok(0.0), |field| field.number_in(0.0, f64::INFINITY))?;
        task.timeout = fields.get("timeout").map_or(Ok(f64::INFINITY), |field| {
            field.number_in(0.0, f64::INFINITY)
        })?;
        fields.finish_strict()?;
    }
    fields.finish_strict()?;
    Ok((task, waits_for))
}

fn read_risks(
    field: Option<Field<'_>>,
    tasks: &HashMap<&str, usize>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Risk>> {
    let mut ids = Vec::new();
    let mut risks = Vec::new();
    for item in field.map_or(Ok(Vec::new()), |field| field.list())? {
        let mut fields = item.fields()?;
        let id = fields.require("id")?.name()?;
        let probability = fields.require("probability")?.number_in(0.0, 1.0)?;
        let delay = fields
            .get("delay")
            .map_or(Ok(Distribution::Constant(0.0)), |field| {
                Distribution::read(&field)
            })?;
        let cost = fields
            .get("cost")
            .map_or(Ok(0.0), |field| field.number_in(0.0, f64::INFINITY))?;
        let mut hit = Vec::new();
        for name in fields
            .get("tasks")
            .map_or(Ok(Vec::new()), |field| field.names())?
        {
            match tasks.get(name.as_str()) {
                Some(&task) => hit.push(task),
                None => {
                    let message =
                        format!("no task has the id '{name}'; the risk does not delay it");
                    warnings.push(Warning::new(
                        "UNKNOWN_TASK",
                        format!("{}.tasks", item.path),
                        message,
                    ));
                }
            }
        }
        fields.finish_strict()?;
        let (occurs, length) = (
            nonce(&["risk", &id, "occurs"]),
            nonce(&["risk", &id, "delay"]),
        );
        risks.push(Risk {
            probability,
            delay,
            cost,
            tasks: hit,
            occurs,
            length,
        });
        ids.push(id);
    }
    unique(&ids, |id| id, "risks")?;
    Ok(risks)
}

fn read_priority(field: &Field<'_>, tasks: &HashMap<&str, usize>) -> Result<Priority> {
    match field.value {
        Value::String(word) if word == "longestTail" => Ok(Priority::LongestTail),
        Value::String(word) if word == "fifo" => Ok(Priority::Fifo),
        Value::String(word) if word == "leastSlack" => Ok(Priority::LeastSlack),
        Value::Object(_) => {
            let mut fields = field.fields()?;
            let rank = fields.require("rank")?;
            let names = rank.names()?;
            fields.finish_strict()?;
            // Tasks that the order leaves out come after it, in file order.
            let mut places = vec![usize::MAX; tasks.len()];
            for (place, name) in names.iter().enumerate() {
                let task = tasks
                    .get(name.as_str())
                    .ok_or_else(|| rank.error(format_args!("no task has the id '{name}'")))?;
                if places[*task] != usize::MAX {
                    return Err(rank.error(format_args!("'{name}' stands there twice")));
                }
                places[*task] = place;
            }
            Ok(Priority::Rank(places))
        }
        _ => Err(field.expected("longestTail, fifo, leastSlack or {rank: [ids]}")),
    }
}
