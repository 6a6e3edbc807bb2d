//! Distributions against their closed forms.

use serde_json::json;

use super::super::math::{normal_below, pow};
use super::super::stream::Uniform;
use super::super::tally::Moments;
use super::super::*;
use super::close;

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
