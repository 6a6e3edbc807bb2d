//! The SQL of following a run.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::pipeline::journal::StageRow;
use crate::pipeline::queries::stage_row;
use crate::pipeline::{Failure, RunStatus};
use crate::store::{Arg, Sql, Store};
use crate::types::{Id, Timestamp};

/// A run and what was recorded of it since somebody last looked, as of one moment.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) status: RunStatus,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Option<Timestamp>,
    pub(super) iteration: i64,
    pub(super) simulated: bool,
    /// Why it failed, or is failing.
    pub(super) error: Option<Failure>,
    /// Without their outputs, in the order of their numbers.
    pub(super) rows: Vec<StageRow>,
    /// Whether there may be more rows.
    pub(super) more: bool,
}

/// How many rows are read at once.
const LOOK_ROWS: usize = 512;

/// The rows numbered after `seq`, and those among `missing` that are there by now.
pub(super) async fn look(
    store: &Store,
    id: &Id,
    seq: i64,
    missing: &BTreeSet<i64>,
) -> Result<Look> {
    let text = |missing: &str| {
        format!(
            "SELECT r.status AS run_status, r.started_at AS run_started_at, r.finished_at AS run_finished_at,
                    r.iteration AS run_iteration, r.simulated AS run_simulated, r.result -> 'error' AS run_error,
                    s.kind, s.stage_num, s.stage_name, s.item_key, s.iteration, s.attempt, s.seq, s.status,
                    s.started_at, s.finished_at, s.metrics, s.simulated, NULL AS output, s.error, s.error_code
             FROM pipeline_runs AS r LEFT JOIN pipeline_stage_runs AS s
               ON s.pipeline_run_id = r.id AND (s.seq > $2 OR s.seq IN ({missing}))
             WHERE r.id = $1 ORDER BY s.seq LIMIT {LOOK_ROWS}"
        )
    };
    let sql = Sql::of(
        text("SELECT value FROM json_each($3)"),
        text("SELECT json_array_elements_text($3::json)::bigint"),
    );
    let missing = serde_json::to_string(missing)?;
    let rows = store
        .fetch_all(sql, vec![Arg::uuid(id), seq.into(), missing.into()])
        .await?;
    let run = rows.first().ok_or_else(|| Error::not_found("run", id))?;
    let error: Option<Value> = run.get("run_error")?;
    let recorded = rows.iter().filter_map(|row| {
        let seq: Result<Option<i64>> = row.get("seq");
        seq.transpose()
            .map(|there| there.and_then(|_| stage_row(row)))
    });
    Ok(Look {
        status: RunStatus::from_word(&run.get::<String>("run_status")?)?,
        started_at: run.get("run_started_at")?,
        finished_at: run.get("run_finished_at")?,
        iteration: run.get("run_iteration")?,
        simulated: run.get("run_simulated")?,
        error: error
            .map(serde_json::from_value)
            .transpose()?
            .unwrap_or_default(),
        rows: recorded.collect::<Result<_>>()?,
        more: rows.len() == LOOK_ROWS,
    })
}

/// The number of what was recorded last of a run.
pub(super) async fn newest_seq(store: &Store, id: &Id) -> Result<i64> {
    let row = store
        .fetch_optional(
            "SELECT coalesce(max(seq), 0) AS seq FROM pipeline_stage_runs WHERE pipeline_run_id = $1",
            vec![Arg::uuid(id)],
        )
        .await?;
    row.map_or(Ok(0), |row| row.get("seq"))
}
