//! What `heady.asgi` stands on: requests that are answered while the interpreter does something else.

use std::sync::{Mutex, PoisonError, mpsc};

use futures_util::StreamExt;
use heady_core::http::{
    Caller, Config, HostBody, HostRequest, HostResponse, Role, Router, answer_host, router,
};
use heady_core::{Error, Heady};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokio::sync::mpsc as tokio_mpsc;
use tokio::task::AbortHandle;

use crate::argument::{Given, Named};
use crate::errors::raised;
use crate::wait::runtime;

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// The routes of an engine.
#[pyclass(module = "heady", frozen)]
pub struct HttpRoutes(Router);

impl HttpRoutes {
    pub fn of(heady: &Heady) -> Self {
        Self(router(heady, Config::default()))
    }
}

#[pymethods]
impl HttpRoutes {
    /// The most a body may weigh, in bytes.
    #[classattr]
    const MAX_BODY: usize = heady_core::http::MAX_BODY;

    /// Begins to answer a request. Whenever the exchange has an event, its ticket is among the signals.
    #[pyo3(signature = (method, target, headers, body, *, caller, signals, ticket))]
    #[expect(
        clippy::too_many_arguments,
        reason = "a request has that many parts, and Python names them"
    )]
    fn begin(
        &self,
        method: Given<String>,
        target: Given<String>,
        headers: Headers,
        body: Vec<u8>,
        caller: Option<Given<(String, Role)>>,
        signals: &HttpSignals,
        ticket: u64,
    ) -> PyResult<HttpExchange> {
        let request = HostRequest {
            method: method.named("method")?,
            target: target.named("target")?,
            headers,
            body: body.into(),
            caller: caller
                .named("caller")?
                .map(|(actor, role)| Caller::new(actor, role)),
        };
        // The start of an answer and its whole body take one wake together.
        let (events, exchange) = tokio_mpsc::channel(2);
        let (router, sender) = (self.0.clone(), signals.sender.clone());
        let signal = move || {
            // Without a receiver the interpreter is ending.
            let _ = sender.send(Some(ticket));
        };
        let task = runtime()?.spawn(async move {
            let response = answer_host(&router, request).await;
            // Nobody receives what nobody wants any more; `cancel` then ends this task.
            let _ = send(response, &events, signal).await;
        });
        Ok(HttpExchange {
            events: Mutex::new(exchange),
            task: task.abort_handle(),
        })
    }
}

/// The events of an answer, in their order.
async fn send(
    response: HostResponse,
    events: &tokio_mpsc::Sender<Event>,
    signal: impl Fn(),
) -> std::result::Result<(), tokio_mpsc::error::SendError<Event>> {
    let headers = response.headers.iter();
    let headers = headers
        .map(|(name, value)| (name.as_str().into(), value.as_bytes().into()))
        .collect();
    events.send(Event::Start(response.status, headers)).await?;
    match response.body {
        HostBody::Whole(bytes) => events.send(Event::Body(bytes.into(), false)).await?,
        HostBody::Parts(mut parts) => {
            signal();
            while let Some(part) = parts.next().await {
                let event = part.map_or_else(
                    |error| Event::Broken(format!("the body broke off: {error}")),
                    |part| Event::Body(part.into(), true),
                );
                events.send(event).await?;
                signal();
            }
            events.send(Event::Body(Vec::new(), false)).await?;
        }
    }
    signal();
    Ok(())
}

enum Event {
    Start(u16, Headers),
    /// A part of the body, and whether there is more.
    Body(Vec<u8>, bool),
    Broken(String),
}

/// One request under way.
#[pyclass(module = "heady", frozen)]
pub struct HttpExchange {
    events: Mutex<tokio_mpsc::Receiver<Event>>,
    task: AbortHandle,
}

#[pymethods]
impl HttpExchange {
    /// The next event for ASGI's `send`, or `None` if there is none yet.
    fn event<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(event) = events.try_recv() else {
            return Ok(None);
        };
        let answer = PyDict::new(py);
        match event {
            Event::Start(status, headers) => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| (PyBytes::new(py, name), PyBytes::new(py, value)));
                answer.set_item("type", "http.response.start")?;
                answer.set_item("status", status)?;
                answer.set_item("headers", headers.collect::<Vec<_>>())?;
            }
            Event::Body(part, more) => {
                answer.set_item("type", "http.response.body")?;
                answer.set_item("body", PyBytes::new(py, &part))?;
                answer.set_item("more_body", more)?;
            }
            Event::Broken(message) => return Err(raised(&Error::unavailable(message))),
        }
        // As any object: in the typings a plain dict would lack its type arguments.
        Ok(Some(answer.into_any()))
    }

    /// Ends the answer: nobody waits for it.
    fn cancel(&self) {
        self.task.abort();
    }
}

impl Drop for HttpExchange {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The tickets of exchanges that have an event, for one thread of Python that passes them on to event loops.
///
/// A thread of the engine must not call into an interpreter that may be ending.
#[pyclass(module = "heady", frozen)]
pub struct HttpSignals {
    sender: mpsc::Sender<Option<u64>>,
    receiver: Mutex<mpsc::Receiver<Option<u64>>>,
}

#[pymethods]
impl HttpSignals {
    #[new]
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self {
            sender,
            receiver: Mutex::new(receiver),
        }
    }

    /// Waits for the next ticket; `None` after `close`.
    fn wait(&self, py: Python<'_>) -> Option<u64> {
        py.detach(|| {
            let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv().ok().flatten()
        })
    }

    /// Ends the waiting.
    fn close(&self) {
        // Without a receiver there is nothing to end.
        let _ = self.sender.send(None);
    }
}
