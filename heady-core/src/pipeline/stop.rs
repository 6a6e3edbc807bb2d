//! The stop rules, checked before each stage.

use super::definition::{StopAction, StopCondition};
use super::execution::Execution;
use super::result;
use crate::error::{ErrorKind, Result};
use crate::types::now;

/// The first rule that holds: what to do, and why in words.
pub(super) async fn check(run: &Execution) -> Result<Option<(StopAction, String)>> {
    if run.definition.stop_rules.is_empty() {
        return Ok(None);
    }
    let metrics = result::metrics(&run.state, &run.facts, now());
    for rule in &run.definition.stop_rules {
        let reason = match rule.condition {
            StopCondition::ErrorRate(threshold) => {
                (metrics.failed_tasks > 0 && metrics.error_rate >= threshold).then(|| {
                    format!(
                        "error_rate is {:.3} and may not reach {threshold}",
                        metrics.error_rate
                    )
                })
            }
            StopCondition::ReadinessScore(threshold) => metrics
                .readiness_score
                .filter(|score| *score <= threshold)
                .map(|score| format!("readiness_score is {score} and must be above {threshold}")),
            StopCondition::CriticalAlarm(count) => {
                let alarms = run.tools.registry.critical_alarms().await?;
                (alarms.len() as i64 >= count)
                    .then(|| format!("critical services are unhealthy: {}", alarms.join(", ")))
            }
            StopCondition::DataIntegrityFailure => {
                let corrupt = |kind: &ErrorKind| *kind == ErrorKind::DataLoss;
                let found = run
                    .state
                    .tasks()
                    .any(|(_, _, task)| task.error.as_ref().is_some_and(|(kind, _)| corrupt(kind)));
                found.then(|| "a task found corrupt data".to_owned())
            }
        };
        if let Some(reason) = reason {
            return Ok(Some((rule.action, format!("stop rule: {reason}"))));
        }
    }
    Ok(None)
}
