//! `heady run`: import a registry, plan, execute, report.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use heady_core::pipeline::{PipelineRun, RunStatus, StartRun};
use heady_core::registry::ImportOptions;
use heady_core::{Error, ErrorKind, Heady, Result, report};

use crate::api::Api;
use crate::output::{exit, note, result};
use crate::{Common, Rights, progress};

#[derive(Args)]
pub(crate) struct Run {
    /// A definition file (YAML or JSON), or the name of a registered workflow
    pipeline: String,
    /// Import this registry file first
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// What the random draws follow from, 0 to 2^53-1; wins over the definition's
    #[arg(long, value_name = "N")]
    seed: Option<i64>,
    /// A name for this request: a second run under it returns the first
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// The run's input, as JSON
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    #[command(flatten)]
    rights: Rights,
    /// Call no handler, process or host: every task ends at once with a duration from the forecast
    #[arg(long)]
    simulate: bool,
}

impl Run {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let input = self
            .input
            .as_deref()
            .map(heady_core::document::parse_json)
            .transpose();
        let mut start = StartRun {
            request_id: self.request_id,
            seed: self.seed,
            simulate: Some(self.simulate),
            input: input
                .map_err(|error| error.context("--input"))?
                .map(Into::into),
            ..StartRun::default()
        };
        let is_file =
            Path::new(&self.pipeline).exists() || self.pipeline.contains(['/', '.', '\\']);
        if is_file {
            start.path = Some(self.pipeline.clone());
        } else {
            start.workflow_id = Some(self.pipeline.clone());
        }
        let heady = common.open(Some(self.rights)).await?;
        if let Some(path) = &self.registry {
            let options = ImportOptions {
                path: Some(path.display().to_string()),
                ..ImportOptions::default()
            };
            let report = heady.registry().import(options).await?;
            note(&format!(
                "registry: {} created, {} updated, {} unchanged, {} warnings",
                report.created,
                report.updated,
                report.unchanged,
                report.warnings.len()
            ));
        }
        carry_through(common, heady, async |heady| {
            heady
                .pipeline()
                .start(start)
                .await
                .map_err(|error| match error.kind() {
                    ErrorKind::NotFound if !is_file => Error::new(
                        ErrorKind::NotFound,
                        format!(
                            "'{}' is neither a file nor a registered workflow",
                            self.pipeline
                        ),
                    ),
                    _ => error,
                })
        })
        .await
    }
}

/// Begins a run, shows it until it ends and reports it. The engine's API is open meanwhile.
pub(crate) async fn carry_through(
    common: &Common,
    heady: Heady,
    begin: impl AsyncFnOnce(&Heady) -> Result<PipelineRun>,
) -> Result<ExitCode> {
    let api = Api::open(&heady).await?;
    note(&format!("API: {}/api/health", api.address));
    let begun = begin(&heady).await;
    let ended = match begun {
        Ok(run) => follow(&heady, &run).await,
        Err(error) => Err(error),
    };
    let closed = api.close(&heady).await;
    heady.close().await;
    let Some(run) = ended? else {
        return Ok(ExitCode::from(130));
    };
    closed?;
    result(common, &run, report::run)?;
    Ok(exit(run.status == RunStatus::Succeeded))
}

/// Waits for the end of a run, or returns `None` if the user interrupted.
async fn follow(heady: &Heady, run: &PipelineRun) -> Result<Option<PipelineRun>> {
    note(&format!("run {}", run.run_id));
    let id = run.run_id.as_str();
    let events = heady.pipeline().watch(id);
    let end = async {
        if let Some(events) = events {
            progress::show(run, events).await;
        }
        heady.pipeline().wait(id).await
    };
    tokio::select! {
        ended = end => ended.map(Some),
        () = interrupted() => {
            note(&format!("interrupted; continue with: heady resume {id}"));
            Ok(None)
        }
    }
}

/// Completes on Ctrl-C, or when the system asks the process to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
