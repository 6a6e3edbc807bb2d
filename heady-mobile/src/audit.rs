//! `heady.audit()`.

use heady_core::audit::{AuditPage, AuditQuery};

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
}
