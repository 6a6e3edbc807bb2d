//! The call that writes the transitions of many runs.

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Transition, Written};
use crate::audit::{self, Record};
use crate::error::Result;
use crate::store::{Batch, Call, Row, Sql, time_text};
use crate::types::weight;

/// Outputs larger than this, in bytes of JSON, are kept beside the hot table.
const LARGE_OUTPUT: usize = 256 << 10;

/// Writes transitions; clones share the lane.
#[derive(Default)]
pub(in crate::pipeline) struct Journal;

#[derive(Serialize)]
struct Document<'a> {
    ops: Vec<Value>,
    runs: Vec<Value>,
    rows: Vec<Value>,
    changes: Vec<Value>,
    outputs: Vec<Value>,
    #[serde(skip)]
    audit: Vec<&'a Record>,
}

impl Batch for Journal {
    type Op = Transition;
    /// `None` when the fence is stale: another worker owns the run.
    type Outcome = Option<Written>;

    fn call(ops: &[Transition]) -> Result<Call> {
        let mut document = Document {
            ops: vec![],
            runs: vec![],
            rows: vec![],
            changes: vec![],
            outputs: vec![],
            audit: vec![],
        };
        for (op, n) in ops.iter().zip(0..) {
            document.add(op, n);
        }
        let sql = Sql::of(document.sqlite(), POSTGRES);
        let records: Vec<Record> = document
            .audit
            .iter()
            .map(|record| (*record).clone())
            .collect();
        Ok(audit::part(Call::default(), &records).with(sql, serde_json::to_string(&document)?))
    }

    fn outcomes(ops: &[Transition], rows: &[Row]) -> Result<Vec<Self::Outcome>> {
        let mut outcomes = vec![None; ops.len()];
        for row in rows {
            let n = usize::try_from(row.get::<i64>("n")?).unwrap_or(usize::MAX);
            if row.get("owned")?
                && let Some(outcome) = outcomes.get_mut(n)
            {
                *outcome = Some(Written {
                    cancel_requested: row.get("cancel")?,
                });
            }
        }
        Ok(outcomes)
    }

    fn weight(op: &Transition) -> usize {
        let rows: usize = op
            .rows
            .iter()
            .map(|row| 400 + row.output.as_ref().map_or(0, weight))
            .sum();
        let start = op.start.as_ref().map_or(0, |start| {
            1000 + weight(&start.forecast) + weight(&start.input)
        });
        200 + rows
            + start
            + op.change
                .as_ref()
                .map_or(0, |change| 200 + change.result.as_ref().map_or(0, weight))
    }
}

impl<'a> Document<'a> {
    fn add(&mut self, op: &'a Transition, n: i64) {
        self.ops
            .push(json!({"n": n, "run": op.run, "fence": op.fence}));
        if let Some(start) = &op.start {
            self.runs.push(json!({
                "id": op.run, "workflow_id": start.workflow_id, "request_id": start.request_id, "seed": start.seed,
                "status": start.status, "started_at": time_text(start.started_at),
                "finished_at": start.finished_at.map(time_text), "result": start.result,
                "pipeline_id": start.pipeline_id, "definition_version": start.definition_version,
                "folder": start.folder, "input": start.input, "hosted": start.hosted,
                "simulated": start.simulated, "forecast": start.forecast, "owner_id": start.owner,
                "fence": op.fence, "actor": start.actor,
            }));
        }
        for row in &op.rows {
            let large = row
                .output
                .as_ref()
                .is_some_and(|output| weight(output) > LARGE_OUTPUT);
            let id = Uuid::now_v7();
            if large {
                self.outputs.push(
                    json!({"id": id, "run": op.run, "fence": op.fence, "output": row.output}),
                );
            }
            self.rows.push(json!({
                "id": id, "run": op.run, "fence": op.fence, "stage_num": row.stage, "stage_name": row.stage_id,
                "status": row.status, "started_at": time_text(row.started_at),
                "finished_at": row.finished_at.map(time_text),
                "metrics": row.duration_ms.map_or(json!({}), |duration| json!({"durationMs": duration})),
                "error": row.error.as_ref().map(|(_, message)| message),
                "error_code": row.error.as_ref().map(|(kind, _)| kind.code()),
                "kind": row.kind.as_str(), "item_key": row.item, "iteration": row.iteration, "attempt": row.attempt,
                "seq": row.seq, "output": row.output.as_ref().filter(|_| !large), "output_ref": large.then_some(id),
                "simulated": row.simulated,
            }));
        }
        if let Some(change) = &op.change {
            self.changes.push(json!({
                "run": op.run, "fence": op.fence, "status": change.status,
                "finished_at": change.finished_at.map(time_text), "result": change.result, "release": change.release,
            }));
        }
        self.audit.extend(&op.audit);
    }

