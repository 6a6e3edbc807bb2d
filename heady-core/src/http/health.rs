//! Whether the engine lives: a superset of what today's clients read.

use schemars::JsonSchema;
use serde::Serialize;

use super::input::Nothing;
use super::route::{Call, routes};
use crate::error::Result;
use crate::types::{Timestamp, now};

routes! {
    /// Says that the engine lives.
    "health" GET "/api/health" anyone |call, Nothing {}| health(&call);
    /// Says that the engine lives, where probes look for it.
    "healthShort" GET "/health" anyone |call, Nothing {}| health(&call);
    /// Says that the engine lives, in the words of earlier clients.
    "pulse" GET "/api/pulse" anyone |_, Nothing {}| pulse();
    /// Returns this document.
    "openapi" GET "/openapi.json" anyone |_, Nothing {}| async { Ok(super::openapi()) };
}

/// The engine's life signs.
#[derive(Serialize, JsonSchema)]
struct Health {
    ok: bool,
    /// `healthy`: an engine that is not does not answer.
    status: &'static str,
    service: &'static str,
    version: &'static str,
    /// How long it has run, in whole seconds.
    uptime: u64,
    ts: Timestamp,
    timestamp: Timestamp,
}

#[expect(clippy::unused_async, reason = "every row of a table is awaited")]
async fn health(call: &Call) -> Result<Health> {
    let now = now();
    Ok(Health {
        ok: true,
        status: "healthy",
        service: "heady",
        version: env!("CARGO_PKG_VERSION"),
        uptime: call.server.started.elapsed().as_secs(),
        ts: now,
        timestamp: now,
    })
}

/// The engine's life signs, in the words of earlier clients.
#[derive(Serialize, JsonSchema)]
struct Pulse {
    ok: bool,
    service: &'static str,
    version: &'static str,
    ts: Timestamp,
    status: &'static str,
    active_layer: &'static str,
    layer_endpoint: Option<String>,
    /// The paths that can be asked for.
    endpoints: Vec<&'static str>,
}

#[expect(clippy::unused_async, reason = "every row of a table is awaited")]
async fn pulse() -> Result<Pulse> {
    let mut endpoints: Vec<_> = super::routes().map(|route| route.path).collect();
    endpoints.dedup();
    Ok(Pulse {
        ok: true,
        service: "heady",
        version: env!("CARGO_PKG_VERSION"),
        ts: now(),
        status: "active",
        active_layer: "local",
        layer_endpoint: None,
        endpoints,
    })
}
