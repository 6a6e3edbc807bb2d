//! A row of the tables, and the adapter that makes a route of it.

use std::future::Future;
use std::ops::Deref;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::RequestPartsExt;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::access::{self, Role};
use super::answer::{Answer, Documented, JSON};
use super::connection::Connection;
use super::guard::RequestId;
use super::input::{self, Shape};
use super::{BODY_TIME, CALL_TIME, MAX_BODY, Server, condition, problem};
use crate::engine::Heady;
use crate::error::{Error, Result};

/// One call on behalf of a caller: the engine that acts as that caller, and what else came with the request.
pub(super) struct Call {
    heady: Heady,
    pub(super) server: Arc<Server>,
    pub(super) headers: HeaderMap,
    pub(super) request: RequestId,
    pub(super) connection: Connection,
    /// The role it needed, unless the host vouches for the caller.
    pub(super) admitted_as: Option<Role>,
}

impl Deref for Call {
    type Target = Heady;

    fn deref(&self) -> &Heady {
        &self.heady
    }
}

/// The content type of a merge patch; plain JSON is taken for one too.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Parameters that today's clients send to be given a fresh answer, or a readable one, and that say nothing of what.
const MEANINGLESS: [&str; 3] = ["_", "t", "pretty"];

/// How much of a body that is too large is read, in bytes, so that its client sees the answer,
const DISCARDED: usize = 64 << 20;

/// how long,
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// and how long nothing may come meanwhile.
const DISCARD_PAUSE: Duration = Duration::from_secs(1);

type Answering = Pin<Box<dyn Future<Output = Result<Response>> + Send>>;

/// One function of the engine under a method and a path.
pub(super) struct Route {
    /// The function's name, as `tests/conformance/api.json` has it; the document's operation id.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The role it needs; `None` if everybody may call it.
    pub(super) role: Option<Role>,
    /// What it does, in sentences.
    pub(super) description: String,
    /// The schema of its options, without references.
    pub(super) input: schemars::Schema,
    pub(super) output: Documented,
    shape: Shape,
    call: Box<dyn Fn(Call, Map<String, Value>) -> Answering + Send + Sync>,
}

