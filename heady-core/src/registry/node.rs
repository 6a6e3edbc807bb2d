//! Nodes as entries: columns, declaration, and what survives a change.

use serde_json::{Map, Value, json};

use super::edit::{Editor, Editors};
use super::entry::{Entry, checked_id, checked_object, checked_text, over};
use super::import::{Item, is_off};
use super::memory::{Known, Memory};
use super::said::{self, Said};
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
        let triggers = spec.triggers.unwrap_or_default().into_iter();
        let triggers = triggers.map(|trigger| checked_text("triggers", trigger));
        Ok(Self {
            name: checked_text("name", spec.name.unwrap_or_else(|| id.to_string()))?,
            runtime: checked_text("runtime", spec.runtime.unwrap_or_else(|| "node".to_owned()))?,
            triggers: triggers.collect::<Result<_>>()?,
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

    const SAID: &'static [Said<Self>] = &[
        ("name", &["name"], |node| json!(node.name)),
        ("runtime", &["runtime"], |node| json!(node.runtime)),
        ("triggers", &TRIGGER_KEYS, |node| json!(node.triggers)),
        ("enabled", &["enabled", "status"], |node| {
            json!(node.enabled)
        }),
    ];

    fn said(item: &Item) -> Self {
        item.node()
    }

    fn correct(&self, said: &Self, body: &mut Map<String, Value>) {
        if self.runtime != said.runtime {
            body.insert("runtime".to_owned(), json!(self.runtime));
        }
        if self.triggers != said.triggers {
            said::say(body, &TRIGGER_KEYS, json!(self.triggers));
        }
        if self.enabled != said.enabled {
            body.insert("enabled".to_owned(), self.enabled.into());
            // Their tools read the word.
            let word = body.get("status").and_then(Value::as_str);
            let word = match (self.enabled, word) {
                (true, Some(word)) if is_off(word) => "active",
                (false, Some("active")) => "available",
                _ => return,
            };
            body.insert("status".to_owned(), word.into());
        }
    }

    fn declared(&self) -> Value {
        let own = json!({
            "id": self.id, "name": self.name, "runtime": self.runtime, "triggers": self.triggers,
            "enabled": self.enabled,
        });
        said::corrected(self, over(&self.metadata, &own))
    }
}

/// The keys under which entries say what calls a node; the first counts.
const TRIGGER_KEYS: [&str; 2] = ["triggers", "trigger_on"];
