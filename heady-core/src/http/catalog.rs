//! The registry as earlier clients read it: the imported document and its sections.

use serde_json::{Map, Value, json};

use super::health::Memory;
use super::input::{Named, Nothing};
use super::route::{Call, routes};
use crate::Json;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::{HealthStatus, entries};
use crate::types::now;

routes! {
    /// Returns the registry document, with `ok` and `ts` beside its sections; 404 while there is nothing in it.
    "catalog" GET "/api/registry" Viewer |call, Nothing {}| whole(&call);
    /// Returns one entry of the section `components`.
    "catalogComponent" GET "/api/registry/component/{id}" Viewer |call, Named { id }| component(&call, &id);
    /// Returns the section `environments`.
    "catalogEnvironments" GET "/api/registry/environments" Viewer |call, Nothing {}| section(&call, "environments");
    /// Returns the section `docs`.
    "catalogDocs" GET "/api/registry/docs" Viewer |call, Nothing {}| section(&call, "docs");
    /// Returns the section `notebooks`.
    "catalogNotebooks" GET "/api/registry/notebooks" Viewer |call, Nothing {}| section(&call, "notebooks");
    /// Returns the section `patterns`.
    "catalogPatterns" GET "/api/registry/patterns" Viewer |call, Nothing {}| section(&call, "patterns");
    /// Returns the section `workflows`.
    "catalogWorkflows" GET "/api/registry/workflows" Viewer |call, Nothing {}| section(&call, "workflows");
    /// Returns the section `aiNodes`.
    "catalogAiNodes" GET "/api/registry/ai-nodes" Viewer |call, Nothing {}| section(&call, "aiNodes");
    /// Returns the defaults of ensembles, and how many nodes and components there are.
    "catalogEnsemble" GET "/api/registry/ensemble" Viewer |call, Nothing {}| ensemble(&call);
    /// Returns what the registry counts, and what this process takes.
    "systemStatus" GET "/api/system/status" Viewer |call, Nothing {}| system(&call);
    /// Refused: the engine has no switch that would make a system ready for production.
    "systemProduction" POST "/api/system/production" Admin |_, Nothing {}| production();
}

async fn document(call: &Call) -> Result<Map<String, Value>> {
    match call.registry().export().await?.0 {
        Value::Object(document) => Ok(document),
        _ => Err(Error::internal("the export is no object")),
    }
}

/// In the words that earlier clients were told so.
fn not_found(what: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("{what} not found"))
}

async fn whole(call: &Call) -> Result<Json> {
    let mut document = document(call).await?;
    if document.is_empty() {
        return Err(not_found("Registry"));
    }
    document.insert("ok".to_owned(), true.into());
    document.insert("ts".to_owned(), json!(now()));
    Ok(Value::Object(document).into())
}

async fn component(call: &Call, id: &str) -> Result<Json> {
    let components = entries(&document(call).await?, "components");
    let found = components.into_iter().find(|(own, _)| own == id);
    found
        .map(|(_, entry)| entry.into())
        .ok_or_else(|| not_found(&format!("Component '{id}'")))
}

/// A section the document does not have is an empty list, as it always was; one of entries under their ids is a list of
/// them.
async fn section(call: &Call, name: &str) -> Result<Json> {
    let section = match document(call).await?.remove(name) {
        Some(Value::Object(entries)) => entries.into_iter().map(with_id).collect(),
        Some(section) => section,
        None => json!([]),
    };
    Ok(json!({name: section, "ts": now()}).into())
}

/// An entry with the id that it stands under.
fn with_id((id, mut entry): (String, Value)) -> Value {
    if let Some(entry) = entry.as_object_mut() {
        entry.entry("id").or_insert_with(|| id.into());
    }
    entry
}

async fn ensemble(call: &Call) -> Result<Json> {
    let document = document(call).await?;
    Ok(json!({
        "ensembleDefaults": document.get("ensembleDefaults"),
        "aiNodeCount": entries(&document, "aiNodes").len(),
        "componentCount": entries(&document, "components").len(),
        "ts": now(),
    })
    .into())
}

fn count(document: &Map<String, Value>, section: &str) -> usize {
    match document.get(section) {
        Some(Value::Array(entries)) => entries.len(),
        Some(Value::Object(entries)) => entries.len(),
        _ => 0,
    }
}

async fn system(call: &Call) -> Result<Json> {
    let registry = call.registry();
    let services = registry.list_services().await?.services;
    let nodes = registry.list_nodes().await?.nodes;
    let workflows = registry.list_workflows().await?.workflows.len();
    let document = document(call).await?;
    let tools = count(&document, "tools");
    let said = document
        .get("metadata")
        .and_then(|metadata| metadata["environment"].as_str());
    let environment = call.server.config.environment.as_deref().or(said);
    let active = nodes.iter().filter(|node| node.enabled).count();
    let healthy = |service: &crate::registry::Service| service.status == HealthStatus::Healthy;
    Ok(json!({
        "system": "heady",
        "version": env!("CARGO_PKG_VERSION"),
        "environment": environment,
        // Nothing but what probes saw: every service healthy, and at least one.
        "production_ready": !services.is_empty() && services.iter().all(healthy),
        "uptime": call.server.started.elapsed().as_secs(),
        "memory": Memory::now(),
        "capabilities": {
            "nodes": {"total": nodes.len(), "active": active},
            "tools": {"total": tools},
            "workflows": {"total": workflows},
            "services": {"total": services.len(), "healthy": services.iter().filter(|service| healthy(service)).count()},
        },
        // The names under which earlier clients read whether every node is active.
        "sacred_geometry": {"architecture": "active", "organic_systems": active == nodes.len()},
        "ts": now(),
    })
    .into())
}

#[expect(clippy::unused_async, reason = "every row of a table is awaited")]
async fn production() -> Result<Json> {
    Err(Error::failed_precondition(
        "nothing makes a system ready for production by being asked to: activate nodes with /api/nodes/{id}/activate, \
         and see what probes found with /api/registry/probe",
    ))
}
