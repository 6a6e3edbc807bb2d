//! What runs where: blueprint 1.1, `services`, `nodes` and `workflows`.
//!
//! A declared entry is what somebody wrote; a service's health is only ever what a probe saw.

mod drift;
mod edit;
mod entry;
mod history;
mod import;
mod list;
mod memory;
mod model;
mod node;
mod probe;
mod put;
mod queries;
mod said;
mod service;
#[cfg(test)]
mod tests;
mod watch;
mod workflow;

pub(crate) use drift::STAYS;
pub use drift::{
    DetectDrift, Drift, DriftKind, DriftQuery, DriftReport, DriftSeverity, DriftSnapshot,
    DriftSource,
};
pub(crate) use entry::{TABLES, checked_id};
pub(crate) use history::take_turn;
#[cfg(feature = "http")]
pub(crate) use import::entries;
pub(crate) use import::other_sections;
pub use import::{
    ImportAction, ImportEntry, ImportOptions, ImportReport, ImportSection, ReadImport,
};
pub use model::{
    DeleteEntry, EntryKind, HealthStatus, Node, NodeList, RegisterNode, RegisterService,
    RegisterWorkflow, Service, ServiceList, UpdateNode, UpdateService, UpdateWorkflow, Workflow,
    WorkflowList,
};
pub use probe::{LastProbe, Probe, ProbeOptions, ProbeReport, ReportHealth};
pub use put::{PatchEntry, PutNode, PutService, PutWorkflow};
#[cfg(feature = "http")]
pub(crate) use watch::Seen;
pub use watch::{RegistryChange, RegistryEvent, RegistryWatch, WatchOptions};
pub(crate) use workflow::run_pipeline;

use std::sync::Arc;

use serde_json::json;

use self::edit::Editors;
use self::probe::Prober;
use self::watch::Feed;
use crate::error::{Error, Result};
use crate::outbound::HttpClient;
use crate::store::Store;
use crate::types::Json;
use crate::watch::SharedWatch;

/// The pipeline limit of a workflow that names none; the blueprint's default.
pub(crate) const MAX_CONCURRENT_TASKS: i64 = 6;

/// The registry.
#[derive(Clone)]
pub struct Registry {
    store: Store,
    actor: Arc<str>,
    editors: Editors,
    feed: Feed,
    prober: Prober,
    imports: import::Places,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry")
            .field("actor", &self.actor)
            .finish_non_exhaustive()
    }
}

impl Registry {
    pub(crate) fn new(store: Store, http: HttpClient, actor: Arc<str>) -> Self {
        let feed = Feed::new(store.clone());
        let editors = Editors::new(&store, &feed);
        Self {
            prober: Prober::new(store.clone(), feed.clone(), editors.clone(), http),
            imports: import::Places::default(),
            editors,
            feed,
            store,
            actor,
        }
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
    /// `ALREADY_EXISTS` with the current service, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_service(&self, options: RegisterService) -> Result<Service> {
        put::register(&self.editors, &self.actor, options).await
    }

    /// Creates a service, or puts it in place of the one of its id; putting what is there changes nothing. The metadata of an
    /// imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, or `ABORTED` with the current service if the condition does not hold.
    pub async fn put_service(&self, options: PutService) -> Result<Service> {
        put::put(&self.editors, &self.actor, options.split()?).await
    }

