//! `heady.connect` and what it returns.

use heady_core::{Durability, EngineOptions, StartOptions};
use pyo3::prelude::*;

use crate::argument::{FilePath, Given, Named, options};
use crate::audit::Audit;
use crate::errors::raised;
use crate::http::HttpRoutes;
use crate::monte_carlo::MonteCarlo;
use crate::pipeline::Pipeline;
use crate::registry::Registry;
use crate::wait::{is_forked, runtime, wait};

/// Opens a database: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`.
#[pyfunction]
#[pyo3(signature = (url, *, actor=None, durability=None, allow_programs=None, allow_hosts=None, audit_key=None, create_if_missing=None))]
#[expect(clippy::too_many_arguments, reason = "keywords in Python")]
pub fn connect(
    py: Python<'_>,
    url: Given<String>,
    actor: Option<Given<String>>,
    durability: Option<Given<Durability>>,
    allow_programs: Option<Given<Vec<String>>>,
    allow_hosts: Option<Given<Vec<String>>>,
    audit_key: Option<Given<FilePath>>,
    create_if_missing: Option<Given<bool>>,
) -> PyResult<Py<Heady>> {
    let options = options!(EngineOptions {
        actor,
        durability,
        allow_programs,
        allow_hosts,
        audit_key,
        create_if_missing,
    });
    let engine = wait(py, heady_core::Heady::open(&url.named("url")?, options))?;
    let engine = Py::new(py, Heady(engine))?;
    py.import("heady")?
        .getattr("_open")?
        .call_method1("add", (&engine,))?;
    Ok(engine)
}

/// An open engine. Use it in a `with` block, or `close` it.
#[pyclass(module = "heady", frozen, weakref)]
pub struct Heady(heady_core::Heady);

#[pymethods]
impl Heady {
    /// The audit log.
    #[getter]
    fn audit(&self) -> Audit {
        Audit(self.0.audit().clone())
    }

    /// The registry of services, nodes and workflows.
    #[getter]
    fn registry(&self) -> Registry {
        Registry(self.0.registry().clone())
    }

    /// Simulations.
    #[getter]
    fn monte_carlo(&self) -> MonteCarlo {
        MonteCarlo(self.0.monte_carlo().clone())
    }

    /// Pipelines and their runs.
    #[getter]
    fn pipeline(&self) -> Pipeline {
        Pipeline(self.0.pipeline().clone())
    }

    /// What `heady serve` answers, in process; `heady.asgi` makes an application of it.
    fn http_routes(&self) -> HttpRoutes {
        HttpRoutes::of(&self.0)
    }

    /// Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
    /// registered here, and probes the services of the registry.
    #[pyo3(signature = (*, workers=None, probes=None))]
    fn start(&self, workers: Option<Given<bool>>, probes: Option<Given<bool>>) -> PyResult<()> {
        let options = options!(StartOptions { workers, probes });
        let _runtime = runtime()?.enter();
        self.0.start(options).map_err(|error| raised(&error))
    }

    /// Hands its runs back, finishes what is being written and closes the database. In a fork of the process it does
    /// nothing: the engine stays with the process that opened it.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if is_forked() {
            return Ok(());
        }
        wait(py, async {
            self.0.close().await;
            Ok(())
        })
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _exception_type: Option<Py<PyAny>>,
        _exception: Option<Py<PyAny>>,
        _traceback: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        self.close(py)
    }
}
