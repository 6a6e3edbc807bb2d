//! `heady.audit()`.

use heady_core::audit::{
    AuditCheckpoint, AuditExport, AuditPage, AuditQuery, AuditReport, CheckpointPage,
    CheckpointQuery, ExportAudit, VerifyAudit,
};

use crate::Result;

/// The audit log.
#[derive(uniffi::Object)]
pub struct Audit(pub(crate) heady_core::audit::Audit);

#[uniffi::export(async_runtime = "tokio")]
impl Audit {
    /// Lists entries, newest first.
    #[uniffi::method(default(query))]
    pub async fn list(&self, query: AuditQuery) -> Result<AuditPage> {
        Ok(self.0.list(query).await?)
    }

    /// Computes every hash and checks every signature again, and names the first thing that is wrong.
    #[uniffi::method(default(options))]
    pub async fn verify(&self, options: VerifyAudit) -> Result<AuditReport> {
        Ok(self.0.verify(options).await?)
    }

    /// Signs what all chains came to, and keeps it.
    pub async fn checkpoint(&self) -> Result<AuditCheckpoint> {
        Ok(self.0.checkpoint().await?)
    }

    /// Lists checkpoints, newest first.
    #[uniffi::method(default(query))]
    pub async fn checkpoints(&self, query: CheckpointQuery) -> Result<CheckpointPage> {
        Ok(self.0.checkpoints(query).await?)
    }

    /// Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere.
    #[uniffi::method(default(options))]
    pub async fn export(&self, options: ExportAudit) -> Result<AuditExport> {
        Ok(self.0.export(options).await?)
    }
}
