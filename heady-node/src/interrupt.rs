//! A request's `AbortSignal`, as `fetch` understands it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Env, FnArgs, Function, JsObjectValue, Object, Unknown};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

type Listener<'env> = Function<'env, Object<'env>, ()>;

/// Whether a request was aborted, and with what reason.
///
/// The listener stays on the signal: every `Request` has one of its own, which ends with it.
pub struct Interrupt {
    token: CancellationToken,
    reason: Mutex<Option<napi::Error>>,
}

impl Interrupt {
    /// Listens to a signal; without one it never comes.
    pub fn of(env: &Env, signal: Option<Object<'_>>) -> napi::Result<Arc<Self>> {
        let interrupt = Arc::new(Self {
            token: CancellationToken::new(),
            reason: Mutex::new(None),
        });
        let Some(signal) = signal else {
            return Ok(interrupt);
        };
        if signal.get("aborted")? == Some(true) {
            interrupt.abort(&signal)?;
            return Ok(interrupt);
        }
        let aborted = interrupt.clone();
        let listener: Listener<'_> = env.create_function_from_closure("onAbort", move |call| {
            let event: Object<'_> = call.get(0)?;
            aborted.abort(&event.get_named_property("target")?)
        })?;
        let listen: Function<'_, FnArgs<(&str, Listener<'_>)>, ()> =
            signal.get_named_property("addEventListener")?;
        listen.apply(signal, ("abort", listener).into())?;
        Ok(interrupt)
    }

    fn abort(&self, signal: &Object<'_>) -> napi::Result<()> {
        let reason: Unknown<'_> = signal.get_named_property("reason")?;
        let reason = napi::Error::from_unknown_without_coercion(reason);
        *self.reason.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
        self.token.cancel();
        Ok(())
    }

    /// Ends what the request began, for no reason that anybody would be told.
    pub fn stop(&self) {
        self.token.cancel();
    }

    /// Completes when the request was aborted or stopped.
    pub fn stopped(&self) -> WaitForCancellationFutureOwned {
        self.token.clone().cancelled_owned()
    }

    /// What `future` gives, or the reason of the signal as soon as it is aborted; the future is then dropped.
    pub async fn or<T>(&self, future: impl Future<Output = T>) -> napi::Result<T> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(self.reason()),
            outcome = future => Ok(outcome),
        }
    }

    /// What came, or the reason of the signal if it was aborted meanwhile.
    pub fn unless_stopped<T>(&self, came: napi::Result<T>) -> napi::Result<T> {
        if self.token.is_cancelled() {
            return Err(self.reason());
        }
        came
    }

    fn reason(&self) -> napi::Error {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        reason.as_ref().map_or_else(
            || napi::Error::from_reason("the request was aborted"),
            |reason| reason.try_clone().unwrap_or_else(|error| error),
        )
    }
}
