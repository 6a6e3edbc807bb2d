//! The engine over HTTP: one router, one file per domain, nothing but translation.
//!
//! A domain's file is a table: a row names a method and a path and calls one function of the engine. The adapter in
//! `route` reads the options of that function from path, query and body, asks who may call it, and turns what it
//! returns or refuses into JSON. The same table makes the OpenAPI document, so no route exists undocumented.

mod access;
mod answer;
mod audit;
mod catalog;
mod health;
mod input;
mod monte_carlo;
mod openapi;
mod pipeline;
mod problem;
mod registry;
mod route;
#[cfg(test)]
mod tests;

pub use access::{Caller, Role};

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tokio::net::TcpListener;
use tower::ServiceExt;

use self::route::Route;
use crate::engine::Heady;
use crate::error::{Error, Result};
use crate::types::Id;

/// The most a body may weigh: what today's clients may send.
const MAX_BODY: usize = 5 << 20;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);

/// The header that names a request, in both directions.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the router treats requests.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Who a request comes from that nobody vouches for and that has no API key; refused if left out.
    pub anonymous: Option<Caller>,
    /// What this installation is called: `production`, `staging`.
    pub environment: Option<String>,
}

/// What every route shares.
#[derive(Debug)]
struct Server {
    heady: Heady,
    config: Config,
    started: Instant,
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
        environment: None,
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
        catalog::routes(),
        pipeline::routes(),
        monte_carlo::routes(),
        audit::routes(),
    ]
    .into_iter()
    .flatten()
}

fn assemble(heady: &Heady, config: Config, routes: impl Iterator<Item = Route>) -> Router {
    let server = Arc::new(Server {
        heady: heady.clone(),
        config,
        started: Instant::now(),
    });
    routes
        .fold(Router::new(), |router, route| {
            route.mount(router, server.clone())
        })
        .fallback(problem::no_route)
        .method_not_allowed_fallback(problem::no_method)
        .layer(from_fn(name_request))
}

/// The name of a request: the client's if it gave a plain one, else a new one.
#[derive(Debug, Clone)]
struct RequestId(HeaderValue);

async fn name_request(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).filter(|value| {
        (1..=200).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    });
    let id = given.cloned().unwrap_or_else(|| {
        HeaderValue::from_str(Id::new().as_str())
            .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
    });
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    response.headers_mut().insert(REQUEST_ID.clone(), id);
    response
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
