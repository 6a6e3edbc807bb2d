//! Whether the engine lives: a superset of what today's clients read.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::State;
use crate::types::now;

pub(super) fn routes() -> Router<State> {
    Router::new()
        .route("/api/health", get(health))
        .route("/health", get(health))
        .route("/api/pulse", get(pulse))
}

async fn health(axum::extract::State(state): axum::extract::State<State>) -> Json<Value> {
    let now = now();
    Json(json!({
        "ok": true, "status": "healthy", "service": "heady", "version": env!("CARGO_PKG_VERSION"),
        "uptime": state.started.elapsed().as_secs(), "ts": now, "timestamp": now,
    }))
}

async fn pulse() -> Json<Value> {
    Json(json!({
        "ok": true, "service": "heady", "version": env!("CARGO_PKG_VERSION"), "ts": now(), "status": "active",
        "active_layer": "local", "layer_endpoint": null,
        "endpoints": ["/api/health", "/api/pulse", "/api/pipeline/runs/{id}"],
    }))
}
