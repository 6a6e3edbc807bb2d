//! Declarations to put, and patches, as callers give them.

use serde::{Deserialize, Serialize};

use super::condition::Condition;
use crate::error::Result;
use crate::registry::entry::Entry;
use crate::registry::{
    Node, RegisterNode, RegisterService, RegisterWorkflow, Service, UpdateNode, UpdateService,
    UpdateWorkflow, Workflow,
};
use crate::types::{Json, weight};

/// A service to create, or to put in place of the one of this id. A field left out has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PutService {
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
    /// Only if it is there with this resource version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
    /// Only if it is not there.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_absent: Option<bool>,
    /// Only if it is there, with whatever version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_present: Option<bool>,
}

/// A node to create, or to put in place of the one of this id. A field left out has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PutNode {
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
    /// Only if it is there with this resource version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
    /// Only if it is not there.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_absent: Option<bool>,
    /// Only if it is there, with whatever version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_present: Option<bool>,
}

/// A workflow to create, or to put in place of the one of this id. A field left out has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PutWorkflow {
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
    /// Only if it is there with this resource version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
    /// Only if it is not there.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_absent: Option<bool>,
    /// Only if it is there, with whatever version.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_present: Option<bool>,
}

/// A merge patch (RFC 7396) for an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[cfg_attr(feature = "mobile", derive(uniffi::Record))]
pub struct PatchEntry {
    /// Which one.
    pub id: String,
    /// The declared fields to change, as an object: objects are merged, null gives a field its default or takes a key
    /// out, anything else replaces.
    pub patch: Json,
    /// Only if its resource version is still this one.
    #[cfg_attr(feature = "mobile", uniffi(default))]
    pub if_version: Option<i64>,
}

impl PutService {
    pub(in crate::registry) fn split(self) -> Result<(RegisterService, Condition)> {
        let condition = Condition::of(self.if_version, self.if_absent, self.if_present)?;
        let spec = RegisterService {
            id: self.id,
            name: self.name,
            base_url: self.base_url,
            health_path: self.health_path,
            probe_interval_ms: self.probe_interval_ms,
            probe_timeout_ms: self.probe_timeout_ms,
            healthy_threshold: self.healthy_threshold,
            unhealthy_threshold: self.unhealthy_threshold,
            metadata: self.metadata,
        };
        Ok((spec, condition))
    }
}

impl PutNode {
    pub(in crate::registry) fn split(self) -> Result<(RegisterNode, Condition)> {
        let condition = Condition::of(self.if_version, self.if_absent, self.if_present)?;
        let spec = RegisterNode {
            id: self.id,
            name: self.name,
            runtime: self.runtime,
            triggers: self.triggers,
            enabled: self.enabled,
            metadata: self.metadata,
        };
        Ok((spec, condition))
    }
}

impl PutWorkflow {
    pub(in crate::registry) fn split(self) -> Result<(RegisterWorkflow, Condition)> {
        let condition = Condition::of(self.if_version, self.if_absent, self.if_present)?;
        let spec = RegisterWorkflow {
            id: self.id,
            name: self.name,
            pipeline_id: self.pipeline_id,
            max_concurrent_tasks: self.max_concurrent_tasks,
            governance: self.governance,
            metadata: self.metadata,
        };
        Ok((spec, condition))
    }
}

/// Changes of some fields of an entry.
pub(in crate::registry) trait Update: Clone + Send + Sync + 'static {
    type Entry: Entry;

    /// The id, and the version that it must have.
    fn which(&self) -> (&str, Option<i64>);
    /// What is to be attached to it.
    fn attached(&self) -> [&Option<Json>; 2];
    /// About how many bytes that has.
    fn weight(&self) -> usize {
        let attached = self.attached().into_iter().flatten();
        attached.map(|value| weight(value)).sum()
    }
    /// The declaration with these changes.
    fn over(self, spec: <Self::Entry as Entry>::Spec) -> <Self::Entry as Entry>::Spec;
}

impl Update for UpdateService {
    type Entry = Service;

    fn which(&self) -> (&str, Option<i64>) {
        (&self.id, self.if_version)
    }

    fn attached(&self) -> [&Option<Json>; 2] {
        [&self.metadata, &None]
    }

    fn over(self, spec: RegisterService) -> RegisterService {
        RegisterService {
            id: spec.id,
            name: self.name.or(spec.name),
            base_url: self.base_url.or(spec.base_url),
            health_path: self.health_path.or(spec.health_path),
            probe_interval_ms: self.probe_interval_ms.or(spec.probe_interval_ms),
            probe_timeout_ms: self.probe_timeout_ms.or(spec.probe_timeout_ms),
            healthy_threshold: self.healthy_threshold.or(spec.healthy_threshold),
            unhealthy_threshold: self.unhealthy_threshold.or(spec.unhealthy_threshold),
            metadata: self.metadata.or(spec.metadata),
        }
    }
}

impl Update for UpdateNode {
    type Entry = Node;

    fn which(&self) -> (&str, Option<i64>) {
        (&self.id, self.if_version)
    }

    fn attached(&self) -> [&Option<Json>; 2] {
        [&self.metadata, &None]
    }

    fn over(self, spec: RegisterNode) -> RegisterNode {
        RegisterNode {
            id: spec.id,
            name: self.name.or(spec.name),
            runtime: self.runtime.or(spec.runtime),
            triggers: self.triggers.or(spec.triggers),
            enabled: self.enabled.or(spec.enabled),
            metadata: self.metadata.or(spec.metadata),
        }
    }
}

impl Update for UpdateWorkflow {
    type Entry = Workflow;

    fn which(&self) -> (&str, Option<i64>) {
        (&self.id, self.if_version)
    }

    fn attached(&self) -> [&Option<Json>; 2] {
        [&self.metadata, &self.governance]
    }

    fn over(self, spec: RegisterWorkflow) -> RegisterWorkflow {
        RegisterWorkflow {
            id: spec.id,
            name: self.name.or(spec.name),
            pipeline_id: self.pipeline_id.or(spec.pipeline_id),
            max_concurrent_tasks: self.max_concurrent_tasks.or(spec.max_concurrent_tasks),
            governance: self.governance.or(spec.governance),
            metadata: self.metadata.or(spec.metadata),
        }
    }
}
