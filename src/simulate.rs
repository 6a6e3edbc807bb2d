//! `heady simulate`: what a plan will probably take, cost and come to.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use heady_core::monte_carlo::{Method, ScenarioOptions, SimulationOptions};
use heady_core::{Error, Json, Result, document, report};

use crate::Common;
use crate::output::result;

#[derive(Args)]
pub(crate) struct Simulate {
    /// The plan (YAML or JSON)
    plan: PathBuf,
    /// What the draws follow from, 0 to 2^53-1; random if left out
    #[arg(long, value_name = "N")]
    seed: Option<i64>,
    /// How many samples to draw
    #[arg(long, value_name = "N")]
    samples: Option<i64>,
    /// How many threads to use; the result does not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// How to draw: mc, lhs, sobol or antithetic
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// The probability from which on to proceed, 0 to 1
    #[arg(long, value_name = "P")]
    gate: Option<f64>,
}

impl Simulate {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let plan = document::read(&self.plan).await?;
        let method = self.method.as_deref().map(method).transpose()?;
        let heady = common.open(None).await?;
        if let Some(scenario) = plan.get("scenario") {
            let options = ScenarioOptions {
                scenario: Some(Json(scenario.clone())),
                iterations: self.samples,
                seed: self.seed,
            };
            let found = heady.monte_carlo().scenario(options).await;
            heady.close().await;
            result(common, &found?, |found| {
                format!(
                    "{}: {} % success, {} % failure, risk {}\n",
                    found.scenario, found.confidence, found.failure_rate, found.risk_grade
                )
            })?;
            return Ok(ExitCode::SUCCESS);
        }
        let options = SimulationOptions {
            plan: plan.into(),
            seed: self.seed,
            samples: self.samples,
            threads: self.threads,
            method,
            gate: self.gate,
        };
        let simulation = heady.monte_carlo().run(options).await;
        heady.close().await;
        result(common, &simulation?, report::simulation)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn method(word: &str) -> Result<Method> {
    Method::ALL
        .iter()
        .copied()
        .find(|method| method.as_str() == word)
        .ok_or_else(|| {
            Error::invalid_argument(format!(
                "--method: '{word}' is none of mc, lhs, sobol, antithetic"
            ))
        })
}
