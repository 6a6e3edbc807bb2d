//! Health probes: one GET per service, and what its answer means.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::edit::{Edit, Editors, Step};
use super::entry::Present;
use super::{HealthStatus, Probe, ProbeOptions, ProbeReport, Service, entry};
use crate::error::{Error, ErrorKind, Result};
use crate::outbound::{HttpClient, HttpRequest, Url};
use crate::store::Store;
use crate::types::{Id, Timestamp, now};

const DEFAULT_TIMEOUT_MS: i64 = 5_000;

/// How many services are asked at once.
const PARALLEL: usize = 16;

pub(super) async fn probe(
    store: &Store,
    editors: &Editors,
    http: &HttpClient,
    options: ProbeOptions,
) -> Result<ProbeReport> {
    let timeout = options.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
    if !(1..=600_000).contains(&timeout) {
        return Err(Error::invalid_argument(format!(
            "timeoutMs: must be between 1 and 600000, not {timeout}"
        )));
    }
    let timeout = Duration::from_millis(timeout.unsigned_abs());
    let (mut services, _): (Vec<Service>, _) = entry::list(store).await?;
    // Whoever registered a service allowed it to be asked for its health.
    let http = http.with_rules(
        http.rules()
            .with_services(services.iter().map(|service| service.base_url.as_str())),
    );
    if let Some(wanted) = &options.services {
        if let Some(missing) = wanted
            .iter()
            .find(|id| services.iter().all(|service| service.id.as_str() != **id))
        {
            return Err(Error::not_found("service", missing));
        }
        services.retain(|service| wanted.iter().any(|id| id == service.id.as_str()));
    }
    let mut probes = Vec::with_capacity(services.len());
    let mut waiting = services.into_iter();
    let mut asking: JoinSet<Result<Probe>> = JoinSet::new();
    loop {
        while asking.len() < PARALLEL {
            let Some(service) = waiting.next() else { break };
            asking.spawn(probe_one(editors.clone(), http.clone(), service, timeout));
        }
        let Some(probe) = asking.join_next().await else {
            break;
        };
        probes.push(
            probe
                .map_err(|error| Error::internal("a probe ended in a panic").caused_by(error))??,
        );
    }
    probes.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(ProbeReport { probes })
}

async fn probe_one(
    editors: Editors,
    http: HttpClient,
    service: Service,
    timeout: Duration,
) -> Result<Probe> {
    if service.base_url.is_empty() {
        let reason = Some("it has no base URL, so nobody can ask it".to_owned());
        return Ok(Probe {
            id: service.id,
            status: HealthStatus::Unknown,
            latency_ms: None,
            reason,
        });
    }
    let started = Instant::now();
    let answer = ask(&http, &service, timeout).await;
    let latency_ms = answer
        .is_ok()
        .then(|| started.elapsed().as_secs_f64() * 1000.0);
    let (status, reason) = match answer {
        Ok(200..=299) => (HealthStatus::Healthy, None),
        Ok(status) => (
            HealthStatus::Degraded,
            Some(format!("answered with status {status}")),
        ),
        Err(error) => (HealthStatus::Unhealthy, Some(error.message().to_owned())),
    };
    observe(&editors, &service.id, status, reason.clone(), now()).await?;
    Ok(Probe {
        id: service.id,
        status,
        latency_ms,
        reason,
    })
}

async fn ask(http: &HttpClient, service: &Service, timeout: Duration) -> Result<u16> {
    let url =
        Url::parse(&format!("{}{}", service.base_url, service.health_path)).map_err(|error| {
            Error::invalid_argument("its health path makes no URL").caused_by(error)
        })?;
    let mut request = HttpRequest::get(url);
    request.timeout = Some(timeout);
    Ok(http.send(request).await?.status)
}

/// Writes what was seen of a service, if that says anything new. A service that is gone meanwhile needs no health.
async fn observe(
    editors: &Editors,
    id: &Id,
    status: HealthStatus,
    reason: Option<String>,
    at: Timestamp,
) -> Result<()> {
    let decide = {
        let id = id.clone();
        move |present: Option<&Present<Service>>| {
            let old = present.ok_or_else(|| Error::not_found("service", &id))?;
            Ok(seen(&old.entry, status, reason.as_deref(), at))
        }
    };
    let edit = Edit {
        id: id.clone(),
        actor: "".into(),
        weight: super::put::LIGHT,
        decide: Box::new(decide),
    };
    match editors.edit(edit).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What it comes to that a service had this status at this time.
fn seen(old: &Service, status: HealthStatus, reason: Option<&str>, at: Timestamp) -> Step<Service> {
    let mut service = old.clone();
    if status == HealthStatus::Healthy {
        service.last_healthy_at = service.last_healthy_at.max(Some(at));
    }
    if status != old.status {
        service.status = status;
        service.status_reason = reason.map(str::to_owned);
        service.status_changed_at = Some(at);
        Step::Observe(service)
    } else if service == *old {
        Step::Keep(service)
    } else {
        Step::Note(service)
    }
}
