//! Calls from Python that do nothing.

use pyo3::prelude::*;

#[pymodule]
mod heady_empty {
    #[pymodule_export]
    use crate::{Empty, Other};
}

/// What has the calls.
#[pyclass(frozen)]
struct Empty;

#[pymethods]
impl Empty {
    #[new]
    fn new() -> Self {
        Self
    }

    /// A property that makes an object.
    #[getter]
    fn other(&self) -> Other {
        Other
    }

    /// Waits for a future that is done, with the interpreter released.
    fn wait(&self, py: Python<'_>) {
        py.detach(|| pyo3_async_runtimes::tokio::get_runtime().block_on(async {}));
    }

    /// A future of asyncio that gives nothing.
    fn nothing<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        pyo3_async_runtimes::tokio::future_into_py(py, async { Ok(()) })
    }
}

/// What the property gives.
#[pyclass(frozen)]
struct Other;
