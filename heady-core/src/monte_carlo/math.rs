//! Special functions of the distributions and intervals, from `+ - * /`, square roots and the pinned `libm` alone: the
//! same bits on every platform.

/// The natural logarithm.
pub(super) fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// The exponential.
pub(super) fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// A power with any exponent.
pub(super) fn pow(x: f64, y: f64) -> f64 {
    libm::pow(x, y)
}

/// The logarithm of the gamma function.
pub(super) fn ln_gamma(x: f64) -> f64 {
    libm::lgamma(x)
}

/// The probability of at most `x` under the standard normal distribution.
pub(super) fn normal_below(x: f64) -> f64 {
    0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2)
}

/// The density of the standard normal distribution.
pub(super) fn normal_density(x: f64) -> f64 {
    exp(-0.5 * x * x) * 0.398_942_280_401_432_7
}

/// The quantile of the standard normal distribution, given the distances of a point from 0 and 1, to about 1e-15
/// (M. J. Wichura, *Algorithm AS 241*, Applied Statistics 37, 1988; routine PPND16).
pub(super) fn normal_quantile(below: f64, above: f64) -> f64 {
    let q = if below < above {
        below - 0.5
    } else {
        0.5 - above
    };
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(&AS241_A, &AS241_B, r);
    }
    let r = (-ln(below.min(above))).sqrt();
    let z = if r <= 5.0 {
        ratio(&AS241_C, &AS241_D, r - 1.6)
    } else {
        ratio(&AS241_E, &AS241_F, r - 5.0)
    };
    if q < 0.0 { -z } else { z }
}

fn ratio(numerator: &[f64], denominator: &[f64], x: f64) -> f64 {
    let evaluate = |coefficients: &[f64]| {
        coefficients
            .iter()
            .rev()
            .fold(0.0, |sum, coefficient| sum * x + coefficient)
    };
    evaluate(numerator) / evaluate(denominator)
}

const AS241_A: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const AS241_B: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_545,
];
const AS241_C: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const AS241_D: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const AS241_E: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    0.001_242_660_947_388_078_4,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const AS241_F: [f64; 8] = [
    1.0,
    0.599_832_206_555_887_9,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_7e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_94e-15,
];

/// What stands for zero in a denominator.
const TINY: f64 = 1e-300;

/// How close an iteration comes before it ends.
const CLOSE: f64 = 1e-15;

/// The regularised incomplete beta function and its complement, by Lentz's evaluation of its continued fraction
/// (W. H. Press et al., *Numerical Recipes*, 3rd ed., 2007, 6.4).
pub(super) fn beta_below(x: f64, a: f64, b: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if x >= 1.0 {
        return (1.0, 0.0);
    }
    let front = exp(ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * ln(x) + b * libm::log1p(-x));
    // The fraction converges fast on one side of the mean only; the other is its mirror.
    if x < (a + 1.0) / (a + b + 2.0) {
        let below = (front * beta_fraction(x, a, b) / a).min(1.0);
        (below, 1.0 - below)
    } else {
        let above = (front * beta_fraction(1.0 - x, b, a) / b).min(1.0);
        (1.0 - above, above)
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..10_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < CLOSE {
            break;
        }
    }
    fraction
}

/// The regularised lower incomplete gamma function and its complement, by series or continued fraction (as above, 6.2).
pub(super) fn gamma_below(x: f64, a: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    let front = exp(a * ln(x) - x - ln_gamma(a));
    if x < a + 1.0 {
        let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
        for _ in 0..100_000 {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term < sum * CLOSE {
                break;
            }
        }
        let below = (front * sum).min(1.0);
        return (below, 1.0 - below);
    }
    let mut b = x + 1.0 - a;
    let mut c = 1.0 / TINY;
    let mut d = 1.0 / b;
    let mut fraction = d;
    for step in 1..100_000 {
        let i = f64::from(step);
        let term = -i * (i - a);
        b += 2.0;
        d = term * d + b;
        d = 1.0 / if d.abs() < TINY { TINY } else { d };
        c = b + term / c;
        c = if c.abs() < TINY { TINY } else { c };
        let change = d * c;
        fraction *= change;
        if (change - 1.0).abs() < CLOSE {
            break;
        }
    }
    let above = (front * fraction).min(1.0);
    (1.0 - above, above)
}

