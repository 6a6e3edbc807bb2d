//! How a plan writes a distribution: a number, or an object with one key.

use super::Distribution;
use crate::document::{Field, Fields};
use crate::error::Result;
use crate::monte_carlo::math::{exp, ln, ln_gamma, normal_quantile};

/// The most values that an empirical, histogram or discrete distribution lists, and the most parts of a mixture.
const MAX_VALUES: usize = 100_000;

/// The most steps that a Poisson or binomial distribution is laid out in.
const MAX_COUNT: i64 = 1_000_000;

/// The names of distributions in plans.
const NAMES: [&str; 18] = [
    "constant",
    "uniform",
    "triangular",
    "pert",
    "normal",
    "truncatedNormal",
    "lognormal",
    "gamma",
    "beta",
    "weibull",
    "exponential",
    "empirical",
    "histogram",
    "mixture",
    "bernoulli",
    "poisson",
    "binomial",
    "discrete",
];

impl Distribution {
    /// Reads a number, or an object with one key: the distribution's name.
    pub(in crate::monte_carlo) fn read(field: &Field<'_>) -> Result<Self> {
        if field.value.is_number() {
            return Ok(Self::Constant(field.number()?));
        }
        let Some((name, _)) = field
            .value
            .as_object()
            .filter(|object| object.len() == 1)
            .and_then(|object| object.iter().next())
        else {
            return Err(
                field.expected("a number or an object with one key, the name of a distribution")
            );
        };
        let mut outer = field.fields()?;
        let known = NAMES.iter().find(|known| *known == name);
        let Some(inner) = known.and_then(|name| outer.get(name)) else {
            return Err(field.error(format_args!(
                "'{name}' is no distribution; known: {}",
                NAMES.join(", ")
            )));
        };
        let distribution = Self::named(name, &inner)?;
        Ok(distribution.simplified())
    }

    fn named(name: &str, field: &Field<'_>) -> Result<Self> {
        if name == "mixture" {
            return mixture(field);
        }
        if name == "constant" && field.value.is_number() {
            return Ok(Self::Constant(field.number()?));
        }
        let mut fields = field.fields()?;
        let mut numbers = Numbers {
            fields: &mut fields,
            field,
        };
        let distribution = match name {
            "constant" => Self::Constant(numbers.any("value")?),
            "uniform" => {
                let (min, max) = numbers.interval()?;
                Self::Uniform { min, max }
            }
            "triangular" => {
                let (min, mode, max) = numbers.peaked()?;
                Self::Triangular { min, mode, max }
            }
            "pert" => {
                let (min, mode, max) = numbers.peaked()?;
                let lambda = numbers.optional("lambda", 4.0)?;
                if !(0.0..=1e6).contains(&lambda) {
                    return Err(field.error(format_args!(
                        "lambda must be between 0 and 1000000, not {lambda}"
                    )));
                }
                let share = if max > min {
                    (mode - min) / (max - min)
                } else {
                    0.5
                };
                Self::Beta {
                    alpha: 1.0 + lambda * share,
                    beta: 1.0 + lambda * (1.0 - share),
                    min,
                    max,
                }
            }
            "beta" => {
                let (alpha, beta) = (numbers.positive("alpha")?, numbers.positive("beta")?);
                let min = numbers.optional("min", 0.0)?;
                let max = numbers.optional("max", 1.0)?;
                numbers.ordered(min, max)?;
                Self::Beta {
                    alpha,
                    beta,
                    min,
                    max,
                }
            }
            "normal" => Self::Normal {
                mean: numbers.any("mean")?,
                sd: numbers.not_negative("sd")?,
            },
            "truncatedNormal" => {
                let (mean, sd) = (numbers.any("mean")?, numbers.not_negative("sd")?);
                let (min, max) = numbers.interval()?;
                truncated_normal(field, mean, sd, min, max)?
            }
            "lognormal" => numbers.lognormal()?,
            "gamma" => Self::Gamma {
                shape: numbers.positive("shape")?,
                scale: numbers.positive("scale")?,
            },
            "weibull" => Self::Weibull {
                shape: numbers.positive("shape")?,
                scale: numbers.positive("scale")?,
            },
            "exponential" => Self::Exponential {
                mean: numbers.positive("mean")?,
            },
            "empirical" => {
                let mut values = numbers.list("values")?;
                values.sort_by(f64::total_cmp);
                Self::Empirical { values }
            }
            "histogram" => {
                let (edges, counts) = (numbers.list("edges")?, numbers.list("counts")?);
                histogram(field, edges, &counts)?
            }
            "discrete" => {
                let (values, weights) = (numbers.list("values")?, numbers.list("weights")?);
                discrete(field, &values, &weights)?
            }
            "bernoulli" => {
                let p = numbers.probability("p")?;
                discrete(field, &[0.0, 1.0], &[1.0 - p, p])?
            }
            "poisson" => poisson(numbers.not_negative("mean")?, field)?,
            "binomial" => {
                let n = numbers.fields.require("n")?.integer_in(0, MAX_COUNT)?;
                binomial(n, numbers.probability("p")?, field)?
            }
            _ => return Err(field.error("is no distribution")),
        };
        fields.finish_strict()?;
        Ok(distribution)
    }

