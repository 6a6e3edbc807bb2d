//! Distributions: one uniform point in, one value out, always by the inverse of the distribution function.
//!
//! No rejection, so every variate takes exactly one word, and a larger point never gives a smaller value.

mod read;

use super::math::{self, exp, ln, ln_gamma, normal_below, normal_density, normal_quantile};
use super::stream::Uniform;

/// A distribution of one number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Distribution {
    Constant(f64),
    Uniform {
        min: f64,
        max: f64,
    },
    Triangular {
        min: f64,
        mode: f64,
        max: f64,
    },
    /// Also PERT: a beta distribution on an interval.
    Beta {
        alpha: f64,
        beta: f64,
        min: f64,
        max: f64,
    },
    Normal {
        mean: f64,
        sd: f64,
    },
    TruncatedNormal {
        mean: f64,
        sd: f64,
        min: f64,
        max: f64,
    },
    /// Of the logarithm: its mean and standard deviation.
    Lognormal {
        mu: f64,
        sigma: f64,
    },
    Gamma {
        shape: f64,
        scale: f64,
    },
    Weibull {
        shape: f64,
        scale: f64,
    },
    Exponential {
        mean: f64,
    },
    /// Sorted values, each as likely as the others.
    Empirical {
        values: Vec<f64>,
    },
    /// Between two edges every value is as likely; the shares add up along the edges.
    Histogram {
        edges: Vec<f64>,
        cumulative: Vec<f64>,
    },
    /// Sorted values with the share up to each.
    Discrete {
        values: Vec<f64>,
        cumulative: Vec<f64>,
    },
    /// The share up to each part, and the part.
    Mixture {
        parts: Vec<(f64, Distribution)>,
    },
}

