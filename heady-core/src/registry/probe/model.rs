//! Probes and reports as callers see them.

use serde::{Deserialize, Serialize};

use crate::registry::HealthStatus;
use crate::types::{Id, Timestamp};

/// What to probe, and how patiently.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ProbeOptions {
    /// These services; all if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub services: Option<Vec<String>>,
    /// How long one answer may take, in milliseconds; as long as the service's own setting says if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub timeout_ms: Option<i64>,
}

/// What one probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Probe {
    /// Which service.
    pub id: Id,
    /// What it means for its health; `UNKNOWN` if it could not be probed.
    pub status: HealthStatus,
    /// How long the answer took, in milliseconds; null without one.
    pub latency_ms: Option<f64>,
    /// Why it is not healthy, in words.
    pub reason: Option<String>,
}

/// What a round of probes found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ProbeReport {
    /// One for each service, by id.
    pub probes: Vec<Probe>,
}

impl ProbeReport {
    /// The services that were not found healthy; one that nobody can ask is among them where it was asked for by name.
    pub fn ill(&self, by_name: bool) -> impl Iterator<Item = &Probe> {
        self.probes.iter().filter(move |probe| match probe.status {
            HealthStatus::Healthy => false,
            HealthStatus::Unknown => by_name,
            _ => true,
        })
    }
}

/// What the last probes of a service found, whether or not it was enough to change its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct LastProbe {
    /// When the last one ended.
    pub at: Timestamp,
    /// What it found.
    pub status: HealthStatus,
    /// How long the answer took, in milliseconds; null without one.
    pub latency_ms: Option<f64>,
    /// Why it did not find it healthy, in words.
    pub reason: Option<String>,
    /// How many in a row found it healthy.
    pub consecutive_successes: i64,
    /// How many in a row did not.
    pub consecutive_failures: i64,
}

/// What a service says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ReportHealth {
    /// Which service.
    pub id: String,
    /// How it is: `HEALTHY`, `DEGRADED` or `UNHEALTHY`.
    pub status: HealthStatus,
    /// For how long that holds, in seconds, 1 to 86,400: without another report until then it is unhealthy.
    pub ttl_seconds: i64,
    /// Why, in words.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub note: Option<String>,
}
