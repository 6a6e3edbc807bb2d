//! Taking up a run that another process left, or that had ended without success.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::definition::Definition;
use super::execution::Execution;
use super::journal::StageRow;
use super::preflight::Preflight;
use super::queries::{self, Claim, RunRow};
use super::result::{RunFacts, StoredResult};
use super::state::RunState;
use super::tasks::Folder;
use super::{RunStatus, Shared, StageStatus};
use crate::audit::{self, Record};
use crate::error::{Error, Result};
use crate::types::Id;

/// How often a run may take its worker down before it is given up.
const MAX_RECOVERIES: i64 = 5;

/// A run read back.
pub(super) struct Loaded {
    pub(super) row: RunRow,
    pub(super) definition: Definition,
    pub(super) rows: Vec<StageRow>,
}

impl Loaded {
    pub(super) async fn of(shared: &Shared, id: &Id) -> Result<Self> {
        Self::from_row(shared, queries::run_by_id(&shared.store, id).await?).await
    }

    pub(super) async fn from_row(shared: &Shared, row: RunRow) -> Result<Self> {
        let document = shared.documents.get(&shared.store, &row.definition);
        // The rest of the run is fetched beside it.
        let (document, rows) = tokio::join!(document, queries::stage_rows(&shared.store, &row.id));
        let definition = Definition::for_run(&*document?, &row.input, &row.hosted)?;
        Ok(Self {
            row,
            definition,
            rows: rows?,
        })
    }

    /// How many tasks may be under way at once.
    async fn limit(&self, shared: &Shared) -> Result<usize> {
        if let Some(limit) = self.definition.max_concurrent_tasks {
            return Ok(limit);
        }
        let workflow = queries::workflow(&shared.store, &self.row.workflow_id).await?;
        Ok(workflow.map_or(1, |(_, limit)| usize::try_from(limit).unwrap_or(1)))
    }

    /// Where the run stands when it has been resumed so often.
    pub(super) fn state(&self, iteration: i64) -> RunState {
        RunState::of(&self.definition, self.rows.clone(), iteration)
    }

    pub(super) fn facts(&self) -> Result<RunFacts> {
        let row = &self.row;
        Ok(RunFacts {
            id: row.id.clone(),
            workflow_id: row.workflow_id.clone(),
            request_id: row.request_id.clone(),
            seed: row.seed,
            simulated: row.simulated,
            started_at: row.started_at,
            actor: row.actor.clone(),
            input: Arc::new(row.input.clone()),
            forecast: row
                .forecast
                .clone()
                .map(serde_json::from_value)
                .transpose()?,
        })
    }
}

/// Why a run is taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Somebody asked for it.
    Asked,
    /// Somebody asked to cancel it, and what was done has to be undone.
    ToCancel,
    /// Its worker is gone.
    Orphaned,
}

/// Takes a run up, or returns `None` if somebody else was faster or it has to wait for a worker with its handlers.
///
/// # Errors
/// `FAILED_PRECONDITION` if it is being executed elsewhere or there is nothing to resume; the preflight's error if a
/// task that is left has no handler or right here, in which case the run stays as it was.
pub(super) async fn take_up(
    shared: &Arc<Shared>,
    actor: &str,
    id: &Id,
    reason: Reason,
) -> Result<Option<Box<Execution>>> {
    let loaded = Loaded::of(shared, id).await?;
    let claim = claim(shared, &loaded.row).await?;
    if claim.recoveries > MAX_RECOVERIES && reason == Reason::Orphaned {
        give_up(shared, loaded.row).await?;
        return Ok(None);
    }
    let state = loaded.state(claim.iteration);
    let folder = Folder::of(loaded.row.folder.as_deref());
    let tools = shared.tools_for_run().await?;
    let preflight = Preflight::check(&loaded.definition, &shared.handlers, &tools, &folder);
    let ahead = match reason {
        Reason::ToCancel => RunStatus::Compensating,
        Reason::Asked | Reason::Orphaned => claim.status,
    };
    check_rest(&loaded.definition, &state, &preflight, ahead)?;
    let limit = loaded.limit(shared).await?;

    shared.worker.show_life().await?;
    let Some(row) = take(shared, actor, &loaded.row, claim, reason).await? else {
        return match reason {
            Reason::Asked | Reason::ToCancel => Err(Error::aborted(format!(
                "run {id} was taken up by somebody else a moment ago"
            ))),
            Reason::Orphaned => Ok(None),
        };
    };
    // What the last owner still recorded before the claim is durable now and belongs to the picture.
    let loaded = Loaded::from_row(shared, row).await?;
    let state = loaded.state(claim.iteration);
    let (facts, fence) = (loaded.facts()?, loaded.row.fence);
    let stored = StoredResult::read(loaded.row.result.clone())?;
    let mut execution = shared.execution(
        facts,
        loaded.definition,
        preflight,
        limit,
        folder,
        tools,
        id,
        fence,
    );
    execution.seq.store(state.seq, Ordering::Relaxed);
    execution.state = state;
    execution.status = claim.status;
    execution.error = if claim.status == RunStatus::Compensating {
        stored.fault()
    } else {
        None
    };
    Ok(Some(Box::new(execution)))
}

