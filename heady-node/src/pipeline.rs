//! `heady.pipeline`.

use heady_core::pipeline::{
    DefinePipeline, DefinitionQuery, FollowRun, PipelineDefinition, PipelineRun, PipelineVersion,
    RunPage, RunQuery, StartRun,
};
use napi::bindgen_prelude::{Env, Object, PromiseRaw};
use napi_derive::napi;

use crate::error::{Code, rejection};
use crate::given::Given;
use crate::handler;
use crate::promise::{CallOptions, Options, promise};
use crate::watch::{self, RunFollow};

/// Pipelines and their runs.
#[napi]
pub struct Pipeline(pub(crate) heady_core::pipeline::Pipeline);

#[napi]
impl Pipeline {
    /// Registers a handler under a name, in place of an earlier one. What it returns, or what its promise gives, is
    /// the task's output; what it throws fails the attempt, and a `code` of the engine decides whether it is repeated.
    #[napi]
    pub fn handle(
        &self,
        #[napi(ts_arg_type = "string")] name: Given<String>,
        #[napi(ts_arg_type = "(context: TaskContext, input: any) => unknown")] handler: Given<
            handler::JsHandler<'_>,
        >,
    ) -> napi::Result<(), Code> {
        handler::register(&self.0, name, handler)
    }

    /// Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
    #[napi]
    pub fn define<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DefinePipeline")] options: Options<DefinePipeline>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineVersion>> {
        let pipeline = self.0.clone();
        promise(
            env,
            call,
            async move { pipeline.define(options.read()?).await },
        )
    }

    /// Returns the definition that a workflow runs: the newest version, or the one that is asked for.
    #[napi]
    pub fn definition<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "DefinitionQuery | undefined | null")] query: Option<
            Options<DefinitionQuery>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineDefinition>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.definition(query.unwrap_or_default().read()?).await
        })
    }

    /// Begins a run and returns it as it then stands; it goes on in the background.
    #[napi]
    pub fn start<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "StartRun | undefined | null")] options: Option<Options<StartRun>>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.start(options.unwrap_or_default().read()?).await
        })
    }

    /// Begins a run and returns it when it has ended, or waits for a person.
    #[napi]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "StartRun | undefined | null")] options: Option<Options<StartRun>>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.run(options.unwrap_or_default().read()?).await
        })
    }

    /// Returns a run as it stands.
    #[napi]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] run_id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.get(&run_id.read("runId")?).await
        })
    }

    /// Returns a run when it has ended or waits for a person, wherever it is executed.
    #[napi]
    pub fn wait<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] run_id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.wait(&run_id.read("runId")?).await
        })
    }

    /// Lists runs, newest first.
    #[napi]
    pub fn list<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "RunQuery | undefined | null")] query: Option<Options<RunQuery>>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, RunPage>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.list(query.unwrap_or_default().read()?).await
        })
    }

    /// Follows a run wherever it is executed: what is recorded of it, from the beginning or from where an earlier follow
    /// stood, in order and once, as an async iterator. It ends with the run, with the loop over it, with its `return()`, or
    /// when the engine is closed. An aborted signal ends it with `CANCELLED`.
    #[napi(ts_return_type = "RunFollow")]
    pub fn follow<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "FollowRun")] options: Options<FollowRun>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<Object<'env>> {
        let options = options.read().map_err(|error| rejection(env, &error))?;
        watch::iterator::<_, RunFollow>(env, self.0.begin_follow(options), call)
    }

    /// Cancels a run: what is under way is interrupted, what was done is undone. A run that nobody executes is
    /// cancelled when somebody resumes it, or at once if it waits for a person.
    #[napi]
    pub fn cancel<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] run_id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.cancel(&run_id.read("runId")?).await
        })
    }

    /// Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
    /// undone ones are. Returns it as it then stands; it goes on in the background.
    #[napi]
    pub fn resume<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] run_id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PipelineRun>> {
        let pipeline = self.0.clone();
        promise(env, call, async move {
            pipeline.resume(&run_id.read("runId")?).await
        })
    }
}
