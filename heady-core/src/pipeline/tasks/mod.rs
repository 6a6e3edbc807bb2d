//! The engine's own tasks.
//!
//! Each is read and checked before a run begins: its `with` when the definition is read, its rights against what the
//! operator allows in the preflight. What a definition asks for it does not thereby get.

mod files_inventory;
mod http_request;
mod process_run;
mod registry_probe;
mod simulate;

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::Value;

use super::handler::TaskContext;
use crate::document::Fields;
use crate::error::Result;
use crate::monte_carlo::MonteCarlo;
use crate::outbound::{HttpClient, ProgramRules};
use crate::registry::Registry;

/// What the engine's tasks work with.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    pub(crate) http: HttpClient,
    pub(crate) programs: ProgramRules,
    pub(crate) registry: Registry,
    pub(crate) monte_carlo: MonteCarlo,
}

/// The future of one attempt.
pub(super) type TaskFuture = Pin<Box<dyn Future<Output = Result<Value>> + Send>>;

/// One of the engine's tasks, as a definition asks for it.
pub(super) trait EngineTask: std::fmt::Debug + Send + Sync {
    /// Checks that the operator allows it.
    ///
    /// # Errors
    /// `PERMISSION_DENIED`, or `NOT_FOUND` for what is allowed but not there.
    fn check(&self, tools: &Tools, folder: &Folder) -> Result<()>;

    /// Executes one attempt. An error's details are kept as the task's output.
    fn call(self: Arc<Self>, tools: Tools, folder: Folder, context: TaskContext) -> TaskFuture;
}

/// Where a definition's relative paths begin: the folder of its file, else the current one.
#[derive(Debug, Clone)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn of(folder: Option<&str>) -> Self {
        Self(folder.map_or_else(
            || std::env::current_dir().unwrap_or_default(),
            PathBuf::from,
        ))
    }
}

/// The task that a definition asks for, or `None` if the engine has none of that name.
///
/// # Errors
/// `INVALID_ARGUMENT` with the path of what is wrong in `with`.
pub(super) fn read(uses: &str, with: &Value, path: &str) -> Result<Option<Arc<dyn EngineTask>>> {
    let path = format!("{path}.with");
    Ok(Some(match uses {
        "files.inventory" => Arc::new(files_inventory::FilesInventory::read(Fields::of(
            with, path,
        )?)?),
        "http.request" => Arc::new(http_request::HttpRequestTask::read(Fields::of(
            with, path,
        )?)?),
        "monte-carlo.simulate" => Arc::new(simulate::Simulate::read(Fields::of(with, path)?)?),
        "process.run" => Arc::new(process_run::ProcessRun::read(Fields::of(with, path)?)?),
        "registry.probe" => Arc::new(registry_probe::RegistryProbe::read(Fields::of(
            with, path,
        )?)?),
        _ => return Ok(None),
    }))
}

/// The names that [`read`] knows.
pub(super) const NAMES: [&str; 5] = [
    "files.inventory",
    "http.request",
    "monte-carlo.simulate",
    "process.run",
    "registry.probe",
];
