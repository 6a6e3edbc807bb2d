//! A stored row with its place in the chain, as it is exported and verified.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::chain::{Digest, Fields, details_commit};
use super::{AuditFault, FaultKind};
use crate::document::unrepeated;
use crate::error::Result;
use crate::store::{AsWritten, Row, time_text};
use crate::types::{Id, Timestamp, hex, unhex_all};

/// Stored bytes, in JSON as hex digits. What is not as it should be is read as no bytes, which equal no hash, and is found
/// when the row is verified.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    fn of(row: &Row, column: &str) -> Self {
        Self(row.get(column).unwrap_or_default())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Ok(Self(unhex_all(&text).unwrap_or_default()))
    }
}

/// The columns, and the fields of a row's JSON.
const COLUMNS: [(&str, &str); 15] = [
    ("id", "id"),
    ("actor", "actor"),
    ("action", "action"),
    ("target", "target"),
    ("status", "status"),
    ("details", "details"),
    ("timestamp", "timestamp"),
    ("chain_id", "chainId"),
    ("seq", "seq"),
    ("prev_hash", "prevHash"),
    ("hash", "hash"),
    ("details_commit", "detailsCommit"),
    ("salt", "salt"),
    ("call_id", "callId"),
    ("policy_version", "policyVersion"),
];

/// The columns that have bytes.
const BYTES: [&str; 4] = ["prev_hash", "hash", "details_commit", "salt"];

/// A column, whatever it has become.
fn readable(row: &Row, column: &str) -> Option<Value> {
    if let Ok(None) = row.get::<Option<String>>(column) {
        return Some(Value::Null);
    }
    if column == "details"
        && let Ok(details) = row.get(column)
    {
        return Some(details);
    }
    let text = || row.get::<String>(column).map(Value::from);
    let integer = || row.get::<i64>(column).map(Value::from);
    let number = || row.get::<f64>(column).map(Value::from);
    let id = || row.get::<Id>(column).map(|id| json!(id));
    let time = || row.get(column).map(|time| time_text(time).into());
    // Beside the text that the column should have, lest it is taken for one.
    let bytes = || -> Result<Value> {
        let bytes = hex(&row.get::<Vec<u8>>(column)?);
        Ok(if BYTES.contains(&column) {
            bytes.into()
        } else {
            json!({ "bytes": bytes })
        })
    };
    text()
        .or_else(|_| integer())
        .or_else(|_| number())
        .or_else(|_| id())
        .or_else(|_| time())
        .or_else(|_| bytes())
        .ok()
}

/// A row of the log. Its JSON is a line of an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LogRow {
    pub(super) id: Id,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) status: String,
    /// A key that stands there twice would be hashed as one value and read by others as the other.
    #[serde(deserialize_with = "unrepeated")]
    pub(super) details: Value,
    pub(super) timestamp: Timestamp,
    pub(super) chain_id: String,
    pub(super) seq: i64,
    pub(super) prev_hash: Bytes,
    pub(super) hash: Bytes,
    pub(super) details_commit: Bytes,
    pub(super) salt: Option<Bytes>,
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
            timestamp: row.get::<AsWritten>("timestamp")?.0,
            chain_id: row.get("chain_id")?,
            seq: row.get("seq")?,
            prev_hash: Bytes::of(row, "prev_hash"),
            hash: Bytes::of(row, "hash"),
            details_commit: Bytes::of(row, "details_commit"),
            salt: row
                .get::<Option<Vec<u8>>>("salt")
                .unwrap_or(Some(vec![]))
                .map(Bytes),
            call_id: row.get("call_id")?,
            policy_version: row.get("policy_version")?,
        })
    }

    /// What can be read of a row that cannot be read as a whole, in the names of its JSON.
    pub(super) fn readable(row: &Row) -> Map<String, Value> {
        let read = |(column, name): (&str, &str)| Some((name.to_owned(), readable(row, column)?));
        COLUMNS.into_iter().filter_map(read).collect()
    }

    /// Whether its details were erased.
    pub(super) fn is_erased(&self) -> bool {
        self.salt.is_none() && self.details == Value::Object(Map::new())
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
        let prev: Digest = self
            .prev_hash
            .0
            .as_slice()
            .try_into()
            .map_err(|_| changed())?;
        let fields = Fields {
            action: &self.action,
            actor: &self.actor,
            call_id: self.call_id.as_ref(),
            details_commit: &hex(&self.details_commit.0),
            id: &self.id,
            policy_version: self.policy_version,
            status: &self.status,
            target: &self.target,
            timestamp: &time_text(self.timestamp),
        };
        let hash = fields.hash(&prev).map_err(|_| changed())?;
        if self.hash.0 != hash {
            return Err(changed());
        }
        self.check_details()?;
        Ok(hash)
    }

    fn check_details(&self) -> Result<(), AuditFault> {
        if self.is_erased() {
            return Ok(());
        }
        let salt = self
            .salt
            .as_ref()
            .and_then(|salt| salt.0.as_slice().try_into().ok());
        let commit = salt.and_then(|salt| details_commit(salt, &self.details).ok());
        if commit.is_some_and(|commit| self.details_commit.0 == commit) {
            return Ok(());
        }
        Err(self.fault(
            FaultKind::Details,
            "the details are not those that were written, nor were they erased",
        ))
    }
}
