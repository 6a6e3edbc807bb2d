//! The files that every language runs, in Rust: every method exists, and bad input has its code.

use heady_core::{Heady, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub fn file(name: &str) -> Value {
    let path = format!(
        "{}/tests/conformance/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn options<T: DeserializeOwned + Default>(entry: &Value) -> T {
    match entry.get("options") {
        Some(options) => serde_json::from_value(options.clone()).unwrap(),
        None => T::default(),
    }
}

fn json<T: Serialize>(value: Result<T>) -> Result<Value> {
    value.map(|value| serde_json::to_value(value).unwrap())
}

/// Calls a method by its name, or returns `None` if there is none of that name.
async fn call(heady: &Heady, entry: &Value) -> Option<Result<Value>> {
    let id = entry["id"].as_str().unwrap_or_default();
    let (audit, pipeline) = (heady.audit(), heady.pipeline());
    let (registry, monte_carlo) = (heady.registry(), heady.monte_carlo());
    Some(match entry["call"].as_str()? {
        "audit.list" => json(audit.list(options(entry)).await),
        "audit.verify" => json(audit.verify(options(entry)).await),
        "audit.checkpoint" => json(audit.checkpoint().await),
        "audit.checkpoints" => json(audit.checkpoints(options(entry)).await),
        "audit.export" => json(audit.export(options(entry)).await),
        "monteCarlo.run" => json(monte_carlo.run(options(entry)).await),
        "monteCarlo.check" => json(
            monte_carlo
                .check(entry["options"]["plan"].clone().into())
                .await,
        ),
        "monteCarlo.get" => json(monte_carlo.get(id).await),
        "monteCarlo.list" => json(monte_carlo.list(options(entry)).await),
        "monteCarlo.status" => json(monte_carlo.status().await),
        "monteCarlo.replay" => json(monte_carlo.replay(id).await),
        "monteCarlo.listScenarios" => json(monte_carlo.list_scenarios(options(entry)).await),
        "monteCarlo.scenario" => json(monte_carlo.scenario(options(entry)).await),
        "pipeline.handle" => json(pipeline.handle(id, async |_, with| Ok(with))),
        "pipeline.define" => json(pipeline.define(options(entry)).await),
        "pipeline.definition" => json(pipeline.definition(options(entry)).await),
        "pipeline.start" => json(pipeline.start(options(entry)).await),
        "pipeline.run" => json(pipeline.run(options(entry)).await),
        "pipeline.get" => json(pipeline.get(id).await),
        "pipeline.wait" => json(pipeline.wait(id).await),
        "pipeline.list" => json(pipeline.list(options(entry)).await),
        "pipeline.follow" => json(
            pipeline
                .follow(options(entry))
                .await
                .map(|follow| follow.has_ended()),
        ),
        "pipeline.cancel" => json(pipeline.cancel(id).await),
        "pipeline.resume" => json(pipeline.resume(id).await),
        "registry.registerService" => json(registry.register_service(options(entry)).await),
        "registry.putService" => json(registry.put_service(options(entry)).await),
        "registry.getService" => json(registry.get_service(id).await),
        "registry.listServices" => json(registry.list_services().await),
        "registry.updateService" => json(registry.update_service(options(entry)).await),
        "registry.patchService" => json(registry.patch_service(options(entry)).await),
        "registry.deleteService" => json(registry.delete_service(options(entry)).await),
        "registry.registerNode" => json(registry.register_node(options(entry)).await),
        "registry.putNode" => json(registry.put_node(options(entry)).await),
        "registry.getNode" => json(registry.get_node(id).await),
        "registry.listNodes" => json(registry.list_nodes().await),
        "registry.updateNode" => json(registry.update_node(options(entry)).await),
        "registry.patchNode" => json(registry.patch_node(options(entry)).await),
        "registry.deleteNode" => json(registry.delete_node(options(entry)).await),
        "registry.registerWorkflow" => json(registry.register_workflow(options(entry)).await),
        "registry.putWorkflow" => json(registry.put_workflow(options(entry)).await),
        "registry.getWorkflow" => json(registry.get_workflow(id).await),
        "registry.listWorkflows" => json(registry.list_workflows().await),
        "registry.updateWorkflow" => json(registry.update_workflow(options(entry)).await),
        "registry.patchWorkflow" => json(registry.patch_workflow(options(entry)).await),
        "registry.deleteWorkflow" => json(registry.delete_workflow(options(entry)).await),
        "registry.watch" => json(
            registry
                .watch(options(entry))
                .await
                .map(|watch| watch.revision()),
        ),
        "registry.probe" => json(registry.probe(options(entry)).await),
        "registry.reportHealth" => json(registry.report_health(options(entry)).await),
        "registry.import" => json(registry.import(options(entry)).await),
        "registry.detectDrift" => json(registry.detect_drift(options(entry)).await),
        "registry.listDrift" => json(registry.list_drift(options(entry)).await),
        "registry.export" => json(registry.export().await),
        _ => return None,
    })
}

#[tokio::test]
async fn every_method_exists() {
    let heady = Heady::connect("sqlite::memory:").await.unwrap();
    for (domain, methods) in file("api").as_object().unwrap() {
        for method in methods.as_array().unwrap() {
            let name = format!("{domain}.{}", method.as_str().unwrap());
            let entry = serde_json::json!({"call": name, "id": "any"});
            assert!(call(&heady, &entry).await.is_some(), "{name}");
        }
    }
}

#[tokio::test]
async fn bad_input_has_the_same_code_in_every_language() {
    let heady = Heady::connect("sqlite::memory:").await.unwrap();
    let file = file("errors");
    for entry in file["before"].as_array().unwrap() {
        call(&heady, entry).await.unwrap().unwrap();
    }
    for entry in file["errors"].as_array().unwrap() {
        let error = call(&heady, entry).await.unwrap().unwrap_err();
        assert_eq!(error.code(), entry["code"], "{entry}: {error}");
        assert!(!error.to_string().contains("secret"));
    }
    for entry in file["connect"].as_array().unwrap() {
        let error = Heady::connect(entry["url"].as_str().unwrap())
            .await
            .unwrap_err();
        assert_eq!(error.code(), entry["code"], "{entry}: {error}");
    }
}
