//! The room against closed forms, against a slow model of itself, and against its own promises.

use proptest::prelude::*;
use serde_json::json;

use super::math::{normal_below, pow};
use super::stream::Uniform;
use super::tally::Moments;
use super::*;
use crate::ErrorKind;
use crate::store::testing::{Fresh, on_both_databases};
use crate::types::Json;

fn distribution(value: &Value) -> Distribution {
    Distribution::read(&Field {
        path: "d".into(),
        value,
    })
    .unwrap()
}

fn quantile(distribution: &Distribution, p: f64) -> f64 {
    distribution.value(Uniform::at(p, 1.0 - p))
}

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

#[test]
fn quantiles_are_those_of_closed_forms() {
    let pert = distribution(&json!({"pert": {"min": 1, "mode": 2.5, "max": 6}}));
    for (p, value) in [
        (0.1, 1.680_999_812_82),
        (0.5, 2.754_997_424_75),
        (0.8, 3.644_685_283_73),
        (0.95, 4.457_755_088_56),
    ] {
        close(quantile(&pert, p), value, 1e-10);
    }
    close(pert.mean(), 2.833_333_333_3, 1e-9);
    let triangular = distribution(&json!({"triangular": {"min": 1, "mode": 2.5, "max": 6}}));
    close(quantile(&triangular, 0.8), 4.129_171_306_6, 1e-9);
    close(triangular.mean(), 3.166_666_666_7, 1e-9);
    let lognormal = distribution(&json!({"lognormal": {"p10": 0.1, "p90": 5}}));
    close(quantile(&lognormal, 0.1), 0.1, 1e-12);
    close(quantile(&lognormal, 0.9), 5.0, 1e-11);
    let lognormal = distribution(&json!({"lognormal": {"mean": 3, "sd": 2}}));
    close(lognormal.mean(), 3.0, 1e-12);
    // scipy.stats: gamma(2.5, scale=2).ppf, weibull_min(1.5, scale=2).ppf, expon(scale=3).ppf, norm(10, 2).ppf.
    close(
        quantile(
            &distribution(&json!({"gamma": {"shape": 2.5, "scale": 2}})),
            0.9,
        ),
        9.236_356_899_78,
        1e-9,
    );
    close(
        quantile(
            &distribution(&json!({"weibull": {"shape": 1.5, "scale": 2}})),
            0.9,
        ),
        3.487_443_027_19,
        1e-9,
    );
    close(
        quantile(&distribution(&json!({"exponential": {"mean": 3}})), 0.9),
        6.907_755_278_98,
        1e-9,
    );
    close(
        quantile(
            &distribution(&json!({"normal": {"mean": 10, "sd": 2}})),
            0.975,
        ),
        13.919_927_969_08,
        1e-9,
    );
    close(
        quantile(
            &distribution(&json!({"binomial": {"n": 10, "p": 0.3}})),
            0.5,
        ),
        3.0,
        0.0,
    );
    close(
        quantile(&distribution(&json!({"poisson": {"mean": 4}})), 0.95),
        8.0,
        0.0,
    );
    close(
        distribution(&json!({"poisson": {"mean": 4}})).mean(),
        4.0,
        1e-9,
    );
}

/// Every continuous distribution with its distribution function, in closed form.
type Below = Box<dyn Fn(f64) -> f64>;

fn continuous() -> Vec<(Value, Below)> {
    let triangular = |x: f64| {
        if x < 2.5 {
            (x - 1.0) * (x - 1.0) / 7.5
        } else {
            1.0 - (6.0 - x) * (6.0 - x) / 17.5
        }
    };
    let truncated = |x: f64| {
        (normal_below(x - 1.0) - normal_below(-1.0)) / (normal_below(2.0) - normal_below(-1.0))
    };
    vec![
        (
            json!({"uniform": {"min": 2, "max": 5}}),
            Box::new(|x| (x - 2.0) / 3.0),
        ),
        (
            json!({"triangular": {"min": 1, "mode": 2.5, "max": 6}}),
            Box::new(triangular),
        ),
        (
            json!({"beta": {"alpha": 2, "beta": 1, "max": 3}}),
            Box::new(|x| x * x / 9.0),
        ),
        (
            json!({"normal": {"mean": 5, "sd": 2}}),
            Box::new(|x| normal_below((x - 5.0) / 2.0)),
        ),
        (
            json!({"truncatedNormal": {"mean": 1, "sd": 1, "min": 0, "max": 3}}),
            Box::new(truncated),
        ),
        (
            json!({"lognormal": {"mean": 1, "sd": 1}}),
            Box::new(|x| {
                let variance = std::f64::consts::LN_2;
                normal_below((math::ln(x) + 0.5 * variance) / variance.sqrt())
            }),
        ),
        (
            json!({"gamma": {"shape": 2, "scale": 3}}),
            Box::new(|x| 1.0 - math::exp(-x / 3.0) * (1.0 + x / 3.0)),
        ),
        (
            json!({"weibull": {"shape": 2, "scale": 3}}),
            Box::new(|x| 1.0 - math::exp(-pow(x / 3.0, 2.0))),
        ),
        (
            json!({"exponential": {"mean": 2}}),
            Box::new(|x| 1.0 - math::exp(-x / 2.0)),
        ),
        (
            json!({"histogram": {"edges": [0, 1, 3], "counts": [1, 3]}}),
            Box::new(|x| {
                if x < 1.0 {
                    0.25 * x
                } else {
                    0.25 + 0.375 * (x - 1.0)
                }
            }),
        ),
        (
            json!({"mixture": [{"weight": 1, "of": {"uniform": {"min": 0, "max": 1}}}, {"weight": 3, "of": {"uniform": {"min": 1, "max": 2}}}]}),
            Box::new(|x| {
                if x < 1.0 {
                    0.25 * x
                } else {
                    0.25 + 0.75 * (x - 1.0)
                }
            }),
        ),
    ]
}

