//! What `engine.registry.watch()` and `engine.pipeline.follow()` return: iterators.

use heady_core::pipeline::RunStep;
use heady_core::registry::RegistryEvent;
use heady_core::{SharedWatch, pipeline, registry};
use pyo3::prelude::*;

use crate::wait::wait;

/// A stream of changes: an iterator that waits for the next one. Use it in a `with` block, or `close` it; it also ends
/// when the engine is closed. Ctrl-C interrupts the waiting, and the iteration can go on afterwards.
#[pyclass(module = "heady", frozen)]
pub struct RegistryWatch(pub(crate) SharedWatch<registry::RegistryWatch>);

#[pymethods]
impl RegistryWatch {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<RegistryEvent>> {
        wait(py, self.0.next())
    }

    /// Ends the watch, also for another thread that waits for its next change.
    fn close(&self) {
        self.0.close();
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        _exception_type: Option<Py<PyAny>>,
        _exception: Option<Py<PyAny>>,
        _traceback: Option<Py<PyAny>>,
    ) {
        self.close();
    }
}

/// The steps of a run: an iterator that waits for the next one, up to the end of the run. Use it in a `with` block, or
/// `close` it; it also ends when the engine is closed. Ctrl-C interrupts the waiting, and the iteration can go on
/// afterwards.
#[pyclass(module = "heady", frozen)]
pub struct RunFollow(pub(crate) SharedWatch<pipeline::RunFollow>);

#[pymethods]
impl RunFollow {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<RunStep>> {
        wait(py, self.0.next())
    }

    /// Ends the following, not the run, also for another thread that waits for its next step.
    fn close(&self) {
        self.0.close();
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __exit__(
        &self,
        _exception_type: Option<Py<PyAny>>,
        _exception: Option<Py<PyAny>>,
        _traceback: Option<Py<PyAny>>,
    ) {
        self.close();
    }
}
