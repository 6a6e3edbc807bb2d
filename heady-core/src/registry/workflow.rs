//! Workflows as entries: columns, declaration, and what survives a change.

use serde_json::{Map, Value, json};

use super::edit::{Editor, Editors};
use super::entry::{self, Entry, Place, checked_id, checked_object, checked_text, over};
use super::history::History;
use super::import::Item;
use super::memory::{Known, Memory};
use super::said::{self, Said};
use super::{EntryKind, MAX_CONCURRENT_TASKS, RegisterWorkflow, Workflow};
use crate::error::{Error, Result};
use crate::store::{Arg, Lane, Row, Transaction, args};
use crate::types::{Id, Json, Timestamp, now};

impl Entry for Workflow {
    type Spec = RegisterWorkflow;

    const KIND: EntryKind = EntryKind::Workflow;
    const TABLE: &'static str = "workflows";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("id", "text"),
        ("name", "text"),
        ("pipeline_id", "text"),
        ("max_concurrent_tasks", "bigint"),
        ("governance", "jsonb"),
        ("metadata", "jsonb"),
        ("created_at", "timestamptz"),
        ("updated_at", "timestamptz"),
        ("resource_version", "bigint"),
    ];
    const IN_USE: &'static str =
        "EXISTS (SELECT 1 FROM pipeline_runs WHERE workflow_id = entry.id)";

    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            pipeline_id: row.get("pipeline_id")?,
            max_concurrent_tasks: row.get("max_concurrent_tasks")?,
            governance: row.get::<Value>("governance")?.into(),
            metadata: row.get::<Value>("metadata")?.into(),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            resource_version: row.get("resource_version")?,
        })
    }

    fn row(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.pipeline_id,
            self.max_concurrent_tasks,
            self.governance.to_string(),
            self.metadata.to_string(),
            self.created_at,
            self.updated_at,
            self.resource_version,
        ]
    }

    fn lane(editors: &Editors) -> &Lane<Editor<Self>> {
        &editors.workflows
    }

    fn known(memory: &mut Memory) -> &mut Known<Self> {
        &mut memory.workflows
    }

    fn declare(spec: RegisterWorkflow) -> Result<Self> {
        let id = checked_id(&spec.id)?;
        let at = now();
        Ok(Self {
            name: checked_text("name", spec.name.unwrap_or_else(|| id.to_string()))?,
            pipeline_id: checked_pipeline(spec.pipeline_id.unwrap_or_else(|| id.to_string()))?,
            max_concurrent_tasks: checked_limit(
                spec.max_concurrent_tasks.unwrap_or(MAX_CONCURRENT_TASKS),
            )?,
            governance: checked_object("governance", spec.governance)?,
            metadata: checked_object("metadata", spec.metadata)?,
            created_at: at,
            updated_at: at,
            resource_version: 0,
            id,
        })
    }

    fn spec(&self) -> RegisterWorkflow {
        RegisterWorkflow {
            id: self.id.to_string(),
            name: Some(self.name.clone()),
            pipeline_id: Some(self.pipeline_id.clone()),
            max_concurrent_tasks: Some(self.max_concurrent_tasks),
            governance: Some(self.governance.clone()),
            metadata: Some(self.metadata.clone()),
        }
    }

    fn inherit(&mut self, old: &Self) {
        self.created_at = old.created_at;
        self.updated_at = old.updated_at;
        self.resource_version = old.resource_version;
    }

    fn id(&self) -> &Id {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn metadata(&self) -> &Json {
        &self.metadata
    }

    fn governance(&self) -> Option<&Json> {
        Some(&self.governance)
    }

    fn set_metadata(&mut self, metadata: Value) {
        self.metadata = metadata.into();
    }

    fn version(&self) -> i64 {
        self.resource_version
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn touch(&mut self, version: i64, at: Timestamp) {
        self.resource_version = version;
        self.updated_at = at;
    }

    const SAID: &'static [Said<Self>] = &[
        ("name", &["name"], |workflow| json!(workflow.name)),
        ("pipelineId", &PIPELINE_KEYS, |workflow| {
            json!(workflow.pipeline_id)
        }),
        ("maxConcurrentTasks", &LIMIT_KEYS, |workflow| {
            json!(workflow.max_concurrent_tasks)
        }),
        ("governance", &[GOVERNANCE_KEY], |workflow| {
            workflow.governance.0.clone()
        }),
    ];

    fn said(item: &Item) -> Self {
        item.workflow()
    }

    fn correct(&self, said: &Self, body: &mut Map<String, Value>) {
        if self.pipeline_id != said.pipeline_id {
            said::say(body, &PIPELINE_KEYS, json!(self.pipeline_id));
        }
        if self.max_concurrent_tasks != said.max_concurrent_tasks {
            said::say(body, &LIMIT_KEYS, json!(self.max_concurrent_tasks));
        }
        if self.governance != said.governance {
            said::say(body, &[GOVERNANCE_KEY], self.governance.0.clone());
        }
    }

    fn declared(&self) -> Value {
        let own = json!({
            "id": self.id, "name": self.name, PIPELINE_KEYS[0]: self.pipeline_id,
            LIMIT_KEYS[0]: self.max_concurrent_tasks, GOVERNANCE_KEY: self.governance,
        });
        said::corrected(self, over(&self.metadata, &own))
    }
}

