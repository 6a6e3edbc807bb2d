//! Hysteresis: when what was found in a row is enough to say something else of a service.
//!
//! One answer in between changes nothing, so a service that flaps keeps the status it had. Answering badly and not
//! answering at all are both failures; from one to the other it takes as many as from healthy to either.

use crate::registry::HealthStatus;

/// How many probes in a row it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Thresholds {
    /// To be better than before.
    pub(super) up: i64,
    /// To be worse.
    pub(super) down: i64,
}

/// What the last probes found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Streak {
    /// What the last one found.
    pub(super) found: HealthStatus,
    /// How many in a row found just that.
    pub(super) repeated: i64,
    /// How many in a row did not find it healthy.
    pub(super) failures: i64,
}

impl Streak {
    /// The streak before and one probe more.
    pub(super) fn after(before: Option<Self>, found: HealthStatus) -> Self {
        let before = before.unwrap_or(Self {
            found,
            repeated: 0,
            failures: 0,
        });
        let repeated = if before.found == found {
            before.repeated
        } else {
            0
        };
        let failures = match found {
            HealthStatus::Healthy => 0,
            _ => before.failures.saturating_add(1),
        };
        Self {
            found,
            repeated: repeated.saturating_add(1),
            failures,
        }
    }

    /// The same, of which nothing counts any more.
    pub(super) fn restarted(self) -> Self {
        Self {
            repeated: 0,
            failures: 0,
            ..self
        }
    }

    /// How many probes in a row found it healthy.
    pub(super) fn successes(self) -> i64 {
        match self.found {
            HealthStatus::Healthy => self.repeated,
            _ => 0,
        }
    }

    /// What a service of this status is now.
    pub(super) fn verdict(self, status: HealthStatus, thresholds: Thresholds) -> HealthStatus {
        use HealthStatus::{Degraded, Healthy, Unhealthy, Unknown};
        let enough = match (status, self.found) {
            (Unknown, _) => true,
            (Healthy, Degraded | Unhealthy) => self.failures >= thresholds.down,
            (Degraded, Unhealthy) => self.repeated >= thresholds.down,
            (Degraded, Healthy) | (Unhealthy, Healthy | Degraded) => self.repeated >= thresholds.up,
            _ => false,
        };
        if enough { self.found } else { status }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::HealthStatus::{Degraded, Healthy, Unhealthy, Unknown};

    fn found() -> impl Strategy<Value = HealthStatus> {
        prop_oneof![3 => Just(Healthy), 1 => Just(Degraded), 2 => Just(Unhealthy)]
    }

    /// The rule over the whole history, without counting as it goes.
    fn model(
        status: HealthStatus,
        history: &[HealthStatus],
        thresholds: Thresholds,
    ) -> HealthStatus {
        let Some(last) = history.last() else {
            return status;
        };
        let all = |count: i64, holds: &dyn Fn(&HealthStatus) -> bool| {
            let count = usize::try_from(count).unwrap();
            history.len() >= count && history[history.len() - count..].iter().all(holds)
        };
        let better = |a: HealthStatus, b: HealthStatus| {
            let rank = |status| {
                [Unhealthy, Degraded, Healthy]
                    .iter()
                    .position(|s| *s == status)
            };
            rank(a) > rank(b)
        };
        let changes = if status == Unknown {
            true
        } else if status == *last {
            false
        } else if better(*last, status) {
            all(thresholds.up, &|found| found == last)
        } else if status == Healthy {
            all(thresholds.down, &|found| *found != Healthy)
        } else {
            all(thresholds.down, &|found| found == last)
        };
        if changes { *last } else { status }
    }

    proptest! {
        #[test]
        fn a_status_is_what_enough_probes_in_a_row_found(
            history in prop::collection::vec(found(), 0..60),
            up in 1..5_i64,
            down in 1..5_i64,
        ) {
            let thresholds = Thresholds { up, down };
            let (mut streak, mut status, mut expected) = (None, Unknown, Unknown);
            for end in 1..=history.len() {
                let next = Streak::after(streak, history[end - 1]);
                streak = Some(next);
                status = next.verdict(status, thresholds);
                expected = model(expected, &history[..end], thresholds);
                prop_assert_eq!(status, expected, "after {:?}", &history[..end]);
                prop_assert_eq!(next.successes() == 0, next.failures > 0);
            }
        }

        #[test]
        fn a_service_that_flaps_keeps_its_status(
            up in 2..5_i64, down in 2..5_i64, runs in prop::collection::vec((1..5_i64, 1..5_i64), 1..20),
        ) {
            let thresholds = Thresholds { up, down };
            for held in [Healthy, Unhealthy] {
                let (mut streak, mut status) = (None, held);
                // Never as many in a row as it takes.
                for (good, bad) in &runs {
                    for (count, found) in [(good.min(&(up - 1)), Healthy), (bad.min(&(down - 1)), Unhealthy)] {
                        for _ in 0..*count {
                            let next = Streak::after(streak, found);
                            streak = Some(next);
                            status = next.verdict(status, thresholds);
                        }
                    }
                }
                prop_assert_eq!(status, held);
            }
        }
    }

    #[test]
    fn failures_of_two_kinds_count_together() {
        let thresholds = Thresholds { up: 2, down: 3 };
        let mut streak = None;
        let mut status = Healthy;
        for (found, expected) in [
            (Degraded, Healthy),
            (Unhealthy, Healthy),
            (Degraded, Degraded),
            (Unhealthy, Degraded),
            (Degraded, Degraded),
            (Healthy, Degraded),
            (Healthy, Healthy),
        ] {
            let next = Streak::after(streak, found);
            streak = Some(next);
            status = next.verdict(status, thresholds);
            assert_eq!(status, expected);
        }
    }
}
