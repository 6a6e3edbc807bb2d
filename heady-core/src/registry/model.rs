//! Services, nodes and workflows as callers see them.

use serde::{Deserialize, Serialize};

use super::LastProbe;
use crate::types::{Id, Json, Timestamp, words};

words! {
    /// What probes found out about a service, or what it says of itself.
    #[derive(Default)]
    pub enum HealthStatus {
        /// Nobody has looked yet.
        #[default]
        Unknown = "UNKNOWN",
        /// It answers as it should.
        Healthy = "HEALTHY",
        /// It answers, but not as it should.
        Degraded = "DEGRADED",
        /// It does not answer.
        Unhealthy = "UNHEALTHY",
    }
}

words! {
    /// What an entry of the registry is.
    pub enum EntryKind {
        /// A [`Service`].
        Service = "SERVICE",
        /// A [`Node`].
        Node = "NODE",
        /// A [`Workflow`].
        Workflow = "WORKFLOW",
    }
}

impl EntryKind {
    /// The word in errors and audit targets: `service`.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Node => "node",
            Self::Workflow => "workflow",
        }
    }
}

/// Something that runs and can be asked for its health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Service {
    /// Its name in references.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// Scheme, host and port, such as `http://localhost:3301`; empty if nobody knows where it runs.
    pub base_url: String,
    /// The path that answers with its health.
    pub health_path: String,
    /// How often it is probed, in milliseconds; null for every 10 seconds.
    pub probe_interval_ms: Option<i64>,
    /// How long its answer may take, in milliseconds; null for 5 seconds.
    pub probe_timeout_ms: Option<i64>,
    /// How many probes in a row must find it healthy, or better than before, to say so; null for 2.
    pub healthy_threshold: Option<i64>,
    /// How many in a row must find it worse; null for 3.
    pub unhealthy_threshold: Option<i64>,
    /// What probes or its own reports said; never taken from a file.
    pub status: HealthStatus,
    /// Why it is not healthy, in words.
    pub status_reason: Option<String>,
    /// When its status last became another one.
    pub status_changed_at: Option<Timestamp>,
    /// When it was last found healthy, to the second while it is probed.
    pub last_healthy_at: Option<Timestamp>,
    /// Until when its own last report holds, if it reports.
    pub report_expires_at: Option<Timestamp>,
    /// What its last probes found; null where it was never probed.
    pub last_probe: Option<LastProbe>,
    /// The whole entry as it was imported, or what its owner attached.
    pub metadata: Json,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed, health aside.
    pub updated_at: Timestamp,
    /// The registry's revision at its last change, health aside; grows with every one.
    pub resource_version: i64,
}

/// An agent or model that does work when one of its triggers occurs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Node {
    /// Its name in references.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// What executes it.
    pub runtime: String,
    /// The words or events that call it.
    pub triggers: Vec<String>,
    /// Whether it takes work.
    pub enabled: bool,
    /// The whole entry as it was imported, or what its owner attached.
    pub metadata: Json,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The registry's revision at its last change; grows with every one.
    pub resource_version: i64,
}

/// Something that can be run; what it does stands in the pipeline definition that it names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct Workflow {
    /// Its name in references.
    pub id: Id,
    /// Its name for people.
    pub name: String,
    /// The pipeline whose newest definition it runs.
    pub pipeline_id: String,
    /// How many tasks of a run may be under way at once, unless the definition says.
    pub max_concurrent_tasks: i64,
    /// Rules that its owner attached.
    pub governance: Json,
    /// The whole entry as it was imported, or what its owner attached.
    pub metadata: Json,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The registry's revision at its last change; grows with every one.
    pub resource_version: i64,
}

/// A service to register.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RegisterService {
    /// Its name in references.
    pub id: String,
    /// Its name for people; the id if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// An `http` or `https` URL; a service without one is never probed.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub base_url: Option<String>,
    /// The path that answers with its health; `/api/health` if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub health_path: Option<String>,
    /// How often to probe it, in milliseconds; 10,000 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub probe_interval_ms: Option<i64>,
    /// How long its answer may take, in milliseconds; 5,000 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub probe_timeout_ms: Option<i64>,
    /// How many probes in a row must find it healthy, or better than before, to say so; 2 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub healthy_threshold: Option<i64>,
    /// How many in a row must find it worse; 3 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub unhealthy_threshold: Option<i64>,
    /// Anything its owner wants to attach: an object.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
}

/// Changes to a service; a field left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct UpdateService {
    /// Which service.
    pub id: String,
    /// Another name for people.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// Another place; its health is unknown until it is probed there.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub base_url: Option<String>,
    /// Another path for its health.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub health_path: Option<String>,
    /// Another interval between its probes, in milliseconds.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub probe_interval_ms: Option<i64>,
    /// Another time that its answer may take, in milliseconds.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub probe_timeout_ms: Option<i64>,
    /// Another number of probes in a row that must find it better.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub healthy_threshold: Option<i64>,
    /// Another number of probes in a row that must find it worse.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub unhealthy_threshold: Option<i64>,
    /// Another object in place of the attached one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
    /// Only if its resource version is still this one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
}

/// A node to register.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RegisterNode {
    /// Its name in references.
    pub id: String,
    /// Its name for people; the id if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// What executes it; `node` if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub runtime: Option<String>,
    /// The words or events that call it.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub triggers: Option<Vec<String>>,
    /// Whether it takes work; true if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub enabled: Option<bool>,
    /// Anything its owner wants to attach: an object.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
}

/// Changes to a node; a field left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct UpdateNode {
    /// Which node.
    pub id: String,
    /// Another name for people.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// Another runtime.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub runtime: Option<String>,
    /// Other triggers, in place of all present ones.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub triggers: Option<Vec<String>>,
    /// Whether it takes work.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub enabled: Option<bool>,
    /// Another object in place of the attached one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
    /// Only if its resource version is still this one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
}

/// A workflow to register.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct RegisterWorkflow {
    /// Its name in references.
    pub id: String,
    /// Its name for people; the id if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// The pipeline that it runs; the id if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub pipeline_id: Option<String>,
    /// How many tasks may be under way at once unless the definition says; 6 if left out.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub max_concurrent_tasks: Option<i64>,
    /// Rules to attach: an object.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub governance: Option<Json>,
    /// Anything its owner wants to attach: an object.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
}

/// Changes to a workflow; a field left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct UpdateWorkflow {
    /// Which workflow.
    pub id: String,
    /// Another name for people.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub name: Option<String>,
    /// Another pipeline.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub pipeline_id: Option<String>,
    /// Another limit.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub max_concurrent_tasks: Option<i64>,
    /// Another object of rules.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub governance: Option<Json>,
    /// Another object in place of the attached one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub metadata: Option<Json>,
    /// Only if its resource version is still this one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
}

/// What to delete.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct DeleteEntry {
    /// Which one.
    pub id: String,
    /// Only if its resource version is still this one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
}

/// All services, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct ServiceList {
    /// The services.
    pub services: Vec<Service>,
    /// The registry's revision at which this was so: watch from here.
    pub revision: i64,
}

/// All nodes, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct NodeList {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// The registry's revision at which this was so: watch from here.
    pub revision: i64,
}

/// All workflows, by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq))]
#[cfg_attr(feature = "node", napi_derive::napi(object, use_nullable = true))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct WorkflowList {
    /// The workflows.
    pub workflows: Vec<Workflow>,
    /// The registry's revision at which this was so: watch from here.
    pub revision: i64,
}
