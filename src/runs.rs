//! `heady runs`: what was run, and how it went.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use heady_core::pipeline::RunQuery;
use heady_core::{Result, report};

use crate::Common;
use crate::output::result;

#[derive(Args)]
pub(crate) struct Runs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List runs, newest first
    List(List),
    /// Show a run
    Show {
        /// The run
        run: String,
    },
    /// Cancel a run
    Cancel {
        /// The run
        run: String,
    },
}

#[derive(Args, Default)]
struct List {
    /// Only this workflow's
    #[arg(long, value_name = "ID")]
    workflow: Option<String>,
    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Continue an earlier list
    #[arg(long, value_name = "NEXT")]
    cursor: Option<String>,
}

impl Runs {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = common.open_existing(None).await?;
        match self.action.unwrap_or(Action::List(List::default())) {
            Action::List(list) => {
                let query = RunQuery {
                    workflow_id: list.workflow,
                    limit: list.limit,
                    cursor: list.cursor,
                    ..RunQuery::default()
                };
                result(common, &heady.pipeline().list(query).await?, report::runs)?;
            }
            Action::Show { run } => {
                result(common, &heady.pipeline().get(&run).await?, report::run)?;
            }
            Action::Cancel { run } => {
                result(common, &heady.pipeline().cancel(&run).await?, report::run)?;
            }
        }
        heady.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
