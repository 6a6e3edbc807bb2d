//! What the tables translate, where that is more than to pass it on.

use super::*;

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
    let request = Request::get("/api/audit/export")
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
async fn what_a_workflow_runs_is_read_back() {
    let door = Door::open(Role::Admin).await;
    for path in ["/api/pipeline/config", "/api/pipeline/definition"] {
        problem(&door.get(path).await, 404, "NOT_FOUND");
    }
    for threshold in [0.15, 0.2] {
        let definition = json!({"version": "3.1.0", "pipeline": {
            "name": "HCFullPipeline",
            "global": {"maxConcurrentTasks": 8, "seed": "text"},
            "stages": [{"id": "one", "tasks": ["a", "b"]}, {"id": "two", "tasks": ["c"]}],
            "stopRule": {"conditions": [{"type": "error_rate", "threshold": threshold, "action": "enter_recovery"}]},
        }});
        let define = json!({"definition": definition});
        let defined = door.post("/api/pipeline/definitions", define).await;
        assert_eq!(defined.status, 200, "{}", defined.body);
    }
    door.post("/api/nodes", json!({"id": "a"})).await;
    let config = door.get("/api/pipeline/config").await.body;
    for (field, value) in [
        ("ok", json!(true)),
        ("name", json!("HCFullPipeline")),
        ("version", json!("3.1.0")),
        ("definitionVersion", json!(2)),
        ("stages", json!(2)),
        ("totalTasks", json!(3)),
        ("maxConcurrentTasks", json!(8)),
        ("global", json!({"maxConcurrentTasks": 8, "seed": "text"})),
        ("checkpointProtocol", Value::Null),
        ("services", json!(0)),
        ("agents", json!(1)),
    ] {
        assert_eq!(config[field], value, "{field}");
    }
    assert_eq!(config["stopRule"]["conditions"][0]["threshold"], 0.2);
    let first = door.get("/api/pipeline/definition?version=1").await.body;
    let stop_rule = &first["definition"]["pipeline"]["stopRule"];
    assert_eq!(stop_rule["conditions"][0]["threshold"], 0.15);
    assert_ne!(
        config["configHashes"]["hcfullpipeline"],
        first["definitionHash"]
    );
    for query in ["?workflowId=none", "?version=3"] {
        problem(
            &door.get(&format!("/api/pipeline/config{query}")).await,
            404,
            "NOT_FOUND",
        );
    }
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
async fn components_are_found_in_every_form_of_their_section() {
    let door = Door::open(Role::Admin).await;
    let count = async || door.get("/api/registry/ensemble").await.body["componentCount"].clone();
    assert_eq!(count().await, 0);
    for (components, number) in [
        (
            json!({"core": [{"id": "engine", "role": "r"}], "ui": {"panel": {"role": "p"}}, "note": "n"}),
            2,
        ),
        (json!({"engine": {"role": "r"}, "panel": {"role": "p"}}), 2),
        (
            json!([{"id": "engine", "role": "r"}, {"id": "panel", "role": "p"}, {"id": "x"}]),
            3,
        ),
    ] {
        let document = json!({"components": components});
        let import = json!({"document": document, "force": true});
        let imported = door.post("/api/registry/import", import).await;
        assert_eq!(imported.status, 200, "{}", imported.body);
        assert_eq!(count().await, number, "{document}");
        for (id, role) in [("engine", "r"), ("panel", "p")] {
            let found = door.get(&format!("/api/registry/component/{id}")).await;
            assert_eq!(found.body["role"], role, "{document}");
        }
        for id in ["core", "note", "none"] {
            let missing = door.get(&format!("/api/registry/component/{id}")).await;
            problem(&missing, 404, "NOT_FOUND");
        }
    }
}

#[tokio::test]
async fn earlier_clients_find_the_catalog_and_its_sections() {
    let door = Door::open(Role::Admin).await;
    let document = json!({
        "registryVersion": "3.1", "description": "Ours", "components": [{"id": "core", "name": "Core"}],
        "aiNodes": [{"id": "SCOUT", "name": "Scout", "triggers": ["look"], "role": "finder", "status": "healthy"}],
        "environments": [{"id": "local"}], "ensembleDefaults": {"size": 3}, "metadata": {"environment": "staging"},
    });
    problem(&door.get("/api/registry").await, 404, "NOT_FOUND");
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
    let none = door.get("/api/registry/component/none").await;
    problem(&none, 404, "NOT_FOUND");
    assert_eq!(none.body["error"], "Component 'none' not found");
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
    for refused in [
        json!({"path": "/etc/passwd"}),
        json!({"manifest": "/etc/passwd"}),
        json!({"manifest": {"scripts": {}}}),
    ] {
        let answer = door.post("/api/registry/drift", refused).await;
        problem(&answer, 400, "INVALID_ARGUMENT");
    }
    let compose = json!({"services": {"cache": {"image": "redis:7"}}});
    for (manifest, extra) in [(compose, 1), (json!(""), 0)] {
        let body = json!({"live": false, "manifest": manifest});
        door.post("/api/registry/drift", body).await;
        let deployed = door.get("/api/registry/drift?source=MANIFEST").await.body;
        assert_eq!(deployed["drift"].as_array().unwrap().len(), extra);
    }
    let nodes = door.get("/api/nodes").await.body;
    assert_eq!((&nodes["total"], &nodes["active"]), (&json!(1), &json!(0)));
    let scout = &nodes["nodes"][0];
    for (field, value) in [
        ("id", json!("SCOUT")),
        ("role", json!("finder")),
        ("status", json!("available")),
        ("triggers", json!(["look"])),
        ("enabled", json!(false)),
    ] {
        assert_eq!(scout[field], value, "{field}");
    }
    assert_eq!(scout["metadata"]["role"], "finder");
    assert_eq!(&door.get("/api/nodes/scout").await.body, scout);
    let system = door.get("/api/system/status").await.body;
    for (place, value) in [
        ("/production_ready", json!(false)),
        ("/environment", json!("staging")),
        ("/capabilities/nodes/total", json!(1)),
        ("/capabilities/nodes/active", json!(0)),
        ("/sacred_geometry/organic_systems", json!(false)),
    ] {
        assert_eq!(system.pointer(place), Some(&value), "{place}");
    }
    if cfg!(target_os = "linux") {
        assert!(system["memory"]["rss"].as_u64() > Some(1 << 20), "{system}");
    }
    door.post("/api/nodes/scout/activate", json!({})).await;
    let scout = door.get("/api/nodes/scout").await.body;
    assert_eq!(
        (&scout["status"], &scout["enabled"]),
        (&json!("active"), &json!(true))
    );
    problem(
        &door.post("/api/system/production", json!({})).await,
        409,
        "FAILED_PRECONDITION",
    );
}

#[tokio::test]
async fn a_closed_engine_does_not_say_that_it_lives() {
    let door = Door::open(Role::Viewer).await;
    let paths = ["/health", "/api/health", "/api/pulse"];
    for path in paths {
        assert_eq!(door.get(path).await.status, 200, "{path}");
    }
    door.heady.close().await;
    for path in paths {
        problem(&door.get(path).await, 503, "UNAVAILABLE");
    }
    let started = door.heady.start(crate::StartOptions::default());
    assert_eq!(started.unwrap_err().kind(), crate::ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_full_disk_is_not_what_a_client_has_too_much_of() {
    let door = Door::open(Role::Admin).await;
    let full = door.heady.store().write(|transaction| {
        Box::pin(async move {
            // No more pages than there are, as on a disk without room.
            let set = "PRAGMA max_page_count = 1";
            transaction.fetch_all(set, vec![]).await.map(drop)
        })
    });
    full.await.unwrap();
    let large = json!({"id": "large", "metadata": {"text": "x".repeat(1 << 20)}});
    let refused = door.post("/api/services", large).await;
    problem(&refused, 507, "RESOURCE_EXHAUSTED");
    let there = door.get("/api/services").await;
    assert_eq!(there.body["services"], json!([]));
}
