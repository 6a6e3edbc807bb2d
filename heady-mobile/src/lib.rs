//! The engine for Kotlin and Swift. Nothing here but translation: a function is a delegation to `heady-core`.
#![allow(
    clippy::needless_pass_by_value,
    reason = "uniffi hands over what it has read from the other language"
)]
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "what is public is seen from Kotlin and Swift only"
)]

mod audit;
mod cancellation;
mod handler;
mod monte_carlo;
mod pipeline;
mod registry;

use std::sync::Arc;

use heady_core::{EngineOptions, HeadyError, StartOptions};

use crate::audit::Audit;
use crate::monte_carlo::MonteCarlo;
use crate::pipeline::Pipeline;
use crate::registry::Registry;

uniffi::setup_scaffolding!();

/// The result of every call.
type Result<T> = std::result::Result<T, HeadyError>;

/// An open engine.
#[derive(uniffi::Object)]
pub struct Heady(heady_core::Heady);

#[uniffi::export(async_runtime = "tokio")]
impl Heady {
    /// Opens a database: `sqlite:heady.db` or `sqlite::memory:`.
    #[uniffi::constructor(default(options))]
    pub async fn connect(url: String, options: EngineOptions) -> Result<Self> {
        Ok(Self(heady_core::Heady::open(&url, options).await?))
    }

    /// The audit log.
    pub fn audit(&self) -> Arc<Audit> {
        Arc::new(Audit(self.0.audit().clone()))
    }

    /// The registry of services, nodes and workflows.
    pub fn registry(&self) -> Arc<Registry> {
        Arc::new(Registry(self.0.registry().clone()))
    }

    /// Simulations.
    pub fn monte_carlo(&self) -> Arc<MonteCarlo> {
        Arc::new(MonteCarlo(self.0.monte_carlo().clone()))
    }

    /// Pipelines and their runs.
    pub fn pipeline(&self) -> Arc<Pipeline> {
        Arc::new(Pipeline(self.0.pipeline().clone()))
    }

    /// Starts the engine's loops: from here on it also executes runs whose worker is gone, if all their handlers are
    /// registered here, and probes the services of the registry.
    #[uniffi::method(default(options))]
    pub fn start(&self, options: StartOptions) -> Result<()> {
        Ok(self.0.start(options)?)
    }

    /// Hands its runs back, finishes what is being written and closes the database. (`close`, in Kotlin, only lets go
    /// of this object.)
    pub async fn shutdown(&self) {
        self.0.close().await;
    }
}
