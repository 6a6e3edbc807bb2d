//! Imports as text.

use std::fmt::Write;

use super::table;
use crate::registry::{ImportAction, ImportReport};

/// The most entries and warnings that are listed one by one.
const LISTED: usize = 40;

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
    // A first import creates everything; only what is not obvious is worth a line then.
    let worth = |action: ImportAction| {
        action != ImportAction::Create || report.updated + report.deleted + report.unchanged > 0
    };
    let entries: Vec<_> = report
        .entries
        .iter()
        .filter(|entry| worth(entry.action))
        .collect();
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
        more(&mut text, entries.len());
    }
    if !report.warnings.is_empty() {
        let mut table = table::new(&["Warning", "Where", "What"]);
        for warning in report.warnings.iter().take(LISTED) {
            table.add_row([&warning.code, &warning.path, &warning.message]);
        }
        text.push('\n');
        text += &table::text(&table);
        more(&mut text, report.warnings.len());
    }
    text
}

fn more(text: &mut String, count: usize) {
    if count > LISTED {
        let _ = writeln!(text, "  … and {} more (--json shows all)", count - LISTED);
    }
}