/// The point of an increasing distribution function at the given distances from 0 and 1: bisection between `low` and
/// `high`, made fast by Newton's steps where they stay inside the bracket.
pub(super) fn invert(
    (below, above): (f64, f64),
    (mut low, mut high): (f64, f64),
    start: f64,
    distribution: impl Fn(f64) -> (f64, f64),
    density: impl Fn(f64) -> f64,
) -> f64 {
    let mut x = start.clamp(low, high);
    for _ in 0..200 {
        let (found_below, found_above) = distribution(x);
        // The nearer end has the digits.
        let error = if below < above {
            found_below - below
        } else {
            above - found_above
        };
        if error > 0.0 {
            high = x;
        } else {
            low = x;
        }
        let slope = density(x);
        let mut next = x - error / slope;
        if !(slope > 0.0 && next > low && next < high) {
            next = 0.5 * (low + high);
        }
        if (next - x).abs() <= 4.0 * f64::EPSILON * x.abs() || next <= low && next >= high {
            return next;
        }
        x = next;
    }
    x
}

/// The quantile of the beta distribution on [0, 1].
pub(super) fn beta_quantile(below: f64, above: f64, a: f64, b: f64) -> f64 {
    let scale = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    let density = |x: f64| {
        if x <= 0.0 || x >= 1.0 {
            0.0
        } else {
            exp(scale + (a - 1.0) * ln(x) + (b - 1.0) * libm::log1p(-x))
        }
    };
    invert(
        (below, above),
        (0.0, 1.0),
        a / (a + b),
        |x| beta_below(x, a, b),
        density,
    )
}

/// The quantile of the gamma distribution with scale 1.
pub(super) fn gamma_quantile(below: f64, above: f64, shape: f64) -> f64 {
    let scale = ln_gamma(shape);
    let density = |x: f64| {
        if x <= 0.0 {
            0.0
        } else {
            exp((shape - 1.0) * ln(x) - x - scale)
        }
    };
    // Wilson and Hilferty's cube as a start, and a bracket that holds every double above the smallest tail.
    let z = normal_quantile(below, above);
    let cube = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
    let start = (shape * cube * cube * cube).max(1e-3 * shape);
    invert(
        (below, above),
        (0.0, shape + 40.0 * shape.sqrt() + 800.0),
        start,
        |x| gamma_below(x, shape),
        density,
    )
}

/// The two-sided 95 % quantile of Student's t with so many degrees of freedom.
pub(super) fn student_95(freedom: f64) -> f64 {
    let x = beta_quantile(0.05, 0.95, 0.5 * freedom, 0.5);
    (freedom * (1.0 - x) / x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64, relative: f64) {
        assert!(
            (a - b).abs() <= relative * b.abs().max(1e-300),
            "{a} is not {b}"
        );
    }

    #[test]
    fn the_normal_quantile_is_that_of_tables() {
        for (p, z) in [
            (0.5, 0.0),
            (0.975, 1.959_963_984_540_054),
            (0.8, 0.841_621_233_572_914_3),
            (1e-10, -6.361_340_902_404_056),
        ] {
            let found = normal_quantile(p, 1.0 - p);
            assert!((found - z).abs() < 1e-14 * z.abs().max(1.0), "{p}: {found}");
        }
        // The far upper tail, of which 1 - p keeps nothing.
        close(normal_quantile(1.0, 1e-20), 9.262_340_089_798_408, 1e-14);
        for z in [-5.0, -1.0, 0.3, 2.0] {
            let below = normal_below(z);
            assert!((normal_quantile(below, normal_below(-z)) - z).abs() < 1e-13);
        }
    }

    #[test]
    fn beta_and_gamma_agree_with_their_closed_forms() {
        // I_x(a, 1) = x^a, I_x(1/2, 1/2) = 2/pi asin sqrt x, P(1, x) = 1 - exp(-x).
        for x in [0.01, 0.3, 0.7, 0.999] {
            close(beta_below(x, 3.0, 1.0).0, x * x * x, 1e-13);
            close(
                beta_below(x, 0.5, 0.5).0,
                2.0 / std::f64::consts::PI * libm::asin(x.sqrt()),
                1e-13,
            );
            close(gamma_below(x * 20.0, 1.0).1, exp(-x * 20.0), 1e-12);
        }
        for p in [1e-12, 0.2, 0.5, 0.999_999] {
            close(beta_quantile(p, 1.0 - p, 2.0, 1.0), p.sqrt(), 1e-10);
            close(gamma_quantile(p, 1.0 - p, 1.0), -libm::log1p(-p), 1e-8);
        }
    }

    #[test]
    fn students_t_is_that_of_tables() {
        for (freedom, t) in [
            (1.0, 12.706_204_736),
            (15.0, 2.131_449_546),
            (1e6, 1.959_966_36),
        ] {
            close(student_95(freedom), t, 1e-8);
        }
    }
}
