//! Asks whoever is due. Services that gave no answer last time have places of their own, so that however many of them
//! hang, those that answer are asked when they are due.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::roster::{Call, Roster};
use super::{Answer, Ask, Prober};
use crate::outbound::HttpClient;

/// How many services that answer, and how many that do not, are asked at once: together fewer sockets than a process may
/// open on a system with small limits.
const PLACES: usize = 128;

impl Prober {
    /// Goes on until it is dropped, which ends every probe under way.
    pub(super) async fn schedule(&self, http: HttpClient) {
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
        let (mut asking, mut calls) = (JoinSet::new(), HashMap::new());
        loop {
            for call in self.roster().take_due(Instant::now()) {
                let places = if call.answers { &answering } else { &silent };
                let (ask, places, lease) = (ask.clone(), places.clone(), self.lease.clone());
                let asked = call.clone();
                let task = asking.spawn(async move {
                    tokio::select! {
                        biased;
                        () = asked.given_up.cancelled() => None,
                        () = lost(lease) => None,
                        answer = in_turn(&places, ask.ask(&asked)) => Some(answer),
                    }
                });
                calls.insert(task.id(), call);
            }
            let due = self.roster().next_due();
            let mut ended = tokio::select! {
                () = at(due) => None,
                () = self.rescheduled.notified() => None,
                Some(ended) = asking.join_next_with_id() => Some(ended),
            };
            while let Some(asked) = ended {
                let (task, answer) = asked.unwrap_or_else(|error| {
                    tracing::error!("a probe ended in a panic: {error}");
                    (error.id(), None)
                });
                if let Some(call) = calls.remove(&task) {
                    self.take(&call, answer);
                }
                ended = asking.try_join_next_with_id();
            }
        }
    }

    fn take(&self, call: &Call, answer: Option<Answer>) {
        let (mut roster, at) = (self.roster(), Instant::now());
        match answer {
            Some(answer) => {
                roster.answered(call, &answer, at);
                self.found.notify_one();
            }
            // Without a lease its service may be another prober's; whoever renews it finds out.
            None => roster.unanswered(call, at),
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
    use std::collections::HashSet;
    use std::time::Duration;

    use super::super::roster::tests::{answer, assigned};
    use super::*;
    use crate::registry::HealthStatus;
    use crate::types::Id;

    /// Services whose names begin with `silent` give no answer once, and then hang; the one that is called `panic` ends
    /// its first probe in one; the others answer.
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

    /// A probe under way, until it is dropped.
    struct UnderWay(Services, Id);

    impl Drop for UnderWay {
        fn drop(&mut self) {
            self.0.under_way.lock().unwrap().remove(&self.1);
        }
    }

    impl Ask for Services {
        async fn ask(&self, call: &Call) -> Answer {
            let id = call.service.id.clone();
            assert!(
                self.under_way.lock().unwrap().insert(id.clone()),
                "{id} is asked twice"
            );
            let _under_way = UnderWay(self.clone(), id.clone());
            let times = {
                let mut asked = self.asked.lock().unwrap();
                let times = asked.entry(id.clone()).or_default();
                *times += 1;
                *times
            };
            assert!(id.as_str() != "panic" || times > 1, "as it was told");
            let silent = id.as_str().starts_with("silent");
            if silent && times > 1 {
                std::future::pending::<()>().await;
            }
            tokio::task::yield_now().await;
            answer(if silent {
                HealthStatus::Unhealthy
            } else {
                HealthStatus::Healthy
            })
        }
    }

    fn lease(lasts: Duration) -> watch::Sender<Instant> {
        watch::Sender::new(Instant::now() + lasts)
    }

    /// Runs a schedule until this holds; it never holding is a failure.
    async fn run_until(
        roster: Roster,
        lease: &watch::Sender<Instant>,
        services: &Services,
        holds: impl Fn(&Roster) -> bool,
    ) {
        let (roster, rescheduled, found) = (Mutex::new(roster), Notify::new(), Notify::new());
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
        let lease = lease(Duration::from_hours(1));
        run_until(roster, &lease, &services, |_| {
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
    async fn nobody_is_asked_without_a_lease_and_everybody_with_the_next() {
        let (services, mut roster) = (Services::default(), Roster::default());
        let (lease, since) = (lease(Duration::ZERO), Instant::now());
        let ids = ["a", "silent"];
        roster.assign(ids.map(|id| assigned(id, 100)).into(), since);
        run_until(roster, &lease, &services, |roster| {
            let asked = ids.map(|id| services.asked(id));
            let due = roster.next_due();
            // So both were due before.
            let again = due.is_some_and(|due| due > since + Duration::from_millis(100));
            if again && *lease.borrow() <= since {
                assert_eq!(asked, [0, 0]);
                lease.send_replace(since + Duration::from_hours(1));
            }
            asked.iter().all(|times| *times > 0)
        })
        .await;
    }

    #[tokio::test]
    async fn a_probe_under_way_ends_with_the_lease() {
        let (services, mut roster) = (Services::default(), Roster::default());
        let lease = lease(Duration::from_hours(1));
        roster.assign(vec![assigned("silent", 100)], Instant::now());
        run_until(roster, &lease, &services, |_| {
            let hangs = services.asked("silent") == 2;
            if hangs && *lease.borrow() > Instant::now() {
                lease.send_replace(Instant::now());
            }
            hangs && services.under_way.lock().unwrap().is_empty()
        })
        .await;
    }

    #[tokio::test]
    async fn a_service_whose_probe_panics_is_asked_again() {
        let (services, mut roster) = (Services::default(), Roster::default());
        roster.assign(vec![assigned("panic", 100)], Instant::now());
        let lease = lease(Duration::from_hours(1));
        run_until(roster, &lease, &services, |_| services.asked("panic") > 1).await;
    }
}
