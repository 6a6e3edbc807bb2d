//! The engine over HTTP: one router, one file per domain, nothing but translation.

mod health;
mod pipeline;
mod problem;

use std::future::Future;
use std::time::Instant;

use axum::Router;
use tokio::net::TcpListener;

use crate::engine::Heady;
use crate::error::{Error, Result};

/// What every route shares.
#[derive(Debug, Clone)]
struct State {
    heady: Heady,
    started: Instant,
}

/// The routes that only read: health, and the state of runs.
pub fn read_only(heady: &Heady) -> Router {
    let state = State {
        heady: heady.clone(),
        started: Instant::now(),
    };
    Router::new()
        .merge(health::routes())
        .merge(pipeline::routes())
        .fallback(problem::no_route)
        .with_state(state)
}

/// Serves a router until `until` completes and the requests under way then are answered.
///
/// # Errors
/// `UNAVAILABLE` if the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    until: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    axum::serve(listener, router)
        .with_graceful_shutdown(until)
        .await
        .map_err(|error| Error::unavailable("the server ended").caused_by(error))
}
