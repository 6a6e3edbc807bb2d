//! Handlers in JavaScript: called on Node's thread, awaited on the engine's.

use std::sync::Arc;

use heady_core::pipeline::{Handler, HandlerFuture, TaskContext as Context};
use heady_core::{Error, Json, Result};
use napi::bindgen_prelude::{
    Env, FnArgs, FromNapiValue, Function, JsObjectValue, Object, PromiseRaw, Unknown,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{JsError, JsValue, Status, sys};
use napi_derive::napi;
use tokio::sync::oneshot;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{Code, of_handler, thrown};
use crate::given::Given;

/// A handler as JavaScript passes it.
pub type JsHandler<'env> = Function<'env, FnArgs<(TaskContext, Json)>, Answer>;

/// Weak, so that a registered handler does not keep Node alive; and it answers failure instead of throwing it.
type Callable = ThreadsafeFunction<
    FnArgs<(TaskContext, Json)>,
    Answer,
    FnArgs<(TaskContext, Json)>,
    Status,
    false,
    true,
>;

/// Registers a handler.
pub fn register(
    pipeline: &heady_core::pipeline::Pipeline,
    name: Given<String>,
    handler: Given<JsHandler<'_>>,
) -> napi::Result<(), Code> {
    let name = name.read("name").map_err(|error| thrown(&error))?;
    let handler = handler.read("handler").map_err(|error| thrown(&error))?;
    let callable = handler
        .build_threadsafe_function()
        .callee_handled::<false>()
        .weak::<true>()
        .build()
        .map_err(|error| thrown(&Error::internal(error.reason.clone())))?;
    pipeline
        .handle(&name, JavaScript(Arc::new(callable)))
        .map_err(|error| thrown(&error))
}

struct JavaScript(Arc<Callable>);

impl Handler for JavaScript {
    fn call(&self, context: Context, with: Json) -> HandlerFuture {
        let callable = self.0.clone();
        Box::pin(async move {
            let (answered, answer) = oneshot::channel();
            // Ends the wait for an abort that no longer concerns anybody.
            let over = CancellationToken::new();
            let _over: DropGuard = over.clone().drop_guard();
            let arguments = FnArgs::from((TaskContext { context, over }, with));
            let status = callable.call_with_return_value(
                arguments,
                ThreadsafeFunctionCallMode::NonBlocking,
                move |answer, env| {
                    // Nobody waits for the answer to an attempt that was cut short.
                    let _ = answered.send(
                        answer.map_err(|error| of_handler(JsError::from(error).into_unknown(env))),
                    );
                    Ok(())
                },
            );
            let gone = || Error::unavailable("Node is shutting down");
            if status != Status::Ok {
                return Err(gone());
            }
            let answer = answer.await.map_err(|_| gone())??;
            answer.0.await.map_err(|_| gone())?
        })
    }
}

/// What a handler returned: a value, or a promise of one.
pub struct Answer(oneshot::Receiver<Result<Json>>);

#[expect(
    unsafe_code,
    reason = "napi's trait is unsafe by signature; the value is only looked at"
)]
impl FromNapiValue for Answer {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let (sender, receiver) = oneshot::channel();
        let unknown = unsafe { Unknown::from_napi_value(env, value)? };
        if !unknown.is_promise()? {
            let output = unsafe { Given::<Json>::from_napi_value(env, value)? };
            let _ = sender.send(output_of(output));
            return Ok(Self(receiver));
        }
        let sender = std::rc::Rc::new(std::cell::Cell::new(Some(sender)));
        let fulfilled = sender.clone();
        let settle = |sender: &std::cell::Cell<Option<oneshot::Sender<_>>>, outcome| {
            if let Some(sender) = sender.take() {
                let _ = sender.send(outcome);
            }
        };
        let promise = unsafe { PromiseRaw::<Given<Json>>::from_napi_value(env, value)? };
        promise
            .then(move |context| {
                settle(&fulfilled, output_of(context.value));
                Ok(())
            })?
            .catch(
                move |context: napi::bindgen_prelude::CallbackContext<Unknown<'_>>| {
                    settle(&sender, Err(of_handler(context.value)));
                    Ok(())
                },
            )?;
        Ok(Self(receiver))
    }
}

/// One that has no form as JSON is a mistake of the handler, like an error that has no code.
fn output_of(given: Given<Json>) -> Result<Json> {
    let output = given.part("output").outcome();
    output.map_err(Error::internal)
}

/// What a handler knows about the attempt it executes.
#[napi]
pub struct TaskContext {
    context: Context,
    over: CancellationToken,
}

#[napi]
impl TaskContext {
    /// The run.
    #[napi(getter)]
    pub fn run_id(&self) -> &str {
        self.context.run_id.as_str()
    }

    /// The workflow that is run.
    #[napi(getter)]
    pub fn workflow_id(&self) -> &str {
        &self.context.workflow_id
    }

    /// The id of the stage.
    #[napi(getter)]
    pub fn stage(&self) -> &str {
        &self.context.stage
    }

    /// The name of the task.
    #[napi(getter)]
    pub fn task(&self) -> &str {
        &self.context.task
    }

    /// The number of this attempt, from 1.
    #[napi(getter)]
    pub fn attempt(&self) -> u32 {
        self.context.attempt
    }

    /// The seed of the run.
    #[napi(getter)]
    pub fn seed(&self) -> i64 {
        self.context.seed
    }

    /// The same for every attempt of this task, also after a crash, so that a receiver can recognise a repetition.
    #[napi(getter)]
    pub fn idempotency_key(&self) -> &str {
        &self.context.idempotency_key
    }

    /// What the run was started with.
    #[napi(getter)]
    pub fn input(&self) -> Json {
        Json((*self.context.input).clone())
    }

    /// Whether this call undoes the task instead of doing it.
    #[napi(getter)]
    pub fn compensating(&self) -> bool {
        self.context.compensating
    }

    /// A new `AbortSignal` that fires when the attempt should end early: its time is up, or the run was cancelled.
    #[napi(getter, ts_return_type = "AbortSignal")]
    pub fn signal<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let constructor: Function<'_, (), Unknown<'_>> =
            env.get_global()?.get_named_property("AbortController")?;
        let controller = constructor.new_instance(())?.coerce_to_object()?;
        let signal: Object<'env> = controller.get_named_property("signal")?;
        let abort: Function<'_, (), ()> = controller.get_named_property("abort")?;
        let abort = abort.bind(controller)?.create_ref()?;
        let (context, over) = (self.context.clone(), self.over.clone());
        let fired = async move {
            tokio::select! {
                () = context.cancelled() => Ok(true),
                () = over.cancelled() => Ok(context.is_cancelled()),
            }
        };
        env.spawn_future_with_callback(fired, move |env, fired| {
            if fired {
                abort.borrow_back(env)?.call(())?;
            }
            Ok(())
        })?;
        Ok(signal)
    }
}
