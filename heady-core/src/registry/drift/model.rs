//! Drift as callers see it.

use serde::{Deserialize, Serialize};

use crate::types::{Id, Json, Timestamp, words};

words! {
    /// What the registry is compared with.
    pub enum DriftSource {
        /// The registry file: what should be registered.
        File = "FILE",
        /// What answers when it is asked for its health.
        Live = "LIVE",
        /// The deploy manifest: what should run.
        Manifest = "MANIFEST",
    }
}

words! {
    /// How something differs.
    pub enum DriftKind {
        /// It should be there and is not.
        Missing = "MISSING",
        /// It is there and should not be.
        Extra = "EXTRA",
        /// It is there and differs.
        Changed = "CHANGED",
    }
}

words! {
    /// How much a difference matters, as the criticality of the entry says.
    #[derive(PartialOrd, Ord)]
    pub enum DriftSeverity {
        /// A description, a version, something that is off.
        Low = "LOW",
        /// An entry nobody called critical.
        Medium = "MEDIUM",
        /// An entry of high criticality.
        High = "HIGH",
        /// An entry that others cannot do without.
        Critical = "CRITICAL",
    }
}

/// What to compare the registry with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DetectDrift {
    /// A registry file; the one imported last if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub path: Option<String>,
    /// A registry document, in place of a file.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub document: Option<Json>,
    /// Whether to ask the services for their health; true if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub live: Option<bool>,
    /// A deploy manifest: a Compose file, a list of PM2 apps or a registry; the one of the last time if left out;
    /// an empty text forgets that one, and what differed from it.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub manifest: Option<String>,
    /// A deploy manifest in place of a file, in JSON or as a text in JSON or YAML. It is compared with again each time, until there is
    /// another.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub manifest_document: Option<Json>,
    /// How long a service may take to answer, in milliseconds; 5,000 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub timeout_ms: Option<i64>,
}

/// Which drift to list; a field left out does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DriftQuery {
    /// Only from this source.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub source: Option<DriftSource>,
    /// Only of this severity or a higher one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub severity: Option<DriftSeverity>,
    /// Only of this entry.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub id: Option<String>,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Drift {
    /// What the registry was compared with.
    pub source: DriftSource,
    /// The section of the entry; empty for a plain value of the file.
    pub section: String,
    /// The entry; empty for a section that is one value.
    pub id: Id,
    /// How it differs.
    pub kind: DriftKind,
    /// Where in the entry, such as `slo.target`, or `log."a.b"` where a dot belongs to a key; empty for the whole of it.
    pub path: String,
    /// How much it matters.
    pub severity: DriftSeverity,
    /// What should be there; null if nothing should.
    pub desired: Option<Json>,
    /// What is there; null if nothing is.
    pub observed: Option<Json>,
    /// How it came to differ, as far as that can be told.
    pub reason: String,
    /// Whether nobody declares this entry any more.
    pub orphan: bool,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
}

/// A source and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DriftSnapshot {
    /// Which source.
    pub source: DriftSource,
    /// The file, if it is one.
    pub location: Option<String>,
    /// The hash of what it said.
    pub content_hash: Option<String>,
    /// When it was last looked at with success.
    pub taken_at: Option<Timestamp>,
    /// How many things it told of: entries, or services that were asked.
    pub observed: i64,
    /// How many could not be looked at, such as services without an address.
    pub unobserved: i64,
    /// Why the last look failed: its `code` and `message`. What it said before is still compared.
    pub error: Option<Json>,
    /// When the last look failed.
    pub failed_at: Option<Timestamp>,
}

/// What differs, the most severe first, and the sources that say so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DriftReport {
    /// The sources that were ever looked at.
    pub sources: Vec<DriftSnapshot>,
    /// The differences.
    pub drift: Vec<Drift>,
}
