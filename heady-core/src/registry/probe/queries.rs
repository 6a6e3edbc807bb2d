//! The SQL of probing: leases, who probes what, and what was found.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::record::{AHEAD, later};
use super::roster::Assigned;
use super::settings::Settings;
use super::streak::Streak;
use crate::error::{Error, Result};
use crate::registry::history::History;
use crate::registry::{HealthStatus, LastProbe, Service};
use crate::store::{Arg, Row, Sql, Store, Transaction, args};
use crate::types::{Id, Timestamp, now};

/// Where a service answers, as one text.
fn place(base_url: &str, health_path: &str) -> String {
    format!("{base_url}{health_path}")
}

/// The last findings in a row of `service_probes`, if they are about this place.
fn findings(row: &Row, base_url: &str, health_path: &str) -> Result<Option<(LastProbe, Streak)>> {
    let here = row.get::<Option<String>>("place")? == Some(place(base_url, health_path));
    let (true, Some(at)) = (here, row.get::<Option<Timestamp>>("probed_at")?) else {
        return Ok(None);
    };
    let streak = Streak {
        found: HealthStatus::from_word(&row.get::<String>("found")?)?,
        repeated: row.get("repeated")?,
        failures: row.get("failures")?,
    };
    let last = LastProbe {
        at,
        status: streak.found,
        latency_ms: row.get("latency_ms")?,
        reason: row.get("found_reason")?,
        consecutive_successes: streak.successes(),
        consecutive_failures: streak.failures,
    };
    Ok(Some((last, streak)))
}

/// The service with what probes found of it, from the same row.
pub(in crate::registry) fn with_last(mut service: Service, row: &Row) -> Result<Service> {
    if let Some((last, _)) = findings(row, &service.base_url, &service.health_path)? {
        let (known, found) = (service.last_healthy_at, row.get("healthy_at")?);
        service.last_healthy_at = match row.get("now") {
            Ok(now) => later(known, found, now),
            // Where no clock was asked, whoever writes this looks at one.
            Err(_) => known.max(found),
        };
        service.last_probe = Some(last);
    }
    Ok(service)
}

/// Statements in which `{soon}` is the latest time that is not in the future by the database's clock.
fn of_times(sqlite: &str, postgres: &str) -> Sql {
    let ahead = AHEAD.num_seconds();
    let later = format!("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '+{ahead} seconds')");
    Sql::of(
        sqlite.replace("{soon}", &later),
        postgres.replace("{soon}", &format!("{{now}} + interval '{ahead} seconds'")),
    )
    .with_clock()
}

