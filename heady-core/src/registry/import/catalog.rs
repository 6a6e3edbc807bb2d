//! What a registry document says, whatever its shape: sections of entries, and the plain values around them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::super::entry::Entry;
use super::super::{HEALTH_PATH, HealthStatus, MAX_CONCURRENT_TASKS, Node, Service, Workflow};
use crate::error::{Error, Result};
use crate::outbound::Url;
use crate::types::{Id, Warning, now};

/// Which table an entry goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Service,
    Node,
    Workflow,
    /// `registry_entries`, as it is.
    Other,
}

impl Kind {
    fn of_section(name: &str) -> Self {
        match name {
            "services" => Self::Service,
            "aiNodes" | "nodes" => Self::Node,
            "workflows" => Self::Workflow,
            _ => Self::Other,
        }
    }
}

/// How a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A list of objects, each with its `id`.
    List,
    /// An object of objects, each under its id.
    Map,
    /// Anything else, kept as one value.
    Value,
}

impl Form {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::List => "LIST",
            Self::Map => "MAP",
            Self::Value => "VALUE",
        }
    }
}

/// One entry of a document.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) kind: Kind,
    pub(super) section: String,
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) body: Value,
}

/// A document, taken apart.
#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) shape: &'static str,
    /// The plain values of the top level.
    pub(super) header: Map<String, Value>,
    /// The sections in a stable order, and how each is written.
    pub(super) sections: Vec<(String, Form)>,
    pub(super) items: Vec<Item>,
    /// Entries left out, and why.
    pub(super) skipped: Vec<(String, String, String)>,
    pub(super) warnings: Vec<Warning>,
}

/// Takes a document apart.
///
/// # Errors
/// `INVALID_ARGUMENT` if it is no registry.
pub(super) fn read(document: &Value) -> Result<Catalog> {
    let top = document
        .as_object()
        .ok_or_else(|| Error::invalid_argument("a registry is an object, this document is not"))?;
    let mut catalog = Catalog {
        shape: "",
        header: Map::new(),
        sections: Vec::new(),
        items: Vec::new(),
        skipped: Vec::new(),
        warnings: Vec::new(),
    };
    let mut seen = HashSet::new();
    for (name, value) in top {
        if value.is_array() || value.is_object() {
            catalog.section(name, value, &mut seen);
        } else {
            catalog.header.insert(name.clone(), value.clone());
        }
    }
    catalog.shape = catalog.shape()?;
    catalog.check_references();
    Ok(catalog)
}

impl Catalog {
    fn section(&mut self, name: &str, value: &Value, seen: &mut HashSet<(Kind, String)>) {
        let kind = Kind::of_section(name);
        let form = form(kind, value);
        self.sections.push((name.to_owned(), form));
        let entries: Vec<(String, &Value)> = match (form, value) {
            (Form::List, Value::Array(items)) => items
                .iter()
                .filter_map(|item| Some((id(item)?, item)))
                .collect(),
            (Form::Map, Value::Object(map)) => {
                map.iter().map(|(id, item)| (id.clone(), item)).collect()
            }
            _ => vec![(String::new(), value)],
        };
        for ((id, body), position) in entries.into_iter().zip(0..) {
            let kind = if form == Form::Value {
                Kind::Other
            } else {
                kind
            };
            let item = Item {
                kind,
                section: name.to_owned(),
                id,
                position,
                body: body.clone(),
            };
            // Services, nodes and workflows are one namespace each, whichever section they stand in.
            let scope = if kind == Kind::Other {
                format!("{name}/{}", item.id)
            } else {
                item.id.clone()
            };
            if seen.insert((kind, scope)) {
                self.items.push(item);
            } else {
                self.duplicate(item);
            }
        }
    }

    fn duplicate(&mut self, item: Item) {
        let same = self.items.iter().any(|other| {
            other.section == item.section && other.id == item.id && other.body == item.body
        });
        let path = format!("{}.{}", item.section, item.id);
        let reason = if same {
            "stands there twice, word for word"
        } else {
            "another entry has this id; the first was taken"
        };
        self.warnings
            .push(Warning::new("DUPLICATE_ID", path, reason));
        self.skipped
            .push((item.section, item.id, reason.to_owned()));
    }

