//! Texts that no database can keep, refused where they are declared: in the batch they would cost their neighbours theirs.

use serde_json::json;

use super::super::super::tests::registry;
use super::super::super::*;
use super::service;
use crate::error::{ErrorKind, Result};
use crate::store::testing::{Fresh, on_both_databases};

on_both_databases!(what_cannot_be_kept_is_refused_by_its_field);

fn refused<E: std::fmt::Debug>(put: Result<E>, field: &str) {
    let error = put.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    assert!(error.message().starts_with(field), "{error}");
}

async fn what_cannot_be_kept_is_refused_by_its_field(fresh: Fresh) {
    let registry = registry(&fresh.open().await);
    refused(registry.put_service(service("a", "x\0y")).await, "name:");
    let nested = PutService {
        metadata: Some(json!({"a": [{"b\0": 1}]}).into()),
        ..service("a", "A")
    };
    refused(registry.put_service(nested).await, "metadata:");

    let node = PutNode {
        id: "n".into(),
        ..PutNode::default()
    };
    let runtime = PutNode {
        runtime: Some("x\0".into()),
        ..node.clone()
    };
    refused(registry.put_node(runtime).await, "runtime:");
    let triggers = PutNode {
        triggers: Some(vec!["one".into(), "\0".into()]),
        ..node
    };
    refused(registry.put_node(triggers).await, "triggers:");

    let workflow = PutWorkflow {
        id: "w".into(),
        ..PutWorkflow::default()
    };
    let pipeline = PutWorkflow {
        pipeline_id: Some("x\0".into()),
        ..workflow.clone()
    };
    refused(registry.put_workflow(pipeline).await, "pipelineId:");
    let rules = PutWorkflow {
        governance: Some(json!({"approvers": ["x\0"]}).into()),
        ..workflow
    };
    refused(registry.put_workflow(rules).await, "governance:");

    let listed = registry.list_services().await.unwrap();
    assert_eq!((listed.services, listed.revision), (vec![], 0));
}
