//! Conditional puts and watches of etcd: `bench-etcd puts|watch URL WRITERS|WATCHERS SECONDS`.

mod api;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use self::api::Etcd;

/// As many connections as served etcd best here: more writers share them.
const CONNECTIONS: usize = 8;

/// Watches share streams, as they do in etcd's own clients and benchmark.
const STREAMS: usize = 10;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, many, seconds] = arguments.as_slice() else {
        panic!("bench-etcd puts|watch URL WRITERS|WATCHERS SECONDS");
    };
    let many: usize = many.parse().expect("a number");
    let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    let (done, seconds) = match what.as_str() {
        "puts" => puts(url, many, time).await,
        "watch" => watch(url, many, time).await,
        other => panic!("{other}?"),
    };
    println!("{{\"done\": {done}, \"seconds\": {seconds}}}");
}

/// As long as the document of a service.
fn value(n: i64) -> Vec<u8> {
    format!("{n:>380}").into_bytes()
}

/// Each writer changes an entry of its own, over and over, on the condition that it is still as it left it.
async fn puts(url: &str, writers: usize, time: Duration) -> (u64, f64) {
    let mut connections = Vec::new();
    for _ in 0..writers.min(CONNECTIONS) {
        connections.push(Etcd::connect(url).await);
    }
    let begun = Instant::now();
    let mut under_way = JoinSet::new();
    for n in 0..writers {
        let mut etcd = connections[n % connections.len()].clone();
        under_way.spawn(async move {
            let key = format!("/services/service-{n}");
            let mut version = 0;
            while begun.elapsed() < time {
                etcd.put(&key, version, value(version)).await;
                version += 1;
            }
            version as u64
        });
    }
    let done = under_way.join_all().await.into_iter().sum();
    (done, begun.elapsed().as_secs_f64())
}

/// One writer, and many who see each of its changes.
async fn watch(url: &str, watchers: usize, time: Duration) -> (u64, f64) {
    const KEY: &str = "/services/watched";
    let mut etcd = Etcd::connect(url).await;
    // Read by the watchers once the writer knows it.
    let last = Arc::new(AtomicI64::new(i64::MAX));
    let mut under_way = JoinSet::new();
    for _ in 0..STREAMS {
        let watches = watchers / STREAMS;
        let mut stream = Etcd::connect(url).await.watch(KEY, watches).await;
        let last = last.clone();
        under_way.spawn(async move {
            let (mut seen, mut complete) = (0, 0);
            while complete < watches {
                let answer = stream.message().await.expect("an answer").expect("an open stream");
                for event in answer.events {
                    seen += 1;
                    let revision = event.pair.expect("a put").revision;
                    complete += usize::from(revision == last.load(Ordering::Acquire));
                }
            }
            seen
        });
    }
    let begun = Instant::now();
    let mut version = 0;
    while begun.elapsed() < time {
        etcd.put(KEY, version, value(version)).await;
        version += 1;
    }
    // The last change is known to be the last before anybody can have seen it.
    last.store(version + 2, Ordering::Release);
    let revision = etcd.put(KEY, version, value(version)).await;
    assert_eq!(revision, version + 2, "a new etcd is at revision 1, and nobody else writes");
    let seen: u64 = under_way.join_all().await.into_iter().sum();
    assert_eq!(seen, (version as u64 + 1) * (watchers / STREAMS * STREAMS) as u64, "an event was missed");
    (seen, begun.elapsed().as_secs_f64())
}
