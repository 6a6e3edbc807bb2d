//! A connection to an HTTP server, without what a client for browsers' work would add.

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A connection that is kept open.
#[derive(Debug)]
pub struct Connection {
    host: String,
    requests: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to a server by its URL.
    pub async fn open(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).await.expect("listens");
        stream.set_nodelay(true).expect("a socket");
        let (requests, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        Self { host, requests }
    }

    /// Gets what is at a path, and reads all of it.
    pub async fn get(&mut self, path: &str) -> Bytes {
        let request = Request::get(path)
            .header("host", &self.host)
            .body(Full::default())
            .expect("a request");
        self.answer(request).await
    }

    /// Puts an object, whose own path says its id, and returns the answer's.
    pub async fn put(&mut self, path: &str, mut object: Value) -> Value {
        if let Some(fields) = object.as_object_mut() {
            fields.retain(|name, value| name != "id" && !value.is_null());
        }
        let request = Request::put(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::from(object.to_string()))
            .expect("a request");
        serde_json::from_slice(&self.answer(request).await).expect("JSON")
    }

    async fn answer(&mut self, request: Request<Full<Bytes>>) -> Bytes {
        let answer = self.requests.send_request(request).await.expect("answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        let body = answer.into_body().collect().await.expect("a body");
        body.to_bytes()
    }
}
