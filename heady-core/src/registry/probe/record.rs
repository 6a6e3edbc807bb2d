//! What probes found, written in one transaction: a status only where it changes, with its event, and beside it what was
//! found last, which nobody is told.
//!
//! An audit row only where somebody asked: nobody did for what a prober finds. The transaction holds the registry's lock, under which services change
//! hands too, so a prober whose service was taken over writes nothing more of it.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::queries;
use super::streak::{Streak, Thresholds};
use crate::audit::{self, Record};
use crate::error::Result;
use crate::registry::entry::{self, Entry, Present};
use crate::registry::history::History;
use crate::registry::watch::Feed;
use crate::registry::{HealthStatus, LastProbe, Service};
use crate::store::{Store, time_text};
use crate::types::{Id, Timestamp, now};

/// How far a time may lie ahead of the database's clock and not be in the future: clocks that are kept in step differ less.
pub(super) const AHEAD: TimeDelta = TimeDelta::seconds(1);

/// The later of two times, but none in the future, where a clock that was put back left it: of two that lie there, what was
/// found is newer than what was known.
pub(super) fn later(
    known: Option<Timestamp>,
    found: Option<Timestamp>,
    clock: Timestamp,
) -> Option<Timestamp> {
    let has_been = |time: &Timestamp| *time <= clock + AHEAD;
    let times = known.filter(has_been).max(found.filter(has_been));
    times.or(found).or(known)
}

/// When a service was last healthy, of what was known and what was just found, whose clock may be ahead of this one.
pub(super) fn last_healthy(
    known: Option<Timestamp>,
    found: Option<Timestamp>,
    clock: Timestamp,
) -> Option<Timestamp> {
    let found = found.map(|found| if found > clock + AHEAD { clock } else { found });
    later(known, found, clock)
}

/// How much what was found counts.
#[derive(Debug, Clone, Copy)]
pub(super) enum Weight {
    /// Somebody asked: it decides at once.
    Decides,
    /// The prober with this fence asked: as much as it has found in a row.
    Counted {
        fence: i64,
        thresholds: Thresholds,
        /// Whether it changes the status, as far as the prober knows.
        turns: bool,
    },
}

/// What was found of a service.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    pub(super) id: Id,
    pub(super) base_url: String,
    pub(super) health_path: String,
    pub(super) last: LastProbe,
    pub(super) streak: Streak,
    /// When the same prober last found it healthy, if that is not written yet.
    pub(super) healthy_at: Option<Timestamp>,
    pub(super) weight: Weight,
}

/// What became of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// It is written, and this is the service's status, where that was looked at.
    Written(Option<HealthStatus>),
    /// It is written, and changes nothing, because the service speaks for itself until then.
    Speaks(Instant),
    /// The service is gone, somewhere else, or another prober's.
    Refused,
}

/// Writes what was found, and says of each observation what became of it. If somebody asked for it, the audit log names who
/// did beside each status that changed.
pub(super) async fn record(
    store: &Store,
    feed: &Feed,
    prober: &Id,
    asked_by: Option<Arc<str>>,
    observations: Vec<Observation>,
) -> Result<Vec<Recorded>> {
    if observations.is_empty() {
        return Ok(Vec::new());
    }
    let prober = prober.clone();
    // Only where a status may change does it matter whose clock says what time it is.
    let clock = if observations.iter().any(Observation::may_turn) {
        queries::clock(store).await?
    } else {
        now()
    };
    let (recorded, news) = store
        .write(move |transaction| {
            Box::pin(async move {
                let mut history = History::begin(transaction).await?;
                let looked_at: Vec<&Id> = observations
                    .iter()
                    .filter(|found| found.may_turn())
                    .map(|found| &found.id)
                    .collect();
                let present = entry::present::<Service>(transaction, &looked_at).await?;
                let document = observations.iter().map(Observation::row).collect();
                let written = queries::put_found(transaction, &prober, document).await?;
                let written: HashSet<Id> = written.into_iter().collect();
                let healthy: Vec<&Id> = observations
                    .iter()
                    .filter(|found| found.healthy_at.is_some() && written.contains(&found.id))
                    .map(|found| &found.id)
                    .collect();
                if !healthy.is_empty() {
                    queries::correct_healthy(transaction, &healthy).await?;
                }
                let mut recorded = Vec::with_capacity(observations.len());
                let mut audited = Vec::new();
                for found in &observations {
                    let before = history.end().revision;
                    recorded.push(match present.get(&found.id) {
                        _ if !written.contains(&found.id) => Recorded::Refused,
                        None => Recorded::Written(None),
                        Some(present) => found.apply(present, clock, &mut history)?,
                    });
                    if history.end().revision > before
                        && let Some(actor) = &asked_by
                    {
                        audited.push(found.audited(actor));
                    }
                }
                let news = history.write(transaction).await?;
                if !audited.is_empty() {
                    audit::append(transaction, &audited).await?;
                }
                Ok((recorded, news))
            })
        })
        .await?;
    feed.tell(news);
    Ok(recorded)
}

impl Observation {
    fn may_turn(&self) -> bool {
        match self.weight {
            Weight::Decides => true,
            Weight::Counted { turns, .. } => turns,
        }
    }

    /// Changes the service's status if this is enough for it.
    fn apply(
        &self,
        present: &Present<Service>,
        clock: Timestamp,
        history: &mut History,
    ) -> Result<Recorded> {
        let old = Service::clone(&present.entry).seen_at(clock);
        // What was found while the service speaks for itself says nothing.
        if let Some(until) = queries::speaks_until(old.report_expires_at, clock) {
            return Ok(Recorded::Speaks(until));
        }
        let status = match self.weight {
            Weight::Decides => self.last.status,
            Weight::Counted { thresholds, .. } => self.streak.verdict(old.status, thresholds),
        };
        if status != old.status {
            if old != *present.entry {
                // Its last report ran out, which nobody has written: those who watch have to be told.
                history.observe(&old, &present.place)?;
            }
            let service = Service {
                status,
                status_reason: self.last.reason.clone(),
                status_changed_at: Some(self.last.at),
                last_healthy_at: last_healthy(old.last_healthy_at, self.healthy_at, clock),
                report_expires_at: None,
                last_probe: Some(self.last.clone()),
                ..old
            };
            history.observe(&service, &present.place)?;
        }
        Ok(Recorded::Written(Some(status)))
    }

    fn audited(&self, actor: &str) -> Record {
        let target = format!("service:{}", self.id);
        let details = json!({"change": "HEALTH", "status": self.last.status, "probed": true});
        Record::new(actor, "CONFIG_CHANGE", target, "SUCCEEDED").with(details)
    }

    fn row(&self) -> Value {
        let fence = match self.weight {
            Weight::Decides => None,
            Weight::Counted { fence, .. } => Some(fence),
        };
        json!({
            "id": self.id, "fence": fence, "base_url": self.base_url, "health_path": self.health_path,
            "probed_at": time_text(self.last.at), "found": self.last.status, "found_reason": self.last.reason,
            "latency_ms": self.last.latency_ms, "repeated": self.streak.repeated, "failures": self.streak.failures,
            "healthy_at": self.healthy_at.map(time_text),
        })
    }
}
