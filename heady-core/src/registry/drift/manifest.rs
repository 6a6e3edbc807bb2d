//! What is deployed, against what is registered. A manifest is a Compose file, a list of PM2 apps, or a registry.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::diff::Finding;
use super::snapshot::Snapshot;
use super::{DriftKind, DriftSeverity};
use crate::error::{Error, Result};
use crate::registry::import::{self, Item, Kind};

/// Reads a manifest and keeps what can be compared: which services, on which ports, of which versions.
///
/// # Errors
/// `NOT_FOUND`, or `INVALID_ARGUMENT` for what is malformed or no manifest.
pub(super) async fn read(path: &str) -> Result<Snapshot> {
    let document = crate::document::read(Path::new(path)).await?;
    let services = deployed(&document).map_err(|error| error.context(format_args!("'{path}'")))?;
    let location = std::path::absolute(path)
        .map_or_else(|_| path.to_owned(), |path| path.display().to_string());
    Ok(super::snapshot_of(
        Some(location),
        json!({"services": services}),
    ))
}

fn deployed(document: &Value) -> Result<Map<String, Value>> {
    if let Some(services) = document.as_object().and_then(import::compose) {
        let facts = |service: &Value| {
            let version = service["image"].as_str().and_then(tag);
            facts(service["ports"].get(0).and_then(published), version)
        };
        return Ok(services
            .iter()
            .map(|(id, service)| (id.clone(), facts(service)))
            .collect());
    }
    if let Some(apps) = document.get("apps").and_then(Value::as_array) {
        let named = apps.iter().filter_map(|app| {
            let port = app.pointer("/env/PORT").and_then(number);
            let version = app["version"].as_str();
            Some((app["name"].as_str()?.to_owned(), facts(port, version)))
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
            let version = item.body.get("version").and_then(Value::as_str);
            (item.id.clone(), facts(port(item), version))
        })
        .collect())
}

fn facts(port: Option<i64>, version: Option<&str>) -> Value {
    json!({"port": port, "version": version})
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The port of the machine in `"8080:80"`, `"127.0.0.1:8080:80/tcp"` or `{published: 8080}`.
fn published(port: &Value) -> Option<i64> {
    if let Some(published) = port.get("published") {
        return number(published);
    }
    let text = port.as_str()?.split('/').next()?;
    let parts: Vec<&str> = text.split(':').collect();
    parts[parts.len().saturating_sub(2)].parse().ok()
}

/// The tag of an image: `1.2` in `registry:5000/name:1.2`.
fn tag(image: &str) -> Option<&str> {
    let (_, tag) = image
        .rsplit('/')
        .next()?
        .split('@')
        .next()?
        .rsplit_once(':')?;
    Some(tag)
}

/// The port that a registered service listens on.
fn port(item: &Item) -> Option<i64> {
    let service = item.service();
    let url = crate::outbound::Url::parse(&service.base_url).ok()?;
    url.port_or_known_default().map(i64::from)
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
        let version = item.body.get("version").cloned().unwrap_or_default();
        let port = port(item).map(Value::from).unwrap_or_default();
        for (path, registered) in [("port", port), ("version", version)] {
            let deployed = &facts[path];
            if !registered.is_null() && !deployed.is_null() && registered != *deployed {
                let reason = "the manifest says otherwise";
                findings.push(Finding::changed(
                    item,
                    &[path],
                    Some(registered),
                    Some(deployed.clone()),
                    reason,
                ));
            }
        }
    }
    findings
}
