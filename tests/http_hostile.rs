//! Clients that are slow, oversize, deeply nested, many or wrong: each gets a clear answer, and the engine goes on.

use std::io::{Read, Write};

use crate::http::{Answer, Server};
use crate::sandbox::Sandbox;

/// More than a careless client would hold open, less than what the server admits.
const IDLE: usize = 1000;

#[test]
fn a_hostile_client_is_answered_and_the_engine_goes_on() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, &["--listen", "127.0.0.1:0"]);
    let idle: Vec<_> = (0..IDLE).map(|_| server.connect()).collect();
    let mut slow = server.connect();
    slow.write_all(b"GET /api/health HTTP/1.1\r\nhost: local")
        .unwrap();
    let mut slow_body = server.connect();
    slow_body
        .write_all(b"POST /api/nodes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"id\"")
        .unwrap();

    let head = format!(
        "POST /api/nodes HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
        server.address
    );
    let announced =
        format!("{head}content-type: application/json\r\ncontent-length: 6000000\r\n\r\n");
    server
        .raw(announced.as_bytes())
        .refused(413, "RESOURCE_EXHAUSTED");
    let mut endless =
        format!("{head}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
            .into_bytes();
    for _ in 0..90 {
        endless.extend_from_slice(b"10000\r\n");
        endless.extend_from_slice(&vec![b' '; 0x10000]);
        endless.extend_from_slice(b"\r\n");
    }
    // Who sends it all before looking for an answer finds one.
    let whole = [announced.as_bytes(), &vec![b' '; 6_000_000]].concat();
    for request in [endless, whole] {
        server.raw(&request).refused(413, "RESOURCE_EXHAUSTED");
    }
    let deep = "[".repeat(1 << 20);
    server
        .send("POST", "/api/nodes", "", &deep)
        .refused(400, "INVALID_ARGUMENT");
    let deep = r#"{"a":"#.repeat(1 << 18);
    server
        .send("POST", "/api/monte-carlo/run", "", &deep)
        .refused(400, "INVALID_ARGUMENT");
    let wide = format!(
        "GET /api/health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    assert_eq!(server.raw(wide.as_bytes()).status, 431);
    assert_eq!(server.raw(b"\x16\x03\x01 what is this\r\n\r\n").status, 400);
    let smuggled =
        format!("{head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    server
        .raw(smuggled.as_bytes())
        .refused(400, "INVALID_ARGUMENT");
    let wrong = "authorization: Bearer hdy_prod_0_1\r\n";
    server
        .send("GET", "/api/nodes", wrong, "")
        .refused(401, "UNAUTHENTICATED");
    server
        .send("GET", "/api/nodes/%00", "", "")
        .refused(400, "INVALID_ARGUMENT");
    server
        .send("GET", "/api/../etc/passwd", "", "")
        .refused(404, "NOT_FOUND");

    // Whoever does not finish its request, or sends none, is disconnected; nobody else notices.
    let health = server.get("/api/health");
    assert_eq!(
        (health.status, health.json()["ok"].as_bool()),
        (200, Some(true))
    );
    assert!(Answer::read(&mut slow).status != 200);
    for mut connection in idle {
        assert!(matches!(connection.read(&mut [0; 1]), Ok(0) | Err(_)));
    }
    let made = server.send("POST", "/api/nodes", "", r#"{"id": "N"}"#);
    assert_eq!(made.status, 201, "{made:?}");
}
