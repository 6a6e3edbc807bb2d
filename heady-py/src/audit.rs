//! `engine.audit`.

use heady_core::Timestamp;
use heady_core::audit::{
    AuditCheckpoint, AuditExport, AuditPage, AuditQuery, AuditReport, CheckpointPage,
    CheckpointQuery, ExportAudit, VerifyAudit,
};
use pyo3::prelude::*;

use crate::argument::{Given, options};
use crate::wait::wait;

/// The audit log.
#[pyclass(module = "heady", frozen)]
pub struct Audit(pub(crate) heady_core::audit::Audit);

#[pymethods]
impl Audit {
    /// Lists entries, newest first.
    #[pyo3(signature = (*, actor=None, action=None, target=None, status=None, since=None, until=None, limit=None, cursor=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn list(
        &self,
        py: Python<'_>,
        actor: Option<Given<String>>,
        action: Option<Given<String>>,
        target: Option<Given<String>>,
        status: Option<Given<String>>,
        since: Option<Given<Timestamp>>,
        until: Option<Given<Timestamp>>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<AuditPage> {
        let options = options!(AuditQuery {
            actor,
            action,
            target,
            status,
            since,
            until,
            limit,
            cursor,
        });
        wait(py, self.0.list(options))
    }

    /// Computes every hash and checks every signature again, and names the first thing that is wrong.
    #[pyo3(signature = (*, public_keys=None, checkpoints=None))]
    fn verify(
        &self,
        py: Python<'_>,
        public_keys: Option<Given<Vec<String>>>,
        checkpoints: Option<Given<String>>,
    ) -> PyResult<AuditReport> {
        let options = options!(VerifyAudit {
            public_keys,
            checkpoints,
        });
        wait(py, self.0.verify(options))
    }

    /// Signs what all chains came to, and keeps it. An engine whose loops run does so by itself, every second or 1,000
    /// rows, and every engine when it closes.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<AuditCheckpoint> {
        wait(py, self.0.checkpoint())
    }

    /// Lists checkpoints, newest first.
    #[pyo3(signature = (*, limit=None, cursor=None))]
    fn checkpoints(
        &self,
        py: Python<'_>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<CheckpointPage> {
        wait(
            py,
            self.0
                .checkpoints(options!(CheckpointQuery { limit, cursor })),
        )
    }

    /// Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere.
    #[pyo3(signature = (*, limit=None, cursor=None))]
    fn export(
        &self,
        py: Python<'_>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<AuditExport> {
        wait(py, self.0.export(options!(ExportAudit { limit, cursor })))
    }
}
