//! `engine.pipeline`.

use heady_core::Json;
use heady_core::pipeline::{
    DefinePipeline, DefinitionQuery, FollowRun, PipelineDefinition, PipelineRun, PipelineVersion,
    RunPage, RunQuery, RunStatus, StartRun,
};
use pyo3::prelude::*;

use crate::argument::{FilePath, Given, Named, options};
use crate::errors::raised;
use crate::handler::Callable;
use crate::wait::wait;
use crate::watch::RunFollow;

/// Pipelines and their runs.
#[pyclass(module = "heady", frozen)]
pub struct Pipeline(pub(crate) heady_core::pipeline::Pipeline);

#[pymethods]
impl Pipeline {
    /// Registers a callable `(context, input) -> output` under a name, in place of an earlier one. What it returns, or
    /// what its coroutine does, is the task's output; what it raises fails the attempt, and the `code` of a
    /// `HeadyError` decides whether it is repeated. Calls come from threads of the engine.
    fn handle(&self, name: Given<String>, handler: Py<PyAny>) -> PyResult<()> {
        self.0
            .handle(&name.named("name")?, Callable::new(handler))
            .map_err(|error| raised(&error))
    }

    /// Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
    #[pyo3(signature = (path=None, *, definition=None))]
    fn define(
        &self,
        py: Python<'_>,
        path: Option<Given<FilePath>>,
        definition: Option<Given<Json>>,
    ) -> PyResult<PipelineVersion> {
        let options = options!(DefinePipeline { path, definition });
        wait(py, self.0.define(options))
    }

    /// Returns the definition that a workflow runs: the newest version, or the one that is asked for.
    #[pyo3(signature = (workflow_id=None, *, version=None))]
    fn definition(
        &self,
        py: Python<'_>,
        workflow_id: Option<Given<String>>,
        version: Option<Given<i64>>,
    ) -> PyResult<PipelineDefinition> {
        let query = options!(DefinitionQuery {
            workflow_id,
            version,
        });
        wait(py, self.0.definition(query))
    }

    /// Begins a run and returns it as it then stands; it goes on in the background.
    #[pyo3(signature = (*, workflow_id=None, path=None, definition=None, input=None, request_id=None, seed=None, simulate=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn start(
        &self,
        py: Python<'_>,
        workflow_id: Option<Given<String>>,
        path: Option<Given<FilePath>>,
        definition: Option<Given<Json>>,
        input: Option<Given<Json>>,
        request_id: Option<Given<String>>,
        seed: Option<Given<i64>>,
        simulate: Option<Given<bool>>,
    ) -> PyResult<PipelineRun> {
        let options = options!(StartRun {
            workflow_id,
            path,
            definition,
            input,
            request_id,
            seed,
            simulate,
        });
        wait(py, self.0.start(options))
    }

    /// Begins a run and returns it when it has ended, or waits for a person.
    #[pyo3(signature = (*, workflow_id=None, path=None, definition=None, input=None, request_id=None, seed=None, simulate=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn run(
        &self,
        py: Python<'_>,
        workflow_id: Option<Given<String>>,
        path: Option<Given<FilePath>>,
        definition: Option<Given<Json>>,
        input: Option<Given<Json>>,
        request_id: Option<Given<String>>,
        seed: Option<Given<i64>>,
        simulate: Option<Given<bool>>,
    ) -> PyResult<PipelineRun> {
        let options = options!(StartRun {
            workflow_id,
            path,
            definition,
            input,
            request_id,
            seed,
            simulate,
        });
        wait(py, self.0.run(options))
    }

    /// Returns a run as it stands.
    #[pyo3(signature = (run_id))]
    fn get(&self, py: Python<'_>, run_id: Given<String>) -> PyResult<PipelineRun> {
        wait(py, self.0.get(&run_id.named("run_id")?))
    }

    /// Returns a run when it has ended or waits for a person, wherever it is executed.
    #[pyo3(signature = (run_id))]
    fn wait(&self, py: Python<'_>, run_id: Given<String>) -> PyResult<PipelineRun> {
        wait(py, self.0.wait(&run_id.named("run_id")?))
    }

    /// Lists runs, newest first.
    #[pyo3(signature = (*, workflow_id=None, status=None, limit=None, cursor=None))]
    fn list(
        &self,
        py: Python<'_>,
        workflow_id: Option<Given<String>>,
        status: Option<Given<RunStatus>>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<RunPage> {
        let options = options!(RunQuery {
            workflow_id,
            status,
            limit,
            cursor,
        });
        wait(py, self.0.list(options))
    }

    /// Follows a run wherever it is executed: what is recorded of it, from the beginning or after a step's `position`, in
    /// order and once, as an iterator that waits for the next step and ends with the run.
    #[pyo3(signature = (id, *, after=None, stages=None))]
    fn follow(
        &self,
        py: Python<'_>,
        id: Given<String>,
        after: Option<Given<String>>,
        stages: Option<Given<Vec<String>>>,
    ) -> PyResult<RunFollow> {
        let options = options!(FollowRun { id, after, stages });
        wait(py, self.0.follow(options)).map(|follow| RunFollow(follow.into()))
    }

    /// Cancels a run: what is under way is interrupted, what was done is undone. A run that nobody executes is
    /// cancelled when somebody resumes it, or at once if it waits for a person.
    #[pyo3(signature = (run_id))]
    fn cancel(&self, py: Python<'_>, run_id: Given<String>) -> PyResult<PipelineRun> {
        wait(py, self.0.cancel(&run_id.named("run_id")?))
    }

    /// Continues a run that a crash interrupted, that is paused, or that failed: finished tasks are not repeated,
    /// undone ones are. Returns it as it then stands; it goes on in the background.
    #[pyo3(signature = (run_id))]
    fn resume(&self, py: Python<'_>, run_id: Given<String>) -> PyResult<PipelineRun> {
        wait(py, self.0.resume(&run_id.named("run_id")?))
    }
}
