//! How a service is probed: its own settings, or those of all others.

use std::time::Duration;

use super::streak::Thresholds;
use crate::error::{Error, Result};
use crate::registry::Service;
use crate::store::Row;

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
        Self::or_those_of_all(
            service.probe_interval_ms,
            service.probe_timeout_ms,
            service.healthy_threshold,
            service.unhealthy_threshold,
        )
    }

    /// Reads those in the row of a service.
    pub(super) fn read(row: &Row) -> Result<Self> {
        Ok(Self::or_those_of_all(
            row.get("probe_interval_ms")?,
            row.get("probe_timeout_ms")?,
            row.get("healthy_threshold")?,
            row.get("unhealthy_threshold")?,
        ))
    }

    fn or_those_of_all(
        interval_ms: Option<i64>,
        timeout_ms: Option<i64>,
        up: Option<i64>,
        down: Option<i64>,
    ) -> Self {
        Self {
            interval: milliseconds(interval_ms.unwrap_or(INTERVAL_MS)),
            timeout: milliseconds(timeout_ms.unwrap_or(TIMEOUT_MS)),
            thresholds: Thresholds {
                up: up.unwrap_or(UP),
                down: down.unwrap_or(DOWN),
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
