//! What `heady.registry.watch()` and `heady.pipeline.follow()` return: async iterators.

use std::rc::Rc;

use heady_core::{SharedWatch, Watch, pipeline, registry};
use napi::bindgen_prelude::{
    Env, Function, JavaScriptClassExt, JsObjectValue, Object, PromiseRaw, ToNapiValue, Unknown,
};
use napi_derive::napi;

use crate::error::rejection;
use crate::promise::{Abort, CallOptions};

/// A stream of changes. While somebody waits for the next one, Node stays alive; a watch by itself does not keep it so.
#[napi]
pub struct RegistryWatch(Stream<registry::RegistryWatch>);

#[napi]
impl RegistryWatch {
    /// The next change.
    #[napi(ts_return_type = "Promise<IteratorResult<RegistryEvent, undefined>>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        self.0.next(env)
    }

    /// Ends the watch.
    #[napi(
        js_name = "return",
        ts_return_type = "Promise<IteratorResult<RegistryEvent, undefined>>"
    )]
    pub fn end<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        self.0.end(env)
    }
}

/// The steps of a run. While somebody waits for the next one, Node stays alive; following by itself does not keep it so.
#[napi]
pub struct RunFollow(Stream<pipeline::RunFollow>);

#[napi]
impl RunFollow {
    /// The next step.
    #[napi(ts_return_type = "Promise<IteratorResult<RunStep, undefined>>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        self.0.next(env)
    }

    /// Ends the following, not the run.
    #[napi(
        js_name = "return",
        ts_return_type = "Promise<IteratorResult<RunStep, undefined>>"
    )]
    pub fn end<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        self.0.end(env)
    }
}

impl From<Stream<registry::RegistryWatch>> for RegistryWatch {
    fn from(stream: Stream<registry::RegistryWatch>) -> Self {
        Self(stream)
    }
}

impl From<Stream<pipeline::RunFollow>> for RunFollow {
    fn from(stream: Stream<pipeline::RunFollow>) -> Self {
        Self(stream)
    }
}

/// What those classes have in common.
pub struct Stream<W> {
    watch: SharedWatch<W>,
    abort: Rc<Abort>,
}

impl<W: Watch<Event: ToNapiValue>> Stream<W> {
    fn next<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        let (watch, abort) = (self.watch.clone(), self.abort.clone());
        let next = abort.or(async move { watch.next().await });
        env.spawn_future_with_callback(next, move |env, event| {
            if !matches!(event, Ok(Some(_))) {
                abort.forget(env)?;
            }
            step(env, event.map_err(|error| rejection(env, &error))?)
        })
    }

    fn end<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
        self.watch.close();
        self.abort.forget(env)?;
        env.spawn_future_with_callback(async { Ok(()) }, |env, ()| step(env, None::<W::Event>))
    }
}

/// A watch as an object over which `for await` goes.
pub fn iterator<'env, W, C>(
    env: &'env Env,
    watch: SharedWatch<W>,
    call: Option<CallOptions<'env>>,
) -> napi::Result<Object<'env>>
where
    C: From<Stream<W>> + JavaScriptClassExt + 'static,
{
    let abort = Abort::on(env, call).map_err(|error| rejection(env, &error))?;
    let abort = Rc::new(abort);
    let watch = C::from(Stream { watch, abort }).into_instance(env)?;
    let mut watch = watch.as_object(env);
    let symbol: Function<'_, (), ()> = env.get_global()?.get_named_property("Symbol")?;
    let symbol: Unknown<'_> = symbol.get_named_property("asyncIterator")?;
    let itself: Function<'_, (), Unknown<'_>> = env
        .create_function_from_closure("[Symbol.asyncIterator]", |context| {
            context.this::<Unknown<'_>>()
        })?;
    watch.set_property(symbol, itself)?;
    Ok(watch)
}

fn step<E: ToNapiValue>(env: &Env, event: Option<E>) -> napi::Result<Object<'_>> {
    let mut step = Object::new(env)?;
    step.set("done", event.is_none())?;
    match event {
        Some(event) => step.set("value", event)?,
        None => step.set("value", ())?,
    }
    Ok(step)
}