/// A table of routes: `"name" METHOD "/path" role |call, options| expression;` under what it does.
macro_rules! routes {
    ($($(#[doc = $line:literal])+ $name:literal $method:ident $path:literal $role:ident
        |$call:pat_param, $options:pat_param| $body:expr;)*) => {
        pub(super) fn routes() -> Vec<$crate::http::route::Route> {
            vec![$($crate::http::route::Route::new(
                $name,
                axum::http::Method::$method,
                $path,
                $crate::http::route::role!($role),
                concat!($($line),+),
                async |$call: $crate::http::route::Call, $options| $body.await,
            )),*]
        }
    };
}
macro_rules! role {
    (anyone) => {
        None
    };
    ($role:ident) => {
        Some($crate::http::Role::$role)
    };
}
pub(super) use {role, routes};

impl Route {
    pub(super) fn new<O, A, F, R>(
        name: &'static str,
        method: Method,
        path: &'static str,
        role: Option<Role>,
        description: &str,
        call: F,
    ) -> Self
    where
        O: DeserializeOwned + JsonSchema,
        A: Answer,
        F: Fn(Call, O) -> R + Send + Sync + 'static,
        R: Future<Output = Result<A>> + Send + 'static,
    {
        Self {
            name,
            method,
            path,
            role,
            description: description.trim().to_owned(),
            input: input::flat_schema::<O>(),
            output: A::DOCUMENTED,
            shape: Shape::of::<O>(),
            call: Box::new(move |context, options| {
                let options = input::read(options).map(|options| call(context, options));
                Box::pin(async move { options?.await?.respond() })
            }),
        }
    }

    /// Whether its options stand in the body.
    pub(super) fn has_body(&self) -> bool {
        matches!(self.method, Method::POST | Method::PUT | Method::PATCH)
    }

    /// Whether it means nothing without a body: an empty one is one that did not arrive.
    pub(super) fn needs_body(&self) -> bool {
        matches!(self.method, Method::PUT | Method::PATCH)
    }

    /// Whether its body is a merge patch (RFC 7396), and its options stand in the query.
    pub(super) fn is_patch(&self) -> bool {
        self.method == Method::PATCH && self.shape.has("patch")
    }

    /// The content type of its body.
    pub(super) fn body_kind(&self) -> &'static str {
        if self.is_patch() { MERGE_PATCH } else { JSON }
    }

    /// Whether it replaces something whole, which needs a condition: what the caller has not seen would be lost.
    pub(super) fn replaces(&self) -> bool {
        self.method == Method::PUT && self.takes("ifAbsent")
    }

    /// Whether there is an option of this name.
    pub(super) fn takes(&self, option: &str) -> bool {
        self.shape.has(option)
    }

    pub(super) fn mount(self, router: Router, server: Arc<Server>) -> Router {
        // Every method of the tables has a filter.
        let filter = MethodFilter::try_from(self.method.clone()).unwrap_or(MethodFilter::GET);
        let (path, route) = (self.path, Arc::new(self));
        let answer = move |request: Request| {
            let (route, server) = (route.clone(), server.clone());
            async move { route.answer(server, request).await }
        };
        router.route(path, on(filter, answer))
    }

    async fn answer(&self, server: Arc<Server>, mut request: Request) -> Response {
        let id = request.extensions_mut().remove::<RequestId>();
        let id = id.unwrap_or_else(|| RequestId(HeaderValue::from_static("unknown")));
        let known = condition::known(request.headers());
        let answering = AssertUnwindSafe(self.respond(server, request, &id)).catch_unwind();
        let refusal = match answering.await {
            Ok(Ok(answer)) => return condition::unless_known(&self.method, &known, answer),
            Ok(Err(refusal)) => refusal,
            Err(_) => Error::internal("the call ended in a panic").into(),
        };
        problem::respond(&refusal.error, refusal.status, &id)
    }

    async fn respond(
        &self,
        server: Arc<Server>,
        request: Request,
        id: &RequestId,
    ) -> Result<Response, Refusal> {
        let (mut request, body) = request.into_parts();
        let mut heady = server.heady.clone();
        if let Some(role) = self.role {
            let caller = access::caller(&server, &request).await?;
            access::check(&caller, role)?;
            heady = heady.acting_as(&caller.actor);
        }
        let options = self.options(&mut request, body).await?;
        let is_conditional = condition::is_stated(&request.headers);
        let is_vouched = access::vouched(&request).is_some();
        let call = Call {
            heady,
            server,
            headers: request.headers,
            request: id.clone(),
            connection: request.extensions.remove().unwrap_or_default(),
            admitted_as: self.role.filter(|_| !is_vouched),
        };
        let called = tokio::time::timeout(CALL_TIME, (self.call)(call, options)).await;
        called
            .unwrap_or_else(|_| Err(too_long()))
            .map_err(|error| Refusal {
                status: Some(problem::status(&error, is_conditional)),
                error,
            })
    }

    /// The options of the call: those in the path, and those in the body or the query.
    async fn options(
        &self,
        request: &mut Parts,
        body: Body,
    ) -> Result<Map<String, Value>, Refusal> {
        let Path(names): Path<Vec<(String, String)>> = request
            .extract()
            .await
            .map_err(|error| Error::invalid_argument(format!("the path: {error}")))?;
        let Query(mut query): Query<Vec<(String, String)>> = Query::try_from_uri(&request.uri)
            .map_err(|error| Error::invalid_argument(format!("the query: {error}")))?;
        query.retain(|(name, _)| self.shape.has(name) || !MEANINGLESS.contains(&name.as_str()));
        let mut options = Map::new();
        if self.has_body() {
            let body = read_body(&request.headers, body, self.body_kind()).await?;
            if self.needs_body() && body.iter().all(u8::is_ascii_whitespace) {
                return Err(Error::invalid_argument("the body is missing").into());
            }
            options = input::object(&body)?;
        } else if self.method == Method::DELETE
            && !collected(&request.headers, body).await?.is_empty()
        {
            let message =
                "a DELETE takes no body: what it depends on stands in the header If-Match";
            return Err(Error::invalid_argument(message).into());
        }
        if self.is_patch() {
            options = Map::from_iter([("patch".to_owned(), options.into())]);
        } else if let Some((name, _)) = query.first().filter(|_| self.has_body()) {
            let message = format!("{name}: the query takes nothing here, the body does");
            return Err(Error::invalid_argument(message).into());
        }
        self.shape.add(&mut options, query)?;
        self.shape.add(&mut options, names)?;
        let conditions = condition::options(&self.method, &request.headers, &self.shape)?;
        self.shape.add(&mut options, conditions)?;
        if self.replaces() && !condition::is_given(&options) {
            return Err(Refusal {
                error: condition::missing(),
                status: Some(StatusCode::PRECONDITION_REQUIRED),
            });
        }
        Ok(options)
    }
}

