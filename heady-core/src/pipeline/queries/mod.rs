//! The SQL of the pipeline beside the journal's.

mod definitions;

use serde_json::Value;

pub(super) use self::definitions::{
    Pinned, add_definition, document, find_definition, runnable, workflow,
};
use super::forecast::{HISTORY_RUNS, History, TaskHistory};
use super::journal::{Kind, StageRow};
use super::result::StoredResult;
use super::{RunPage, RunQuery, RunStatus, RunSummary, StageStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Arg, Page, Row, Sql, Store, Transaction, args};
use crate::types::{Id, Timestamp, now};

/// How long a worker that stopped renewing its lease is still taken for alive where its lock cannot be looked at.
pub(super) const LEASE_SECONDS: u64 = 15;

/// A stored run.
#[derive(Debug, Clone)]
pub(super) struct RunRow {
    pub(super) id: Id,
    pub(super) workflow_id: String,
    pub(super) request_id: Option<String>,
    pub(super) seed: i64,
    pub(super) status: RunStatus,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) result: Value,
    pub(super) definition: Pinned,
    pub(super) folder: Option<String>,
    pub(super) input: Value,
    pub(super) hosted: Vec<String>,
    pub(super) simulated: bool,
    pub(super) forecast: Option<Value>,
    pub(super) owner: Option<Id>,
    pub(super) fence: i64,
    pub(super) recoveries: i64,
    pub(super) iteration: i64,
    pub(super) actor: String,
}

/// What [`run`] reads of the table `pipeline_runs`.
const RUN: &str = "*, (SELECT definition_hash FROM pipeline_definitions AS d
    WHERE d.pipeline_id = pipeline_runs.pipeline_id AND d.version = pipeline_runs.definition_version) AS definition_hash";

fn run(row: &Row) -> Result<RunRow> {
    Ok(RunRow {
        id: row.get("id")?,
        workflow_id: row.get("workflow_id")?,
        request_id: row.get("request_id")?,
        seed: row.get("seed")?,
        status: RunStatus::from_word(&row.get::<String>("status")?)?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        result: row.get("result")?,
        definition: Pinned {
            pipeline_id: row.get("pipeline_id")?,
            version: row.get("definition_version")?,
            hash: row.get("definition_hash")?,
        },
        folder: row.get("folder")?,
        input: row.get("input")?,
        hosted: serde_json::from_value(row.get("hosted")?)?,
        simulated: row.get("simulated")?,
        forecast: row.get("forecast")?,
        owner: row.get("owner_id")?,
        fence: row.get("fence")?,
        recoveries: row.get("recoveries")?,
        iteration: row.get("iteration")?,
        actor: row.get("actor")?,
    })
}

pub(super) async fn run_by_id(store: &Store, id: &Id) -> Result<RunRow> {
    let row = store
        .fetch_optional(
            format!("SELECT {RUN} FROM pipeline_runs WHERE id = $1"),
            vec![Arg::uuid(id)],
        )
        .await?;
    row.map(|row| run(&row))
        .transpose()?
        .ok_or_else(|| Error::not_found("run", id))
}

pub(super) async fn run_by_request(
    store: &Store,
    workflow_id: &str,
    request_id: &str,
) -> Result<Option<Id>> {
    let row = store
        .fetch_optional(
            "SELECT id FROM pipeline_runs WHERE workflow_id = $1 AND request_id = $2",
            args![workflow_id, request_id],
        )
        .await?;
    row.map(|row| row.get("id")).transpose()
}

pub(super) async fn list(store: &Store, query: RunQuery) -> Result<RunPage> {
    let page = Page::of(query.limit, query.cursor.as_deref())?;
    let rows = store
        .fetch_all(
            "SELECT id, workflow_id, request_id, status, seed, started_at, finished_at, result FROM pipeline_runs
             WHERE ($1 IS NULL OR workflow_id = $1) AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR id < $3)
             ORDER BY id DESC LIMIT $4",
            vec![
                query.workflow_id.into(),
                query.status.map(RunStatus::as_str).into(),
                Arg::Uuid(page.before),
                page.rows().into(),
            ],
        )
        .await?;
    let runs = rows.iter().map(summary).collect::<Result<Vec<_>>>()?;
    let (runs, next) = page.cut(runs, |run| &run.run_id);
    Ok(RunPage { runs, next })
}

fn summary(row: &Row) -> Result<RunSummary> {
    Ok(RunSummary {
        run_id: row.get("id")?,
        workflow_id: row.get("workflow_id")?,
        request_id: row.get("request_id")?,
        status: RunStatus::from_word(&row.get::<String>("status")?)?,
        seed: row.get("seed")?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        metrics: StoredResult::read(row.get("result")?)?.metrics,
    })
}

