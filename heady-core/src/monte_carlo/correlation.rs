//! Variables that move together: a Gaussian copula over the normal scores of drivers and durations.

use super::math::{normal_below, normal_quantile};
use super::plan::{Driver, PlanTask};
use super::stream::Uniform;
use crate::document::Field;
use crate::error::Result;

/// The most variables of a correlation matrix.
const MAX_SIZE: usize = 200;

/// How far a matrix may be from symmetry and from a diagonal of ones.
const TOLERANCE: f64 = 1e-12;

/// Which variable a row of the matrix is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    Driver(usize),
    Duration(usize),
}

/// The correlated variables and the lower triangle that makes independent scores correlated ones.
#[derive(Debug, Clone)]
pub(super) struct Correlation {
    pub(super) variables: Vec<Variable>,
    factor: Vec<Vec<f64>>,
}

impl Correlation {
    pub(super) fn read(field: &Field<'_>, drivers: &[Driver], tasks: &[PlanTask]) -> Result<Self> {
        let mut fields = field.fields()?;
        let ids = fields.require("ids")?;
        let mut variables = Vec::new();
        for (name, item) in ids.names()?.iter().zip(ids.list()?) {
            let driver = drivers
                .iter()
                .position(|driver| driver.id == *name)
                .map(Variable::Driver);
            let task = tasks
                .iter()
                .position(|task| task.id == *name)
                .map(Variable::Duration);
            let variable = driver
                .or(task)
                .ok_or_else(|| item.error(format_args!("no driver or task has the id '{name}'")))?;
            if variables.contains(&variable) {
                return Err(item.error(format_args!("'{name}' stands there twice")));
            }
            variables.push(variable);
        }
        let size = variables.len();
        if !(2..=MAX_SIZE).contains(&size) {
            return Err(ids.error(format_args!("must name 2 to {MAX_SIZE} drivers or tasks")));
        }
        let spearman = match fields.get("kind") {
            Some(kind) => match kind.text()? {
                "spearman" => true,
                "pearson" => false,
                _ => return Err(kind.expected("pearson or spearman")),
            },
            None => false,
        };
        let (matrix, rho) = (fields.get("matrix"), fields.get("rho"));
        let mut matrix = match (matrix, rho) {
            (Some(matrix), None) => read_matrix(&matrix, size)?,
            (None, Some(rho)) => {
                let rho = rho.number_in(-1.0, 1.0)?;
                let power = |distance: usize| (0..distance).fold(1.0, |product, _| product * rho);
                (0..size)
                    .map(|i| (0..size).map(|j| power(i.abs_diff(j))).collect())
                    .collect()
            }
            _ => return Err(field.error("needs either matrix or rho")),
        };
        fields.finish_strict()?;
        if spearman {
            for (i, row) in matrix.iter_mut().enumerate() {
                for (j, value) in row.iter_mut().enumerate() {
                    if i != j {
                        // The normal scores that give this rank correlation (K. Pearson, 1907).
                        *value = 2.0 * libm::sin(std::f64::consts::PI * *value / 6.0);
                    }
                }
            }
        }
        match cholesky(&matrix) {
            Some(factor) => Ok(Self { variables, factor }),
            None => Err(field.error(format_args!(
                "no variables can be correlated like this: the matrix has the eigenvalue {:.6}",
                smallest_eigenvalue(matrix)
            ))),
        }
    }

    /// Makes the points of one sample move together, in the order of [`Correlation::variables`].
    pub(super) fn apply(&self, points: &mut [Uniform], scores: &mut Vec<f64>) {
        scores.clear();
        scores.extend(
            points
                .iter()
                .map(|point| normal_quantile(point.below, point.above)),
        );
        for (row, point) in self.factor.iter().zip(points) {
            let mut sum = 0.0;
            for (weight, score) in row.iter().zip(scores.iter()) {
                sum += weight * score;
            }
            *point = Uniform::at(
                normal_below(sum).max(f64::MIN_POSITIVE),
                normal_below(-sum).max(f64::MIN_POSITIVE),
            );
        }
    }
}

fn read_matrix(field: &Field<'_>, size: usize) -> Result<Vec<Vec<f64>>> {
    let rows = field.list()?;
    if rows.len() != size {
        return Err(field.error(format_args!("must have {size} rows, not {}", rows.len())));
    }
    let mut matrix: Vec<Vec<f64>> = Vec::with_capacity(size);
    for row in &rows {
        let values = row
            .list()?
            .iter()
            .map(|value| value.number_in(-1.0, 1.0))
            .collect::<Result<Vec<_>>>()?;
        if values.len() != size {
            return Err(row.error(format_args!(
                "must have {size} numbers, not {}",
                values.len()
            )));
        }
        matrix.push(values);
    }
    for (i, row) in matrix.iter().enumerate() {
        if (row[i] - 1.0).abs() > TOLERANCE {
            return Err(rows[i].error(format_args!("the diagonal must be 1, not {}", row[i])));
        }
        for (j, value) in row.iter().enumerate() {
            if (value - matrix[j][i]).abs() > TOLERANCE {
                return Err(rows[i].error(format_args!(
                    "must be symmetric: [{i}][{j}] is {value}, [{j}][{i}] is {}",
                    matrix[j][i]
                )));
            }
        }
    }
    Ok(matrix)
}

/// The lower triangle L with L L' = matrix, or `None` if there is none. Variables that depend on others wholly have
/// zeros in their column.
fn cholesky(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let size = matrix.len();
    let mut factor = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..=i {
            let mut rest = matrix[i][j];
            for (a, b) in factor[i].iter().zip(&factor[j]).take(j) {
                rest -= a * b;
            }
            if i == j {
                if rest < -1e-9 {
                    return None;
                }
                factor[i][i] = if rest > 1e-12 { rest.sqrt() } else { 0.0 };
            } else if factor[j][j] > 0.0 {
                factor[i][j] = rest / factor[j][j];
            } else if rest.abs() > 1e-6 {
                return None;
            }
        }
    }
    Some(factor)
}

/// By Jacobi's rotations; only for the message.
fn smallest_eigenvalue(mut matrix: Vec<Vec<f64>>) -> f64 {
    let size = matrix.len();
    for _ in 0..50 {
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix[p][q];
                if off.abs() < 1e-14 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * off);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for row in &mut matrix {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                let (low, high) = matrix.split_at_mut(q);
                for (a, b) in low[p].iter_mut().zip(high[0].iter_mut()) {
                    (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
                }
            }
        }
    }
    (0..size)
        .map(|index| matrix[index][index])
        .fold(f64::INFINITY, f64::min)
}
