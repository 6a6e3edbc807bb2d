//! The adapter and every table behind it, in process.

mod bodies;
mod callers;
mod domains;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, Version};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::{
    AddApiKey, ApiKeys, Caller, Config, HostBody, HostRequest, HostResponse, Role, answer,
    answer_host, router,
};
use crate::Heady;
use crate::audit::{AuditQuery, VerifyAudit, verify_export};

pub(super) struct Door {
    pub(super) heady: Heady,
    pub(super) router: Router,
    role: Role,
}

pub(super) struct Answered {
    pub(super) status: StatusCode,
    kind: String,
    request_id: String,
    pub(super) tag: String,
    location: String,
    pub(super) body: Value,
}

impl Door {
    pub(super) async fn open(role: Role) -> Self {
        let heady = Heady::connect("sqlite::memory:").await.unwrap();
        let router = router(&heady, Config::default());
        Self {
            heady,
            router,
            role,
        }
    }

    /// Sends a request for which the host vouches.
    pub(super) async fn send(
        &self,
        request: axum::http::request::Builder,
        body: impl Into<Body>,
    ) -> Answered {
        let caller = Caller::new("user:anna", self.role);
        self.send_as(Some(caller), request, body).await
    }

    async fn send_as(
        &self,
        caller: Option<Caller>,
        request: axum::http::request::Builder,
        body: impl Into<Body>,
    ) -> Answered {
        let mut request = request.body(body.into()).unwrap();
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let response = answer(&self.router, request).await;
        let (parts, body) = response.into_parts();
        let header = |name: &str| {
            let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let bytes = body.collect().await.unwrap().to_bytes();
        Answered {
            status: parts.status,
            kind: header("content-type"),
            request_id: header("x-request-id"),
            tag: header("etag"),
            location: header("location"),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answered {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answered {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(request, body.to_string()).await
    }
}

pub(super) fn problem(answered: &Answered, status: u16, code: &str) {
    assert_eq!(answered.status, status, "{}", answered.body);
    assert_eq!(answered.kind, "application/problem+json");
    assert_eq!(answered.body["code"], code, "{}", answered.body);
    assert_eq!(answered.body["ok"], false);
    assert!(answered.body["error"].is_string());
    assert_eq!(answered.body["requestId"], answered.request_id.as_str());
    assert!(answered.body["ts"].is_string());
}

#[tokio::test]
async fn an_engine_without_its_database_lives_and_is_not_ready() {
    let door = Door::open(Role::Viewer).await;
    let get = |path: &str| door.send_as(None, Request::get(path), "");
    assert_eq!(get("/health/live").await.body["status"], "ok");
    let ready = get("/health/ready").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.body["status"]),
        (200, &json!("ready"))
    );
    assert_eq!(ready.body["checks"], json!({"database": "ok"}));
    door.heady.close().await;
    assert_eq!(get("/health/live").await.body["ok"], true);
    let gone = get("/health/ready").await;
    problem(&gone, 503, "UNAVAILABLE");
    assert_eq!(gone.body["checks"], json!({"database": "UNAVAILABLE"}));
}

#[tokio::test]
async fn options_come_from_path_query_body_and_if_match() {
    let door = Door::open(Role::Admin).await;
    door.post("/api/nodes", json!({"id": "a b/ä"})).await;
    let path = "/api/nodes/a%20b%2F%C3%A4";
    assert_eq!(door.get(path).await.body["id"], "a b/ä");
    let change = |version: &str| {
        Request::patch(path)
            .header("content-type", "application/json; charset=utf-8")
            .header("if-match", version)
    };
    let changed = door.send(change("\"1\""), r#"{"name": "B"}"#).await;
    assert_eq!(changed.body["resourceVersion"], 2);
    let stale = door.send(change("1"), r#"{"name": "C"}"#).await;
    problem(&stale, 412, "ABORTED");
    assert_eq!(stale.body["current"]["name"], "B");
    let stale = door
        .send(Request::delete(format!("{path}?ifVersion=1")), "")
        .await;
    problem(&stale, 409, "ABORTED");
    let twice = door.send(change("2"), r#"{"id": "other"}"#).await;
    problem(&twice, 400, "INVALID_ARGUMENT");
    let gone = door
        .send(Request::delete(format!("{path}?ifVersion=2")), "")
        .await;
    assert_eq!(gone.status, 200);
}

#[tokio::test]
async fn what_is_created_says_where_it_is() {
    let door = Door::open(Role::Admin).await;
    for (collection, id, location) in [
        ("services", "a-b_c.d~", "services/a-b_c.d~"),
        ("nodes", "core:Ä/b", "nodes/core%3A%C3%84%2Fb"),
        ("workflows", "50%", "workflows/50%25"),
    ] {
        let made = door
            .post(&format!("/api/{collection}"), json!({ "id": id }))
            .await;
        assert_eq!(
            (made.status, made.location.as_str()),
            (StatusCode::CREATED, location)
        );
        let read = door.get(&format!("/api/{location}")).await;
        assert_eq!((&read.tag, &read.body), (&made.tag, &made.body));
    }
    for id in [".", ".."] {
        let refused = door.post("/api/nodes", json!({ "id": id })).await;
        problem(&refused, 400, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn a_node_is_the_same_one_in_every_call() {
    let door = Door::open(Role::Admin).await;
    door.post("/api/nodes", json!({"id": "LENS"})).await;
    let put = |condition: &str, value: &str| {
        Request::put("/api/nodes/lens")
            .header("content-type", "application/json")
            .header(condition, value)
    };
    let there = door.send(put("if-none-match", "*"), "{}").await;
    problem(&there, 412, "ABORTED");
    assert_eq!(there.body["current"]["id"], "LENS");
    let tag = door.get("/api/nodes/lens").await.tag;
    let replaced = door
        .send(put("if-match", &tag), r#"{"runtime": "python"}"#)
        .await;
    assert_eq!(
        (replaced.status, &replaced.body["id"]),
        (StatusCode::OK, &json!("LENS"))
    );
    let patch = Request::patch("/api/nodes/lens").header("content-type", "application/json");
    let patched = door.send(patch, r#"{"name": "Lens"}"#).await;
    assert_eq!(
        (&patched.body["id"], &patched.body["name"]),
        (&json!("LENS"), &json!("Lens"))
    );
    let gone = door.send(Request::delete("/api/nodes/lens"), "").await;
    assert_eq!(
        (gone.status, &gone.body["id"]),
        (StatusCode::OK, &json!("LENS"))
    );
    // Where there is none, none is meant but the one that is named.
    let new = door.send(put("if-none-match", "*"), "{}").await;
    assert_eq!(
        (new.status, &new.body["id"]),
        (StatusCode::CREATED, &json!("lens"))
    );
}

#[tokio::test]
async fn a_time_that_is_none_is_told_how_to_write_one() {
    let door = Door::open(Role::Viewer).await;
    for (time, status) in [
        ("yesterday", 400),
        ("2026-01-01", 400),
        ("2026-01-01T00:00:00+02:00", 400),
        ("2026-01-01T00:00:00%2B02:00", 200),
        ("2026-01-01T00:00:00Z", 200),
    ] {
        let answered = door.get(&format!("/api/audit?since={time}")).await;
        assert_eq!(answered.status, status, "{time} {}", answered.body);
        if status == 400 {
            let told = answered.body["detail"].as_str().unwrap();
            assert!(
                told.starts_with("since: ") && told.contains("RFC 3339"),
                "{told}"
            );
        }
    }
}

#[tokio::test]
async fn a_body_in_a_content_encoding_is_refused() {
    let door = Door::open(Role::Admin).await;
    for (coding, status) in [("gzip", 415), ("br, identity", 415), ("Identity", 201)] {
        let request = Request::post("/api/nodes")
            .header("content-type", "application/json")
            .header("content-encoding", coding);
        let answered = door.send(request, r#"{"id": "a"}"#).await;
        assert_eq!(answered.status, status, "{coding} {}", answered.body);
    }
}

#[tokio::test]
async fn what_only_asks_for_a_fresh_answer_says_nothing() {
    let door = Door::open(Role::Admin).await;
    for path in ["/api/health?_=17&pretty=true", "/api/nodes?t=1"] {
        assert_eq!(door.get(path).await.status, 200, "{path}");
    }
    // A body that is streamed may turn out to be none.
    door.post("/api/nodes", json!({"id": "a"})).await;
    let delete = |pieces: &'static [&'static str]| {
        let pieces = pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece));
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let request = Request::delete("/api/nodes/a");
        let request = request.extension(Caller::new("user:anna", Role::Admin));
        answer(&door.router, request.body(body).unwrap())
    };
    assert_eq!(delete(&["{}"]).await.status(), 400);
    assert_eq!(delete(&[]).await.status(), 200);
}

#[tokio::test]
async fn what_is_malformed_is_named() {
    let door = Door::open(Role::Admin).await;
    let (get, delete) = (Request::get, Request::delete);
    let post = |path: &str| Request::post(path).header("content-type", "application/json");
    let (deep, long) = ("[".repeat(100_000), "x".repeat(super::MAX_BODY + 1));
    let cases = [
        (get("/api/audit?limit=many"), "", 400, "limit"),
        (get("/api/audit?limti=1"), "", 400, "limti"),
        (get("/api/services/%FF"), "", 400, "UTF-8"),
        (post("/api/services?id=a"), "{}", 400, "id"),
        (post("/api/services"), "[1]", 400, "object"),
        (post("/api/services"), r#"{"id": 1}"#, 400, "id: "),
        (
            post("/api/services"),
            r#"{"id": "a", "id": "b"}"#,
            400,
            "id",
        ),
        (post("/api/services"), &deep, 400, "recursion limit"),
        (post("/api/services"), &long, 413, "5242880"),
        (
            Request::post("/api/services"),
            "{}",
            415,
            "application/json",
        ),
        (
            post("/api/pipeline/run").header("prefer", "wait=soon"),
            "",
            400,
            "wait",
        ),
        (delete("/api/health"), "", 405, "DELETE"),
        (
            Request::put("/api/services/a").header("if-none-match", "*"),
            "",
            400,
            "the body is missing",
        ),
        (
            Request::patch("/api/services/a"),
            "",
            400,
            "the body is missing",
        ),
        (
            delete("/api/services/a"),
            r#"{"ifVersion": 1}"#,
            400,
            "If-Match",
        ),
        (
            post("/api/nodes/a/activate").header("if-match", "1"),
            "",
            400,
            "if-match",
        ),
        (
            delete("/api/services/a").header("if-none-match", "*"),
            "",
            400,
            "if-none-match",
        ),
        (
            post("/api/registry/drift"),
            r#"{"timeoutMs": 0}"#,
            400,
            "timeoutMs",
        ),
        (
            post("/api/registry/drift"),
            r#"{"document": {"foo": 1}}"#,
            400,
            "registry",
        ),
        (get("/api/nothing"), "", 404, "/api/nothing"),
    ];
    for (request, body, status, part) in cases {
        let answered = door.send(request, body.to_owned()).await;
        let code = match status {
            404 => "NOT_FOUND",
            413 => "RESOURCE_EXHAUSTED",
            _ => "INVALID_ARGUMENT",
        };
        problem(&answered, status, code);
        let error = answered.body["error"].as_str().unwrap();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn every_route_is_documented_once() {
    let document = super::openapi().into_inner();
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
            let parameters = operation["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let named = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .count();
            assert_eq!(named, path.matches('{').count(), "{method} {path}");
        }
    }
    assert_eq!(names.len(), super::routes().count());
}

#[tokio::test]
async fn a_host_gets_an_answer_to_what_http_does_not_know() {
    let door = Door::open(Role::Viewer).await;
    let host = async |method: &str, target: &str, header: (&[u8], &[u8])| {
        let request = HostRequest {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![(header.0.to_vec(), header.1.to_vec())],
            body: Body::empty(),
            caller: Some(Caller::new("user:anna", Role::Viewer)),
        };
        let HostResponse {
            status,
            headers,
            body,
        } = answer_host(&door.router, request).await;
        let HostBody::Whole(bytes) = body else {
            panic!("an answer of known length comes whole");
        };
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        let header = |name: &str| {
            let value = headers.get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        Answered {
            status: StatusCode::from_u16(status).unwrap(),
            kind: header("content-type"),
            request_id: header("x-request-id"),
            tag: header("etag"),
            location: header("location"),
            body: serde_json::from_slice(&bytes).unwrap(),
        }
    };
    let plain: (&[u8], &[u8]) = (b"accept", b"*/*");
    let listed = host("GET", "http://heady/api/services?", plain).await;
    assert_eq!(
        (listed.status.as_u16(), listed.kind.as_str()),
        (200, "application/json")
    );
    for (method, target, header) in [
        ("GE T", "/api/health", plain),
        ("", "/api/health", plain),
        ("GET", "/api health", plain),
        ("GET", "", plain),
        ("GET", "/api/health", (b"na me", b"x")),
        ("GET", "/api/health", (b"", b"x")),
        ("GET", "/api/health", (b"name", b"a\r\nb: c")),
        ("GET", "/api/health", (b"name", b"\0")),
    ] {
        let refused = host(method, target, header).await;
        problem(&refused, 400, "INVALID_ARGUMENT");
        assert!(
            refused.body["error"]
                .as_str()
                .unwrap()
                .starts_with("the request: ")
        );
    }
}
