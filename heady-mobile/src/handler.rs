//! Handlers in Kotlin and Swift: suspend and async functions that the engine awaits.

use std::fmt;
use std::sync::Arc;

use heady_core::pipeline::{HandlerFuture, TaskContext as Context};
use heady_core::{Error, ErrorKind, Id, Json};
use uniffi::UnexpectedUniFFICallbackError;

/// Executes tasks of one name.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait Handler: Send + Sync {
    /// Executes one attempt of one task: `input` is what the definition gives it, the result its output, both JSON
    /// text. The call is cancelled when the attempt should end early: its time is up, or the run was cancelled.
    // Not `Json`: what Kotlin generates for a custom type of another crate does not compile here.
    async fn call(&self, context: TaskContext, input: Json) -> Result<String, HandlerError>;
}

/// What a handler knows about the attempt it executes.
#[derive(uniffi::Record)]
pub struct TaskContext {
    /// The run.
    pub run_id: Id,
    /// The workflow that is run.
    pub workflow_id: String,
    /// The id of the stage.
    pub stage: String,
    /// The name of the task.
    pub task: String,
    /// The number of this attempt, from 1.
    pub attempt: u32,
    /// The seed of the run.
    pub seed: i64,
    /// The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition.
    pub idempotency_key: String,
    /// What the run was started with.
    pub input: Json,
    /// Whether this call undoes the task instead of doing it.
    pub compensating: bool,
}

impl From<&Context> for TaskContext {
    fn from(context: &Context) -> Self {
        Self {
            run_id: context.run_id.clone(),
            workflow_id: context.workflow_id.clone(),
            stage: context.stage.clone(),
            task: context.task.clone(),
            attempt: context.attempt,
            seed: context.seed,
            idempotency_key: context.idempotency_key.clone(),
            input: Json((*context.input).clone()),
            compensating: context.compensating,
        }
    }
}

/// Why an attempt failed.
#[derive(Debug, uniffi::Error)]
pub enum HandlerError {
    /// The code decides whether the task is tried again; one that is not the engine's counts as `INTERNAL`.
    Failed {
        /// One of the thirteen codes.
        code: String,
        /// The sentence for people.
        reason: String,
    },
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Failed { code, reason } = self;
        write!(f, "{code}: {reason}")
    }
}

impl From<UnexpectedUniFFICallbackError> for HandlerError {
    fn from(error: UnexpectedUniFFICallbackError) -> Self {
        Self::Failed {
            code: ErrorKind::Internal.code().to_owned(),
            reason: error.reason,
        }
    }
}

impl From<HandlerError> for Error {
    fn from(error: HandlerError) -> Self {
        let HandlerError::Failed { code, reason } = error;
        Self::new(
            ErrorKind::from_code(&code).unwrap_or(ErrorKind::Internal),
            reason,
        )
    }
}

/// A handler of the other language as the engine knows them.
pub(crate) struct Foreign(pub(crate) Arc<dyn Handler>);

impl heady_core::pipeline::Handler for Foreign {
    fn call(&self, context: Context, with: Json) -> HandlerFuture {
        let handler = self.0.clone();
        Box::pin(async move {
            let call = handler.call(TaskContext::from(&context), with);
            tokio::select! {
                output = call => output?.parse(),
                // Dropping the call cancels the coroutine or the task.
                () = context.cancelled() => Err(Error::cancelled("the attempt was to end early")),
            }
        })
    }
}
