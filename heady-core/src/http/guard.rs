//! What every request passes before it is routed: it gets a name, and must be meant for this server.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri, Version, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Server, problem};
use crate::error::{Error, Result};
use crate::types::Id;

/// The header that names a request, in both directions.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request: the client's if it gave a plain one, else a new one.
#[derive(Debug, Clone)]
pub(super) struct RequestId(pub(super) HeaderValue);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(&REQUEST_ID).filter(|value| {
            (1..=200).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
        });
        let new = || HeaderValue::from_str(Id::new().as_str());
        let id = given.cloned().map_or_else(new, Ok);
        Self(id.unwrap_or_else(|_| HeaderValue::from_static("unknown")))
    }
}

pub(super) async fn pass(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = RequestId::of(request.headers());
    let hosts = server.config.hosts.as_deref();
    let response = match hosts.map_or(Ok(()), |hosts| check(hosts, &request)) {
        Ok(()) => {
            request.extensions_mut().insert(id.clone());
            next.run(request).await
        }
        Err(error) => problem::respond(&error, None, &id),
    };
    mark(response, id)
}

/// Gives an answer the headers that every one has.
pub(super) fn mark(mut response: Response, id: RequestId) -> Response {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID.clone(), id.0);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Refuses what a browser sends on behalf of a page of another origin: under another name (a name of the page that was
/// made to lead here, DNS rebinding), or from another origin.
fn check(hosts: &[String], request: &Request) -> Result<()> {
    let headers = request.headers();
    let mut named = headers.get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    if second.is_some() {
        return Err(Error::invalid_argument(
            "there is more than one header Host",
        ));
    }
    // The address counts where it has a name (RFC 9112, section 3.2.2).
    let named = first.map(|value| value.to_str().unwrap_or_default());
    let Some(host) = request.uri().authority().map(Authority::as_str).or(named) else {
        // No browser is that old, and such clients need not say it.
        if request.version() <= Version::HTTP_10 && !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        return Err(Error::invalid_argument("the header Host is missing"));
    };
    if !hosts
        .iter()
        .any(|name| name.eq_ignore_ascii_case(without_port(host)))
    {
        return Err(Error::permission_denied(format!(
            "this server is not '{host}': it is called as {}",
            hosts.join(", ")
        )));
    }
    match headers.get(header::ORIGIN) {
        Some(origin)
            if !authority(origin).is_some_and(|origin| origin.eq_ignore_ascii_case(host)) =>
        {
            Err(Error::permission_denied(
                "a page of another origin may not call this server",
            ))
        }
        _ => Ok(()),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

fn authority(origin: &HeaderValue) -> Option<String> {
    let origin: Uri = origin.to_str().ok()?.parse().ok()?;
    Some(origin.authority()?.to_string())
}
