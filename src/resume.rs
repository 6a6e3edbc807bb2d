//! `heady resume`: continue a run after a crash, a pause or a failure.

use std::process::ExitCode;

use clap::Args;
use heady_core::Result;

use crate::run::carry_through;
use crate::{Common, Rights};

#[derive(Args)]
pub(crate) struct Resume {
    /// The run
    run: String,
    #[command(flatten)]
    rights: Rights,
}

impl Resume {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = common.open_existing(Some(self.rights)).await?;
        carry_through(common, heady, async |heady| {
            heady.pipeline().resume(&self.run).await
        })
        .await
    }
}