/// The keys under which entries say what runs, of how many at once, and by which rules; the first counts.
pub(super) const PIPELINE_KEYS: [&str; 2] = ["pipelineId", "pipeline_id"];
pub(super) const LIMIT_KEYS: [&str; 2] = ["maxConcurrentTasks", "max_concurrent_tasks"];
pub(super) const GOVERNANCE_KEY: &str = "governance";

fn checked_pipeline(name: String) -> Result<String> {
    if name.is_empty() {
        return Err(Error::invalid_argument(
            "pipelineId: must be the name of a pipeline",
        ));
    }
    checked_text("pipelineId", name)
}

pub(super) fn checked_limit(limit: i64) -> Result<i64> {
    if (1..=1024).contains(&limit) {
        Ok(limit)
    } else {
        Err(Error::invalid_argument(format!(
            "maxConcurrentTasks: must be between 1 and 1024, not {limit}"
        )))
    }
}

/// Makes the workflow of this name run the pipeline of this name, in the transaction that registers the pipeline's
/// definition, and says whether that changed anything.
pub(crate) async fn run_pipeline(
    transaction: &mut Transaction,
    id: &str,
    name: &str,
    limit: i64,
) -> Result<bool> {
    let id = Id::from(id);
    // Only a change is worth waiting for the registry's lock, and then the entry is read again under it.
    if !differs(transaction, &id, limit).await? {
        return Ok(false);
    }
    let mut history = History::begin(transaction).await?;
    let present = entry::present::<Workflow>(transaction, &[&id]).await?;
    let (workflow, place) = match present.get(&id) {
        Some(present) => {
            let mut workflow = Workflow::clone(&present.entry);
            workflow.pipeline_id = id.to_string();
            workflow.max_concurrent_tasks = limit;
            (workflow, present.place.clone())
        }
        None => {
            let mut workflow = Workflow::declare(RegisterWorkflow {
                id: id.to_string(),
                name: Some(name.to_owned()),
                ..RegisterWorkflow::default()
            })?;
            workflow.max_concurrent_tasks = limit;
            (workflow, Place::default())
        }
    };
    let old = present.get(&id).map(|present| &*present.entry);
    if old == Some(&workflow) {
        return Ok(false);
    }
    history.put(old.is_some(), workflow, &place)?;
    history.write(transaction).await?;
    Ok(true)
}

async fn differs(transaction: &mut Transaction, id: &Id, limit: i64) -> Result<bool> {
    let present = entry::present::<Workflow>(transaction, &[id]).await?;
    Ok(present.get(id).is_none_or(|present| {
        present.entry.pipeline_id != id.as_str() || present.entry.max_concurrent_tasks != limit
    }))
}
