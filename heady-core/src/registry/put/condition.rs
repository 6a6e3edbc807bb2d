//! What a change is made to depend on.

use serde_json::json;

use crate::error::{Error, Result};
use crate::registry::entry::{Entry, Present};
use crate::types::Id;

/// What must be so for a change to be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::registry) enum Condition {
    Always,
    Absent,
    Present,
    Version(i64),
}

impl Condition {
    /// # Errors
    /// `INVALID_ARGUMENT` if absence is not all.
    pub(in crate::registry) fn of(
        if_version: Option<i64>,
        if_absent: Option<bool>,
        if_present: Option<bool>,
    ) -> Result<Self> {
        let (absent, present) = (if_absent.unwrap_or(false), if_present.unwrap_or(false));
        Ok(match (if_version, absent, present) {
            (None, false, false) => Self::Always,
            (None, true, false) => Self::Absent,
            (None, false, true) => Self::Present,
            (Some(version), false, _) => Self::Version(version),
            (_, true, _) => {
                return Err(Error::invalid_argument(
                    "ifAbsent: an entry that has a version, or is present, is not absent; give ifAbsent alone",
                ));
            }
        })
    }

    /// # Errors
    /// `ABORTED` with the current entry, null if there is none.
    pub(super) fn check<E: Entry>(self, id: &Id, present: Option<&Present<E>>) -> Result<()> {
        let noun = E::KIND.noun();
        let lost = match (self, present) {
            (Self::Always, _) | (Self::Absent, None) | (Self::Present, Some(_)) => return Ok(()),
            (Self::Version(version), Some(present)) if version == present.entry.version() => {
                return Ok(());
            }
            (Self::Version(version), Some(present)) => format!(
                "{noun} '{id}' has version {}, not {version}; somebody changed it meanwhile",
                present.entry.version()
            ),
            (Self::Version(version), None) => {
                format!("{noun} '{id}' does not exist, so it has no version {version}")
            }
            (Self::Present, None) => {
                format!("{noun} '{id}' does not exist, so there is nothing to put this in place of")
            }
            (Self::Absent, Some(present)) => format!(
                "{noun} '{id}' is there already, with version {}",
                present.entry.version()
            ),
        };
        let current = present.map(|present| &*present.entry);
        Err(Error::aborted(lost).with_details(json!({"current": current})))
    }
}