    /// A distribution without width is a constant.
    fn simplified(self) -> Self {
        match self {
            Self::Uniform { min, max }
            | Self::Triangular { min, max, .. }
            | Self::Beta { min, max, .. }
            | Self::TruncatedNormal { min, max, .. }
                if min >= max =>
            {
                Self::Constant(min)
            }
            Self::Normal { mean, sd: 0.0 } => Self::Constant(mean),
            Self::Lognormal { mu, sigma: 0.0 } => Self::Constant(exp(mu)),
            Self::Empirical { values } if values.first() == values.last() => {
                Self::Constant(values[0])
            }
            Self::Discrete { values, .. } if values.len() == 1 => Self::Constant(values[0]),
            other => other,
        }
    }
}

/// Shares from weights; the last is exactly 1.
fn cumulative(field: &Field<'_>, weights: &[f64]) -> Result<Vec<f64>> {
    let total: f64 = weights.iter().sum();
    if weights.iter().any(|weight| *weight < 0.0) || total <= 0.0 || !total.is_finite() {
        return Err(field.error("the weights must not be negative, and not all zero"));
    }
    let mut sum = 0.0;
    let mut shares: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight;
            sum / total
        })
        .collect();
    if let Some(last) = shares.last_mut() {
        *last = 1.0;
    }
    Ok(shares)
}

fn discrete(field: &Field<'_>, values: &[f64], weights: &[f64]) -> Result<Distribution> {
    if values.len() != weights.len() {
        return Err(field.error(format_args!(
            "has {} values and {} weights",
            values.len(),
            weights.len()
        )));
    }
    let mut pairs: Vec<_> = values
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .filter(|(_, weight)| *weight != 0.0)
        .collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let weights: Vec<_> = pairs.iter().map(|(_, weight)| *weight).collect();
    let cumulative = cumulative(field, &weights)?;
    Ok(Distribution::Discrete {
        values: pairs.into_iter().map(|(value, _)| value).collect(),
        cumulative,
    })
}

fn histogram(field: &Field<'_>, edges: Vec<f64>, counts: &[f64]) -> Result<Distribution> {
    if edges.len() != counts.len() + 1 {
        return Err(field.error(format_args!(
            "{} counts need {} edges, not {}",
            counts.len(),
            counts.len() + 1,
            edges.len()
        )));
    }
    if edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(field.error("the edges must increase"));
    }
    let cumulative = cumulative(field, counts)?;
    Ok(Distribution::Histogram { edges, cumulative })
}

fn mixture(field: &Field<'_>) -> Result<Distribution> {
    let mut weights = Vec::new();
    let mut parts = Vec::new();
    for part in field.list()? {
        let mut fields = part.fields()?;
        weights.push(fields.require("weight")?.number_in(0.0, 1e300)?);
        parts.push(Distribution::read(&fields.require("of")?)?);
        fields.finish_strict()?;
        if parts.len() > 1000 {
            return Err(field.error("has more than 1000 parts"));
        }
    }
    if parts.is_empty() {
        return Err(field.error("needs at least one part"));
    }
    let shares = cumulative(field, &weights)?;
    Ok(Distribution::Mixture {
        parts: shares.into_iter().zip(parts).collect(),
    })
}

fn truncated_normal(
    field: &Field<'_>,
    mean: f64,
    sd: f64,
    min: f64,
    max: f64,
) -> Result<Distribution> {
    if sd == 0.0 {
        return Ok(Distribution::Constant(mean.clamp(min, max)));
    }
    let (a, b) = ((min - mean) / sd, (max - mean) / sd);
    if min < max && a.abs().min(b.abs()) > 35.0 && a * b > 0.0 {
        return Err(field.error("the interval lies more than 35 standard deviations from the mean"));
    }
    Ok(Distribution::TruncatedNormal { mean, sd, min, max })
}

fn poisson(mean: f64, field: &Field<'_>) -> Result<Distribution> {
    if mean > 100_000.0 {
        return Err(field.error(format_args!(
            "mean: must be at most 100000, not {mean}; use a normal distribution"
        )));
    }
    if mean == 0.0 {
        return Ok(Distribution::Constant(0.0));
    }
    // Twelve standard deviations hold all but 1e-30 of it.
    let most = mean + 12.0 * mean.sqrt() + 40.0;
    laid_out(most as i64, field, |k| {
        k * ln(mean) - mean - ln_gamma(k + 1.0)
    })
}

