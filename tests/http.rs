//! `heady serve`: who is let in, what is answered, and how it stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// A `heady serve` on a port of its own, ended with the test.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut child = sandbox
            .heady(&[&["serve", "--json"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let address = said["address"]
            .as_str()
            .unwrap()
            .trim_start_matches("http://")
            .to_owned();
        Self { child, address }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream
    }

    /// Sends a request as it stands and reads until the server closes.
    pub fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that refuses early may close before everything is written.
        let _ = stream.write_all(request);
        Answer::read(&mut stream)
    }

    pub fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let kind = if body.is_empty() {
            ""
        } else {
            "content-type: application/json\r\n"
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{kind}content-length: {}\r\n{headers}\r\n{body}",
            self.address,
            body.len()
        );
        self.raw(request.as_bytes())
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    /// Asks the process to end, as the system would, and returns its exit code.
    #[cfg(unix)]
    pub fn stop(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        let sent = std::process::Command::new("kill")
            .arg(&id)
            .status()
            .unwrap();
        assert!(sent.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case.
    pub head: String,
    lines: String,
    pub body: String,
}

/// A body that came in chunks.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|window| window == b"\r\n") {
        let length = std::str::from_utf8(&chunks[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        let from = end + 2;
        let Some(chunk) = chunks.get(from..from + length) else {
            break;
        };
        body.extend_from_slice(chunk);
        chunks = chunks.get(from + length + 2..).unwrap_or_default();
    }
    body
}

impl Answer {
    pub fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        let body = end.map_or(Vec::new(), |end| bytes[end + 4..].to_vec());
        bytes.truncate(end.unwrap_or(bytes.len()));
        let head = String::from_utf8(bytes).unwrap();
        let is_chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        let body = if is_chunked { joined(&body) } else { body };
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Self {
            status: status.unwrap_or(0),
            head: head.to_ascii_lowercase(),
            lines: head,
            body: String::from_utf8(body).unwrap(),
        }
    }

    /// A header as it was sent.
    pub fn header(&self, name: &str) -> Option<String> {
        self.lines.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// A problem with everything that clients of every age read.
    pub fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{self:?}"
        );
        let body = self.json();
        assert_eq!(
            (&body["code"], &body["ok"]),
            (&json!(code), &json!(false)),
            "{self:?}"
        );
        assert!(body["error"].is_string() && body["requestId"].is_string());
    }
}

