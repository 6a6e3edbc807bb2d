//! `heady.monteCarlo()`.

use std::sync::Arc;

use heady_core::Json;
use heady_core::monte_carlo::{
    MonteCarloStatus, PlanReport, Replay, ScenarioOptions, ScenarioPage, ScenarioResult,
    Simulation, SimulationOptions, SimulationPage, SimulationQuery,
};

use crate::Result;
use crate::cancellation::{Cancellation, until};

/// Simulations.
#[derive(uniffi::Object)]
pub struct MonteCarlo(pub(crate) heady_core::monte_carlo::MonteCarlo);

#[uniffi::export(async_runtime = "tokio")]
impl MonteCarlo {
    /// Simulates a plan and keeps the result in the history. Withdrawing the call stops the simulation.
    #[uniffi::method(default(cancellation))]
    pub async fn run(
        &self,
        options: SimulationOptions,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Simulation> {
        until(cancellation, self.0.run(options)).await
    }

    /// Checks a plan without simulating it.
    pub async fn check(&self, plan: Json) -> Result<PlanReport> {
        Ok(self.0.check(plan).await?)
    }

    /// Returns a simulation of the history.
    pub async fn get(&self, id: String) -> Result<Simulation> {
        Ok(self.0.get(&id).await?)
    }

    /// Lists the simulations of plans, newest first.
    #[uniffi::method(default(query))]
    pub async fn list(&self, query: SimulationQuery) -> Result<SimulationPage> {
        Ok(self.0.list(query).await?)
    }

    /// Returns what the simulator has done and does.
    pub async fn status(&self) -> Result<MonteCarloStatus> {
        Ok(self.0.status().await?)
    }

    /// Does a simulation of the history again and compares the bits.
    #[uniffi::method(default(cancellation))]
    pub async fn replay(
        &self,
        id: String,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Replay> {
        until(cancellation, self.0.replay(&id)).await
    }

    /// Simulates a scenario in the callers' simple form and keeps the result in the history.
    #[uniffi::method(default(options), default(cancellation))]
    pub async fn scenario(
        &self,
        options: ScenarioOptions,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<ScenarioResult> {
        until(cancellation, self.0.scenario(options)).await
    }

    /// Lists what scenarios came to, newest first.
    #[uniffi::method(default(query))]
    pub async fn list_scenarios(&self, query: SimulationQuery) -> Result<ScenarioPage> {
        Ok(self.0.list_scenarios(query).await?)
    }
}
