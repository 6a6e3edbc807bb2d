//! What answers, against what is registered.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::diff::{Finding, severity};
use super::snapshot::Snapshot;
use super::{DriftKind, DriftSeverity};
use crate::registry::entry::Entry;
use crate::registry::import::{Item, Kind};
use crate::registry::probe::Asked;
use crate::registry::{HealthStatus, Service};

/// A round of probes as a snapshot; how long answers took is no part of it, so that the same health is the same hash.
pub(super) fn snapshot(asked: Vec<Asked>) -> Snapshot {
    let probes: Vec<Value> = asked
        .into_iter()
        .map(|Asked { probe, address }| {
            json!({"id": probe.id, "status": probe.status, "reason": probe.reason, "address": address})
        })
        .collect();
    super::snapshot_of(None, json!({"probes": probes}))
}

/// How many services were asked, and how many could not be.
pub(super) fn counts(content: &Value) -> (i64, i64) {
    let probes = content["probes"].as_array().map_or(&[][..], Vec::as_slice);
    let unknown = probes
        .iter()
        .filter(|probe| probe["status"] == HealthStatus::Unknown.as_str())
        .count();
    ((probes.len() - unknown) as i64, unknown as i64)
}

pub(super) fn diff(content: &Value, items: &[Item]) -> Vec<Finding> {
    let probes = content["probes"].as_array().map_or(&[][..], Vec::as_slice);
    let probes: HashMap<&str, &Value> = probes
        .iter()
        .filter_map(|probe| Some((probe["id"].as_str()?, probe)))
        .collect();
    let services = items.iter().filter(|item| item.kind == Kind::Service);
    services
        .filter_map(|item| {
            let probe = probes.get(item.id.as_str())?;
            // What answered elsewhere says nothing of what answers here.
            if probe["address"] != Service::said(item).address().as_str() {
                return None;
            }
            let status = HealthStatus::from_word(probe["status"].as_str()?).ok()?;
            finding(item, status, probe["reason"].as_str())
        })
        .collect()
}

fn finding(item: &Item, status: HealthStatus, reason: Option<&str>) -> Option<Finding> {
    let kind = match (status, item.is_in_use()) {
        (HealthStatus::Healthy, false) => {
            let said = item
                .body
                .get("status")
                .or(item.body.get("enabled"))
                .cloned();
            let reason = "it is registered as off, and answers";
            return Some(Finding {
                severity: DriftSeverity::Low,
                ..Finding::changed(item, &["status"], said, Some(json!(status)), reason)
            });
        }
        (HealthStatus::Unhealthy, true) => DriftKind::Missing,
        (HealthStatus::Degraded, true) => DriftKind::Changed,
        _ => return None,
    };
    let reason = reason.unwrap_or("it is not healthy");
    let claimed = item.body.get("lastScanHealthy") == Some(&Value::Bool(true));
    let reason = if claimed {
        format!("{reason}; claimed to be healthy")
    } else {
        reason.to_owned()
    };
    let healthy = Some(json!(HealthStatus::Healthy));
    Some(Finding {
        kind,
        severity: severity(item),
        ..Finding::changed(item, &["health"], healthy, Some(json!(status)), reason)
    })
}
