//! Services that report their health themselves: a report holds for a while, and one that is not repeated in time makes
//! the service unhealthy. While it holds, no probe overrules it; once it has run out, a service that can be probed is
//! judged by probes again.

use std::sync::Arc;

use serde_json::json;

use super::record::last_healthy;
use super::{ReportHealth, queries};
use crate::error::{Error, Result};
use crate::registry::edit::{Edit, Editors, Step};
use crate::registry::entry::{Entry, Present};
use crate::registry::put::LIGHT;
use crate::registry::{HealthStatus, Service};
use crate::store::{Store, check_storable};
use crate::types::Id;

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
        // A report that ran out unseen was an unhealthy spell, of which those who watch have to be told.
        let seen = old.clone().seen_at(at);
        let mut service = Service {
            status,
            status_reason: note.clone(),
            report_expires_at: Some(until),
            ..seen.clone()
        };
        if status == HealthStatus::Healthy {
            service.last_healthy_at = last_healthy(old.last_healthy_at, Some(at), at);
        }
        let step = if status == seen.status {
            Step::Note(service)
        } else {
            service.status_changed_at = Some(at);
            let details = json!({"change": "HEALTH", "status": status, "ttlSeconds": ttl_seconds});
            Step::Report(service, details)
        };
        if seen == *old {
            step
        } else {
            Step::Overdue(seen, Box::new(step))
        }
    })
    .await
}

/// A change of a service's health.
pub(super) async fn change<F>(
    editors: &Editors,
    actor: &Arc<str>,
    id: Id,
    change: F,
) -> Result<Service>
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
