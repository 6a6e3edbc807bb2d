//! `engine.registry`.

use heady_core::registry::{
    DeleteEntry, DetectDrift, DriftQuery, DriftReport, DriftSeverity, DriftSource, EntryKind,
    HealthStatus, ImportOptions, ImportReport, Node, NodeList, PatchEntry, ProbeOptions,
    ProbeReport, PutNode, PutService, PutWorkflow, RegisterNode, RegisterService, RegisterWorkflow,
    ReportHealth, Service, ServiceList, UpdateNode, UpdateService, UpdateWorkflow, WatchOptions,
    Workflow, WorkflowList,
};
use heady_core::{Json, Timestamp};
use pyo3::prelude::*;

use crate::argument::{FilePath, Given, Named, options};
use crate::wait::wait;
use crate::watch::RegistryWatch;

/// The registry of services, nodes and workflows.
#[pyclass(module = "heady", frozen)]
pub struct Registry(pub(crate) heady_core::registry::Registry);

#[pymethods]
impl Registry {
    /// Registers a new service.
    #[pyo3(signature = (id, *, name=None, base_url=None, health_path=None, probe_interval_ms=None, probe_timeout_ms=None, healthy_threshold=None, unhealthy_threshold=None, metadata=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn register_service(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        base_url: Option<Given<String>>,
        health_path: Option<Given<String>>,
        probe_interval_ms: Option<Given<i64>>,
        probe_timeout_ms: Option<Given<i64>>,
        healthy_threshold: Option<Given<i64>>,
        unhealthy_threshold: Option<Given<i64>>,
        metadata: Option<Given<Json>>,
    ) -> PyResult<Service> {
        let options = options!(RegisterService {
            id,
            name,
            base_url,
            health_path,
            probe_interval_ms,
            probe_timeout_ms,
            healthy_threshold,
            unhealthy_threshold,
            metadata,
        });
        wait(py, self.0.register_service(options))
    }

    /// Creates a service, or puts it in place of the one of its id; putting what is there changes nothing.
    #[pyo3(signature = (id, *, name=None, base_url=None, health_path=None, probe_interval_ms=None, probe_timeout_ms=None, healthy_threshold=None, unhealthy_threshold=None, metadata=None, if_version=None, if_absent=None, if_present=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn put_service(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        base_url: Option<Given<String>>,
        health_path: Option<Given<String>>,
        probe_interval_ms: Option<Given<i64>>,
        probe_timeout_ms: Option<Given<i64>>,
        healthy_threshold: Option<Given<i64>>,
        unhealthy_threshold: Option<Given<i64>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
        if_absent: Option<Given<bool>>,
        if_present: Option<Given<bool>>,
    ) -> PyResult<Service> {
        let options = options!(PutService {
            id,
            name,
            base_url,
            health_path,
            probe_interval_ms,
            probe_timeout_ms,
            healthy_threshold,
            unhealthy_threshold,
            metadata,
            if_version,
            if_absent,
            if_present,
        });
        wait(py, self.0.put_service(options))
    }

    /// Returns a service.
    #[pyo3(signature = (id))]
    fn get_service(&self, py: Python<'_>, id: Given<String>) -> PyResult<Service> {
        wait(py, self.0.get_service(&id.named("id")?))
    }

    /// Lists all services by id.
    fn list_services(&self, py: Python<'_>) -> PyResult<ServiceList> {
        wait(py, self.0.list_services())
    }

    /// Changes a service.
    #[pyo3(signature = (id, *, name=None, base_url=None, health_path=None, probe_interval_ms=None, probe_timeout_ms=None, healthy_threshold=None, unhealthy_threshold=None, metadata=None, if_version=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn update_service(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        base_url: Option<Given<String>>,
        health_path: Option<Given<String>>,
        probe_interval_ms: Option<Given<i64>>,
        probe_timeout_ms: Option<Given<i64>>,
        healthy_threshold: Option<Given<i64>>,
        unhealthy_threshold: Option<Given<i64>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Service> {
        let options = options!(UpdateService {
            id,
            name,
            base_url,
            health_path,
            probe_interval_ms,
            probe_timeout_ms,
            healthy_threshold,
            unhealthy_threshold,
            metadata,
            if_version,
        });
        wait(py, self.0.update_service(options))
    }

    /// Changes a service by a merge patch (RFC 7396) of its declared fields.
    #[pyo3(signature = (id, patch, *, if_version=None))]
    fn patch_service(
        &self,
        py: Python<'_>,
        id: Given<String>,
        patch: Given<Json>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Service> {
        let options = options!(PatchEntry {
            id,
            patch,
            if_version,
        });
        wait(py, self.0.patch_service(options))
    }

    /// Deletes a service and returns what it was.
    #[pyo3(signature = (id, *, if_version=None))]
    fn delete_service(
        &self,
        py: Python<'_>,
        id: Given<String>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Service> {
        let options = options!(DeleteEntry { id, if_version });
        wait(py, self.0.delete_service(options))
    }

    /// Registers a new node.
    #[pyo3(signature = (id, *, name=None, runtime=None, triggers=None, enabled=None, metadata=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn register_node(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        runtime: Option<Given<String>>,
        triggers: Option<Given<Vec<String>>>,
        enabled: Option<Given<bool>>,
        metadata: Option<Given<Json>>,
    ) -> PyResult<Node> {
        let options = options!(RegisterNode {
            id,
            name,
            runtime,
            triggers,
            enabled,
            metadata,
        });
        wait(py, self.0.register_node(options))
    }

    /// Creates a node, or puts it in place of the one of its id; putting what is there changes nothing.
    #[pyo3(signature = (id, *, name=None, runtime=None, triggers=None, enabled=None, metadata=None, if_version=None, if_absent=None, if_present=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn put_node(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        runtime: Option<Given<String>>,
        triggers: Option<Given<Vec<String>>>,
        enabled: Option<Given<bool>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
        if_absent: Option<Given<bool>>,
        if_present: Option<Given<bool>>,
    ) -> PyResult<Node> {
        let options = options!(PutNode {
            id,
            name,
            runtime,
            triggers,
            enabled,
            metadata,
            if_version,
            if_absent,
            if_present,
        });
        wait(py, self.0.put_node(options))
    }

    /// Returns a node.
    #[pyo3(signature = (id))]
    fn get_node(&self, py: Python<'_>, id: Given<String>) -> PyResult<Node> {
        wait(py, self.0.get_node(&id.named("id")?))
    }

    /// Lists all nodes by id.
    fn list_nodes(&self, py: Python<'_>) -> PyResult<NodeList> {
        wait(py, self.0.list_nodes())
    }

    /// Changes a node.
    #[pyo3(signature = (id, *, name=None, runtime=None, triggers=None, enabled=None, metadata=None, if_version=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn update_node(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        runtime: Option<Given<String>>,
        triggers: Option<Given<Vec<String>>>,
        enabled: Option<Given<bool>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Node> {
        let options = options!(UpdateNode {
            id,
            name,
            runtime,
            triggers,
            enabled,
            metadata,
            if_version,
        });
        wait(py, self.0.update_node(options))
    }

    /// Changes a node by a merge patch (RFC 7396) of its declared fields.
    #[pyo3(signature = (id, patch, *, if_version=None))]
    fn patch_node(
        &self,
        py: Python<'_>,
        id: Given<String>,
        patch: Given<Json>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Node> {
        let options = options!(PatchEntry {
            id,
            patch,
            if_version,
        });
        wait(py, self.0.patch_node(options))
    }

    /// Deletes a node and returns what it was.
    #[pyo3(signature = (id, *, if_version=None))]
    fn delete_node(
        &self,
        py: Python<'_>,
        id: Given<String>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Node> {
        let options = options!(DeleteEntry { id, if_version });
        wait(py, self.0.delete_node(options))
    }

    /// Registers a new workflow.
    #[pyo3(signature = (id, *, name=None, pipeline_id=None, max_concurrent_tasks=None, governance=None, metadata=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn register_workflow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        pipeline_id: Option<Given<String>>,
        max_concurrent_tasks: Option<Given<i64>>,
        governance: Option<Given<Json>>,
        metadata: Option<Given<Json>>,
    ) -> PyResult<Workflow> {
        let options = options!(RegisterWorkflow {
            id,
            name,
            pipeline_id,
            max_concurrent_tasks,
            governance,
            metadata,
        });
        wait(py, self.0.register_workflow(options))
    }

    /// Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing.
    #[pyo3(signature = (id, *, name=None, pipeline_id=None, max_concurrent_tasks=None, governance=None, metadata=None, if_version=None, if_absent=None, if_present=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn put_workflow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        pipeline_id: Option<Given<String>>,
        max_concurrent_tasks: Option<Given<i64>>,
        governance: Option<Given<Json>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
        if_absent: Option<Given<bool>>,
        if_present: Option<Given<bool>>,
    ) -> PyResult<Workflow> {
        let options = options!(PutWorkflow {
            id,
            name,
            pipeline_id,
            max_concurrent_tasks,
            governance,
            metadata,
            if_version,
            if_absent,
            if_present,
        });
        wait(py, self.0.put_workflow(options))
    }

    /// Returns a workflow.
    #[pyo3(signature = (id))]
    fn get_workflow(&self, py: Python<'_>, id: Given<String>) -> PyResult<Workflow> {
        wait(py, self.0.get_workflow(&id.named("id")?))
    }

    /// Lists all workflows by id.
    fn list_workflows(&self, py: Python<'_>) -> PyResult<WorkflowList> {
        wait(py, self.0.list_workflows())
    }

    /// Changes a workflow.
    #[pyo3(signature = (id, *, name=None, pipeline_id=None, max_concurrent_tasks=None, governance=None, metadata=None, if_version=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn update_workflow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        name: Option<Given<String>>,
        pipeline_id: Option<Given<String>>,
        max_concurrent_tasks: Option<Given<i64>>,
        governance: Option<Given<Json>>,
        metadata: Option<Given<Json>>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Workflow> {
        let options = options!(UpdateWorkflow {
            id,
            name,
            pipeline_id,
            max_concurrent_tasks,
            governance,
            metadata,
            if_version,
        });
        wait(py, self.0.update_workflow(options))
    }

    /// Changes a workflow by a merge patch (RFC 7396) of its declared fields.
    #[pyo3(signature = (id, patch, *, if_version=None))]
    fn patch_workflow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        patch: Given<Json>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Workflow> {
        let options = options!(PatchEntry {
            id,
            patch,
            if_version,
        });
        wait(py, self.0.patch_workflow(options))
    }

    /// Deletes a workflow that has never run and returns what it was.
    #[pyo3(signature = (id, *, if_version=None))]
    fn delete_workflow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        if_version: Option<Given<i64>>,
    ) -> PyResult<Workflow> {
        let options = options!(DeleteEntry { id, if_version });
        wait(py, self.0.delete_workflow(options))
    }

    /// Watches entries: every change after a revision, in order and once, as an iterator that waits for the next one.
    #[pyo3(signature = (*, since=None, since_at=None, kinds=None, ids=None, bookmarks=None))]
    fn watch(
        &self,
        py: Python<'_>,
        since: Option<Given<i64>>,
        since_at: Option<Given<Timestamp>>,
        kinds: Option<Given<Vec<EntryKind>>>,
        ids: Option<Given<Vec<String>>>,
        bookmarks: Option<Given<bool>>,
    ) -> PyResult<RegistryWatch> {
        let options = options!(WatchOptions {
            since,
            since_at,
            kinds,
            ids,
            bookmarks,
        });
        wait(py, self.0.watch(options)).map(|watch| RegistryWatch(watch.into()))
    }

    /// Asks services for their health now and records what they answer.
    #[pyo3(signature = (*, services=None, timeout_ms=None))]
    fn probe(
        &self,
        py: Python<'_>,
        services: Option<Given<Vec<String>>>,
        timeout_ms: Option<Given<i64>>,
    ) -> PyResult<ProbeReport> {
        let options = options!(ProbeOptions {
            services,
            timeout_ms,
        });
        wait(py, self.0.probe(options))
    }

    /// Records what a service says of its own health, which holds for a while: without another report until then the
    /// service is unhealthy.
    #[pyo3(signature = (id, status, ttl_seconds, *, note=None))]
    fn report_health(
        &self,
        py: Python<'_>,
        id: Given<String>,
        status: Given<HealthStatus>,
        ttl_seconds: Given<i64>,
        note: Option<Given<String>>,
    ) -> PyResult<Service> {
        let options = options!(ReportHealth {
            id,
            status,
            ttl_seconds,
            note,
        });
        wait(py, self.0.report_health(options))
    }

    /// Imports a registry document: plans what to create, change and delete, then does it in one transaction.
    #[pyo3(signature = (path=None, *, document=None, root=None, dry_run=None, force=None))]
    fn import_(
        &self,
        py: Python<'_>,
        path: Option<Given<FilePath>>,
        document: Option<Given<Json>>,
        root: Option<Given<FilePath>>,
        dry_run: Option<Given<bool>>,
        force: Option<Given<bool>>,
    ) -> PyResult<ImportReport> {
        let options = options!(ImportOptions {
            path,
            document,
            root,
            dry_run,
            force,
        });
        wait(py, self.0.import(options))
    }

    /// Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
    /// what differs. A source that cannot be read is listed with its error and stops no other.
    #[pyo3(signature = (path=None, *, document=None, live=None, manifest=None, manifest_document=None, timeout_ms=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn detect_drift(
        &self,
        py: Python<'_>,
        path: Option<Given<FilePath>>,
        document: Option<Given<Json>>,
        live: Option<Given<bool>>,
        manifest: Option<Given<FilePath>>,
        manifest_document: Option<Given<Json>>,
        timeout_ms: Option<Given<i64>>,
    ) -> PyResult<DriftReport> {
        let options = options!(DetectDrift {
            path,
            document,
            live,
            manifest,
            manifest_document,
            timeout_ms,
        });
        wait(py, self.0.detect_drift(options))
    }

    /// Lists the drift that was found last, the most severe first, and the sources that say so.
    #[pyo3(signature = (*, source=None, severity=None, id=None))]
    fn list_drift(
        &self,
        py: Python<'_>,
        source: Option<Given<DriftSource>>,
        severity: Option<Given<DriftSeverity>>,
        id: Option<Given<String>>,
    ) -> PyResult<DriftReport> {
        let query = options!(DriftQuery {
            source,
            severity,
            id,
        });
        wait(py, self.0.list_drift(query))
    }

    /// Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
    /// ones included, with today's services, nodes and workflows.
    fn export(&self, py: Python<'_>) -> PyResult<Json> {
        wait(py, self.0.export())
    }
}
