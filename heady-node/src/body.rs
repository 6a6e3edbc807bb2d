//! A body that is written while it is read, as JavaScript's stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use heady_core::Error;
use heady_core::http::BodyDataStream;
use napi::JsValue;
use napi::bindgen_prelude::{
    Env, FnArgs, Function, FunctionCallContext, JsObjectValue, Object, ObjectRef, ToNapiValue,
    Uint8ArraySlice, Unknown, spawn,
};
use tokio::sync::{Mutex, mpsc};

use crate::interrupt::Interrupt;

type Part = Result<Vec<u8>, String>;

/// What the stream asks for a part whenever somebody waits for one.
struct Source {
    parts: Arc<Mutex<mpsc::Receiver<Part>>>,
    interrupt: Arc<Interrupt>,
    busy: Arc<AtomicBool>,
}

impl Drop for Source {
    /// Nobody can read any more.
    fn drop(&mut self) {
        self.interrupt.stop();
    }
}

/// A `ReadableStream` of the parts. Whether its reader cancels it, lets go of it, or the request is aborted: the
/// writing ends at once.
///
/// napi's own stream would keep what it reads from until there is a next part.
pub fn stream(
    env: &Env,
    mut parts: BodyDataStream,
    interrupt: Arc<Interrupt>,
) -> napi::Result<Object<'_>> {
    let (sender, receiver) = mpsc::channel(1);
    let stopped = interrupt.stopped();
    spawn(async move {
        let write = async {
            while let Some(part) = parts.next().await {
                let part = part.map(Vec::from).map_err(|error| error.to_string());
                if sender.send(part).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            () = stopped => {}
            () = write => {}
        }
    });
    let source = Source {
        parts: Arc::new(Mutex::new(receiver)),
        interrupt: interrupt.clone(),
        busy: Arc::new(AtomicBool::new(false)),
    };
    let mut sides = Object::new(env)?;
    let cancel: Function<'_, (), ()> = env.create_function_from_closure("cancel", move |_| {
        interrupt.stop();
        Ok(())
    })?;
    sides.set("cancel", cancel)?;
    let pull: Function<'_, Object<'_>, ()> =
        env.create_function_from_closure("pull", move |call| source.pull(&call))?;
    sides.set("pull", pull)?;
    let mut strategy = Object::new(env)?;
    strategy.set("highWaterMark", 0)?;
    let constructor: Function<'_, FnArgs<(Object<'_>, Object<'_>)>, ()> =
        env.get_global()?.get_named_property("ReadableStream")?;
    constructor
        .new_instance((sides, strategy).into())?
        .coerce_to_object()
}

impl Source {
    /// Sees to it that the stream gets its next part. It asks again for every part that it gets, so one that asks
    /// while a part is under way need not be heard.
    fn pull(&self, call: &FunctionCallContext<'_>) -> napi::Result<()> {
        if self.busy.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let controller: ObjectRef<false> = call.get::<Object<'_>>(0)?.create_ref()?;
        let (parts, interrupt) = (self.parts.clone(), self.interrupt.clone());
        let next = async move {
            let next = async { parts.lock().await.recv().await };
            Ok(interrupt.or(next).await)
        };
        let (busy, interrupt) = (self.busy.clone(), self.interrupt.clone());
        call.env
            .spawn_future_with_callback(next, move |env, part| {
                let stream = controller.get_value(env)?;
                controller.unref(env)?;
                busy.store(false, Ordering::Relaxed);
                // One that was under way when its reader left is nobody's, and a closed stream refuses it.
                settle(env, &stream, interrupt.unless_stopped(part))
            })?;
        Ok(())
    }
}

/// Hands a part, the end, or what went wrong to the stream.
fn settle(env: &Env, stream: &Object<'_>, part: napi::Result<Option<Part>>) -> napi::Result<()> {
    let (verb, value) = match part {
        Ok(Some(Ok(bytes))) => (
            "enqueue",
            Uint8ArraySlice::from_data(env, bytes)?.into_unknown(env)?,
        ),
        Ok(None) => ("close", ().into_unknown(env)?),
        Ok(Some(Err(message))) => {
            let error = Error::unavailable(format!("the body broke off: {message}"));
            (
                "error",
                crate::error::rejection(env, &error).into_unknown(env)?,
            )
        }
        Err(error) => ("error", error.into_unknown(env)?),
    };
    let verb: Function<'_, Unknown<'_>, ()> = stream.get_named_property(verb)?;
    verb.apply(*stream, value)
}
