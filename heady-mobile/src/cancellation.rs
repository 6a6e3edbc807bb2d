//! How a call is withdrawn where the language cannot drop it.

use std::future::Future;
use std::sync::Arc;

use heady_core::{Error, HeadyError};
use tokio_util::sync::CancellationToken;

/// Withdraws a call: it then fails as cancelled. A run that was started goes on; see `pipeline.cancel`.
///
/// Swift needs it, because there the engine does not notice that a task was cancelled. In Kotlin the cancellation of a
/// coroutine withdraws its call without it.
#[derive(Default, uniffi::Object)]
pub struct Cancellation(CancellationToken);

#[uniffi::export]
impl Cancellation {
    /// One that is not cancelled.
    #[uniffi::constructor]
    pub fn new() -> Self {
        Self::default()
    }

    /// Withdraws the calls that were given this object.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// What `call` gives, unless it is withdrawn before.
pub(crate) async fn until<T>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = heady_core::Result<T>>,
) -> Result<T, HeadyError> {
    let withdrawn = async {
        match &cancellation {
            Some(cancellation) => cancellation.0.cancelled().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = withdrawn => Err(Error::cancelled("the caller withdrew the call").into()),
        outcome = call => Ok(outcome?),
    }
}
