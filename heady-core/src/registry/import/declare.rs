//! The services, nodes and workflows that entries declare.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::super::probe::{checked_interval, checked_threshold, checked_timeout};
use super::super::service::{HEALTH_PATH, checked_base_url, checked_path};
use super::super::workflow::{GOVERNANCE_KEY, LIMIT_KEYS, PIPELINE_KEYS, checked_limit};
use super::super::{HealthStatus, MAX_CONCURRENT_TASKS, Node, Service, Workflow};
use super::catalog::{Item, Kind, path};
use super::shape;
use crate::error::{Error, Result};
use crate::outbound::Url;
use crate::types::{Id, Warning, now};

/// The keys under which users' files say where a service answers with its health.
pub(in crate::registry) const HEALTH_KEYS: [&str; 5] = [
    "healthPath",
    "health_path",
    "healthEndpoint",
    "health",
    "health_check_url",
];

/// How a service is to be probed: our name of the setting first, then those of users' files.
type Setting = (
    &'static [&'static str],
    fn(Option<i64>) -> Result<Option<i64>>,
);

const INTERVAL: Setting = (
    &["probeIntervalMs", "healthCheckIntervalMs"],
    checked_interval,
);
const TIMEOUT: Setting = (
    &["probeTimeoutMs", "healthCheckTimeoutMs", "healthCheckMs"],
    |value| checked_timeout("probeTimeoutMs", value),
);
const HEALTHY: Setting = (&["healthyThreshold"], |value| {
    checked_threshold("healthyThreshold", value)
});
/// How many tasks of a workflow run at once.
const LIMIT: Setting = (&LIMIT_KEYS, |value| value.map(checked_limit).transpose());
const UNHEALTHY: Setting = (&["unhealthyThreshold"], |value| {
    checked_threshold("unhealthyThreshold", value)
});

/// The keys of the settings, ours first, in the order of [`Service::settings`].
pub(in crate::registry) const SETTING_KEYS: [&[&str]; 4] =
    [INTERVAL.0, TIMEOUT.0, HEALTHY.0, UNHEALTHY.0];

/// The users' own words for something that is switched off.
const OFF: [&str; 4] = ["disabled", "inactive", "planned", "deprecated"];

/// Those for a node that takes no work, or is not there yet, whatever else is said.
const IDLE: [&str; 2] = ["available", "scaffold"];

/// Whether a node with this word as its status takes no work.
pub(in crate::registry) fn is_off(word: &str) -> bool {
    OFF.contains(&word) || IDLE.contains(&word)
}

/// The id that an entry of a list has, if it says one.
pub(in crate::registry) fn told_id(body: &Value) -> Option<String> {
    shape::id(body)
}

impl Item {
    /// The value of a setting, if the entry has one that is valid.
    fn setting(&self, setting: Setting) -> Option<i64> {
        self.checked_setting(setting)?.1.ok().flatten()
    }

    /// The key of a setting that the entry has, and its value.
    fn checked_setting(
        &self,
        (keys, check): Setting,
    ) -> Option<(&'static str, Result<Option<i64>>)> {
        let key = *keys.iter().find(|key| self.body.get(key).is_some())?;
        let value = match &self.body[key] {
            Value::Null => Ok(None),
            value => match value.as_i64() {
                Some(value) => check(Some(value)),
                None => Err(Error::invalid_argument(format!(
                    "{key}: must be a whole number"
                ))),
            },
        };
        Some((key, value))
    }

    fn name(&self) -> String {
        self.text("name").unwrap_or(&self.id).to_owned()
    }

    /// The base URL and the path, where the entry says both and its endpoint is nothing but the two together: so an export
    /// writes those that an endpoint alone does not tell apart.
    fn pair(&self) -> Option<(String, String)> {
        let text = |key: &str| self.body.get(key)?.as_str();
        let (endpoint, base, path) = (text("endpoint")?, text("baseUrl")?, text("healthPath")?);
        let host = base.split('/').nth(2).unwrap_or_default();
        let is_pair = endpoint.strip_prefix(base) == Some(path)
            && checked_base_url(base).is_ok_and(|checked| checked == base)
            && !host.contains(PLACEHOLDER)
            && checked_path(path.to_owned()).is_ok();
        is_pair.then(|| (base.to_owned(), path.to_owned()))
    }

