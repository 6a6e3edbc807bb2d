//! Health probes: one GET per service, and what its answer means.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{HealthStatus, Probe, ProbeOptions, ProbeReport, Service, entry, queries};
use crate::error::{Error, Result};
use crate::outbound::{HttpClient, HttpRequest, Url};
use crate::store::Store;
use crate::types::now;

const DEFAULT_TIMEOUT_MS: i64 = 5_000;

/// How many services are asked at once.
const PARALLEL: usize = 16;

pub(super) async fn probe(
    store: &Store,
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
    let mut services: Vec<Service> = entry::list(store).await?;
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
            asking.spawn(probe_one(store.clone(), http.clone(), service, timeout));
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
    store: Store,
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
    queries::report_health(&store, &service.id, status, now()).await?;
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
