//! The beginning of a run: what it executes, what is known about it beforehand, and its first transition.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::definition::Definition;
use super::event::Events;
use super::execution::{Execution, UnderWay};
use super::forecast::Model;
use super::journal::{NewRun, StageRow, Transition};
use super::preflight::Preflight;
use super::register::{DEFAULT_WORKFLOW, add, document};
use super::result::{self, Fault, RunFacts};
use super::state::RunState;
use super::tasks::Folder;
use super::{RunStatus, Shared, StageStatus, StartRun, queries};
use crate::audit::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::registry::MAX_CONCURRENT_TASKS;
use crate::types::{Id, checked_seed, now, random_seed};

/// A definition chosen for a run.
struct Chosen {
    workflow_id: String,
    pipeline_id: String,
    version: i64,
    limit: i64,
    document: Arc<Value>,
    folder: Option<String>,
}

async fn choose(shared: &Shared, actor: &str, options: &mut StartRun) -> Result<Chosen> {
    let given = options.definition.take().map(|json| json.0);
    if options.path.is_some() || given.is_some() {
        if options.workflow_id.is_some() {
            return Err(Error::invalid_argument(
                "workflowId: give either a workflow or a definition to run, not both",
            ));
        }
        let (document, folder) = document(options.path.as_deref(), given).await?;
        let (version, document) = add(shared, actor, document).await?;
        return Ok(Chosen {
            workflow_id: version.workflow_id,
            pipeline_id: version.pipeline_id,
            version: version.version,
            limit: MAX_CONCURRENT_TASKS,
            document: Arc::new(document),
            folder,
        });
    }
    let workflow_id = options
        .workflow_id
        .take()
        .unwrap_or_else(|| DEFAULT_WORKFLOW.to_owned());
    let mut found = queries::runnable(&shared.store, &workflow_id).await?;
    if found.is_none() && workflow_id == DEFAULT_WORKFLOW {
        add(
            shared,
            actor,
            json!({"pipeline": {"name": "HCFullPipeline"}}),
        )
        .await?;
        found = queries::runnable(&shared.store, &workflow_id).await?;
    }
    let found = found.ok_or_else(|| Error::not_found("workflow", &workflow_id))?;
    let newest = found.newest.ok_or_else(|| {
        Error::failed_precondition(format!(
            "workflow '{workflow_id}' has no pipeline definition; register one first"
        ))
    })?;
    Ok(Chosen {
        workflow_id,
        document: shared.documents.get(&shared.store, &newest).await?,
        pipeline_id: newest.pipeline_id,
        version: newest.version,
        limit: found.limit,
        folder: None,
    })
}

/// A run that is about to begin, or that was begun earlier under the same request.
pub(super) enum Begun {
    New(Box<Execution>),
    /// It ended with its first transition.
    Ended(Id),
    Known(Id),
}

