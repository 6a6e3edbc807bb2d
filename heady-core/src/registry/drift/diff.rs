//! The three-way difference: what was applied, what is desired, what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{DriftKind, DriftSeverity};
use crate::registry::import::{Catalog, HEALTH_KEYS, Item, Key, Kind, Present};

/// A difference that was found, before it is known since when.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) section: String,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) kind: DriftKind,
    pub(super) severity: DriftSeverity,
    pub(super) desired: Option<Value>,
    pub(super) observed: Option<Value>,
    pub(super) reason: String,
    pub(super) orphan: bool,
}

impl Finding {
    /// A difference of a whole entry.
    pub(super) fn of(item: &Item, kind: DriftKind, reason: impl Into<String>) -> Self {
        let body = Some(item.body.clone());
        let (desired, observed) = match kind {
            DriftKind::Missing => (body, None),
            DriftKind::Extra => (None, body),
            DriftKind::Changed => (None, None),
        };
        Self {
            section: item.section.clone(),
            id: item.id.clone(),
            path: String::new(),
            kind,
            severity: severity(item),
            desired,
            observed,
            reason: reason.into(),
            orphan: false,
        }
    }

    /// A difference at a place in an entry.
    pub(super) fn changed(
        item: &Item,
        path: impl Into<String>,
        desired: Option<Value>,
        observed: Option<Value>,
        reason: impl Into<String>,
    ) -> Self {
        let path = path.into();
        let head = path.split('.').next().unwrap_or_default();
        let severity = if OPERATIONAL.contains(&head) {
            severity(item)
        } else {
            DriftSeverity::Low
        };
        Self {
            path,
            severity,
            desired,
            observed,
            ..Self::of(item, DriftKind::Changed, reason)
        }
    }
}

/// The keys of an entry that decide what happens; all others describe.
const OPERATIONAL: [&str; 20] = [
    "endpoint",
    "port",
    "host",
    "baseUrl",
    "healthPath",
    "health",
    "health_check_url",
    "status",
    "enabled",
    "critical",
    "criticality",
    "dependencies",
    "triggers",
    "trigger_on",
    "runtime",
    "tool",
    "fallbackPolicy",
    "defaultModel",
    "model",
    "provider",
];

/// Keys that machines write into the file after looking: observations, not declarations.
const OBSERVATIONS: [&str; 10] = [
    "lastScanHealthy",
    "lastScanLatencyMs",
    "lastScannedAt",
    "lastHealthCheck",
    "lastDeepScan",
    "lastUpdated",
    "last_updated",
    "last_invoked",
    "last_deployment",
    "updatedAt",
];

/// How much an entry matters, as its owner says; nobody depends on what is off.
pub(super) fn severity(item: &Item) -> DriftSeverity {
    let said = item.body.get("criticality").and_then(Value::as_str);
    if !item.is_in_use() {
        DriftSeverity::Low
    } else if item.body.get("critical") == Some(&Value::Bool(true)) || said == Some("critical") {
        DriftSeverity::Critical
    } else {
        match said {
            Some("high") => DriftSeverity::High,
            Some("low") => DriftSeverity::Low,
            _ if item.kind == Kind::Other => DriftSeverity::Low,
            _ => DriftSeverity::Medium,
        }
    }
}

/// In what the registry differs from the file, and which of both moved since the last import.
pub(super) fn against_file(
    applied: Option<&Catalog>,
    desired: &Catalog,
    present: &Present,
) -> Vec<Finding> {
    let empty = Map::new();
    let applied_header = applied.map_or(&empty, |applied| &applied.header);
    let applied = index(applied.map_or(&[][..], |applied| &applied.items));
    let (wanted, there) = (index(&desired.items), index(&present.items));
    let keys: BTreeSet<&Key> = wanted.keys().chain(there.keys()).collect();
    let mut findings = header(applied_header, &desired.header, &present.header);
    for key in keys {
        let before = applied.get(key).copied();
        match (wanted.get(key), there.get(key)) {
            (Some(wanted), None) => findings.push(Finding::of(
                wanted,
                DriftKind::Missing,
                match before {
                    Some(_) => "deleted by call since the last import",
                    None => "new in the file, not imported yet",
                },
            )),
            (None, Some(there)) => findings.push(Finding {
                orphan: before.is_some(),
                ..Finding::of(
                    there,
                    DriftKind::Extra,
                    match before {
                        Some(_) => "gone from the file since the last import",
                        None => "registered by call, not in the file",
                    },
                )
            }),
            (Some(wanted), Some(there)) => {
                let mut places = Vec::new();
                places_that_differ(&wanted.body, &there.body, "", &mut places);
                let address = address(wanted, there, before, &mut places);
                for (path, desired, observed) in places {
                    let reason = match before {
                        Some(before) => moved(at(&before.body, &path), desired, observed),
                        None => "registered by call, and otherwise in the file",
                    };
                    let values = (desired.cloned(), observed.cloned());
                    findings.push(Finding::changed(wanted, path, values.0, values.1, reason));
                }
                findings.extend(address);
            }
            (None, None) => {}
        }
    }
    findings
}