#[test]
fn values_follow_their_distribution() {
    // Kolmogorov-Smirnov: with 20,000 values the distance exceeds 0.0177 once in a hundred thousand times.
    for (value, below) in continuous() {
        let distribution = distribution(&value);
        let mut stream = Stream::new(7, "ks", &["x"]);
        let mut words = vec![0; 20_000];
        stream.fill(0, &mut words);
        let mut values: Vec<f64> = words
            .iter()
            .map(|word| distribution.value(Uniform::of(*word)))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let sd = Moments::of(&values).sd();
        close(mean, distribution.mean(), 5.0 * sd / 141.0);
        values.sort_by(f64::total_cmp);
        let distance = values
            .iter()
            .enumerate()
            .map(|(index, value)| (below(*value) - (index as f64 + 0.5) / 20_000.0).abs())
            .fold(0.0, f64::max);
        assert!(distance < 0.0177, "{value}: {distance}");
    }
}

#[test]
fn discrete_shares_are_kept() {
    for (value, shares) in [
        (
            json!({"bernoulli": {"p": 0.2}}),
            vec![(0.0, 0.8), (1.0, 0.2)],
        ),
        (
            json!({"discrete": {"values": [5, 1], "weights": [1, 3]}}),
            vec![(1.0, 0.75), (5.0, 0.25)],
        ),
        (
            json!({"empirical": {"values": [3, 1, 1, 2]}}),
            vec![(1.0, 0.5), (2.0, 0.25), (3.0, 0.25)],
        ),
        (
            json!({"binomial": {"n": 2, "p": 0.5}}),
            vec![(0.0, 0.25), (1.0, 0.5), (2.0, 0.25)],
        ),
    ] {
        let distribution = distribution(&value);
        for (wanted, share) in shares {
            let hits = (0..10_000).filter(|index| {
                quantile(&distribution, (f64::from(*index) + 0.5) / 10_000.0) == wanted
            });
            close(hits.count() as f64 / 10_000.0, share, 2e-4);
        }
    }
}

#[test]
fn larger_points_give_larger_values_also_in_the_tails() {
    for (value, _) in continuous() {
        let distribution = distribution(&value);
        let mut last = f64::NEG_INFINITY;
        for p in [1e-15, 1e-6, 0.01, 0.3, 0.5, 0.7, 0.99] {
            let value = quantile(&distribution, p);
            assert!(
                value >= last && value.is_finite(),
                "{distribution:?} at {p}"
            );
            last = value;
        }
        assert!(distribution.value(Uniform::at(1.0, 1e-16)) >= last);
    }
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

#[test]
fn the_bits_are_the_same_on_any_number_of_threads() {
    let one = outcome(&everything(), 42, 20_000, 1);
    for threads in [2, 3, 7] {
        let other = outcome(&everything(), 42, 20_000, threads);
        assert_eq!(
            (&other.digest, &other.duration, &other.tasks),
            (&one.digest, &one.duration, &one.tasks)
        );
    }
    assert_ne!(outcome(&everything(), 43, 20_000, 1).digest, one.digest);
    assert_ne!(outcome(&everything(), 42, 20_001, 1).digest, one.digest);
}

#[test]
fn the_golden_vectors_hold() {
    let file = include_str!("../../../tests/conformance/vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let simulations = vectors["simulations"].as_array().unwrap();
    assert!(!simulations.is_empty());
    for vector in simulations {
        let found = outcome(
            &vector["plan"],
            vector["seed"].as_i64().unwrap(),
            vector["samples"].as_u64().unwrap(),
            2,
        );
        assert_eq!(
            found.digest, vector["expect"]["digest"],
            "{}",
            vector["plan"]["name"]
        );
        assert_eq!(found.plan_hash, vector["expect"]["planHash"]);
        assert_eq!(
            json!(found.duration.mean.estimate),
            vector["expect"]["durationMean"]
        );
        assert_eq!(json!(found.success.estimate), vector["expect"]["success"]);
    }
}

#[test]
fn a_new_task_leaves_the_draws_of_others_alone() {
    let base = outcome(&everything(), 1, 4096, 1);
    let mut more = everything();
    let extra = json!({"id": "extra", "duration": {"uniform": {"min": 0, "max": 1}}, "failure": {"probability": 0.5}});
    more["tasks"].as_array_mut().unwrap().insert(0, extra);
    let found = outcome(&more, 1, 4096, 1);
    assert_eq!(found.tasks[1..], base.tasks[..]);
}

#[test]
fn the_room_uses_no_function_whose_bits_a_platform_chooses() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/monte_carlo");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for forbidden in [
            ".ln()", ".log10()", ".log2()", ".exp()", ".powf(", ".powi(", ".sin()", ".cos()",
            ".tan()", "mul_add", "HashSet<", "f32",
        ] {
            assert!(
                !code.contains(forbidden),
                "{forbidden} in {}",
                path.display()
            );
        }
    }
}

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

