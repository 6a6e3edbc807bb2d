//! The SQL of transitions.
//!
//! The first part of a call begins and changes runs, and gives a row for each operation: whether its fence is the run's.
//! What is recorded of runs are further parts, in which only rows of owned runs are written.

use std::sync::{LazyLock, OnceLock};

use crate::store::{Columns, Sql};

/// An operation: its number, its run and the fence under which it was made.
pub(super) const OPS: Columns =
    Columns::of(&[("n", "bigint"), ("run", "uuid"), ("fence", "bigint")]);

/// A run that begins.
pub(super) const RUNS: Columns = Columns::of(&[
    ("id", "uuid"),
    ("workflow_id", "text"),
    ("request_id", "text"),
    ("seed", "bigint"),
    ("status", "text"),
    ("started_at", "timestamptz"),
    ("finished_at", "timestamptz"),
    ("result", "jsonb"),
    ("pipeline_id", "text"),
    ("definition_version", "bigint"),
    ("folder", "text"),
    ("input", "jsonb"),
    ("hosted", "jsonb"),
    ("simulated", "boolean"),
    ("forecast", "jsonb"),
    ("owner_id", "uuid"),
    ("fence", "bigint"),
    ("actor", "text"),
]);

/// A change of a run's own row.
pub(super) const CHANGES: Columns = Columns::of(&[
    ("run", "uuid"),
    ("fence", "bigint"),
    ("status", "text"),
    ("finished_at", "timestamptz"),
    ("result", "jsonb"),
    ("release", "boolean"),
]);

/// What happened in a run.
pub(super) const ROWS: Columns = Columns::of(&[
    ("id", "uuid"),
    ("run", "uuid"),
    ("fence", "bigint"),
    ("stage_num", "bigint"),
    ("stage_name", "text"),
    ("status", "text"),
    ("started_at", "timestamptz"),
    ("finished_at", "timestamptz"),
    ("metrics", "jsonb"),
    ("error", "text"),
    ("error_code", "text"),
    ("kind", "text"),
    ("item_key", "text"),
    ("iteration", "bigint"),
    ("attempt", "bigint"),
    ("seq", "bigint"),
    ("output", "jsonb"),
    ("output_ref", "uuid"),
    ("simulated", "boolean"),
]);

/// A large output.
pub(super) const OUTPUTS: Columns = Columns::of(&[
    ("id", "uuid"),
    ("run", "uuid"),
    ("fence", "bigint"),
    ("output", "jsonb"),
]);

/// The first part, for operations of which some begin runs or change their rows.
pub(super) fn ops(begin: bool, change: bool) -> &'static Sql {
    static MADE: [[OnceLock<Sql>; 2]; 2] = [const { [const { OnceLock::new() }; 2] }; 2];
    MADE[usize::from(begin)][usize::from(change)].get_or_init(|| {
        let runs = 1 + OPS.len();
        let changes = if begin { runs + RUNS.len() } else { runs };
        Sql::of(
            sqlite(begin.then_some(runs), change.then_some(changes)),
            postgres(begin.then_some(runs), change.then_some(changes)),
        )
    })
}

/// A change under a stale fence sets the status to NULL, which the table refuses: the whole call is rolled back, its
/// operations run one by one, and only the stale one fails. So its audit row cannot remain either.
fn sqlite(runs: Option<usize>, changes: Option<usize>) -> String {
    let mut text = String::new();
    if let Some(first) = runs {
        text += &format!(
            "INSERT INTO pipeline_runs ({}) VALUES ({});\n",
            RUNS.list(),
            RUNS.values(first)
        );
    }
    if let Some(first) = changes {
        let [run, fence, status, finished_at, result, release] =
            std::array::from_fn(|place| format!("${}", first + place));
        text += &format!(
            "UPDATE pipeline_runs SET status = CASE WHEN fence = {fence} THEN {status} END, finished_at = {finished_at},
                result = coalesce({result}, result), owner_id = CASE WHEN {release} THEN NULL ELSE owner_id END
             WHERE id = {run};\n"
        );
    }
    text + "SELECT $1 AS n, owned.id IS NOT NULL AS owned, owned.cancel_requested_at IS NOT NULL AS cancel
            FROM (SELECT 1) LEFT JOIN pipeline_runs AS owned ON owned.id = $2 AND owned.fence = $3"
}

