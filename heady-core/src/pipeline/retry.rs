//! When a failed attempt is repeated, and after how long.

use std::time::Duration;

use crate::error::ErrorKind;

/// How often and how patiently a task is tried.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RetryPolicy {
    /// Attempts in all, the first included.
    pub(crate) max_attempts: u32,
    pub(crate) backoff: Backoff,
    /// Whether a wait is drawn between nothing and its bound ("full jitter": M. Brooker, *Exponential backoff and
    /// jitter*, AWS architecture blog, 2015), so that failed calls do not come back all at once.
    pub(crate) jitter: bool,
    /// Errors that are never repeated, although their kind may pass.
    pub(crate) non_retryable: Vec<ErrorKind>,
}

/// The bound of each wait.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Backoff {
    /// One for each wait; the last for all later ones.
    Table(Vec<Duration>),
    /// Doubling from `base` up to `max`.
    Exponential {
        /// Before the second attempt.
        base: Duration,
        /// Never more.
        max: Duration,
    },
}

impl Default for RetryPolicy {
    /// One attempt: nothing is repeated unless somebody said that it may be. The waits are those of the users' files.
    fn default() -> Self {
        Self {
            max_attempts: 1,
            backoff: Backoff::Table([500, 2000, 8000].map(Duration::from_millis).to_vec()),
            jitter: true,
            non_retryable: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// The bound of a doubling wait that names none; that of the users' resource policies.
    pub(crate) const MAX_WAIT: Duration = Duration::from_secs(30);

    /// Whether the attempt of this number (from 1) that failed so is followed by another.
    pub(crate) fn repeats(&self, attempt: u32, error: ErrorKind) -> bool {
        attempt < self.max_attempts && error.retryable() && !self.non_retryable.contains(&error)
    }

    /// The wait after the attempt of this number (from 1), given a draw from the open interval (0, 1).
    pub(crate) fn wait(&self, attempt: u32, draw: f64) -> Duration {
        let bound = self.bound(attempt);
        if self.jitter {
            bound.mul_f64(draw)
        } else {
            bound
        }
    }

    /// The mean of the waits, for forecasts.
    pub(crate) fn mean_wait(&self) -> Duration {
        let waits = self.max_attempts.saturating_sub(1).clamp(1, 32);
        let bounds: Duration = (1..=waits).map(|attempt| self.bound(attempt)).sum();
        (bounds / waits).mul_f64(if self.jitter { 0.5 } else { 1.0 })
    }

    fn bound(&self, attempt: u32) -> Duration {
        match &self.backoff {
            Backoff::Table(waits) => {
                let index = (attempt as usize)
                    .saturating_sub(1)
                    .min(waits.len().saturating_sub(1));
                waits.get(index).copied().unwrap_or_default()
            }
            Backoff::Exponential { base, max } => {
                let doublings = attempt.saturating_sub(1).min(30);
                base.saturating_mul(1 << doublings).min(*max)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passing_faults_are_repeated_and_only_so_often() {
        let policy = RetryPolicy {
            max_attempts: 3,
            non_retryable: vec![ErrorKind::Aborted],
            ..RetryPolicy::default()
        };
        assert!(
            policy.repeats(1, ErrorKind::Unavailable) && policy.repeats(2, ErrorKind::Internal)
        );
        assert!(!policy.repeats(3, ErrorKind::Unavailable));
        assert!(!policy.repeats(1, ErrorKind::Aborted));
        for kind in [
            ErrorKind::InvalidArgument,
            ErrorKind::NotFound,
            ErrorKind::PermissionDenied,
            ErrorKind::DataLoss,
        ] {
            assert!(!policy.repeats(1, kind));
        }
        assert!(!RetryPolicy::default().repeats(1, ErrorKind::Unavailable));
    }

    #[test]
    fn waits_follow_the_table_and_its_last_entry() {
        let mut policy = RetryPolicy {
            jitter: false,
            ..RetryPolicy::default()
        };
        let waits = |policy: &RetryPolicy| {
            [1, 2, 3, 4, 9].map(|attempt| policy.wait(attempt, 0.25).as_millis())
        };
        assert_eq!(waits(&policy), [500, 2000, 8000, 8000, 8000]);
        policy.jitter = true;
        assert_eq!(waits(&policy), [125, 500, 2000, 2000, 2000]);
        let base = Duration::from_millis(200);
        policy.backoff = Backoff::Exponential {
            base,
            max: Duration::from_secs(1),
        };
        policy.jitter = false;
        assert_eq!(waits(&policy), [200, 400, 800, 1000, 1000]);
        policy.max_attempts = 4;
        assert_eq!(policy.mean_wait(), Duration::from_nanos(466_666_666));
    }
}
