//! The adapter and every table behind it, in process.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
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
async fn the_audit_log_is_exported_in_one_answer() {
    let door = Door::open(Role::Admin).await;
    for n in 0..3 {
        let id = format!("api{n}");
        door.post("/api/services", json!({"id": id})).await;
    }
    let signed = door.post("/api/audit/checkpoints", json!({})).await;
    assert_eq!(signed.status, 200);
    assert_eq!(signed.body["rows"], 3);
    let verified = door.post("/api/audit/verify", json!({})).await;
    assert_eq!(verified.body["ok"], true, "{}", verified.body);
    // In parts of two lines.
    let request = Request::get("/api/audit/export?limit=2")
        .extension(Caller::new("user:anna", Role::Admin))
        .body(Body::empty())
        .unwrap();
    let response = answer(&door.router, request).await;
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    let log = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(log.split(|byte| *byte == b'\n').count(), 5);
    let report = verify_export(&log[..], VerifyAudit::default()).unwrap();
    assert_eq!((report.ok, report.rows, report.checkpoints), (true, 3, 1));
    problem(
        &door.get("/api/audit/export?cursor=x").await,
        400,
        "INVALID_ARGUMENT",
    );
}

#[tokio::test]
async fn what_a_request_changes_stands_in_the_audit_log_under_its_caller() {
    let door = Door::open(Role::Admin).await;
    let made = door.post("/api/services", json!({"id": "api"})).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let direct = crate::registry::RegisterNode {
        id: "direct".to_owned(),
        ..Default::default()
    };
    door.heady.registry().register_node(direct).await.unwrap();
    let entries = door.get("/api/audit?limit=2").await.body["entries"].clone();
    let actors = [&entries[0]["actor"], &entries[1]["actor"]];
    assert_eq!(actors, ["engine", "user:anna"]);
    let listed = door
        .heady
        .audit()
        .list(AuditQuery::default())
        .await
        .unwrap();
    assert_eq!(entries, serde_json::to_value(listed.entries).unwrap());
}

