//! The engine for Node.js. Nothing here but translation: a function is a delegation to `heady-core`.
#![allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    reason = "napi decides which arguments are values and which are references"
)]
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "what is public is seen from JavaScript only"
)]

mod audit;
mod body;
mod error;
mod given;
mod handler;
mod http;
mod interrupt;
mod monte_carlo;
mod pipeline;
mod plain;
mod promise;
mod registry;
mod watch;

use std::sync::OnceLock;

use heady_core::http::{Config, Router, router};
use heady_core::{EngineOptions, StartOptions};
use napi::bindgen_prelude::{Env, Object, PromiseRaw};
use napi_derive::napi;

use crate::audit::Audit;
use crate::error::{Code, thrown};
use crate::given::Given;
use crate::http::FetchOptions;
use crate::monte_carlo::MonteCarlo;
use crate::pipeline::Pipeline;
use crate::promise::{CallOptions, Options, promise};
use crate::registry::Registry;

/// An open engine.
#[napi]
pub struct Heady(heady_core::Heady, OnceLock<Router>);

#[napi]
impl Heady {
    /// Opens a database: `sqlite:heady.db`, `sqlite::memory:` or `postgres://…`.
    #[napi]
    pub fn connect<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "string")] url: Given<String>,
        #[napi(ts_arg_type = "EngineOptions | undefined | null")] options: Option<
            Options<EngineOptions>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Heady>> {
        promise(env, call, async move {
            heady_core::Heady::open(&url.read("url")?, options.unwrap_or_default().read()?)
                .await
                .map(|heady| Self(heady, OnceLock::new()))
        })
    }

    /// The audit log.
    #[napi(getter)]
    pub fn audit(&self) -> Audit {
        Audit(self.0.audit().clone())
    }

    /// The registry of services, nodes and workflows.
    #[napi(getter)]
    pub fn registry(&self) -> Registry {
        Registry(self.0.registry().clone())
    }

    /// Simulations.
    #[napi(getter)]
    pub fn monte_carlo(&self) -> MonteCarlo {
        MonteCarlo(self.0.monte_carlo().clone())
    }

    /// Pipelines and their runs.
    #[napi(getter)]
    pub fn pipeline(&self) -> Pipeline {
        Pipeline(self.0.pipeline().clone())
    }

    /// Answers a request as `heady serve` does, in process. Whom `as` names the caller vouches for; without it the
    /// request needs an API key. When the request's signal is aborted, the promise is rejected with its reason, and a
    /// body that is being read ends with it.
    #[napi(ts_return_type = "Promise<Response>")]
    pub fn fetch<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Request")] request: Given<Object<'env>>,
        #[napi(ts_arg_type = "FetchOptions | undefined | null")] options: Option<
            Options<FetchOptions>,
        >,
    ) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        let router = self
            .1
            .get_or_init(|| router(&self.0, Config::default()))
            .clone();
        http::fetch(env, router, request, options.unwrap_or_default())
    }

    /// Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
    /// registered here, and probes the services of the registry.
    #[napi]
    pub fn start(
        &self,
        #[napi(ts_arg_type = "StartOptions | undefined | null")] options: Option<
            Options<StartOptions>,
        >,
    ) -> napi::Result<(), Code> {
        let options = options.unwrap_or_default().read();
        options
            .and_then(|options| self.0.start(options))
            .map_err(|error| thrown(&error))
    }

    /// Hands its runs back, finishes what is being written and closes the database.
    #[napi]
    pub fn close<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, ()>> {
        let heady = self.0.clone();
        promise(env, None, async move {
            heady.close().await;
            Ok(())
        })
    }
}
