//! A connection to an HTTP server, with no more around it than HTTP.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, Response};
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
        read(self.send(Method::GET, path, String::new()).await).await
    }

    /// Puts an object, whose path says its id, and returns the answer's.
    pub async fn put(&mut self, path: &str, mut object: Value) -> Value {
        if let Some(fields) = object.as_object_mut() {
            fields.retain(|name, value| name != "id" && !value.is_null());
        }
        let answer = self.send(Method::PUT, path, object.to_string()).await;
        serde_json::from_slice(&read(answer).await).expect("JSON")
    }

    /// Opens a stream of events.
    pub async fn events(mut self, path: &str) -> Events {
        let answer = self.send(Method::GET, path, String::new()).await;
        Events {
            body: answer.into_body(),
            read: Vec::new(),
            _connection: self,
        }
    }

    async fn send(&mut self, method: Method, path: &str, body: String) -> Response<Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::from(body)).expect("a request");
        self.requests.ready().await.expect("an open connection");
        let answer = self.requests.send_request(request).await.expect("answers");
        assert!(answer.status().is_success(), "{}", answer.status());
        answer
    }
}

async fn read(answer: Response<Incoming>) -> Bytes {
    let body = answer.into_body().collect().await.expect("a body");
    body.to_bytes()
}

/// Server-sent events.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    /// What was read and not given out yet.
    read: Vec<u8>,
    _connection: Connection,
}

impl Events {
    /// The revision of the next event that has data; its id is that and a time: `12-1790000000000`.
    pub async fn next(&mut self) -> i64 {
        loop {
            let end = self.read.windows(2).position(|pair| pair == b"\n\n");
            let Some(end) = end else {
                let frame = self
                    .body
                    .frame()
                    .await
                    .expect("an open stream")
                    .expect("a frame");
                self.read.extend_from_slice(frame.data_ref().expect("data"));
                continue;
            };
            let block: Vec<u8> = self.read.drain(..end + 2).collect();
            let block = std::str::from_utf8(&block).expect("text");
            let field = |name| block.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(id), Some(_)) = (field("id: "), field("data: ")) {
                let (revision, _time) = id.split_once('-').expect("a revision and a time");
                return revision.parse().expect("a revision");
            }
        }
    }
}
