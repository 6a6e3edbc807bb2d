//! Asks whoever is due. Services that gave no answer last time have places of their own, so that however many of them
//! hang, those that answer are asked when they are due.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::roster::{Call, Roster};
use super::{Ask, Prober};
use crate::types::now;

/// How many services that answer, and how many that do not, are asked at once: together fewer sockets than a process may
/// open on a system with small limits.
const PLACES: usize = 128;

impl Prober {
    /// Goes on until it is dropped, which ends every probe under way.
    pub(super) async fn schedule(&self) {
        let http = match self.http() {
            Ok(http) => http.clone(),
            Err(error) => {
                tracing::error!("nothing can be probed: {error}");
                return std::future::pending().await;
            }
        };
        let inner = &self.inner;
        let schedule = Schedule {
            roster: &inner.roster,
            rescheduled: &inner.rescheduled,
            found: &inner.found,
            lease: inner.lease.subscribe(),
        };
        schedule.run(http).await;
    }
}

/// A loop over a roster.
pub(super) struct Schedule<'a> {
    pub(super) roster: &'a Mutex<Roster>,
    pub(super) rescheduled: &'a Notify,
    pub(super) found: &'a Notify,
    pub(super) lease: watch::Receiver<Instant>,
}

impl Schedule<'_> {
    pub(super) async fn run<A: Ask>(self, ask: A) {
        let ask = Arc::new(ask);
        let (answering, silent) = (places(), places());
        let mut asking = JoinSet::new();
        loop {
            for call in self.roster().take_due(Instant::now(), now()) {
                let places = if call.answers { &answering } else { &silent };
                let (ask, places, lease) = (ask.clone(), places.clone(), self.lease.clone());
                asking.spawn(async move {
                    let answer = tokio::select! {
                        biased;
                        () = call.given_up.cancelled() => None,
                        () = lost(lease) => None,
                        answer = in_turn(&places, ask.ask(&call)) => Some(answer),
                    };
                    (call, answer)
                });
            }
            let due = self.roster().next_due();
            tokio::select! {
                () = at(due) => {}
                () = self.rescheduled.notified() => {}
                Some(asked) = asking.join_next() => self.take(asked),
            }
            while let Some(asked) = asking.try_join_next() {
                self.take(asked);
            }
        }
    }

    fn take(&self, asked: Result<(Call, Option<super::Answer>), tokio::task::JoinError>) {
        match asked {
            Ok((call, Some(answer))) => {
                self.roster().answered(&call, &answer, Instant::now());
                self.found.notify_one();
            }
            // Its service is another prober's, or will be given to this one anew.
            Ok((call, None)) => {
                if !call.given_up.is_cancelled() {
                    self.roster().drop_target(&call.service.id);
                }
            }
            Err(error) => tracing::error!("a probe ended in a panic: {error}"),
        }
    }

    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(PLACES))
}

async fn in_turn<T>(places: &Semaphore, ask: impl Future<Output = T>) -> T {
    // The places are never closed; if they were, nobody would have to wait.
    let _place = places.acquire().await;
    ask.await
}

/// Waits until then, or for ever.
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Completes when the lease has run out without being renewed: from then on others may ask the same service.
async fn lost(mut lease: watch::Receiver<Instant>) {
    loop {
        let until = *lease.borrow_and_update();
        if until <= Instant::now() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            renewed = lease.changed() => {
                if renewed.is_err() {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::time::Duration;

    use super::super::Answer;
    use super::super::roster::tests::{answer, assigned};
    use super::*;
    use crate::registry::HealthStatus;
    use crate::types::Id;

    /// Services whose names begin with `silent` give no answer once, and then hang; the others answer.
    #[derive(Clone, Default)]
    struct Services {
        asked: Arc<Mutex<HashMap<Id, usize>>>,
        under_way: Arc<Mutex<HashSet<Id>>>,
    }

    impl Services {
        fn asked(&self, id: &str) -> usize {
            self.asked
                .lock()
                .unwrap()
                .get(&Id::from(id))
                .copied()
                .unwrap_or_default()
        }
    }

    impl Ask for Services {
        async fn ask(&self, call: &Call) -> Answer {
            let id = call.service.id.clone();
            assert!(
                self.under_way.lock().unwrap().insert(id.clone()),
                "{id} is asked twice"
            );
            let times = {
                let mut asked = self.asked.lock().unwrap();
                let times = asked.entry(id.clone()).or_default();
                *times += 1;
                *times
            };
            let silent = id.as_str().starts_with("silent");
            if silent && times > 1 {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
            self.under_way.lock().unwrap().remove(&id);
            answer(if silent {
                HealthStatus::Unhealthy
            } else {
                HealthStatus::Healthy
            })
        }
    }

    /// Runs a schedule until this holds; it never holding is a failure.
    async fn run_until(
        roster: Roster,
        lease: Duration,
        services: &Services,
        holds: impl Fn(&Roster) -> bool,
    ) {
        let (roster, rescheduled, found) = (Mutex::new(roster), Notify::new(), Notify::new());
        let lease = watch::Sender::new(Instant::now() + lease);
        let schedule = Schedule {
            roster: &roster,
            rescheduled: &rescheduled,
            found: &found,
            lease: lease.subscribe(),
        };
        let holding = async {
            while !holds(&roster.lock().unwrap()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let both = async {
            tokio::select! {
                () = schedule.run(services.clone()) => {}
                () = holding => {}
            }
        };
        tokio::time::timeout(Duration::from_mins(1), both)
            .await
            .expect("it holds within a minute");
    }

    #[tokio::test]
    async fn those_that_hang_delay_nobody_who_answers() {
        let services = Services::default();
        let mut roster = Roster::default();
        let silent = (0..3 * PLACES).map(|n| assigned(&format!("silent-{n}"), 100));
        let answering = (0..PLACES).map(|n| assigned(&format!("answering-{n}"), 100));
        roster.assign(silent.chain(answering).collect(), Instant::now());
        run_until(roster, Duration::from_hours(1), &services, |_| {
            (0..PLACES).all(|n| services.asked(&format!("answering-{n}")) >= 5)
        })
        .await;
        let hanging = services.under_way.lock().unwrap();
        let hanging = hanging
            .iter()
            .filter(|id| id.as_str().starts_with("silent"))
            .count();
        assert!(
            hanging <= PLACES,
            "{hanging} silent services are asked at once"
        );
    }

    #[tokio::test]
    async fn nobody_is_asked_without_a_lease() {
        let services = Services::default();
        let mut roster = Roster::default();
        roster.assign(
            vec![assigned("a", 100), assigned("silent", 100)],
            Instant::now(),
        );
        run_until(roster, Duration::ZERO, &services, |roster| {
            roster.next_due().is_none()
        })
        .await;
        assert_eq!((services.asked("a"), services.asked("silent")), (0, 0));
    }

    #[tokio::test]
    async fn a_probe_under_way_ends_with_the_lease() {
        let services = Services::default();
        let mut roster = Roster::default();
        roster.assign(vec![assigned("silent", 100)], Instant::now());
        run_until(roster, Duration::from_secs(1), &services, |roster| {
            roster.next_due().is_none() && services.asked("silent") > 0 && {
                // Dropped from the roster, not only being asked.
                roster.unwritten().is_empty()
            }
        })
        .await;
    }
}