    fn shape(&self) -> Result<&'static str> {
        let form_of = |names: &[&str]| {
            self.sections
                .iter()
                .find(|(name, form)| names.contains(&name.as_str()) && *form != Form::Value)
                .map(|(_, form)| *form)
        };
        match form_of(&["services", "aiNodes", "nodes", "workflows", "components"]) {
            Some(Form::List) => Ok("CATALOG"),
            Some(_) => Ok("MAPS"),
            None => Err(Error::invalid_argument(
                "this is not a registry: it has no services, aiNodes, nodes, workflows or components with ids",
            )),
        }
    }

    /// Warns of workflows that depend on what this document does not have.
    fn check_references(&mut self) {
        let known: HashSet<&str> = self.items.iter().map(|item| item.id.as_str()).collect();
        for item in self.items.iter().filter(|item| item.kind == Kind::Workflow) {
            let dependencies = item
                .body
                .get("dependencies")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            for missing in dependencies
                .filter_map(Value::as_str)
                .filter(|id| !known.contains(id))
            {
                let path = format!("{}.{}.dependencies", item.section, item.id);
                self.warnings.push(Warning::new(
                    "DANGLING_DEPENDENCY",
                    path,
                    format!("nothing here is called '{missing}'"),
                ));
            }
        }
    }
}

fn id(item: &Value) -> Option<String> {
    item.get("id")?
        .as_str()
        .filter(|id| !id.trim().is_empty())
        .map(str::to_owned)
}

fn form(kind: Kind, value: &Value) -> Form {
    match value {
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| id(item).is_some()) => {
            Form::List
        }
        Value::Array(items) if items.is_empty() && kind != Kind::Other => Form::List,
        Value::Object(map) if kind != Kind::Other && map.values().all(Value::is_object) => {
            Form::Map
        }
        _ => Form::Value,
    }
}

impl Item {
    fn text(&self, key: &str) -> Option<&str> {
        self.body.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    fn name(&self) -> String {
        self.text("name").unwrap_or(&self.id).to_owned()
    }

    /// The service that this entry declares. Health is not declared, so it begins unknown.
    pub(super) fn service(&self, warnings: &mut Vec<Warning>) -> Service {
        let endpoint = self
            .text("endpoint")
            .and_then(|text| Url::parse(text).ok())
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if endpoint.is_none() {
            let path = format!("{}.{}.endpoint", self.section, self.id);
            warnings.push(Warning::new(
                "NO_BASE_URL",
                path,
                "is no absolute URL, so this service is never probed",
            ));
        }
        Service {
            id: Id::from(self.id.as_str()),
            name: self.name(),
            base_url: endpoint
                .as_ref()
                .map(|url| url.origin().ascii_serialization())
                .unwrap_or_default(),
            health_path: match endpoint.as_ref().map(Url::path) {
                Some(path) if path != "/" => path.to_owned(),
                _ => HEALTH_PATH.to_owned(),
            },
            status: HealthStatus::Unknown,
            last_healthy_at: None,
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
        }
    }

    /// The node that this entry declares.
    pub(super) fn node(&self) -> Node {
        let triggers = self
            .body
            .get("triggers")
            .or_else(|| self.body.get("trigger_on"))
            .and_then(Value::as_array);
        let off = matches!(
            self.text("status"),
            Some("disabled" | "inactive" | "planned" | "deprecated")
        );
        Node {
            id: Id::from(self.id.as_str()),
            name: self.name(),
            runtime: self.text("runtime").unwrap_or("node").to_owned(),
            triggers: triggers
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            enabled: self
                .body
                .get("enabled")
                .and_then(Value::as_bool)
                .unwrap_or(!off),
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
        }
    }

    /// The workflow that this entry declares; it can be run once a definition of its name is registered.
    pub(super) fn workflow(&self) -> Workflow {
        Workflow {
            id: Id::from(self.id.as_str()),
            name: self.name(),
            pipeline_id: self.id.clone(),
            max_concurrent_tasks: MAX_CONCURRENT_TASKS,
            governance: serde_json::json!({}).into(),
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 1,
        }
    }
}

/// Takes over what an entry had before that no document says.
pub(super) trait Succeeds: Entry {
    /// Keeps what belongs to the engine, not to the document.
    fn succeed(&mut self, old: &Self);
}

impl Succeeds for Service {
    fn succeed(&mut self, old: &Self) {
        self.created_at = old.created_at;
        self.resource_version = old.resource_version;
        if self.base_url == old.base_url {
            self.status = old.status;
            self.last_healthy_at = old.last_healthy_at;
        }
    }
}

impl Succeeds for Node {
    fn succeed(&mut self, old: &Self) {
        self.created_at = old.created_at;
        self.resource_version = old.resource_version;
    }
}

impl Succeeds for Workflow {
    fn succeed(&mut self, old: &Self) {
        self.created_at = old.created_at;
        self.resource_version = old.resource_version;
        self.pipeline_id.clone_from(&old.pipeline_id);
        self.max_concurrent_tasks = old.max_concurrent_tasks;
        self.governance = old.governance.clone();
    }
}
