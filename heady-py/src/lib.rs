//! The engine for Python. Nothing here but translation: a function is a delegation to `heady-core`.
#![allow(
    clippy::needless_pass_by_value,
    reason = "pyo3 decides which arguments are values and which are references"
)]
#![allow(
    missing_debug_implementations,
    unreachable_pub,
    reason = "what is public is seen from Python only"
)]

mod argument;
mod audit;
mod errors;
mod handler;
mod heady;
mod http;
mod json;
mod monte_carlo;
mod pipeline;
mod refusal;
mod registry;
mod wait;
mod watch;

use pyo3::prelude::*;

/// The engine's classes; import them from `heady`.
#[pymodule]
mod _heady {
    #[pymodule_export]
    use crate::audit::Audit;
    #[pymodule_export]
    use crate::handler::TaskContext;
    #[pymodule_export]
    use crate::heady::{Heady, connect};
    #[pymodule_export]
    use crate::http::{HttpExchange, HttpRoutes, HttpSignals};
    #[pymodule_export]
    use crate::monte_carlo::MonteCarlo;
    #[pymodule_export]
    use crate::pipeline::Pipeline;
    #[pymodule_export]
    use crate::registry::Registry;
    #[pymodule_export]
    use crate::watch::{RegistryWatch, RunFollow};
    #[pymodule_export]
    use heady_core::Warning;
    #[pymodule_export]
    use heady_core::audit::{
        AuditCheckpoint, AuditEntry, AuditExport, AuditFault, AuditPage, AuditReport,
        CheckpointPage,
    };
    #[pymodule_export]
    use heady_core::monte_carlo::{
        Estimate, Histogram, MonteCarloStatus, PlanReport, Quantile, Readiness, Replay,
        RunningSimulation, ScenarioOutcomes, ScenarioPage, ScenarioResult, ScenarioRisk,
        Simulation, SimulationPage, Spread, TaskTimes,
    };
    #[pymodule_export]
    use heady_core::pipeline::{
        Compensation, Critique, Failure, Finding, Forecast, PipelineDefinition, PipelineRun,
        PipelineVersion, RunMetrics, RunPage, RunStep, RunSummary, StageRun, TaskForecast, TaskRun,
    };
    #[pymodule_export]
    use heady_core::registry::{
        Drift, DriftReport, DriftSnapshot, ImportEntry, ImportReport, ImportSection, LastProbe,
        Node, NodeList, Probe, ProbeReport, RegistryEvent, Service, ServiceList, Workflow,
        WorkflowList,
    };
}
