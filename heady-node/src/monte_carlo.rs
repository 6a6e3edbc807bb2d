//! `heady.monteCarlo`.

use heady_core::Json;
use heady_core::monte_carlo::{
    MonteCarloStatus, PlanReport, Replay, ScenarioOptions, ScenarioPage, ScenarioResult,
    Simulation, SimulationOptions, SimulationPage, SimulationQuery,
};
use napi::bindgen_prelude::{Env, PromiseRaw};
use napi_derive::napi;

use crate::given::Given;
use crate::promise::{CallOptions, Options, promise};

/// Simulations.
#[napi]
pub struct MonteCarlo(pub(crate) heady_core::monte_carlo::MonteCarlo);

#[napi]
impl MonteCarlo {
    /// Simulates a plan and keeps the result in the history. Dropping the future stops the simulation.
    #[napi]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SimulationOptions")] options: Options<SimulationOptions>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Simulation>> {
        let monte_carlo = self.0.clone();
        promise(
            env,
            call,
            async move { monte_carlo.run(options.read()?).await },
        )
    }

    /// Checks a plan without simulating it.
    #[napi]
    pub fn check<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Json")] plan: Given<Json>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, PlanReport>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move {
            monte_carlo.check(plan.read("plan")?).await
        })
    }

    /// Returns a simulation of the history.
    #[napi]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Simulation>> {
        let monte_carlo = self.0.clone();
        promise(
            env,
            call,
            async move { monte_carlo.get(&id.read("id")?).await },
        )
    }

    /// Lists the simulations of plans, newest first.
    #[napi]
    pub fn list<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SimulationQuery | undefined | null")] query: Option<
            Options<SimulationQuery>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, SimulationPage>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move {
            monte_carlo.list(query.unwrap_or_default().read()?).await
        })
    }

    /// Returns what the simulator has done and does.
    #[napi]
    pub fn status<'env>(
        &self,
        env: &'env Env,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, MonteCarloStatus>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move { monte_carlo.status().await })
    }

    /// Does a simulation of the history again and compares the bits.
    #[napi]
    pub fn replay<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] id: Given<String>,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, Replay>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move {
            monte_carlo.replay(&id.read("id")?).await
        })
    }

    /// Simulates a scenario in the callers' simple form and keeps the result in the history.
    #[napi]
    pub fn scenario<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "ScenarioOptions | undefined | null")] options: Options<
            ScenarioOptions,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, ScenarioResult>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move {
            monte_carlo.scenario(options.read()?).await
        })
    }

    /// Lists what scenarios came to, newest first.
    #[napi]
    pub fn list_scenarios<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "SimulationQuery | undefined | null")] query: Option<
            Options<SimulationQuery>,
        >,
        call: Option<CallOptions<'env>>,
    ) -> napi::Result<PromiseRaw<'env, ScenarioPage>> {
        let monte_carlo = self.0.clone();
        promise(env, call, async move {
            monte_carlo
                .list_scenarios(query.unwrap_or_default().read()?)
                .await
        })
    }
}
