//! The SQL of the registry, and how its rows become entries.

use serde::Serialize;
use serde_json::{Value, json};

use super::entry::Entry;
use super::import::HEALTH_KEYS;
use super::{HealthStatus, Node, Service, Workflow};
use crate::error::Result;
use crate::store::{Arg, Row, Sql, Store, Transaction, args};
use crate::types::{Id, Json, Timestamp, now};

pub(super) fn by_id(table: &str) -> String {
    format!("SELECT * FROM {table} WHERE id = $1")
}

impl Entry for Service {
    const KIND: &'static str = "service";
    const TABLE: &'static str = "services";
    const INSERT: &'static str =
        "INSERT INTO services (id, name, base_url, health_path, status, last_healthy_at,
        metadata, created_at, updated_at, resource_version, section, position)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    const UPDATE: &'static str = "UPDATE services SET name = $2, base_url = $3, health_path = $4, status = $5,
        last_healthy_at = $6, metadata = $7, created_at = $8, updated_at = $9, resource_version = $10,
        section = $11, position = $12 WHERE id = $1";
    const DELETE: &'static str = "DELETE FROM services WHERE id = $1";

    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            base_url: row.get("base_url")?,
            health_path: row.get("health_path")?,
            status: HealthStatus::from_word(&row.get::<String>("status")?)?,
            last_healthy_at: row.get("last_healthy_at")?,
            metadata: row.get::<Value>("metadata")?.into(),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            resource_version: row.get("resource_version")?,
        })
    }

    fn args(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.base_url,
            &self.health_path,
            self.status.as_str(),
            self.last_healthy_at,
            &self.metadata.0,
            self.created_at,
            self.updated_at,
            self.resource_version,
        ]
    }

    fn id(&self) -> &Id {
        &self.id
    }

    fn metadata(&self) -> &Json {
        &self.metadata
    }

    fn version(&self) -> i64 {
        self.resource_version
    }

    fn touch(&mut self) {
        self.resource_version += 1;
        self.updated_at = now();
    }

    fn declared(&self) -> Value {
        let endpoint = format!("{}{}", self.base_url, self.health_path);
        over(
            &self.metadata,
            &json!({"id": self.id, "name": self.name, "endpoint": endpoint}),
        )
    }

    fn write_back(&mut self, old: &Self) {
        set(&mut self.metadata, "name", &self.name, &old.name);
        let endpoint = |service: &Self| format!("{}{}", service.base_url, service.health_path);
        let (new, old) = (endpoint(self), endpoint(old));
        set(&mut self.metadata, "endpoint", &new, &old);
        if new != old
            && let Some(object) = self.metadata.0.as_object_mut()
        {
            // The endpoint says it all now.
            object.retain(|key, _| !HEALTH_KEYS.contains(&key.as_str()));
        }
    }
}

impl Entry for Node {
    const KIND: &'static str = "node";
    const TABLE: &'static str = "nodes";
    const INSERT: &'static str = "INSERT INTO nodes (id, name, runtime, triggers, enabled, metadata, created_at,
        updated_at, resource_version, section, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    const UPDATE: &'static str = "UPDATE nodes SET name = $2, runtime = $3, triggers = $4, enabled = $5, metadata = $6,
        created_at = $7, updated_at = $8, resource_version = $9, section = $10, position = $11 WHERE id = $1";
    const DELETE: &'static str = "DELETE FROM nodes WHERE id = $1";

    fn of(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            runtime: row.get("runtime")?,
            triggers: row.get("triggers")?,
            enabled: row.get("enabled")?,
            metadata: row.get::<Value>("metadata")?.into(),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            resource_version: row.get("resource_version")?,
        })
    }

    fn args(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.runtime,
            self.triggers.as_slice(),
            self.enabled,
            &self.metadata.0,
            self.created_at,
            self.updated_at,
            self.resource_version,
        ]
    }

    fn id(&self) -> &Id {
        &self.id
    }

    fn metadata(&self) -> &Json {
        &self.metadata
    }

    fn version(&self) -> i64 {
        self.resource_version
    }

    fn touch(&mut self) {
        self.resource_version += 1;
        self.updated_at = now();
    }

    fn declared(&self) -> Value {
        let own = json!({"id": self.id, "name": self.name, "runtime": self.runtime, "triggers": self.triggers, "enabled": self.enabled});
        over(&self.metadata, &own)
    }

    fn write_back(&mut self, old: &Self) {
        set(&mut self.metadata, "name", &self.name, &old.name);
        let key = if self.metadata.get("trigger_on").is_some() {
            "trigger_on"
        } else {
            "triggers"
        };
        set(&mut self.metadata, key, &self.triggers, &old.triggers);
        set(&mut self.metadata, "runtime", &self.runtime, &old.runtime);
        set(&mut self.metadata, "enabled", &self.enabled, &old.enabled);
    }
}

