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
        self.respond_with(StatusCode::OK)
    }
}

impl<T: Serialize> Tagged<T> {
    fn respond_with(self, status: StatusCode) -> Result<Response> {
        let body = serde_json::to_vec(&self.body)?;
        let tag = HeaderValue::from_str(&condition::tag(self.version, &body))
            .map_err(|error| Error::internal("an entity tag is no header").caused_by(error))?;
        let mut response = written(status, body);
        response.headers_mut().insert(header::ETAG, tag);
        Ok(response)
    }
}

/// Something that a POST created, and where it is, seen from where that was sent.
pub(super) struct Created<T> {
    pub(super) at: String,
    pub(super) made: Tagged<T>,
}

impl<T: Serialize + JsonSchema> Answer for Created<T> {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(201, "It was created; the header Location says where it is")],
        ..Tagged::<T>::DOCUMENTED
    };

    fn respond(self) -> Result<Response> {
        let at = HeaderValue::from_str(&self.at)
            .map_err(|error| Error::internal("an address is no header").caused_by(error))?;
        let mut response = self.made.respond_with(StatusCode::CREATED)?;
        response.headers_mut().insert(header::LOCATION, at);
        Ok(response)
    }
}

/// Something that was put where it says (RFC 9110, section 9.3.4).
pub(super) struct Put<T> {
    /// Whether nothing was there.
    pub(super) is_new: bool,
    pub(super) put: Tagged<T>,
}

impl<T: Serialize + JsonSchema> Answer for Put<T> {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(200, "It was there"), (201, "It was created")],
        ..Tagged::<T>::DOCUMENTED
    };

    fn respond(self) -> Result<Response> {
        self.put.respond_with(if self.is_new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        })
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
