//! One question: a GET of a service's health, and what the answer means.
//!
//! 2xx is healthy, any other status degraded, no answer unhealthy. The host rules are those of everything that leaves the
//! process, and whoever registered a service allowed its host and port, loopback and private addresses included: a
//! redirect leads there, from loopback to loopback, or to a host that the operator allowed. A circuit breaker is not asked: it is for
//! those who need an answer, and a probe that waited for it would keep a service down that is up.

use std::time::{Duration, Instant};

use super::streak::Streak;
use crate::outbound::{HttpClient, Url};
use crate::registry::{HealthStatus, LastProbe};
use crate::types::{Timestamp, now};

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// What came of asking.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) at: Timestamp,
    pub(super) status: HealthStatus,
    /// How long it took, in milliseconds, if there was an answer.
    pub(super) latency_ms: Option<f64>,
    pub(super) reason: Option<String>,
}

impl Answer {
    /// What was found, at the end of this streak.
    pub(super) fn found(&self, streak: Streak) -> LastProbe {
        LastProbe {
            at: self.at,
            status: self.status,
            latency_ms: self.latency_ms,
            reason: self.reason.clone(),
            consecutive_successes: streak.successes(),
            consecutive_failures: streak.failures,
        }
    }
}

pub(super) async fn ask(
    http: &HttpClient,
    base_url: &str,
    health_path: &str,
    timeout: Duration,
) -> Answer {
    let started = Instant::now();
    let (status, reason) = match Url::parse(&format!("{base_url}{health_path}")) {
        Err(error) => {
            let reason = format!("its health path makes no URL: {error}");
            (Err(HealthStatus::Unhealthy), Some(reason))
        }
        Ok(url) => {
            let http = http.with_rules(http.rules().with_services([base_url]));
            match http.status(url, timeout).await {
                Ok(200..=299) => (Ok(HealthStatus::Healthy), None),
                Ok(status) => {
                    let reason = format!("answered with status {status}");
                    (Ok(HealthStatus::Degraded), Some(reason))
                }
                Err(error) => {
                    // A redirect can name a host of any length.
                    let reason = error.message().chars().take(MAX_REASON).collect();
                    (Err(HealthStatus::Unhealthy), Some(reason))
                }
            }
        }
    };
    Answer {
        at: now(),
        latency_ms: status
            .is_ok()
            .then(|| started.elapsed().as_secs_f64() * 1000.0),
        status: status.unwrap_or_else(|status| status),
        reason,
    }
}