impl Entry for Workflow {
    const KIND: &'static str = "workflow";
    const TABLE: &'static str = "workflows";
    const INSERT: &'static str = "INSERT INTO workflows (id, name, pipeline_id, max_concurrent_tasks, governance, metadata,
        created_at, updated_at, resource_version, section, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    const UPDATE: &'static str = "UPDATE workflows SET name = $2, pipeline_id = $3, max_concurrent_tasks = $4,
        governance = $5, metadata = $6, created_at = $7, updated_at = $8, resource_version = $9, section = $10,
        position = $11 WHERE id = $1";
    const DELETE: &'static str = "DELETE FROM workflows WHERE id = $1
        AND NOT EXISTS (SELECT 1 FROM pipeline_runs WHERE workflow_id = $1)";

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

    fn args(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.pipeline_id,
            self.max_concurrent_tasks,
            &self.governance.0,
            &self.metadata.0,
            self.created_at,
            self.updated_at,
            self.resource_version,
        ]
    }

    fn id(&self) -> &Id {
        &self.id
    }

    fn metadata(&self) -> &Json {
        &self.metadata
    }

    fn version(&self) -> i64 {
        self.resource_version
    }

    fn touch(&mut self) {
        self.resource_version += 1;
        self.updated_at = now();
    }

    fn declared(&self) -> Value {
        over(&self.metadata, &json!({"id": self.id, "name": self.name}))
    }

    fn write_back(&mut self, old: &Self) {
        set(&mut self.metadata, "name", &self.name, &old.name);
    }
}

/// The attached object with these fields over it.
fn over(metadata: &Json, fields: &Value) -> Value {
    let mut object = metadata.as_object().cloned().unwrap_or_default();
    object.extend(fields.as_object().cloned().unwrap_or_default());
    Value::Object(object)
}

/// Sets a key of an object where the value changed.
fn set<T: Serialize + PartialEq>(metadata: &mut Json, key: &str, new: &T, old: &T) {
    if new != old
        && let (Some(object), Ok(value)) = (metadata.0.as_object_mut(), serde_json::to_value(new))
    {
        object.insert(key.to_owned(), value);
    }
}

/// Writes what probes found, only where the status changes or the service was seen healthy again.
pub(super) async fn report_health(
    store: &Store,
    id: &Id,
    status: HealthStatus,
    at: Timestamp,
) -> Result<()> {
    let args = args![
        id,
        status.as_str(),
        (status == HealthStatus::Healthy).then_some(at)
    ];
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute(
                        "UPDATE services SET status = $2, last_healthy_at = COALESCE($3, last_healthy_at) WHERE id = $1",
                        args,
                    )
                    .await
            })
        })
        .await
        .map(drop)
}

/// A section entry without a table of its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OtherEntry {
    pub(super) section: String,
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) body: Value,
}

pub(super) fn other_entry(row: &Row) -> Result<OtherEntry> {
    Ok(OtherEntry {
        section: row.get("section")?,
        id: row.get("id")?,
        position: row.get("position")?,
        body: row.get("body")?,
    })
}

pub(super) const OTHER_ENTRIES: &str =
    "SELECT section, id, position, body FROM registry_entries ORDER BY section, position, id";

pub(super) async fn put_other_entry(
    transaction: &mut Transaction,
    entry: &OtherEntry,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_entries (section, id, position, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (section, id) DO UPDATE SET position = excluded.position, body = excluded.body",
            args![&entry.section, &entry.id, entry.position, &entry.body],
        )
        .await
        .map(drop)
}

pub(super) async fn delete_other_entry(
    transaction: &mut Transaction,
    entry: &OtherEntry,
) -> Result<()> {
    transaction
        .execute(
            "DELETE FROM registry_entries WHERE section = $1 AND id = $2",
            args![&entry.section, &entry.id],
        )
        .await
        .map(drop)
}

/// The imported document: its plain values, and its sections with their forms.
#[derive(Debug)]
pub(super) struct DocumentRow {
    pub(super) shape: String,
    pub(super) header: Value,
    pub(super) sections: Value,
    pub(super) content_hash: String,
}

/// There is one registry, hence one document.
const DOCUMENT: &str = "registry";

pub(super) async fn put_document(
    transaction: &mut Transaction,
    document: DocumentRow,
) -> Result<()> {
    transaction
        .execute(
            "INSERT INTO registry_documents (id, shape, header, sections, content_hash, imported_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE SET shape = excluded.shape, header = excluded.header,
               sections = excluded.sections, content_hash = excluded.content_hash, imported_at = excluded.imported_at",
            args![DOCUMENT, document.shape, document.header, document.sections, document.content_hash, now()],
        )
        .await
        .map(drop)
}

/// Lets imports take turns. On SQLite every writing transaction has its turn already.
pub(super) async fn lock_document(transaction: &mut Transaction) -> Result<()> {
    let sql = Sql::of(
        "SELECT 1",
        "LOCK TABLE registry_documents IN SHARE ROW EXCLUSIVE MODE",
    );
    transaction.execute(sql, vec![]).await.map(drop)
}
