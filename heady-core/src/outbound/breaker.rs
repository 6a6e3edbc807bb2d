//! The circuit breaker: after repeated failures a dependency is left alone for a while, then tried with a few probes.
//!
//! States and names follow M. Nygard, *Release It!* (2nd ed., 2018, ch. 5). Defaults are those of the users' resource
//! policies: five failures in a row open it, after 30 s two probes are let through, and their success closes it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FAILURES_TO_OPEN: u32 = 5;
const OPEN_FOR: Duration = Duration::from_secs(30);
const PROBES: u32 = 2;

/// The state of one breaker, driven by explicit times so that tests need no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass; so many failed in a row.
    Closed { failures: u32 },
    /// Calls wait until then.
    Open { until: Instant },
    /// So many probes are under way, so many have succeeded.
    HalfOpen { probing: u32, succeeded: u32 },
}

/// One breaker, shared by all callers of one dependency.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    state: Arc<Mutex<State>>,
}

/// Leave to make one call; its outcome must be reported, and a permit that is dropped counts as no call at all.
#[derive(Debug)]
pub(crate) struct Permit {
    breaker: Breaker,
    reported: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Closed { failures: 0 })),
        }
    }
}

impl Breaker {
    /// Leave to call now, or the time until which there is none.
    pub(crate) fn permit(&self, now: Instant) -> Result<Permit, Instant> {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => {}
            State::Open { until } if now < until => return Err(until),
            State::Open { .. } => {
                *state = State::HalfOpen {
                    probing: 1,
                    succeeded: 0,
                }
            }
            State::HalfOpen { probing, succeeded } if probing + succeeded < PROBES => {
                *state = State::HalfOpen {
                    probing: probing + 1,
                    succeeded,
                };
            }
            // The probes under way decide; ask again soon.
            State::HalfOpen { .. } => return Err(now + Duration::from_millis(100)),
        }
        Ok(Permit {
            breaker: self.clone(),
            reported: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Reports how the call went.
    pub(crate) fn report(mut self, success: bool, now: Instant) {
        self.reported = true;
        let mut state = self.breaker.lock();
        *state = match (*state, success) {
            (State::Closed { .. }, true) => State::Closed { failures: 0 },
            (State::Closed { failures }, false) if failures + 1 < FAILURES_TO_OPEN => {
                State::Closed {
                    failures: failures + 1,
                }
            }
            (State::HalfOpen { succeeded, .. }, true) if succeeded + 1 >= PROBES => {
                State::Closed { failures: 0 }
            }
            (State::HalfOpen { probing, succeeded }, true) => State::HalfOpen {
                probing: probing.saturating_sub(1),
                succeeded: succeeded + 1,
            },
            (State::Closed { .. } | State::HalfOpen { .. }, false) => State::Open {
                until: now + OPEN_FOR,
            },
            // A call from before the breaker opened ended late; it says nothing new.
            (State::Open { until }, _) => State::Open { until },
        };
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.reported
            && let State::HalfOpen { probing, .. } = &mut *self.breaker.lock()
        {
            *probing = probing.saturating_sub(1);
        }
    }
}

/// The breakers of one engine, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breakers {
    by_name: Arc<Mutex<HashMap<String, Breaker>>>,
}

impl Breakers {
    /// The breaker of this name, made on first use.
    pub(crate) fn named(&self, name: &str) -> Breaker {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.entry(name.to_owned()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker, now: Instant, times: u32) {
        for _ in 0..times {
            breaker.permit(now).unwrap().report(false, now);
        }
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, now, 4);
        breaker.permit(now).unwrap().report(true, now);
        fail(&breaker, now, 4);
        assert!(breaker.permit(now).is_ok());
        fail(&breaker, now, 1);
        assert_eq!(breaker.permit(now).unwrap_err(), now + OPEN_FOR);
    }

    #[test]
    fn exactly_two_probes_pass_and_their_success_closes_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, now, 5);
        let later = now + OPEN_FOR;
        let (one, two) = (
            breaker.permit(later).unwrap(),
            breaker.permit(later).unwrap(),
        );
        assert!(breaker.permit(later).is_err());
        one.report(true, later);
        assert!(
            breaker.permit(later).is_err(),
            "one success and one probe under way are two"
        );
        two.report(true, later);
        assert!(breaker.permit(later).is_ok());
    }

    #[test]
    fn a_failed_probe_opens_it_again_and_an_abandoned_one_frees_its_place() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        fail(&breaker, now, 5);
        let later = now + OPEN_FOR;
        drop(breaker.permit(later).unwrap());
        let (one, two) = (
            breaker.permit(later).unwrap(),
            breaker.permit(later).unwrap(),
        );
        one.report(false, later);
        two.report(true, later);
        assert_eq!(breaker.permit(later).unwrap_err(), later + OPEN_FOR);
    }
}
