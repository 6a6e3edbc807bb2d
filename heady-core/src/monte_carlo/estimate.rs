//! From counts and ranks to estimates with their 95 % intervals.

use super::math::{beta_quantile, student_95};
use super::tally::{Buckets, Moments};
use super::{Estimate, Quantile, Spread};

/// The quantiles of a summary.
const QUANTILES: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 0.75, 0.8, 0.9, 0.95, 0.99];

/// The standard normal distribution's two-sided 95 % quantile.
const Z: f64 = 1.959_963_984_540_054;

/// A probability from hits, with the exact interval of C. J. Clopper and E. S. Pearson (Biometrika 26, 1934): never
/// just 0 or 1, however few or many the hits.
pub(super) fn probability(hits: u64, samples: u64) -> Estimate {
    let (k, n) = (hits as f64, samples as f64);
    Estimate {
        estimate: k / n,
        lower: if hits == 0 {
            0.0
        } else {
            beta_quantile(0.025, 0.975, k, n - k + 1.0)
        },
        upper: if hits == samples {
            1.0
        } else {
            beta_quantile(0.975, 0.025, k + 1.0, n - k)
        },
    }
}

/// Mean, standard deviation and quantiles. A quantile's interval is that between two order statistics, by the normal
/// approximation of the binomial distribution of their ranks (H. A. David, *Order Statistics*, 1981, 2.5).
pub(super) fn spread(moments: &Moments, buckets: &Buckets) -> Spread {
    let n = moments.count as f64;
    let sd = moments.sd();
    let half = if moments.count < 2 {
        0.0
    } else {
        student_95(n - 1.0) * sd / n.sqrt()
    };
    let ranking = buckets.ranking();
    let rank = |position: f64| (position.max(1.0) as u64).clamp(1, moments.count.max(1));
    let quantile = |&p: &f64| {
        let around = Z * (n * p * (1.0 - p)).sqrt();
        Quantile {
            p,
            value: ranking.value(rank((n * p).ceil())),
            lower: ranking.value(rank((n * p - around).floor())),
            upper: ranking.value(rank((n * p + around).ceil() + 1.0)),
        }
    };
    Spread {
        mean: Estimate {
            estimate: moments.mean,
            lower: moments.mean - half,
            upper: moments.mean + half,
        },
        sd,
        quantiles: QUANTILES.iter().map(quantile).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::stream::Stream;
    use super::*;

    #[test]
    fn intervals_are_those_of_tables_and_never_a_point() {
        let tenth = probability(10, 100);
        assert!(
            (tenth.lower - 0.049_004_689).abs() < 1e-8
                && (tenth.upper - 0.176_222_598).abs() < 1e-8,
            "{tenth:?}"
        );
        let all = probability(2000, 2000);
        assert!(all.upper == 1.0 && all.lower < 1.0 && all.lower > 0.998);
        let none = probability(0, 2000);
        assert!(none.lower == 0.0 && none.upper > 0.0 && none.upper < 0.002);
        assert!((1.0 - all.lower - none.upper).abs() < 1e-12);
    }

    #[test]
    fn the_stated_coverage_is_kept() {
        // 2,000 experiments of 200 samples: the exact interval covers at least 95 %, that of the median about that.
        let (mut covered, mut median) = (0, 0);
        for seed in 0..2000 {
            let mut stream = Stream::new(seed, "coverage", &["x"]);
            let mut words = [0; 200];
            stream.fill(0, &mut words);
            let values: Vec<f64> = words
                .iter()
                .map(|word| super::super::stream::Uniform::of(*word).below)
                .collect();
            let hits = values.iter().filter(|value| **value < 0.3).count() as u64;
            let estimate = probability(hits, 200);
            covered += i32::from(estimate.lower <= 0.3 && 0.3 <= estimate.upper);
            let mut buckets = Buckets::fine();
            for value in &values {
                buckets.add(*value);
            }
            let spread = spread(&Moments::of(&values), &buckets);
            let middle = spread
                .quantiles
                .iter()
                .find(|quantile| quantile.p == 0.5)
                .unwrap();
            median += i32::from(middle.lower <= 0.5 && 0.5 <= middle.upper);
        }
        assert!((1900..=1970).contains(&covered), "{covered} of 2000");
        assert!((1880..=1960).contains(&median), "{median} of 2000");
    }
}
