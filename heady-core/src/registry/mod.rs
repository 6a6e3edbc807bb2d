//! What runs where: blueprint 1.1, `services`, `nodes` and `workflows`.
//!
//! A declared entry is what somebody wrote; a service's health is only ever what a probe saw.

mod drift;
mod entry;
mod health;
mod import;
mod model;
mod queries;
#[cfg(test)]
mod tests;

pub use drift::{
    DetectDrift, Drift, DriftKind, DriftQuery, DriftReport, DriftSeverity, DriftSnapshot,
    DriftSource,
};
pub use model::{
    DeleteEntry, HealthStatus, ImportAction, ImportEntry, ImportOptions, ImportReport,
    ImportSection, Node, NodeList, Probe, ProbeOptions, ProbeReport, RegisterNode, RegisterService,
    RegisterWorkflow, Service, ServiceList, UpdateNode, UpdateService, UpdateWorkflow, Workflow,
    WorkflowList,
};

use std::sync::Arc;

use serde_json::json;

use crate::error::{Error, Result};
use crate::outbound::{HttpClient, Url};
use crate::store::Store;
use crate::types::{Id, Json, now};

/// The health path of a service that names none; the blueprint's default.
const HEALTH_PATH: &str = "/api/health";

/// The pipeline limit of a workflow that names none; the blueprint's default.
pub(crate) const MAX_CONCURRENT_TASKS: i64 = 6;

/// The registry.
#[derive(Debug, Clone)]
pub struct Registry {
    store: Store,
    http: HttpClient,
    actor: Arc<str>,
}

impl Registry {
    pub(crate) fn new(store: Store, http: HttpClient, actor: Arc<str>) -> Self {
        Self { store, http, actor }
    }

    /// The same registry for another caller.
    pub(crate) fn acting_as(&self, actor: Arc<str>) -> Self {
        Self {
            actor,
            ..self.clone()
        }
    }

