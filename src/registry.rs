//! `heady registry`: what is registered, and in what it differs from what should be.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use heady_core::registry::{DetectDrift, DriftQuery};
use heady_core::{Result, report};

use crate::Common;
use crate::output::{exit, result};

#[derive(Args)]
pub(crate) struct Registry {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Compare the registry with its file, with what answers and with what is deployed
    Drift(Drift),
}

#[derive(Args)]
struct Drift {
    /// The registry file to compare with, instead of the one imported last
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A deploy manifest to compare with: a Compose file, a list of PM2 apps or a registry
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
    /// Do not ask the services for their health
    #[arg(long)]
    offline: bool,
    /// Only show what was found last, and look at nothing
    #[arg(long, conflicts_with_all = ["file", "manifest", "offline"])]
    last: bool,
}

impl Registry {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        match self.action {
            Action::Drift(drift) => drift.execute(common).await,
        }
    }
}

impl Drift {
    async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = common.open(None).await?;
        let found = if self.last {
            heady.registry().list_drift(DriftQuery::default()).await
        } else {
            let options = DetectDrift {
                path: self.file.map(|file| file.display().to_string()),
                manifest: self.manifest.map(|manifest| manifest.display().to_string()),
                live: Some(!self.offline),
                ..DetectDrift::default()
            };
            heady.registry().detect_drift(options).await
        };
        heady.close().await;
        let found = found?;
        result(common, &found, report::drift)?;
        // Drift is a finding; a source that could not be looked at is a failure.
        Ok(exit(
            found.sources.iter().all(|source| source.error.is_none()),
        ))
    }
}
