//! The services that this process probes: when each is due, what was found, and what of that is not written yet.
//!
//! Everything here is told the time, so that it can be tested without a clock.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::ask::Answer;
use super::record::{Observation, Weight, later};
use super::settings::Settings;
use super::streak::Streak;
use crate::registry::{HealthStatus, LastProbe, Service};
use crate::types::{Id, Timestamp, seed_of_text};

/// The most that an answer stays unwritten: what a crash may cost.
const WRITE_WITHIN: Duration = Duration::from_secs(1);

/// Within which time a service is asked that is due when this process takes it: at its usual pace it would be too. Short, so
/// that one of a long interval is asked in a process that does not live long, and not at once for thousands.
const FIRST_WITHIN: Duration = Duration::from_secs(10);

/// A service as the database gives it to its prober.
#[derive(Debug, Clone)]
pub(super) struct Assigned {
    pub(super) id: Id,
    pub(super) base_url: String,
    pub(super) health_path: String,
    pub(super) settings: Settings,
    pub(super) status: HealthStatus,
    /// Until when its own last report holds.
    pub(super) speaks_until: Option<Instant>,
    pub(super) fence: i64,
    /// How long ago it was last asked at this place, by the database's clock; none if it was not, or in the future.
    pub(super) probed: Option<Duration>,
    /// What the prober before found at this place.
    pub(super) streak: Option<Streak>,
}

impl Assigned {
    /// Whether it is another service than that, as far as a probe under way is concerned.
    fn is_elsewhere(&self, other: &Self) -> bool {
        self.fence != other.fence
            || self.base_url != other.base_url
            || self.health_path != other.health_path
    }
}

#[derive(Debug)]
struct Target {
    service: Assigned,
    /// What was found since this process probes it, in a row.
    streak: Option<Streak>,
    last: Option<LastProbe>,
    healthy_at: Option<Timestamp>,
    /// Whether that is to be written: once it is, somebody else may know better.
    healthy_is_new: bool,
    due: Instant,
    /// How often it was due, for its jitter.
    round: u64,
    /// Ends the probe that is under way.
    asking: Option<CancellationToken>,
}

/// A probe to make.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) service: Assigned,
    /// Whether it last gave an answer, of whatever kind.
    pub(super) answers: bool,
    /// Cancelled when the answer is of no use any more.
    pub(super) given_up: CancellationToken,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Roster {
    targets: HashMap<Id, Target>,
    due: BTreeSet<(Instant, Id)>,
    /// Those with something to write, and when that is to be written at the latest.
    unwritten: HashMap<Id, Instant>,
    /// How far the database's clock is ahead of this process's.
    clock_ahead: TimeDelta,
}

impl Roster {
    /// Takes the services that are assigned now, in place of all before.
    pub(super) fn assign(&mut self, services: Vec<Assigned>, at: Instant) {
        let mut before = std::mem::take(&mut self.targets);
        self.due.clear();
        for service in services {
            let target = match before.remove(&service.id) {
                Some(target) if !target.service.is_elsewhere(&service) => {
                    target.renewed(service, at)
                }
                Some(target) => {
                    target.give_up();
                    self.unwritten.remove(&service.id);
                    Target::new(service, at)
                }
                None => Target::new(service, at),
            };
            self.add(target);
        }
        before.values().for_each(Target::give_up);
        self.unwritten.retain(|id, _| self.targets.contains_key(id));
    }

    fn add(&mut self, target: Target) {
        let id = target.service.id.clone();
        if target.asking.is_none() {
            self.due.insert((target.due, id.clone()));
        }
        self.targets.insert(id, target);
    }

    /// Lets go of so many services, those that nobody is asking first.
    pub(super) fn release(&mut self, count: usize) -> Vec<Id> {
        let mut ids: Vec<_> = self
            .targets
            .values()
            .map(|target| (target.asking.is_some(), target.service.id.clone()))
            .collect();
        ids.sort();
        ids.truncate(count);
        ids.into_iter()
            .filter_map(|(_, id)| self.drop_target(&id).then_some(id))
            .collect()
    }