/// One statement, hence one round trip and one transaction. FOR SHARE keeps a peer from taking a run over while its
/// rows are written, and the order of the identifiers keeps two calls from waiting for each other. For the same reason all
/// rows of runs are locked before the call gives a row, behind which the audit log's are.
fn postgres(runs: Option<usize>, changes: Option<usize>) -> String {
    let mut text = format!("WITH op AS ({}),\n", OPS.few(1));
    let mut begun = "";
    if let Some(first) = runs {
        text += &format!(
            "begun AS (INSERT INTO pipeline_runs ({}) SELECT {} RETURNING id, fence),\n",
            RUNS.list(),
            RUNS.unnested(first)
        );
        begun = "UNION ALL SELECT id, fence, false FROM begun";
    }
    text += &format!(
        "present AS (
            SELECT id, fence, cancel_requested_at FROM pipeline_runs WHERE id IN (SELECT run FROM op) ORDER BY id FOR SHARE
         ),
         owned AS (SELECT id, fence, cancel_requested_at IS NOT NULL AS cancel FROM present {begun})"
    );
    let mut locked = "";
    if let Some(first) = changes {
        text += &format!(
            ",
            changed AS (
                UPDATE pipeline_runs AS r SET
                    status = CASE WHEN r.fence = change.fence THEN change.status END,
                    finished_at = change.finished_at,
                    result = coalesce(change.result, r.result),
                    owner_id = CASE WHEN change.release THEN NULL ELSE r.owner_id END
                FROM ({}) AS change
                WHERE r.id = change.run AND (SELECT count(*) FROM owned) >= 0
                RETURNING r.id
            )",
            CHANGES.few(first)
        );
        locked = "WHERE (SELECT count(*) FROM changed) >= 0";
    }
    text + &format!(
        " {{last}} SELECT n, owned.id IS NOT NULL AS owned, coalesce(cancel, false) AS cancel
          FROM op LEFT JOIN owned ON owned.id = op.run AND owned.fence = op.fence {locked}"
    )
}

/// Records what happened. An intent (RUNNING) is overwritten by its outcome; anything else that is there already stays.
pub(super) fn rows() -> &'static Sql {
    static MADE: LazyLock<Sql> = LazyLock::new(|| {
        let once = "ON CONFLICT (pipeline_run_id, stage_num, item_key, kind, iteration, attempt) DO UPDATE SET
                status = excluded.status, finished_at = excluded.finished_at, metrics = excluded.metrics,
                error = excluded.error, error_code = excluded.error_code, seq = excluded.seq, output = excluded.output,
                output_ref = excluded.output_ref
            WHERE pipeline_stage_runs.status = 'RUNNING'";
        of_owned("pipeline_stage_runs", ROWS, once)
    });
    &MADE
}

/// Keeps large outputs.
pub(super) fn outputs() -> &'static Sql {
    static MADE: LazyLock<Sql> =
        LazyLock::new(|| of_owned("pipeline_outputs", OUTPUTS, "ON CONFLICT DO NOTHING"));
    &MADE
}

/// Inserts rows of runs that are owned. All columns are the table's but `run`, which is `pipeline_run_id` there, and `fence`.
fn of_owned(table: &str, columns: Columns, conflict: &str) -> Sql {
    let own = |form: fn(&str, usize) -> String| {
        let columns = columns
            .names()
            .zip(1..)
            .filter(|(name, _)| *name != "fence");
        columns
            .map(|(name, place)| form(name, place))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let names = own(|name, _| {
        if name == "run" {
            "pipeline_run_id"
        } else {
            name
        }
        .to_owned()
    });
    let place = |wanted: &str| {
        columns
            .names()
            .position(|name| name == wanted)
            .map_or(0, |place| place + 1)
    };
    let (run, fence) = (place("run"), place("fence"));
    Sql::of(
        format!(
            "INSERT INTO {table} ({names}) SELECT {} FROM pipeline_runs AS owned
             WHERE owned.id = ${run} AND owned.fence = ${fence} {conflict}",
            own(|_, place| format!("${place}"))
        ),
        format!(
            "{{last}} INSERT INTO {table} ({names}) SELECT {} FROM (SELECT {}) AS r
             JOIN owned ON owned.id = r.run AND owned.fence = r.fence WHERE {{after}} {conflict}",
            own(|name, _| format!("r.{name}")),
            columns.unnested(1)
        ),
    )
}
