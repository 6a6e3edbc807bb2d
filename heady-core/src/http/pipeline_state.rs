//! Pipelines in the words of earlier clients: what is defined, how the newest run stands, and those before it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::input::Nothing;
use super::route::{Call, routes};
use crate::error::Result;
use crate::pipeline::{DefinitionQuery, RunMetrics, RunQuery, RunStatus, StageStatus};
use crate::types::{Timestamp, now};
use crate::{Id, Json};

routes! {
    /// Returns what a workflow runs, in the words of earlier clients: counts, and sections of its newest definition as they
    /// were registered, null where it has none.
    "pipelineConfig" GET "/api/pipeline/config" Viewer |call, query| config(&call, query);
    /// Returns how the newest run stands, in the words of earlier clients.
    "pipelineState" GET "/api/pipeline/state" Viewer |call, Nothing {}| state(&call);
    /// Returns the newest 50 runs, newest first, in the words of earlier clients.
    "pipelineHistory" GET "/api/pipeline/history" Viewer |call, Nothing {}| history(&call);
}

/// What a workflow runs.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Configuration {
    ok: bool,
    /// The pipeline's name in the definition.
    name: String,
    /// The version that the definition gives itself.
    version: Json,
    /// The version under which it is registered, from 1.
    definition_version: i64,
    /// How many stages it has.
    stages: i64,
    /// How many tasks.
    total_tasks: i64,
    /// How many tasks of one run are under way at most.
    max_concurrent_tasks: i64,
    /// The section `global`.
    global: Json,
    /// The section `stopRule`.
    stop_rule: Json,
    /// The section `checkpointProtocol`.
    checkpoint_protocol: Json,
    /// The hash of the definition, under the id of its pipeline.
    config_hashes: Json,
    /// How many services are registered.
    services: usize,
    /// How many nodes.
    agents: usize,
    ts: Timestamp,
}

async fn config(call: &Call, query: DefinitionQuery) -> Result<Configuration> {
    let found = call.pipeline().definition(query).await?;
    let registry = call.registry();
    let at = |pointer: &str| {
        found
            .definition
            .pointer(pointer)
            .cloned()
            .map_or(Json::NULL, Json)
    };
    Ok(Configuration {
        ok: true,
        version: at("/version"),
        definition_version: found.version,
        stages: found.stages,
        total_tasks: found.tasks,
        max_concurrent_tasks: found.max_concurrent_tasks,
        global: at("/pipeline/global"),
        stop_rule: at("/pipeline/stopRule"),
        checkpoint_protocol: at("/pipeline/checkpointProtocol"),
        config_hashes: Value::from_iter([(found.pipeline_id, found.definition_hash)]).into(),
        services: registry.list_services().await?.services.len(),
        agents: registry.list_nodes().await?.nodes.len(),
        name: found.name,
        ts: now(),
    })
}

/// How the newest run stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Newest {
    ok: bool,
    /// Null if nothing was ever run.
    state: Option<RunStatus>,
    message: Option<String>,
    run_id: Option<Id>,
    status: Option<RunStatus>,
    /// The stage that is under way.
    current_stage_id: Option<String>,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    metrics: Option<RunMetrics>,
    /// How many tasks have failed.
    errors: usize,
    ts: Timestamp,
}

async fn state(call: &Call) -> Result<Newest> {
    let query = RunQuery {
        limit: Some(1),
        ..RunQuery::default()
    };
    let newest = call.pipeline().list(query).await?.runs.into_iter().next();
    let Some(newest) = newest else {
        return Ok(Newest {
            ok: true,
            state: None,
            message: Some("nothing was run yet".to_owned()),
            run_id: None,
            status: None,
            current_stage_id: None,
            started_at: None,
            completed_at: None,
            metrics: None,
            errors: 0,
            ts: now(),
        });
    };
    let run = call.pipeline().get(newest.run_id.as_str()).await?;
    let current = run
        .stages
        .iter()
        .find(|stage| matches!(stage.status, StageStatus::Running | StageStatus::Waiting));
    let failed = |status| matches!(status, StageStatus::Failed | StageStatus::Indeterminate);
    let tasks = run.stages.iter().flat_map(|stage| &stage.tasks);
    Ok(Newest {
        ok: true,
        state: Some(run.status),
        message: None,
        status: Some(run.status),
        current_stage_id: current.map(|stage| stage.id.clone()),
        started_at: Some(run.started_at),
        completed_at: run.finished_at,
        errors: tasks.filter(|task| failed(task.status)).count(),
        metrics: Some(run.metrics),
        run_id: Some(run.run_id),
        ts: now(),
    })
}

/// Runs, as earlier clients list them.
#[derive(Serialize, JsonSchema)]
struct History {
    runs: Vec<Past>,
    ts: Timestamp,
}

/// One run in it.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Past {
    run_id: Id,
    status: RunStatus,
    started_at: Timestamp,
    completed_at: Option<Timestamp>,
    metrics: Option<RunMetrics>,
}

async fn history(call: &Call) -> Result<History> {
    let query = RunQuery {
        limit: Some(50),
        ..RunQuery::default()
    };
    let runs = call.pipeline().list(query).await?.runs;
    let runs = runs.into_iter().map(|run| Past {
        run_id: run.run_id,
        status: run.status,
        started_at: run.started_at,
        completed_at: run.finished_at,
        metrics: run.metrics,
    });
    Ok(History {
        runs: runs.collect(),
        ts: now(),
    })
}