    /// Registers a new service.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_service(&self, options: RegisterService) -> Result<Service> {
        let id = checked_id(&options.id)?;
        let service = Service {
            name: options.name.unwrap_or_else(|| id.to_string()),
            base_url: options
                .base_url
                .as_deref()
                .map(checked_base_url)
                .transpose()?
                .unwrap_or_default(),
            health_path: options
                .health_path
                .map(checked_path)
                .transpose()?
                .unwrap_or_else(|| HEALTH_PATH.to_owned()),
            status: HealthStatus::Unknown,
            last_healthy_at: None,
            metadata: checked_object("metadata", options.metadata)?,
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
            id,
        };
        entry::register(&self.store, &self.actor, service).await
    }

    /// Returns a service.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_service(&self, id: &str) -> Result<Service> {
        entry::get(&self.store, id).await
    }

    /// Lists all services by id.
    pub async fn list_services(&self) -> Result<ServiceList> {
        Ok(ServiceList {
            services: entry::list(&self.store).await?,
        })
    }

    /// Changes a service.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT`, or `ABORTED` with the current service if its version is another.
    pub async fn update_service(&self, options: UpdateService) -> Result<Service> {
        let base_url = options
            .base_url
            .as_deref()
            .map(checked_base_url)
            .transpose()?;
        let health_path = options.health_path.map(checked_path).transpose()?;
        let metadata = options
            .metadata
            .map(|metadata| checked_object("metadata", Some(metadata)))
            .transpose()?;
        entry::update(
            &self.store,
            &self.actor,
            &options.id,
            options.if_version,
            move |service: &mut Service| {
                if let Some(base_url) = base_url.filter(|base_url| *base_url != service.base_url) {
                    service.base_url = base_url;
                    service.status = HealthStatus::Unknown;
                }
                assign(&mut service.name, options.name);
                assign(&mut service.health_path, health_path);
                assign(&mut service.metadata, metadata);
            },
        )
        .await
    }

    /// Deletes a service and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `ABORTED` if its version is another.
    pub async fn delete_service(&self, options: DeleteEntry) -> Result<Service> {
        entry::delete(&self.store, &self.actor, options).await
    }

    /// Registers a new node.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_node(&self, options: RegisterNode) -> Result<Node> {
        let id = checked_id(&options.id)?;
        let node = Node {
            name: options.name.unwrap_or_else(|| id.to_string()),
            runtime: options.runtime.unwrap_or_else(|| "node".to_owned()),
            triggers: options.triggers.unwrap_or_default(),
            enabled: options.enabled.unwrap_or(true),
            metadata: checked_object("metadata", options.metadata)?,
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
            id,
        };
        entry::register(&self.store, &self.actor, node).await
    }

    /// Returns a node.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_node(&self, id: &str) -> Result<Node> {
        entry::get(&self.store, id).await
    }

    /// Lists all nodes by id.
    pub async fn list_nodes(&self) -> Result<NodeList> {
        Ok(NodeList {
            nodes: entry::list(&self.store).await?,
        })
    }

    /// Changes a node.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT`, or `ABORTED` with the current node if its version is another.
    pub async fn update_node(&self, options: UpdateNode) -> Result<Node> {
        let metadata = options
            .metadata
            .map(|metadata| checked_object("metadata", Some(metadata)))
            .transpose()?;
        entry::update(
            &self.store,
            &self.actor,
            &options.id,
            options.if_version,
            move |node: &mut Node| {
                assign(&mut node.name, options.name);
                assign(&mut node.runtime, options.runtime);
                assign(&mut node.triggers, options.triggers);
                assign(&mut node.enabled, options.enabled);
                assign(&mut node.metadata, metadata);
            },
        )
        .await
    }

    /// Deletes a node and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `ABORTED` if its version is another.
    pub async fn delete_node(&self, options: DeleteEntry) -> Result<Node> {
        entry::delete(&self.store, &self.actor, options).await
    }

    /// Registers a new workflow.
    ///
    /// # Errors
    /// `ALREADY_EXISTS`, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_workflow(&self, options: RegisterWorkflow) -> Result<Workflow> {
        let id = checked_id(&options.id)?;
        let workflow = Workflow {
            name: options.name.unwrap_or_else(|| id.to_string()),
            pipeline_id: options.pipeline_id.unwrap_or_else(|| id.to_string()),
            max_concurrent_tasks: checked_limit(options.max_concurrent_tasks)?
                .unwrap_or(MAX_CONCURRENT_TASKS),
            governance: checked_object("governance", options.governance)?,
            metadata: checked_object("metadata", options.metadata)?,
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
            id,
        };
        entry::register(&self.store, &self.actor, workflow).await
    }

    /// Returns a workflow.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_workflow(&self, id: &str) -> Result<Workflow> {
        entry::get(&self.store, id).await
    }

    /// Lists all workflows by id.
    pub async fn list_workflows(&self) -> Result<WorkflowList> {
        Ok(WorkflowList {
            workflows: entry::list(&self.store).await?,
        })
    }

    /// Changes a workflow.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT`, or `ABORTED` with the current workflow if its version is another.
    pub async fn update_workflow(&self, options: UpdateWorkflow) -> Result<Workflow> {
        let limit = checked_limit(options.max_concurrent_tasks)?;
        let governance = options
            .governance
            .map(|rules| checked_object("governance", Some(rules)))
            .transpose()?;
        let metadata = options
            .metadata
            .map(|metadata| checked_object("metadata", Some(metadata)))
            .transpose()?;
        entry::update(
            &self.store,
            &self.actor,
            &options.id,
            options.if_version,
            move |workflow: &mut Workflow| {
                assign(&mut workflow.name, options.name);
                assign(&mut workflow.pipeline_id, options.pipeline_id);
                assign(&mut workflow.max_concurrent_tasks, limit);
                assign(&mut workflow.governance, governance);
                assign(&mut workflow.metadata, metadata);
            },
        )
        .await
    }

    /// Deletes a workflow that has never run and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, `FAILED_PRECONDITION` if it has runs, or `ABORTED` if its version is another.
    pub async fn delete_workflow(&self, options: DeleteEntry) -> Result<Workflow> {
        entry::delete(&self.store, &self.actor, options).await
    }

    /// Asks services for their health and records what they answer.
    ///
    /// # Errors
    /// `NOT_FOUND` for a service that is not registered. A service that does not answer is a finding, not an error.
    pub async fn probe(&self, options: ProbeOptions) -> Result<ProbeReport> {
        health::probe(&self.store, &self.http, options).await
    }

    /// Imports a registry document: plans what to create, change and delete, then does it in one transaction.
    ///
    /// # Errors
    /// `NOT_FOUND` for a missing file, `INVALID_ARGUMENT` with line and column for a malformed one or for a document
    /// that is no registry, `FAILED_PRECONDITION` if it would delete a large share of the registry. After an error
    /// nothing has changed.
    pub async fn import(&self, options: ImportOptions) -> Result<ImportReport> {
        import::run(&self.store, &self.actor, options).await
    }

    /// Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
    /// ones included, with today's services, nodes and workflows.
    pub async fn export(&self) -> Result<Json> {
        import::export(&self.store).await
    }

    /// Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
    /// what differs. A source that cannot be read is listed with its error and stops no other.
    ///
    /// # Errors
    /// `UNAVAILABLE` if the database does not answer.
    pub async fn detect_drift(&self, options: DetectDrift) -> Result<DriftReport> {
        drift::detect(&self.store, &self.http, &self.actor, options).await
    }

    /// Lists the drift that was found last, the most severe first, and the sources that say so.
    pub async fn list_drift(&self, query: DriftQuery) -> Result<DriftReport> {
        drift::list(&self.store, query).await
    }

    /// The services that their owner calls critical (`"critical": true`) and that were last seen unhealthy.
    pub(crate) async fn critical_alarms(&self) -> Result<Vec<String>> {
        let services: Vec<Service> = entry::list(&self.store).await?;
        let critical = |service: &Service| service.metadata.get("critical") == Some(&json!(true));
        Ok(services
            .iter()
            .filter(|service| service.status == HealthStatus::Unhealthy && critical(service))
            .map(|service| service.id.to_string())
            .collect())
    }

    /// The base URLs of all services that have one.
    pub(crate) async fn base_urls(&self) -> Result<Vec<String>> {
        let rows = self
            .store
            .fetch_all("SELECT base_url FROM services WHERE base_url <> ''", vec![])
            .await?;
        rows.iter().map(|row| row.get("base_url")).collect()
    }
}