fn binomial(n: i64, p: f64, field: &Field<'_>) -> Result<Distribution> {
    let count = n as f64;
    if n == 0 || p == 0.0 {
        return Ok(Distribution::Constant(0.0));
    }
    if p == 1.0 {
        return Ok(Distribution::Constant(count));
    }
    laid_out(n, field, |k| {
        ln_gamma(count + 1.0) - ln_gamma(k + 1.0) - ln_gamma(count - k + 1.0)
            + k * ln(p)
            + (count - k) * libm::log1p(-p)
    })
}

/// A count from 0 to `most` with the logarithm of each probability; what is too small to be drawn is left out.
fn laid_out(
    most: i64,
    field: &Field<'_>,
    ln_probability: impl Fn(f64) -> f64,
) -> Result<Distribution> {
    let mut values = Vec::new();
    let mut weights = Vec::new();
    for k in 0..=most {
        let weight = exp(ln_probability(k as f64));
        if weight > 1e-25 {
            values.push(k as f64);
            weights.push(weight);
        }
    }
    let cumulative = cumulative(field, &weights)?;
    Ok(Distribution::Discrete { values, cumulative })
}

/// The parameters of one distribution, read with their rules.
struct Numbers<'f, 'a> {
    fields: &'f mut Fields<'a>,
    field: &'f Field<'a>,
}

impl Numbers<'_, '_> {
    fn any(&mut self, key: &'static str) -> Result<f64> {
        self.fields.require(key)?.number()
    }

    fn not_negative(&mut self, key: &'static str) -> Result<f64> {
        self.fields.require(key)?.number_in(0.0, f64::INFINITY)
    }

    fn positive(&mut self, key: &'static str) -> Result<f64> {
        let field = self.fields.require(key)?;
        if field.number()? > 0.0 {
            field.number()
        } else {
            Err(field.expected("greater than 0"))
        }
    }

    fn probability(&mut self, key: &'static str) -> Result<f64> {
        self.fields.require(key)?.number_in(0.0, 1.0)
    }

    fn optional(&mut self, key: &'static str, default: f64) -> Result<f64> {
        self.fields
            .get(key)
            .map_or(Ok(default), |field| field.number())
    }

    fn interval(&mut self) -> Result<(f64, f64)> {
        let (min, max) = (self.any("min")?, self.any("max")?);
        self.ordered(min, max)?;
        Ok((min, max))
    }

    fn ordered(&self, min: f64, max: f64) -> Result<()> {
        if min <= max {
            Ok(())
        } else {
            Err(self.field.error(format_args!(
                "min must not be above max, {min} is above {max}"
            )))
        }
    }

    fn peaked(&mut self) -> Result<(f64, f64, f64)> {
        let (min, mode, max) = (self.any("min")?, self.any("mode")?, self.any("max")?);
        if min <= mode && mode <= max {
            return Ok((min, mode, max));
        }
        Err(self.field.error(format_args!(
            "must have min <= mode <= max, not {min}, {mode}, {max}"
        )))
    }

    /// By the moments of the values, or by the two values that a tenth lies below and above.
    fn lognormal(&mut self) -> Result<Distribution> {
        if let Some(low) = self.fields.get("p10") {
            let high = self.fields.require("p90")?;
            let (p10, p90) = (low.number()?, high.number()?);
            if !(p10 > 0.0 && p10 <= p90) {
                return Err(self
                    .field
                    .error(format_args!("must have 0 < p10 <= p90, not {p10}, {p90}")));
            }
            let z = normal_quantile(0.9, 0.1);
            return Ok(Distribution::Lognormal {
                mu: 0.5 * (ln(p10) + ln(p90)),
                sigma: (ln(p90) - ln(p10)) / (2.0 * z),
            });
        }
        let (mean, sd) = (self.positive("mean")?, self.not_negative("sd")?);
        let variation = sd / mean;
        let variance = libm::log1p(variation * variation);
        Ok(Distribution::Lognormal {
            mu: ln(mean) - 0.5 * variance,
            sigma: variance.sqrt(),
        })
    }

    fn list(&mut self, key: &'static str) -> Result<Vec<f64>> {
        let field = self.fields.require(key)?;
        let items = field.list()?;
        if items.is_empty() || items.len() > MAX_VALUES {
            return Err(field.error(format_args!("must have 1 to {MAX_VALUES} numbers")));
        }
        items.iter().map(Field::number).collect()
    }
}