/// Writes what was found, but nothing that is not this prober's to write or was found where the service is no more, and
/// returns the services of what is written.
pub(super) async fn put_found(
    transaction: &mut Transaction,
    prober: &Id,
    found: Value,
) -> Result<Vec<Id>> {
    // A fence that is null is nobody's: somebody asked.
    let insert = |rows: &str| {
        format!(
            "INSERT INTO service_probes AS kept (service_id, place, probed_at, found, found_reason, latency_ms, repeated,
               failures, healthy_at)
             SELECT f.id, f.base_url || f.health_path, f.probed_at, f.found, f.found_reason, f.latency_ms, f.repeated,
               f.failures, CASE WHEN f.healthy_at > {{soon}} THEN {{now}} ELSE f.healthy_at END
             FROM ({rows}) AS f JOIN services AS s ON s.id = f.id AND s.base_url = f.base_url AND s.health_path = f.health_path
             WHERE f.fence IS NULL OR EXISTS
               (SELECT 1 FROM service_probes AS p WHERE p.service_id = f.id AND p.prober = $2 AND p.fence = f.fence)
             ON CONFLICT (service_id) DO UPDATE SET place = excluded.place, probed_at = excluded.probed_at,
               found = excluded.found, found_reason = excluded.found_reason, latency_ms = excluded.latency_ms,
               repeated = excluded.repeated, failures = excluded.failures,
               healthy_at = CASE WHEN kept.place = excluded.place AND (excluded.healthy_at IS NULL
                                   OR kept.healthy_at > excluded.healthy_at AND kept.healthy_at <= {{soon}})
                                 THEN kept.healthy_at ELSE excluded.healthy_at END
             RETURNING service_id"
        )
    };
    let columns = [
        ("id", "text"),
        ("fence", "bigint"),
        ("base_url", "text"),
        ("health_path", "text"),
        ("probed_at", "timestamptz"),
        ("found", "text"),
        ("found_reason", "text"),
        ("latency_ms", "double precision"),
        ("repeated", "bigint"),
        ("failures", "bigint"),
        ("healthy_at", "timestamptz"),
    ];
    let list = |form: &dyn Fn(&str, &str) -> String| {
        let columns: Vec<_> = columns
            .iter()
            .map(|(name, kind)| form(name, kind))
            .collect();
        columns.join(", ")
    };
    let sqlite = list(&|name, _| format!("value ->> '{name}' AS {name}"));
    let postgres = list(&|name, kind| format!("{name} {kind}"));
    let sql = of_times(
        &insert(&format!("SELECT {sqlite} FROM json_each($1)")),
        &insert(&format!(
            "SELECT * FROM json_to_recordset($1::json) AS r({postgres})"
        )),
    );
    let args = vec![Arg::from(found.to_string()), Arg::uuid(prober)];
    let rows = transaction.fetch_all(sql, args).await?;
    rows.iter().map(|row| row.get("service_id")).collect()
}

/// Takes what was just found healthy for services of which it is known from the future: whoever reads takes the later of both.
pub(super) async fn correct_healthy(transaction: &mut Transaction, healthy: &[&Id]) -> Result<()> {
    let text = "UPDATE services SET last_healthy_at =
          (SELECT p.healthy_at FROM service_probes AS p WHERE p.service_id = services.id)
        WHERE last_healthy_at > {soon} AND id IN";
    let sql = of_times(
        &format!("{text} (SELECT value FROM json_each($1))"),
        &format!("{text} (SELECT json_array_elements_text($1::json))"),
    );
    let args = args![json!(healthy).to_string()];
    transaction.execute(sql, args).await.map(drop)
}

/// Statements about leases: `{until}` is the end of a lease of `$2` seconds that is taken now, and `{living}` holds for
/// the probers that show life.
///
/// No lease ends later than one that is taken now; what does was taken before the database's clock was put back.
fn of_leases(text: &str) -> Sql {
    let text = text.replace("{living}", "lease_until > {now} AND lease_until <= {until}");
    Sql::of(
        text.replace(
            "{until}",
            "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '+' || $2 || ' seconds')",
        ),
        text.replace("{until}", "{now} + $2 * interval '1 second'"),
    )
    .with_clock()
}

/// The database's time.
pub(super) async fn clock(store: &Store) -> Result<Timestamp> {
    let row = store
        .fetch_optional(Sql::from("SELECT {now} AS now").with_clock(), vec![])
        .await?;
    row.ok_or_else(none)?.get("now")
}

fn none() -> Error {
    Error::internal("a query for one row gave none")
}

/// Shows that a prober lives, for so long from now.
pub(super) async fn renew(store: &Store, prober: &Id, lease: Duration) -> Result<()> {
    let sql = of_leases(
        "INSERT INTO probers (id, lease_until) VALUES ($1, {until})
         ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
    );
    let args = vec![Arg::uuid(prober), Arg::from(lease.as_secs_f64())];
    store
        .write(move |transaction| {
            Box::pin(async move { transaction.execute(sql, args).await.map(drop) })
        })
        .await
}

