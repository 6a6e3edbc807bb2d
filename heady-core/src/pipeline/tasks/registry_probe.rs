//! `registry.probe {services: [ids] | all, expect: healthy | any, timeoutMs}`: asks services for their health.

use std::sync::Arc;

use super::{EngineTask, Folder, TaskContext, TaskFuture, Tools};
use crate::document::Fields;
use crate::error::{Error, Result};
use crate::registry::ProbeOptions;

#[derive(Debug)]
pub(super) struct RegistryProbe {
    options: ProbeOptions,
    /// Whether a service that is not healthy fails the task.
    must_be_healthy: bool,
}

impl RegistryProbe {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self> {
        let services = match fields.get("services") {
            Some(field) if field.value == "all" => None,
            Some(field) => Some(
                field
                    .names()
                    .map_err(|_| field.expected("a list of service ids or 'all'"))?,
            ),
            None => None,
        };
        let must_be_healthy = match fields.get("expect") {
            Some(field) => match field.text()? {
                "healthy" => true,
                "any" => false,
                _ => return Err(field.expected("healthy or any")),
            },
            None => true,
        };
        let timeout_ms = fields
            .get("timeoutMs")
            .map(|field| field.integer_in(1, 600_000))
            .transpose()?;
        fields.finish_strict()?;
        Ok(Self {
            options: ProbeOptions {
                services,
                timeout_ms,
            },
            must_be_healthy,
        })
    }
}

impl EngineTask for RegistryProbe {
    fn check(&self, _tools: &Tools, _folder: &Folder) -> Result<()> {
        Ok(())
    }

    fn call(self: Arc<Self>, tools: Tools, _folder: Folder, context: TaskContext) -> TaskFuture {
        Box::pin(async move {
            let report = tokio::select! {
                report = tools.registry.probe(self.options.clone()) => report?,
                () = context.cancelled() => return Err(Error::cancelled("the probes were given up")),
            };
            let ill = report.ill(self.options.services.is_some());
            let ill: Vec<_> = ill.map(|probe| probe.id.as_str()).collect();
            let message = format!(
                "{} of {} services are not healthy: {}",
                ill.len(),
                report.probes.len(),
                ill.join(", ")
            );
            let failed = self.must_be_healthy && !ill.is_empty();
            let output = serde_json::to_value(&report)?;
            if failed {
                Err(Error::unavailable(message).with_details(output))
            } else {
                Ok(output)
            }
        })
    }
}
