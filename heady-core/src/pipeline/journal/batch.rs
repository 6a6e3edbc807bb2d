//! The call that writes the transitions of many runs.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::sql::{CHANGES, OPS, OUTPUTS, ROWS, RUNS, ops, outputs, rows};
use super::{NewRun, RunChange, StageRow, Transition, Written};
use crate::audit;
use crate::error::Result;
use crate::store::{Arg, Batch, Call, Row};
use crate::types::{Id, weight};

/// Outputs larger than this, in bytes of JSON, are kept beside the hot table.
const LARGE_OUTPUT: usize = 256 << 10;

/// Writes transitions; clones share the lane.
#[derive(Default)]
pub(in crate::pipeline) struct Journal;

/// Rows of the tables that transitions change.
#[derive(Default)]
struct Tables {
    ops: Vec<Vec<Arg>>,
    runs: Vec<Vec<Arg>>,
    rows: Vec<Vec<Arg>>,
    changes: Vec<Vec<Arg>>,
    outputs: Vec<Vec<Arg>>,
}

impl Batch for Journal {
    type Op = Arc<Transition>;
    /// `None` when the fence is stale: another worker owns the run.
    type Outcome = Option<Written>;

    fn call(transitions: &[Arc<Transition>]) -> Result<Call> {
        let (mut all, mut records) = (Tables::default(), Vec::new());
        for (op, n) in transitions.iter().zip(0..) {
            all.add(op, n)?;
            records.extend_from_slice(&op.audit);
        }
        let first = ops(!all.runs.is_empty(), !all.changes.is_empty());
        let mut args = OPS.arguments(all.ops.into_iter());
        for (columns, rows) in [(RUNS, all.runs), (CHANGES, all.changes)] {
            if !rows.is_empty() {
                args.extend(columns.arguments(rows.into_iter()));
            }
        }
        let mut call = audit::part(Call::default(), records).with(first, args);
        if !all.outputs.is_empty() {
            call = call.with(outputs(), OUTPUTS.arguments(all.outputs.into_iter()));
        }
        if !all.rows.is_empty() {
            call = call.with(rows(), ROWS.arguments(all.rows.into_iter()));
        }
        Ok(call)
    }

    fn outcomes(ops: &[Arc<Transition>], rows: &[Row]) -> Result<Vec<Self::Outcome>> {
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

    fn weight(op: &Arc<Transition>) -> usize {
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

impl Tables {
    fn add(&mut self, op: &Transition, n: i64) -> Result<()> {
        let (run, fence) = (&op.run, op.fence);
        self.ops.push(vec![n.into(), run.into(), fence.into()]);
        if let Some(start) = &op.start {
            self.runs.push(begun(run, fence, start)?);
        }
        for row in &op.rows {
            self.record(run, fence, row)?;
        }
        if let Some(change) = &op.change {
            self.changes.push(changed(run, fence, change)?);
        }
        Ok(())
    }

    fn record(&mut self, run: &Id, fence: i64, row: &StageRow) -> Result<()> {
        let id = || Uuid::now_v7().to_string();
        let output = row.output.as_ref();
        let large = output.filter(|output| weight(output) > LARGE_OUTPUT);
        let beside = large.map(|_| id());
        if let (Some(id), Some(output)) = (&beside, large) {
            self.outputs
                .push(vec![id.into(), run.into(), fence.into(), text(output)?]);
        }
        let metrics = row
            .duration_ms
            .map_or(json!({}), |duration| json!({"durationMs": duration}));
        let (code, message) = row.error.as_ref().map_or((None, None), |(kind, message)| {
            (Some(kind.code()), Some(message.as_str()))
        });
        self.rows.push(vec![
            id().into(),
            run.into(),
            fence.into(),
            (row.stage as i64).into(),
            row.stage_id.as_str().into(),
            row.status.as_str().into(),
            row.started_at.into(),
            row.finished_at.into(),
            text(&metrics)?,
            message.into(),
            code.into(),
            row.kind.as_str().into(),
            row.item.as_str().into(),
            row.iteration.into(),
            row.attempt.into(),
            row.seq.into(),
            maybe(output.filter(|_| beside.is_none()))?,
            beside.into(),
            row.simulated.into(),
        ]);
        Ok(())
    }
}

fn begun(run: &Id, fence: i64, start: &NewRun) -> Result<Vec<Arg>> {
    Ok(vec![
        run.into(),
        start.workflow_id.as_str().into(),
        start.request_id.as_deref().into(),
        start.seed.into(),
        start.status.as_str().into(),
        start.started_at.into(),
        start.finished_at.into(),
        text(&start.result)?,
        start.pipeline_id.as_str().into(),
        start.definition_version.into(),
        start.folder.as_deref().into(),
        text(&start.input)?,
        text(&start.hosted)?,
        start.simulated.into(),
        maybe(Some(&start.forecast))?,
        start.owner.as_ref().map(Id::as_str).into(),
        fence.into(),
        start.actor.as_str().into(),
    ])
}

fn changed(run: &Id, fence: i64, change: &RunChange) -> Result<Vec<Arg>> {
    Ok(vec![
        run.into(),
        fence.into(),
        change.status.as_str().into(),
        change.finished_at.into(),
        maybe(change.result.as_ref())?,
        change.release.into(),
    ])
}

/// JSON as text.
fn text(value: &impl Serialize) -> Result<Arg> {
    Ok(serde_json::to_string(value)?.into())
}

/// The same, and NULL for null.
fn maybe(value: Option<&Value>) -> Result<Arg> {
    let value = value.filter(|value| !value.is_null());
    value.map_or(Ok(Arg::Text(None)), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_no_value() {
        for (value, stored) in [
            (None, None),
            (Some(Value::Null), None),
            (Some(json!([null])), Some("[null]")),
        ] {
            let arg = maybe(value.as_ref()).unwrap();
            assert!(
                matches!(&arg, Arg::Text(text) if text.as_deref() == stored),
                "{arg:?}"
            );
        }
    }
}
