//! Requests that a host in another language hands over in process, in parts.

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::{Router, http};
use http_body_util::{BodyExt, Collected};

use super::guard::{self, RequestId};
use super::{Caller, problem};
use crate::error::{Error, Result};

/// A request as a host in another language has it.
#[derive(Debug)]
pub struct HostRequest {
    /// The method.
    pub method: String,
    /// The path with its query, or the whole address.
    pub target: String,
    /// The headers, in their order.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Body,
    /// Whom the host vouches for; else the API key among the headers decides.
    pub caller: Option<Caller>,
}

/// An answer as a host in another language passes it on.
#[derive(Debug)]
pub struct HostResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: HostBody,
}

/// The body of an answer.
#[derive(Debug)]
pub enum HostBody {
    /// All of it.
    Whole(Bytes),
    /// What is written while it is read. Dropping it ends the writing.
    Parts(BodyDataStream),
}

/// Answers one request in process; one that HTTP does not know, too.
pub async fn answer_host(router: &Router, request: HostRequest) -> HostResponse {
    let response = match assemble(request) {
        Ok(request) => super::answer(router, request).await,
        Err(error) => refuse(&error),
    };
    let (head, body) = response.into_parts();
    let body = match body.size_hint().exact() {
        // What is of known length is in memory already: there is nothing to wait for, and nothing that could fail.
        Some(_) => HostBody::Whole(
            body.collect()
                .await
                .map_or_else(|_| Bytes::new(), Collected::to_bytes),
        ),
        None => HostBody::Parts(body.into_data_stream()),
    };
    HostResponse {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    }
}

fn refuse(error: &Error) -> Response {
    let id = RequestId::of(&HeaderMap::new());
    guard::mark(problem::respond(error, None, &id), id)
}

fn assemble(given: HostRequest) -> Result<Request> {
    let method = Method::from_bytes(given.method.as_bytes()).map_err(http::Error::from);
    let request = method.and_then(|method| {
        let request = Request::builder().method(method).uri(given.target);
        let headers = given.headers.iter();
        headers
            .fold(request, |request, (name, value)| {
                request.header(name.as_slice(), value.as_slice())
            })
            .body(given.body)
    });
    let mut request =
        request.map_err(|error| Error::invalid_argument(format!("the request: {error}")))?;
    if let Some(caller) = given.caller {
        request.extensions_mut().insert(caller);
    }
    Ok(request)
}