/// Hands all services of a prober back and forgets it.
pub(super) async fn leave(store: &Store, prober: &Id) -> Result<()> {
    let prober = prober.clone();
    store
        .write(move |transaction| {
            Box::pin(async move {
                changing_hands(transaction).await?;
                let given_back = "UPDATE service_probes SET prober = NULL WHERE prober = $1";
                transaction
                    .execute(given_back, vec![Arg::uuid(&prober)])
                    .await?;
                let gone = "DELETE FROM probers WHERE id = $1";
                transaction
                    .execute(gone, vec![Arg::uuid(&prober)])
                    .await
                    .map(drop)
            })
        })
        .await
}

/// What a prober has to know before it takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Balance {
    /// The database's time.
    pub(super) now: Timestamp,
    /// The registry's revision.
    pub(super) revision: i64,
    /// How many other probers live.
    pub(super) others: i64,
    /// How many services can be probed,
    pub(super) services: i64,
    /// how many of them this prober has,
    pub(super) own: i64,
    /// and how many nobody has.
    pub(super) free: i64,
}

impl Balance {
    /// How many services this prober should have.
    pub(super) fn share(&self) -> i64 {
        let probers = self.others + 1;
        (self.services + probers - 1) / probers
    }
}

pub(super) async fn balance(store: &Store, prober: &Id, lease: Duration) -> Result<Balance> {
    let sql = of_leases(
        "WITH living AS (SELECT id FROM probers WHERE {living})
         SELECT {now} AS now, (SELECT revision FROM registry_revision) AS revision,
           (SELECT count(*) FROM living WHERE id <> $1) AS others,
           count(*) AS services,
           count(CASE WHEN p.prober = $1 THEN 1 END) AS own,
           count(CASE WHEN p.prober IS NULL OR p.prober NOT IN (SELECT id FROM living) THEN 1 END) AS free
         FROM services AS s LEFT JOIN service_probes AS p ON p.service_id = s.id WHERE s.base_url <> ''",
    );
    let args = vec![Arg::uuid(prober), Arg::from(lease.as_secs_f64())];
    let row = store.fetch_optional(sql, args).await?.ok_or_else(none)?;
    Ok(Balance {
        now: row.get("now")?,
        revision: row.get("revision")?,
        others: row.get("others")?,
        services: row.get("services")?,
        own: row.get("own")?,
        free: row.get("free")?,
    })
}

/// Gives services up.
pub(super) async fn release(store: &Store, prober: &Id, services: &[Id]) -> Result<()> {
    let text = "UPDATE service_probes SET prober = NULL WHERE prober = $1 AND service_id IN";
    let sql = Sql::of(
        format!("{text} (SELECT value FROM json_each($2))"),
        format!("{text} (SELECT json_array_elements_text($2::json))"),
    );
    let args = vec![Arg::uuid(prober), Arg::from(json!(services).to_string())];
    store
        .write(move |transaction| {
            Box::pin(async move {
                changing_hands(transaction).await?;
                transaction.execute(sql, args).await.map(drop)
            })
        })
        .await
}

/// Lets this transaction be the one in which services change hands: no two take the same one, nor one whose finding is
/// being written.
async fn changing_hands(transaction: &mut Transaction) -> Result<()> {
    History::lock(transaction).await
}

