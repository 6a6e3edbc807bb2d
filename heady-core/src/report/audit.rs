//! The audit log as text.

use std::fmt::Write;

use super::table;
use crate::audit::{AuditPage, AuditReport, KeySource};

/// Entries, one a line.
pub fn audit(page: &AuditPage) -> String {
    let mut table = table::new(&[
        "Time", "Actor", "Action", "Target", "Status", "Chain", ">Row",
    ]);
    for entry in &page.entries {
        table.add_row([
            entry.timestamp.format("%Y-%m-%d %H:%M:%S").to_string(),
            entry.actor.clone(),
            entry.action.clone(),
            entry.target.clone(),
            entry.status.clone(),
            entry.chain_id.clone(),
            entry.seq.to_string(),
        ]);
    }
    let mut text = if table.is_empty() {
        "  No entries\n".to_owned()
    } else {
        table::text(&table)
    };
    if let Some(next) = &page.next {
        let _ = writeln!(text, "\n  more with --cursor {next}");
    }
    text
}

/// What verifying came to.
pub fn audit_verified(report: &AuditReport) -> String {
    let counted = |count: i64, what: &str| match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    };
    let mut text = format!(
        "{} in {}, {}",
        counted(report.rows, "row"),
        counted(report.chains, "chain"),
        counted(report.checkpoints, "checkpoint")
    );
    if report.erased > 0 {
        let _ = write!(text, "; the details of {} rows were erased", report.erased);
    }
    text.push('\n');
    if report.unsigned > 0 && report.checkpoints > 0 {
        let _ = writeln!(
            text,
            "{} since the last checkpoint, not signed yet",
            counted(report.unsigned, "row")
        );
    }
    if report.checkpoints == 0 && report.rows > 0 && report.first_fault.is_none() {
        text += "no checkpoint: whether rows were cut off at the end, or all were written anew, cannot be told\n";
    }
    let trust = match report.keys_from {
        KeySource::Given => "as given",
        KeySource::Engine => "from this engine's key file",
        KeySource::Database => {
            "named by the log itself, which proves nothing against who could write it; give --public-key"
        }
    };
    for key in &report.public_keys {
        let _ = writeln!(text, "key {key} ({trust})");
    }
    match &report.first_fault {
        None => text += "OK: every row is as it was written\n",
        Some(fault) => {
            let _ = write!(text, "BROKEN: {}", fault.kind);
            if let (Some(chain), Some(seq)) = (&fault.chain_id, fault.seq) {
                let _ = write!(text, " at row {seq} of chain {chain}");
            }
            if let Some(id) = &fault.id {
                let _ = write!(text, " ({id})");
            }
            let _ = writeln!(text, ": {}", fault.message);
        }
    }
    text
}
