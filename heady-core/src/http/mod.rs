//! The engine over HTTP: one router, one file per domain, nothing but translation.
//!
//! A domain's file is a table: a row names a method and a path and calls one function of the engine. The adapter in
//! `route` reads the options of that function from path, query and body, asks who may call it, and turns what it
//! returns or refuses into JSON. The same table makes the OpenAPI document, so no route exists undocumented.

mod access;
mod answer;
mod audit;
mod catalog;
mod condition;
mod connection;
mod guard;
mod health;
mod host;
mod input;
mod keys;
mod monte_carlo;
mod nodes;
mod openapi;
mod pipeline;
mod pipeline_state;
mod problem;
mod registry;
mod route;
mod server;
mod stream;
#[cfg(test)]
mod tests;

pub use access::{Caller, Role};
pub use host::{HostBody, HostRequest, HostResponse, answer_host};
pub use keys::{AddApiKey, ApiKey, ApiKeyList, ApiKeys, NewApiKey};
pub use server::serve;

pub use axum::Router;
pub use axum::body::{Body, BodyDataStream};

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use self::route::Route;
use crate::engine::Heady;

/// The most a body may weigh: what today's clients may send.
pub const MAX_BODY: usize = 5 << 20;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// How long a call may take: longer than a request may ask to wait for a run.
const CALL_TIME: Duration = Duration::from_secs(330);

/// How the router treats requests.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Who a request comes from that nobody vouches for and that has no API key, as long as no key was ever made;
    /// refused if left out.
    pub anonymous: Option<Caller>,
    /// The environment, such as `prod` or `staging`: keys of another one are refused. Any key's if left out.
    pub environment: Option<String>,
    /// The host names under which the server is called; any if left out. Whoever listens on loopback names loopback
    /// here: a web page elsewhere can make a browser send requests, but not under these names from its own origin.
    pub hosts: Option<Vec<String>>,
}

impl Config {
    /// For a server on loopback: called under its names only, open to the local user until the first API key is made.
    pub fn local() -> Self {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        Self {
            anonymous: Some(Caller::new("http:local", Role::Admin)),
            environment: None,
            hosts: Some(names.map(str::to_owned).to_vec()),
        }
    }
}

/// What every route shares.
#[derive(Debug)]
struct Server {
    heady: Heady,
    keys: ApiKeys,
    config: Config,
    started: Instant,
    /// The places of streams that are open.
    streams: Arc<Semaphore>,
}

/// All routes of the engine. The router is a [`tower::Service`](axum::Router): serve it, nest it in a larger one, or
/// call it in process with a [`Caller`] in the extensions of each request whose sender the host has checked.
pub fn router(heady: &Heady, config: Config) -> Router {
    assemble(heady, config, routes())
}

/// Answers one request in process.
pub async fn answer(router: &Router, request: Request) -> Response {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The routes that only read, for whoever reaches them.
pub fn read_only(heady: &Heady) -> Router {
    let config = Config {
        anonymous: Some(Caller::new("local", Role::Viewer)),
        ..Config::local()
    };
    let reading = routes().filter(|route| route.method == Method::GET);
    assemble(heady, config, reading)
}

/// The OpenAPI 3.1 document of [`router`].
pub fn openapi() -> crate::Json {
    openapi::document(routes()).into()
}

fn routes() -> impl Iterator<Item = Route> {
    [
        health::routes(),
        registry::routes(),
        nodes::routes(),
        catalog::routes(),
        pipeline::routes(),
        pipeline_state::routes(),
        monte_carlo::routes(),
        audit::routes(),
    ]
    .into_iter()
    .flatten()
}

impl Server {
    fn new(heady: &Heady, config: Config) -> Self {
        Self {
            heady: heady.clone(),
            keys: ApiKeys::of(heady),
            config,
            started: Instant::now(),
            streams: stream::places(),
        }
    }
}

fn assemble(heady: &Heady, config: Config, routes: impl Iterator<Item = Route>) -> Router {
    let server = Arc::new(Server::new(heady, config));
    routes
        .fold(Router::new(), |router, route| {
            route.mount(router, server.clone())
        })
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(from_fn_with_state(server, guard::pass))
}
