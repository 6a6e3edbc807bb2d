//! The engine's look back at a run: what it did otherwise than planned. Blueprint 1.2, stage 5.

use super::definition::Definition;
use super::state::{RunState, TaskState};
use super::{Critique, Finding, Forecast, StageStatus};

/// Looks back at a run that has ended.
pub(super) fn look_back(
    definition: &Definition,
    state: &RunState,
    forecast: Option<&Forecast>,
) -> Critique {
    let mut findings = Vec::new();
    let mut fine = 0_usize;
    for (stage, index, task) in state.tasks() {
        let name = format!(
            "{}/{}",
            definition.stages[stage].id, definition.stages[stage].tasks[index].name
        );
        let before = findings.len();
        findings.extend(about(task, &name, forecast).map(|(code, message)| Finding {
            code,
            task: name.clone(),
            message,
        }));
        if findings.len() == before && task.status == StageStatus::Succeeded {
            fine += 1;
        }
    }
    let total = definition.task_count();
    Critique {
        score: (100 * fine).checked_div(total).unwrap_or(0) as i64,
        findings,
    }
}

fn about<'a>(
    task: &'a TaskState,
    name: &str,
    forecast: Option<&Forecast>,
) -> impl Iterator<Item = (String, String)> + use<'a> {
    let expected = forecast.and_then(|forecast| {
        forecast
            .tasks
            .iter()
            .find(|task| task.name == name)
            .cloned()
    });
    let took = match (task.started_at, task.finished_at) {
        (Some(start), Some(end)) if !task.simulated => (end - start)
            .num_microseconds()
            .map(|micros| micros as f64 / 1000.0),
        _ => None,
    };
    let failed = match (task.status, &task.error) {
        (StageStatus::Failed | StageStatus::Indeterminate, Some((kind, message))) => Some((
            task.status.as_str().to_owned(),
            format!("{kind}: {message}"),
        )),
        _ => None,
    };
    let retried = (task.attempts > 1).then(|| {
        (
            "RETRIED".to_owned(),
            format!("took {} attempts", task.attempts),
        )
    });
    let slow = match (took, expected) {
        // An assumed forecast is no promise that a task could break.
        (Some(took), Some(expected)) if !expected.assumed && took > expected.p95 => Some((
            "SLOWER_THAN_FORECAST".to_owned(),
            format!(
                "took {took:.1} ms; in 19 of 20 cases at most {:.1} ms were expected",
                expected.p95
            ),
        )),
        _ => None,
    };
    [failed, retried, slow].into_iter().flatten()
}
