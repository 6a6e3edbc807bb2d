//! A connection of the server: whether its client is owed an answer, so that the server knows for whom to wait when it stops.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use axum::body::{Bytes, HttpBody};
use axum::http::{Method, Request};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio_util::sync::CancellationToken;

/// The latest request has not come as far as its answer needs it.
const AWAITED: u8 = 0;
/// The latest request has come that far, or has its answer without. One that was answered leaves it so: hyper ends a
/// connection that is idle.
const OWED: u8 = 1;
/// The answer is a stream, which has no end of its own.
const STREAMED: u8 = 2;

/// What a connection, and what is sent on it, know of each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Connection {
    /// Whether the server stops: streams end then, so that it can.
    pub(super) stopping: CancellationToken,
    stage: Arc<AtomicU8>,
}

impl Connection {
    /// One of a server that stops with this token.
    pub(super) fn of(stopping: &CancellationToken) -> Self {
        Self {
            stopping: stopping.clone(),
            stage: Arc::default(),
        }
    }

    /// A request as its body comes in.
    pub(super) fn receive(&self, request: Request<Incoming>) -> Request<Receiving> {
        // The answer to a GET needs no body, and nobody reads one that is sent all the same, be it empty.
        let needs_none = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_owed = needs_none || request.body().is_end_stream();
        self.set(if is_owed { OWED } else { AWAITED });
        let mut request = request.map(|body| Receiving {
            body,
            connection: self.clone(),
        });
        request.extensions_mut().insert(self.clone());
        request
    }

    /// Notes that there is an answer, perhaps without all of the request.
    pub(super) fn answer(&self) {
        let (from, to) = (AWAITED, OWED);
        let _ = self
            .stage
            .compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Notes that the answer is a stream.
    pub(super) fn stream(&self) {
        self.set(STREAMED);
    }

    /// Whether an answer that has an end is being made or sent.
    pub(super) fn is_owed(&self) -> bool {
        self.stage.load(Ordering::Relaxed) == OWED
    }

    fn set(&self, stage: u8) {
        self.stage.store(stage, Ordering::Relaxed);
    }
}

/// The body of a request, which tells when all of it is there.
#[derive(Debug)]
pub(super) struct Receiving {
    body: Incoming,
    connection: Connection,
}

impl HttpBody for Receiving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() {
            self.connection.set(OWED);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
