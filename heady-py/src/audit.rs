//! `engine.audit`.

use heady_core::audit::{AuditPage, AuditQuery};
use pyo3::prelude::*;

use crate::wait::wait;

/// The audit log.
#[pyclass(module = "heady", frozen)]
pub struct Audit(pub(crate) heady_core::audit::Audit);

#[pymethods]
impl Audit {
    /// Lists entries, newest first.
    #[pyo3(signature = (*, actor=None, action=None, target=None, limit=None, cursor=None))]
    fn list(
        &self,
        py: Python<'_>,
        actor: Option<String>,
        action: Option<String>,
        target: Option<String>,
        limit: Option<u32>,
        cursor: Option<String>,
    ) -> PyResult<AuditPage> {
        let options = AuditQuery {
            actor,
            action,
            target,
            limit,
            cursor,
        };
        wait(py, self.0.list(options))
    }
}