#[test]
#[cfg(unix)]
fn a_local_server_is_open_until_the_first_key_and_stops_when_asked() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    assert_eq!(server.get("/api/health").json()["status"], "healthy");
    assert_eq!(
        server
            .send("POST", "/api/nodes", "", r#"{"id": "N"}"#)
            .status,
        201
    );
    let elsewhere =
        server.raw(b"GET /api/nodes HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    elsewhere.refused(403, "PERMISSION_DENIED");
    let (code, made) = sandbox.json(&["keys", "add", "ci"]);
    assert_eq!((code, &made["roles"]), (0, &json!(["viewer"])));
    server.get("/api/nodes").refused(401, "UNAUTHENTICATED");
    let key = format!(
        "authorization: Bearer {}\r\n",
        made["key"].as_str().unwrap()
    );
    assert_eq!(
        server.send("GET", "/api/nodes", &key, "").json()["total"],
        1
    );
    server
        .send("POST", "/api/nodes", &key, "{}")
        .refused(403, "PERMISSION_DENIED");
    // A connection that is kept alive does not keep the server from ending.
    let mut idle = server.connect();
    idle.write_all(b"GET /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_public_address_needs_a_key_first() {
    let sandbox = Sandbox::new();
    let (code, refused) = sandbox.json(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(
        (code, &refused["error"]["code"]),
        (2, &json!("FAILED_PRECONDITION"))
    );
    let (_, made) = sandbox.json(&[
        "keys",
        "add",
        "ci",
        "--role",
        "operator",
        "--environment",
        "staging",
    ]);
    let key = made["key"].as_str().unwrap().to_owned();
    let (_, listed) = sandbox.json(&["keys", "list"]);
    assert_eq!(listed["keys"][0]["environment"], "staging");
    assert!(!listed.to_string().contains(&key[key.len() - 72..]));
    let mut server = Server::start(
        &sandbox,
        &["--listen", "0.0.0.0:0", "--environment", "staging"],
    );
    server.address = server.address.replace("0.0.0.0", "127.0.0.1");
    let with = |key: &str| {
        server.send(
            "GET",
            "/api/services",
            &format!("x-heady-api-key: {key}\r\n"),
            "",
        )
    };
    assert_eq!(with(&key).status, 200);
    with(&key.replace("staging", "prod")).refused(401, "UNAUTHENTICATED");
    server.get("/api/services").refused(401, "UNAUTHENTICATED");
    assert_eq!(server.get("/api/health").status, 200);
    let (code, _) = sandbox.json(&["keys", "revoke", "ci"]);
    assert_eq!(code, 0);
    with(&key).refused(401, "UNAUTHENTICATED");
    assert_eq!(sandbox.json(&["keys", "revoke", "ci"]).0, 2);
    drop(server);
    // A key that is revoked opens nothing.
    assert_eq!(sandbox.json(&["serve", "--listen", "0.0.0.0:0"]).0, 2);
}

#[test]
#[cfg(unix)]
fn a_watch_is_streamed_goes_on_and_does_not_hold_up_the_stop() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let watch = |headers: &str| {
        let mut stream = server.connect();
        let request = format!(
            "GET /api/registry/watch?since=0 HTTP/1.1\r\nhost: {}\r\n{headers}\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        BufReader::new(stream)
    };
    let until = |stream: &mut BufReader<TcpStream>, wanted: &str| {
        let mut line = String::new();
        while !line.starts_with(wanted) {
            line.clear();
            assert_ne!(stream.read_line(&mut line).unwrap(), 0, "no {wanted}");
        }
        line.trim_end().to_owned()
    };
    let post = |id: &str| {
        let made = server.send("POST", "/api/nodes", "", &format!("{{\"id\": \"{id}\"}}"));
        assert_eq!(made.status, 201, "{made:?}");
    };
    let mut first = watch("");
    assert!(until(&mut first, "HTTP/1.1").contains("200"));
    post("A");
    assert_eq!(until(&mut first, "event: CREATE"), "event: CREATE");
    drop(first);
    post("B");
    let mut second = watch("last-event-id: 1\r\n");
    let data = until(&mut second, "data: ");
    let event: Value = serde_json::from_str(data.trim_start_matches("data: ")).unwrap();
    assert_eq!((&event["revision"], &event["id"]), (&json!(2), &json!("B")));
    // Another process writes to the same database.
    let put = sandbox.write("registry.json", r#"{"nodes": {"C": {"name": "C"}}}"#);
    assert_eq!(sandbox.run(&["import", put.to_str().unwrap()]).code, 0);
    assert!(until(&mut second, "data: ").contains(r#""id":"C""#));
    let reading = std::thread::spawn(move || {
        let mut rest = String::new();
        second.read_to_string(&mut rest).unwrap();
        rest
    });
    assert_eq!(server.stop(), Some(0));
    // It was ended, not cut off.
    assert!(reading.join().unwrap().ends_with("0\r\n\r\n"));
}

#[test]
fn the_document_in_the_repository_is_that_of_the_routes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let sandbox = Sandbox::new();
    let made = sandbox.run(&["openapi"]).stdout;
    assert!(
        committed == made,
        "openapi.json is not that of the routes: `make openapi` writes it"
    );
}

/// Asks until this holds of the answer; it never holding is a failure.
fn until(server: &Server, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..3000 {
        let answer = server.get(path).json();
        if holds(&answer) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{}", server.get(path).body);
}

#[test]
fn a_server_probes_and_another_takes_over_when_it_is_killed() {
    let sandbox = Sandbox::new();
    let idle = Server::start(&sandbox, &["--listen", "127.0.0.1:0", "--no-probes"]);
    let mut busy = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let service = json!({
        "id": "idle", "baseUrl": format!("http://{}", idle.address), "healthPath": "/health/live", "probeIntervalMs": 100,
    });
    let registered = idle.send("POST", "/api/services", "", &service.to_string());
    assert_eq!(registered.status, 201, "{registered:?}");
    let seen = |answer: &Value| answer["lastProbe"]["consecutiveSuccesses"].as_i64() > Some(2);
    let first = until(&idle, "/api/services/idle", seen);
    assert_eq!(first["status"], "HEALTHY");
    assert_eq!(first["resourceVersion"], 1);

    busy.child.kill().unwrap();
    let heir = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let before = idle.get("/api/services/idle").json();
    let later = until(&heir, "/api/services/idle", |answer| {
        answer["lastProbe"]["at"].as_str() > before["lastProbe"]["at"].as_str()
    });
    assert_eq!(later["status"], "HEALTHY");
    assert_eq!(later["statusChangedAt"], first["statusChangedAt"]);
    assert!(later["lastHealthyAt"].as_str() > before["lastHealthyAt"].as_str());

    let report = |body: Value| {
        let body = body.to_string();
        heir.send("POST", "/api/services/idle/health", "", &body)
    };
    let reported = report(json!({"status": "DEGRADED", "ttlSeconds": 60, "note": "draining"}));
    assert_eq!(reported.json()["statusReason"], "draining", "{reported:?}");
    report(json!({"status": "FINE", "ttlSeconds": 60})).refused(400, "INVALID_ARGUMENT");
    assert_eq!(heir.get("/health/ready").json()["checks"]["database"], "ok");
}