    fn drop_target(&mut self, id: &Id) -> bool {
        let Some(target) = self.targets.remove(id) else {
            return false;
        };
        self.due.remove(&(target.due, id.clone()));
        self.unwritten.remove(id);
        target.give_up();
        true
    }

    /// Forgets a service that is gone, somewhere else, or another prober's now.
    pub(super) fn forget(&mut self, id: &Id) {
        self.drop_target(id);
    }

    /// When the next probe is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// The probes that are due. Each service has one under way at most.
    pub(super) fn take_due(&mut self, at: Instant) -> Vec<Call> {
        let mut calls = Vec::new();
        while let Some((due, _)) = self.due.first()
            && *due <= at
        {
            let Some((_, id)) = self.due.pop_first() else {
                break;
            };
            let Some(target) = self.targets.get_mut(&id) else {
                continue;
            };
            if let Some(until) = target.service.speaks_until.filter(|until| *until > at) {
                target.due = until;
                self.due.insert((target.due, id));
                continue;
            }
            let given_up = CancellationToken::new();
            target.asking = Some(given_up.clone());
            calls.push(Call {
                service: target.service.clone(),
                answers: target
                    .last
                    .as_ref()
                    .is_none_or(|last| last.latency_ms.is_some()),
                given_up,
            });
        }
        calls
    }

    /// Takes an answer; one that nobody waits for any more changes nothing.
    pub(super) fn answered(&mut self, call: &Call, answer: &Answer, at: Instant) {
        let id = &call.service.id;
        let Some(target) = waiting(&mut self.targets, call) else {
            return;
        };
        let streak = Streak::after(target.streak, answer.status);
        target.streak = Some(streak);
        if answer.status == HealthStatus::Healthy {
            target.healthy_at = Some(answer.at);
            target.healthy_is_new = true;
        }
        target.last = Some(answer.found(streak));
        target.rest(at);
        self.due.insert((target.due, id.clone()));
        let within = if target.turns() {
            Duration::ZERO
        } else {
            WRITE_WITHIN.min(target.service.settings.interval / 2)
        };
        let by = self.unwritten.entry(id.clone()).or_insert(at + within);
        *by = (*by).min(at + within);
    }

    /// Takes note that a probe came to nothing; the service's next one is due as if it had.
    pub(super) fn unanswered(&mut self, call: &Call, at: Instant) {
        if let Some(target) = waiting(&mut self.targets, call) {
            target.rest(at);
            self.due.insert((target.due, call.service.id.clone()));
        }
    }

    /// When something has to be written at the latest.
    pub(super) fn write_due(&self) -> Option<Instant> {
        self.unwritten.values().min().copied()
    }

    /// All that is not written yet.
    pub(super) fn unwritten(&self) -> Vec<Observation> {
        let targets = self.unwritten.keys().filter_map(|id| self.targets.get(id));
        targets.filter_map(Target::observation).collect()
    }

    /// Takes note that an observation is written, and what the service's status is since.
    pub(super) fn written(&mut self, observation: &Observation, status: Option<HealthStatus>) {
        let Some(target) = self.targets.get_mut(&observation.id) else {
            return;
        };
        if let Some(status) = status {
            target.service.status = status;
        }
        if target.healthy_at == observation.healthy_at {
            target.healthy_is_new = false;
        }
        if target.last.as_ref() == Some(&observation.last) {
            self.unwritten.remove(&observation.id);
        }
    }

    /// Takes note that an observation is written, and that the service speaks for itself until then.
    pub(super) fn speaks(&mut self, observation: &Observation, until: Instant) {
        self.written(observation, None);
        if let Some(target) = self.targets.get_mut(&observation.id) {
            target.service.speaks_until = Some(until);
        }
    }

    /// Takes note of how far the database's clock is ahead of this process's.
    pub(super) fn keep_time(&mut self, ahead: TimeDelta) {
        self.clock_ahead = ahead;
    }

