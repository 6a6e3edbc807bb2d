//! One round now, because somebody asks: what it finds decides at once.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::ask::{Answer, ask};
use super::record::{Observation, Weight, record};
use super::settings::{Settings, checked_timeout, milliseconds};
use super::streak::Streak;
use super::{Probe, ProbeOptions, ProbeReport, Prober};
use crate::error::{Error, Result};
use crate::registry::list::{self, Listed, Unreadable};
use crate::registry::{HealthStatus, Service};
use crate::types::Id;

/// How many services are asked at once.
const PARALLEL: usize = 64;

/// What was found of a service, and the address at which it was asked.
pub(in crate::registry) struct Asked {
    pub(in crate::registry) probe: Probe,
    /// None if it was not asked.
    pub(in crate::registry) address: Option<String>,
}

impl Prober {
    /// Asks services for their health, records what they answer and returns it. It ends with the engine, whatever does not
    /// answer then.
    pub(in crate::registry) async fn probe(
        &self,
        actor: &Arc<str>,
        options: ProbeOptions,
    ) -> Result<ProbeReport> {
        let asked = self.probe_addresses(actor, options).await?;
        let probes = asked.into_iter().map(|asked| asked.probe).collect();
        Ok(ProbeReport { probes })
    }

    /// The same with the address of each answer.
    pub(in crate::registry) async fn probe_addresses(
        &self,
        actor: &Arc<str>,
        options: ProbeOptions,
    ) -> Result<Vec<Asked>> {
        let closing = &self.inner.closing;
        let probed = closing.run_until_cancelled(self.probe_all(actor, options));
        let closed = || Err(Error::unavailable("the engine is closed"));
        probed.await.unwrap_or_else(closed)
    }

    async fn probe_all(&self, actor: &Arc<str>, options: ProbeOptions) -> Result<Vec<Asked>> {
        let timeout = checked_timeout("timeoutMs", options.timeout_ms)?.map(milliseconds);
        let Listed {
            entries,
            unreadable,
            ..
        } = list::list::<Service>(self.store()).await?;
        let (services, unreadable) = wanted(entries, unreadable, options.services)?;
        let http = self.http()?.clone();
        let mut found_of: Vec<Asked> = unreadable.iter().map(unread).collect();
        let mut asking = JoinSet::new();
        let mut waiting = services.into_iter();
        loop {
            while asking.len() < PARALLEL {
                let Some(service) = waiting.next() else { break };
                if service.base_url.is_empty() {
                    found_of.push(unknown(service));
                    continue;
                }
                let http = http.clone();
                asking.spawn(async move {
                    let timeout = timeout.unwrap_or(Settings::of(&service).timeout);
                    let answer = ask(&http, &service.base_url, &service.health_path, timeout).await;
                    (service, answer)
                });
            }
            let Some(first) = asking.join_next().await else {
                break;
            };
            // As it comes, and not at the end: by then another probe may have found something else.
            let mut found = Vec::new();
            let mut next = Some(first);
            while let Some(asked) = next {
                let (service, answer): (Service, Answer) = asked.map_err(|error| {
                    Error::internal("a probe ended in a panic").caused_by(error)
                })?;
                found_of.push(Asked {
                    address: Some(service.address()),
                    probe: Probe {
                        id: service.id.clone(),
                        status: answer.status,
                        latency_ms: answer.latency_ms,
                        reason: answer.reason.clone(),
                    },
                });
                found.push(observed(service, &answer));
                next = asking.try_join_next();
            }
            let asked_by = Some(actor.clone());
            record(self.store(), self.feed(), self.id(), asked_by, found).await?;
            self.editors().forget();
        }
        found_of.sort_by(|a, b| a.probe.id.cmp(&b.probe.id));
        Ok(found_of)
    }
}

/// The services that are to be asked, and those of them that cannot be read.
fn wanted(
    mut services: Vec<Service>,
    mut unreadable: Vec<Unreadable>,
    ids: Option<Vec<String>>,
) -> Result<(Vec<Service>, Vec<Unreadable>)> {
    if let Some(ids) = ids {
        let there: HashSet<&str> = services
            .iter()
            .map(|service| service.id.as_str())
            .chain(unreadable.iter().map(|service| service.id.as_str()))
            .collect();
        if let Some(missing) = ids.iter().find(|id| !there.contains(id.as_str())) {
            return Err(Error::not_found("service", missing));
        }
        let ids: HashSet<&str> = ids.iter().map(String::as_str).collect();
        services.retain(|service| ids.contains(service.id.as_str()));
        unreadable.retain(|service| ids.contains(service.id.as_str()));
    }
    Ok((services, unreadable))
}

fn unread(service: &Unreadable) -> Asked {
    not_asked(service.id.clone(), service.told())
}

fn unknown(service: Service) -> Asked {
    let reason = "it has no base URL, so nobody can ask it";
    not_asked(service.id, reason.to_owned())
}

fn not_asked(id: Id, reason: String) -> Asked {
    Asked {
        address: None,
        probe: Probe {
            id,
            status: HealthStatus::Unknown,
            latency_ms: None,
            reason: Some(reason),
        },
    }
}

fn observed(service: Service, answer: &Answer) -> Observation {
    let streak = Streak::after(None, answer.status);
    Observation {
        id: service.id,
        base_url: service.base_url,
        health_path: service.health_path,
        healthy_at: (answer.status == HealthStatus::Healthy).then_some(answer.at),
        last: answer.found(streak),
        streak,
        weight: Weight::Decides,
    }
}
