//! What the blueprint's built-in stages do themselves (1.2): they look at the run and say what they see.

use serde_json::{Value, json};

use super::StageStatus;
use super::critique;
use super::definition::{STAGE_PREFIX, Task};
use super::execution::Execution;
use super::result::Fault;
use crate::error::ErrorKind;
use crate::types::Id;

/// The output of a built-in stage's own task, or `None` for any other task.
pub(super) fn output(task: &Task, run: &Execution) -> Option<Result<Value, Fault>> {
    let stage = task.uses.strip_prefix(STAGE_PREFIX)?;
    Some(match stage {
        "channel-entry" => channel_entry(run),
        "plan" => Ok(plan(run)),
        "recover" => Ok(recover(run)),
        "self-critique" => Ok(json!(critique::look_back(
            &run.definition,
            &run.state,
            run.facts.forecast.as_ref()
        ))),
        "optimize" => Ok(optimize(run)),
        "finalize" => Ok(receipt(run)),
        "monitor-feedback" => Ok(feedback(run)),
        other => Err((
            ErrorKind::NotFound,
            format!("the engine has no stage '{other}'"),
        )),
    })
}

/// Validates and records the request.
fn channel_entry(run: &Execution) -> Result<Value, Fault> {
    let input = &*run.facts.input;
    if !input.is_null() && !input.is_object() {
        return Err((
            ErrorKind::InvalidArgument,
            "the input of a run must be an object".to_owned(),
        ));
    }
    let fields: Vec<_> = input
        .as_object()
        .into_iter()
        .flat_map(|input| input.keys())
        .collect();
    Ok(
        json!({"requestId": run.facts.request_id, "workflowId": run.facts.workflow_id, "input": fields}),
    )
}

/// The task graph and what its simulation expects.
fn plan(run: &Execution) -> Value {
    let stages: Vec<_> = run
        .definition
        .stages
        .iter()
        .map(|stage| {
            let tasks: Vec<_> = stage.tasks.iter().map(|task| task.name.as_str()).collect();
            json!({"id": stage.id, "tasks": tasks})
        })
        .collect();
    let forecast = run.facts.forecast.as_ref().map(|forecast| {
        json!({"digest": forecast.digest, "samples": forecast.samples, "success": forecast.success,
            "durationMs": forecast.duration_ms, "score": forecast.score})
    });
    json!({"stages": stages, "maxConcurrentTasks": run.limit, "forecast": forecast})
}

/// What failed, and what of it was undone.
fn recover(run: &Execution) -> Value {
    let name = |stage: usize, index: usize| {
        format!(
            "{}/{}",
            run.definition.stages[stage].id, run.definition.stages[stage].tasks[index].name
        )
    };
    let mut failed = Vec::new();
    let mut undone = Vec::new();
    let mut not_undone = Vec::new();
    for (stage, index, task) in run.state.tasks() {
        if matches!(
            task.status,
            StageStatus::Failed | StageStatus::Indeterminate
        ) {
            failed.push(name(stage, index));
        }
        match task.compensation.as_ref().map(|undo| undo.status) {
            Some(StageStatus::Succeeded) => undone.push(name(stage, index)),
            Some(_) => not_undone.push(name(stage, index)),
            None => {}
        }
    }
    json!({"failed": failed, "undone": undone, "notUndone": not_undone})
}

/// Which tasks held the run up longest: where making something faster pays.
fn optimize(run: &Execution) -> Value {
    let mut slowest: Vec<_> = run
        .state
        .tasks()
        .filter_map(|(stage, index, task)| {
            let took = (task.finished_at? - task.started_at?).num_microseconds()? as f64 / 1000.0;
            let declared = &run.definition.stages[stage];
            Some((
                took,
                format!("{}/{}", declared.id, declared.tasks[index].name),
            ))
        })
        .collect();
    slowest.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let slowest: Vec<_> = slowest
        .into_iter()
        .take(3)
        .map(|(took, name)| json!({"task": name, "durationMs": took}))
        .collect();
    json!({"slowest": slowest})
}

/// What was done, for the files.
fn receipt(run: &Execution) -> Value {
    let stages: Vec<_> = run
        .definition
        .stages
        .iter()
        .zip(&run.state.stages)
        .map(|(declared, stage)| {
            let took = match (stage.started_at, stage.finished_at) {
                (Some(start), Some(end)) => (end - start)
                    .num_microseconds()
                    .map(|micros| micros as f64 / 1000.0),
                _ => None,
            };
            json!({"name": declared.id, "status": stage.status, "durationMs": took})
        })
        .collect();
    json!({
        "receiptId": Id::new(), "runId": run.facts.id, "requestId": run.facts.request_id,
        "seed": run.facts.seed, "stages": stages,
    })
}

/// What later forecasts learn from this run: the attempts that really happened.
fn feedback(run: &Execution) -> Value {
    let (mut attempts, mut tasks) = (0, 0);
    for (_, _, task) in run
        .state
        .tasks()
        .filter(|(_, _, task)| task.attempts > 0 && !task.simulated)
    {
        attempts += task.attempts;
        tasks += 1;
    }
    json!({"tasks": tasks, "attempts": attempts})
}
