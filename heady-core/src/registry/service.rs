//! Services as entries: columns, declaration, and what survives a change.

use serde_json::{Map, Value, json};

use super::edit::{Editor, Editors};
use super::entry::{Entry, checked_id, checked_object, checked_text, over};
use super::import::{HEALTH_KEYS, Item, SETTING_KEYS, is_health_place};
use super::memory::{Known, Memory};
use super::probe::{self, checked_interval, checked_threshold, checked_timeout};
use super::said::{self, Said};
use super::{EntryKind, HealthStatus, RegisterService, Service};
use crate::error::{Error, Result};
use crate::outbound::Url;
use crate::store::{Arg, Lane, Row, args};
use crate::types::{Id, Json, Timestamp, now};

/// The health path of a service that names none; the blueprint's default.
pub(super) const HEALTH_PATH: &str = "/api/health";

/// Why a service that reports by itself is no longer healthy.
pub(super) const REPORT_EXPIRED: &str = "its last report expired and no other came";

impl Service {
    /// The address that answers with its health.
    pub(super) fn address(&self) -> String {
        format!("{}{}", self.base_url, self.health_path)
    }
}

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
    const BESIDE: Option<(&'static str, &'static str)> = Some(("service_probes", "service_id"));
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
            name: checked_text("name", spec.name.unwrap_or_else(|| id.to_string()))?,
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
        self.is_at(old)
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

    fn expires(&self) -> bool {
        self.report_expires_at.is_some() && self.status != HealthStatus::Unhealthy
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

    const SAID: &'static [Said<Self>] = &[
        ("name", &["name"], |service| json!(service.name)),
        ("baseUrl", &PLACE_KEYS, |service| json!(service.base_url)),
        ("healthPath", &PLACE_KEYS, |service| {
            json!(service.health_path)
        }),
        ("probeIntervalMs", SETTING_KEYS[0], |service| {
            json!(service.probe_interval_ms)
        }),
        ("probeTimeoutMs", SETTING_KEYS[1], |service| {
            json!(service.probe_timeout_ms)
        }),
        ("healthyThreshold", SETTING_KEYS[2], |service| {
            json!(service.healthy_threshold)
        }),
        ("unhealthyThreshold", SETTING_KEYS[3], |service| {
            json!(service.unhealthy_threshold)
        }),
    ];

    fn said(item: &Item) -> Self {
        item.service()
    }

    fn correct(&self, said: &Self, body: &mut Map<String, Value>) {
        if !self.is_at(said) {
            // The endpoint says it all now. `health` is a word about it as often as a place.
            body.retain(|key, value| match key.as_str() {
                "baseUrl" | "base_url" | "url" => false,
                "health" => !value.as_str().is_some_and(is_health_place),
                key => !HEALTH_KEYS.contains(&key),
            });
            body.insert("endpoint".to_owned(), self.endpoint().into());
            if !self.is_at(&said::said(&self.id, &Value::Object(body.clone()))) {
                // Unless it does not tell where the one ends and the other begins.
                body.insert("baseUrl".to_owned(), json!(self.base_url));
                body.insert("healthPath".to_owned(), json!(self.health_path));
            }
        }
        let settings = self.settings().into_iter().zip(said.settings());
        for (((key, value), (_, said)), keys) in settings.zip(SETTING_KEYS) {
            if value != said {
                said::unsay(body, keys);
                body.extend(value.map(|value| (key.to_owned(), value.into())));
            }
        }
    }

    fn declared(&self) -> Value {
        let mut own = json!({"id": self.id, "name": self.name, "endpoint": self.endpoint()});
        for (key, value) in self.settings() {
            if let Some(value) = value {
                own[key] = value.into();
            }
        }
        said::corrected(self, over(&self.metadata, &own))
    }
}

/// The keys under which entries say where a service answers.
pub(super) const PLACE_KEYS: [&str; 12] = [
    "endpoint",
    "baseUrl",
    "base_url",
    "url",
    "port",
    "host",
    "hostname",
    HEALTH_KEYS[0],
    HEALTH_KEYS[1],
    HEALTH_KEYS[2],
    HEALTH_KEYS[3],
    HEALTH_KEYS[4],
];

impl Service {
    /// Where it answers with its health, as one text.
    fn endpoint(&self) -> String {
        format!("{}{}", self.base_url, self.health_path)
    }

    pub(super) fn is_at(&self, other: &Self) -> bool {
        (&self.base_url, &self.health_path) == (&other.base_url, &other.health_path)
    }

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

pub(super) fn checked_base_url(text: &str) -> Result<String> {
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

pub(super) fn checked_path(path: String) -> Result<String> {
    if path.starts_with('/') && !path.contains(char::is_control) {
        Ok(path)
    } else {
        Err(Error::invalid_argument(
            "healthPath: must begin with '/' and have no control characters",
        ))
    }
}
