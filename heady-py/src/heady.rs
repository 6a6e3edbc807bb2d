//! `heady.connect` and what it returns.

use std::path::PathBuf;

use heady_core::{Durability, EngineOptions, StartOptions};
use pyo3::prelude::*;

use crate::audit::Audit;
use crate::http::HttpRoutes;
use crate::monte_carlo::MonteCarlo;
use crate::pipeline::Pipeline;
use crate::registry::Registry;
use crate::wait::{RUNTIME, wait};

/// Opens a database: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`.
#[pyfunction]
#[pyo3(signature = (url, *, actor=None, durability=None, allow_programs=None, allow_hosts=None, audit_key=None, create_if_missing=None))]
pub fn connect(
    py: Python<'_>,
    url: String,
    actor: Option<String>,
    durability: Option<Durability>,
    allow_programs: Option<Vec<String>>,
    allow_hosts: Option<Vec<String>>,
    audit_key: Option<PathBuf>,
    create_if_missing: Option<bool>,
) -> PyResult<Py<Heady>> {
    let options = EngineOptions {
        actor,
        durability,
        allow_programs,
        allow_hosts,
        audit_key: audit_key.map(|path| path.display().to_string()),
        create_if_missing,
    };
    let engine = wait(py, heady_core::Heady::open(&url, options))?;
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
    fn start(&self, workers: Option<bool>, probes: Option<bool>) {
        let _runtime = RUNTIME.enter();
        self.0.start(StartOptions { workers, probes });
    }

    /// Hands its runs back, finishes what is being written and closes the database.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
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