    /// A service with what this process found of it last, which may not be written yet, at this time by its own clock.
    pub(super) fn freshen(&self, service: &mut Service, at: Timestamp) {
        let Some(target) = self.targets.get(&service.id) else {
            return;
        };
        if target.service.base_url != service.base_url
            || target.service.health_path != service.health_path
        {
            return;
        }
        let known = service.last_probe.as_ref().map(|known| known.at);
        if let Some(last) = &target.last
            && known.is_none_or(|known| known < last.at)
        {
            service.last_probe = Some(last.clone());
        }
        service.last_healthy_at = later(
            service.last_healthy_at,
            target.healthy_at,
            at + self.clock_ahead,
        );
    }
}

impl Target {
    /// It is due an interval after it was last asked, whoever did. If that is over, it is due soon, but at another time than
    /// all others, so that the first probes of thousands do not fall together.
    fn new(service: Assigned, at: Instant) -> Self {
        let interval = service.settings.interval;
        let fraction = fraction(&service.id, 0);
        let soon = interval.min(FIRST_WITHIN).mul_f64(fraction);
        let rest = service
            .probed
            .and_then(|ago| interval.mul_f64(jitter(fraction)).checked_sub(ago));
        let due = at + rest.unwrap_or(soon);
        Self {
            streak: service.streak,
            service,
            last: None,
            healthy_at: None,
            healthy_is_new: false,
            due,
            round: 0,
            asking: None,
        }
    }

    /// The same service, perhaps with other settings.
    fn renewed(mut self, service: Assigned, at: Instant) -> Self {
        // What somebody else found, or the service itself said, restarts the count.
        if service.status != self.service.status {
            self.streak = self.streak.map(Streak::restarted);
        }
        if service.settings.interval != self.service.settings.interval {
            self.due = self.due.min(at + service.settings.interval);
        }
        // It was not to be asked before, and does not speak for itself that long any more.
        let silent_from =
            |service: &Assigned| service.speaks_until.map_or(at, |until| until.max(at));
        if silent_from(&service) < silent_from(&self.service) {
            self.due = self.due.min(silent_from(&service));
        }
        self.service = service;
        self
    }

    fn give_up(&self) {
        if let Some(asking) = &self.asking {
            asking.cancel();
        }
    }

    fn observation(&self) -> Option<Observation> {
        Some(Observation {
            id: self.service.id.clone(),
            base_url: self.service.base_url.clone(),
            health_path: self.service.health_path.clone(),
            last: self.last.clone()?,
            streak: self.streak?,
            weight: Weight::Counted {
                fence: self.service.fence,
                thresholds: self.service.settings.thresholds,
                turns: self.turns(),
            },
            healthy_at: self.healthy_at.filter(|_| self.healthy_is_new),
        })
    }

    /// Whether what was found changes its status.
    fn turns(&self) -> bool {
        self.streak.is_some_and(|streak| {
            let thresholds = self.service.settings.thresholds;
            streak.verdict(self.service.status, thresholds) != self.service.status
        })
    }

    /// Is due again an interval after it last was, more or less a tenth, and never at once.
    fn rest(&mut self, at: Instant) {
        self.asking = None;
        self.round += 1;
        let interval = self.service.settings.interval;
        let jitter = jitter(fraction(&self.service.id, self.round));
        let next = self.due + interval.mul_f64(jitter);
        // A probe that was late or took long is not made up for.
        self.due = next.max(at + interval.mul_f64(0.1));
    }
}

/// The service of a probe that is not given up.
fn waiting<'t>(targets: &'t mut HashMap<Id, Target>, call: &Call) -> Option<&'t mut Target> {
    let target = targets.get_mut(&call.service.id)?;
    (!call.given_up.is_cancelled()).then_some(target)
}

/// An interval more or less a tenth of it, as a factor.
fn jitter(fraction: f64) -> f64 {
    0.9 + 0.2 * fraction
}

/// A number from 0 to 1 that is another one for each service and round, and the same in every process.
fn fraction(id: &Id, round: u64) -> f64 {
    seed_of_text(&format!("{id}/{round}")) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
pub(super) mod tests;
