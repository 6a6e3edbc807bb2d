//! The SQL of definitions, and of workflows as far as they say which one to run.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::{Row, Sql, Store, Transaction, args};
use crate::types::{Timestamp, now};

/// A stored definition.
#[derive(Debug, Clone)]
pub(in crate::pipeline) struct DefinitionRow {
    pub(in crate::pipeline) version: i64,
    pub(in crate::pipeline) hash: String,
    pub(in crate::pipeline) document: Value,
    pub(in crate::pipeline) created_at: Timestamp,
}

/// A version of a definition, and the hash of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::pipeline) struct Pinned {
    pub(in crate::pipeline) pipeline_id: String,
    pub(in crate::pipeline) version: i64,
    pub(in crate::pipeline) hash: String,
}

/// The document of a version.
pub(in crate::pipeline) async fn document(store: &Store, pinned: &Pinned) -> Result<Value> {
    let row = store
        .fetch_optional(
            "SELECT definition FROM pipeline_definitions WHERE pipeline_id = $1 AND version = $2 AND definition_hash = $3",
            args![pinned.pipeline_id.as_str(), pinned.version, pinned.hash.as_str()],
        )
        .await?;
    let gone = || {
        Error::data_loss(format!(
            "version {} of pipeline '{}' is gone",
            pinned.version, pinned.pipeline_id
        ))
    };
    row.ok_or_else(gone)?.get("definition")
}

/// This version, or the newest.
pub(in crate::pipeline) async fn find_definition(
    store: &Store,
    pipeline_id: &str,
    version: Option<i64>,
) -> Result<Option<DefinitionRow>> {
    let row = store
        .fetch_optional(
            "SELECT version, definition_hash, definition, created_at FROM pipeline_definitions
             WHERE pipeline_id = $1 AND ($2 IS NULL OR version = $2) ORDER BY version DESC LIMIT 1",
            args![pipeline_id, version],
        )
        .await?;
    row.as_ref().map(definition_row).transpose()
}

fn definition_row(row: &Row) -> Result<DefinitionRow> {
    Ok(DefinitionRow {
        version: row.get("version")?,
        hash: row.get("definition_hash")?,
        document: row.get("definition")?,
        created_at: row.get("created_at")?,
    })
}

/// The pipeline that a workflow runs and its limit, or `None` if there is no such workflow.
pub(in crate::pipeline) async fn workflow(
    store: &Store,
    id: &str,
) -> Result<Option<(String, i64)>> {
    let row = store
        .fetch_optional(
            "SELECT pipeline_id, max_concurrent_tasks FROM workflows WHERE id = $1",
            args![id],
        )
        .await?;
    row.map(|row| Ok((row.get("pipeline_id")?, row.get("max_concurrent_tasks")?)))
        .transpose()
}

/// What a workflow runs now.
pub(in crate::pipeline) struct Runnable {
    /// The newest version of its pipeline's definition, if there is one.
    pub(in crate::pipeline) newest: Option<Pinned>,
    pub(in crate::pipeline) limit: i64,
}

/// What a workflow runs now, or `None` if there is no such workflow.
pub(in crate::pipeline) async fn runnable(store: &Store, id: &str) -> Result<Option<Runnable>> {
    let row = store
        .fetch_optional(
            "SELECT w.pipeline_id, w.max_concurrent_tasks, d.version, d.definition_hash
             FROM workflows AS w LEFT JOIN pipeline_definitions AS d ON d.pipeline_id = w.pipeline_id
                AND d.version = (SELECT max(version) FROM pipeline_definitions WHERE pipeline_id = w.pipeline_id)
             WHERE w.id = $1",
            args![id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let version: Option<i64> = row.get("version")?;
    let newest = version.map(|version| {
        Ok::<_, Error>(Pinned {
            pipeline_id: row.get("pipeline_id")?,
            version,
            hash: row.get("definition_hash")?,
        })
    });
    Ok(Some(Runnable {
        newest: newest.transpose()?,
        limit: row.get("max_concurrent_tasks")?,
    }))
}

/// Adds a definition unless it is there. Returns its version and whether it
/// is new.
pub(in crate::pipeline) async fn add_definition(
    transaction: &mut Transaction,
    pipeline_id: &str,
    hash: &str,
    document: &Value,
) -> Result<(i64, bool)> {
    // Two callers that add the same definition at once would both find it missing.
    let lock = Sql::of(
        "SELECT 1",
        "LOCK TABLE pipeline_definitions IN SHARE ROW EXCLUSIVE MODE",
    );
    transaction.execute(lock, vec![]).await?;
    let known = transaction
        .fetch_optional(
            "SELECT version FROM pipeline_definitions WHERE pipeline_id = $1 AND definition_hash = $2",
            args![pipeline_id, hash],
        )
        .await?;
    if let Some(known) = known {
        return Ok((known.get("version")?, false));
    }
    let row = transaction
        .fetch_optional(
            "INSERT INTO pipeline_definitions (pipeline_id, version, definition_hash, definition, created_at)
             SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4 FROM pipeline_definitions WHERE pipeline_id = $1
             RETURNING version",
            args![pipeline_id, hash, document, now()],
        )
        .await?;
    let row = row.ok_or_else(|| Error::internal("an inserted definition has no version"))?;
    Ok((row.get("version")?, true))
}
