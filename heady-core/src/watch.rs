//! A watch in several hands: one waits for the next event while another ends it. What the bindings give out.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// A stream of events that one caller reads; dropping it ends it.
pub trait Watch: Send + 'static {
    /// What it gives out.
    type Event: Send + 'static;

    /// Returns the next event, or `None` at the end. A caller may stop waiting and ask again.
    ///
    /// # Errors
    /// What the watch itself says.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Event>>> + Send;
}

/// A stream of events that clones share; closing it, or dropping the last clone, ends it.
#[derive(Debug)]
pub struct SharedWatch<W> {
    closed: CancellationToken,
    pub(crate) state: Arc<Mutex<State<W>>>,
}

#[derive(Debug)]
pub(crate) enum State<W> {
    Opening(JoinHandle<Result<W>>),
    // Boxed, because the other states are small.
    Open(Box<W>),
    Closed,
}

// Derived, it would demand that watches be cloned.
impl<W> Clone for SharedWatch<W> {
    fn clone(&self) -> Self {
        Self {
            closed: self.closed.clone(),
            state: self.state.clone(),
        }
    }
}

impl<W: Watch> From<W> for SharedWatch<W> {
    fn from(watch: W) -> Self {
        Self::of(State::Open(Box::new(watch)))
    }
}

impl<W: Watch> SharedWatch<W> {
    pub(crate) fn opened_by(
        runtime: &Handle,
        opening: impl Future<Output = Result<W>> + Send + 'static,
    ) -> Self {
        Self::of(State::Opening(runtime.spawn(opening)))
    }

    fn of(state: State<W>) -> Self {
        Self {
            closed: CancellationToken::new(),
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Returns the next event, or `None` at the end and when this watch is closed. A caller may stop waiting and ask
    /// again.
    ///
    /// # Errors
    /// What the opening was refused for, once, and what the watch itself says.
    pub async fn next(&self) -> Result<Option<W::Event>> {
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
        Ok(event)
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