    /// The statements for what is there. A change under a stale fence sets the status to NULL, which the table refuses:
    /// the whole call is rolled back, its operations run one by one, and only the stale one fails. So its audit row
    /// cannot remain either.
    fn sqlite(&self) -> String {
        let mut text = String::new();
        for (there, statement) in [
            (!self.runs.is_empty(), SQLITE_RUNS),
            (!self.outputs.is_empty(), SQLITE_OUTPUTS),
            (!self.rows.is_empty(), SQLITE_ROWS),
            (!self.changes.is_empty(), SQLITE_CHANGES),
        ] {
            if there {
                text += statement;
            }
        }
        text + SQLITE_OUTCOMES
    }
}

const SQLITE_RUNS: &str = "
INSERT INTO pipeline_runs (id, workflow_id, request_id, seed, status, started_at, finished_at, result, pipeline_id,
    definition_version, folder, input, hosted, simulated, forecast, owner_id, fence, actor)
SELECT value ->> 'id', value ->> 'workflow_id', value ->> 'request_id', value ->> 'seed', value ->> 'status',
    value ->> 'started_at', value ->> 'finished_at', value -> 'result', value ->> 'pipeline_id',
    value ->> 'definition_version', value ->> 'folder', value -> 'input', value -> 'hosted', value ->> 'simulated',
    nullif(value -> 'forecast', 'null'), value ->> 'owner_id', value ->> 'fence', value ->> 'actor'
FROM jsonb_each($1, '$.runs');
";

const SQLITE_OUTPUTS: &str = "
INSERT INTO pipeline_outputs (id, pipeline_run_id, output)
SELECT value ->> 'id', value ->> 'run', value -> 'output' FROM jsonb_each($1, '$.outputs')
JOIN pipeline_runs AS owned ON owned.id = value ->> 'run' AND owned.fence = value ->> 'fence' WHERE true
ON CONFLICT DO NOTHING;
";

// An intent (RUNNING) is overwritten by its outcome; anything else that is there already stays.
const SQLITE_ROWS: &str = "
INSERT INTO pipeline_stage_runs (id, pipeline_run_id, stage_num, stage_name, status, started_at, finished_at, metrics,
    error, error_code, kind, item_key, iteration, attempt, seq, output, output_ref, simulated)
SELECT value ->> 'id', value ->> 'run', value ->> 'stage_num', value ->> 'stage_name', value ->> 'status',
    value ->> 'started_at', value ->> 'finished_at', value -> 'metrics', value ->> 'error', value ->> 'error_code',
    value ->> 'kind', value ->> 'item_key', value ->> 'iteration', value ->> 'attempt', value ->> 'seq',
    nullif(value -> 'output', 'null'), value ->> 'output_ref', value ->> 'simulated'
FROM jsonb_each($1, '$.rows')
JOIN pipeline_runs AS owned ON owned.id = value ->> 'run' AND owned.fence = value ->> 'fence' WHERE true
ON CONFLICT (pipeline_run_id, stage_num, item_key, kind, iteration, attempt) DO UPDATE SET
    status = excluded.status, finished_at = excluded.finished_at, metrics = excluded.metrics, error = excluded.error,
    error_code = excluded.error_code, seq = excluded.seq, output = excluded.output, output_ref = excluded.output_ref
WHERE pipeline_stage_runs.status = 'RUNNING';
";

const SQLITE_CHANGES: &str = "
UPDATE pipeline_runs SET
    status = CASE WHEN pipeline_runs.fence = change.value ->> 'fence' THEN change.value ->> 'status' END,
    finished_at = change.value ->> 'finished_at',
    result = coalesce(nullif(change.value -> 'result', 'null'), result),
    owner_id = CASE WHEN change.value ->> 'release' THEN NULL ELSE owner_id END
FROM jsonb_each($1, '$.changes') AS change WHERE pipeline_runs.id = change.value ->> 'run';
";

