//! Services that report their health themselves: a report holds for a while, and one that is not repeated in time makes
//! the service unhealthy. While it holds, no probe overrules it; once it has run out, a service that can be probed is
//! judged by probes again.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use super::record::last_healthy;
use super::{Prober, ReportHealth, queries};
use crate::error::{Error, ErrorKind, Result};
use crate::registry::edit::{Edit, Editors, Step};
use crate::registry::entry::{Entry, Present};
use crate::registry::put::LIGHT;
use crate::registry::{HealthStatus, Service};
use crate::store::{Store, check_storable};
use crate::types::{Id, Timestamp};

/// The longest note, in characters.
const MAX_NOTE: usize = 500;

const MAX_TTL_SECONDS: i64 = 86_400;

/// Records what a service says of itself, and returns it.
pub(in crate::registry) async fn report(
    store: &Store,
    editors: &Editors,
    actor: &Arc<str>,
    report: ReportHealth,
) -> Result<Service> {
    let ReportHealth {
        id,
        status,
        ttl_seconds,
        note,
    } = report;
    if status == HealthStatus::Unknown {
        return Err(Error::invalid_argument(
            "status: a service that reports knows how it is: HEALTHY, DEGRADED or UNHEALTHY",
        ));
    }
    if !(1..=MAX_TTL_SECONDS).contains(&ttl_seconds) {
        return Err(Error::invalid_argument(format!(
            "ttlSeconds: must be between 1 and {MAX_TTL_SECONDS}, not {ttl_seconds}"
        )));
    }
    if let Some(note) = &note {
        if note.chars().count() > MAX_NOTE {
            return Err(Error::invalid_argument(format!(
                "note: must have at most {MAX_NOTE} characters"
            )));
        }
        check_storable(&note.as_str().into())?;
    }
    let id = Id::from(id);
    // Reports run out by the database's clock, which is the same for whoever reads them.
    let at = queries::clock(store).await?;
    let until = at + chrono::TimeDelta::seconds(ttl_seconds);
    change(editors, actor, id, move |old| {
        // A report that ran out unseen was an unhealthy spell.
        let old_status = old.clone().seen_at(at).status;
        let mut service = Service {
            status,
            status_reason: note.clone(),
            report_expires_at: Some(until),
            ..old.clone()
        };
        if status == HealthStatus::Healthy {
            service.last_healthy_at = last_healthy(old.last_healthy_at, Some(at), at);
        }
        if status == old_status {
            return Step::Note(service);
        }
        service.status_changed_at = Some(at);
        let details = json!({"change": "HEALTH", "status": status, "ttlSeconds": ttl_seconds});
        Step::Report(service, details)
    })
    .await
}

/// Calls a service unhealthy whose last report has run out; whoever comes second changes nothing.
async fn expire(editors: &Editors, id: Id, at: Timestamp) -> Result<()> {
    let (nobody, of) = (Arc::from(""), id.clone());
    let expired = change(editors, &nobody, id, move |old| {
        let seen = old.clone().seen_at(at);
        if seen == *old {
            Step::Keep(seen)
        } else {
            Step::Observe(seen)
        }
    });
    match expired.await {
        Err(error) if error.kind() == ErrorKind::DataLoss => {
            tracing::warn!(
                "the last report of the service '{of}' has run out, which is not written: {error}"
            );
            Ok(())
        }
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

impl Prober {
    /// Calls all services unhealthy whose last report has run out at this time.
    pub(super) async fn expire_reports(&self, at: Timestamp) -> Result<()> {
        // At once, so that the lane writes them together.
        let mut expiring = JoinSet::new();
        for id in queries::expired(self.store(), at).await? {
            let editors = self.editors().clone();
            expiring.spawn(async move { expire(&editors, id, at).await });
        }
        let mut outcome = Ok(());
        while let Some(expired) = expiring.join_next().await {
            let expired = expired.map_err(|error| {
                Error::internal("expiring a report ended in a panic").caused_by(error)
            });
            // One that fails is no reason to give the others up.
            outcome = outcome.and(expired.flatten());
        }
        outcome
    }
}

/// A change of a service's health.
async fn change<F>(editors: &Editors, actor: &Arc<str>, id: Id, change: F) -> Result<Service>
where
    F: Fn(&Service) -> Step<Service> + Send + Sync + 'static,
{
    let decide = {
        let id = id.clone();
        move |present: Option<&Present<Service>>| {
            let old = present.ok_or_else(|| Error::not_found("service", &id))?;
            Ok(change(&old.entry))
        }
    };
    let edit = Edit {
        id,
        actor: actor.clone(),
        weight: LIGHT,
        deletes: false,
        decide: Box::new(decide),
    };
    editors.edit(edit).await
}