    /// The base URL of a service and the path of its health, as an entry by anybody says them.
    fn place(&self) -> (String, String) {
        let health = HEALTH_KEYS
            .iter()
            .find_map(|key| self.text(key).filter(|text| is_health_place(text)));
        let base = ["endpoint", "baseUrl", "base_url", "url"]
            .iter()
            .find_map(|key| absolute(self.text(key)?))
            .or_else(|| absolute(health?))
            .or_else(|| self.local());
        let path = match (health, &base) {
            (Some(path), _) if path.starts_with('/') => Some(path.to_owned()),
            (Some(url), _) if absolute(url).is_some() => {
                absolute(url).map(|url| url.path().to_owned())
            }
            (_, Some(url)) => Some(url.path().to_owned()),
            _ => None,
        };
        let base = base.map(|url| url.origin().ascii_serialization());
        let path = path.filter(|path| path != "/");
        (
            base.unwrap_or_default(),
            path.unwrap_or_else(|| HEALTH_PATH.to_owned()),
        )
    }

    /// The service that this entry declares. Health is not declared, so it begins unknown.
    pub(in crate::registry) fn service(&self) -> Service {
        let (base_url, health_path) = self.pair().unwrap_or_else(|| self.place());
        Service {
            id: Id::from(self.id.as_str()),
            name: self.name(),
            base_url,
            health_path,
            probe_interval_ms: self.setting(INTERVAL),
            probe_timeout_ms: self.setting(TIMEOUT),
            healthy_threshold: self.setting(HEALTHY),
            unhealthy_threshold: self.setting(UNHEALTHY),
            status: HealthStatus::Unknown,
            status_reason: None,
            status_changed_at: None,
            last_healthy_at: None,
            report_expires_at: None,
            last_probe: None,
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 0,
        }
    }

    /// What there is to say about where this service is asked for its health, and the key that says so.
    fn health_warning(&self, service: &Service) -> Option<(&'static str, String)> {
        // `health` is a word about it as often as a place.
        let keys = HEALTH_KEYS.iter().filter(|key| **key != "health");
        let (key, text) = keys.copied().find_map(|key| Some((key, self.text(key)?)))?;
        if !is_health_place(text) {
            let message =
                "is neither a path that begins with '/' nor a URL of http or https; left out";
            return Some((key, message.to_owned()));
        }
        let asked = format!("{}{}", service.base_url, service.health_path);
        let elsewhere = |url: Url| url.origin().ascii_serialization() != service.base_url;
        absolute(text).is_some_and(elsewhere).then(|| {
            let message =
                format!("is at another place than the service, which is asked at {asked}");
            (key, message)
        })
    }

    /// The URL of a service that has a port: on this machine, unless it names a host. A host that is a whole URL needs no
    /// port, and takes the one beside it if it says none.
    fn local(&self) -> Option<Url> {
        let (_, host) = self.host().unwrap_or(("host", "localhost"));
        if let Some(mut url) = absolute(host) {
            if let Some(port) = self.port().filter(|_| url.port().is_none()) {
                url.set_port(Some(port)).ok()?;
            }
            return Some(url);
        }
        // Anything else that a URL takes apart would be another address than the one that is meant.
        let is_host = !host.contains(['/', '\\', '?', '#', '@']);
        is_host.then_some(())?;
        absolute(&format!("http://{host}:{}", self.port()?))
    }

    /// The host that the entry names, and under which key.
    fn host(&self) -> Option<(&'static str, &str)> {
        ["host", "hostname"]
            .into_iter()
            .find_map(|key| Some((key, self.text(key)?)))
    }

    fn port(&self) -> Option<u16> {
        let port = match self.body.get("port")? {
            Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        port.filter(|port| *port > 0)
    }

    /// The node that this entry declares.
    pub(in crate::registry) fn node(&self) -> Node {
        let triggers = self
            .body
            .get("triggers")
            .or_else(|| self.body.get("trigger_on"))
            .and_then(Value::as_array);
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
            enabled: self.is_in_use()
                && self.text("status").is_none_or(|word| !IDLE.contains(&word)),
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 0,
        }
    }

    /// Whether its owner means it to be there, and not only to be written down.
    pub(in crate::registry) fn is_in_use(&self) -> bool {
        let off = self.text("status").is_some_and(|word| OFF.contains(&word));
        self.body
            .get("enabled")
            .and_then(Value::as_bool)
            .unwrap_or(!off)
    }

    fn pipeline(&self) -> Option<&str> {
        PIPELINE_KEYS.iter().find_map(|key| self.text(key))
    }

