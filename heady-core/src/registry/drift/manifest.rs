//! What is deployed, against what is registered. A manifest is a Compose file, a list of PM2 apps, or a registry.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::diff::Finding;
use super::snapshot::Snapshot;
use super::{DriftKind, DriftSeverity, ports};
use crate::error::{Error, Result};
use crate::registry::import::{self, Item, Kind};
use crate::store::check_storable;

/// Reads a manifest's file.
///
/// # Errors
/// `NOT_FOUND`, or `INVALID_ARGUMENT` for what is malformed or no manifest.
pub(super) async fn read(path: &str) -> Result<Snapshot> {
    let document = crate::document::read(Path::new(path)).await?;
    let location = std::path::absolute(path)
        .map_or_else(|_| path.to_owned(), |path| path.display().to_string());
    snapshot(Some(location), &document).map_err(|error| error.context(format_args!("'{path}'")))
}

/// Reads a manifest that is no file, in JSON or as a text in JSON or YAML.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is malformed, cannot be stored, or is no manifest.
pub(super) fn handed_over(document: &Value) -> Result<Snapshot> {
    let document = match document {
        Value::String(text) => &crate::document::parse(text)?,
        document => document,
    };
    check_storable(document)?;
    snapshot(None, document)
}

/// Keeps what can be compared of a manifest: which services, on which ports, of which versions.
///
/// # Errors
/// `INVALID_ARGUMENT` for what is no manifest.
fn snapshot(location: Option<String>, document: &Value) -> Result<Snapshot> {
    let services = deployed(document)?;
    Ok(super::snapshot_of(location, json!({"services": services})))
}

fn deployed(document: &Value) -> Result<Map<String, Value>> {
    if let Some(services) = document.as_object().and_then(import::compose) {
        let facts = |service: &Value| {
            let ports = ports::published(&service["ports"]).unwrap_or_default();
            facts(&ports, service["image"].as_str().and_then(tag))
        };
        return Ok(services
            .iter()
            .map(|(id, service)| (id.clone(), facts(service)))
            .collect());
    }
    if let Some(apps) = document.get("apps").and_then(Value::as_array) {
        let named = apps.iter().filter_map(|app| {
            let port = app.pointer("/env/PORT").and_then(ports::number);
            let ports: Vec<Value> = port.into_iter().map(Value::from).collect();
            let facts = facts(&ports, word(&app["version"]).as_deref());
            Some((app["name"].as_str()?.to_owned(), facts))
        });
        return Ok(named.collect());
    }
    let catalog = import::read(document).map_err(|error| {
        Error::invalid_argument(
            "this is no deploy manifest: neither a Compose file, nor a list of PM2 apps, nor a registry",
        )
        .caused_by(error)
    })?;
    let services = catalog
        .items
        .iter()
        .filter(|item| item.kind == Kind::Service);
    Ok(services
        .map(|item| {
            let version = item.body.get("version").and_then(word);
            let ports: Vec<Value> = port(item).into_iter().map(Value::from).collect();
            (item.id.clone(), facts(&ports, version.as_deref()))
        })
        .collect())
}

/// What is kept of a service; no ports at all if they cannot be told.
fn facts(ports: &[Value], version: Option<&str>) -> Value {
    json!({"ports": ports, "version": version})
}

/// A version as it is written: YAML and JSON make a number of `1.2`.
fn word(version: &Value) -> Option<String> {
    match version {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The tag of an image: `1.2` in `registry:5000/name:1.2`; none that only the environment knows.
fn tag(image: &str) -> Option<&str> {
    let name = image.rsplit('/').next()?.split('@').next()?;
    let (_, tag) = name.rsplit_once(':')?;
    (!name.contains('$')).then_some(tag)
}

/// The port that a registered service listens on: its own, or that of its address. An address that names none is often
/// that of a proxy before it.
fn port(item: &Item) -> Option<u16> {
    let own = item.body.get("port").and_then(ports::number);
    own.or_else(|| {
        let service = item.service();
        crate::outbound::Url::parse(&service.base_url).ok()?.port()
    })
}

/// The ports that a manifest publishes, if none of them is this one.
fn other_ports(port: u16, deployed: &Value) -> Option<Value> {
    let deployed = deployed.as_array().filter(|ports| !ports.is_empty())?;
    let found = deployed.iter().any(|range| ports::covers(range, port));
    (!found).then(|| match &deployed[..] {
        [only] => only.clone(),
        all => all.into(),
    })
}

/// Whether two versions are one: `v1.2` is what repositories call `1.2`.
fn is_same_version(one: &str, other: &str) -> bool {
    fn bare(version: &str) -> &str {
        let version = version.trim();
        version
            .strip_prefix(['v', 'V'])
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(version)
    }
    bare(one) == bare(other)
}

pub(super) fn diff(content: &Value, items: &[Item]) -> Vec<Finding> {
    let empty = Map::new();
    let deployed = content["services"].as_object().unwrap_or(&empty);
    let registered: BTreeMap<&str, &Item> = items
        .iter()
        .filter(|item| item.kind == Kind::Service)
        .map(|item| (item.id.as_str(), item))
        .collect();
    let mut findings = Vec::new();
    for item in registered
        .values()
        .filter(|item| item.is_in_use() && !deployed.contains_key(&item.id))
    {
        findings.push(Finding::of(
            item,
            DriftKind::Missing,
            "registered, but not in the manifest",
        ));
    }
    for (id, facts) in deployed {
        let Some(item) = registered.get(id.as_str()) else {
            let deployed = Item::of(Kind::Service, "services", id.clone(), 0, facts.clone());
            findings.push(Finding {
                severity: DriftSeverity::Medium,
                orphan: true,
                ..Finding::of(
                    &deployed,
                    DriftKind::Extra,
                    "in the manifest, but registered by nobody",
                )
            });
            continue;
        };
        let reason = "the manifest says otherwise";
        if let Some(port) = port(item)
            && let Some(deployed) = other_ports(port, &facts["ports"])
        {
            let (desired, observed) = (Some(port.into()), Some(deployed));
            findings.push(Finding::changed(item, &["port"], desired, observed, reason));
        }
        let registered = item.body.get("version");
        if let Some(version) = registered.and_then(word)
            && let Some(deployed) = facts["version"].as_str()
            && !is_same_version(&version, deployed)
        {
            let (desired, observed) = (registered.cloned(), Some(deployed.into()));
            let place = &["version"];
            findings.push(Finding::changed(item, place, desired, observed, reason));
        }
    }
    findings
}