fn too_long() -> Error {
    Error::deadline_exceeded(format!(
        "the call took longer than {} s",
        CALL_TIME.as_secs()
    ))
}

/// An error, and the status that HTTP has for it where the error's kind says less.
struct Refusal {
    error: Error,
    status: Option<StatusCode>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self {
            error,
            status: None,
        }
    }
}

async fn read_body(headers: &HeaderMap, body: Body, wanted: &str) -> Result<Bytes, Refusal> {
    let body = collected(headers, body).await?;
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    let fits = match wanted {
        JSON => kind == JSON || kind.ends_with("+json"),
        // Another kind of patch means something else.
        wanted => kind == JSON || kind == wanted,
    };
    let coded = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut coded = coded.filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if !body.is_empty() && coded.next().is_some() {
        return Err(Refusal {
            error: Error::invalid_argument("the body must be sent without a content encoding"),
            status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        });
    }
    if !body.is_empty() && !fits {
        let message = format!("the body must have the content type {wanted}");
        return Err(Refusal {
            error: Error::invalid_argument(message),
            status: Some(StatusCode::UNSUPPORTED_MEDIA_TYPE),
        });
    }
    Ok(body)
}

/// The whole body. Whether there is one is known at its end: a proxy, and Node.js' `Request`, stream empty ones as well.
async fn collected(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let too_large = || Refusal {
        error: Error::resource_exhausted(format!("the body has more than {MAX_BODY} bytes")),
        status: Some(StatusCode::PAYLOAD_TOO_LARGE),
    };
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = announced.filter(|length| *length > MAX_BODY as u64) {
        // Who waits to be told to go on has sent nothing.
        if length <= DISCARDED as u64 && !headers.contains_key(header::EXPECT) {
            discard(body).await;
        }
        return Err(too_large());
    }
    let mut body = body;
    let collecting = Limited::new(&mut body, MAX_BODY).collect();
    let collected = tokio::time::timeout(BODY_TIME, collecting).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large())
        }
        Ok(Err(error)) => {
            let message = format!("the body broke off: {error}");
            Err(Error::invalid_argument(message).into())
        }
        Err(_) => {
            let message = format!("the body took longer than {} s", BODY_TIME.as_secs());
            Err(Refusal {
                error: Error::deadline_exceeded(message),
                status: Some(StatusCode::REQUEST_TIMEOUT),
            })
        }
    }
}

/// Reads the rest of a body that is too large, within reason: a client that is still sending would see a connection that broke,
/// and no answer.
async fn discard(mut body: Body) {
    let discarding = async {
        let mut left = DISCARDED;
        let mut next = async || tokio::time::timeout(DISCARD_PAUSE, body.frame()).await;
        while let Ok(Some(Ok(frame))) = next().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(less) => left = less,
                None => break,
            }
        }
    };
    let _ = tokio::time::timeout(DISCARD_TIME, discarding).await;
}
