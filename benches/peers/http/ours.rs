//! Requests over HTTP and the bare route beside ours: `bench-http get URL PATH AT_ONCE SECONDS`, `bench-http serve`.

#![expect(clippy::print_stdout, reason = "the address is what it is asked for")]

use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header;
use axum::routing::get;
use axum::serve::ListenerExt;
use heady_benches::{Connection, Measured, each, report};
use serde_json::json;
use tokio::net::TcpListener;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve"] => serve().await,
        ["get", url, path, at_once, seconds] => {
            let at_once = at_once.parse().expect("AT_ONCE is a number");
            let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
            report(requests(url, path, at_once, time).await);
        }
        _ => panic!("bench-http get URL PATH AT_ONCE SECONDS | bench-http serve"),
    }
}

/// Each client has a connection of its own and asks again as soon as it has the answer.
async fn requests(url: &str, path: &str, clients: usize, time: Duration) -> Measured {
    let begun = Instant::now();
    each(clients, |_| {
        let (url, path) = (url.to_owned(), path.to_owned());
        async move {
            let mut connection = Connection::open(&url).await;
            let mut count = 0;
            while begun.elapsed() < time {
                assert!(!connection.get(&path).await.is_empty(), "an empty answer");
                count += 1;
            }
            count
        }
    })
    .await
}

/// A route of axum that answers with a text, and nothing around it.
async fn serve() {
    const LIVE: &str =
        r#"{"ok":true,"status":"ok","uptime":0,"timestamp":"2026-01-01T00:00:00.000Z"}"#;
    let json = [(header::CONTENT_TYPE, "application/json")];
    let bare = Router::new().route("/", get(move || async move { (json, LIVE) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    println!("{}", json!({"address": format!("http://{address}")}));
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
    axum::serve(listener, bare).await.expect("serves");
}
