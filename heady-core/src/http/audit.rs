//! The audit log over HTTP.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream;
use schemars::json_schema;

use super::answer::{Answer, Documented};
use super::input::Nothing;
use super::route::{Call, routes};
use crate::audit::{Audit, ExportAudit};
use crate::error::Result;

routes! {
    /// Lists entries, newest first.
    "audit.list" GET "/api/audit" Viewer |call, query| call.audit().list(query);
    /// Computes every hash and checks every signature again, and names the first thing that is wrong.
    "audit.verify" POST "/api/audit/verify" Operator |call, options| call.audit().verify(options);
    /// Signs what all chains came to, and keeps it.
    "audit.checkpoint" POST "/api/audit/checkpoints" Operator |call, Nothing {}| call.audit().checkpoint();
    /// Lists checkpoints, newest first.
    "audit.checkpoints" GET "/api/audit/checkpoints" Viewer |call, query| call.audit().checkpoints(query);
    /// Returns the whole log as lines of JSON: checkpoints, then all rows, chain by chain.
    "audit.export" GET "/api/audit/export" Admin |call, Nothing {}| export(&call);
}

/// Lines of JSON, sent while they are read.
struct Lines {
    first: String,
    next: Option<String>,
    audit: Audit,
}

async fn export(call: &Call) -> Result<Lines> {
    let audit = call.audit().clone();
    // The first part now, so that a database that does not answer is told in the status.
    let first = audit.export(ExportAudit::default()).await?;
    Ok(Lines {
        first: first.ndjson,
        next: first.next,
        audit,
    })
}

impl Answer for Lines {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(200, "Lines of JSON")],
        kind: "application/x-ndjson",
        schema: |_| json_schema!({"type": "string"}),
        tagged: false,
    };

    fn respond(self) -> Result<Response> {
        let Self { first, next, audit } = self;
        let parts = stream::try_unfold((Some(first), next), move |(ready, next)| {
            let audit = audit.clone();
            async move {
                if let Some(ready) = ready {
                    return Ok(Some((ready, (None, next))));
                }
                let Some(cursor) = next else {
                    return Ok::<_, crate::Error>(None);
                };
                let options = ExportAudit {
                    limit: None,
                    cursor: Some(cursor),
                };
                let part = audit.export(options).await?;
                Ok(Some((part.ndjson, (None, part.next))))
            }
        });
        let mut response = Response::new(Body::from_stream(parts));
        let lines = HeaderValue::from_static(Self::DOCUMENTED.kind);
        response.headers_mut().insert(header::CONTENT_TYPE, lines);
        Ok(response)
    }
}
