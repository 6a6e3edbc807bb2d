//! Simulations as text.

use std::fmt::Write;

use super::{duration, percent, table};
use crate::monte_carlo::{Estimate, Simulation};

/// The widest bar of a drawn histogram.
const BAR: usize = 40;

/// The rows of a drawn histogram.
const ROWS: usize = 12;

/// A simulation: probabilities, quantiles and the shape of the durations.
pub fn simulation(simulation: &Simulation) -> String {
    let mut text = format!(
        "{} samples in {} ({}, seed {}, digest {})\n\n",
        simulation.samples,
        duration(simulation.elapsed_ms),
        simulation.algorithm,
        simulation.seed,
        simulation.digest
    );
    let mut chances = table::new(&["Probability", ">Estimate", ">At least", ">At most"]);
    let mut chance = |name: &str, estimate: &Estimate| {
        chances.add_row([
            name.to_owned(),
            percent(estimate.estimate),
            percent(estimate.lower),
            percent(estimate.upper),
        ]);
    };
    chance("no task fails for good", &simulation.success);
    if let Some(on_time) = &simulation.on_time {
        chance("on time", on_time);
    }
    if let Some(within_budget) = &simulation.within_budget {
        chance("within the budget", within_budget);
    }
    chance("all of that", &simulation.joint);
    text += &table::text(&chances);

    let mut spreads = table::new(&["", ">Mean", ">P50", ">P80", ">P95"]);
    for (name, spread) in [
        ("Duration", &simulation.duration),
        ("Cost", &simulation.cost),
    ] {
        let quantile = |p: f64| {
            let found = spread
                .quantiles
                .iter()
                .find(|quantile| (quantile.p - p).abs() < 1e-9);
            found
                .map(|quantile| number(quantile.value))
                .unwrap_or_default()
        };
        spreads.add_row([
            name.to_owned(),
            number(spread.mean.estimate),
            quantile(0.5),
            quantile(0.8),
            quantile(0.95),
        ]);
    }
    text.push('\n');
    text += &table::text(&spreads);
    text.push('\n');
    text += &histogram(&simulation.histogram.edges, &simulation.histogram.counts);
    for warning in &simulation.warnings {
        let _ = writeln!(
            text,
            "\n{} {}: {}",
            warning.code, warning.path, warning.message
        );
    }
    let readiness = &simulation.readiness;
    let _ = writeln!(
        text,
        "\nReadiness {} (grade {}): {}",
        readiness.score, readiness.grade, readiness.verdict
    );
    text
}

fn number(value: f64) -> String {
    if value.abs() >= 1000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}

fn histogram(edges: &[f64], counts: &[i64]) -> String {
    let together = counts.len().div_ceil(ROWS).max(1);
    let rows: Vec<i64> = counts
        .chunks(together)
        .map(|counts| counts.iter().sum())
        .collect();
    let most = rows.iter().copied().max().unwrap_or(0).max(1);
    let mut text = String::new();
    for (row, count) in rows.iter().enumerate() {
        let length = (*count as f64 / most as f64 * BAR as f64).round() as usize;
        let from = edges.get(row * together).copied().unwrap_or_default();
        let _ = writeln!(text, "  {:>12} {}", number(from), "█".repeat(length));
    }
    text
}
