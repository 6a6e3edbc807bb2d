//! `heady.fetch`: a `Request` in, a `Response` out.

use std::sync::Arc;

use futures_util::StreamExt;
use heady_core::http::{Body, Caller, HostBody, HostRequest, HostResponse, Router, answer_host};
use heady_core::{Error, Result};
use napi::JsValue;
use napi::bindgen_prelude::{
    Env, FnArgs, Function, JsObjectValue, Null, Object, PromiseRaw, ReadableStream, ToNapiValue,
    Uint8Array, Uint8ArraySlice, Unknown,
};
use napi_derive::napi;
use serde::Deserialize;

use crate::body;
use crate::error::rejection;
use crate::given::Given;
use crate::interrupt::Interrupt;
use crate::promise::Options;

/// How to answer a request.
#[napi(object)]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FetchOptions {
    /// Whom the host vouches for, having checked the sender itself; without it the request needs an API key.
    pub r#as: Option<Caller>,
}

/// Answers a request in process, until its signal is aborted.
pub fn fetch<'env>(
    env: &'env Env,
    router: Router,
    request: Given<Object<'env>>,
    options: Options<FetchOptions>,
) -> napi::Result<PromiseRaw<'env, Object<'env>>> {
    let (interrupt, request) = match receive(env, request, options) {
        Ok(received) => received,
        Err(error) => return PromiseRaw::reject(env, rejection(env, &error)),
    };
    let interrupted = interrupt.clone();
    let answer = async move { interrupted.or(answer_host(&router, request)).await };
    env.spawn_future_with_callback(answer, |env, response| respond(env, response, interrupt))
}

fn receive(
    env: &Env,
    request: Given<Object<'_>>,
    options: Options<FetchOptions>,
) -> Result<(Arc<Interrupt>, HostRequest)> {
    let request = request.read("request")?;
    let interrupt = request
        .get("signal")
        .and_then(|signal| Interrupt::of(env, signal));
    let interrupt = interrupt.map_err(no_request)?;
    let caller = options.read()?.r#as;
    let body: Option<ReadableStream<'_, Uint8Array>> =
        request.get_named_property("body").map_err(no_request)?;
    if let Some(body) = &body
        && body.locked().map_err(no_request)?
    {
        return Err(Error::invalid_argument(
            "request: somebody else reads or has read its body",
        ));
    }
    let request = read(env, &request, body, caller).map_err(no_request)?;
    Ok((interrupt, request))
}

fn no_request(error: napi::Error) -> Error {
    Error::invalid_argument(format!("request: this is no Request: {}", error.reason))
}

fn read(
    env: &Env,
    request: &Object<'_>,
    body: Option<ReadableStream<'_, Uint8Array>>,
    caller: Option<Caller>,
) -> napi::Result<HostRequest> {
    let headers: Object<'_> = request.get_named_property("headers")?;
    let array: Function<'_, (), ()> = env.get_global()?.get_named_property("Array")?;
    let list: Function<'_, Object<'_>, Vec<Vec<String>>> = array.get_named_property("from")?;
    let headers = list.call(headers)?.into_iter().map(|header| {
        let mut texts = header.iter().map(|text| bytes(text));
        (
            texts.next().unwrap_or_default(),
            texts.next().unwrap_or_default(),
        )
    });
    let body = body.as_ref().map(ReadableStream::read).transpose()?;
    Ok(HostRequest {
        method: request.get_named_property("method")?,
        target: request.get_named_property("url")?,
        headers: headers.collect(),
        body: body.map_or_else(Body::empty, |body| {
            Body::from_stream(body.map(|part| part.map(|part| part.to_vec())))
        }),
        caller,
    })
}

fn respond(
    env: &Env,
    response: HostResponse,
    interrupt: Arc<Interrupt>,
) -> napi::Result<Object<'_>> {
    let headers = response.headers.iter();
    let headers: Vec<Vec<String>> = headers
        .map(|(name, value)| vec![name.to_string(), latin1(value.as_bytes())])
        .collect();
    let mut init = Object::new(env)?;
    init.set("status", response.status)?;
    init.set("headers", headers)?;
    let body = match response.body {
        // A `Response` of these statuses takes no body, not even an empty one.
        _ if matches!(response.status, 204 | 205 | 304) => Null.into_unknown(env)?,
        HostBody::Whole(bytes) => Uint8ArraySlice::from_data(env, bytes)?.into_unknown(env)?,
        HostBody::Parts(parts) => body::stream(env, parts, interrupt)?.into_unknown(env)?,
    };
    let constructor: Function<'_, FnArgs<(Unknown<'_>, Object<'_>)>, ()> =
        env.get_global()?.get_named_property("Response")?;
    constructor
        .new_instance((body, init).into())?
        .coerce_to_object()
}

/// The bytes of what JavaScript has as a text of one character for each.
fn bytes(text: &str) -> Vec<u8> {
    // What is no byte becomes one that no header may have, so that it is refused.
    text.chars()
        .map(|character| u8::try_from(character).unwrap_or(0))
        .collect()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