/// The keys under which an entry says where its service answers.
const ADDRESS: [&str; 4] = ["endpoint", "baseUrl", "base_url", "url"];

/// In what the addresses of a service differ that are written under several keys: in nothing, if all of them come to the same.
/// Of the places that differ those of the address go.
fn address(
    wanted: &Item,
    there: &Item,
    before: Option<&Item>,
    places: &mut Vec<Place<'_>>,
) -> Option<Finding> {
    // `health` is a word about it as often as a place.
    let is_address =
        |path: &str| path != "health" && (ADDRESS.contains(&path) || HEALTH_KEYS.contains(&path));
    let address = |item: &Item| {
        let service = item.service();
        let address = format!("{}{}", service.base_url, service.health_path);
        Some(address).filter(|_| !service.base_url.is_empty())
    };
    let spelled = places.iter().filter(|(path, ..)| is_address(path)).count();
    if wanted.kind != Kind::Service || spelled == 0 {
        return None;
    }
    let (desired, observed) = (address(wanted)?, address(there)?);
    if desired != observed && spelled < 2 {
        return None;
    }
    places.retain(|(path, ..)| !is_address(path));
    if desired == observed {
        return None;
    }
    let (desired, observed) = (Value::from(desired), Value::from(observed));
    let reason = match before {
        Some(before) => moved(
            address(before).map(Value::from).as_ref(),
            Some(&desired),
            Some(&observed),
        ),
        None => "registered by call, and otherwise in the file",
    };
    let (desired, observed) = (Some(desired), Some(observed));
    Some(Finding::changed(
        wanted, "endpoint", desired, observed, reason,
    ))
}

fn index(items: &[Item]) -> BTreeMap<Key, &Item> {
    items.iter().map(|item| (item.key(), item)).collect()
}

/// The plain values around the sections.
fn header(
    applied: &Map<String, Value>,
    desired: &Map<String, Value>,
    present: &Map<String, Value>,
) -> Vec<Finding> {
    let document = Item::of(Kind::Other, "", String::new(), 0, Value::Null);
    let keys: BTreeSet<&String> = desired.keys().chain(present.keys()).collect();
    keys.into_iter()
        .filter(|key| {
            !OBSERVATIONS.contains(&key.as_str()) && desired.get(*key) != present.get(*key)
        })
        .map(|key| {
            let (desired, observed) = (desired.get(key), present.get(key));
            let reason = moved(applied.get(key), desired, observed);
            Finding {
                severity: DriftSeverity::Low,
                ..Finding::changed(&document, key, desired.cloned(), observed.cloned(), reason)
            }
        })
        .collect()
}

/// Who moved away from what both agreed on at the last import.
fn moved(
    applied: Option<&Value>,
    desired: Option<&Value>,
    observed: Option<&Value>,
) -> &'static str {
    if desired == applied {
        "changed by call since the last import"
    } else if observed == applied {
        "changed in the file since the last import"
    } else {
        "changed in the file and by call since the last import"
    }
}

type Place<'v> = (String, Option<&'v Value>, Option<&'v Value>);

/// The innermost places at which two values differ. Lists are compared as a whole.
fn places_that_differ<'v>(
    desired: &'v Value,
    observed: &'v Value,
    path: &str,
    places: &mut Vec<Place<'v>>,
) {
    let (Value::Object(wanted), Value::Object(there)) = (desired, observed) else {
        if desired != observed {
            places.push((path.to_owned(), Some(desired), Some(observed)));
        }
        return;
    };
    let keys: BTreeSet<&String> = wanted.keys().chain(there.keys()).collect();
    for key in keys
        .into_iter()
        .filter(|key| !OBSERVATIONS.contains(&key.as_str()))
    {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match (wanted.get(key), there.get(key)) {
            (Some(wanted), Some(there)) => places_that_differ(wanted, there, &path, places),
            (wanted, there) => places.push((path, wanted, there)),
        }
    }
}

/// The value at a path that [`places_that_differ`] made; a key with a dot in it is found too.
fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    if path.is_empty() {
        return Some(value);
    }
    let map = value.as_object()?;
    if let Some(found) = map.get(path) {
        return Some(found);
    }
    path.match_indices('.')
        .find_map(|(dot, _)| at(map.get(&path[..dot])?, &path[dot + 1..]))
}
