//! Errors as `application/problem+json` (RFC 9457), with the string `error` and `ok: false` that today's clients read.

use axum::Extension;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::guard::RequestId;
use crate::error::{Error, ErrorKind};
use crate::types::{Timestamp, now};

/// What stands in the body of every answer that is no success.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Problem {
    /// `urn:heady:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// One of the thirteen codes.
    code: String,
    /// The sentence for people.
    detail: String,
    /// The same sentence.
    message: String,
    /// The same sentence, where earlier clients look for it.
    error: String,
    /// Always false.
    ok: bool,
    /// The request, as the header `X-Request-Id` names it.
    request_id: String,
    /// When.
    ts: Timestamp,
    /// Facts about this problem, such as the `current` version of what was changed meanwhile.
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl Problem {
    /// What a request is told, or the client of a stream; a failure of ours is logged, too.
    pub(super) fn of(error: &Error, status: StatusCode, id: &RequestId) -> Self {
        if status.is_server_error() {
            tracing::warn!(request = ?id.0, "{error:?}");
        }
        let kind = error.code().to_ascii_lowercase().replace('_', "-");
        let details = match error.details() {
            Some(Value::Object(details)) => details.clone(),
            Some(other) => Map::from_iter([("details".to_owned(), other.clone())]),
            None => Map::new(),
        };
        Self {
            r#type: format!("urn:heady:problem:{kind}"),
            title: status
                .canonical_reason()
                .unwrap_or("Client Closed Request")
                .to_owned(),
            status: status.as_u16(),
            code: error.code().to_owned(),
            detail: error.message().to_owned(),
            message: error.message().to_owned(),
            error: error.message().to_owned(),
            ok: false,
            request_id: id.0.to_str().unwrap_or_default().to_owned(),
            ts: now(),
            details,
        }
    }
}

/// The status of an error: that of its kind, unless HTTP has a more exact one.
///
/// A condition that the request stated and that does not hold is 412. Events that are gone are 410: a client, or whatever
/// stands between, need not read the body to know that asking again is of no use. A full disk is 507, as no client asked too
/// often.
pub(super) fn status(error: &Error, is_conditional: bool) -> StatusCode {
    let compacted = || {
        error
            .details()
            .is_some_and(|details| details["compacted"] == true)
    };
    let disk_full = || {
        error
            .details()
            .is_some_and(|details| details["diskFull"] == true)
    };
    match error.kind() {
        ErrorKind::Aborted if is_conditional => StatusCode::PRECONDITION_FAILED,
        ErrorKind::FailedPrecondition if compacted() => StatusCode::GONE,
        ErrorKind::ResourceExhausted if disk_full() => StatusCode::INSUFFICIENT_STORAGE,
        kind => {
            StatusCode::from_u16(kind.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// An error as an answer: with the status of its kind, unless a more exact one is given.
pub(super) fn respond(error: &Error, exact: Option<StatusCode>, id: &RequestId) -> Response {
    let status = exact.unwrap_or_else(|| status(error, false));
    let problem = Problem::of(error, status, id);
    // It consists of texts, so there is nothing that could not be written.
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body,
    )
        .into_response();
    if error.kind() == ErrorKind::Unauthenticated {
        let scheme = HeaderValue::from_static("Bearer realm=\"heady\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

/// The answer where there is nothing.
pub(super) async fn no_route(Extension(id): Extension<RequestId>, uri: Uri) -> Response {
    respond(&Error::not_found("route", uri.path()), None, &id)
}

/// The answer where there is something, but not for this method.
pub(super) async fn no_method(
    Extension(id): Extension<RequestId>,
    method: Method,
    uri: Uri,
) -> Response {
    let message = format!("{method} is not possible on '{}'", uri.path());
    respond(
        &Error::invalid_argument(message),
        Some(StatusCode::METHOD_NOT_ALLOWED),
        &id,
    )
}
