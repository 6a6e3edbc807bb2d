//! How a call of the engine becomes a promise.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;

use heady_core::{Error, Json, Result};
use napi::bindgen_prelude::{
    Env, FromNapiValue, Function, FunctionRef, JsObjectValue, Object, ObjectRef, PromiseRaw,
    ToNapiValue, TypeName, ValidateNapiValue,
};
use napi::{ValueType, sys};
use napi_derive::napi;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

/// What every call takes beside its options.
#[napi(object, object_to_js = false)]
pub struct CallOptions<'env> {
    /// Stops waiting: the promise is rejected with `CANCELLED`. A run that was started goes on; see `pipeline.cancel`.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<Object<'env>>,
}

/// A promise of what `future` will give; it is rejected with an `Error` that has a `code`.
pub fn promise<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    call: Option<CallOptions<'env>>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    let abort = Abort::on(env, call)?;
    let outcome = abort.or(future);
    env.spawn_future_with_callback(outcome, move |env, outcome: Result<T>| {
        abort.forget(env)?;
        outcome.map_err(|error| crate::error::rejection(env, &error))
    })
}

type Listener = FunctionRef<(), ()>;

/// Whether the caller's `AbortSignal` was aborted, if there is one. The listener is removed again when the call is over:
/// signals may live as long as a server.
pub struct Abort {
    token: CancellationToken,
    listening: RefCell<Option<(ObjectRef<false>, Listener)>>,
}

impl Abort {
    /// Listens to the signal of a call.
    pub fn on(env: &Env, call: Option<CallOptions<'_>>) -> napi::Result<Self> {
        let abort = Self {
            token: CancellationToken::new(),
            listening: RefCell::new(None),
        };
        let Some(signal) = call.and_then(|call| call.signal) else {
            return Ok(abort);
        };
        if signal.get::<bool>("aborted")? == Some(true) {
            abort.token.cancel();
            return Ok(abort);
        }
        let cancel = abort.token.clone();
        let listener: Function<'_, (), ()> =
            env.create_function_from_closure("onAbort", move |_| {
                cancel.cancel();
                Ok(())
            })?;
        listen(&signal, "addEventListener", &listener)?;
        let listening = (signal.create_ref()?, listener.create_ref()?);
        *abort.listening.borrow_mut() = Some(listening);
        Ok(abort)
    }

    /// What the future gives, unless the signal is aborted before.
    pub fn or<T, F: Future<Output = Result<T>> + Send + 'static>(
        &self,
        future: F,
    ) -> impl Future<Output = napi::Result<Result<T>>> + Send + 'static + use<T, F> {
        let aborted = self.token.clone();
        async move {
            tokio::select! {
                biased;
                () = aborted.cancelled() => Ok(Err(Error::cancelled("the caller's signal was aborted"))),
                outcome = future => Ok(outcome),
            }
        }
    }

    /// Removes the listener.
    pub fn forget(&self, env: &Env) -> napi::Result<()> {
        if let Some((signal, listener)) = self.listening.take() {
            listen(
                &signal.get_value(env)?,
                "removeEventListener",
                &listener.borrow_back(env)?,
            )?;
            signal.unref(env)?;
        }
        Ok(())
    }
}

fn listen(signal: &Object<'_>, verb: &str, listener: &Function<'_, (), ()>) -> napi::Result<()> {
    type Verb<'a> = Function<'a, napi::bindgen_prelude::FnArgs<(String, Function<'a, (), ()>)>, ()>;
    let verb: Verb<'_> = signal.get_named_property(verb)?;
    verb.apply(*signal, ("abort".to_owned(), *listener).into())
}

/// The options of a call, read as strictly as JSON: an unknown or mistyped field is `INVALID_ARGUMENT` with its name.
pub struct Options<T>(Json, PhantomData<fn() -> T>);

impl<T: DeserializeOwned + Default> Options<T> {
    /// The options; the defaults where the caller gave none.
    pub fn read(self) -> Result<T> {
        if self.0.is_null() {
            return Ok(T::default());
        }
        serde_json::from_value(self.0.0)
            .map_err(|error| Error::invalid_argument(format!("options: {error}")))
    }
}

impl<T> Default for Options<T> {
    fn default() -> Self {
        Self(Json::NULL, PhantomData)
    }
}

impl<T> TypeName for Options<T> {
    fn type_name() -> &'static str {
        "Options"
    }

    fn value_type() -> ValueType {
        ValueType::Object
    }
}

impl<T> ValidateNapiValue for Options<T> {}

#[expect(
    unsafe_code,
    reason = "napi's trait is unsafe by signature; the call is only passed on"
)]
impl<T> FromNapiValue for Options<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        unsafe { Json::from_napi_value(env, value).map(|json| Self(json, PhantomData)) }
    }
}