on_both_databases!(
    the_history_keeps_and_replays,
    options_are_checked,
    a_dropped_simulation_stops
);

async fn the_history_keeps_and_replays(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    assert_eq!(monte_carlo.status().await.unwrap().runs_completed, 0);
    let mut made = Vec::new();
    for seed in 0..3 {
        let options = SimulationOptions {
            plan: everything().into(),
            seed: Some(seed),
            samples: Some(1000),
            ..Default::default()
        };
        made.insert(0, monte_carlo.run(options).await.unwrap());
    }
    let status = monte_carlo.status().await.unwrap();
    assert_eq!(
        (status.runs_completed, status.last_run.as_ref()),
        (3, Some(&made[0]))
    );
    assert!(status.running.is_empty());
    let page = monte_carlo
        .list(SimulationQuery {
            limit: Some(2),
            cursor: None,
        })
        .await
        .unwrap();
    assert_eq!(page.simulations, made[..2]);
    let page = monte_carlo
        .list(SimulationQuery {
            limit: Some(2),
            cursor: page.next,
        })
        .await
        .unwrap();
    assert_eq!((page.simulations.as_slice(), page.next), (&made[2..], None));
    let id = made[1].id.to_string();
    assert_eq!(monte_carlo.get(&id).await.unwrap(), made[1]);
    let replay = monte_carlo.replay(&id).await.unwrap();
    assert!(replay.equal && replay.found == made[1].digest);
    assert_eq!(
        monte_carlo.get("none").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let report = monte_carlo.check(everything().into()).await.unwrap();
    assert_eq!(
        (report.tasks, report.plan_hash),
        (6, made[0].plan_hash.clone())
    );
}

async fn options_are_checked(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    let base = SimulationOptions {
        plan: Json(json!({"tasks": [{"id": "a", "duration": 1}]})),
        ..Default::default()
    };
    for (options, word) in [
        (
            SimulationOptions {
                samples: Some(0),
                ..base.clone()
            },
            "samples: ",
        ),
        (
            SimulationOptions {
                seed: Some(-1),
                ..base.clone()
            },
            "seed -1",
        ),
        (
            SimulationOptions {
                threads: Some(0),
                ..base.clone()
            },
            "threads: ",
        ),
        (
            SimulationOptions {
                gate: Some(1.5),
                ..base.clone()
            },
            "gate: ",
        ),
        (
            SimulationOptions {
                method: Some(Method::Sobol),
                ..base.clone()
            },
            "method: algorithm mc/0 has 'mc', not 'sobol'",
        ),
    ] {
        let error = monte_carlo.run(options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().starts_with(word), "{error}");
    }
    assert_eq!(monte_carlo.status().await.unwrap().runs_completed, 0);
}

async fn a_dropped_simulation_stops(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    let options = SimulationOptions {
        plan: everything().into(),
        samples: Some(MAX_SAMPLES),
        ..Default::default()
    };
    let running = tokio::time::timeout(
        std::time::Duration::from_millis(300),
        monte_carlo.run(options),
    );
    assert!(running.await.is_err());
    assert!(monte_carlo.status().await.unwrap().running.is_empty());
    // The threads are gone when a small simulation on all processors is fast again; nothing here waits on a clock.
    let options = SimulationOptions {
        plan: everything().into(),
        samples: Some(100),
        ..Default::default()
    };
    monte_carlo.run(options).await.unwrap();
}