    fn governance(&self) -> Option<&Map<String, Value>> {
        self.body.get(GOVERNANCE_KEY)?.as_object()
    }

    /// The workflow that this entry declares; it can be run once a definition of its name is registered.
    pub(in crate::registry) fn workflow(&self) -> Workflow {
        Workflow {
            id: Id::from(self.id.as_str()),
            name: self.name(),
            pipeline_id: self.pipeline().unwrap_or(&self.id).to_owned(),
            max_concurrent_tasks: self.setting(LIMIT).unwrap_or(MAX_CONCURRENT_TASKS),
            governance: Value::Object(self.governance().cloned().unwrap_or_default()).into(),
            metadata: self.body.clone().into(),
            created_at: now(),
            updated_at: now(),
            resource_version: 0,
        }
    }
}

/// Whether a text says where a service answers with its health.
pub(in crate::registry) fn is_health_place(text: &str) -> bool {
    text.starts_with('/') && !text.contains(char::is_control) || absolute(text).is_some()
}

/// What no address has that can be called.
const PLACEHOLDER: [char; 3] = ['$', '{', '<'];

/// An address that can be called; one with a placeholder in it is none yet.
fn absolute(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && !text.contains(PLACEHOLDER)
    })
}

/// What a text is that is no address to call.
fn no_address(text: &str) -> &'static str {
    let is_other = Url::parse(text).is_ok_and(|url| url.has_host());
    if is_other && !text.contains(PLACEHOLDER) {
        "a URL, but not of http or https"
    } else {
        "no absolute URL"
    }
}

/// What there is to say about where services run and how they are probed, and about how workflows are run.
pub(super) fn check_settings(items: &[Item]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for item in items.iter().filter(|item| item.kind == Kind::Workflow) {
        let mut warn = |key: &str, message: &str| {
            let path = format!("{}.{key}", item.path());
            warnings.push(Warning::new("WORKFLOW_SETTING", path, message));
        };
        if let Some((key, Err(error))) = item.checked_setting(LIMIT) {
            warn(key, &format!("{}; left out", error.message()));
        }
        for key in PIPELINE_KEYS {
            if item.body.get(key).is_some() && item.text(key).is_none() {
                warn(key, "must be the name of a pipeline; left out");
            }
        }
        if item.body.get(GOVERNANCE_KEY).is_some() && item.governance().is_none() {
            warn(GOVERNANCE_KEY, "must be an object; left out");
        }
    }
    let mut assumed: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for item in items.iter().filter(|item| item.kind == Kind::Service) {
        for setting in [INTERVAL, TIMEOUT, HEALTHY, UNHEALTHY] {
            if let Some((key, Err(error))) = item.checked_setting(setting) {
                let message = format!("{}; left out", error.message());
                let path = format!("{}.{key}", item.path());
                warnings.push(Warning::new("PROBE_SETTING", path, message));
            }
        }
        let (endpoint, service) = (item.text("endpoint"), item.service());
        if let Some((key, message)) = item.health_warning(&service) {
            let path = format!("{}.{key}", item.path());
            warnings.push(Warning::new("PROBE_SETTING", path, message));
        }
        if service.base_url.is_empty() {
            let is_short = |text: &str| text.chars().count() <= 60;
            let (key, message) = match (endpoint, item.host()) {
                (Some(endpoint), _) if is_short(endpoint) => (
                    "endpoint",
                    format!(
                        "'{endpoint}' is {}, so this service is never probed",
                        no_address(endpoint)
                    ),
                ),
                (None, Some((key, host))) if item.port().is_some() && is_short(host) => (
                    key,
                    format!(
                        "'{host}' is neither a host nor a URL of http or https, so this service is never probed"
                    ),
                ),
                _ => (
                    "endpoint",
                    "neither an absolute URL nor a port, so this service is never probed"
                        .to_owned(),
                ),
            };
            let path = format!("{}.{key}", item.path());
            warnings.push(Warning::new("NO_BASE_URL", path, message));
        } else if item.port().is_some()
            && endpoint.and_then(absolute).is_none()
            && item.host().is_none()
        {
            let place = *places.entry(&item.section).or_insert_with(|| {
                assumed.push((&item.section, 0));
                assumed.len() - 1
            });
            assumed[place].1 += 1;
        }
    }
    for (section, count) in assumed {
        let message = format!("localhost is assumed for {count} with a port and no host");
        warnings.push(Warning::new(
            "ASSUMED_LOCALHOST",
            path(section, ""),
            message,
        ));
    }
    warnings
}
