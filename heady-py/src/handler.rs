//! Handlers in Python: called on threads of the engine, coroutines on an event loop of their own.

use std::sync::Arc;
use std::time::Duration;

use heady_core::pipeline::{Handler, HandlerFuture, TaskContext as Context};
use heady_core::{Error, Json, Result};
use pyo3::prelude::*;

use crate::argument::{Argument, Given, Named};
use crate::errors::{no_output, of_handler};
use crate::refusal::Refusal;
use crate::wait::runtime;

/// A callable `(context, input) -> output`.
pub struct Callable(Arc<Py<PyAny>>);

impl Callable {
    pub fn new(callable: Py<PyAny>) -> Self {
        Self(Arc::new(callable))
    }
}

impl Handler for Callable {
    fn call(&self, context: Context, with: Json) -> HandlerFuture {
        let callable = self.0.clone();
        Box::pin(async move {
            let call = move || -> Result<Json> {
                let called = Python::try_attach(|py| {
                    call(py, &callable, TaskContext(context), with)
                        .map_err(|error| of_handler(py, &error))
                });
                called.unwrap_or_else(|| Err(Error::unavailable("Python is shutting down")))
            };
            tokio::task::spawn_blocking(call).await.map_err(|error| {
                Error::internal("calling a handler ended in a panic").caused_by(error)
            })?
        })
    }
}

fn call(py: Python<'_>, callable: &Py<PyAny>, context: TaskContext, with: Json) -> PyResult<Json> {
    let mut output = callable.bind(py).call1((context, with))?;
    let asyncio = py.import("asyncio")?;
    if asyncio
        .call_method1("iscoroutine", (&output,))?
        .is_truthy()?
    {
        output = asyncio.call_method1("run", (output,))?;
    }
    Json::read(&output).map_err(|refusal| no_output(&refusal))
}

/// What a handler knows about the attempt it executes.
#[pyclass(module = "heady", frozen)]
pub struct TaskContext(Context);

#[pymethods]
impl TaskContext {
    /// The run.
    #[getter]
    fn run_id(&self) -> &str {
        self.0.run_id.as_str()
    }

    /// The workflow that is run.
    #[getter]
    fn workflow_id(&self) -> &str {
        &self.0.workflow_id
    }

    /// The id of the stage.
    #[getter]
    fn stage(&self) -> &str {
        &self.0.stage
    }

    /// The name of the task.
    #[getter]
    fn task(&self) -> &str {
        &self.0.task
    }

    /// The number of this attempt, from 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.0.attempt
    }

    /// The seed of the run.
    #[getter]
    fn seed(&self) -> i64 {
        self.0.seed
    }

    /// The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition.
    #[getter]
    fn idempotency_key(&self) -> &str {
        &self.0.idempotency_key
    }

    /// What the run was started with.
    #[getter]
    fn input(&self) -> Json {
        Json((*self.0.input).clone())
    }

    /// Whether this call undoes the task instead of doing it.
    #[getter]
    fn compensating(&self) -> bool {
        self.0.compensating
    }

    /// Whether the attempt should end early: its time is up, or the run was cancelled. The engine cannot interrupt a
    /// Python function, so one that takes long looks here.
    #[getter]
    fn cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the attempt should end early, at most `timeout` seconds; returns whether it should.
    fn wait_cancelled(&self, py: Python<'_>, timeout: Given<f64>) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(timeout.named("timeout")?)
            .map_err(|error| Refusal::value(error.to_string()).of("timeout"))?;
        let runtime = runtime()?;
        py.detach(|| {
            // The wait is over either way; the answer is what counts.
            let _ =
                runtime.block_on(async { tokio::time::timeout(timeout, self.0.cancelled()).await });
        });
        Ok(self.0.is_cancelled())
    }
}
