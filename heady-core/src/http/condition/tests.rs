//! Conditions over HTTP: who wins, who loses and is shown what is there, and who knows it already.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::super::tests::{Answered, Door, problem};
use super::super::{Caller, MAX_BODY, Role, answer};
use crate::registry::PutService;

const PATH: &str = "/api/nodes/ATLAS";

fn put() -> axum::http::request::Builder {
    Request::put(PATH).header("content-type", "application/json")
}

fn patch(kind: &str) -> axum::http::request::Builder {
    Request::patch(PATH).header("content-type", kind)
}

const MERGE: &str = "application/merge-patch+json";

#[tokio::test]
async fn a_put_creates_or_replaces_under_its_condition() {
    let door = Door::open(Role::Admin).await;
    let new = || put().header("if-none-match", "*");
    let created = door.send(new(), r#"{"name": "Atlas"}"#).await;
    assert_eq!(created.status, 201);
    let lost = door.send(new(), r#"{"name": "Other"}"#).await;
    problem(&lost, 412, "ABORTED");
    assert_eq!(lost.body["current"], created.body);

    let read = door.get(PATH).await;
    assert_eq!((&read.tag, &read.body), (&created.tag, &created.body));
    let known = |tag: &str| put().header("if-match", tag);
    let same = door.send(known(&read.tag), r#"{"name": "Atlas"}"#).await;
    assert_eq!(
        (&same.tag, &same.body),
        (&read.tag, &read.body),
        "nothing changed"
    );
    assert_eq!(same.status, 200);
    let changed = door
        .send(known(&read.tag), r#"{"runtime": "python"}"#)
        .await;
    assert_eq!(changed.body["name"], "ATLAS", "what is left out is default");
    assert_eq!(changed.body["runtime"], "python");
    let stale = door.send(known(&read.tag), "{}").await;
    problem(&stale, 412, "ABORTED");
    assert_eq!(stale.body["current"], changed.body);

    // The version alone is enough, and so is what a proxy made of the tag.
    let version = changed.body["resourceVersion"].to_string();
    for tag in [
        version.clone(),
        format!("\"{version}\""),
        format!("W/{}", changed.tag),
    ] {
        let again = door.send(known(&tag), r#"{"runtime": "python"}"#).await;
        assert_eq!(again.body, changed.body, "{tag}");
    }
    let in_body = json!({"runtime": "ruby", "ifVersion": changed.body["resourceVersion"]});
    assert_eq!(door.send(put(), in_body.to_string()).await.status, 200);
    for wrong in ["", ",", "\"\"", "\"x\"", "\"1\", \"2\"", "*, \"1\""] {
        problem(
            &door.send(known(wrong), "{}").await,
            400,
            "INVALID_ARGUMENT",
        );
    }
    let wrong = put().header("if-none-match", "\"1\"");
    problem(&door.send(wrong, "{}").await, 400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn a_put_in_place_of_whatever_is_there_needs_something_there() {
    let door = Door::open(Role::Admin).await;
    for path in [PATH, "/api/services/a", "/api/workflows/a"] {
        let put = |condition| {
            let put = Request::put(path).header("content-type", "application/json");
            put.header(condition, "*")
        };
        let lost = door.send(put("if-match"), r#"{"name": "A"}"#).await;
        problem(&lost, 412, "ABORTED");
        assert_eq!(lost.body["current"], Value::Null);
        problem(&door.get(path).await, 404, "NOT_FOUND");
        let made = door.send(put("if-none-match"), r#"{"name": "A"}"#).await;
        assert_eq!(made.status, 201);
        let replaced = door.send(put("if-match"), r#"{"name": "B"}"#).await;
        assert_eq!(
            (replaced.status.as_u16(), &replaced.body["name"]),
            (200, &json!("B"))
        );
        assert_eq!(door.get(path).await.body, replaced.body);
        let both = put("if-match").header("if-none-match", "*");
        problem(&door.send(both, "{}").await, 400, "INVALID_ARGUMENT");
        let deleted = Request::delete(path).header("if-match", "*");
        assert_eq!(door.send(deleted, "").await.status, 200);
    }
    let in_body = door.send(put(), r#"{"ifPresent": true}"#).await;
    problem(&in_body, 409, "ABORTED");
}

#[tokio::test]
async fn all_lines_of_a_condition_are_one_list() {
    let door = Door::open(Role::Admin).await;
    let new = put().header("if-none-match", "*");
    let made = door.send(new, r#"{"name": "Atlas"}"#).await;
    let twice = patch(MERGE).header("if-match", &made.tag);
    let twice = twice.header("if-match", format!("W/{}, \"1\",", made.tag));
    let changed = door.send(twice, r#"{"name": "B"}"#).await;
    assert_eq!(changed.body["name"], "B", "{}", changed.body);
    // The second line would be what its sender relies on.
    for (first, second) in [(&changed.tag, &made.tag), (&made.tag, &changed.tag)] {
        let several = patch(MERGE).header("if-match", first);
        let several = several.header("if-match", second);
        let refused = door.send(several, r#"{"name": "C"}"#).await;
        problem(&refused, 400, "INVALID_ARGUMENT");
        let why = refused.body["detail"].as_str().unwrap();
        assert!(why.contains("one version"), "{why}");
    }
    let both = Request::put("/api/nodes/NEW").header("content-type", "application/json");
    let both = both.header("if-none-match", "*");
    let both = both.header("if-none-match", "\"1\"");
    problem(&door.send(both, "{}").await, 400, "INVALID_ARGUMENT");
    // What is read depends on nothing.
    for path in [PATH, "/api/nodes"] {
        let read = Request::get(path).header("if-match", "\"7\"");
        problem(&door.send(read, "").await, 400, "INVALID_ARGUMENT");
    }
    assert_eq!(door.get(PATH).await.body["name"], "B");
}

#[tokio::test]
async fn a_put_without_a_condition_is_told_to_state_one() {
    let door = Door::open(Role::Admin).await;
    for body in [
        "{}",
        r#"{"ifAbsent": false}"#,
        r#"{"ifVersion": null}"#,
        r#"{"ifPresent": false}"#,
    ] {
        problem(&door.send(put(), body).await, 428, "FAILED_PRECONDITION");
    }
    problem(&door.get(PATH).await, 404, "NOT_FOUND");
    for path in ["/api/services/a", "/api/workflows/a"] {
        let blind = Request::put(path).header("content-type", "application/json");
        problem(&door.send(blind, "{}").await, 428, "FAILED_PRECONDITION");
    }
}

#[tokio::test]
async fn a_patch_merges_and_needs_no_condition() {
    let door = Door::open(Role::Admin).await;
    let made = json!({"id": "ATLAS", "name": "Atlas", "metadata": {"a": 1, "b": {"c": 2}}});
    let made = door.post("/api/nodes", made).await;
    let body = r#"{"name": null, "metadata": {"a": null, "b": {"d": 3}}}"#;
    let merged = door.send(patch(MERGE), body).await;
    assert_eq!(merged.status, 200, "{}", merged.body);
    assert_eq!(merged.body["name"], "ATLAS");
    assert_eq!(merged.body["metadata"], json!({"b": {"c": 2, "d": 3}}));
    assert_ne!(merged.tag, made.tag);
    let plain = patch("application/json; charset=utf-8").header("if-match", &merged.tag);
    assert_eq!(
        door.send(plain, r#"{"enabled": false}"#).await.body["enabled"],
        false
    );

    let stale = door
        .send(patch(MERGE).header("if-match", &merged.tag), "{}")
        .await;
    problem(&stale, 412, "ABORTED");
    assert_eq!(stale.body["current"]["enabled"], false);
    let present = patch(MERGE).header("if-match", "*");
    assert_eq!(door.send(present, "{}").await.status, 200);
    let by_query = Request::patch(format!("{PATH}?ifVersion=1")).header("content-type", MERGE);
    problem(&door.send(by_query, "{}").await, 409, "ABORTED");

    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(MAX_BODY));
    let refusals = [
        (MERGE, "[]", 400, "INVALID_ARGUMENT"),
        (MERGE, r#"{"ifVersion": 1}"#, 400, "INVALID_ARGUMENT"),
        (MERGE, r#"{"resourceVersion": 1}"#, 400, "INVALID_ARGUMENT"),
        (MERGE, r#"{"id": "OTHER"}"#, 400, "INVALID_ARGUMENT"),
        (MERGE, r#"{"enabled": "yes"}"#, 400, "INVALID_ARGUMENT"),
        (MERGE, &large, 413, "RESOURCE_EXHAUSTED"),
        ("application/json-patch+json", "[]", 415, "INVALID_ARGUMENT"),
        ("text/plain", "{}", 415, "INVALID_ARGUMENT"),
    ];
    for (kind, body, status, code) in refusals {
        problem(&door.send(patch(kind), body.to_owned()).await, status, code);
    }
    let nobody = Request::patch("/api/nodes/NOBODY").header("content-type", MERGE);
    problem(&door.send(nobody, "{}").await, 404, "NOT_FOUND");
}

async fn ask(door: &Door, path: &str, known: &str) -> Answered {
    door.send(Request::get(path).header("if-none-match", known), "")
        .await
}

#[tokio::test]
async fn what_is_known_is_not_sent_again_and_what_was_seen_since_is() {
    let door = Door::open(Role::Admin).await;
    // Nobody listens there.
    let put = PutService {
        id: "api".to_owned(),
        base_url: Some("http://127.0.0.1:1".to_owned()),
        ..PutService::default()
    };
    door.heady.registry().put_service(put).await.unwrap();
    let path = "/api/services/api";
    let tag = door.get(path).await.tag;
    for known in [tag.clone(), format!("\"1-0\", W/{tag}"), "*".to_owned()] {
        let answered = ask(&door, path, &known).await;
        assert_eq!(answered.status, 304, "{known}");
        assert_eq!((&answered.tag, &answered.body), (&tag, &Value::Null));
    }
    assert_eq!(ask(&door, path, "\"1\"").await.status, 200);
    for method in ["GET", "HEAD"] {
        // The length that the whole has is not that of nothing.
        let request = Request::builder().method(method).uri(path);
        let lines = ["\"1-0\"", tag.as_str()].into_iter();
        let request = lines.fold(request, |request, line| {
            request.header("if-none-match", line)
        });
        let request = request.extension(Caller::new("user:anna", Role::Viewer));
        let answered = answer(&door.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answered.status(), 304);
        assert_eq!(answered.headers()["etag"].to_str().unwrap(), tag);
        assert_eq!(answered.headers().get("content-length"), None, "{method}");
    }

    // Its health is no change of what was declared, and yet another answer.
    let probed = door.post("/api/registry/probe", json!({})).await;
    assert_eq!(
        probed.body["probes"][0]["status"], "UNHEALTHY",
        "{}",
        probed.body
    );
    let seen = ask(&door, path, &tag).await;
    assert_eq!(
        (seen.status.as_u16(), &seen.body["status"]),
        (200, &json!("UNHEALTHY"))
    );
    assert_ne!(seen.tag, tag);
    let delete = Request::delete(path).header("if-match", &tag);
    assert_eq!(door.send(delete, "").await.status, 200);
}

#[tokio::test]
async fn who_deletes_what_changed_is_shown_it() {
    let door = Door::open(Role::Admin).await;
    let old = door.post("/api/workflows", json!({"id": "w"})).await;
    let path = "/api/workflows/w";
    let rename = Request::patch(path).header("content-type", MERGE);
    let new = door.send(rename, r#"{"name": "W"}"#).await;
    let delete = |tag: &str| Request::delete(path).header("if-match", tag);
    let lost = door.send(delete(&old.tag), "").await;
    problem(&lost, 412, "ABORTED");
    assert_eq!(lost.body["current"], new.body);
    assert_eq!(door.send(delete(&new.tag), "").await.body, new.body);
    problem(&door.send(delete("*"), "").await, 404, "NOT_FOUND");
}
