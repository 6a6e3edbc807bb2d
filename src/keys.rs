//! `heady keys`: who may call over HTTP.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use heady_core::http::{AddApiKey, ApiKeys};
use heady_core::{Result, report};

use crate::Common;
use crate::output::{note, result};

#[derive(Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key and print it; it is never shown again
    Add {
        /// Whose it is, as the audit log will name it
        name: String,
        /// What it may do: viewer (the default), operator or admin; other words are for the policies of tools (repeatable)
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        /// Where it works; `prod` if left out
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
    },
    /// List keys, revoked ones included
    List,
    /// Revoke a key
    Revoke {
        /// Its id or its name
        key: String,
    },
}

impl Keys {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = match self.action {
            Action::Add { .. } => common.open(None).await?,
            Action::List | Action::Revoke { .. } => common.open_existing(None).await?,
        };
        let keys = ApiKeys::of(&heady);
        match self.action {
            Action::Add {
                name,
                roles,
                environment,
            } => {
                let options = AddApiKey {
                    name,
                    environment,
                    roles: (!roles.is_empty()).then_some(roles),
                };
                let made = keys.add(options).await?;
                note("this is the only time that the key is shown:");
                result(common, &made, |made| format!("{}\n", made.key))?;
            }
            Action::List => result(common, &keys.list().await?, report::api_keys)?,
            Action::Revoke { key } => result(common, &keys.revoke(&key).await?, report::api_key)?,
        }
        heady.close().await;
        Ok(ExitCode::SUCCESS)
    }
}
