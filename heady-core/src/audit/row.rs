//! A stored row with its place in the chain, as it is exported and verified.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chain::{Digest, Fields, details_commit};
use super::{AuditFault, FaultKind};
use crate::error::Result;
use crate::store::{Row, time_text};
use crate::types::{Id, Timestamp, hex, unhex};

/// A row of the log. Its JSON is a line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogRow {
    pub(super) id: Id,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) status: String,
    pub(super) details: Value,
    pub(super) timestamp: Timestamp,
    pub(super) chain_id: String,
    pub(super) seq: i64,
    pub(super) prev_hash: String,
    pub(super) hash: String,
    pub(super) details_commit: String,
    pub(super) salt: Option<String>,
    pub(super) call_id: Option<Id>,
    pub(super) policy_version: Option<i64>,
}

impl LogRow {
    pub(super) fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            target: row.get("target")?,
            status: row.get("status")?,
            details: row.get("details")?,
            timestamp: row.get("timestamp")?,
            chain_id: row.get("chain_id")?,
            seq: row.get("seq")?,
            prev_hash: row.get("prev_hash")?,
            hash: row.get("hash")?,
            details_commit: row.get("details_commit")?,
            salt: row.get("salt")?,
            call_id: row.get("call_id")?,
            policy_version: row.get("policy_version")?,
        })
    }

    /// Whether its details were erased.
    pub(super) fn is_erased(&self) -> bool {
        self.salt.is_none() && self.details == Value::Object(serde_json::Map::new())
    }

    /// A fault at this row.
    pub(super) fn fault(&self, kind: FaultKind, message: impl Into<String>) -> AuditFault {
        AuditFault {
            kind,
            chain_id: Some(self.chain_id.clone()),
            seq: Some(self.seq),
            id: Some(self.id.clone()),
            message: message.into(),
        }
    }

    /// The row's hash, if everything that it covers is as it was written after the row with the hash that it names.
    pub(super) fn checked_hash(&self) -> Result<Digest, AuditFault> {
        let changed = || self.fault(FaultKind::Hash, "the row is not the one that was written");
        let prev: Digest = unhex(&self.prev_hash).ok_or_else(changed)?;
        let fields = Fields {
            action: &self.action,
            actor: &self.actor,
            call_id: self.call_id.as_ref(),
            details_commit: &self.details_commit,
            id: &self.id,
            policy_version: self.policy_version,
            status: &self.status,
            target: &self.target,
            timestamp: &time_text(self.timestamp),
        };
        let hash = fields.hash(&prev).map_err(|_| changed())?;
        if hex(&hash) != self.hash {
            return Err(changed());
        }
        self.check_details()?;
        Ok(hash)
    }

    fn check_details(&self) -> Result<(), AuditFault> {
        if self.is_erased() {
            return Ok(());
        }
        let salt = self.salt.as_deref().and_then(unhex);
        let commit = salt.and_then(|salt| details_commit(&salt, &self.details).ok());
        if commit.is_some_and(|commit| hex(&commit) == self.details_commit) {
            return Ok(());
        }
        Err(self.fault(
            FaultKind::Details,
            "the details are not those that were written, nor were they erased",
        ))
    }
}
