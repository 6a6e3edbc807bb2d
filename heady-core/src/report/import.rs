//! Imports as text.

use std::fmt::Write;

use super::table;
use crate::registry::{ImportAction, ImportReport};
use crate::types::Warning;

/// The most entries that are listed one by one.
const LISTED: usize = 40;

/// The most warnings of one code that are listed one by one.
const LISTED_OF_A_CODE: usize = 8;

/// An import: what was done with which entries, and what was noticed.
pub fn import(report: &ImportReport, dry_run: bool) -> String {
    let would = if dry_run { "would be " } else { "" };
    let mut text = format!(
        "A registry of shape {}: {} {would}created, {} {would}updated, {} {would}deleted, {} unchanged, {} skipped\n",
        report.shape,
        report.created,
        report.updated,
        report.deleted,
        report.unchanged,
        report.skipped
    );
    if !report.sections.is_empty() {
        text.push('\n');
        text += &sections(report);
    }
    // A first import creates everything; only what is not obvious is worth a line then.
    let first = report.updated + report.deleted + report.unchanged == 0;
    let mut entries: Vec<_> = report
        .entries
        .iter()
        .filter(|entry| entry.action != ImportAction::Create || !first)
        .collect();
    // What can be regretted first, so that it is not among those that are left out.
    entries.sort_by_key(|entry| match entry.action {
        ImportAction::Delete => 0,
        ImportAction::Update => 1,
        ImportAction::Skip => 2,
        ImportAction::Create | ImportAction::Unchanged => 3,
    });
    if !entries.is_empty() {
        let mut table = table::new(&["Action", "Section", "Id", "Reason"]);
        for entry in entries.iter().take(LISTED) {
            table.add_row([
                entry.action.as_str(),
                &entry.section,
                &entry.id,
                entry.reason.as_deref().unwrap_or_default(),
            ]);
        }
        text.push('\n');
        text += &table::text(&table);
        more(&mut text, entries.len(), LISTED);
    }
    text + &warnings(&report.warnings)
}

fn sections(report: &ImportReport) -> String {
    let mut table = table::new(&[
        "Section",
        ">Created",
        ">Updated",
        ">Deleted",
        ">Unchanged",
        ">Skipped",
    ]);
    for section in &report.sections {
        let counts = [
            section.created,
            section.updated,
            section.deleted,
            section.unchanged,
            section.skipped,
        ];
        let mut row = vec![section.section.clone()];
        row.extend(counts.map(|count| {
            if count == 0 {
                String::new()
            } else {
                count.to_string()
            }
        }));
        table.add_row(row);
    }
    table::text(&table)
}

/// The warnings, those of a code together, in the order in which the codes first occur.
fn warnings(warnings: &[Warning]) -> String {
    let mut codes: Vec<&str> = Vec::new();
    for warning in warnings {
        if !codes.contains(&warning.code.as_str()) {
            codes.push(&warning.code);
        }
    }
    let mut text = String::new();
    for code in codes {
        let of_code: Vec<_> = warnings
            .iter()
            .filter(|warning| warning.code == code)
            .collect();
        let _ = match of_code.len() {
            1 => writeln!(text, "\nWarning {code}"),
            count => writeln!(text, "\nWarning {code}, {count} times"),
        };
        if code == "MISSING_FILE" {
            text += "  Paths begin in the folder of the file, or in the one that --root names.\n";
        }
        let listed = of_code.iter().take(LISTED_OF_A_CODE);
        let width = listed
            .clone()
            .map(|warning| warning.path.chars().count())
            .max()
            .unwrap_or(0);
        for warning in listed {
            let _ = writeln!(text, "  {:width$}  {}", warning.path, warning.message);
        }
        more(&mut text, of_code.len(), LISTED_OF_A_CODE);
    }
    text
}

fn more(text: &mut String, count: usize, listed: usize) {
    if count > listed {
        let _ = writeln!(text, "  … and {} more (--json shows all)", count - listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{ImportEntry, ImportSection};

    #[test]
    fn warnings_of_a_code_stand_together_and_long_lists_are_cut() {
        let warning = |code: &str, n: usize| Warning::new(code, format!("services.s{n}"), "why");
        let report = ImportReport {
            shape: "CATALOG".into(),
            created: 0,
            updated: 0,
            deleted: 1,
            unchanged: 2,
            skipped: 0,
            sections: vec![ImportSection {
                section: "services".into(),
                created: 0,
                updated: 0,
                deleted: 1,
                unchanged: 2,
                skipped: 0,
            }],
            entries: vec![ImportEntry {
                section: "services".into(),
                id: "gone".into(),
                action: ImportAction::Delete,
                reason: None,
            }],
            warnings: [warning("ONCE", 0)]
                .into_iter()
                .chain((0..10).map(|n| warning("OFTEN", n)))
                .collect(),
        };
        assert_eq!(
            import(&report, true),
            "A registry of shape CATALOG: 0 would be created, 0 would be updated, 1 would be deleted, 2 unchanged, 0 skipped

  Section   Created  Updated  Deleted  Unchanged  Skipped
───────────────────────────────────────────────────────────
  services                          1          2

  Action  Section   Id    Reason
──────────────────────────────────
  DELETE  services  gone

Warning ONCE
  services.s0  why

Warning OFTEN, 10 times
  services.s0  why
  services.s1  why
  services.s2  why
  services.s3  why
  services.s4  why
  services.s5  why
  services.s6  why
  services.s7  why
  … and 2 more (--json shows all)
"
        );
    }
}
