//! A connection to `heady serve`, without what a client for browsers' work would add.

use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection that is kept open.
pub(crate) struct Connection {
    host: String,
    requests: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub(crate) async fn open(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.expect("listens");
        stream.set_nodelay(true).expect("a socket");
        let (requests, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self { host, requests }
    }

    /// Puts an object, whose own path says its id, and returns the answer's.
    pub(crate) async fn put(&mut self, path: &str, mut object: Value) -> Value {
        if let Some(fields) = object.as_object_mut() {
            fields.retain(|name, value| name != "id" && !value.is_null());
        }
        let request = Request::put(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::from(object.to_string()))
            .expect("a request");
        let answer = self.requests.send_request(request).await.expect("answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        let body = answer.into_body().collect().await.expect("a body");
        serde_json::from_slice(&body.to_bytes()).expect("JSON")
    }
}
