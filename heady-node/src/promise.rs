//! How a call of the engine becomes a promise.

use std::cell::RefCell;
use std::future::Future;
use std::marker::PhantomData;

use heady_core::{Error, Json, Result};
use napi::bindgen_prelude::{
    Env, FromNapiValue, Function, FunctionRef, JsObjectValue, Object, ObjectRef, PromiseRaw,
    ToNapiValue, TypeName, Unknown, ValidateNapiValue,
};
use napi::{ValueType, sys};
use napi_derive::napi;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::error::rejection;
use crate::given::Given;
use crate::plain::{self, Names};

/// What every call takes beside its options.
#[napi(object, object_from_js = false, object_to_js = false)]
pub struct CallOptions<'env> {
    /// Stops waiting: the promise is rejected with `CANCELLED`. A run that was started goes on; see `pipeline.cancel`.
    #[napi(ts_type = "AbortSignal")]
    pub signal: Option<Given<Object<'env>>>,
}

#[expect(
    unsafe_code,
    reason = "napi's trait is unsafe by signature; the value is only passed on"
)]
impl FromNapiValue for CallOptions<'_> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let call = unsafe { Given::<Object<'_>>::from_napi_value(env, value)? };
        let signal = call.outcome().and_then(|call| {
            let signal: napi::Result<Option<Given<_>>> =
                call.get_named_property_unchecked("signal");
            signal.map_err(|error| error.reason.clone())
        });
        let signal = match signal {
            Ok(signal) => signal.map(|signal| signal.part("signal")),
            Err(why) => Some(Err(why).into()),
        };
        Ok(Self { signal })
    }
}

/// A promise of what `future` will give; it is rejected with an `Error` that has a `code`.
pub fn promise<'env, T: ToNapiValue + Send + 'static>(
    env: &'env Env,
    call: Option<CallOptions<'env>>,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<PromiseRaw<'env, T>> {
    let abort = match Abort::on(env, call) {
        Ok(abort) => abort,
        Err(error) => return PromiseRaw::reject(env, rejection(env, &error)),
    };
    let outcome = abort.or(future);
    env.spawn_future_with_callback(outcome, move |env, outcome: Result<T>| {
        abort.forget(env)?;
        outcome.map_err(|error| rejection(env, &error))
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
    pub fn on(env: &Env, call: Option<CallOptions<'_>>) -> Result<Self> {
        let abort = Self {
            token: CancellationToken::new(),
            listening: RefCell::new(None),
        };
        if let Some(signal) = call.and_then(|call| call.signal) {
            let signal = signal.read("call")?;
            abort
                .heed(env, &signal)
                .map_err(|_| Error::invalid_argument("call: signal: this is no AbortSignal"))?;
        }
        Ok(abort)
    }

    fn heed(&self, env: &Env, signal: &Object<'_>) -> napi::Result<()> {
        if signal.get::<bool>("aborted")? == Some(true) {
            self.token.cancel();
            return Ok(());
        }
        let cancel = self.token.clone();
        let listener: Function<'_, (), ()> =
            env.create_function_from_closure("onAbort", move |_| {
                cancel.cancel();
                Ok(())
            })?;
        listen(signal, "addEventListener", &listener)?;
        let listening = (signal.create_ref()?, listener.create_ref()?);
        *self.listening.borrow_mut() = Some(listening);
        Ok(())
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
pub struct Options<T>(Given<Json>, PhantomData<fn() -> T>);

impl<T: DeserializeOwned + Default> Options<T> {
    /// The options; the defaults where the caller gave none.
    pub fn read(self) -> Result<T> {
        let Json(options) = self.0.read("options")?;
        if options.is_null() {
            return Ok(T::default());
        }
        serde_json::from_value(options)
            .map_err(|error| Error::invalid_argument(format!("options: {error}")))
    }
}

impl<T> Default for Options<T> {
    fn default() -> Self {
        Self(Ok(Json::NULL).into(), PhantomData)
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
    reason = "napi's trait is unsafe by signature; the value is only passed on"
)]
impl<T> FromNapiValue for Options<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        let value = unsafe { Unknown::from_napi_value(env, value)? };
        let options = plain::json(&Env::from_raw(env), value, Names::Options);
        Ok(Self(options.into(), PhantomData))
    }
}
