//! The SQL of the history of simulations.

use serde_json::Value;

use super::{ScenarioPage, ScenarioResult, Simulation, SimulationPage, SimulationQuery};
use crate::error::{Error, Result};
use crate::store::{Arg, Page, Row, Store};
use crate::types::{Id, now};

pub(super) async fn insert(store: &Store, simulation: &Simulation, plan: Value) -> Result<()> {
    let args = vec![
        Arg::uuid(&simulation.id),
        (&simulation.algorithm).into(),
        (&simulation.plan_hash).into(),
        simulation.seed.into(),
        simulation.method.as_str().into(),
        simulation.samples.into(),
        (&simulation.digest).into(),
        plan.into(),
        serde_json::to_value(simulation)?.into(),
        now().into(),
    ];
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute(
                        "INSERT INTO simulations (id, algorithm, plan_hash, seed, method, samples, digest, plan, result, created_at)
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                        args,
                    )
                    .await
                    .map(drop)
            })
        })
        .await
}

pub(super) async fn get(store: &Store, id: &Id) -> Result<(Simulation, Value)> {
    let row = store
        .fetch_optional(
            "SELECT result, plan FROM simulations WHERE id = $1",
            vec![Arg::uuid(id)],
        )
        .await?;
    let row = row.ok_or_else(|| Error::not_found("simulation", id))?;
    Ok((simulation(&row)?, row.get("plan")?))
}

pub(super) async fn list(store: &Store, query: SimulationQuery) -> Result<SimulationPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    let rows = store
        .fetch_all(
            "SELECT result FROM simulations WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2",
            vec![Arg::Uuid(page.before), page.rows().into()],
        )
        .await?;
    let simulations = rows.iter().map(simulation).collect::<Result<Vec<_>>>()?;
    let (simulations, next) = page.cut(simulations, |simulation| &simulation.id);
    Ok(SimulationPage { simulations, next })
}

pub(super) async fn insert_scenario(store: &Store, result: &ScenarioResult) -> Result<()> {
    let args = vec![
        Arg::uuid(&result.id),
        serde_json::to_value(result)?.into(),
        result.ts.into(),
    ];
    store
        .write(move |transaction| {
            Box::pin(async move {
                let insert = "INSERT INTO scenarios (id, result, created_at) VALUES ($1, $2, $3)";
                transaction.execute(insert, args).await.map(drop)
            })
        })
        .await
}

pub(super) async fn list_scenarios(store: &Store, query: SimulationQuery) -> Result<ScenarioPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    let rows = store
        .fetch_all(
            "SELECT result FROM scenarios WHERE ($1 IS NULL OR id < $1) ORDER BY id DESC LIMIT $2",
            vec![Arg::Uuid(page.before), page.rows().into()],
        )
        .await?;
    let scenarios = rows
        .iter()
        .map(|row| Ok(serde_json::from_value(row.get("result")?)?))
        .collect::<Result<Vec<ScenarioResult>>>()?;
    let (scenarios, next) = page.cut(scenarios, |scenario| &scenario.id);
    Ok(ScenarioPage { scenarios, next })
}

pub(super) async fn count(store: &Store) -> Result<i64> {
    let count = "SELECT (SELECT count(*) FROM simulations) + (SELECT count(*) FROM scenarios) AS n";
    let rows = store.fetch_all(count, vec![]).await?;
    rows.first().map_or(Ok(0), |row| row.get("n"))
}

fn simulation(row: &Row) -> Result<Simulation> {
    Ok(serde_json::from_value(row.get("result")?)?)
}
