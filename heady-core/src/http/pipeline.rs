//! Runs over HTTP.

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};

use super::State;
use super::problem::Problem;
use crate::pipeline::PipelineRun;

pub(super) fn routes() -> Router<State> {
    Router::new().route("/api/pipeline/runs/{id}", get(run))
}

async fn run(
    axum::extract::State(state): axum::extract::State<State>,
    Path(id): Path<String>,
) -> Result<Json<PipelineRun>, Problem> {
    Ok(Json(state.heady.pipeline().get(&id).await?))
}
