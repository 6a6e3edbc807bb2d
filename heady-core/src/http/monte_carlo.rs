//! Simulations over HTTP.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input::{self, Named, Nothing};
use super::route::{Call, routes};
use crate::Json;
use crate::error::Result;
use crate::monte_carlo::{
    RunningSimulation, ScenarioOptions, ScenarioResult, Simulation, SimulationOptions,
    SimulationQuery,
};
use crate::types::Id;

routes! {
    /// Returns what the simulator has done and does.
    "monteCarlo.status" GET "/api/monte-carlo/status" Viewer |call, Nothing {}| status(&call);
    /// Simulates a plan and keeps the result in the history; without a plan, simulates a scenario in the simple form.
    "monteCarlo.run" POST "/api/monte-carlo/run" Operator |call, options| run(&call, options);
    /// Simulates a scenario in the simple form and keeps the result in the history.
    "monteCarlo.scenario" POST "/api/monte-carlo/scenario" Operator |call, options| call.monte_carlo().scenario(options);
    /// Checks a plan without simulating it.
    "monteCarlo.check" POST "/api/monte-carlo/check" Viewer |call, Check { plan }| call.monte_carlo().check(plan);
    /// Returns the newest runs of the history, of plans and of scenarios, the oldest of them first.
    "monteCarloHistory" GET "/api/monte-carlo/history" Viewer |call, query| history(&call, query);
    /// Lists what scenarios came to, newest first.
    "monteCarlo.listScenarios" GET "/api/monte-carlo/scenarios" Viewer
        |call, query| call.monte_carlo().list_scenarios(query);
    /// Lists the simulations of plans, newest first.
    "monteCarlo.list" GET "/api/monte-carlo/simulations" Viewer |call, query| call.monte_carlo().list(query);
    /// Returns a simulation of the history.
    "monteCarlo.get" GET "/api/monte-carlo/simulations/{id}" Viewer |call, Named { id }| call.monte_carlo().get(&id);
    /// Does a simulation of the history again and compares the bits.
    "monteCarlo.replay" POST "/api/monte-carlo/simulations/{id}/replay" Operator
        |call, Named { id }| call.monte_carlo().replay(&id);
}

/// A plan to check.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Check {
    /// The plan.
    plan: Json,
}

/// A plan if there is a key `plan`, else a scenario. The key decides, so that a mistake is named as what it is.
#[derive(Deserialize)]
#[serde(transparent)]
struct PlanOrScenario(Map<String, Value>);

impl JsonSchema for PlanOrScenario {
    fn schema_name() -> Cow<'static, str> {
        "PlanOrScenario".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let plan = generator.subschema_for::<SimulationOptions>();
        let scenario = generator.subschema_for::<ScenarioOptions>();
        json_schema!({"anyOf": [plan, scenario]})
    }
}

/// What a plan or a scenario came to.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "it is written at once")]
enum Outcome {
    Plan(Simulation),
    Scenario(ScenarioResult),
}

impl Outcome {
    fn id(&self) -> &Id {
        match self {
            Self::Plan(simulation) => &simulation.id,
            Self::Scenario(result) => &result.id,
        }
    }
}

async fn run(call: &Call, PlanOrScenario(options): PlanOrScenario) -> Result<Outcome> {
    let monte_carlo = call.monte_carlo();
    if options.contains_key("plan") {
        let simulation = monte_carlo.run(input::read(options)?).await?;
        return Ok(Outcome::Plan(simulation));
    }
    let result = monte_carlo.scenario(input::read(options)?).await?;
    Ok(Outcome::Scenario(result))
}

/// Which part of the history to return.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HistoryQuery {
    /// At most this many, 1 to 1,000; 20 if left out.
    #[serde(default)]
    limit: Option<u32>,
}

async fn history(call: &Call, query: HistoryQuery) -> Result<Vec<Outcome>> {
    let limit = query.limit.unwrap_or(20);
    let query = SimulationQuery {
        limit: Some(limit),
        cursor: None,
    };
    let plans = call.monte_carlo().list(query.clone()).await?.simulations;
    let scenarios = call.monte_carlo().list_scenarios(query).await?.scenarios;
    let plans = plans.into_iter().map(Outcome::Plan);
    let mut outcomes: Vec<_> = plans
        .chain(scenarios.into_iter().map(Outcome::Scenario))
        .collect();
    // Identifiers sort by the time at which they were made.
    outcomes.sort_by(|a, b| a.id().cmp(b.id()));
    let older = outcomes.len().saturating_sub(limit as usize);
    outcomes.drain(..older);
    Ok(outcomes)
}

/// What the simulator has done and does.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Status {
    /// The algorithm of new simulations.
    algorithm: String,
    /// How many runs the history has, of plans and of scenarios.
    runs_completed: i64,
    /// Those under way in this engine.
    running: Vec<RunningSimulation>,
    /// The newest of the history.
    last_run: Option<Outcome>,
    /// How many samples of a plan are drawn unless the caller says.
    default_iterations: i64,
}

async fn status(call: &Call) -> Result<Status> {
    let status = call.monte_carlo().status().await?;
    let plan = status.last_run.map(Outcome::Plan);
    let scenario = status.last_scenario.map(Outcome::Scenario);
    Ok(Status {
        algorithm: status.algorithm,
        runs_completed: status.runs_completed,
        running: status.running,
        last_run: plan
            .into_iter()
            .chain(scenario)
            .max_by(|a, b| a.id().cmp(b.id())),
        default_iterations: status.default_iterations,
    })
}
