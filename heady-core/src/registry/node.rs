//! Nodes as entries: columns, declaration, and what survives a change.

use serde_json::{Value, json};

use super::edit::{Editor, Editors};
use super::entry::{Entry, checked_id, checked_object, over, set};
use super::memory::{Known, Memory};
use super::{EntryKind, Node, RegisterNode};
use crate::error::Result;
use crate::store::{Arg, Lane, Row, args};
use crate::types::{Id, Json, Timestamp, now};

impl Entry for Node {
    type Spec = RegisterNode;

    const KIND: EntryKind = EntryKind::Node;
    const TABLE: &'static str = "nodes";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("id", "text"),
        ("name", "text"),
        ("runtime", "text"),
        ("triggers", "text[]"),
        ("enabled", "boolean"),
        ("metadata", "jsonb"),
        ("created_at", "timestamptz"),
        ("updated_at", "timestamptz"),
        ("resource_version", "bigint"),
    ];
    const IN_USE: &'static str = "false";

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

    fn row(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.runtime,
            self.triggers.as_slice(),
            self.enabled,
            self.metadata.to_string(),
            self.created_at,
            self.updated_at,
            self.resource_version,
        ]
    }

    fn lane(editors: &Editors) -> &Lane<Editor<Self>> {
        &editors.nodes
    }

    fn known(memory: &mut Memory) -> &mut Known<Self> {
        &mut memory.nodes
    }

    fn declare(spec: RegisterNode) -> Result<Self> {
        let id = checked_id(&spec.id)?;
        let at = now();
        Ok(Self {
            name: spec.name.unwrap_or_else(|| id.to_string()),
            runtime: spec.runtime.unwrap_or_else(|| "node".to_owned()),
            triggers: spec.triggers.unwrap_or_default(),
            enabled: spec.enabled.unwrap_or(true),
            metadata: checked_object("metadata", spec.metadata)?,
            created_at: at,
            updated_at: at,
            resource_version: 0,
            id,
        })
    }

    fn spec(&self) -> RegisterNode {
        RegisterNode {
            id: self.id.to_string(),
            name: Some(self.name.clone()),
            runtime: Some(self.runtime.clone()),
            triggers: Some(self.triggers.clone()),
            enabled: Some(self.enabled),
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
        // Their tools read the word.
        let word = |enabled: bool| if enabled { "active" } else { "available" };
        let said = self.metadata.get("status");
        if said.is_some_and(|said| said == word(old.enabled)) {
            set(
                &mut self.metadata,
                "status",
                &word(self.enabled),
                &word(old.enabled),
            );
        }
    }

    fn declared(&self) -> Value {
        let own = json!({
            "id": self.id, "name": self.name, "runtime": self.runtime, "triggers": self.triggers,
            "enabled": self.enabled,
        });
        over(&self.metadata, &own)
    }
}
