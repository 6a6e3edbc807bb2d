//! What the audit log gives out.

use serde::{Deserialize, Serialize};

use crate::types::{Id, Json, Timestamp, words};

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditEntry {
    /// The entry's identifier; later entries have greater ones.
    pub id: Id,
    /// Who: a user, an API key, a program.
    pub actor: String,
    /// What: `DEPLOY`, `ROLLBACK`, `SECRETS_ACCESS`, `CONFIG_CHANGE`, `IMPORT`, `RUN_START`, `RUN_RESUME`,
    /// `RUN_CANCEL`, `RUN_FINISH`.
    pub action: String,
    /// To what, such as `service:heady-manager` or `run:<id>`.
    pub target: String,
    /// How it ended.
    pub status: String,
    /// Facts about it.
    pub details: Json,
    /// When.
    pub timestamp: Timestamp,
    /// The chain that it stands in.
    pub chain_id: String,
    /// Its place there, from 1.
    pub seq: i64,
    /// The hash of it and of all before it, in hex.
    pub hash: String,
    /// The tool call that it is about.
    pub call_id: Option<Id>,
    /// The version of the policy that decided.
    pub policy_version: Option<i64>,
}

/// Which entries to list; a field left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditQuery {
    /// Only this actor's.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub actor: Option<String>,
    /// Only this action.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub action: Option<String>,
    /// Only this target's.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub target: Option<String>,
    /// Only what ended like this: `SUCCEEDED`, `FAILED`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub status: Option<String>,
    /// Only from this moment on.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub since: Option<Timestamp>,
    /// Only before this moment.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub until: Option<Timestamp>,
    /// At most this many, 1 to 1,000; 100 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub limit: Option<u32>,
    /// Continue after the page that gave this as its `next`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub cursor: Option<String>,
}

/// A page of entries, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

words! {
    /// What is wrong with a log.
    pub enum FaultKind {
        /// A row is not the one that was written.
        Hash = "HASH",
        /// A row's details are neither those that were written, nor erased.
        Details = "DETAILS",
        /// Rows are missing between others.
        Gap = "GAP",
        /// A row does not continue the one before it: rows were exchanged, put in between or replaced.
        Reorder = "REORDER",
        /// Rows are missing at the end of a chain.
        Truncated = "TRUNCATED",
        /// A chain's recorded end is not its last row: rows were added, or the record was changed.
        Head = "HEAD",
        /// A chain is whole, but not the one that was signed: it was written anew.
        Checkpoint = "CHECKPOINT",
        /// A checkpoint is not signed by a key that is trusted.
        CheckpointSignature = "CHECKPOINT_SIGNATURE",
        /// There is a key, but no checkpoint of it: none was made yet, or they were removed.
        Unsigned = "UNSIGNED",
    }
}

words! {
    /// Where the keys came from that checkpoints were verified with.
    pub enum KeySource {
        /// From the caller: the signatures mean what that key means.
        Given = "GIVEN",
        /// From the engine's own key file: they mean that nobody without that file wrote them.
        Engine = "ENGINE",
        /// From the database itself: they mean nothing against somebody who can write to it.
        Database = "DATABASE",
    }
}

/// The first thing that is wrong with a log, in the order of chains and rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditFault {
    /// What is wrong.
    pub kind: FaultKind,
    /// In which chain.
    pub chain_id: Option<String>,
    /// At which place of the chain.
    pub seq: Option<i64>,
    /// At which entry, if there is one.
    pub id: Option<Id>,
    /// The same in words.
    pub message: String,
}

/// What verifying came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditReport {
    /// Whether everything is as it was written and signed.
    pub ok: bool,
    /// How many rows were verified.
    pub rows: i64,
    /// In how many of them the details were erased.
    pub erased: i64,
    /// How many chains there are.
    pub chains: i64,
    /// How many checkpoints were verified.
    pub checkpoints: i64,
    /// How many rows at the ends of chains no such checkpoint covers: those written since the last one. Whether more
    /// followed only a checkpoint that was kept elsewhere can tell.
    pub unsigned: i64,
    /// The keys whose signatures were accepted.
    pub public_keys: Vec<String>,
    /// Where those keys came from.
    pub keys_from: KeySource,
    /// What is wrong, if something is.
    pub first_fault: Option<AuditFault>,
}

/// How to verify.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct VerifyAudit {
    /// The public keys to trust; the engine's own if left out, or those that the database names if it has none.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub public_keys: Option<Vec<String>>,
    /// Checkpoints that were kept elsewhere, as one text of notes, JSON of checkpoints or an export: what they say is
    /// checked besides those of the database.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub checkpoints: Option<String>,
}

/// A signed statement about all rows there were at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditCheckpoint {
    /// Its identifier; later ones have greater ones.
    pub id: Id,
    /// How many rows there were.
    pub rows: i64,
    /// The statement with its signature: a C2SP checkpoint in a signed note. Keep it elsewhere.
    pub note: String,
    /// The key that verifies it.
    pub public_key: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Which checkpoints to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct CheckpointQuery {
    /// At most this many, 1 to 1,000; 100 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub limit: Option<u32>,
    /// Continue after the page that gave this as its `next`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub cursor: Option<String>,
}

/// A page of checkpoints, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct CheckpointPage {
    /// The checkpoints.
    pub checkpoints: Vec<AuditCheckpoint>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// Which part of the log to export.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ExportAudit {
    /// At most this many lines, 1 to 1,000, which is also the number if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub limit: Option<u32>,
    /// Continue after the part that gave this as its `next`.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub cursor: Option<String>,
}

/// A part of the exported log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct AuditExport {
    /// Lines of JSON: all checkpoints, then all rows, chain by chain. Parts are put together by writing one after the
    /// other.
    pub ndjson: String,
    /// Where the next part begins, if there is one.
    pub next: Option<String>,
}