#[tokio::test]
async fn a_caller_needs_the_role_of_the_route() {
    let door = Door::open(Role::Viewer).await;
    let refused = door.post("/api/services", json!({"id": "api"})).await;
    problem(&refused, 403, "PERMISSION_DENIED");
    assert_eq!(door.get("/api/services").await.body["services"], json!([]));
    let unknown = door.send_as(None, Request::get("/api/services"), "").await;
    problem(&unknown, 401, "UNAUTHENTICATED");
    let health = door.send_as(None, Request::get("/api/health"), "").await;
    assert_eq!(health.body["status"], "healthy");
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
async fn the_first_key_closes_the_door_to_everybody_without_one() {
    let mut door = Door::open(Role::Viewer).await;
    door.router = router(
        &door.heady,
        Config {
            environment: Some("staging".to_owned()),
            ..Config::local()
        },
    );
    let get = |key: Option<(&str, &str)>| {
        let request = Request::get("/api/services").header("host", "localhost:3301");
        match key {
            Some((name, value)) => request.header(name, value),
            None => request,
        }
    };
    assert_eq!(door.send_as(None, get(None), "").await.status, 200);
    let add = async |name: &str, environment: &str| {
        let options = AddApiKey {
            name: name.to_owned(),
            environment: Some(environment.to_owned()),
            roles: None,
        };
        ApiKeys::of(&door.heady).add(options).await.unwrap().key
    };
    let (key, elsewhere) = (add("ci", "staging").await, add("other", "prod").await);
    let bearer = format!("Bearer {key}");
    for good in [
        ("authorization", bearer.as_str()),
        ("x-heady-api-key", &key),
    ] {
        assert_eq!(door.send_as(None, get(Some(good)), "").await.status, 200);
    }
    let basic = "Basic YTpi".to_owned();
    let wrong = [
        Some(("x-heady-api-key", elsewhere.as_str())),
        Some(("authorization", &basic)),
        None,
    ];
    for wrong in wrong {
        problem(
            &door.send_as(None, get(wrong), "").await,
            401,
            "UNAUTHENTICATED",
        );
    }
    let post = Request::post("/api/services")
        .header("host", "localhost")
        .header("x-heady-api-key", &key);
    let refused = door.send_as(None, post, "").await;
    problem(&refused, 403, "PERMISSION_DENIED");
    assert!(refused.body["error"].as_str().unwrap().contains("key:ci"));
    ApiKeys::of(&door.heady).revoke("ci").await.unwrap();
    problem(
        &door
            .send_as(None, get(Some(("x-heady-api-key", &key))), "")
            .await,
        401,
        "UNAUTHENTICATED",
    );
}

#[tokio::test]
async fn a_page_elsewhere_cannot_use_the_browser_of_the_local_user() {
    let mut door = Door::open(Role::Viewer).await;
    door.router = router(&door.heady, Config::local());
    let get = |host: &str, origin: &str| {
        let request = Request::post("/api/monte-carlo/run").header("host", host);
        if origin.is_empty() {
            request
        } else {
            request.header("origin", origin)
        }
    };
    for (host, origin, status) in [
        ("localhost:3301", "", 200),
        ("LOCALHOST", "", 200),
        ("[::1]:3301", "http://[::1]:3301", 200),
        ("127.0.0.1:3301", "http://127.0.0.1:3301", 200),
        ("127.0.0.1:3301", "http://127.0.0.1:8080", 403),
        ("127.0.0.1:3301", "https://evil.example", 403),
        ("127.0.0.1:3301", "null", 403),
        ("evil.example:3301", "", 403),
        ("localhost.evil.example", "", 403),
    ] {
        let answered = door.send_as(None, get(host, origin), "").await;
        assert_eq!(answered.status, status, "{host} {origin} {}", answered.body);
    }
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

#[tokio::test]
async fn a_run_is_waited_for_as_long_as_the_request_prefers() {
    let door = Door::open(Role::Admin).await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let opened = gate.clone();
    door.heady
        .pipeline()
        .handle("held", move |_, with| {
            let gate = opened.clone();
            async move {
                gate.acquire()
                    .await
                    .map(|_| with)
                    .map_err(|_| crate::Error::internal("closed"))
            }
        })
        .unwrap();
    let definition =
        json!({"pipeline": {"name": "held", "stages": [{"id": "one", "tasks": ["held"]}]}});
    let defined = door
        .post(
            "/api/pipeline/definitions",
            json!({"definition": definition}),
        )
        .await;
    assert_eq!(defined.body["created"], true, "{}", defined.body);
    let begin = |wait: &str| {
        Request::post("/api/pipeline/run")
            .header("content-type", "application/json")
            .header("idempotency-key", "once")
            .header("prefer", wait)
    };
    let body = r#"{"workflowId": "held"}"#;
    let begun = door.send(begin("respond-async, wait=0"), body).await;
    assert_eq!(
        (begun.status.as_u16(), &begun.body["ok"]),
        (202, &json!(true)),
        "{}",
        begun.body
    );
    assert_eq!(
        door.get("/api/pipeline/state").await.body["runId"],
        begun.body["runId"]
    );
    gate.add_permits(1);
    let ended = door.send(begin("wait=60"), body).await;
    assert_eq!(ended.status, 200);
    assert_eq!(ended.body["runId"], begun.body["runId"]);
    assert_eq!(
        (&ended.body["status"], &ended.body["ok"]),
        (&json!("SUCCEEDED"), &json!(true))
    );
    let id = ended.body["runId"].as_str().unwrap();
    problem(
        &door
            .post(&format!("/api/pipeline/runs/{id}/cancel"), json!({}))
            .await,
        409,
        "FAILED_PRECONDITION",
    );
    assert_eq!(
        door.get("/api/pipeline/history").await.body["runs"][0]["runId"],
        id
    );
}

#[tokio::test]
async fn a_request_without_a_body_runs_the_pipeline_of_the_blueprint() {
    let door = Door::open(Role::Operator).await;
    let ran = door.send(Request::post("/api/pipeline/run"), "").await;
    // Nothing was registered to be executed, so nothing can have succeeded.
    assert_eq!(
        (&ran.body["ok"], &ran.body["status"]),
        (&json!(false), &json!("FAILED"))
    );
}

#[tokio::test]
async fn both_forms_of_a_simulation_are_understood() {
    let door = Door::open(Role::Operator).await;
    let scenario = door.send(Request::post("/api/monte-carlo/run"), "").await;
    assert_eq!(scenario.body["iterations"], 10_000, "{}", scenario.body);
    let plan = json!({"tasks": [{"id": "a", "duration": 1}]});
    for seed in [1, 2] {
        let body = json!({"plan": plan, "seed": seed, "samples": 16});
        assert_eq!(
            door.post("/api/monte-carlo/run", body).await.body["seed"],
            seed
        );
    }
    let history = door.get("/api/monte-carlo/history").await.body;
    assert_eq!(history[0], scenario.body);
    assert_eq!(
        (&history[1]["seed"], &history[2]["seed"]),
        (&json!(1), &json!(2))
    );
    let newest = door.get("/api/monte-carlo/history?limit=1").await.body;
    assert_eq!(newest, json!([history[2]]));
    let again = door.send(Request::post("/api/monte-carlo/run"), "").await;
    let status = door.get("/api/monte-carlo/status").await.body;
    assert_eq!(
        (&status["runsCompleted"], &status["lastRun"]),
        (&json!(4), &again.body)
    );
    let refused = door
        .post("/api/monte-carlo/run", json!({"plan": plan, "smaples": 1}))
        .await;
    problem(&refused, 400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn earlier_clients_find_the_catalog_and_its_sections() {
    let door = Door::open(Role::Admin).await;
    let document = json!({
        "registryVersion": "3.1", "description": "Ours", "components": [{"id": "core", "name": "Core"}],
        "aiNodes": [{"id": "SCOUT", "name": "Scout", "triggers": ["look"]}],
        "environments": [{"id": "local"}], "ensembleDefaults": {"size": 3},
    });
    let imported = door
        .post("/api/registry/import", json!({"document": document}))
        .await;
    assert_eq!(imported.status, 200, "{}", imported.body);
    let whole = door.get("/api/registry").await.body;
    assert_eq!(
        (&whole["ok"], &whole["description"]),
        (&json!(true), &json!("Ours"))
    );
    assert_eq!(
        door.get("/api/registry/component/core").await.body["name"],
        "Core"
    );
    problem(
        &door.get("/api/registry/component/none").await,
        404,
        "NOT_FOUND",
    );
    assert_eq!(
        door.get("/api/registry/environments").await.body["environments"][0]["id"],
        "local"
    );
    assert_eq!(
        door.get("/api/registry/notebooks").await.body["notebooks"],
        json!([])
    );
    assert_eq!(
        door.get("/api/registry/ensemble").await.body["aiNodeCount"],
        1
    );
    let off = door
        .post("/api/nodes/scout/deactivate", json!({}))
        .await
        .body;
    assert_eq!(
        (&off["node"], &off["status"]),
        (&json!("SCOUT"), &json!("available"))
    );
    let found = door
        .post("/api/registry/drift", json!({"live": false}))
        .await;
    assert_eq!(found.status, 200, "{}", found.body);
    let drift = &found.body["drift"][0];
    assert_eq!(
        (&drift["id"], &drift["kind"], &drift["observed"]),
        (&json!("SCOUT"), &json!("CHANGED"), &json!(false))
    );
    let severe = door.get("/api/registry/drift?severity=CRITICAL").await.body;
    assert_eq!(
        (&severe["sources"], &severe["drift"]),
        (&found.body["sources"], &json!([]))
    );
    let path = json!({"path": "/etc/passwd"});
    problem(
        &door.post("/api/registry/drift", path).await,
        400,
        "INVALID_ARGUMENT",
    );
    let nodes = door.get("/api/nodes").await.body;
    assert_eq!((&nodes["total"], &nodes["active"]), (&json!(1), &json!(0)));
    assert_eq!(
        door.get("/api/system/status").await.body["production_ready"],
        false
    );
    problem(
        &door.post("/api/system/production", json!({})).await,
        409,
        "FAILED_PRECONDITION",
    );
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