/// Begins a run: its first transition is durable when this returns.
pub(super) async fn begin(
    shared: &Arc<Shared>,
    actor: &str,
    mut options: StartRun,
) -> Result<Begun> {
    let chosen = choose(shared, actor, &mut options).await?;
    if let Some(request_id) = options.request_id.as_deref() {
        crate::registry::checked_id(request_id).map_err(|error| error.context("requestId"))?;
        if let Some(known) =
            queries::run_by_request(&shared.store, &chosen.workflow_id, request_id).await?
        {
            return Ok(Begun::Known(known));
        }
    }
    let input = options.input.map_or(Value::Null, |json| json.0);
    let hosted = shared.hosted(&chosen.document);
    let definition = Definition::for_run(&chosen.document, &input, &hosted)?;
    let seed = match options.seed.or(definition.seed) {
        Some(seed) => checked_seed(seed)?,
        None => random_seed(),
    };
    let limit = definition
        .max_concurrent_tasks
        .unwrap_or(usize::try_from(chosen.limit).unwrap_or(1));
    let simulated = options.simulate.unwrap_or(false);
    let folder = Folder::of(chosen.folder.as_deref());
    let tools = shared.tools_for_run().await?;
    let preflight = Preflight::check(&definition, &shared.handlers, &tools, &folder);
    let recent = &shared.recent;
    let history = recent.history(&shared.store, &chosen.workflow_id).await?;
    let known = (!simulated).then_some(&preflight);
    let model = Model::of(&definition, limit, &history, known);
    let pretended = if simulated {
        Some(model.one_sample(&tools.monte_carlo, seed).await?)
    } else {
        None
    };
    let mut forecast = model.forecast(recent, &tools.monte_carlo, seed).await?;
    let hopeless = hopeless(&definition, &preflight, &chosen.document);
    if hopeless.is_some() && !simulated {
        // That no task can fail is no reason to be ready when there is none.
        forecast.score = 0;
    }

    let id = Id::new();
    let new_run = NewRun {
        workflow_id: chosen.workflow_id.clone(),
        request_id: options.request_id.clone(),
        seed,
        status: RunStatus::Running,
        started_at: now(),
        finished_at: None,
        result: json!({}),
        pipeline_id: chosen.pipeline_id,
        definition_version: chosen.version,
        folder: chosen.folder,
        input: input.clone(),
        hosted,
        simulated,
        forecast: serde_json::to_value(&forecast)?,
        owner: Some(shared.worker.id().clone()),
        actor: actor.to_owned(),
    };
    let facts = RunFacts {
        id: id.clone(),
        workflow_id: chosen.workflow_id.clone(),
        request_id: options.request_id.clone(),
        seed,
        simulated,
        started_at: new_run.started_at,
        actor: actor.to_owned(),
        input: Arc::new(input),
        forecast: Some(forecast),
    };
    let mut execution =
        shared.execution(facts, definition, preflight, limit, folder, tools, &id, 1);
    let mut transition = execution.journal.transition();
    transition.audit.push(execution.start_record());
    transition.start = Some(new_run);
    match (pretended, hopeless) {
        (Some(durations), _) => execution.pretend(&mut transition, &durations),
        (None, Some(fault)) => execution.refuse(&mut transition, fault),
        (None, None) => shared.worker.show_life().await?,
    }
    let ended = execution.status.is_terminal();
    match execution.journal.write_once(transition).await {
        Ok(_) if ended => Ok(Begun::Ended(id)),
        Ok(_) => Ok(Begun::New(Box::new(execution))),
        // Somebody began the same request a moment earlier.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let request_id = options.request_id.unwrap_or_default();
            let known =
                queries::run_by_request(&shared.store, &chosen.workflow_id, &request_id).await?;
            known.map(Begun::Known).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

/// Why a run cannot succeed whatever happens, if that is known before it begins.
fn hopeless(definition: &Definition, preflight: &Preflight, document: &Value) -> Option<Fault> {
    let idle = definition
        .stages
        .iter()
        .any(|stage| stage.id == "execute" && stage.tasks.is_empty());
    if definition.task_count() == 0 || idle && !Definition::hostable(document).is_empty() {
        let message =
            "there is nothing to execute: register a handler 'execute', or list tasks in the input";
        return Some((ErrorKind::FailedPrecondition, message.to_owned()));
    }
    if !preflight.rules_out_success(definition) {
        return None;
    }
    let problems: Vec<_> = preflight.problems(definition).collect();
    let (task, (kind, message)) = problems.first()?;
    let others = if problems.len() > 1 {
        format!(" (and {} more)", problems.len() - 1)
    } else {
        String::new()
    };
    Some((
        *kind,
        format!("nothing was executed, because task '{task}' cannot be{others}: {message}"),
    ))
}

impl Execution {
    fn start_record(&self) -> Record {
        let facts = &self.facts;
        Record::new(
            &facts.actor,
            "RUN_START",
            format!("run:{}", facts.id),
            "SUCCEEDED",
        )
        .with(json!({
            "workflowId": facts.workflow_id, "requestId": facts.request_id, "seed": facts.seed,
            "simulated": facts.simulated,
        }))
    }

    /// A run that cannot succeed ends before it begins: impossible tasks have failed, the others are skipped.
    fn refuse(&mut self, transition: &mut Transition, fault: Fault) {
        for stage in 0..self.definition.stages.len() {
            let mut failed = false;
            for index in 0..self.definition.stages[stage].tasks.len() {
                let problem = self.preflight.problem(stage, index).cloned();
                failed |= problem.is_some();
                let status = if problem.is_some() {
                    StageStatus::Failed
                } else {
                    StageStatus::Skipped
                };
                let row = StageRow {
                    error: problem,
                    ..self.task_row(stage, index, status)
                };
                self.push(transition, row);
            }
            let status = if failed {
                StageStatus::Failed
            } else {
                StageStatus::Skipped
            };
            let row = self.stage_row(stage, status);
            self.push(transition, row);
        }
        self.error = Some(fault);
        self.end_at_once(transition, RunStatus::Failed);
    }

    /// A simulated run: every task succeeds at once, after a time that the forecast drew for it.
    fn pretend(&mut self, transition: &mut Transition, durations: &[f64]) {
        let mut durations = durations.iter();
        for stage in 0..self.definition.stages.len() {
            let empty = self.definition.stages[stage].tasks.is_empty();
            for index in 0..self.definition.stages[stage].tasks.len() {
                let row = StageRow {
                    attempt: 1,
                    simulated: true,
                    duration_ms: durations.next().copied(),
                    ..self.task_row(stage, index, StageStatus::Succeeded)
                };
                self.push(transition, row);
            }
            let row = self.stage_row(
                stage,
                if empty {
                    StageStatus::Skipped
                } else {
                    StageStatus::Succeeded
                },
            );
            self.push(
                transition,
                StageRow {
                    simulated: true,
                    ..row
                },
            );
        }
        self.end_at_once(transition, RunStatus::Succeeded);
    }

    fn end_at_once(&mut self, transition: &mut Transition, status: RunStatus) {
        let at = now();
        if let Some(start) = &mut transition.start {
            (start.status, start.finished_at, start.owner) = (status, Some(at), None);
            start.result = result::stored(
                &self.state,
                &self.definition,
                &self.facts,
                self.error.as_ref(),
                Some(at),
            );
        }
        self.status = status;
        transition.audit.push(self.finish_record(status));
    }
}

impl Shared {
    /// Which of the built-in stages have a handler of the host now.
    fn hosted(&self, document: &Value) -> Vec<String> {
        let stages = Definition::hostable(document).iter();
        stages
            .filter(|id| self.handlers.get(id).is_some())
            .map(|id| (*id).to_owned())
            .collect()
    }

    /// An execution that has not begun, under the fence of its claim.
    #[expect(
        clippy::too_many_arguments,
        reason = "one for each of the things that a run consists of"
    )]
    pub(super) fn execution(
        &self,
        facts: RunFacts,
        definition: Definition,
        preflight: Preflight,
        limit: usize,
        folder: Folder,
        tools: super::tasks::Tools,
        id: &Id,
        fence: i64,
    ) -> Execution {
        Execution {
            facts: Arc::new(facts),
            state: RunState::new(&definition),
            definition: Arc::new(definition),
            preflight,
            status: RunStatus::Running,
            error: None,
            limit,
            tools,
            folder,
            breakers: self.breakers.clone(),
            journal: self.journal(id, fence),
            seq: Arc::new(AtomicI64::new(0)),
            events: Events::new(),
            under_way: UnderWay::default(),
            cancel: CancellationToken::new(),
            hand_back: CancellationToken::new(),
        }
    }
}