/// Cancels a run, and returns how it stood: one that waits for a person is taken up, and then undone here.
///
/// # Errors
/// `NOT_FOUND`, or `FAILED_PRECONDITION` if it has ended; for a run that waits for a person also as [`take_up`].
pub(super) async fn cancel(shared: &Arc<Shared>, actor: &str, id: &Id) -> Result<RunStatus> {
    let record = Record::new(actor, "RUN_CANCEL", format!("run:{id}"), "SUCCEEDED");
    let wanted = id.clone();
    let status = shared
        .store
        .write(move |transaction| {
            Box::pin(async move {
                let row = queries::request_cancel(transaction, &wanted).await?;
                let row = row.ok_or_else(|| Error::not_found("run", &wanted))?;
                if row.status.is_terminal() {
                    let message = format!(
                        "run {wanted} has ended with {}; there is nothing to cancel",
                        row.status
                    );
                    return Err(Error::failed_precondition(message));
                }
                audit::append(transaction, &[record]).await?;
                Ok(row.status)
            })
        })
        .await?;
    if status == RunStatus::Paused {
        if let Some(execution) = take_up(shared, actor, id, Reason::ToCancel).await? {
            execution.cancel.cancel();
            shared.spawn(*execution);
        }
    } else if let Some(active) = shared.active().get(id) {
        active.cancel.cancel();
    }
    Ok(status)
}

/// What taking the run up makes of it.
async fn claim(shared: &Shared, row: &RunRow) -> Result<Claim> {
    let mut claim = Claim {
        status: row.status,
        recoveries: row.recoveries,
        iteration: row.iteration,
        again: false,
    };
    match row.status {
        RunStatus::Pending | RunStatus::Running | RunStatus::Waiting | RunStatus::Compensating => {
            if let Some(owner) = &row.owner {
                if owner != shared.worker.id() && !shared.worker.is_gone(owner).await? {
                    return Err(Error::failed_precondition(format!(
                        "run {} is being executed by another process",
                        row.id
                    )));
                }
                claim.recoveries += 1;
            }
            if row.status != RunStatus::Compensating {
                claim.status = RunStatus::Running;
            }
        }
        RunStatus::Paused => claim.status = RunStatus::Running,
        RunStatus::Failed | RunStatus::Compensated | RunStatus::Cancelled | RunStatus::Dead => {
            claim = Claim {
                status: RunStatus::Running,
                recoveries: 0,
                iteration: row.iteration + 1,
                again: true,
            };
        }
        RunStatus::Succeeded => {
            return Err(Error::failed_precondition(format!(
                "run {} has succeeded; there is nothing to resume",
                row.id
            )));
        }
    }
    Ok(claim)
}

/// Refuses to take up a run that would fail for want of something here: it can be resumed where that is not so.
fn check_rest(
    definition: &Definition,
    state: &RunState,
    preflight: &Preflight,
    status: RunStatus,
) -> Result<()> {
    for (stage, index, task) in state.tasks() {
        let name = format!(
            "{}/{}",
            definition.stages[stage].id, definition.stages[stage].tasks[index].name
        );
        if task.status == StageStatus::Indeterminate {
            return Err(Error::failed_precondition(format!(
                "task '{name}' may happen at most once and nobody knows whether it did; this run cannot be resumed"
            )));
        }
        // While undoing, only what is always executed and what was done matters.
        let matters =
            status != RunStatus::Compensating || task.stands() || definition.stages[stage].always;
        let left = task.status == StageStatus::Pending
            || status == RunStatus::Compensating && task.stands();
        if let Some((kind, message)) = preflight.problem(stage, index).filter(|_| matters && left) {
            return Err(Error::new(
                *kind,
                format!("task '{name}' cannot be executed here: {message}"),
            ));
        }
    }
    Ok(())
}

async fn take(
    shared: &Shared,
    actor: &str,
    row: &RunRow,
    claim: Claim,
    reason: Reason,
) -> Result<Option<RunRow>> {
    let (row, owner) = (row.clone(), shared.worker.id().clone());
    let record = (reason == Reason::Asked)
        .then(|| Record::new(actor, "RUN_RESUME", format!("run:{}", row.id), "SUCCEEDED"));
    shared
        .store
        .write(move |transaction| {
            Box::pin(async move {
                let taken = queries::claim(transaction, &row, &owner, claim).await?;
                if let Some(record) = record.filter(|_| taken.is_some()) {
                    audit::append(transaction, &[record]).await?;
                }
                Ok(taken)
            })
        })
        .await
}

async fn give_up(shared: &Shared, row: RunRow) -> Result<()> {
    tracing::warn!(run = %row.id, "given up after taking down {MAX_RECOVERIES} workers");
    let record = Record::new(
        &row.actor,
        "RUN_FINISH",
        format!("run:{}", row.id),
        RunStatus::Dead.as_str(),
    );
    shared
        .store
        .write(move |transaction| {
            Box::pin(async move {
                if queries::set_status(transaction, &row, RunStatus::Dead).await? {
                    audit::append(transaction, &[record]).await?;
                }
                Ok(())
            })
        })
        .await
}
