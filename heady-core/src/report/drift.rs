//! Drift as text.

use std::fmt::Write;

use serde_json::Value;

use super::table;
use crate::registry::{Drift, DriftKind, DriftReport, DriftSnapshot, DriftSource, STAYS};
use crate::types::{Json, Timestamp};

/// The most differences that are listed one by one.
const LISTED: usize = 60;

/// The longest value that is shown.
const WIDEST: usize = 36;

/// Drift, source by source: what was looked at, what differs, and what can be done about it.
pub fn drift(report: &DriftReport) -> String {
    // A file may have no entries and was compared all the same.
    let seen = |source: &DriftSnapshot| {
        source.observed + source.unobserved > 0
            || source.source == DriftSource::File && source.taken_at.is_some()
            || source.error.is_some()
    };
    if !report.sources.iter().any(seen) && report.drift.is_empty() {
        return "Nothing to compare yet: import a registry first (heady import FILE).\n".to_owned();
    }
    let mut text = match report.drift.len() {
        0 if report.sources.iter().any(|source| source.error.is_some()) => {
            "No drift in what could be looked at\n"
        }
        0 => "No drift\n",
        1 => "1 difference\n",
        _ => "",
    }
    .to_owned();
    if text.is_empty() {
        text = format!("{} differences\n", report.drift.len());
    }
    for source in &report.sources {
        let _ = writeln!(text, "\n{}", heading(source));
        if let (Some(error), Some(failed_at)) = (&source.error, source.failed_at) {
            let word = |key: &str| {
                error
                    .get(key)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            let _ = writeln!(
                text,
                "  could not be looked at on {}: {}: {}",
                minute(failed_at),
                word("code"),
                word("message")
            );
        }
        let drift: Vec<&Drift> = report
            .drift
            .iter()
            .filter(|drift| drift.source == source.source)
            .collect();
        if !drift.is_empty() {
            text.push('\n');
            text += &differences(&drift);
        } else if source.error.is_none() {
            text += "  no drift\n";
        }
    }
    text + &advice(report)
}

/// What was looked at, what was seen there, and when.
fn heading(source: &DriftSnapshot) -> String {
    let file = |otherwise: &str| {
        source
            .location
            .clone()
            .unwrap_or_else(|| otherwise.to_owned())
    };
    let observed = source.observed;
    let (what, seen) = match source.source {
        DriftSource::File => (
            format!("The file {}", file("as it was imported")),
            format!("{observed} entries"),
        ),
        DriftSource::Manifest => (
            format!("The manifest {}", file("")),
            format!("{observed} services"),
        ),
        DriftSource::Live => {
            let silent = match source.unobserved {
                0 => String::new(),
                count => format!(", {count} without an address"),
            };
            (
                "What answers".to_owned(),
                format!("{observed} services asked{silent}"),
            )
        }
    };
    match source.taken_at {
        Some(taken_at) => format!("{what}: {seen}, {}", minute(taken_at)),
        None => what,
    }
}

fn differences(drift: &[&Drift]) -> String {
    let mut table = table::new(&[
        "Severity",
        "Entry",
        "What",
        "Should be",
        "Is",
        "Since",
        "Why",
    ]);
    for drift in drift.iter().take(LISTED) {
        let (desired, observed) = values(drift);
        table.add_row([
            drift.severity.as_str().to_owned(),
            entry(drift),
            drift.path.clone(),
            desired,
            observed,
            minute(drift.first_seen),
            drift.reason.clone(),
        ]);
    }
    let mut text = table::text(&table);
    if drift.len() > LISTED {
        let _ = writeln!(
            text,
            "  … and {} more (--json shows all)",
            drift.len() - LISTED
        );
    }
    text
}

fn entry(drift: &Drift) -> String {
    match (drift.section.is_empty(), drift.id.as_str()) {
        (true, _) => "(top level)".to_owned(),
        (false, "") => drift.section.clone(),
        (false, id) => format!("{}.{id}", drift.section),
    }
}

/// What should be there and what is; of a whole entry only whether.
fn values(drift: &Drift) -> (String, String) {
    let there = if drift.source == DriftSource::Manifest {
        "deployed"
    } else {
        "registered"
    };
    match (drift.kind, drift.path.is_empty(), drift.orphan) {
        (DriftKind::Missing, true, _) => (there.to_owned(), "absent".to_owned()),
        (DriftKind::Extra, true, false) => ("absent".to_owned(), there.to_owned()),
        (DriftKind::Extra, true, true) => ("absent".to_owned(), format!("{there}, orphaned")),
        (DriftKind::Changed, true, _) if drift.desired.is_none() && drift.observed.is_none() => {
            ("readable".to_owned(), "unreadable".to_owned())
        }
        _ => (
            shown(drift.desired.as_ref()),
            shown(drift.observed.as_ref()),
        ),
    }
}

fn shown(value: Option<&Json>) -> String {
    let text = match value.map(|value| &value.0) {
        None => return "absent".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if text.chars().count() <= WIDEST {
        text
    } else {
        text.chars().take(WIDEST - 1).chain(['…']).collect()
    }
}

fn minute(time: Timestamp) -> String {
    time.format("%Y-%m-%d %H:%MZ").to_string()
}

fn advice(report: &DriftReport) -> String {
    // Nothing can be done about what stays, and it does not have to go.
    let is_helped = |drift: &Drift| drift.source == DriftSource::File && drift.reason != STAYS;
    let seen = |source: DriftSource| report.sources.iter().find(|seen| seen.source == source);
    let file = seen(DriftSource::File);
    let mut text = String::new();
    if report.drift.iter().any(is_helped)
        && let Some(file) = file.and_then(|file| file.location.as_deref())
    {
        let _ = writeln!(
            text,
            "\nheady import {file} takes over what the file says (--dry-run shows it first), with --force also where something was changed by call; heady export prints what the registry says."
        );
    }
    // One that was never read is not looked for again anyway.
    if seen(DriftSource::Manifest)
        .is_some_and(|manifest| manifest.error.is_some() && manifest.taken_at.is_some())
    {
        let _ = writeln!(
            text,
            "\nThe manifest is looked for each time; heady registry drift --manifest '' forgets it."
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::DriftSeverity;
    use serde_json::json;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_reader_sees_what_should_be_and_what_is() {
        let seen = at("2026-11-01T08:00:00Z");
        let drift = |source,
                     id: &str,
                     kind,
                     path: &str,
                     desired: Option<Value>,
                     observed: Option<Value>| Drift {
            source,
            section: "services".into(),
            id: id.into(),
            kind,
            path: path.into(),
            severity: DriftSeverity::High,
            desired: desired.map(Into::into),
            observed: observed.map(Into::into),
            reason: "why".into(),
            orphan: false,
            first_seen: seen,
            last_seen: seen,
        };
        let source = |source, location: Option<&str>, error: Option<Value>| DriftSnapshot {
            source,
            location: location.map(str::to_owned),
            content_hash: None,
            taken_at: error.is_none().then_some(seen),
            observed: 3,
            unobserved: 1,
            failed_at: error.as_ref().map(|_| seen),
            error: error.map(Into::into),
        };
        let report = DriftReport {
            sources: vec![
                source(DriftSource::File, Some("/r.json"), None),
                source(DriftSource::Live, None, None),
                source(
                    DriftSource::Manifest,
                    Some("/m.yaml"),
                    Some(json!({"code": "NOT_FOUND", "message": "no such file"})),
                ),
            ],
            drift: vec![
                drift(
                    DriftSource::File,
                    "api",
                    DriftKind::Changed,
                    "port",
                    Some(json!(1)),
                    None,
                ),
                drift(
                    DriftSource::File,
                    "web",
                    DriftKind::Missing,
                    "",
                    Some(json!({})),
                    None,
                ),
                drift(
                    DriftSource::Live,
                    "api",
                    DriftKind::Missing,
                    "health",
                    Some(json!("HEALTHY")),
                    Some(json!("UNHEALTHY")),
                ),
            ],
        };
        assert_eq!(
            super::drift(&report),
            "3 differences

The file /r.json: 3 entries, 2026-11-01 08:00Z

  Severity  Entry         What  Should be   Is      Since              Why
────────────────────────────────────────────────────────────────────────────
  HIGH      services.api  port  1           absent  2026-11-01 08:00Z  why
  HIGH      services.web        registered  absent  2026-11-01 08:00Z  why

What answers: 3 services asked, 1 without an address, 2026-11-01 08:00Z

  Severity  Entry         What    Should be  Is         Since              Why
────────────────────────────────────────────────────────────────────────────────
  HIGH      services.api  health  HEALTHY    UNHEALTHY  2026-11-01 08:00Z  why

The manifest /m.yaml
  could not be looked at on 2026-11-01 08:00Z: NOT_FOUND: no such file

heady import /r.json takes over what the file says (--dry-run shows it first), with --force also where something was changed by call; heady export prints what the registry says.
"
        );
        // No import takes away what stays, but others of the file's.
        let mut stays = report.drift[1].clone();
        stays.reason = STAYS.to_owned();
        for (drift, helps) in [
            (vec![stays.clone()], false),
            (vec![stays, report.drift[0].clone()], true),
        ] {
            let sources = vec![report.sources[0].clone()];
            let drawn = super::drift(&DriftReport { sources, drift });
            assert_eq!(drawn.contains("heady import"), helps, "{drawn}");
        }
        let nothing = DriftReport {
            sources: vec![],
            drift: vec![],
        };
        assert!(super::drift(&nothing).contains("heady import FILE"));
        // Only a manifest that was read before is remembered, and can be forgotten.
        let forget = |taken_at| {
            let mut gone = report.sources[2].clone();
            gone.taken_at = taken_at;
            let report = DriftReport {
                sources: vec![gone],
                drift: vec![],
            };
            super::drift(&report).contains("--manifest ''")
        };
        assert_eq!((forget(None), forget(Some(seen))), (false, true));
    }
}
