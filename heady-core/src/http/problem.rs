//! Errors as `application/problem+json` (RFC 9457), with the string `error` and `ok: false` that today's clients read.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::error::Error;
use crate::types::now;

/// An error on its way out.
pub(super) struct Problem(pub(super) Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let error = self.0;
        let status = StatusCode::from_u16(error.kind().http_status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = error.code().to_ascii_lowercase().replace('_', "-");
        let mut body = error.to_json();
        if let Some(body) = body.as_object_mut() {
            body.extend(
                [
                    ("type", json!(format!("urn:heady:problem:{kind}"))),
                    ("title", json!(status.canonical_reason().unwrap_or("Error"))),
                    ("status", json!(status.as_u16())),
                    ("detail", json!(error.message())),
                    ("error", json!(error.message())),
                    ("ok", json!(false)),
                    ("ts", json!(now())),
                ]
                .map(|(key, value)| (key.to_owned(), value)),
            );
        }
        (
            status,
            [(header::CONTENT_TYPE, "application/problem+json")],
            body.to_string(),
        )
            .into_response()
    }
}

/// The answer where there is nothing.
pub(super) async fn no_route(uri: Uri) -> Problem {
    Problem(Error::not_found("route", uri.path()))
}
