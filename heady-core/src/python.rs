//! What the boundary types offer in Python beside their fields.

use pyo3::PyClass;
use pyo3::prelude::*;
use pyo3::types::PyType;

use crate::audit::{
    AuditCheckpoint, AuditEntry, AuditExport, AuditFault, AuditPage, AuditReport, CheckpointPage,
};
use crate::monte_carlo::{
    Estimate, Histogram, MonteCarloStatus, PlanReport, Quantile, Readiness, Replay,
    RunningSimulation, ScenarioOutcomes, ScenarioPage, ScenarioResult, ScenarioRisk, Simulation,
    SimulationPage, Spread, TaskTimes,
};
use crate::pipeline::{
    Compensation, Critique, Failure, Finding, Forecast, PipelineDefinition, PipelineRun,
    PipelineVersion, RunMetrics, RunPage, RunStep, RunSummary, StageRun, TaskForecast, TaskRun,
};
use crate::registry::{
    Drift, DriftReport, DriftSnapshot, ImportEntry, ImportReport, ImportSection, LastProbe, Node,
    NodeList, Probe, ProbeReport, RegistryEvent, Service, ServiceList, Workflow, WorkflowList,
};
use crate::types::Json;
use crate::types::Warning;

/// Any result as a Python dict in the shape of its JSON.
fn to_dict(value: &impl serde::Serialize) -> PyResult<Json> {
    serde_json::to_value(value).map(Json).map_err(unreadable)
}

/// What a pickle keeps: the function that restores a record, and its type and JSON.
type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyType>, String));

fn reduced<'py, T>(record: &Bound<'py, T>) -> PyResult<Reduced<'py>>
where
    T: PyClass<Frozen = pyo3::pyclass::boolean_struct::True> + serde::Serialize + Sync,
{
    let restore = record.py().import("heady._records")?.getattr("restored")?;
    let text = serde_json::to_string(record.get()).map_err(unreadable)?;
    Ok((restore, (record.as_any().get_type(), text)))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what map_err hands over"
)]
fn unreadable(error: serde_json::Error) -> PyErr {
    pyo3::exceptions::PyValueError::new_err(error.to_string())
}

/// Text that a notebook shows as it stands.
fn preformatted(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<pre>{escaped}</pre>")
}

fn imported(report: &ImportReport) -> String {
    crate::report::import(report, false)
}

macro_rules! records {
    ($($record:ident $(shown by $draw:expr)?;)*) => {$(
        #[pymethods]
        #[allow(clippy::wrong_self_convention, reason = "in Python there is only one kind of self")]
        impl $record {
            /// Returns the fields as a dict, in the shape of the JSON.
            fn to_dict(&self) -> PyResult<Json> {
                to_dict(self)
            }

            /// What a pickle has of it, read again.
            #[staticmethod]
            fn _of_json(text: &str) -> PyResult<Self> {
                serde_json::from_str(text).map_err(unreadable)
            }

            fn __reduce__<'py>(record: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
                reduced(record)
            }

            fn __repr__(&self) -> PyResult<String> {
                to_dict(self).map(|fields| format!(concat!(stringify!($record), " {}"), fields))
            }

            $(fn _repr_html_(&self) -> String {
                preformatted(&$draw(self))
            })?
        }
    )*};
}

records! {
    LastProbe;
    ScenarioPage;
    AuditCheckpoint;
    AuditEntry;
    AuditExport;
    AuditFault;
    AuditPage;
    AuditReport;
    CheckpointPage;
    Compensation;
    Critique;
    Estimate;
    Failure;
    Finding;
    Forecast;
    Histogram;
    Drift;
    DriftReport shown by crate::report::drift;
    DriftSnapshot;
    ImportEntry;
    ImportReport shown by imported;
    ImportSection;
    MonteCarloStatus;
    Node;
    NodeList;
    PipelineRun shown by crate::report::run;
    PipelineDefinition;
    PipelineVersion;
    PlanReport;
    Probe;
    ProbeReport;
    Quantile;
    Readiness;
    RegistryEvent;
    Replay;
    RunMetrics;
    RunPage shown by crate::report::runs;
    RunStep;
    RunSummary;
    RunningSimulation;
    ScenarioOutcomes;
    ScenarioResult;
    ScenarioRisk;
    Service;
    ServiceList;
    Simulation shown by crate::report::simulation;
    SimulationPage;
    Spread;
    StageRun;
    TaskForecast;
    TaskRun;
    TaskTimes;
    Warning;
    Workflow;
    WorkflowList;
}
