//! Results drawn for people: pure functions from result types to text.

mod audit;
mod drift;
mod import;
#[cfg(feature = "http")]
mod keys;
mod probe;
mod registry;
mod run;
mod simulation;
mod table;

pub use audit::{audit, audit_verified};
pub use drift::drift;
pub use import::import;
#[cfg(feature = "http")]
pub use keys::{api_key, api_keys};
pub use probe::probe;
pub use registry::{change, node, nodes, other_sections, service, services, workflow, workflows};
pub use run::{run, runs};
pub use simulation::simulation;
pub use table::within;

/// A time in milliseconds with a fitting unit: `0.42 ms`, `1.50 s`, `2 min 05 s`.
pub fn duration(ms: f64) -> String {
    match ms {
        ms if ms < 1.0 => format!("{ms:.2} ms"),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 60_000.0 => format!("{:.2} s", ms / 1000.0),
        ms if ms < 3_600_000.0 => format!(
            "{:.0} min {:02.0} s",
            (ms / 60_000.0).floor(),
            (ms % 60_000.0 / 1000.0).floor()
        ),
        ms => format!(
            "{:.0} h {:02.0} min",
            (ms / 3_600_000.0).floor(),
            (ms % 3_600_000.0 / 60_000.0).floor()
        ),
    }
}

/// A share in percent: never `100 %` or `0 %` where that is not exact.
fn percent(share: f64) -> String {
    match share {
        share if share > 0.999 && share < 1.0 => ">99.9 %".to_owned(),
        share if share > 0.0 && share < 0.001 => "<0.1 %".to_owned(),
        share => format!("{:.1} %", share * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_fitting_unit() {
        let texts = [0.421, 4.25, 421.4, 1500.0, 125_400.0, 7_380_000.0].map(duration);
        assert_eq!(
            texts,
            [
                "0.42 ms",
                "4.2 ms",
                "421 ms",
                "1.50 s",
                "2 min 05 s",
                "2 h 03 min"
            ]
        );
    }

    #[test]
    fn shares_do_not_claim_certainty() {
        assert_eq!(
            [1.0, 0.999_99, 0.5, 0.000_1, 0.0].map(percent),
            ["100.0 %", ">99.9 %", "50.0 %", "<0.1 %", "0.0 %"]
        );
    }
}
