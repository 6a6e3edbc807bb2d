//! Streams: what a client sees that is interrupted, slow, late or wrong, and how they end.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::super::access::Admission;
use super::super::connection::Connection;
use super::super::tests::{Door, problem};
use super::super::{AddApiKey, ApiKeys, Caller, Config, Role, Server, answer, serve};
use super::*;
use crate::pipeline::StartRun;
use crate::registry::PutNode;
use crate::store::args;
use crate::types::Timestamp;
use crate::{Heady, Json};

/// One event as it stands on the wire.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    id: String,
    name: String,
    data: Value,
}

/// A client that reads events.
struct Client {
    body: BodyDataStream,
    text: String,
}

impl Client {
    fn of(response: Response) -> Self {
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    async fn open(door: &Door, query: &str, last: Option<&str>) -> Self {
        Self::at(door, &format!("/api/registry/watch{query}"), last).await
    }

    async fn at(door: &Door, address: &str, last: Option<&str>) -> Self {
        let request = Request::get(address).extension(Caller::new("user:anna", Role::Viewer));
        let request = match last {
            Some(id) => request.header("last-event-id", id),
            None => request,
        };
        let response = answer(&door.router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.status(), 200);
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("x-accel-buffering"), "no");
        Self::of(response)
    }

    /// The next event, or `None` at the end.
    async fn next(&mut self) -> Option<Seen> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let mut seen = Seen::default();
                for line in event.lines() {
                    match line.split_once(": ").unwrap() {
                        ("id", id) => seen.id = id.to_owned(),
                        ("event", name) => seen.name = name.to_owned(),
                        ("data", data) => seen.data = serde_json::from_str(data).unwrap(),
                        other => panic!("{other:?}"),
                    }
                }
                self.text = rest.to_owned();
                return Some(seen);
            }
            let part = self.body.next().await?.unwrap();
            self.text += std::str::from_utf8(&part).unwrap();
        }
    }
}

async fn put(heady: &crate::Heady, id: &str, name: &str) {
    let put = PutNode {
        id: id.to_owned(),
        name: Some(name.to_owned()),
        ..PutNode::default()
    };
    heady.registry().put_node(put).await.unwrap();
}

/// The id of an event with this data: its revision and the milliseconds of its time.
fn id_of(data: &Value) -> String {
    let at: Timestamp = serde_json::from_value(data["at"].clone()).unwrap();
    format!("{}-{}", data["revision"], at.timestamp_millis())
}

