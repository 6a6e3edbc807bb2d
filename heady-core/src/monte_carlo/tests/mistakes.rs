//! What a plan may not say.

use serde_json::json;

use super::super::*;

#[test]
fn mistakes_are_named_with_their_path() {
    let refuse = |plan: Value| {
        Plan::read(&plan)
            .map(|_| ())
            .unwrap_err()
            .message()
            .to_owned()
    };
    let task = |more: Value| {
        let mut task = json!({"id": "a", "duration": 1});
        task.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"tasks": [task]})
    };
    for (plan, message) in [
        (json!({}), "tasks: is missing"),
        (json!({"tasks": []}), "tasks: must have 1 to 100000 tasks"),
        (
            task(json!({"duratoin": 1})),
            "tasks[0].duratoin: unknown key; did you mean 'duration'?",
        ),
        (
            task(json!({"duration": {"pert": {"min": 3, "mode": 2, "max": 6}}})),
            "tasks[0].duration.pert: must have min <= mode <= max, not 3, 2, 6",
        ),
        (
            task(json!({"duration": {"perth": {}}})),
            "tasks[0].duration: 'perth' is no distribution; known: constant, uniform, triangular, pert, normal, truncatedNormal, lognormal, gamma, beta, weibull, exponential, empirical, histogram, mixture, bernoulli, poisson, binomial, discrete",
        ),
        (
            task(json!({"duration": {"normal": {"mean": 1, "sd": -1}}})),
            "tasks[0].duration.normal.sd: must be at least 0, not -1",
        ),
        (
            task(json!({"duration": {"lognormal": {"mean": 0, "sd": 1}}})),
            "tasks[0].duration.lognormal.mean: must be greater than 0, not 0",
        ),
        (
            task(json!({"duration": {"histogram": {"edges": [0, 1], "counts": [1, 2]}}})),
            "tasks[0].duration.histogram: 2 counts need 3 edges, not 2",
        ),
        (
            task(json!({"duration": {"discrete": {"values": [1], "weights": [0]}}})),
            "tasks[0].duration.discrete: the weights must not be negative, and not all zero",
        ),
        (
            task(json!({"failure": {"probability": 1.5}})),
            "tasks[0].failure.probability: must be between 0 and 1, not 1.5",
        ),
        (
            task(json!({"failure": {"retries": 1001}})),
            "tasks[0].failure.retries: must be an integer between 0 and 1000, not 1001",
        ),
        (
            task(json!({"dependsOn": ["a"]})),
            "tasks[0].dependsOn: 'a' waits for itself",
        ),
        (
            task(json!({"dependsOn": ["b"]})),
            "tasks[0].dependsOn: no task has the id 'b'",
        ),
        (
            task(json!({"drivers": ["d"]})),
            "tasks[0].drivers[0]: no driver has the id 'd'",
        ),
        (
            json!({"workers": 0, "tasks": [{"id": "a", "duration": 1}]}),
            "workers: must be an integer between 1 and 1000000, not 0",
        ),
        (
            json!({"tasks": [{"id": "a", "duration": 1}, {"id": "a", "duration": 1}]}),
            "tasks[1].id: 'a' is also the id of tasks[0]",
        ),
        (
            json!({"tasks": [{"id": "a", "duration": 1, "dependsOn": ["b"]}, {"id": "b", "duration": 1, "dependsOn": ["a"]}]}),
            "tasks: wait for each other in a circle: a -> b -> a",
        ),
        (
            json!({"tasks": [{"id": "a", "duration": 1}], "priority": {"rank": ["x"]}}),
            "priority.rank: no task has the id 'x'",
        ),
        (
            json!({"scenario": {}}),
            "scenario: is the callers' simple form; it is simulated by scenario()",
        ),
    ] {
        assert_eq!(refuse(plan), message);
    }
    let correlated = |correlation: Value| {
        let drivers: Vec<_> = ["a", "b", "c"]
            .iter()
            .map(|id| json!({"id": id, "factor": 1}))
            .collect();
        refuse(
            json!({"tasks": [{"id": "t", "duration": 1}], "drivers": drivers, "correlation": correlation}),
        )
    };
    let impossible = correlated(
        json!({"ids": ["a", "b", "c"], "matrix": [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]}),
    );
    assert!(
        impossible.ends_with("the matrix has the eigenvalue -0.800000"),
        "{impossible}"
    );
    assert!(
        correlated(json!({"ids": ["a", "b"], "matrix": [[1, 0.5], [0.4, 1]]}))
            .contains("must be symmetric")
    );
    assert!(
        correlated(json!({"ids": ["a", "b"], "matrix": [[2, 0], [0, 1]]}))
            .contains("between -1 and 1")
    );
    assert!(
        correlated(json!({"ids": ["a", "x"], "rho": 0.5}))
            .contains("no driver or task has the id 'x'")
    );
    assert!(correlated(json!({"ids": ["a", "b"]})).contains("needs either matrix or rho"));
}

#[test]
fn what_is_odd_but_possible_is_a_warning() {
    let plan = Plan::read(&json!({
        "tasks": [{"id": "a", "duration": {"normal": {"mean": 1, "sd": 1}}}],
        "risks": [{"id": "r", "probability": 0.5, "tasks": ["gone"]}],
    }))
    .unwrap();
    let codes: Vec<_> = plan
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect();
    assert_eq!(codes, ["NEGATIVE_DURATION", "UNKNOWN_TASK"]);
}
