//! How a call of the engine becomes a promise.

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
    let signal = call.and_then(|call| call.signal);
    let abort = signal.map(|signal| Abort::of(env, &signal)).transpose()?;
    let aborted = abort.as_ref().map(|abort| abort.token.clone());
    let outcome = async move {
        let Some(aborted) = aborted else {
            return Ok(future.await);
        };
        tokio::select! {
            biased;
            () = aborted.cancelled() => Ok(Err(Error::cancelled("the caller's signal was aborted"))),
            outcome = future => Ok(outcome),
        }
    };
    env.spawn_future_with_callback(outcome, move |env, outcome: Result<T>| {
        if let Some(abort) = abort {
            abort.forget(env)?;
        }
        outcome.map_err(|error| crate::error::rejection(env, &error))
    })
}

type Listener = FunctionRef<(), ()>;

/// A listener on a caller's `AbortSignal`, removed again when the call is over: signals may live as long as a server.
struct Abort {
    token: CancellationToken,
    listening: Option<(ObjectRef<false>, Listener)>,
}

impl Abort {
    fn of(env: &Env, signal: &Object<'_>) -> napi::Result<Self> {
        let token = CancellationToken::new();
        if signal.get::<bool>("aborted")? == Some(true) {
            token.cancel();
            return Ok(Self {
                token,
                listening: None,
            });
        }
        let cancel = token.clone();
        let listener: Function<'_, (), ()> =
            env.create_function_from_closure("onAbort", move |_| {
                cancel.cancel();
                Ok(())
            })?;
        listen(signal, "addEventListener", &listener)?;
        Ok(Self {
            token,
            listening: Some((signal.create_ref()?, listener.create_ref()?)),
        })
    }

    fn forget(self, env: &Env) -> napi::Result<()> {
        if let Some((signal, listener)) = self.listening {
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
