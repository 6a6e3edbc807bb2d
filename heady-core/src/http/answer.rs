//! What a function of the engine returns, as an answer.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::condition;
use crate::error::{Error, Result};

/// What the document says about an answer.
pub(super) struct Documented {
    /// The statuses of success with what each means.
    pub(super) statuses: &'static [(u16, &'static str)],
    /// The content type of the body.
    pub(super) kind: &'static str,
    /// The shape of what stands in the body.
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
    /// Whether it has an entity tag.
    pub(super) tagged: bool,
}

/// The content type of most bodies.
pub(super) const JSON: &str = "application/json";

/// Something that can be sent as the answer to a request.
pub(super) trait Answer {
    /// What the OpenAPI document says about it.
    const DOCUMENTED: Documented;

    /// The answer itself.
    fn respond(self) -> Result<Response>;
}

impl<T: Serialize + JsonSchema> Answer for T {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(200, "Done")],
        kind: JSON,
        schema: SchemaGenerator::subschema_for::<T>,
        tagged: false,
    };

    fn respond(self) -> Result<Response> {
        json(StatusCode::OK, &self)
    }
}

/// Something that may still be under way: 200 when it has come to an end, 202 before.
pub(super) struct Progressing<T> {
    pub(super) ended: bool,
    pub(super) body: T,
}

impl<T: Serialize + JsonSchema> Answer for Progressing<T> {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(200, "It has ended"), (202, "It goes on")],
        kind: JSON,
        schema: SchemaGenerator::subschema_for::<T>,
        tagged: false,
    };

    fn respond(self) -> Result<Response> {
        let status = if self.ended {
            StatusCode::OK
        } else {
            StatusCode::ACCEPTED
        };
        json(status, &self.body)
    }
}

/// Something with a version that later requests can make their changes depend on: the answer has it as `ETag`.
pub(super) struct Tagged<T> {
    pub(super) version: i64,
    pub(super) body: T,
}

impl<T: Serialize + JsonSchema> Answer for Tagged<T> {
    const DOCUMENTED: Documented = Documented {
        tagged: true,
        ..T::DOCUMENTED
    };

    fn respond(self) -> Result<Response> {
        let body = serde_json::to_vec(&self.body)?;
        let tag = HeaderValue::from_str(&condition::tag(self.version, &body))
            .map_err(|error| Error::internal("an entity tag is no header").caused_by(error))?;
        let mut response = written(StatusCode::OK, body);
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response> {
    Ok(written(status, serde_json::to_vec(body)?))
}

fn written(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static(JSON);
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
