//! `heady.audit`.

use heady_core::audit::{AuditPage, AuditQuery};
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

use crate::promise::{CallOptions, Options, promise};

/// The audit log.
#[napi]
pub struct Audit(pub(crate) heady_core::audit::Audit);

#[napi]
impl Audit {
    /// Lists entries, newest first.
    #[napi]
    pub fn list<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "AuditQuery | undefined | null")] query: Option<Options<AuditQuery>>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, AuditPage>> {
        let audit = self.0.clone();
        promise(env, call, async move {
            audit.list(query.unwrap_or_default().read()?).await
        })
    }
}
