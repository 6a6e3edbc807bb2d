//! Events that are sent as they happen, `text/event-stream`: the same for every domain that has some.
//!
//! A stream is an answer that has no end of its own. It is exempt from the time that a call may take, and ends with its
//! client, with its source, when the server stops, when it has grown old, or with an event `error` that has what a
//! problem has.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::access::Admission;
use super::answer::{Answer, Documented};
use super::guard::RequestId;
use super::problem::Problem;
use super::route::Call;
use crate::error::{Error, Result};

/// How many streams are open at once: half of the connections, so that calls are still answered.
pub(super) const MAX_STREAMS: usize = 2048;

/// How often a silent stream shows that it lives, which is also how a client that is gone is found out.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a stream lives. Its client goes on in a new one.
const MAX_AGE: Duration = Duration::from_hours(1);

/// How often it is looked whether the caller may still see it: a key can be revoked meanwhile.
const LOOK: Duration = Duration::from_secs(10);

/// Where the events of a stream come from.
pub(super) trait Source: Send + 'static {
    /// What stands in the data of an event.
    type Event: Serialize + JsonSchema;

    /// The next event, or `None` at the end. It is dropped and asked again.
    fn next(&mut self) -> impl Future<Output = Result<Option<Message<Self::Event>>>> + Send;
}

/// One event.
pub(super) struct Message<E> {
    /// Where to go on after it: what the client sends as `Last-Event-ID`.
    pub(super) id: String,
    /// What happened.
    pub(super) name: &'static str,
    /// `None` for a mere sign of how far the stream has come, which shows in no client.
    pub(super) data: Option<Arc<E>>,
}

/// A stream as an answer.
pub(super) struct Events<S> {
    source: S,
    request: RequestId,
    stopping: CancellationToken,
    heartbeat: Duration,
    until: Instant,
    /// `None` if the host vouches for the caller.
    admission: Option<Admission>,
    look_at: Instant,
    _place: OwnedSemaphorePermit,
}

impl Call {
    /// A stream of these events.
    ///
    /// # Errors
    /// `UNAVAILABLE` if there are too many.
    pub(super) fn stream<S: Source>(&self, source: S) -> Result<Events<S>> {
        let place = self.server.streams.clone().try_acquire_owned();
        let place = place.map_err(|_| Error::unavailable("too many streams are open"))?;
        self.connection.stream();
        Ok(Events {
            source,
            request: self.request.clone(),
            stopping: self.connection.stopping.clone(),
            heartbeat: HEARTBEAT,
            until: Instant::now() + MAX_AGE,
            admission: self.admitted_as.map(|role| Admission {
                server: self.server.clone(),
                headers: self.headers.clone(),
                role,
            }),
            look_at: Instant::now() + LOOK,
            _place: place,
        })
    }

    /// The id of the last event that a client saw which now goes on, if it does.
    pub(super) fn last_event_id(&self) -> Option<&str> {
        let id = self.headers.get("last-event-id")?;
        // A client that has seen no event may say so by an empty one.
        (!id.is_empty()).then(|| id.to_str().unwrap_or_default())
    }
}

/// A stream that has an end: once its client has seen that, there is no content, which tells an `EventSource` not to come
/// again.
pub(super) struct Ending<S>(Option<Events<S>>);

impl Call {
    /// A stream of these events, or the end of one that has none left.
    ///
    /// # Errors
    /// As [`Call::stream`].
    pub(super) fn stream_to_end<S: Source>(&self, source: S, ended: bool) -> Result<Ending<S>> {
        let stream = (!ended).then(|| self.stream(source)).transpose()?;
        Ok(Ending(stream))
    }
}

impl<S: Source> Answer for Ending<S> {
    const DOCUMENTED: Documented = Documented {
        statuses: &[
            (
                200,
                "Events as they happen, up to the last; this is what stands in their data",
            ),
            (204, "The client has seen the last event: there are no more"),
        ],
        ..Events::<S>::DOCUMENTED
    };

    fn respond(self) -> Result<Response> {
        match self.0 {
            Some(events) => events.respond(),
            None => Ok(StatusCode::NO_CONTENT.into_response()),
        }
    }
}

/// As many places as there are.
pub(super) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_STREAMS))
}

impl<S> Events<S> {
    /// Looks whether the caller may still see what is sent.
    async fn look(&mut self) -> Result<()> {
        self.look_at = Instant::now() + LOOK;
        match &self.admission {
            Some(admission) => admission.check().await,
            None => Ok(()),
        }
    }
}

impl<S: Source> Answer for Events<S> {
    const DOCUMENTED: Documented = Documented {
        statuses: &[(
            200,
            "Events as they happen; this is what stands in their data",
        )],
        kind: "text/event-stream",
        schema: SchemaGenerator::subschema_for::<S::Event>,
        tagged: false,
    };

    fn respond(self) -> Result<Response> {
        let alive = KeepAlive::new().interval(self.heartbeat);
        let events = stream::unfold(Some(self), async |events| {
            let mut events = events?;
            let next = loop {
                tokio::select! {
                    biased;
                    () = events.stopping.cancelled() => return None,
                    () = tokio::time::sleep_until(events.until) => return None,
                    () = tokio::time::sleep_until(events.look_at) => {}
                    next = events.source.next() => break next,
                }
                if let Err(error) = events.look().await {
                    break Err(error);
                }
            };
            match next {
                Ok(message) => Some((written(message?), Some(events))),
                Err(error) => Some((failed(&error, &events.request), None)),
            }
        });
        let mut response = Sse::new(events).keep_alive(alive).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // nginx would collect what should arrive at once.
        headers.insert(
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        );
        Ok(response)
    }
}

fn written<E: Serialize>(message: Message<E>) -> Result<Event> {
    let event = Event::default().id(message.id);
    Ok(match message.data {
        Some(data) => event
            .event(message.name)
            .data(serde_json::to_string(&*data)?),
        None => event,
    })
}

/// Why there is no more, as an answer would say it.
fn failed(error: &Error, request: &RequestId) -> Result<Event> {
    let problem = Problem::of(error, super::problem::status(error, false), request);
    Ok(Event::default()
        .event("error")
        .data(serde_json::to_string(&problem)?))
}