impl Distribution {
    /// Whether every draw is the same, so that none is needed.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    /// The value at a point of the unit interval.
    pub(super) fn value(&self, u: Uniform) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { min, max } => min + (max - min) * u.below,
            Self::Triangular { min, mode, max } => {
                let (width, rise) = (max - min, mode - min);
                if u.below * width <= rise {
                    min + (u.below * width * rise).sqrt()
                } else {
                    max - (u.above * width * (max - mode)).sqrt()
                }
            }
            Self::Beta {
                alpha,
                beta,
                min,
                max,
            } => min + (max - min) * math::beta_quantile(u.below, u.above, *alpha, *beta),
            Self::Normal { mean, sd } => mean + sd * normal_quantile(u.below, u.above),
            Self::TruncatedNormal { mean, sd, min, max } => {
                let (a, b) = ((min - mean) / sd, (max - mean) / sd);
                // Of the two mirrored forms the one whose interval lies in the lower tail keeps its digits.
                let z = if a + b <= 0.0 {
                    let below = normal_below(a) + u.below * (normal_below(b) - normal_below(a));
                    normal_quantile(below, 1.0 - below)
                } else {
                    let above = normal_below(-b) + u.above * (normal_below(-a) - normal_below(-b));
                    normal_quantile(1.0 - above, above)
                };
                (mean + sd * z).clamp(*min, *max)
            }
            Self::Lognormal { mu, sigma } => exp(mu + sigma * normal_quantile(u.below, u.above)),
            Self::Gamma { shape, scale } => scale * math::gamma_quantile(u.below, u.above, *shape),
            Self::Weibull { shape, scale } => scale * math::pow(-ln(u.above), 1.0 / shape),
            Self::Exponential { mean } => -mean * ln(u.above),
            Self::Empirical { values } => values[index(u.below, values.len())],
            Self::Histogram { edges, cumulative } => {
                let bin = place(cumulative, u.below);
                let (low, high) = (
                    if bin == 0 { 0.0 } else { cumulative[bin - 1] },
                    cumulative[bin],
                );
                edges[bin]
                    + (edges[bin + 1] - edges[bin])
                        * ((u.below - low) / (high - low)).clamp(0.0, 1.0)
            }
            Self::Discrete { values, cumulative } => values[place(cumulative, u.below)],
            Self::Mixture { parts } => {
                let part = parts
                    .iter()
                    .position(|(until, _)| u.below < *until)
                    .unwrap_or(parts.len() - 1);
                let low = if part == 0 { 0.0 } else { parts[part - 1].0 };
                let width = parts[part].0 - low;
                let below = ((u.below - low) / width).clamp(f64::MIN_POSITIVE, 1.0 - f64::EPSILON);
                parts[part].1.value(Uniform::at(below, 1.0 - below))
            }
        }
    }

    /// The mean.
    pub(super) fn mean(&self) -> f64 {
        match self {
            Self::Constant(value) => *value,
            Self::Uniform { min, max } => 0.5 * (min + max),
            Self::Triangular { min, mode, max } => (min + mode + max) / 3.0,
            Self::Beta {
                alpha,
                beta,
                min,
                max,
            } => min + (max - min) * alpha / (alpha + beta),
            Self::Normal { mean, .. } | Self::Exponential { mean } => *mean,
            Self::TruncatedNormal { mean, sd, min, max } => {
                let (a, b) = ((min - mean) / sd, (max - mean) / sd);
                let inside = if a + b <= 0.0 {
                    normal_below(b) - normal_below(a)
                } else {
                    normal_below(-a) - normal_below(-b)
                };
                mean + sd * (normal_density(a) - normal_density(b)) / inside
            }
            Self::Lognormal { mu, sigma } => exp(mu + 0.5 * sigma * sigma),
            Self::Gamma { shape, scale } => shape * scale,
            Self::Weibull { shape, scale } => scale * exp(ln_gamma(1.0 + 1.0 / shape)),
            Self::Empirical { values } => values.iter().sum::<f64>() / values.len() as f64,
            Self::Histogram { edges, cumulative } => {
                weighted(cumulative, |bin| 0.5 * (edges[bin] + edges[bin + 1]))
            }
            Self::Discrete { values, cumulative } => weighted(cumulative, |index| values[index]),
            Self::Mixture { parts } => {
                let cumulative: Vec<_> = parts.iter().map(|(until, _)| *until).collect();
                weighted(&cumulative, |part| parts[part].1.mean())
            }
        }
    }

    /// The probability of a value below zero, where that is possible.
    pub(super) fn below_zero(&self) -> f64 {
        match self {
            Self::Constant(value) => f64::from(u8::from(*value < 0.0)),
            Self::Uniform { min, max } => (-min / (max - min)).clamp(0.0, 1.0),
            Self::Triangular { min, .. } | Self::Beta { min, .. } if *min >= 0.0 => 0.0,
            Self::Normal { mean, sd } => normal_below(-mean / sd),
            Self::TruncatedNormal { min, .. } if *min >= 0.0 => 0.0,
            Self::Lognormal { .. }
            | Self::Gamma { .. }
            | Self::Weibull { .. }
            | Self::Exponential { .. } => 0.0,
            // The rest has no closed form worth its lines: look at a thousand evenly spread points.
            other => {
                let point = |index: u32| (f64::from(index) + 0.5) / 1000.0;
                let below = (0..1000).filter(|&index| {
                    other.value(Uniform::at(point(index), 1.0 - point(index))) < 0.0
                });
                below.count() as f64 / 1000.0
            }
        }
    }
}

fn index(below: f64, count: usize) -> usize {
    ((below * count as f64) as usize).min(count - 1)
}

/// The first place whose cumulative share reaches beyond the point.
fn place(cumulative: &[f64], below: f64) -> usize {
    cumulative
        .partition_point(|share| *share <= below)
        .min(cumulative.len() - 1)
}

fn weighted(cumulative: &[f64], value: impl Fn(usize) -> f64) -> f64 {
    let mut last = 0.0;
    let mut sum = 0.0;
    for (index, share) in cumulative.iter().enumerate() {
        sum += (share - last) * value(index);
        last = *share;
    }
    sum
}