#[tokio::test]
async fn a_client_that_is_interrupted_misses_and_repeats_nothing() {
    const WRITERS: usize = 4;
    const EACH: usize = 30;
    let door = Door::open(Role::Viewer).await;
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let heady = door.heady.clone();
            tokio::spawn(async move {
                for n in 0..EACH {
                    put(&heady, &format!("N{writer}"), &n.to_string()).await;
                }
            })
        })
        .collect();
    let (mut seen, mut last) = (Vec::new(), None::<String>);
    while seen.len() < WRITERS * EACH {
        // The address stays the same, as in a browser; where to go on is the header's affair.
        let mut client = Client::open(&door, "?since=0", last.as_deref()).await;
        for _ in 0..7 {
            if seen.len() == WRITERS * EACH {
                break;
            }
            let event = client.next().await.unwrap();
            last = Some(event.id.clone());
            if !event.name.is_empty() {
                assert_eq!(event.id, id_of(&event.data));
                assert_eq!(event.data["change"], event.name.as_str());
                seen.push(event);
            }
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let revisions: Vec<_> = seen.iter().map(|event| &event.data["revision"]).collect();
    let all: Vec<_> = (1..=WRITERS * EACH).map(|n| json!(n)).collect();
    assert_eq!(revisions, all.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_client_learns_where_to_go_on_before_anything_happens() {
    let door = Door::open(Role::Viewer).await;
    put(&door.heady, "A", "1").await;
    let mut open = Client::open(&door, "?bookmarks=true", None).await;
    let bookmark = open.next().await.unwrap();
    assert_eq!(bookmark.name, "BOOKMARK");
    assert_eq!(bookmark.data["revision"], 1);
    assert_eq!(bookmark.id, id_of(&bookmark.data));
    assert_eq!(bookmark.data["object"], Value::Null);
    let mut quiet = Client::open(&door, "?kinds=NODE&ids=A&ids=B", None).await;
    let id_only = Seen {
        id: bookmark.id.clone(),
        ..Seen::default()
    };
    assert_eq!(quiet.next().await, Some(id_only));
    for id in ["C", "B"] {
        put(&door.heady, id, "2").await;
    }
    let event = quiet.next().await.unwrap();
    assert_eq!(event.data["id"], "B");
    assert_eq!(event.id, id_of(&event.data));
    // What happened while nobody listened is not lost to the first client either, nor to one that knows but the revision.
    for id in [&bookmark.id, "1"] {
        let mut again = Client::open(&door, "", Some(id)).await;
        assert_eq!(again.next().await.unwrap().data["id"], "C");
    }
    // As one has it that saw the change of another log under this number.
    let other = Request::get("/api/registry/watch").header("last-event-id", "1-1795900000000");
    problem(&door.send(other, "").await, 410, "FAILED_PRECONDITION");
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_before_the_stream_begins() {
    let door = Door::open(Role::Viewer).await;
    let get = |query: &str| Request::get(format!("/api/registry/watch{query}"));
    let gone = door.send(get("?since=7"), "").await;
    problem(&gone, 410, "FAILED_PRECONDITION");
    assert_eq!(
        (&gone.body["compacted"], &gone.body["newest"]),
        (&json!(true), &json!(0))
    );
    for request in [
        get("?since=-1"),
        get("?since=x"),
        get("?kinds=THING"),
        get("?form=1"),
        get("?sinceAt=2026-11-30T00:00:00Z"),
        get("").header("last-event-id", "x"),
        get("").header("last-event-id", "1-x"),
        get("").header("last-event-id", "-1"),
    ] {
        problem(&door.send(request, "").await, 400, "INVALID_ARGUMENT");
    }
    // Whoever has seen nothing goes on from where the address says.
    let fresh = get("?since=7").header("last-event-id", "");
    problem(&door.send(fresh, "").await, 410, "FAILED_PRECONDITION");
    let unknown = Request::get("/api/registry/watch")
        .body(Body::empty())
        .unwrap();
    assert_eq!(answer(&door.router, unknown).await.status(), 401);
}

#[tokio::test]
async fn a_client_that_is_too_slow_is_told_and_holds_up_nobody() {
    let door = Door::open(Role::Viewer).await;
    let retain = door.heady.store().write(|transaction| {
        Box::pin(async move {
            let retain = "UPDATE registry_revision SET retained = $1";
            transaction.execute(retain, args![16]).await
        })
    });
    retain.await.unwrap();
    let mut slow = Client::open(&door, "", None).await;
    assert_eq!(slow.next().await.unwrap().id, "0");
    for n in 0..300 {
        put(&door.heady, "A", &n.to_string()).await;
    }
    door.heady.registry().forget_events();
    // It gets what was on its way, then why there is no more, and then the end.
    let error = loop {
        let event = slow.next().await.unwrap();
        if event.name == "error" {
            break event;
        }
    };
    assert_eq!(
        (
            &error.data["code"],
            &error.data["status"],
            &error.data["compacted"]
        ),
        (&json!("FAILED_PRECONDITION"), &json!(410), &json!(true))
    );
    assert_eq!(slow.next().await, None);
}

#[tokio::test]
async fn the_end_of_the_engine_is_the_end_of_its_streams() {
    let door = Door::open(Role::Viewer).await;
    let mut client = Client::open(&door, "", None).await;
    client.next().await.unwrap();
    door.heady.close().await;
    assert_eq!(client.next().await, None);
}

#[tokio::test]
async fn one_stream_too_many_is_refused_and_calls_are_still_answered() {
    let door = Door::open(Role::Viewer).await;
    let mut clients = Vec::new();
    for _ in 0..MAX_STREAMS {
        clients.push(Client::open(&door, "", None).await);
    }
    let refused = door.get("/api/registry/watch").await;
    problem(&refused, 503, "UNAVAILABLE");
    assert_eq!(door.get("/api/nodes").await.status, 200);
    clients.pop();
    Client::open(&door, "", None).await;
}

#[tokio::test]
async fn a_run_is_followed_to_its_end_and_no_further() {
    let door = Door::open(Role::Viewer).await;
    let pipeline = door.heady.pipeline();
    let (finish, finished) = tokio::sync::oneshot::channel();
    let finished = Arc::new(tokio::sync::Mutex::new(Some(finished)));
    let handler = move |_, _| {
        let finished = finished.clone();
        async move {
            let finished = finished.lock().await.take();
            finished.unwrap().await.map_err(|_| Error::internal("left"))
        }
    };
    pipeline.handle("slow", handler).unwrap();
    let start = StartRun {
        definition: Some(
            json!({"pipeline": {"name": "n", "stages": [
                {"id": "one", "parallel": false, "tasks": [
                    {"name": "a", "uses": "files.inventory", "with": {"root": "src"}}, "slow"]},
            ]}})
            .into(),
        ),
        ..StartRun::default()
    };
    let run = pipeline.start(start).await.unwrap();
    let address = format!("/api/pipeline/runs/{}/events", run.run_id);
    let mut client = Client::at(&door, &address, None).await;
    let first = client.next().await.unwrap();
    assert_eq!((first.id.as_str(), first.name.as_str()), ("1", "TASK"));
    assert_eq!(first.data["task"], "a");
    finish.send(Json::NULL).unwrap();
    let mut seen = Vec::new();
    while let Some(event) = client.next().await {
        assert_eq!(event.data["position"], event.id);
        seen.push((event.id, event.name));
    }
    let told = [("2", "TASK"), ("3", "STAGE"), ("3.SUCCEEDED", "RUN")];
    assert_eq!(
        seen,
        told.map(|(id, name)| (id.to_owned(), name.to_owned()))
    );

    let mut again = Client::at(&door, &format!("{address}?stages=none"), Some("2")).await;
    assert_eq!(again.next().await.unwrap().name, "RUN");
    assert_eq!(again.next().await, None);
    let request = Request::get(&address).header("last-event-id", "3.SUCCEEDED");
    assert_eq!(door.send(request, "").await.status, 204);
    let request = Request::get(&address).header("last-event-id", "4");
    problem(&door.send(request, "").await, 400, "INVALID_ARGUMENT");
    let unknown = door.get("/api/pipeline/runs/none/events").await;
    problem(&unknown, 404, "NOT_FOUND");
}

/// Where nothing ever happens.
struct Silence;

impl Source for Silence {
    type Event = String;

    async fn next(&mut self) -> Result<Option<Message<String>>> {
        std::future::pending().await
    }
}

fn stream<S: Source>(source: S, connection: &Connection, places: &Arc<Semaphore>) -> Events<S> {
    connection.stream();
    Events {
        source,
        request: RequestId(HeaderValue::from_static("r")),
        stopping: connection.stopping.clone(),
        heartbeat: Duration::from_millis(1),
        until: Instant::now() + MAX_AGE,
        admission: None,
        look_at: Instant::now() + LOOK,
        _place: places.clone().try_acquire_owned().unwrap(),
    }
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_lives_until_it_ends() {
    let (places, connection) = (Arc::new(Semaphore::new(1)), Connection::default());
    let body = |events: Events<Silence>| events.respond().unwrap().into_body().into_data_stream();
    let left = stream(Silence, &connection, &places);
    assert_eq!(places.available_permits(), 0);
    drop(body(left));
    assert_eq!(places.available_permits(), 1, "its client is gone");

    let mut old = stream(Silence, &connection, &places);
    old.until = Instant::now();
    only_heartbeats(body(old)).await;

    let mut stopped = body(stream(Silence, &connection, &places));
    for _ in 0..3 {
        assert_eq!(stopped.next().await.unwrap().unwrap(), ":\n\n");
    }
    connection.stopping.cancel();
    only_heartbeats(stopped).await;
    assert_eq!(places.available_permits(), 1);
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked() {
    let (places, connection) = (Arc::new(Semaphore::new(1)), Connection::default());
    let heady = Heady::connect("sqlite::memory:").await.unwrap();
    let keys = ApiKeys::of(&heady);
    let options = AddApiKey {
        name: "reader".to_owned(),
        environment: None,
        roles: None,
    };
    let key = keys.add(options).await.unwrap().key;
    let server = Arc::new(Server::new(&heady, Config::default()));
    let admitted = |role| {
        let mut events = stream(Silence, &connection, &places);
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-heady-api-key"),
            HeaderValue::from_str(&key).unwrap(),
        )]);
        let server = server.clone();
        events.admission = Some(Admission {
            server,
            headers,
            role,
        });
        // It would be looked at in a while.
        events.look_at = Instant::now();
        Client::of(events.respond().unwrap())
    };
    let mut client = admitted(Role::Viewer);
    let part = client.body.next().await.unwrap().unwrap();
    assert_eq!(part, ":\n\n", "it was looked at, and lives");
    drop(client);
    keys.revoke("reader").await.unwrap();
    let mut client = admitted(Role::Viewer);
    let end = loop {
        // Heartbeats may come first.
        let part = client.body.next().await.unwrap().unwrap();
        if part != ":\n\n" {
            break String::from_utf8(part.to_vec()).unwrap();
        }
    };
    assert!(end.starts_with("event: error"), "{end}");
    assert!(end.contains("UNAUTHENTICATED"), "{end}");
    assert!(client.body.next().await.is_none());
}

/// Reads to the end.
async fn only_heartbeats(mut body: BodyDataStream) {
    while let Some(part) = body.next().await {
        assert_eq!(part.unwrap(), ":\n\n");
    }
}

/// Where more happens than anybody takes.
struct Flood(Arc<AtomicUsize>);

impl Source for Flood {
    type Event = String;

    async fn next(&mut self) -> Result<Option<Message<String>>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Some(Message {
            id: "1".to_owned(),
            name: "DROP",
            data: Some(Arc::new("x".repeat(64 << 10))),
        }))
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_does_not_hold_up_the_stop() {
    let (places, sent) = (Arc::new(Semaphore::new(1)), Arc::new(AtomicUsize::new(0)));
    let flood = {
        let (places, sent) = (places.clone(), sent.clone());
        async move |Extension(connection): Extension<Connection>| {
            stream(Flood(sent), &connection, &places).respond().unwrap()
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let router = Router::new().route("/", get(flood));
    let server = tokio::spawn(serve(listener, router, async {
        let _ = stopped.await;
    }));
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    client.read_exact(&mut [0; 12]).await.unwrap();
    // Until nothing more fits between the two.
    let mut before = 0;
    while before == 0 || before != sent.load(Ordering::Relaxed) {
        before = sent.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stop.send(()).unwrap();
    // Long before the server gives up what it still has to answer.
    let stopped = tokio::time::timeout(Duration::from_secs(20), server).await;
    stopped.expect("it stops at once").unwrap().unwrap();
    assert_eq!(places.available_permits(), 1);
}
