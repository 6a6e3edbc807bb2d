//! Conditional requests (RFC 9110, section 13): what a request makes its change, or its answer, depend on.
//!
//! An entity tag is the version of what was answered and a digest of the answer, `"17-3f0c9a52d1e84b76"`. A change
//! depends on the version alone, so that a service whose health was seen meanwhile can still be changed; an answer is
//! only left out if every byte of it is known already.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::Response;
use hyper::body::Frame;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::input::Shape;
use crate::error::{Error, Result};
use crate::types::hex;

/// The entity tag of a body that shows this version.
pub(super) fn tag(version: i64, body: &[u8]) -> String {
    format!("\"{version}-{}\"", hex(&Sha256::digest(body)[..8]))
}

/// The conditions of a request as the options `ifVersion`, `ifAbsent` and `ifPresent`, where the call has them.
pub(super) fn options(
    method: &Method,
    headers: &HeaderMap,
    shape: &Shape,
) -> Result<Vec<(String, String)>> {
    let mut options = Vec::new();
    let changes = !matches!(*method, Method::GET | Method::HEAD);
    for (name, option) in [
        (header::IF_MATCH, "ifVersion"),
        (header::IF_NONE_MATCH, "ifAbsent"),
    ] {
        // Whoever states a condition relies on it; what is only read may be known already.
        let means_nothing = !shape.has(option) && (changes || name == header::IF_MATCH);
        if headers.contains_key(&name) && means_nothing {
            let message = format!("the header '{name}' has no meaning for this call");
            return Err(Error::invalid_argument(message));
        }
    }
    if let Some(tags) = tags(headers, &header::IF_MATCH)
        && shape.has("ifVersion")
    {
        if tags != ["*"] {
            options.push(("ifVersion".to_owned(), version(&tags)?));
        } else if shape.has("ifPresent") {
            options.push(("ifPresent".to_owned(), "true".to_owned()));
        }
        // Else it means what is changed or deleted, which has to be there anyway.
    }
    if let Some(tags) = tags(headers, &header::IF_NONE_MATCH)
        && shape.has("ifAbsent")
    {
        if tags != ["*"] {
            return Err(Error::invalid_argument(
                "If-None-Match: must be * here: only if nothing is there",
            ));
        }
        options.push(("ifAbsent".to_owned(), "true".to_owned()));
    }
    Ok(options)
}

/// The tags of all lines of a header, which are one list (RFC 9110, section 5.3); `None` if there is no line.
fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<Vec<&'h str>> {
    let lines = headers.get_all(name).iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap_or("?")).collect();
    let tags = lines.iter().flat_map(|line| line.split(',')).map(str::trim);
    (!lines.is_empty()).then(|| tags.filter(|tag| !tag.is_empty()).collect())
}

/// The version that tags name.
///
/// A list holds if any of it does, and a change is made on condition of one version: so all of them must name the same.
fn version(tags: &[&str]) -> Result<String> {
    let refused = |why: &str| Err(Error::invalid_argument(format!("If-Match: {why}")));
    let mut named = None;
    for tag in tags {
        // Proxies that compress make tags weak; the version in them is as exact as before.
        let tag = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        let (version, _) = tag.split_once('-').unwrap_or((tag, ""));
        if version.is_empty() || !version.bytes().all(|digit| digit.is_ascii_digit()) {
            return refused("must be the ETag of one earlier answer, or its resourceVersion");
        }
        if *named.get_or_insert(version) != version {
            return refused(
                "a change depends on one version, and these tags name several; give the one that was seen last",
            );
        }
    }
    match named {
        Some(version) => Ok(version.to_owned()),
        None => {
            refused("names no tag; must be the ETag of one earlier answer, or its resourceVersion")
        }
    }
}

/// Whether options have a condition, wherever it was stated.
pub(super) fn is_given(options: &Map<String, Value>) -> bool {
    let has_version = options
        .get("ifVersion")
        .is_some_and(|version| !version.is_null());
    let is = |option| options.get(option) == Some(&Value::Bool(true));
    has_version || is("ifAbsent") || is("ifPresent")
}

/// The answer to a request that would replace what its sender may never have seen.
pub(super) fn missing() -> Error {
    Error::failed_precondition(
        "a PUT replaces what is there: say what that is with 'If-Match: ETAG' (or a resourceVersion), create with \
         'If-None-Match: *', or replace whatever is there with 'If-Match: *'; PATCH changes fields without either",
    )
}

/// Whether the headers state a condition, so that its failure is the request's own.
pub(super) fn is_stated(headers: &HeaderMap) -> bool {
    let absent = headers.get(header::IF_NONE_MATCH);
    headers.contains_key(header::IF_MATCH) || absent.is_some_and(|tags| tags == "*")
}

/// The tags of answers that the sender of a request knows already.
pub(super) fn known(headers: &HeaderMap) -> Vec<String> {
    let known = tags(headers, &header::IF_NONE_MATCH).unwrap_or_default();
    known.into_iter().map(str::to_owned).collect()
}

/// The answer to a request that only reads: nothing but the tag if the request names it as known.
pub(super) fn unless_known(method: &Method, known: &[String], answer: Response) -> Response {
    let Some(tag) = answer.headers().get(header::ETAG) else {
        return answer;
    };
    let is_known = known
        .iter()
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    if !is_known || *method != Method::GET {
        return answer;
    }
    let (mut parts, _) = answer.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    Response::from_parts(parts, Body::new(Unsaid))
}

/// The body of an answer that leaves out what is known: it ends at once, and says nothing of the length that the whole
/// would have (RFC 9110, section 8.6), as an empty one would.
struct Unsaid;

impl HttpBody for Unsaid {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}
