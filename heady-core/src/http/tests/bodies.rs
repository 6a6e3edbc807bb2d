//! What stands in a body, and cannot be taken as it stands there.

use serde_json::json;

use super::*;

#[tokio::test]
async fn an_integer_that_would_be_rounded_is_refused_by_its_place() {
    let door = Door::open(Role::Admin).await;
    let json =
        |request: axum::http::request::Builder| request.header("content-type", "application/json");
    let node = |n: &str| format!(r#"{{"id": "N", "metadata": {{"of": ["a", {n}]}}}}"#);
    let post = || json(Request::post("/api/nodes"));
    for n in [
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
    ] {
        let refused = door.send(post(), node(n)).await;
        problem(&refused, 400, "INVALID_ARGUMENT");
        let why = refused.body["error"].as_str().unwrap();
        assert!(
            why.contains("metadata.of[1]: send this integer as a text"),
            "{why}"
        );
    }
    problem(&door.get("/api/nodes/N").await, 404, "NOT_FOUND");
    for (n, kept) in [
        ("18446744073709551615", json!(u64::MAX)),
        ("1e30", json!(1e30)),
        (
            "\"123456789012345678901234567890\"",
            json!("123456789012345678901234567890"),
        ),
    ] {
        let put = json(Request::put("/api/nodes/N"));
        let put = match door.get("/api/nodes/N").await {
            there if there.status == 200 => put.header("if-match", there.tag),
            _ => put.header("if-none-match", "*"),
        };
        door.send(put, node(n)).await;
        assert_eq!(
            door.get("/api/nodes/N").await.body["metadata"]["of"][1],
            kept
        );
    }
    let path = "/api/nodes/N";
    let patch = json(Request::patch(path));
    let refused = door
        .send(patch, r#"{"metadata": {"n": 99999999999999999999}}"#)
        .await;
    problem(&refused, 400, "INVALID_ARGUMENT");
    assert_eq!(door.get(path).await.body["resourceVersion"], 3);
}
