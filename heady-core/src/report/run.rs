//! Runs as text.

use std::fmt::Write;

use super::{duration, percent, table};
use crate::pipeline::{Forecast, PipelineRun, RunPage, RunStatus, StageRun, StageStatus, TaskRun};

/// The most failures and warnings that are listed one by one.
const LISTED: usize = 12;

/// A run: its stages, what was expected of it, what failed and what was undone.
pub fn run(run: &PipelineRun) -> String {
    let mut text = format!(
        "Run {} of {} (seed {})\n\n",
        run.run_id, run.workflow_id, run.seed
    );
    text += &stages(run);
    text.push('\n');
    if let Some(forecast) = &run.forecast {
        text += &compared(run, forecast);
    }
    let failed = failures(run);
    if !failed.is_empty() {
        text += "\nFailures\n";
        list(&mut text, &failed);
    }
    if !run.compensations.is_empty() {
        text += "\nUndone, in this order\n";
        for undo in &run.compensations {
            let error = undo
                .error
                .as_ref()
                .map(|error| format!(": {}: {}", error.code, error.message))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "  {} {}/{}{error}",
                mark(undo.status),
                undo.stage,
                undo.task
            );
        }
    }
    if !run.warnings.is_empty() {
        let _ = writeln!(
            text,
            "\n{} warnings about the definition",
            run.warnings.len()
        );
        let lines: Vec<_> = run
            .warnings
            .iter()
            .map(|warning| format!("{} {}: {}", warning.code, warning.path, warning.message))
            .collect();
        list(&mut text, &lines);
    }
    text + &verdict(run)
}

fn stages(run: &PipelineRun) -> String {
    let mut table = table::new(&[">#", "Stage", "Status", ">Tasks", ">Attempts", ">Duration"]);
    for stage in &run.stages {
        let done = stage
            .tasks
            .iter()
            .filter(|task| task.status == StageStatus::Succeeded)
            .count();
        let attempts: i64 = stage.tasks.iter().map(|task| task.attempts).sum();
        table.add_row([
            stage.num.to_string(),
            stage.id.clone(),
            stage.status.to_string(),
            format!("{done}/{}", stage.tasks.len()),
            attempts.to_string(),
            took(stage, run.simulated).map(duration).unwrap_or_default(),
        ]);
    }
    table::text(&table)
}

/// From the stage's beginning to its end; of a simulated stage, the times of its tasks say more than the clock.
fn took(stage: &StageRun, simulated: bool) -> Option<f64> {
    if simulated {
        return stage
            .tasks
            .iter()
            .filter_map(|task| task.duration_ms)
            .reduce(f64::max);
    }
    let micros = (stage.finished_at? - stage.started_at?).num_microseconds()?;
    Some(micros as f64 / 1000.0)
}

fn compared(run: &PipelineRun, forecast: &Forecast) -> String {
    let quantile = |p: f64| {
        let found = forecast
            .duration_ms
            .quantiles
            .iter()
            .find(|quantile| (quantile.p - p).abs() < 1e-9);
        found
            .map(|quantile| duration(quantile.value))
            .unwrap_or_default()
    };
    let metrics = &run.metrics;
    let mut table = table::new(&["", "Forecast", "Actual"]);
    let ended = run.status.is_terminal() && !run.simulated;
    table.add_row([
        "Duration".to_owned(),
        format!(
            "P50 {}, P80 {}, P95 {}",
            quantile(0.5),
            quantile(0.8),
            quantile(0.95)
        ),
        if ended {
            duration(metrics.elapsed_ms)
        } else {
            String::new()
        },
    ]);
    table.add_row([
        "No task fails".to_owned(),
        format!(
            "{} (at least {})",
            percent(forecast.success.estimate),
            percent(forecast.success.lower)
        ),
        if ended {
            format!("{} of {} failed", metrics.failed_tasks, metrics.total_tasks)
        } else {
            String::new()
        },
    ]);
    table.add_row([
        "Readiness".to_owned(),
        forecast.score.to_string(),
        metrics
            .readiness_score
            .filter(|_| ended)
            .map(|score| format!("{score:.0}"))
            .unwrap_or_default(),
    ]);
    let mut text = table::text(&table);
    let assumed = forecast.tasks.iter().filter(|task| task.assumed).count();
    if assumed > 0 {
        let _ = writeln!(
            text,
            "  {assumed} of {} durations are assumed: they have neither history nor a declaration",
            forecast.tasks.len()
        );
    }
    text
}

fn failures(run: &PipelineRun) -> Vec<String> {
    let line = |stage: &StageRun, task: &TaskRun| {
        let error = task.error.as_ref()?;
        Some(format!(
            "{} {}/{}: {}: {}",
            mark(task.status),
            stage.id,
            task.name,
            error.code,
            error.message
        ))
    };
    run.stages
        .iter()
        .flat_map(|stage| stage.tasks.iter().filter_map(move |task| line(stage, task)))
        .collect()
}

fn list(text: &mut String, lines: &[String]) {
    for line in lines.iter().take(LISTED) {
        let _ = writeln!(text, "  {line}");
    }
    if lines.len() > LISTED {
        let _ = writeln!(
            text,
            "  … and {} more (--json shows all)",
            lines.len() - LISTED
        );
    }
}

fn verdict(run: &PipelineRun) -> String {
    let metrics = &run.metrics;
    let simulated = if run.simulated {
        " (simulated: no task was really executed)"
    } else {
        ""
    };
    let mut text = format!("\n{}{simulated}", run.status);
    let _ = write!(
        text,
        ": {} done, {} failed, {} skipped, {} retried, in {}",
        metrics.completed_tasks,
        metrics.failed_tasks,
        metrics.skipped_tasks,
        metrics.retried_tasks,
        duration(metrics.elapsed_ms)
    );
    if let Some(error) = &run.error {
        let _ = write!(text, "\n{}: {}", error.code, error.message);
    }
    if matches!(
        run.status,
        RunStatus::Paused | RunStatus::Failed | RunStatus::Compensated | RunStatus::Cancelled
    ) {
        let _ = write!(text, "\nContinue it with: heady resume {}", run.run_id);
    }
    text + "\n"
}

fn mark(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Succeeded => "✓",
        StageStatus::Failed => "✗",
        StageStatus::Indeterminate => "?",
        _ => "-",
    }
}

/// A list of runs.
pub fn runs(page: &RunPage) -> String {
    if page.runs.is_empty() {
        return "There are no runs yet.\n".to_owned();
    }
    let mut table = table::new(&[
        "Run",
        "Workflow",
        "Status",
        "Started",
        ">Duration",
        ">Done",
        ">Failed",
        ">Skipped",
    ]);
    for run in &page.runs {
        let metrics = run.metrics.as_ref();
        let count = |count: Option<i64>| count.map(|count| count.to_string()).unwrap_or_default();
        table.add_row([
            run.run_id.to_string(),
            run.workflow_id.clone(),
            run.status.to_string(),
            run.started_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            metrics
                .map(|metrics| duration(metrics.elapsed_ms))
                .unwrap_or_default(),
            count(metrics.map(|metrics| metrics.completed_tasks)),
            count(metrics.map(|metrics| metrics.failed_tasks)),
            count(metrics.map(|metrics| metrics.skipped_tasks)),
        ]);
    }
    let mut text = table::text(&table);
    if let Some(next) = &page.next {
        let _ = writeln!(text, "\nMore: heady runs list --cursor {next}");
    }
    text
}
