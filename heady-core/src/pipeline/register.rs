//! Definitions: registering them, and returning those that are registered.

use std::path::Path;

use serde_json::{Value, json};

use super::definition::Definition;
use super::{
    DefinePipeline, DefinitionQuery, PipelineDefinition, PipelineVersion, Shared, queries,
};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::registry::{self, MAX_CONCURRENT_TASKS};
use crate::types::Json;

/// The workflow that is meant when none is named.
pub(super) const DEFAULT_WORKFLOW: &str = "hcfullpipeline";

/// Returns what a workflow would run now, or an earlier version of it.
pub(super) async fn definition(
    shared: &Shared,
    query: DefinitionQuery,
) -> Result<PipelineDefinition> {
    let workflow_id = query.workflow_id.as_deref().unwrap_or(DEFAULT_WORKFLOW);
    let workflow = queries::workflow(&shared.store, workflow_id).await?;
    let (pipeline_id, limit) =
        workflow.ok_or_else(|| Error::not_found("workflow", &workflow_id))?;
    let found = queries::find_definition(&shared.store, &pipeline_id, query.version).await?;
    let found = found.ok_or_else(|| match query.version {
        Some(version) => Error::not_found("version", &format!("{version} of {pipeline_id}")),
        None => Error::not_found("definition of workflow", &workflow_id),
    })?;
    let definition = Definition::read(&found.document)?;
    Ok(PipelineDefinition {
        workflow_id: workflow_id.to_owned(),
        pipeline_id,
        name: definition.name.clone(),
        version: found.version,
        definition_hash: found.hash,
        created_at: found.created_at,
        stages: definition.stages.len() as i64,
        tasks: definition.task_count() as i64,
        max_concurrent_tasks: definition
            .max_concurrent_tasks
            .map_or(limit, |limit| limit as i64),
        definition: Json(found.document),
        warnings: definition.warnings,
    })
}

/// Registers a definition and the workflow of its name.
pub(super) async fn define(
    shared: &Shared,
    actor: &str,
    options: DefinePipeline,
) -> Result<PipelineVersion> {
    let (document, _) = document(
        options.path.as_deref(),
        options.definition.map(|json| json.0),
    )
    .await?;
    add(shared, actor, document)
        .await
        .map(|(version, _)| version)
}

/// The document of a definition, and the folder of its file.
pub(super) async fn document(
    path: Option<&str>,
    definition: Option<Value>,
) -> Result<(Value, Option<String>)> {
    match (path, definition) {
        (Some(path), None) => {
            let document = crate::document::read(Path::new(path)).await?;
            let place = Path::new(path).canonicalize().ok();
            let folder = place
                .as_deref()
                .and_then(Path::parent)
                .map(|folder| folder.to_string_lossy().into_owned());
            Ok((document, folder))
        }
        (None, Some(Value::String(text))) => Ok((crate::document::parse_yaml(&text)?, None)),
        (None, Some(document)) => Ok((document, None)),
        _ => Err(Error::invalid_argument(
            "a definition needs either path or definition",
        )),
    }
}

pub(super) async fn add(
    shared: &Shared,
    actor: &str,
    document: Value,
) -> Result<(PipelineVersion, Value)> {
    let definition = Definition::read(&document)?;
    let hash = crate::document::hash(&document);
    let limit = definition
        .max_concurrent_tasks
        .map_or(MAX_CONCURRENT_TASKS, |limit| limit as i64);
    let (id, name) = (definition.id.clone(), definition.name.clone());
    let record = Record::new(
        actor,
        "CONFIG_CHANGE",
        format!("pipeline:{id}"),
        "SUCCEEDED",
    );
    let (stored, stored_hash) = (document.clone(), hash.clone());
    let (version, created) = shared
        .store
        .write(move |transaction| {
            Box::pin(async move {
                let (version, created) =
                    queries::add_definition(transaction, &id, &stored_hash, &stored).await?;
                let changed = registry::run_pipeline(transaction, &id, &name, limit).await?;
                if created || changed {
                    let details = json!({"version": version, "definitionHash": stored_hash});
                    audit::append(transaction, &[record.with(details)]).await?;
                }
                Ok((version, created))
            })
        })
        .await?;
    shared.tools.registry.changed();
    let version = PipelineVersion {
        workflow_id: definition.id.clone(),
        pipeline_id: definition.id.clone(),
        version,
        definition_hash: hash,
        created,
        stages: definition.stages.len() as i64,
        tasks: definition.task_count() as i64,
        warnings: definition.warnings,
    };
    Ok((version, document))
}