    /// Returns a service.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_service(&self, id: &str) -> Result<Service> {
        let service = entry::get(&self.store, id).await?;
        Ok(self.prober.freshened(service))
    }

    /// Changes a service. The metadata of an imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current service if its version is another.
    pub async fn update_service(&self, options: UpdateService) -> Result<Service> {
        put::update(&self.editors, &self.actor, options).await
    }

    /// Changes a service by a merge patch (RFC 7396) of its declared fields. The metadata of an imported one is its whole
    /// entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current service if its version is another.
    pub async fn patch_service(&self, options: PatchEntry) -> Result<Service> {
        put::patch(&self.editors, &self.actor, options).await
    }

    /// Deletes a service and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `ABORTED` with the current service if its version is another.
    pub async fn delete_service(&self, options: DeleteEntry) -> Result<Service> {
        put::delete(&self.editors, &self.actor, options).await
    }

    /// Registers a new node.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` with the current node, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_node(&self, options: RegisterNode) -> Result<Node> {
        put::register(&self.editors, &self.actor, options).await
    }

    /// Creates a node, or puts it in place of the one of its id; putting what is there changes nothing. The metadata of an
    /// imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, or `ABORTED` with the current node if the condition does not hold.
    pub async fn put_node(&self, options: PutNode) -> Result<Node> {
        put::put(&self.editors, &self.actor, options.split()?).await
    }

    /// Returns a node.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_node(&self, id: &str) -> Result<Node> {
        entry::get(&self.store, id).await
    }

    /// Changes a node. The metadata of an imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current node if its version is another.
    pub async fn update_node(&self, options: UpdateNode) -> Result<Node> {
        put::update(&self.editors, &self.actor, options).await
    }

    /// Changes a node by a merge patch (RFC 7396) of its declared fields. The metadata of an imported one is its whole
    /// entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current node if its version is another.
    pub async fn patch_node(&self, options: PatchEntry) -> Result<Node> {
        put::patch(&self.editors, &self.actor, options).await
    }

    /// Deletes a node and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `ABORTED` with the current node if its version is another.
    pub async fn delete_node(&self, options: DeleteEntry) -> Result<Node> {
        put::delete(&self.editors, &self.actor, options).await
    }

    /// Registers a new workflow.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` with the current workflow, or `INVALID_ARGUMENT` naming the field.
    pub async fn register_workflow(&self, options: RegisterWorkflow) -> Result<Workflow> {
        put::register(&self.editors, &self.actor, options).await
    }

    /// Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing. The metadata of an
    /// imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming the field, or `ABORTED` with the current workflow if the condition does not hold.
    pub async fn put_workflow(&self, options: PutWorkflow) -> Result<Workflow> {
        put::put(&self.editors, &self.actor, options.split()?).await
    }

    /// Returns a workflow.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub async fn get_workflow(&self, id: &str) -> Result<Workflow> {
        entry::get(&self.store, id).await
    }

    /// Changes a workflow. The metadata of an imported one is its whole entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current workflow if its version is another.
    pub async fn update_workflow(&self, options: UpdateWorkflow) -> Result<Workflow> {
        put::update(&self.editors, &self.actor, options).await
    }

    /// Changes a workflow by a merge patch (RFC 7396) of its declared fields. The metadata of an imported one is its whole
    /// entry, and follows its fields.
    ///
    /// # Errors
    /// `NOT_FOUND`, `INVALID_ARGUMENT` naming the field, or the key of new metadata that says a field otherwise than it is, or `ABORTED` with the current workflow if its version is another.
    pub async fn patch_workflow(&self, options: PatchEntry) -> Result<Workflow> {
        put::patch(&self.editors, &self.actor, options).await
    }

    /// Deletes a workflow that has never run and returns what it was.
    ///
    /// # Errors
    /// `NOT_FOUND`, `FAILED_PRECONDITION` if it has runs, or `ABORTED` with the current workflow if its version is another.
    pub async fn delete_workflow(&self, options: DeleteEntry) -> Result<Workflow> {
        put::delete(&self.editors, &self.actor, options).await
    }

    /// Watches entries: every change after a revision, in order and once. From the first watch on the engine also writes, once
    /// they do, that reports of services run out, as one whose loops run does.
    ///
    /// ```
    /// # use heady_core::registry::{PutNode, RegistryChange, WatchOptions};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let heady = heady_core::Heady::connect("sqlite::memory:").await?;
    /// let registry = heady.registry();
    /// let since = Some(registry.list_nodes().await?.revision);
    /// let mut changes = registry.watch(WatchOptions { since, ..Default::default() }).await?;
    /// registry.put_node(PutNode { id: "scout".into(), ..Default::default() }).await?;
    /// if let Some(event) = changes.next().await? {
    ///     assert_eq!((event.change, event.revision), (RegistryChange::Create, changes.revision()));
    /// }
    /// # heady.close().await;
    /// # Ok::<_, heady_core::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `FAILED_PRECONDITION` with `compacted` in its details if events after that revision are gone; list again.
    pub async fn watch(&self, options: WatchOptions) -> Result<RegistryWatch> {
        let watch = RegistryWatch::open(&self.feed, options).await?;
        self.prober.start(false);
        Ok(watch)
    }

    /// Watches as [`Registry::watch`] does, for a caller that cannot wait for the beginning: what that is refused for,
    /// the first call of [`SharedWatch::next`] says.
    pub fn begin_watch(&self, options: WatchOptions) -> SharedWatch<RegistryWatch> {
        let registry = self.clone();
        SharedWatch::opened_by(self.store.runtime(), async move {
            registry.watch(options).await
        })
    }

    /// Writes from now on which reports have run out, and probes services in a rhythm if it is to.
    pub(crate) fn start(&self, probes: bool) {
        self.prober.start(probes);
    }

    /// Ends every watch, and hands the services that are probed here back.
    pub(crate) async fn close(&self) {
        self.feed.close();
        self.prober.close().await;
    }

    /// As after many changes more: watchers that are late find nothing in memory.
    #[cfg(test)]
    pub(crate) fn forget_events(&self) {
        self.feed.forget();
    }

    /// Lets watchers see at once what a transaction of its own changed here, and changes not decide on what was before it.
    pub(crate) fn changed(&self) {
        self.editors.forget();
        self.feed.wake();
    }

    /// Asks services for their health now and records what they answer.
    ///
    /// What is found counts at once: it is for the probes that nobody asked for that it takes several in a row. While a
    /// service's own report holds, it is recorded beside that and changes nothing. A status that changes stands in the audit
    /// log with who asked.
    ///
    /// # Errors
    /// `NOT_FOUND` for a service that is not registered. A service that does not answer is a finding, not an error.
    pub async fn probe(&self, options: ProbeOptions) -> Result<ProbeReport> {
        self.prober.probe(&self.actor, options).await
    }

    /// Records what a service says of its own health, which holds for a while: without another report until then the
    /// service is unhealthy.
    ///
    /// # Errors
    /// `NOT_FOUND`, or `INVALID_ARGUMENT` naming the field.
    pub async fn report_health(&self, options: ReportHealth) -> Result<Service> {
        probe::report(&self.store, &self.editors, &self.actor, options).await
    }

    /// Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
    /// ones included, with today's services, nodes and workflows.
    ///
    /// # Errors
    /// `DATA_LOSS` naming an entry that cannot be read, with the `document` of all others in its details, beside `unreadable`.
    pub async fn export(&self) -> Result<Json> {
        import::export(&self.store).await
    }

    /// Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
    /// what differs. A source that cannot be read is listed with its error and stops no other.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for both a path and a document or a time that is none, `UNAVAILABLE` if the database does not
    /// answer.
    pub async fn detect_drift(&self, options: DetectDrift) -> Result<DriftReport> {
        drift::detect(&self.store, &self.prober, &self.actor, options).await
    }

    /// Lists the drift that was found last, the most severe first, and the sources that say so.
    pub async fn list_drift(&self, query: DriftQuery) -> Result<DriftReport> {
        drift::list(&self.store, query).await
    }

    /// The services that their owner calls critical (`"critical": true`) and that were last seen unhealthy.
    pub(crate) async fn critical_alarms(&self) -> Result<Vec<String>> {
        let listed = list::list::<Service>(&self.store).await?;
        if let Some(unreadable) = listed.unreadable.first() {
            // Nobody knows whether it is one of them.
            return Err(Error::data_loss(unreadable.told()));
        }
        let services = listed.entries;
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
