//! `monte-carlo.simulate {plan, samples, gate}`: simulates a plan under the run's seed.

use std::sync::Arc;

use serde_json::Value;

use super::{EngineTask, Folder, TaskContext, TaskFuture, Tools};
use crate::document::Fields;
use crate::error::{Error, Result};
use crate::monte_carlo::{MonteCarlo, SimulationOptions};

#[derive(Debug)]
pub(super) struct Simulate {
    plan: Value,
    samples: Option<i64>,
    gate: Option<f64>,
}

impl Simulate {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self> {
        let plan = fields.require("plan")?;
        MonteCarlo::check_plan(plan.value).map_err(|error| error.context(&plan.path))?;
        let samples = fields
            .get("samples")
            .map(|field| field.integer_in(1, 1_000_000_000))
            .transpose()?;
        let gate = fields
            .get("gate")
            .map(|field| field.number_in(0.0, 1.0))
            .transpose()?;
        let task = Self {
            plan: plan.value.clone(),
            samples,
            gate,
        };
        fields.finish_strict()?;
        Ok(task)
    }
}

impl EngineTask for Simulate {
    fn check(&self, _tools: &Tools, _folder: &Folder) -> Result<()> {
        Ok(())
    }

    fn call(self: Arc<Self>, tools: Tools, _folder: Folder, context: TaskContext) -> TaskFuture {
        Box::pin(async move {
            let options = SimulationOptions {
                plan: self.plan.clone().into(),
                seed: Some(context.seed),
                samples: self.samples,
                gate: self.gate,
                ..SimulationOptions::default()
            };
            tokio::select! {
                simulation = tools.monte_carlo.run(options) => Ok(serde_json::to_value(simulation?)?),
                () = context.cancelled() => Err(Error::cancelled("the simulation was given up")),
            }
        })
    }
}
