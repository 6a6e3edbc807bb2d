//! What the audit log gives out.

use serde::{Deserialize, Serialize};

use crate::types::{Id, Json, Timestamp};

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
    /// What: `DEPLOY`, `ROLLBACK`, `SECRETS_ACCESS`, `CONFIG_CHANGE`, `IMPORT`, `RUN_START`, `RUN_CANCEL`, `RUN_FINISH`.
    pub action: String,
    /// To what, such as `service:heady-manager` or `run:<id>`.
    pub target: String,
    /// How it ended.
    pub status: String,
    /// Facts about it.
    pub details: Json,
    /// When.
    pub timestamp: Timestamp,
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
