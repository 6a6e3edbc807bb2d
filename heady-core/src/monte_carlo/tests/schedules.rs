//! Schedules against a slow model of them.

use proptest::prelude::*;
use serde_json::json;

use super::super::*;
use super::outcome;

/// When everything is done, by looking at every moment at which something ends. No duration may be zero here.
fn slow_makespan(
    durations: &[f64],
    depends_on: &[Vec<usize>],
    rank: &[usize],
    workers: usize,
) -> f64 {
    let count = durations.len();
    let (mut end, mut now) = (vec![f64::INFINITY; count], 0.0);
    let mut begun = vec![false; count];
    loop {
        loop {
            let running = (0..count)
                .filter(|&task| begun[task] && end[task] > now)
                .count();
            let ready = (0..count).filter(|&task| {
                !begun[task] && depends_on[task].iter().all(|&other| end[other] <= now)
            });
            let Some(next) = ready
                .min_by_key(|&task| rank[task])
                .filter(|_| running < workers)
            else {
                break;
            };
            (begun[next], end[next]) = (true, now + durations[next]);
        }
        match end
            .iter()
            .copied()
            .filter(|end| *end > now && end.is_finite())
            .reduce(f64::min)
        {
            Some(next) => now = next,
            None => return now,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn schedules_agree_with_a_slow_model(
        edges in proptest::collection::vec((0_usize..9, 0_usize..9), 0..14),
        durations in proptest::collection::vec(prop_oneof![Just(1.0), Just(2.0), 0.1..5.0_f64], 9),
        workers in 1_usize..10,
    ) {
        let mut depends_on = vec![Vec::new(); 9];
        for (a, b) in edges {
            if a > b && !depends_on[a].contains(&b) {
                depends_on[a].push(b);
            }
        }
        let tasks: Vec<_> = (0..9).map(|task| {
            let waits_for: Vec<_> = depends_on[task].iter().map(usize::to_string).collect();
            json!({"id": task, "duration": durations[task], "dependsOn": waits_for})
        }).collect();
        let order: Vec<_> = (0..9).rev().map(|task: usize| task.to_string()).collect();
        let document = json!({"workers": workers, "priority": {"rank": order}, "tasks": tasks});
        let found = outcome(&document, 0, 1, 1).duration.mean.estimate;
        let rank: Vec<_> = (0..9).rev().collect();
        let expected = slow_makespan(&durations, &depends_on, &rank, workers);
        prop_assert!((found - expected).abs() < 1e-9, "{} is not {}", found, expected);
    }
}

#[test]
fn priorities_and_moments_of_equal_time_are_kept() {
    let makespan = |document: Value| outcome(&document, 0, 1, 1).duration.mean.estimate;
    let tasks = json!([
        {"id": "short", "duration": 1}, {"id": "long", "duration": 3}, {"id": "tail", "duration": 3, "dependsOn": ["long"]},
    ]);
    assert_eq!(makespan(json!({"workers": 1, "tasks": tasks})), 7.0);
    // Two workers: the longest tail first ends at 6; in file order too, because both begin at once.
    assert_eq!(makespan(json!({"workers": 2, "tasks": tasks})), 6.0);
    let narrow = json!([
        {"id": "a", "duration": 2}, {"id": "b", "duration": 2}, {"id": "long", "duration": 1}, {"id": "tail", "duration": 6, "dependsOn": ["long"]},
    ]);
    assert_eq!(makespan(json!({"workers": 2, "tasks": narrow})), 7.0);
    assert_eq!(
        makespan(json!({"workers": 2, "priority": "leastSlack", "tasks": narrow})),
        7.0
    );
    assert_eq!(
        makespan(json!({"workers": 2, "priority": "fifo", "tasks": narrow})),
        9.0
    );
    assert_eq!(
        makespan(json!({"workers": 2, "priority": {"rank": ["b", "a"]}, "tasks": narrow})),
        9.0
    );
    // Gates of no duration between stages cost nothing, and a freed worker is not lost at equal times.
    let gates = json!([
        {"id": "a", "duration": 1}, {"id": "b", "duration": 1}, {"id": "gate", "duration": 0, "dependsOn": ["a", "b"]},
        {"id": "c", "duration": 1, "dependsOn": ["gate"]}, {"id": "d", "duration": 1, "dependsOn": ["gate"]},
    ]);
    for workers in [json!(2), json!(null)] {
        assert_eq!(
            makespan(json!({"workers": workers, "priority": "fifo", "tasks": gates})),
            2.0
        );
    }
    assert_eq!(
        makespan(json!({"tasks": [{"id": "nothing", "duration": 0}]})),
        0.0
    );
}
