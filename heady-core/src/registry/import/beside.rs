//! What an import changes besides entries, and would change unnoticed: the values beside the sections, and the sections.

use std::collections::HashMap;

use serde_json::Value;

use super::super::queries;
use super::catalog::path;
use super::plan::Plan;
use super::{ImportAction, ImportSection};
use crate::error::Result;
use crate::store::Transaction;
use crate::types::Warning;

impl Plan {
    /// Says which values beside the sections the document changes, and which sections come, go or are written otherwise.
    pub(super) async fn compare_document(&mut self, transaction: &mut Transaction) -> Result<()> {
        let Some((header, sections)) = queries::document(transaction).await? else {
            return Ok(());
        };
        let values = header_changes(&header, &self.header);
        let counted = self.report.sections.iter();
        let counted: HashMap<&str, &ImportSection> = counted
            .map(|counted| (counted.section.as_str(), counted))
            .collect();
        let forms = section_changes(&forms(&sections), &forms(&self.sections), |section| {
            counted.get(section).copied()
        });
        for (code, what, changes) in [
            ("TOP_LEVEL", "of the values beside the sections", values),
            ("SECTION_CHANGED", "of the sections", forms),
        ] {
            if !changes.is_empty() {
                let message = format!("{what} {}", changes.join(", "));
                self.report.warnings.push(Warning::new(code, "", message));
            }
        }
        Ok(())
    }
}

fn header_changes(old: &Value, new: &Value) -> Vec<String> {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        return Vec::new();
    };
    let mut changes = Vec::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        changes.push(format!("'{key}' goes"));
    }
    for (key, value) in new {
        match old.get(key) {
            None => changes.push(format!("'{key}' is new")),
            Some(before) if before != value => changes.push(format!("'{key}' changes")),
            Some(_) => {}
        }
    }
    changes
}

/// The sections of a document and how each is written.
fn forms(sections: &Value) -> Vec<(&str, &str)> {
    let pairs = sections.as_array().into_iter().flatten();
    pairs
        .filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
        .collect()
}

/// Which sections change. That one comes or goes is named only where no entry of it that comes or goes says so.
fn section_changes<'f, 's>(
    old: &[(&'f str, &'f str)],
    new: &[(&'f str, &'f str)],
    counted: impl Fn(&str) -> Option<&'s ImportSection>,
) -> Vec<String> {
    let by_name = |forms: &[(&'f str, &'f str)]| -> HashMap<&'f str, String> {
        let forms = forms.iter();
        forms
            .map(|(section, form)| (*section, form.to_lowercase()))
            .collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let is_told = |section: &str, action: ImportAction| {
        counted(section).is_some_and(|counted| *counted.clone().count(action) > 0)
    };
    let mut changes = Vec::new();
    for (section, _) in old {
        if !after.contains_key(section) && !is_told(section, ImportAction::Delete) {
            changes.push(format!("'{}' goes", path(section, "")));
        }
    }
    for (section, form) in new {
        let form = form.to_lowercase();
        match before.get(section) {
            None if !is_told(section, ImportAction::Create) => {
                changes.push(format!("'{}' is new", path(section, "")));
            }
            Some(before) if *before != form => {
                let change = format!("'{}' was {before} and is {form}", path(section, ""));
                changes.push(change);
            }
            _ => {}
        }
    }
    changes
}
