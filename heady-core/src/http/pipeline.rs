//! Pipelines and their runs over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Progressing;
use super::input::Named;
use super::route::{Call, routes};
use super::stream::{Ending, Message, Source};
use crate::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::{
    DefinePipeline, FollowRun, PipelineRun, PipelineVersion, RunFollow, RunStatus, RunStep,
    StartRun,
};
use crate::types::{Timestamp, now};

routes! {
    /// Registers a definition as the newest version of its pipeline, and the workflow of its name to run it.
    "pipeline.define" POST "/api/pipeline/definitions" Admin |call, options| define(&call, options);
    /// Returns the definition that a workflow runs: the newest version, or the one that is asked for. Only for those who
    /// register definitions, because these may have what is nobody else's business.
    "pipeline.definition" GET "/api/pipeline/definition" Admin |call, query| call.pipeline().definition(query);
    /// Begins a run and waits for its end, 30 seconds or as long as `Prefer: wait=N` says: 200 if it has ended by
    /// then, else 202, and it goes on. `Idempotency-Key` is understood as `requestId`.
    "pipeline.run" POST "/api/pipeline/run" Operator |call, options| run(&call, options);
    /// Begins a run and returns it as it then stands; it goes on in the background. `Idempotency-Key` is understood
    /// as `requestId`.
    "pipeline.start" POST "/api/pipeline/runs" Operator |call, options| start(&call, options);
    /// Lists runs, newest first.
    "pipeline.list" GET "/api/pipeline/runs" Viewer |call, query| call.pipeline().list(query);
    /// Returns a run as it stands.
    "pipeline.get" GET "/api/pipeline/runs/{id}" Viewer |call, Named { id }| call.pipeline().get(&id);
    /// Waits for the end of a run, 30 seconds or as long as `Prefer: wait=N` says: 200 if it has ended by then or
    /// waits for a person, else 202.
    "pipeline.wait" GET "/api/pipeline/runs/{id}/wait" Viewer |call, Named { id }| wait(&call, &id);
    /// Sends what is recorded of a run, in order and once, as it happens and wherever the run is executed, up to its end:
    /// each event has the step's position as its id and what it is about as its name. A client that was interrupted goes on
    /// with `Last-Event-ID`; one that has seen the end of the run gets 204.
    "pipeline.follow" GET "/api/pipeline/runs/{id}/events" Viewer |call, options| follow(&call, options);
    /// Cancels a run: what is under way is interrupted, what was done is undone.
    "pipeline.cancel" POST "/api/pipeline/runs/{id}/cancel" Operator |call, Named { id }| call.pipeline().cancel(&id);
    /// Continues a run that a crash interrupted, that is paused, or that failed.
    "pipeline.resume" POST "/api/pipeline/runs/{id}/resume" Operator |call, Named { id }| call.pipeline().resume(&id);
}

/// How long a request waits for the end of a run, unless it says.
const WAIT: Duration = Duration::from_secs(30);

/// The most it may ask for.
const MAX_WAIT: u64 = 300;

/// A definition to register. A file of the server is no business of its clients, so there is no path.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Define {
    /// The definition.
    definition: Json,
}

async fn define(call: &Call, options: Define) -> Result<PipelineVersion> {
    let options = DefinePipeline {
        path: None,
        definition: Some(options.definition),
    };
    call.pipeline().define(options).await
}

/// What to run. Definitions are registered first, by an admin.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Start {
    /// A registered workflow; `hcfullpipeline` if left out.
    workflow_id: Option<String>,
    /// What the handlers get as the run's input.
    input: Option<Json>,
    /// The caller's name for the request: a second start under it returns the first run.
    request_id: Option<String>,
    /// 0 to 2^53 - 1; the definition's if left out, else a random one.
    seed: Option<i64>,
    /// Call no handler: every task ends at once with a duration drawn from the forecast.
    simulate: Option<bool>,
}

impl Start {
    fn options(self, headers: &HeaderMap) -> StartRun {
        let key = headers.get("idempotency-key");
        let key = key.and_then(|key| key.to_str().ok().map(str::to_owned));
        StartRun {
            workflow_id: self.workflow_id,
            path: None,
            definition: None,
            input: self.input,
            request_id: self.request_id.or(key),
            seed: self.seed,
            simulate: self.simulate,
        }
    }
}

/// A run, with what earlier clients read beside it.
#[derive(Serialize, JsonSchema)]
struct Ran {
    /// Whether it goes on or has succeeded.
    ok: bool,
    ts: Timestamp,
    #[serde(flatten)]
    run: PipelineRun,
}

fn has_ended(run: &PipelineRun) -> bool {
    run.status.is_terminal() || run.status == RunStatus::Paused
}

fn ran(run: PipelineRun) -> Progressing<Ran> {
    Progressing {
        ended: has_ended(&run),
        body: Ran {
            ok: !run.status.is_terminal() || run.status == RunStatus::Succeeded,
            ts: now(),
            run,
        },
    }
}

async fn start(call: &Call, options: Start) -> Result<Progressing<Ran>> {
    let options = options.options(&call.headers);
    Ok(ran(call.pipeline().start(options).await?))
}

async fn run(call: &Call, options: Start) -> Result<Progressing<Ran>> {
    let patience = patience(&call.headers)?;
    let options = options.options(&call.headers);
    let run = call.pipeline().start(options).await?;
    Ok(ran(at_most(call, run, patience).await?))
}

async fn wait(call: &Call, id: &str) -> Result<Progressing<Ran>> {
    let patience = patience(&call.headers)?;
    let run = call.pipeline().get(id).await?;
    Ok(ran(at_most(call, run, patience).await?))
}

/// The run when it has ended, or as it stands when the patience does. If it cannot be looked at any more the caller learns at
/// least that it is there, as it stood.
async fn at_most(call: &Call, run: PipelineRun, patience: Duration) -> Result<PipelineRun> {
    if has_ended(&run) {
        return Ok(run);
    }
    let id = run.run_id.as_str();
    let later = match tokio::time::timeout(patience, call.pipeline().wait(id)).await {
        Ok(run) => run,
        Err(_) => call.pipeline().get(id).await,
    };
    match later {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
        later => Ok(later.unwrap_or(run)),
    }
}

/// What `Prefer: wait=N` (RFC 7240) asks for.
fn patience(headers: &HeaderMap) -> Result<Duration> {
    let preferences = headers.get_all("prefer").iter();
    let mut preferences = preferences
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.trim().strip_prefix("wait="));
    let Some(wait) = preferences.next() else {
        return Ok(WAIT);
    };
    match wait.parse() {
        Ok(seconds) if seconds <= MAX_WAIT => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::invalid_argument(format!(
            "Prefer: wait must be 0 to {MAX_WAIT} seconds, not '{wait}'"
        ))),
    }
}

async fn follow(call: &Call, options: FollowRun) -> Result<Ending<RunFollow>> {
    let options = FollowRun {
        // Not `after`: a client that goes on asks for the same address as before.
        after: call.last_event_id().map(str::to_owned).or(options.after),
        ..options
    };
    let follow = call.pipeline().follow(options).await?;
    let ended = follow.has_ended();
    call.stream_to_end(follow, ended)
}

impl Source for RunFollow {
    type Event = RunStep;

    async fn next(&mut self) -> Result<Option<Message<RunStep>>> {
        let step = self.next().await?;
        Ok(step.map(|step| Message {
            id: step.position.clone(),
            name: step.kind.as_str(),
            data: Some(Arc::new(step)),
        }))
    }
}
