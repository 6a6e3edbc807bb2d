//! Who is let in, what they may do, and under which name the audit log has it.

use super::*;

#[tokio::test]
async fn what_a_request_changes_stands_in_the_audit_log_under_its_caller() {
    let door = Door::open(Role::Admin).await;
    let made = door.post("/api/services", json!({"id": "api"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
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
        ("LocalHost:3301", "http://localhost:3301", 200),
        ("127.0.0.1:3301", "https://evil.example", 403),
        ("127.0.0.1:3301", "null", 403),
        ("evil.example:3301", "", 403),
        ("localhost.evil.example", "", 403),
    ] {
        let answered = door.send_as(None, get(host, origin), "").await;
        assert_eq!(answered.status, status, "{host} {origin} {}", answered.body);
    }
    let whole = |target: &str| Request::get(target).header("host", "localhost:3301");
    for (request, status) in [
        (whole("http://evil.example/api/health"), 403),
        (whole("http://localhost:3301/api/health"), 200),
        (whole("/api/health").header("host", "evil.example"), 400),
        (Request::get("/api/health"), 400),
        (Request::get("/api/health").version(Version::HTTP_10), 200),
    ] {
        let asked = format!("{request:?}");
        let answered = door.send_as(None, request, "").await;
        assert_eq!(answered.status, status, "{asked} {}", answered.body);
    }
}
