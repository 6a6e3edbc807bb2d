//! A listener with limits: a client that is slow, idle or one of thousands takes nothing from the others.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::connection::Connection;
use crate::error::Result;

/// How many connections are open at once.
const MAX_CONNECTIONS: usize = 4096;

/// How long the headers of a request may take, and how long a connection may be idle.
const HEADER_TIME: Duration = Duration::from_secs(10);

/// The most the headers of a request may weigh.
const MAX_HEADERS: usize = 64 << 10;

/// How long requests that are under way when the server stops may take to be answered.
const DRAIN_TIME: Duration = Duration::from_secs(30);

/// How long a client may take then to send the rest of a request, or to receive the end of a stream: there is no answer that
/// it would lose.
const UNOWED_DRAIN_TIME: Duration = Duration::from_secs(1);

/// How long a client may take nothing of what is sent to it.
const WRITE_TIME: Duration = Duration::from_mins(1);

/// How long to rest when the system has no more sockets.
const REST: Duration = Duration::from_millis(50);

/// What a connection too many is told.
const FULL: &str = r#"{"type":"urn:heady:problem:unavailable","title":"Service Unavailable","status":503,"code":"UNAVAILABLE","error":"too many connections are open","ok":false}"#;

/// Serves a router until `until` completes and the requests under way then are answered; streams end then, and so do
/// connections on which no whole request has come.
///
/// # Errors
/// None today: a connection that fails is its client's affair.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    until: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let connections = GracefulShutdown::new();
    let stopping = CancellationToken::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(MAX_HEADERS);
    tokio::pin!(until);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut until => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("no connection was accepted: {error}");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            tokio::spawn(refuse(stream));
            continue;
        };
        let _ = stream.set_nodelay(true);
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let (state, router) = (Connection::of(&stopping), router.clone());
        let receiving = state.clone();
        let service = service_fn(move |request| {
            let answering = router.clone().call(receiving.receive(request));
            let receiving = receiving.clone();
            async move { answering.await.inspect(|_| receiving.answer()) }
        });
        let connection = http.serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => {
                    if let Err(error) = ended {
                        tracing::debug!("a connection ended: {error}");
                    }
                }
                () = patience(&state) => {
                    tracing::debug!("a client did not send its request, or receive the end of a stream, in time");
                }
            }
            drop(place);
        });
    }
    drop(listener);
    stopping.cancel();
    if tokio::time::timeout(DRAIN_TIME, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some requests were not answered in time");
    }
    Ok(())
}

/// Completes when the server stops and whoever is owed no answer has had time.
async fn patience(connection: &Connection) {
    connection.stopping.cancelled().await;
    tokio::time::sleep(UNOWED_DRAIN_TIME).await;
    if connection.is_owed() {
        std::future::pending::<()>().await;
    }
}

async fn refuse(mut stream: TcpStream) {
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{FULL}",
        FULL.len()
    );
    let refusal = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), refusal).await;
}