/// What happened in a run, large outputs included.
const STAGE_ROWS: &str =
    "SELECT s.kind, s.stage_num, s.stage_name, s.item_key, s.iteration, s.attempt, s.seq, s.status, s.started_at,
            s.finished_at, s.metrics, s.simulated, coalesce(s.output, o.output) AS output, s.error, s.error_code
     FROM pipeline_stage_runs AS s LEFT JOIN pipeline_outputs AS o ON o.id = s.output_ref
     WHERE s.pipeline_run_id = $1";

pub(super) async fn stage_rows(store: &Store, id: &Id) -> Result<Vec<StageRow>> {
    let rows = store
        .fetch_all(format!("{STAGE_ROWS} ORDER BY s.seq"), vec![Arg::uuid(id)])
        .await?;
    rows.iter().map(stage_row).collect()
}

/// The recorded success of the task that this row is an attempt of.
pub(super) async fn success(store: &Store, run: &Id, row: &StageRow) -> Result<Option<StageRow>> {
    let found = store
        .fetch_optional(
            format!(
                "{STAGE_ROWS} AND s.stage_num = $2 AND s.item_key = $3 AND s.kind = $4 AND s.iteration = $5
                 AND s.status = 'SUCCEEDED'"
            ),
            vec![
                Arg::uuid(run),
                (row.stage as i64).into(),
                row.item.as_str().into(),
                row.kind.as_str().into(),
                row.iteration.into(),
            ],
        )
        .await?;
    found.as_ref().map(stage_row).transpose()
}

pub(super) fn stage_row(row: &Row) -> Result<StageRow> {
    let error_code: Option<String> = row.get("error_code")?;
    let error: Option<String> = row.get("error")?;
    let error = error.map(|message| {
        let kind = error_code.as_deref().and_then(ErrorKind::from_code);
        (kind.unwrap_or(ErrorKind::Internal), message)
    });
    Ok(StageRow {
        kind: Kind::from_word(&row.get::<String>("kind")?)?,
        stage: usize::try_from(row.get::<i64>("stage_num")?).unwrap_or(usize::MAX),
        stage_id: row.get("stage_name")?,
        item: row.get("item_key")?,
        iteration: row.get("iteration")?,
        attempt: row.get("attempt")?,
        seq: row.get("seq")?,
        status: StageStatus::from_word(&row.get::<String>("status")?)?,
        started_at: row.get("started_at")?,
        finished_at: row.get("finished_at")?,
        duration_ms: row
            .get::<Value>("metrics")?
            .get("durationMs")
            .and_then(Value::as_f64),
        simulated: row.get("simulated")?,
        output: row.get("output")?,
        error,
    })
}

/// The attempts in a workflow's newest real runs that have ended: those under way tell only of what went fast.
pub(super) async fn history(store: &Store, workflow_id: &str) -> Result<History> {
    let rows = store
        .fetch_all(
            "WITH r AS (
                SELECT id FROM pipeline_runs WHERE workflow_id = $1 AND finished_at IS NOT NULL AND simulated = $3
                ORDER BY id DESC LIMIT $2
             )
             SELECT s.stage_name, s.item_key, s.status, s.metrics, (SELECT count(*) FROM r) AS runs
             FROM pipeline_stage_runs AS s JOIN r ON r.id = s.pipeline_run_id
             WHERE s.kind = 'TASK' AND s.attempt > 0 AND s.status IN ('SUCCEEDED', 'FAILED') AND s.simulated = $3
             ORDER BY s.started_at, s.id",
            args![workflow_id, HISTORY_RUNS, false],
        )
        .await?;
    let mut history = History::default();
    for row in &rows {
        history.runs = row.get("runs")?;
        let task: &mut TaskHistory = history
            .tasks
            .entry((row.get("stage_name")?, row.get("item_key")?))
            .or_default();
        match row
            .get::<Value>("metrics")?
            .get("durationMs")
            .and_then(Value::as_f64)
        {
            Some(duration) if row.get::<String>("status")? == StageStatus::Succeeded.as_str() => {
                task.durations.push(duration / 1000.0);
            }
            _ => task.failures += 1,
        }
    }
    Ok(history)
}

/// Marks that somebody wants the run cancelled, and returns it; a run that nobody executes has that done at once by
/// the caller.
pub(super) async fn request_cancel(
    transaction: &mut Transaction,
    id: &Id,
) -> Result<Option<RunRow>> {
    let row = transaction
        .fetch_optional(
            format!("UPDATE pipeline_runs SET cancel_requested_at = coalesce(cancel_requested_at, $2) WHERE id = $1 RETURNING {RUN}"),
            vec![Arg::uuid(id), now().into()],
        )
        .await?;
    row.map(|row| run(&row)).transpose()
}

