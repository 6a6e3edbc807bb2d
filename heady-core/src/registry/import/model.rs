//! Imports as callers see them.

use serde::{Deserialize, Serialize};

use crate::types::{Json, Warning, words};

/// What to import.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ImportOptions {
    /// A registry file to read.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub path: Option<String>,
    /// The registry itself, in place of a file.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub document: Option<Json>,
    /// The folder that the paths in it begin in; that of the file if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub root: Option<String>,
    /// Only say what would happen.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub dry_run: Option<bool>,
    /// Delete even a large share of what an earlier import brought, and overwrite what was changed by call since.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub force: Option<bool>,
}

words! {
    /// What an import does with one entry.
    pub enum ImportAction {
        /// It was not there.
        Create = "CREATE",
        /// It was there and differed.
        Update = "UPDATE",
        /// An earlier import brought it and this document has it no more.
        Delete = "DELETE",
        /// It was there already.
        Unchanged = "UNCHANGED",
        /// It was left out, or what is there was kept; the reason says why.
        Skip = "SKIP",
    }
}

/// One entry of an import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ImportEntry {
    /// The section of the document.
    pub section: String,
    /// The entry in it; empty for a section that is one value.
    pub id: String,
    /// What happened to it.
    pub action: ImportAction,
    /// Why, where that is not obvious.
    pub reason: Option<String>,
}

/// What happened to the entries of a section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ImportSection {
    /// The section: its name, or `section/group`.
    pub section: String,
    /// How many entries were created.
    pub created: i64,
    /// How many were changed.
    pub updated: i64,
    /// How many were deleted.
    pub deleted: i64,
    /// How many were there already.
    pub unchanged: i64,
    /// How many were left out or kept.
    pub skipped: i64,
}

impl ImportSection {
    pub(super) fn empty(section: &str) -> Self {
        Self {
            section: section.to_owned(),
            created: 0,
            updated: 0,
            deleted: 0,
            unchanged: 0,
            skipped: 0,
        }
    }

    /// The count for an action.
    pub(super) fn count(&mut self, action: ImportAction) -> &mut i64 {
        match action {
            ImportAction::Create => &mut self.created,
            ImportAction::Update => &mut self.updated,
            ImportAction::Delete => &mut self.deleted,
            ImportAction::Unchanged => &mut self.unchanged,
            ImportAction::Skip => &mut self.skipped,
        }
    }
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ImportReport {
    /// Which shape the document has: `CATALOG` (lists of entries), `MAPS` (entries under their ids), `GROUPS` (of lists
    /// or maps) or `SCAN` (what the scanner stores).
    pub shape: String,
    /// How many entries were created.
    pub created: i64,
    /// How many were changed.
    pub updated: i64,
    /// How many were deleted.
    pub deleted: i64,
    /// How many were there already.
    pub unchanged: i64,
    /// How many were left out or kept.
    pub skipped: i64,
    /// The same by section.
    pub sections: Vec<ImportSection>,
    /// All but the unchanged.
    pub entries: Vec<ImportEntry>,
    /// What was noticed on the way.
    pub warnings: Vec<Warning>,
}
