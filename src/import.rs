//! `heady import` and `heady export`: the registry as a file.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use heady_core::registry::ImportOptions;
use heady_core::{Result, report};

use crate::Common;
use crate::output::result;

#[derive(Args)]
pub(crate) struct Import {
    /// The registry file (JSON or YAML)
    file: PathBuf,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Delete even a large share of what an earlier import brought
    #[arg(long)]
    force: bool,
}

impl Import {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = common.open(None).await?;
        let options = ImportOptions {
            path: Some(self.file.display().to_string()),
            dry_run: Some(self.dry_run),
            force: Some(self.force),
            ..ImportOptions::default()
        };
        let imported = heady.registry().import(options).await;
        heady.close().await;
        result(common, &imported?, |imported| {
            report::import(imported, self.dry_run)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

pub(crate) async fn export(common: &Common) -> Result<ExitCode> {
    let heady = common.open(None).await?;
    let document = heady.registry().export().await;
    heady.close().await;
    result(common, &document?, |document| format!("{:#}\n", document.0))?;
    Ok(ExitCode::SUCCESS)
}
