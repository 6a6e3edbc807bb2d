//! What entries say about how they are run: read, written back, and gone once no document says it.

use super::*;
use crate::registry::{PatchEntry, PutWorkflow, Workflow};

on_both_databases!(
    a_workflow_keeps_its_settings_from_one_registry_to_the_next,
    a_setting_that_the_document_loses_is_gone,
    settings_of_workflows_that_are_none_are_told,
);

async fn a_workflow_keeps_its_settings_from_one_registry_to_the_next(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"workflows": [
        {"id": "said", "pipeline_id": "nightly", "maxConcurrentTasks": 2, "governance": {"approval": "required"}},
        {"id": "patched", "name": "P"},
    ]});
    registry.import(of(&document)).await.unwrap();
    let said = registry.get_workflow("said").await.unwrap();
    assert_eq!(
        (said.pipeline_id.as_str(), said.max_concurrent_tasks),
        ("nightly", 2)
    );
    assert_eq!(said.governance.0, json!({"approval": "required"}));
    registry
        .patch_workflow(PatchEntry {
            id: "patched".into(),
            patch: json!({"maxConcurrentTasks": 9, "pipelineId": "pp", "governance": {"a": 1}})
                .into(),
            ..PatchEntry::default()
        })
        .await
        .unwrap();
    registry
        .patch_workflow(PatchEntry {
            id: "said".into(),
            patch: json!({"pipelineId": "weekly", "governance": {"approval": null}}).into(),
            ..PatchEntry::default()
        })
        .await
        .unwrap();
    registry
        .put_workflow(PutWorkflow {
            id: "called".into(),
            max_concurrent_tasks: Some(3),
            governance: Some(json!({"b": 2}).into()),
            ..PutWorkflow::default()
        })
        .await
        .unwrap();
    let exported = registry.export().await.unwrap();
    assert_eq!(
        exported["workflows"][0]["pipeline_id"], "weekly",
        "under the key that it uses"
    );

    let other = Fresh::sqlite();
    let next = super::registry(&other.open().await);
    next.import(of(&exported.0)).await.unwrap();
    let settings = |workflow: Workflow| {
        (
            workflow.id,
            workflow.pipeline_id,
            workflow.max_concurrent_tasks,
            workflow.governance,
        )
    };
    let all = |list: Vec<Workflow>| list.into_iter().map(settings).collect::<Vec<_>>();
    let [before, after] = [&registry, &next].map(Registry::list_workflows);
    let (before, after) = (before.await.unwrap(), after.await.unwrap());
    assert_eq!(before.workflows.len(), 3);
    assert_eq!(all(after.workflows), all(before.workflows));
}

async fn a_setting_that_the_document_loses_is_gone(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = |service: Value, workflow: Value| {
        let mut document = json!({
            "services": [{"id": "a", "port": 1}], "workflows": [{"id": "w", "name": "W"}],
        });
        for (section, said) in [("services", service), ("workflows", workflow)] {
            let entry = document[section][0].as_object_mut().unwrap();
            entry.extend(said.as_object().unwrap().clone());
        }
        document
    };
    let with = document(
        json!({"healthCheckIntervalMs": 1000, "unhealthyThreshold": 1}),
        json!({"maxConcurrentTasks": 2, "governance": {"a": 1}}),
    );
    registry.import(of(&with)).await.unwrap();
    registry
        .import(of(&document(json!({}), json!({}))))
        .await
        .unwrap();
    let service = registry.get_service("a").await.unwrap();
    assert_eq!(
        (service.probe_interval_ms, service.unhealthy_threshold),
        (None, None)
    );
    let workflow = registry.get_workflow("w").await.unwrap();
    assert_eq!(workflow.max_concurrent_tasks, 6);
    assert_eq!(workflow.governance.0, json!({}));

    // What was set by call before any document said anything stays.
    registry
        .put_workflow(PutWorkflow {
            id: "called".into(),
            max_concurrent_tasks: Some(3),
            ..PutWorkflow::default()
        })
        .await
        .unwrap();
    let mut adopts = document(json!({}), json!({}));
    let workflows = adopts["workflows"].as_array_mut().unwrap();
    workflows.push(json!({"id": "called", "name": "C"}));
    registry.import(of(&adopts)).await.unwrap();
    let called = registry.get_workflow("called").await.unwrap();
    assert_eq!(
        (called.name.as_str(), called.max_concurrent_tasks),
        ("C", 3)
    );
}

async fn settings_of_workflows_that_are_none_are_told(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    let document = json!({"workflows": [
        {"id": "w", "maxConcurrentTasks": 0, "governance": "strict", "pipelineId": 7},
    ]});
    let report = registry.import(of(&document)).await.unwrap();
    let told: Vec<_> = report
        .warnings
        .iter()
        .filter(|warning| warning.code == "WORKFLOW_SETTING")
        .map(|warning| warning.path.as_str())
        .collect();
    assert_eq!(
        told,
        [
            "workflows.w.maxConcurrentTasks",
            "workflows.w.pipelineId",
            "workflows.w.governance"
        ]
    );
    assert_eq!(registry.export().await.unwrap().0, document);
}
