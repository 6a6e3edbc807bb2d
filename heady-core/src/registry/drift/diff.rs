//! The three-way difference: what was applied, what is desired, what is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::place::{self, Difference};
use super::{DriftKind, DriftSeverity};
use crate::registry::EntryKind;
use crate::registry::import::{Catalog, HEALTH_KEYS, Item, Key, Kind, Present};
use crate::registry::list::Unreadable;

/// Of what a difference is: two of them may stand under one name in one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The plain values around the sections.
    Document,
    Entry(Kind),
}

impl Of {
    fn word(self) -> &'static str {
        match self {
            Self::Document => "DOCUMENT",
            Self::Entry(Kind::Service) => "SERVICE",
            Self::Entry(Kind::Node) => "NODE",
            Self::Entry(Kind::Workflow) => "WORKFLOW",
            Self::Entry(Kind::Other) => "OTHER",
        }
    }
}

/// A difference that was found, before it is known since when.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) of: Of,
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
            of: Of::Entry(item.kind),
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
        place: &[&str],
        desired: Option<Value>,
        observed: Option<Value>,
        reason: impl Into<String>,
    ) -> Self {
        let operational = place.first().is_some_and(|head| OPERATIONAL.contains(head));
        let severity = if operational {
            severity(item)
        } else {
            DriftSeverity::Low
        };
        Self {
            path: place::text(place),
            severity,
            desired,
            observed,
            ..Self::of(item, DriftKind::Changed, reason)
        }
    }

    /// An entry of the registry that cannot be read, and so not be compared with anything.
    pub(super) fn unreadable(entry: &Unreadable) -> Self {
        let kind = match entry.kind {
            Some(EntryKind::Service) => Kind::Service,
            Some(EntryKind::Node) => Kind::Node,
            Some(EntryKind::Workflow) => Kind::Workflow,
            None => Kind::Other,
        };
        Self {
            of: Of::Entry(kind),
            section: entry.section.clone(),
            id: entry.id.to_string(),
            path: String::new(),
            kind: DriftKind::Changed,
            severity: DriftSeverity::High,
            desired: None,
            observed: None,
            reason: entry.told(),
            orphan: false,
        }
    }

    /// The entry that it is about, as [`Item::key`] has it; none for the values around the sections.
    pub(super) fn entry(&self) -> Option<Key> {
        let Of::Entry(kind) = self.of else {
            return None;
        };
        let section = match kind {
            Kind::Other => self.section.clone(),
            _ => String::new(),
        };
        Some((kind, section, self.id.clone()))
    }

    /// What it is told from all others of its source by: of fixed length, since an index holds no text of any length.
    pub(super) fn key(&self) -> String {
        let entry = self.entry().map(|(_, section, id)| (section, id));
        crate::document::hash(&json!([self.of.word(), entry, self.path]))
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
    let applied_header = applied.map(|applied| &applied.header);
    let applied = index(applied.map_or(&[][..], |applied| &applied.items));
    let (wanted, there) = (index(&desired.items), index(&present.items));
    let keys: BTreeSet<&Key> = wanted.keys().chain(there.keys()).collect();
    let named: BTreeSet<(&str, &str)> = wanted
        .values()
        .chain(there.values())
        .filter(|item| item.kind != Kind::Other)
        .map(|item| (item.section.as_str(), item.id.as_str()))
        .collect();
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
                let mut places = place::differences(&wanted.body, &there.body, &OBSERVATIONS);
                let address = address(wanted, there, before, &mut places);
                for (place, desired, observed) in places {
                    let reason = match before {
                        Some(before) => moved(place::at(&before.body, &place), desired, observed),
                        None => "registered by call, and otherwise in the file",
                    };
                    let values = (desired.cloned(), observed.cloned());
                    findings.push(Finding::changed(wanted, &place, values.0, values.1, reason));
                }
                findings.extend(address);
            }
            (None, None) => {}
        }
    }
    for finding in &mut findings {
        // What the import kept for the export only stands under the name of the entry that counts.
        if finding.of == Of::Entry(Kind::Other)
            && named.contains(&(finding.section.as_str(), finding.id.as_str()))
        {
            finding.reason += " (another entry has this id, and counts)";
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
    places: &mut Vec<Difference<'_>>,
) -> Option<Finding> {
    // `health` is a word about it as often as a place.
    let is_address = |place: &[&str]| match place {
        [key] => *key != "health" && (ADDRESS.contains(key) || HEALTH_KEYS.contains(key)),
        _ => false,
    };
    let address = |item: &Item| {
        let service = item.service();
        let address = format!("{}{}", service.base_url, service.health_path);
        Some(address).filter(|_| !service.base_url.is_empty())
    };
    let spelled = places
        .iter()
        .filter(|(place, ..)| is_address(place))
        .count();
    if wanted.kind != Kind::Service || spelled == 0 {
        return None;
    }
    let (desired, observed) = (address(wanted)?, address(there)?);
    if desired != observed && spelled < 2 {
        return None;
    }
    places.retain(|(place, ..)| !is_address(place));
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
        wanted,
        &["endpoint"],
        desired,
        observed,
        reason,
    ))
}

fn index(items: &[Item]) -> BTreeMap<Key, &Item> {
    items.iter().map(|item| (item.key(), item)).collect()
}

/// The plain values around the sections.
fn header(
    applied: Option<&Map<String, Value>>,
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
            let reason = match applied {
                Some(applied) => moved(applied.get(key), desired, observed),
                None => "in the file, of which nothing was imported yet",
            };
            let values = (desired.cloned(), observed.cloned());
            Finding {
                of: Of::Document,
                severity: DriftSeverity::Low,
                ..Finding::changed(&document, &[key], values.0, values.1, reason)
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
        "changed by call, and not in the file since the last import"
    } else if observed == applied {
        "changed in the file since the last import"
    } else {
        "changed in the file and by call since the last import"
    }
}
