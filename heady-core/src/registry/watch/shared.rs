//! A watch in several hands: one waits for the next event while another ends it. What the bindings give out.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{RegistryEvent, RegistryWatch};
use crate::error::{Error, Result};

/// A stream of changes that clones share; closing it, or dropping the last clone, ends it.
#[derive(Debug, Clone)]
pub struct SharedWatch {
    closed: CancellationToken,
    pub(super) state: Arc<Mutex<State>>,
}

#[derive(Debug)]
pub(super) enum State {
    Opening(JoinHandle<Result<RegistryWatch>>),
    // Boxed, because the other states are small.
    Open(Box<RegistryWatch>),
    Closed,
}

impl From<RegistryWatch> for SharedWatch {
    fn from(watch: RegistryWatch) -> Self {
        Self::of(State::Open(Box::new(watch)))
    }
}

impl SharedWatch {
    pub(in crate::registry) fn opened_by(
        runtime: &Handle,
        opening: impl Future<Output = Result<RegistryWatch>> + Send + 'static,
    ) -> Self {
        Self::of(State::Opening(runtime.spawn(opening)))
    }

    fn of(state: State) -> Self {
        Self {
            closed: CancellationToken::new(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Returns the next event, or `None` when this watch or the engine is closed. A caller may stop waiting and ask
    /// again.
    ///
    /// # Errors
    /// As [`RegistryWatch::next`].
    pub async fn next(&self) -> Result<Option<RegistryEvent>> {
        let next = async {
            let mut state = self.state.lock().await;
            if let State::Opening(opening) = &mut *state {
                let opened = opening.await.map_err(|error| {
                    Error::internal("opening a watch ended in a panic").caused_by(error)
                });
                *state = State::Closed;
                *state = State::Open(Box::new(opened??));
            }
            match &mut *state {
                State::Open(watch) => watch.next().await,
                State::Opening(_) | State::Closed => Ok(None),
            }
        };
        let event = tokio::select! {
            biased;
            () = self.closed.cancelled() => None,
            event = next => event?,
        };
        if self.closed.is_cancelled() {
            *self.state.lock().await = State::Closed;
            return Ok(None);
        }
        Ok(event.map(Arc::unwrap_or_clone))
    }

    /// Ends this watch: whoever waits for its next event gets `None`.
    pub fn close(&self) {
        self.closed.cancel();
        // Whoever waits lets go of it when it wakes up.
        if let Ok(mut state) = self.state.try_lock() {
            *state = State::Closed;
        }
    }
}
