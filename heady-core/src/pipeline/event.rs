//! What happens in a run while it happens, for those who watch. The record is the database; an event may be missed.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast;

use super::{Failure, RunStatus, StageStatus};

/// How many events a slow watcher may fall behind before it misses some.
const BUFFER: usize = 1024;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "mobile", derive(uniffi::Enum))]
pub enum RunEvent {
    /// A stage began.
    StageStarted {
        /// Its position.
        stage: u32,
    },
    /// An attempt of a task, or of its compensation, began.
    TaskStarted {
        /// The position of the stage.
        stage: u32,
        /// The name of the task.
        task: String,
        /// The number of the attempt, from 1.
        attempt: i64,
        /// Whether the task is being undone.
        compensating: bool,
    },
    /// An attempt failed and is repeated after a wait.
    TaskWaits {
        /// The position of the stage.
        stage: u32,
        /// The name of the task.
        task: String,
        /// The wait, in milliseconds.
        wait_ms: f64,
        /// Why it failed.
        error: Failure,
    },
    /// A task, or its compensation, ended.
    TaskEnded {
        /// The position of the stage.
        stage: u32,
        /// The name of the task.
        task: String,
        /// How it ended.
        status: StageStatus,
        /// Why it failed.
        error: Option<Failure>,
        /// Whether the task was being undone.
        compensating: bool,
    },
    /// A stage ended.
    StageEnded {
        /// Its position.
        stage: u32,
        /// How it ended.
        status: StageStatus,
    },
    /// The run changed its status.
    RunChanged {
        /// Where it stands now.
        status: RunStatus,
    },
}

/// Where a run's events go.
#[derive(Debug, Clone)]
pub(super) struct Events {
    sender: broadcast::Sender<RunEvent>,
    /// Made before the run begins, so that the first watcher misses nothing.
    first: Arc<Mutex<Option<RunEvents>>>,
}

/// The events of one run; the first who watches it gets them from the beginning, others from then on.
#[derive(Debug)]
pub struct RunEvents(broadcast::Receiver<RunEvent>);

impl Events {
    pub(super) fn new() -> Self {
        let (sender, receiver) = broadcast::channel(BUFFER);
        Self {
            sender,
            first: Arc::new(Mutex::new(Some(RunEvents(receiver)))),
        }
    }

    pub(super) fn watch(&self) -> RunEvents {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        first.unwrap_or_else(|| RunEvents(self.sender.subscribe()))
    }

    pub(super) fn send(&self, event: RunEvent) {
        // Nobody watching is the usual case.
        let _ = self.sender.send(event);
    }
}

impl RunEvents {
    /// The next event, or `None` when this engine no longer executes the run.
    pub async fn next(&mut self) -> Option<RunEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
