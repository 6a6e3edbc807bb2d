//! `heady.registry`.

use heady_core::Json;
use heady_core::registry::{
    DeleteEntry, DetectDrift, DriftQuery, DriftReport, ImportOptions, ImportReport, Node, NodeList,
    PatchEntry, ProbeOptions, ProbeReport, PutNode, PutService, PutWorkflow, RegisterNode,
    RegisterService, RegisterWorkflow, ReportHealth, Service, ServiceList, UpdateNode,
    UpdateService, UpdateWorkflow, WatchOptions, Workflow, WorkflowList,
};
use napi::bindgen_prelude::{Env, Object, PromiseRaw};
use napi_derive::napi;

use crate::error::rejection;
use crate::given::Given;
use crate::promise::{CallOptions, Options, promise};
use crate::watch::{self, RegistryWatch};

/// The registry of services, nodes and workflows.
#[napi]
pub struct Registry(pub(crate) heady_core::registry::Registry);

#[napi]
impl Registry {
    /// Registers a new service.
    #[napi]
    pub fn register_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "RegisterService")] options: Options<RegisterService>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.register_service(options.read()?).await
        })
    }

    /// Creates a service, or puts it in place of the one of its id; putting what is there changes nothing.
    #[napi]
    pub fn put_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PutService")] options: Options<PutService>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.put_service(options.read()?).await
        })
    }

    /// Returns a service.
    #[napi]
    pub fn get_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.get_service(&id.read("id")?).await
        })
    }

    /// Lists all services by id.
    #[napi]
    pub fn list_services<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, ServiceList>> {
        let registry = self.0.clone();
        promise(env, call, async move { registry.list_services().await })
    }

    /// Changes a service.
    #[napi]
    pub fn update_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "UpdateService")] options: Options<UpdateService>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.update_service(options.read()?).await
        })
    }

    /// Changes a service by a merge patch (RFC 7396) of its declared fields.
    #[napi]
    pub fn patch_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PatchEntry")] options: Options<PatchEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.patch_service(options.read()?).await
        })
    }

    /// Deletes a service and returns what it was.
    #[napi]
    pub fn delete_service<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DeleteEntry")] options: Options<DeleteEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.delete_service(options.read()?).await
        })
    }

    /// Registers a new node.
    #[napi]
    pub fn register_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "RegisterNode")] options: Options<RegisterNode>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.register_node(options.read()?).await
        })
    }

    /// Creates a node, or puts it in place of the one of its id; putting what is there changes nothing.
    #[napi]
    pub fn put_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PutNode")] options: Options<PutNode>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.put_node(options.read()?).await
        })
    }

    /// Returns a node.
    #[napi]
    pub fn get_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.get_node(&id.read("id")?).await
        })
    }

    /// Lists all nodes by id.
    #[napi]
    pub fn list_nodes<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, NodeList>> {
        let registry = self.0.clone();
        promise(env, call, async move { registry.list_nodes().await })
    }

    /// Changes a node.
    #[napi]
    pub fn update_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "UpdateNode")] options: Options<UpdateNode>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.update_node(options.read()?).await
        })
    }

    /// Changes a node by a merge patch (RFC 7396) of its declared fields.
    #[napi]
    pub fn patch_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PatchEntry")] options: Options<PatchEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.patch_node(options.read()?).await
        })
    }

    /// Deletes a node and returns what it was.
    #[napi]
    pub fn delete_node<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DeleteEntry")] options: Options<DeleteEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Node>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.delete_node(options.read()?).await
        })
    }

    /// Registers a new workflow.
    #[napi]
    pub fn register_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "RegisterWorkflow")] options: Options<RegisterWorkflow>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.register_workflow(options.read()?).await
        })
    }

    /// Creates a workflow, or puts it in place of the one of its id; putting what is there changes nothing.
    #[napi]
    pub fn put_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PutWorkflow")] options: Options<PutWorkflow>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.put_workflow(options.read()?).await
        })
    }

    /// Returns a workflow.
    #[napi]
    pub fn get_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.get_workflow(&id.read("id")?).await
        })
    }

    /// Lists all workflows by id.
    #[napi]
    pub fn list_workflows<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, WorkflowList>> {
        let registry = self.0.clone();
        promise(env, call, async move { registry.list_workflows().await })
    }

    /// Changes a workflow.
    #[napi]
    pub fn update_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "UpdateWorkflow")] options: Options<UpdateWorkflow>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.update_workflow(options.read()?).await
        })
    }

    /// Changes a workflow by a merge patch (RFC 7396) of its declared fields.
    #[napi]
    pub fn patch_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "PatchEntry")] options: Options<PatchEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.patch_workflow(options.read()?).await
        })
    }

    /// Deletes a workflow that has never run and returns what it was.
    #[napi]
    pub fn delete_workflow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DeleteEntry")] options: Options<DeleteEntry>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Workflow>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.delete_workflow(options.read()?).await
        })
    }

    /// Watches entries: every change after a revision, in order and once, as an async iterator. It ends with the loop
    /// over it, with its `return()`, or when the engine is closed. An aborted signal ends it with `CANCELLED`; if events
    /// after the revision are gone, it ends with `FAILED_PRECONDITION` that has `compacted`: list again.
    #[napi(ts_return_type = "RegistryWatch")]
    pub fn watch<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "WatchOptions | undefined | null")] options: Option<
            Options<WatchOptions>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<Object<'env>> {
        let options = options.unwrap_or_default().read();
        let options = options.map_err(|error| rejection(env, &error))?;
        watch::iterator::<_, RegistryWatch>(env, self.0.begin_watch(options), call)
    }

    /// Asks services for their health now and records what they answer.
    #[napi]
    pub fn probe<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "ProbeOptions | undefined | null")] options: Option<
            Options<ProbeOptions>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, ProbeReport>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.probe(options.unwrap_or_default().read()?).await
        })
    }

    /// Records what a service says of its own health, which holds for a while: without another report until then the
    /// service is unhealthy.
    #[napi]
    pub fn report_health<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "ReportHealth")] options: Options<ReportHealth>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Service>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.report_health(options.read()?).await
        })
    }

    /// Imports a registry document: plans what to create, change and delete, then does it in one transaction.
    #[napi]
    pub fn import<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "ImportOptions")] options: Options<ImportOptions>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, ImportReport>> {
        let registry = self.0.clone();
        promise(
            env,
            call,
            async move { registry.import(options.read()?).await },
        )
    }

    /// Compares the registry with the file it was imported from, with what answers and with what is deployed, and records
    /// what differs. A source that cannot be read is listed with its error and stops no other.
    #[napi]
    pub fn detect_drift<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DetectDrift | undefined | null")] options: Option<
            Options<DetectDrift>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, DriftReport>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry
                .detect_drift(options.unwrap_or_default().read()?)
                .await
        })
    }

    /// Lists the drift that was found last, the most severe first, and the sources that say so.
    #[napi]
    pub fn list_drift<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DriftQuery | undefined | null")] query: Option<Options<DriftQuery>>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, DriftReport>> {
        let registry = self.0.clone();
        promise(env, call, async move {
            registry.list_drift(query.unwrap_or_default().read()?).await
        })
    }

    /// Returns the registry as the document that [`Registry::import`] reads: every section of the last import, unknown
    /// ones included, with today's services, nodes and workflows.
    #[napi]
    pub fn export<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Json>> {
        let registry = self.0.clone();
        promise(env, call, async move { registry.export().await })
    }
}
