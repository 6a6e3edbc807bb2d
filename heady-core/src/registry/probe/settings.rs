//! How a service is probed: its own settings, or those of all others.

use std::time::Duration;

use super::streak::Thresholds;
use crate::error::{Error, Result};
use crate::registry::Service;

/// Without settings of its own a service that stops answering is found out within half a minute.
const INTERVAL_MS: i64 = 10_000;
/// That of the users' resource policies for health checks.
const TIMEOUT_MS: i64 = 5_000;
const UP: i64 = 2;
const DOWN: i64 = 3;

/// How a service is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) thresholds: Thresholds,
}

impl Settings {
    pub(super) fn of(service: &Service) -> Self {
        let timeout = service.probe_timeout_ms.unwrap_or(TIMEOUT_MS);
        Self {
            interval: milliseconds(service.probe_interval_ms.unwrap_or(INTERVAL_MS)),
            timeout: milliseconds(timeout),
            thresholds: Thresholds {
                up: service.healthy_threshold.unwrap_or(UP),
                down: service.unhealthy_threshold.unwrap_or(DOWN),
            },
        }
    }
}

pub(super) fn milliseconds(value: i64) -> Duration {
    Duration::from_millis(value.unsigned_abs())
}

fn checked(field: &str, value: Option<i64>, most: i64, least: i64) -> Result<Option<i64>> {
    match value {
        Some(value) if !(least..=most).contains(&value) => Err(Error::invalid_argument(format!(
            "{field}: must be between {least} and {most}, not {value}"
        ))),
        value => Ok(value),
    }
}

/// A time between two probes.
pub(in crate::registry) fn checked_interval(value: Option<i64>) -> Result<Option<i64>> {
    checked("probeIntervalMs", value, 86_400_000, 100)
}

/// A time that one answer may take.
pub(in crate::registry) fn checked_timeout(field: &str, value: Option<i64>) -> Result<Option<i64>> {
    checked(field, value, 600_000, 1)
}

/// A number of probes in a row.
pub(in crate::registry) fn checked_threshold(
    field: &str,
    value: Option<i64>,
) -> Result<Option<i64>> {
    checked(field, value, 100, 1)
}
