//! What a function of the engine returns, as an answer.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use crate::error::Result;

/// The statuses of success with what each means, and the shape of what then stands in the body.
pub(super) struct Documented {
    pub(super) statuses: &'static [(u16, &'static str)],
    pub(super) schema: fn(&mut SchemaGenerator) -> Schema,
}

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
        schema: SchemaGenerator::subschema_for::<T>,
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
        schema: SchemaGenerator::subschema_for::<T>,
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

fn json(status: StatusCode, body: &impl Serialize) -> Result<Response> {
    let mut response = Response::new(Body::from(serde_json::to_vec(body)?));
    *response.status_mut() = status;
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Ok(response)
}