/// Takes at most so many services that nobody has, or whose prober is gone.
pub(super) async fn claim(store: &Store, prober: &Id, lease: Duration, most: i64) -> Result<()> {
    let taken = of_leases(
        "UPDATE service_probes SET prober = $1, fence = fence + 1 WHERE service_id IN (
           SELECT p.service_id FROM service_probes AS p JOIN services AS s ON s.id = p.service_id
           WHERE s.base_url <> '' AND (p.prober IS NULL OR NOT EXISTS
             (SELECT 1 FROM probers WHERE id = p.prober AND {living}))
           ORDER BY p.service_id LIMIT $3)",
    );
    let prober = prober.clone();
    store
        .write(move |transaction| {
            Box::pin(async move {
                changing_hands(transaction).await?;
                // Fences begin at the revision, so that a service does not inherit one from another of its name.
                let new = "INSERT INTO service_probes (service_id, fence)
                    SELECT s.id, at.revision FROM services AS s, registry_revision AS at WHERE s.base_url <> ''
                    AND NOT EXISTS (SELECT 1 FROM service_probes WHERE service_id = s.id)";
                transaction.execute(new, vec![]).await?;
                let seconds = lease.as_secs_f64();
                let args = vec![Arg::uuid(&prober), Arg::from(seconds), Arg::from(most)];
                transaction.execute(taken, args).await?;
                let gone = of_leases("DELETE FROM probers WHERE NOT ({living}) AND id <> $1");
                let args = vec![Arg::uuid(&prober), Arg::from(seconds)];
                transaction.execute(gone, args).await.map(drop)
            })
        })
        .await
}

/// The services that this prober has: only what probing needs, since there may be thousands and they are read again after
/// every change of the registry.
pub(super) async fn assigned(store: &Store, prober: &Id) -> Result<Vec<Assigned>> {
    let text = "SELECT {now} AS now, s.id, s.base_url, s.health_path, s.status, s.report_expires_at, s.probe_interval_ms,
          s.probe_timeout_ms, s.healthy_threshold, s.unhealthy_threshold, p.fence, p.place, p.probed_at, p.found,
          p.found_reason, p.latency_ms, p.repeated, p.failures
        FROM service_probes AS p JOIN services AS s ON s.id = p.service_id
        WHERE p.prober = $1 AND s.base_url <> ''";
    let rows = store
        .fetch_all(Sql::from(text).with_clock(), vec![Arg::uuid(prober)])
        .await?;
    // One that somebody damaged keeps no other from being probed.
    let readable = |row: &Row| {
        let read = read_assigned(row);
        read.inspect_err(|error| {
            let id = row.get::<Id>("id").unwrap_or_else(|_| "".into());
            tracing::warn!("the service '{id}' is not probed, because it cannot be read: {error}");
        })
        .ok()
    };
    Ok(rows.iter().filter_map(readable).collect())
}

fn read_assigned(row: &Row) -> Result<Assigned> {
    let base_url: String = row.get("base_url")?;
    let health_path: String = row.get("health_path")?;
    let found = findings(row, &base_url, &health_path)?;
    let now: Timestamp = row.get("now")?;
    Ok(Assigned {
        id: row.get("id")?,
        settings: Settings::read(row)?,
        status: HealthStatus::from_word(&row.get::<String>("status")?)?,
        speaks_until: speaks_until(row.get("report_expires_at")?, now),
        fence: row.get("fence")?,
        probed: found
            .as_ref()
            .and_then(|(last, _)| (now - last.at).to_std().ok()),
        streak: found.map(|(_, streak)| streak),
        base_url,
        health_path,
    })
}

/// Until when a service's own report holds, if it does at this time.
pub(super) fn speaks_until(expires_at: Option<Timestamp>, now: Timestamp) -> Option<Instant> {
    let rest = (expires_at? - now).to_std().ok()?;
    (!rest.is_zero()).then(|| Instant::now() + rest)
}

/// The database's time, and the services whose own report has run out by it and that are not called unhealthy yet.
pub(super) async fn expired(store: &Store) -> Result<(Timestamp, Vec<Id>)> {
    let text = "SELECT {now} AS now, id FROM services WHERE report_expires_at <= {now} AND status <> 'UNHEALTHY'
        ORDER BY id";
    let rows = store
        .fetch_all(Sql::from(text).with_clock(), vec![])
        .await?;
    let at = rows
        .first()
        .map_or_else(|| Ok(now()), |row| row.get("now"))?;
    // One whose id is no text cannot be asked for by it.
    let ids = rows.iter().filter_map(|row| row.get("id").ok());
    Ok((at, ids.collect()))
}
