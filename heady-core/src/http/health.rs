//! Whether the engine lives: a superset of what today's clients read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::input::Nothing;
use super::route::{Call, routes};
use crate::error::{Error, Result};
use crate::types::{Timestamp, now};

/// How long the database may take to say that it is there.
const DATABASE_TIME: Duration = Duration::from_secs(2);

routes! {
    /// Says that the engine lives: 503 once it is closed.
    "health" GET "/api/health" anyone |call, Nothing {}| health(&call);
    /// Says that the engine lives, where probes look for it.
    "healthShort" GET "/health" anyone |call, Nothing {}| health(&call);
    /// Says that the engine lives, and nothing about its database.
    "healthLive" GET "/health/live" anyone |call, Nothing {}| live(&call);
    /// Says whether the engine can serve: 503 while its database does not answer.
    "healthReady" GET "/health/ready" anyone |call, Nothing {}| ready(&call);
    /// Says that the engine lives, in the words of earlier clients.
    "pulse" GET "/api/pulse" anyone |call, Nothing {}| pulse(&call);
    /// Returns this document.
    "openapi" GET "/openapi.json" anyone |_, Nothing {}| async { Ok(super::openapi()) };
}

/// The engine's life signs.
#[derive(Serialize, JsonSchema)]
struct Health {
    ok: bool,
    /// `healthy`: of one that is not the answer is an error, or none.
    status: &'static str,
    service: &'static str,
    version: &'static str,
    /// How long it has run, in whole seconds.
    uptime: u64,
    memory: Memory,
    ts: Timestamp,
    timestamp: Timestamp,
}

#[expect(clippy::unused_async, reason = "every row of a table is awaited")]
async fn health(call: &Call) -> Result<Health> {
    call.store().check_open()?;
    let now = now();
    Ok(Health {
        ok: true,
        status: "healthy",
        service: "heady",
        version: env!("CARGO_PKG_VERSION"),
        uptime: call.server.started.elapsed().as_secs(),
        memory: Memory::now(),
        ts: now,
        timestamp: now,
    })
}

/// What the process takes of the machine's memory.
#[derive(Serialize, JsonSchema)]
pub(super) struct Memory {
    /// What of it is in RAM, in bytes, as Node.js' `process.memoryUsage()` calls it; null where the system does not say.
    rss: Option<u64>,
}

impl Memory {
    pub(super) fn now() -> Self {
        Self {
            rss: resident_bytes(),
        }
    }
}

/// What Linux says in `/proc/self/status` (proc(5)), in kibibytes there.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// That the process answers.
#[derive(Serialize, JsonSchema)]
struct Live {
    ok: bool,
    /// `ok`: a process that is not does not answer.
    status: &'static str,
    /// How long it has run, in whole seconds.
    uptime: u64,
    timestamp: Timestamp,
}

#[expect(clippy::unused_async, reason = "every row of a table is awaited")]
async fn live(call: &Call) -> Result<Live> {
    Ok(Live {
        ok: true,
        status: "ok",
        uptime: call.server.started.elapsed().as_secs(),
        timestamp: now(),
    })
}

/// That the engine can serve.
#[derive(Serialize, JsonSchema)]
struct Ready {
    ok: bool,
    /// `ready`: an engine that is not answers with 503.
    status: &'static str,
    checks: Checks,
    /// How long it has run, in whole seconds.
    uptime: u64,
    timestamp: Timestamp,
}

/// What was looked at.
#[derive(Serialize, JsonSchema)]
struct Checks {
    /// `ok`: the database answered just now.
    database: &'static str,
}

async fn ready(call: &Call) -> Result<Ready> {
    let asked = call.store().fetch_all("SELECT 1", vec![]);
    let answered = tokio::time::timeout(DATABASE_TIME, asked).await;
    let not_ready = |error: Error| {
        let checks = json!({"checks": {"database": error.code()}});
        Error::unavailable("the database does not answer")
            .with_details(checks)
            .caused_by(error)
    };
    answered
        .unwrap_or_else(|_| {
            let seconds = DATABASE_TIME.as_secs();
            Err(Error::deadline_exceeded(format!(
                "no answer within {seconds} s"
            )))
        })
        .map_err(not_ready)?;
    Ok(Ready {
        ok: true,
        status: "ready",
        checks: Checks { database: "ok" },
        uptime: call.server.started.elapsed().as_secs(),
        timestamp: now(),
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
async fn pulse(call: &Call) -> Result<Pulse> {
    call.store().check_open()?;
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
