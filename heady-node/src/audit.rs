//! `heady.audit`.

use heady_core::audit::{
    AuditCheckpoint, AuditExport, AuditPage, AuditQuery, AuditReport, CheckpointPage,
    CheckpointQuery, ExportAudit, VerifyAudit,
};
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

    /// Computes every hash and checks every signature again, and names the first thing that is wrong.
    #[napi]
    pub fn verify<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "VerifyAudit | undefined | null")] options: Option<
            Options<VerifyAudit>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, AuditReport>> {
        let audit = self.0.clone();
        promise(env, call, async move {
            audit.verify(options.unwrap_or_default().read()?).await
        })
    }

    /// Lists checkpoints, newest first.
    #[napi]
    pub fn checkpoints<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "CheckpointQuery | undefined | null")] query: Option<
            Options<CheckpointQuery>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, CheckpointPage>> {
        let audit = self.0.clone();
        promise(env, call, async move {
            audit.checkpoints(query.unwrap_or_default().read()?).await
        })
    }

    /// Returns a part of the whole log as lines of JSON, for whoever verifies or keeps it elsewhere.
    #[napi]
    pub fn export<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "ExportAudit | undefined | null")] options: Option<
            Options<ExportAudit>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, AuditExport>> {
        let audit = self.0.clone();
        promise(env, call, async move {
            audit.export(options.unwrap_or_default().read()?).await
        })
    }

    /// Signs what all chains came to, and keeps it. An engine whose loops run does so by itself, every second or 1,000
    /// rows, and every engine when it closes.
    #[napi]
    pub fn checkpoint<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, AuditCheckpoint>> {
        let audit = self.0.clone();
        promise(env, call, async move { audit.checkpoint().await })
    }
}
