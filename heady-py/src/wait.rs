//! How a call of the engine becomes a blocking one.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use heady_core::Result;
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::errors::raised;

/// How long Ctrl-C may go unnoticed.
const PATIENCE: Duration = Duration::from_millis(100);

/// The runtime of all engines of this interpreter.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "without threads there is nothing to go on with"
    )]
    Runtime::new().expect("the system gives threads to this process")
});

/// Waits with the interpreter released; Ctrl-C drops the future, which leaves the database consistent.
#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "the method itself is not general enough over the interpreter's lifetime"
)]
pub fn wait<T: Send>(
    py: Python<'_>,
    future: impl Future<Output = Result<T>> + Send,
) -> PyResult<T> {
    py.detach(|| {
        RUNTIME.block_on(async {
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