fn assign<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

/// An id that can stand in a path, a log line and a report.
pub(crate) fn checked_id(id: &str) -> Result<Id> {
    if id.trim().is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
        return Err(Error::invalid_argument(
            "id: must have 1 to 200 characters, none of them a control character",
        ));
    }
    Ok(Id::from(id))
}

fn checked_base_url(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let valid = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    match valid {
        Some(url) if url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err(Error::invalid_argument(
            "baseUrl: must be like http://host:port, without credentials, query or fragment",
        )),
    }
}

fn checked_path(path: String) -> Result<String> {
    if path.starts_with('/') {
        Ok(path)
    } else {
        Err(Error::invalid_argument("healthPath: must begin with '/'"))
    }
}

fn checked_limit(limit: Option<i64>) -> Result<Option<i64>> {
    match limit {
        Some(limit) if !(1..=1024).contains(&limit) => Err(Error::invalid_argument(format!(
            "maxConcurrentTasks: must be between 1 and 1024, not {limit}"
        ))),
        limit => Ok(limit),
    }
}

fn checked_object(field: &str, value: Option<Json>) -> Result<Json> {
    match value {
        None => Ok(json!({}).into()),
        Some(value) if value.is_object() => Ok(value),
        Some(_) => Err(Error::invalid_argument(format!(
            "{field}: must be an object"
        ))),
    }
}