const SQLITE_OUTCOMES: &str = "
SELECT op.value ->> 'n' AS n, owned.id IS NOT NULL AS owned, owned.cancel_requested_at IS NOT NULL AS cancel
FROM jsonb_each($1, '$.ops') AS op
LEFT JOIN pipeline_runs AS owned ON owned.id = op.value ->> 'run' AND owned.fence = op.value ->> 'fence'
";

// One statement, hence one round trip and one transaction. FOR SHARE keeps a peer from taking a run over while its
// rows are written, and the order of the identifiers keeps two calls from waiting for each other. For the same reason all
// rows of runs are locked before the call gives a row, behind which the audit log's are.
const POSTGRES: &str = "
WITH document AS (SELECT $1::json AS d),
op AS (
    SELECT n, run, fence FROM document, json_to_recordset(d -> 'ops') AS op(n bigint, run uuid, fence bigint)
),
begun AS (
    INSERT INTO pipeline_runs (id, workflow_id, request_id, seed, status, started_at, finished_at, result, pipeline_id,
        definition_version, folder, input, hosted, simulated, forecast, owner_id, fence, actor)
    SELECT id, workflow_id, request_id, seed, status, started_at, finished_at, result, pipeline_id, definition_version,
        folder, coalesce(input, 'null'), hosted, simulated, forecast, owner_id, fence, actor
    FROM document, json_to_recordset(d -> 'runs') AS run(id uuid, workflow_id text, request_id text, seed bigint,
        status text, started_at timestamptz, finished_at timestamptz, result jsonb, pipeline_id text,
        definition_version bigint, folder text, input jsonb, hosted jsonb, simulated boolean, forecast jsonb,
        owner_id uuid, fence bigint, actor text)
    RETURNING id, fence
),
present AS (
    SELECT id, fence, cancel_requested_at FROM pipeline_runs WHERE id IN (SELECT run FROM op) ORDER BY id FOR SHARE
),
owned AS (
    SELECT id, fence, cancel_requested_at IS NOT NULL AS cancel FROM present
    UNION ALL SELECT id, fence, false FROM begun
),
spilled AS (
    INSERT INTO pipeline_outputs (id, pipeline_run_id, output)
    SELECT o.id, run, output FROM document, json_to_recordset(d -> 'outputs') AS o(id uuid, run uuid, fence bigint,
        output jsonb) JOIN owned ON owned.id = run AND owned.fence = o.fence
    ON CONFLICT DO NOTHING
),
recorded AS (
    INSERT INTO pipeline_stage_runs (id, pipeline_run_id, stage_num, stage_name, status, started_at, finished_at,
        metrics, error, error_code, kind, item_key, iteration, attempt, seq, output, output_ref, simulated)
    SELECT r.id, run, stage_num, stage_name, status, started_at, finished_at, metrics, error, error_code, kind,
        item_key, iteration, attempt, seq, output, output_ref, simulated
    FROM document, json_to_recordset(d -> 'rows') AS r(id uuid, run uuid, fence bigint, stage_num int, stage_name text,
        status text, started_at timestamptz, finished_at timestamptz, metrics jsonb, error text, error_code text,
        kind text, item_key text, iteration bigint, attempt bigint, seq bigint, output jsonb, output_ref uuid,
        simulated boolean) JOIN owned ON owned.id = run AND owned.fence = r.fence
    ON CONFLICT (pipeline_run_id, stage_num, item_key, kind, iteration, attempt) DO UPDATE SET
        status = excluded.status, finished_at = excluded.finished_at, metrics = excluded.metrics,
        error = excluded.error, error_code = excluded.error_code, seq = excluded.seq, output = excluded.output,
        output_ref = excluded.output_ref
    WHERE pipeline_stage_runs.status = 'RUNNING'
),
changed AS (
    UPDATE pipeline_runs AS r SET
        status = CASE WHEN r.fence = change.fence THEN change.status END,
        finished_at = change.finished_at,
        result = coalesce(change.result, r.result),
        owner_id = CASE WHEN change.release THEN NULL ELSE r.owner_id END
    FROM document, json_to_recordset(d -> 'changes') AS change(run uuid, fence bigint, status text,
        finished_at timestamptz, result jsonb, release boolean)
    WHERE r.id = change.run AND (SELECT count(*) FROM owned) >= 0
    RETURNING r.id
)
{last} SELECT n, owned.id IS NOT NULL AS owned, coalesce(cancel, false) AS cancel
FROM op LEFT JOIN owned ON owned.id = op.run AND owned.fence = op.fence
WHERE (SELECT count(*) FROM changed) >= 0
";
