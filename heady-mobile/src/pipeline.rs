//! `heady.pipeline()`.

use std::sync::Arc;

use heady_core::SharedWatch;
use heady_core::pipeline::{
    DefinePipeline, DefinitionQuery, FollowRun, PipelineDefinition, PipelineRun, PipelineVersion,
    RunEvent, RunPage, RunQuery, RunStep, StartRun,
};

use crate::Result;
use crate::cancellation::{Cancellation, until};
use crate::handler::{Foreign, Handler};

/// Pipelines and their runs.
#[derive(uniffi::Object)]
pub struct Pipeline(pub(crate) heady_core::pipeline::Pipeline);

#[uniffi::export(async_runtime = "tokio")]
impl Pipeline {
    /// Registers a handler under a name, in place of an earlier one. Handlers belong to this process: whoever resumes
    /// a run elsewhere registers them there.
    pub fn handle(&self, name: String, handler: Arc<dyn Handler>) -> Result<()> {
        Ok(self.0.handle(&name, Foreign(handler))?)
    }

    /// Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
    pub async fn define(&self, options: DefinePipeline) -> Result<PipelineVersion> {
        Ok(self.0.define(options).await?)
    }

    /// Returns the definition that a workflow runs: the newest version, or the one that is asked for.
    #[uniffi::method(default(query))]
    pub async fn definition(&self, query: DefinitionQuery) -> Result<PipelineDefinition> {
        Ok(self.0.definition(query).await?)
    }

    /// Begins a run and returns it as it then stands; it goes on in the background.
    #[uniffi::method(default(options))]
    pub async fn start(&self, options: StartRun) -> Result<PipelineRun> {
        Ok(self.0.start(options).await?)
    }

    /// Begins a run and returns it when it has ended, or waits for a person.
    #[uniffi::method(default(options), default(cancellation))]
    pub async fn run(
        &self,
        options: StartRun,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<PipelineRun> {
        until(cancellation, self.0.run(options)).await
    }

    /// Returns a run as it stands.
    pub async fn get(&self, run_id: String) -> Result<PipelineRun> {
        Ok(self.0.get(&run_id).await?)
    }

    /// Returns a run when it has ended or waits for a person, wherever it is executed.
    #[uniffi::method(default(cancellation))]
    pub async fn wait(
        &self,
        run_id: String,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<PipelineRun> {
        until(cancellation, self.0.wait(&run_id)).await
    }

    /// Lists runs, newest first.
    #[uniffi::method(default(query))]
    pub async fn list(&self, query: RunQuery) -> Result<RunPage> {
        Ok(self.0.list(query).await?)
    }

    /// Cancels a run: what is under way is interrupted, what was done is undone. A run that nobody executes is
    /// cancelled when somebody resumes it, or at once if it waits for a person.
    pub async fn cancel(&self, run_id: String) -> Result<PipelineRun> {
        Ok(self.0.cancel(&run_id).await?)
    }

    /// Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
    /// undone ones are. Returns it as it then stands; it goes on in the background.
    pub async fn resume(&self, run_id: String) -> Result<PipelineRun> {
        Ok(self.0.resume(&run_id).await?)
    }

    /// Follows a run wherever it is executed: what is recorded of it, from the beginning or from where an earlier follow
    /// stood, in order and once, up to its end.
    pub async fn follow(&self, options: FollowRun) -> Result<Arc<RunFollow>> {
        let follow = self.0.follow(options).await?;
        Ok(Arc::new(RunFollow(follow.into())))
    }

    /// The events of a run that this engine executes, or nothing if it does not. The first who asks gets them from the
    /// beginning, others from then on.
    pub fn watch(&self, run_id: String) -> Option<Arc<RunEvents>> {
        Some(Arc::new(RunEvents(self.0.watch(&run_id)?.into())))
    }
}

/// The steps of one run, wherever it is executed.
#[derive(uniffi::Object)]
pub struct RunFollow(SharedWatch<heady_core::pipeline::RunFollow>);

#[uniffi::export(async_runtime = "tokio")]
impl RunFollow {
    /// The next step, or nothing when the run has ended, or this or the engine is ended.
    pub async fn next(&self) -> Result<Option<RunStep>> {
        Ok(self.0.next().await?)
    }

    /// Ends the following, not the run, also for whoever waits for its next step.
    pub fn end(&self) {
        self.0.close();
    }
}

/// The events of one run.
#[derive(uniffi::Object)]
pub struct RunEvents(tokio::sync::Mutex<heady_core::pipeline::RunEvents>);

#[uniffi::export(async_runtime = "tokio")]
impl RunEvents {
    /// The next event, or nothing when this engine no longer executes the run.
    pub async fn next(&self) -> Option<RunEvent> {
        self.0.lock().await.next().await
    }
}
