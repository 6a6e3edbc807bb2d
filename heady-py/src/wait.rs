//! How a call of the engine becomes a blocking one.

use std::future::Future;
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use heady_core::{Error, Result};
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::errors::raised;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// The process that has the runtime's threads.
static PROCESS: OnceLock<u32> = OnceLock::new();

/// The runtime of all engines of this interpreter.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    PROCESS.get_or_init(std::process::id);
    #[expect(
        clippy::expect_used,
        reason = "without threads there is nothing to go on with"
    )]
    Runtime::new().expect("the system gives threads to this process")
});

/// Whether this is a fork of the process that has the runtime's threads: whoever waits for them here waits for ever.
pub fn is_forked() -> bool {
    let own = std::process::id();
    PROCESS.get().is_some_and(|process| *process != own)
}

/// The runtime, if its threads are in this process.
pub fn runtime() -> PyResult<&'static Runtime> {
    if is_forked() {
        return Err(raised(&Error::failed_precondition(
            "this process was forked from one that uses the engine, and has none of its threads; \
             start it with 'spawn', or let no engine be opened before the fork",
        )));
    }
    Ok(&RUNTIME)
}

/// Waits with the interpreter released; Ctrl-C drops the future, which leaves the database consistent.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method itself is not general enough over the interpreter's lifetime"
)]
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    let runtime = runtime()?;
    py.detach(|| {
        runtime.block_on(async {
            tokio::pin!(future);
            loop {
                match tokio::time::timeout(PATIENCE, &mut future).await {
                    Ok(outcome) => return outcome.map_err(|error| raised(&error)),
                    Err(_) => Python::attach(|py| py.check_signals())?,
                }
            }
        })
    })
}
