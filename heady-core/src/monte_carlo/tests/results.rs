//! What comes out of whole plans, against closed forms.

use serde_json::json;

use super::super::*;
use super::{close, outcome};

#[test]
fn closed_forms_come_out_of_whole_plans() {
    let plan = |tasks: Value| json!({"workers": null, "tasks": tasks});
    // The largest of six exponential times has the mean 1 + 1/2 + ... + 1/6.
    let six: Vec<_> = (0..6)
        .map(|n| json!({"id": n, "duration": {"exponential": {"mean": 1}}}))
        .collect();
    let found = outcome(&plan(json!(six)), 3, 100_000, 2);
    close(found.duration.mean.estimate, 2.45, 0.02);
    // Clark's maximum of two normal times, independent and correlated.
    let mut two = plan(json!([
        {"id": "a", "duration": {"normal": {"mean": 10, "sd": 2}}}, {"id": "b", "duration": {"normal": {"mean": 11, "sd": 3}}},
    ]));
    close(
        outcome(&two, 3, 100_000, 2).duration.mean.estimate,
        11.993_378,
        0.035,
    );
    two["correlation"] = json!({"ids": ["a", "b"], "rho": 0.6});
    close(
        outcome(&two, 3, 100_000, 2).duration.mean.estimate,
        11.542_436,
        0.035,
    );
    // Both above their P80 under a copula of 0.6: a deadline just below either's P80 is missed by 0.4 - 0.0992.
    let late = json!({"tasks": [{"id": "a", "duration": {"uniform": {"min": 0, "max": 1}}}, {"id": "b", "duration": {"uniform": {"min": 0, "max": 1}}}],
        "correlation": {"ids": ["a", "b"], "rho": 0.6}, "deadline": 0.8});
    close(
        outcome(&late, 3, 100_000, 2).on_time.unwrap().estimate,
        1.0 - (0.4 - 0.099_234_634_7),
        0.006,
    );
    // p = 0.1 with three retries: one in 10,000 fails for good, 1.111 attempts on average.
    let retried =
        plan(json!([{"id": "a", "duration": 1, "failure": {"probability": 0.1, "retries": 3}}]));
    let found = outcome(&retried, 3, 400_000, 2);
    close(found.success.estimate, 0.9999, 5e-5);
    assert!(found.success.lower <= 0.9999 && 0.9999 <= found.success.upper);
    close(found.duration.mean.estimate, 1.111, 0.003);
}

#[test]
fn failing_attempts_take_what_the_contract_says() {
    let time = |failure: Value| {
        let plan = json!({"tasks": [{"id": "a", "duration": 10, "failure": failure, "cost": {"fixed": 1, "perTime": 2}}], "costs": {"fixed": 5, "perTime": 3}});
        let found = outcome(&plan, 1, 10, 1);
        (
            found.duration.mean.estimate,
            found.success.estimate,
            found.cost.mean.estimate,
        )
    };
    assert_eq!(time(json!({})), (10.0, 1.0, 5.0 + 1.0 + 20.0 + 30.0));
    assert_eq!(
        time(json!({"probability": 1, "retries": 2, "failedShare": 0.5, "backoff": 4})).0,
        3.0 * 5.0 + 2.0 * 4.0
    );
    assert_eq!(time(json!({"probability": 1})), (10.0, 0.0, 56.0));
    assert_eq!(
        time(json!({"timeout": 3, "retries": 1, "backoff": 1})).0,
        2.0 * 3.0 + 1.0
    );
    assert_eq!(time(json!({"timeout": 3})).1, 0.0);
}

#[test]
fn readiness_follows_the_lower_end() {
    let judged = |probability: f64, samples| {
        outcome(&json!({"tasks": [{"id": "a", "duration": 1, "failure": {"probability": probability}}]}), 5, samples, 1).readiness
    };
    let good = judged(0.01, 20_000);
    assert_eq!(
        (good.score, good.grade.as_str(), good.verdict),
        (98, "A", Verdict::Proceed)
    );
    let bad = judged(0.6, 20_000);
    assert_eq!((bad.grade.as_str(), bad.verdict), ("F", Verdict::Hold));
    assert_eq!(judged(0.3, 100).verdict, Verdict::Undecided);
    assert_eq!(
        (judged(1.0, 1000).score, judged(0.0, 1000).score),
        (0, 99),
        "certainty is never claimed"
    );
    let late = json!({"deadline": 5, "tasks": [{"id": "a", "duration": {"uniform": {"min": 0, "max": 10}}}]});
    let found = outcome(&late, 5, 20_000, 1);
    close(found.joint.estimate, 0.5, 0.01);
    assert_eq!(
        (found.joint.estimate, found.within_budget.is_none()),
        (found.on_time.unwrap().estimate, true)
    );
}
