//! `heady.registry()`.

use std::sync::Arc;

use heady_core::registry::{
    DeleteEntry, DetectDrift, DriftQuery, DriftReport, ImportOptions, ImportReport, Node, NodeList,
    PatchEntry, ProbeOptions, ProbeReport, PutNode, PutService, PutWorkflow, RegisterNode,
    RegisterService, RegisterWorkflow, RegistryEvent, ReportHealth, Service, ServiceList,
    UpdateNode, UpdateService, UpdateWorkflow, WatchOptions, Workflow, WorkflowList,
};
use heady_core::{Json, SharedWatch};

use crate::Result;
use crate::cancellation::{Cancellation, until};

/// The registry of services, nodes and workflows.
#[derive(uniffi::Object)]
pub struct Registry(pub(crate) heady_core::registry::Registry);

#[uniffi::export(async_runtime = "tokio")]
impl Registry {
    /// Registers a new service.
    pub async fn register_service(&self, options: RegisterService) -> Result<Service> {
        Ok(self.0.register_service(options).await?)
    }

    /// Creates a service, or puts it in place of the one of its id; putting what is there changes nothing.
    pub async fn put_service(&self, options: PutService) -> Result<Service> {
        Ok(self.0.put_service(options).await?)
    }

    /// Returns a service.
    pub async fn get_service(&self, id: String) -> Result<Service> {
        Ok(self.0.get_service(&id).await?)
    }

    /// Lists all services by id.
    pub async fn list_services(&self) -> Result<ServiceList> {
        Ok(self.0.list_services().await?)
    }

    /// Changes a service.
    pub async fn update_service(&self, options: UpdateService) -> Result<Service> {
        Ok(self.0.update_service(options).await?)
    }

    /// Changes a service by a merge patch (RFC 7396) of its declared fields.
    pub async fn patch_service(&self, options: PatchEntry) -> Result<Service> {
        Ok(self.0.patch_service(options).await?)
    }

    /// Deletes a service and returns what it was.
    pub async fn delete_service(&self, options: DeleteEntry) -> Result<Service> {
        Ok(self.0.delete_service(options).await?)
    }

    /// Registers a new node.
    pub async fn register_node(&self, options: RegisterNode) -> Result<Node> {
        Ok(self.0.register_node(options).await?)
    }

    /// Creates a node, or puts it in place of the one of its id; putting what is there changes nothing.
    pub async fn put_node(&self, options: PutNode) -> Result<Node> {
        Ok(self.0.put_node(options).await?)
    }

    /// Returns a node.
    pub async fn get_node(&self, id: String) -> Result<Node> {
        Ok(self.0.get_node(&id).await?)
    }

    /// Lists all nodes by id.
    pub async fn list_nodes(&self) -> Result<NodeList> {
        Ok(self.0.list_nodes().await?)
    }

    /// Changes a node.
    pub async fn update_node(&self, options: UpdateNode) -> Result<Node> {
        Ok(self.0.update_node(options).await?)
    }

    /// Changes a node by a merge patch (RFC 7396) of its declared fields.
    pub async fn patch_node(&self, options: PatchEntry) -> Result<Node> {
        Ok(self.0.patch_node(options).await?)
    }

    /// Deletes a node and returns what it was.
    pub async fn delete_node(&self, options: DeleteEntry) -> Result<Node> {
        Ok(self.0.delete_node(options).await?)
    }

    /// Registers a new workflow.
    pub async fn register_workflow(&self, options: RegisterWorkflow) -> Result<Workflow> {
        Ok(self.0.register_workflow(options).await?)
    }

    /// Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing.
    pub async fn put_workflow(&self, options: PutWorkflow) -> Result<Workflow> {
        Ok(self.0.put_workflow(options).await?)
    }

    /// Returns a workflow.
    pub async fn get_workflow(&self, id: String) -> Result<Workflow> {
        Ok(self.0.get_workflow(&id).await?)
    }

    /// Lists all workflows by id.
    pub async fn list_workflows(&self) -> Result<WorkflowList> {
        Ok(self.0.list_workflows().await?)
    }

    /// Changes a workflow.
    pub async fn update_workflow(&self, options: UpdateWorkflow) -> Result<Workflow> {
        Ok(self.0.update_workflow(options).await?)
    }

    /// Changes a workflow by a merge patch (RFC 7396) of its declared fields.
    pub async fn patch_workflow(&self, options: PatchEntry) -> Result<Workflow> {
        Ok(self.0.patch_workflow(options).await?)
    }

    /// Deletes a workflow that has never run and returns what it was.
    pub async fn delete_workflow(&self, options: DeleteEntry) -> Result<Workflow> {
        Ok(self.0.delete_workflow(options).await?)
    }

    /// Watches entries: every change after a revision, in order and once.
    #[uniffi::method(default(options))]
    pub async fn watch(&self, options: WatchOptions) -> Result<Arc<RegistryWatch>> {
        let watch = self.0.watch(options).await?;
        Ok(Arc::new(RegistryWatch(watch.into())))
    }

    /// Asks services for their health now and records what they answer.
    #[uniffi::method(default(options), default(cancellation))]
    pub async fn probe(
        &self,
        options: ProbeOptions,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<ProbeReport> {
        until(cancellation, self.0.probe(options)).await
    }

    /// Records what a service says of its own health, which holds for a while: without another report until then the
    /// service is unhealthy.
    pub async fn report_health(&self, options: ReportHealth) -> Result<Service> {
        Ok(self.0.report_health(options).await?)
    }

    /// Imports a registry document: plans what to create, change and delete, then does it in one transaction.
    pub async fn import(&self, options: ImportOptions) -> Result<ImportReport> {
        Ok(self.0.import(options).await?)
    }

    /// Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
    /// what differs. A source that cannot be read is listed with its error and stops no other.
    #[uniffi::method(default(options), default(cancellation))]
    pub async fn detect_drift(
        &self,
        options: DetectDrift,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<DriftReport> {
        until(cancellation, self.0.detect_drift(options)).await
    }

    /// Lists the drift that was found last, the most severe first, and the sources that say so.
    #[uniffi::method(default(query))]
    pub async fn list_drift(&self, query: DriftQuery) -> Result<DriftReport> {
        Ok(self.0.list_drift(query).await?)
    }

    /// Returns the registry as the document that `import` reads: every section of the last import, unknown ones
    /// included, with today's services, nodes and workflows.
    pub async fn export(&self) -> Result<Json> {
        Ok(self.0.export().await?)
    }
}

/// A stream of changes.
#[derive(uniffi::Object)]
pub struct RegistryWatch(SharedWatch<heady_core::registry::RegistryWatch>);

#[uniffi::export(async_runtime = "tokio")]
impl RegistryWatch {
    /// The next change, or nothing when this watch or the engine is ended.
    pub async fn next(&self) -> Result<Option<RegistryEvent>> {
        Ok(self.0.next().await?)
    }

    /// Ends this watch, also for whoever waits for its next change.
    pub fn end(&self) {
        self.0.close();
    }
}
