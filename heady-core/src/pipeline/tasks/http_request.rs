//! `http.request {method, url, headers, body, expectStatus}`: one request, whose status must be an expected one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{EngineTask, Folder, TaskContext, TaskFuture, Tools};
use crate::document::Fields;
use crate::error::{Error, Result};
use crate::outbound::{HttpRequest, HttpResponse, Url};

/// The most of an answer's body that a task's output keeps, in bytes.
const KEPT_BODY: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct HttpRequestTask {
    request: HttpRequest,
    /// Any status from 200 to 299 if empty.
    expected: Vec<u16>,
}

impl HttpRequestTask {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self> {
        let url = fields.require("url")?;
        let url = Url::parse(url.text()?)
            .map_err(|error| url.error(format_args!("is no URL ({error})")))?;
        let mut request = HttpRequest::get(url);
        if let Some(field) = fields.get("method") {
            let method = field.text()?.to_ascii_uppercase();
            let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
            if !known.contains(&method.as_str()) {
                return Err(field.expected(&format!("one of {}", known.join(", "))));
            }
            request.method = method;
        }
        if let Some(field) = fields.get("headers") {
            let object = field
                .value
                .as_object()
                .ok_or_else(|| field.expected("an object of texts"))?;
            let text = |(name, value): (&String, &Value)| {
                let value = value.as_str().ok_or_else(|| {
                    field.error(format_args!("the value of '{name}' must be a text"))
                })?;
                Ok((name.clone(), value.to_owned()))
            };
            request.headers = object
                .iter()
                .map(text)
                .collect::<Result<BTreeMap<_, _>>>()?;
        }
        if let Some(field) = fields.get("body") {
            let (bytes, content_type) = match field.value {
                Value::String(text) => (text.clone().into_bytes(), "text/plain; charset=utf-8"),
                value => (value.to_string().into_bytes(), "application/json"),
            };
            request.body = Some(bytes);
            if !request
                .headers
                .keys()
                .any(|name| name.eq_ignore_ascii_case("content-type"))
            {
                request
                    .headers
                    .insert("content-type".to_owned(), content_type.to_owned());
            }
        }
        if let Some(field) = fields.get("timeoutMs") {
            request.timeout = Some(Duration::from_secs_f64(
                field.number_in(1.0, 3_600_000.0)? / 1000.0,
            ));
        }
        let mut expected = Vec::new();
        if let Some(field) = fields.get("expectStatus") {
            let items = if field.value.is_array() {
                field.list()?
            } else {
                vec![field.clone()]
            };
            for item in items {
                expected.push(u16::try_from(item.integer_in(100, 599)?).unwrap_or_default());
            }
        }
        fields.finish_strict()?;
        Ok(Self { request, expected })
    }

    fn is_expected(&self, status: u16) -> bool {
        if self.expected.is_empty() {
            (200..300).contains(&status)
        } else {
            self.expected.contains(&status)
        }
    }
}

impl EngineTask for HttpRequestTask {
    fn check(&self, tools: &Tools, _folder: &Folder) -> Result<()> {
        tools.http.rules().check(&self.request.url)
    }

    fn call(self: Arc<Self>, tools: Tools, _folder: Folder, context: TaskContext) -> TaskFuture {
        Box::pin(async move {
            let mut request = self.request.clone();
            // The draft standard's name (draft-ietf-httpapi-idempotency-key-header): a receiver that knows it carries
            // out a repeated attempt once.
            if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
                request
                    .headers
                    .entry("Idempotency-Key".to_owned())
                    .or_insert(context.idempotency_key.clone());
            }
            let response = tokio::select! {
                response = tools.http.send(request) => response?,
                () = context.cancelled() => return Err(Error::cancelled("the request was given up")),
            };
            let output = output(&response);
            if self.is_expected(response.status) {
                return Ok(output);
            }
            Err(response
                .unexpected(&self.request.url.origin().ascii_serialization())
                .with_details(output))
        })
    }
}

fn output(response: &HttpResponse) -> Value {
    let is_json = response
        .content_type
        .as_ref()
        .is_some_and(|kind| kind.contains("json"));
    let parsed = if is_json {
        serde_json::from_slice(&response.body).ok()
    } else {
        None
    };
    let kept = &response.body[..response.body.len().min(KEPT_BODY)];
    let body = match parsed {
        Some(value) if response.body.len() <= KEPT_BODY => value,
        _ => Value::String(String::from_utf8_lossy(kept).into_owned()),
    };
    json!({
        "status": response.status, "contentType": response.content_type, "body": body,
        "bytes": response.body.len(), "truncated": response.body.len() > KEPT_BODY,
    })
}
