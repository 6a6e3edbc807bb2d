//! `engine.monte_carlo`.

use heady_core::Json;
use heady_core::monte_carlo::{
    Method, MonteCarloStatus, PlanReport, Replay, ScenarioOptions, ScenarioPage, ScenarioResult,
    Simulation, SimulationOptions, SimulationPage, SimulationQuery,
};
use pyo3::prelude::*;

use crate::argument::{Given, Named, options};
use crate::wait::wait;

/// Simulations.
#[pyclass(module = "heady", frozen)]
pub struct MonteCarlo(pub(crate) heady_core::monte_carlo::MonteCarlo);

#[pymethods]
impl MonteCarlo {
    /// Simulates a plan and keeps the result in the history. Dropping the future stops the simulation.
    #[pyo3(signature = (plan, *, seed=None, samples=None, threads=None, method=None, gate=None))]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn run(
        &self,
        py: Python<'_>,
        plan: Given<Json>,
        seed: Option<Given<i64>>,
        samples: Option<Given<i64>>,
        threads: Option<Given<u32>>,
        method: Option<Given<Method>>,
        gate: Option<Given<f64>>,
    ) -> PyResult<Simulation> {
        let options = options!(SimulationOptions {
            plan,
            seed,
            samples,
            threads,
            method,
            gate,
        });
        wait(py, self.0.run(options))
    }

    /// Checks a plan without simulating it.
    #[pyo3(signature = (plan))]
    fn check(&self, py: Python<'_>, plan: Given<Json>) -> PyResult<PlanReport> {
        wait(py, self.0.check(plan.named("plan")?))
    }

    /// Returns a simulation of the history.
    #[pyo3(signature = (id))]
    fn get(&self, py: Python<'_>, id: Given<String>) -> PyResult<Simulation> {
        wait(py, self.0.get(&id.named("id")?))
    }

    /// Lists the simulations of plans, newest first.
    #[pyo3(signature = (*, limit=None, cursor=None))]
    fn list(
        &self,
        py: Python<'_>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<SimulationPage> {
        let options = options!(SimulationQuery { limit, cursor });
        wait(py, self.0.list(options))
    }

    /// Returns what the simulator has done and does.
    fn status(&self, py: Python<'_>) -> PyResult<MonteCarloStatus> {
        wait(py, self.0.status())
    }

    /// Does a simulation of the history again and compares the bits.
    #[pyo3(signature = (id))]
    fn replay(&self, py: Python<'_>, id: Given<String>) -> PyResult<Replay> {
        wait(py, self.0.replay(&id.named("id")?))
    }

    /// Simulates a scenario in the callers' simple form and keeps the result in the history.
    #[pyo3(signature = (*, scenario=None, iterations=None, seed=None))]
    fn scenario(
        &self,
        py: Python<'_>,
        scenario: Option<Given<Json>>,
        iterations: Option<Given<i64>>,
        seed: Option<Given<i64>>,
    ) -> PyResult<ScenarioResult> {
        let options = options!(ScenarioOptions {
            scenario,
            iterations,
            seed,
        });
        wait(py, self.0.scenario(options))
    }

    /// Lists what scenarios came to, newest first.
    #[pyo3(signature = (*, limit=None, cursor=None))]
    fn list_scenarios(
        &self,
        py: Python<'_>,
        limit: Option<Given<u32>>,
        cursor: Option<Given<String>>,
    ) -> PyResult<ScenarioPage> {
        let options = options!(SimulationQuery { limit, cursor });
        wait(py, self.0.list_scenarios(options))
    }
}