/// The runs among these whose cancellation was requested.
pub(super) async fn cancel_requests(store: &Store, owner: &Id) -> Result<Vec<Id>> {
    let rows = store
        .fetch_all(
            "SELECT id FROM pipeline_runs WHERE owner_id = $1 AND cancel_requested_at IS NOT NULL
             AND status IN ('PENDING', 'RUNNING', 'COMPENSATING')",
            vec![Arg::uuid(owner)],
        )
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Runs that have not ended, the oldest first.
pub(super) async fn open_runs(store: &Store) -> Result<Vec<RunRow>> {
    let rows = store
        .fetch_all(
            format!(
"SELECT {RUN} FROM pipeline_runs WHERE status IN ('PENDING', 'RUNNING', 'COMPENSATING') ORDER BY id LIMIT 100"
            ),
            vec![],
        )
        .await?;
    rows.iter().map(run).collect()
}

/// Takes a run over if it still has this fence, and returns it under its new one.
pub(super) async fn claim(
    transaction: &mut Transaction,
    found: &RunRow,
    owner: &Id,
    claim: Claim,
) -> Result<Option<RunRow>> {
    let row = transaction
        .fetch_optional(
            format!("UPDATE pipeline_runs SET owner_id = $2, fence = fence + 1, status = $3, recoveries = $4, iteration = $5,
                   finished_at = NULL, cancel_requested_at = CASE WHEN $6 THEN NULL ELSE cancel_requested_at END
                 WHERE id = $1 AND fence = $7 AND status = $8 RETURNING {RUN}"),
            vec![
                Arg::uuid(&found.id),
                Arg::uuid(owner),
                claim.status.as_str().into(),
                claim.recoveries.into(),
                claim.iteration.into(),
                claim.again.into(),
                found.fence.into(),
                found.status.as_str().into(),
            ],
        )
        .await?;
    row.map(|row| run(&row)).transpose()
}

/// What a claim makes of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) status: RunStatus,
    pub(super) recoveries: i64,
    pub(super) iteration: i64,
    /// Whether the run had ended, so that a cancellation from then no longer counts.
    pub(super) again: bool,
}

/// Ends a run that nobody executes.
pub(super) async fn set_status(
    transaction: &mut Transaction,
    found: &RunRow,
    status: RunStatus,
) -> Result<bool> {
    let changed = transaction
        .execute(
            "UPDATE pipeline_runs SET status = $2, finished_at = $3, owner_id = NULL, fence = fence + 1
             WHERE id = $1 AND fence = $4",
            vec![Arg::uuid(&found.id), status.as_str().into(), now().into(), found.fence.into()],
        )
        .await?;
    Ok(changed == 1)
}

/// Registers a worker, or renews its lease: for [`LEASE_SECONDS`] from now by the database's clock.
pub(super) async fn renew_lease(store: &Store, id: &Id) -> Result<()> {
    const VALUES: &str =
        "INSERT INTO workers (id, host, pid, code_version, started_at, lease_expires_at)
        VALUES ($1, $2, $3, $4, $5, {until})
        ON CONFLICT (id) DO UPDATE SET lease_expires_at = excluded.lease_expires_at";
    let sql = Sql::of(
        VALUES.replace(
            "{until}",
            &format!("strftime('%Y-%m-%dT%H:%M:%f000Z', 'now', '+{LEASE_SECONDS} seconds')"),
        ),
        VALUES.replace(
            "{until}",
            &format!("now() + interval '{LEASE_SECONDS} seconds'"),
        ),
    );
    let args = args![
        hostname(),
        i64::from(std::process::id()),
        env!("CARGO_PKG_VERSION"),
        now()
    ];
    let args = std::iter::once(Arg::uuid(id)).chain(args).collect();
    store
        .write(move |transaction| {
            Box::pin(async move { transaction.execute(sql, args).await.map(drop) })
        })
        .await
}

pub(super) async fn delete_worker(store: &Store, id: &Id) -> Result<()> {
    let id = Arg::uuid(id);
    store
        .write(move |transaction| {
            Box::pin(async move {
                transaction
                    .execute("DELETE FROM workers WHERE id = $1", vec![id])
                    .await
                    .map(drop)
            })
        })
        .await
}

/// Whether a worker has a lease that has not run out, by the database's clock.
pub(super) async fn has_lease(store: &Store, id: &Id) -> Result<bool> {
    let sql = Sql::of(
        "SELECT 1 FROM workers WHERE id = $1 AND lease_expires_at > strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')",
        "SELECT 1 FROM workers WHERE id = $1 AND lease_expires_at > now()",
    );
    Ok(store
        .fetch_optional(sql, vec![Arg::uuid(id)])
        .await?
        .is_some())
}

fn hostname() -> String {
    std::env::var("HOSTNAME").unwrap_or_else(|_| "localhost".to_owned())
}
