//! The room against closed forms, against a slow model of itself, and against its own promises.

mod distributions;
mod history;
mod mistakes;
mod reproducible;
mod results;
mod schedules;

use serde_json::json;

use super::*;

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected}"
    );
}

/// A plan simulated without a database.
fn outcome(plan: &Value, seed: i64, samples: u64, threads: usize) -> Simulation {
    let plan = Plan::read(plan).unwrap();
    let settings = Settings {
        seed,
        samples,
        threads,
    };
    let outcome = simulate::simulate(&plan, settings, &Progress::default()).unwrap();
    result(Id::new(), plan, settings, &outcome, DEFAULT_GATE, 0.0)
}

/// A small plan with everything in it.
fn everything() -> Value {
    json!({
        "name": "everything", "unit": "days", "workers": 2, "deadline": 14, "budget": 900,
        "costs": {"fixed": 10, "perTime": 5},
        "tasks": [
            {"id": "design", "duration": {"triangular": {"min": 1, "mode": 2, "max": 4}}, "drivers": ["market"]},
            {"id": "build", "dependsOn": ["design"], "duration": {"pert": {"min": 1, "mode": 2.5, "max": 6}},
             "failure": {"probability": 0.2, "retries": 2, "failedShare": 0.6, "backoff": 0.1}, "cost": {"fixed": 100, "perTime": 12}},
            {"id": "test", "dependsOn": ["build"], "duration": {"lognormal": {"mean": 2, "sd": 1}}, "drivers": ["market", "team"]},
            {"id": "docs", "dependsOn": ["design"], "duration": {"gamma": {"shape": 2, "scale": 0.5}}, "probability": 0.7},
            {"id": "audit", "dependsOn": ["design"], "duration": {"empirical": {"values": [1, 2, 2, 3]}},
             "failure": {"probability": 0.05, "timeout": 2.5}},
            {"id": "ship", "dependsOn": ["test", "docs", "audit"], "duration": 0.5},
        ],
        "drivers": [
            {"id": "market", "factor": {"triangular": {"min": 0.9, "mode": 1, "max": 1.4}}},
            {"id": "team", "factor": {"uniform": {"min": 0.8, "max": 1.2}}},
        ],
        "correlation": {"ids": ["market", "team", "docs"], "matrix": [[1, 0.6, 0.2], [0.6, 1, 0], [0.2, 0, 1]]},
        "risks": [{"id": "outage", "probability": 0.1, "delay": {"uniform": {"min": 2, "max": 5}}, "cost": 500, "tasks": ["build", "test"]}],
    })
}
