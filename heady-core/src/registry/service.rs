//! Services as entries: columns, declaration, and what survives a change.

use serde_json::{Value, json};

use super::edit::{Editor, Editors};
use super::entry::{Entry, checked_id, checked_object, over, set};
use super::import::HEALTH_KEYS;
use super::memory::{Known, Memory};
use super::probe::{self, checked_interval, checked_threshold, checked_timeout};
use super::{EntryKind, HealthStatus, RegisterService, Service};
use crate::error::{Error, Result};
use crate::outbound::Url;
use crate::store::{Arg, Lane, Row, args};
use crate::types::{Id, Json, Timestamp, now};

/// The health path of a service that names none; the blueprint's default.
pub(super) const HEALTH_PATH: &str = "/api/health";

/// Why a service that reports by itself is no longer healthy.
pub(super) const REPORT_EXPIRED: &str = "its last report expired and no other came";

impl Entry for Service {
    type Spec = RegisterService;

    const KIND: EntryKind = EntryKind::Service;
    const TABLE: &'static str = "services";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("id", "text"),
        ("name", "text"),
        ("base_url", "text"),
        ("health_path", "text"),
        ("status", "text"),
        ("last_healthy_at", "timestamptz"),
        ("metadata", "jsonb"),
        ("created_at", "timestamptz"),
        ("updated_at", "timestamptz"),
        ("resource_version", "bigint"),
        ("probe_interval_ms", "bigint"),
        ("status_reason", "text"),
        ("status_changed_at", "timestamptz"),
        ("report_expires_at", "timestamptz"),
        ("probe_timeout_ms", "bigint"),
        ("healthy_threshold", "bigint"),
        ("unhealthy_threshold", "bigint"),
    ];
    const SOURCE: &'static str = "(SELECT s.*, p.prober, p.fence, p.place, p.probed_at, p.found, p.found_reason, p.latency_ms,
          p.repeated, p.failures, p.healthy_at
        FROM services AS s LEFT JOIN service_probes AS p ON p.service_id = s.id)";
    const IN_USE: &'static str = "false";

    fn of(row: &Row) -> Result<Self> {
        let service = Self {
            id: row.get("id")?,
            name: row.get("name")?,
            base_url: row.get("base_url")?,
            health_path: row.get("health_path")?,
            probe_interval_ms: row.get("probe_interval_ms")?,
            probe_timeout_ms: row.get("probe_timeout_ms")?,
            healthy_threshold: row.get("healthy_threshold")?,
            unhealthy_threshold: row.get("unhealthy_threshold")?,
            status: HealthStatus::from_word(&row.get::<String>("status")?)?,
            status_reason: row.get("status_reason")?,
            status_changed_at: row.get("status_changed_at")?,
            last_healthy_at: row.get("last_healthy_at")?,
            report_expires_at: row.get("report_expires_at")?,
            metadata: row.get::<Value>("metadata")?.into(),
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            resource_version: row.get("resource_version")?,
            last_probe: None,
        };
        probe::with_last(service, row)
    }

    fn row(&self) -> Vec<Arg> {
        args![
            &self.id,
            &self.name,
            &self.base_url,
            &self.health_path,
            self.status.as_str(),
            self.last_healthy_at,
            self.metadata.to_string(),
            self.created_at,
            self.updated_at,
            self.resource_version,
            self.probe_interval_ms,
            self.status_reason.as_deref(),
            self.status_changed_at,
            self.report_expires_at,
            self.probe_timeout_ms,
            self.healthy_threshold,
            self.unhealthy_threshold,
        ]
    }

    fn lane(editors: &Editors) -> &Lane<Editor<Self>> {
        &editors.services
    }

    fn known(memory: &mut Memory) -> &mut Known<Self> {
        &mut memory.services
    }

    fn declare(spec: RegisterService) -> Result<Self> {
        let id = checked_id(&spec.id)?;
        let at = now();
        Ok(Self {
            name: spec.name.unwrap_or_else(|| id.to_string()),
            base_url: checked_base_url(&spec.base_url.unwrap_or_default())?,
            health_path: checked_path(spec.health_path.unwrap_or_else(|| HEALTH_PATH.to_owned()))?,
            probe_interval_ms: checked_interval(spec.probe_interval_ms)?,
            probe_timeout_ms: checked_timeout("probeTimeoutMs", spec.probe_timeout_ms)?,
            healthy_threshold: checked_threshold("healthyThreshold", spec.healthy_threshold)?,
            unhealthy_threshold: checked_threshold("unhealthyThreshold", spec.unhealthy_threshold)?,
            status: HealthStatus::Unknown,
            status_reason: None,
            status_changed_at: None,
            last_healthy_at: None,
            report_expires_at: None,
            last_probe: None,
            metadata: checked_object("metadata", spec.metadata)?,
            created_at: at,
            updated_at: at,
            resource_version: 0,
            id,
        })
    }

    fn spec(&self) -> RegisterService {
        RegisterService {
            id: self.id.to_string(),
            name: Some(self.name.clone()),
            base_url: Some(self.base_url.clone()),
            health_path: Some(self.health_path.clone()),
            probe_interval_ms: self.probe_interval_ms,
            probe_timeout_ms: self.probe_timeout_ms,
            healthy_threshold: self.healthy_threshold,
            unhealthy_threshold: self.unhealthy_threshold,
            metadata: Some(self.metadata.clone()),
        }
    }

    fn inherit(&mut self, old: &Self) {
        self.created_at = old.created_at;
        self.updated_at = old.updated_at;
        self.resource_version = old.resource_version;
        // What was seen at another place says nothing about this one.
        if self.base_url == old.base_url {
            self.status = old.status;
            self.status_reason.clone_from(&old.status_reason);
            self.status_changed_at = old.status_changed_at;
            self.last_healthy_at = old.last_healthy_at;
            self.report_expires_at = old.report_expires_at;
            if self.health_path == old.health_path {
                self.last_probe.clone_from(&old.last_probe);
            }
        } else if old.status != HealthStatus::Unknown {
            self.status_changed_at = Some(now());
        }
    }

    fn is_all_after(&self, old: &Self) -> bool {
        // What was found at another place is kept, and counts again once the service is back there.
        (&self.base_url, &self.health_path) == (&old.base_url, &old.health_path)
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

    fn seen_at(mut self, now: Timestamp) -> Self {
        if let Some(expired) = self.report_expires_at.filter(|until| *until <= now)
            && self.status != HealthStatus::Unhealthy
        {
            self.status = HealthStatus::Unhealthy;
            self.status_reason = Some(REPORT_EXPIRED.to_owned());
            self.status_changed_at = Some(expired);
        }
        self
    }

    fn write_back(&mut self, old: &Self) {
        set(&mut self.metadata, "name", &self.name, &old.name);
        for ((key, new), (_, old)) in self.settings().iter().zip(old.settings()) {
            set(&mut self.metadata, key, new, &old);
        }
        let endpoint = |service: &Self| format!("{}{}", service.base_url, service.health_path);
        let (new, old) = (endpoint(self), endpoint(old));
        set(&mut self.metadata, "endpoint", &new, &old);
        if new != old
            && let Some(object) = self.metadata.0.as_object_mut()
        {
            // The endpoint says it all now.
            let other = ["baseUrl", "base_url", "url"];
            object.retain(|key, _| {
                !HEALTH_KEYS.contains(&key.as_str()) && !other.contains(&key.as_str())
            });
        }
    }

    fn declared(&self) -> Value {
        let endpoint = format!("{}{}", self.base_url, self.health_path);
        let mut own = json!({"id": self.id, "name": self.name, "endpoint": endpoint});
        for (key, value) in self.settings() {
            if let Some(value) = value {
                own[key] = value.into();
            }
        }
        over(&self.metadata, &own)
    }
}

impl Service {
    /// How it is probed, as far as it says so itself, by the names in documents.
    fn settings(&self) -> [(&'static str, Option<i64>); 4] {
        [
            ("probeIntervalMs", self.probe_interval_ms),
            ("probeTimeoutMs", self.probe_timeout_ms),
            ("healthyThreshold", self.healthy_threshold),
            ("unhealthyThreshold", self.unhealthy_threshold),
        ]
    }
}

fn checked_base_url(text: &str) -> Result<String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let valid = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    });
    match valid {
        Some(url) if url.query().is_none() && url.fragment().is_none() => {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err(Error::invalid_argument(
            "baseUrl: must be like http://host:port, without credentials, query or fragment",
        )),
    }
}

fn checked_path(path: String) -> Result<String> {
    if path.starts_with('/') && !path.contains(char::is_control) {
        Ok(path)
    } else {
        Err(Error::invalid_argument(
            "healthPath: must begin with '/' and have no control characters",
        ))
    }
}
