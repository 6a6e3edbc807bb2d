//! A round of probes as text.

use super::{duration, table};
use crate::registry::{HealthStatus, ProbeReport};

/// What probes found, one service a line, and the sum of it.
pub fn probe(report: &ProbeReport) -> String {
    let count = |status| {
        let probes = report.probes.iter();
        probes.filter(|probe| probe.status == status).count()
    };
    let unknown = count(HealthStatus::Unknown);
    let probed = report.probes.len() - unknown;
    let mut text = String::new();
    if !report.probes.is_empty() {
        let mut table = table::new(&["Service", "Status", ">Answered in", "Reason"]);
        for probe in &report.probes {
            table.add_row([
                probe.id.to_string(),
                probe.status.to_string(),
                probe.latency_ms.map(duration).unwrap_or_default(),
                probe.reason.clone().unwrap_or_default(),
            ]);
        }
        text = table::text(&table) + "\n";
    }
    text += &match probed {
        0 => "Nothing was probed: no service has a base URL".to_owned(),
        _ => format!("{} of {probed} healthy", count(HealthStatus::Healthy)),
    };
    if probed > 0 && unknown > 0 {
        text += &format!("; {unknown} cannot be probed");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Probe;

    #[test]
    fn what_was_found_stands_in_a_table_with_its_sum() {
        let probe = |id: &str, status, latency_ms, reason: Option<&str>| Probe {
            id: id.into(),
            status,
            latency_ms,
            reason: reason.map(str::to_owned),
        };
        let report = ProbeReport {
            probes: vec![
                probe("api", HealthStatus::Healthy, Some(4.25), None),
                probe("old", HealthStatus::Unhealthy, None, Some("refused")),
                probe("batch", HealthStatus::Unknown, None, Some("no base URL")),
            ],
        };
        let text = super::probe(&report);
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines[2], "api      HEALTHY         4.2 ms");
        assert_eq!(lines[3], "old      UNHEALTHY               refused");
        assert_eq!(lines[6], "1 of 2 healthy; 1 cannot be probed");
        let nothing = super::probe(&ProbeReport { probes: Vec::new() });
        assert_eq!(nothing, "Nothing was probed: no service has a base URL\n");
    }
}
