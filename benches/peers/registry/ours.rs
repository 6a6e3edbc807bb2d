//! The registry and its audit log: `bench-registry WHAT URL AT_ONCE SECONDS`.
//!
//! | WHAT | what is done |
//! |---|---|
//! | `puts` | conditional puts by `AT_ONCE` writers, in process or, with an `http` URL, over HTTP |
//! | `floor` | bare commits of one row |
//! | `watch` | events that `AT_ONCE` watchers see of one writer |
//! | `append`, `append-signed`, `append-unchained` | audit rows, a change at a time, by `AT_ONCE` callers |
//! | `fill` | appends `AT_ONCE` thousands of audit rows |
//! | `read`, `verify` | all audit rows, over and over |

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use heady_benches::{Connection, Measured, each, floor, report};
use heady_core::Heady;
use heady_core::audit::Bench;
use heady_core::registry::{PutService, WatchOptions};
use serde_json::json;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, at_once, seconds] = arguments.as_slice() else {
        panic!("bench-registry WHAT URL AT_ONCE SECONDS");
    };
    let at_once: usize = at_once.parse().expect("AT_ONCE is a number");
    let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    report(match what.as_str() {
        "puts" if url.starts_with("http") => puts_over_http(url, at_once, time).await,
        "puts" => puts(url, at_once, time).await,
        "floor" => floor(url, at_once, time).await,
        "watch" => watch(url, at_once, time).await,
        "fill" => fill(url, at_once).await,
        "read" | "verify" => look(what, url, time).await,
        what => append(what, url, at_once, time).await,
    });
}

/// The id of the service that a writer of this process puts: the database may have those of earlier ones.
fn id(writer: usize) -> String {
    format!("service-{}-{writer}", std::process::id())
}

/// The service that a writer puts, on condition of this version, 0 before there is one; different each time, or nothing
/// would be written.
fn service(writer: usize, on: Option<i64>, count: u64) -> PutService {
    PutService {
        id: id(writer),
        name: Some(format!("Service {writer}")),
        base_url: Some("http://localhost:3301".to_owned()),
        metadata: Some(json!({"owner": "team-platform", "release": count}).into()),
        if_version: on.filter(|version| *version > 0),
        if_absent: (on == Some(0)).then_some(true),
        ..PutService::default()
    }
}

/// Each writer changes an entry of its own, over and over, on the condition that it is still as it left it.
async fn puts(url: &str, writers: usize, time: Duration) -> Measured {
    let heady = Heady::connect(url).await.expect("opens");
    let begun = Instant::now();
    let measured = each(writers, |writer| {
        let heady = heady.clone();
        async move {
            let (mut version, mut count) = (0, 0);
            while begun.elapsed() < time {
                let put = heady
                    .registry()
                    .put_service(service(writer, Some(version), count));
                version = put
                    .await
                    .expect("nobody else puts this one")
                    .resource_version;
                count += 1;
            }
            count
        }
    })
    .await;
    heady.close().await;
    measured
}

async fn puts_over_http(url: &str, writers: usize, time: Duration) -> Measured {
    let begun = Instant::now();
    each(writers, |writer| {
        let url = url.to_owned();
        async move {
            let mut connection = Connection::open(&url).await;
            let (mut version, mut count) = (0, 0);
            while begun.elapsed() < time {
                let body =
                    serde_json::to_value(service(writer, Some(version), count)).expect("JSON");
                let answer = connection
                    .put(&format!("/api/services/{}", id(writer)), body)
                    .await;
                version = answer["resourceVersion"].as_i64().expect("a version");
                count += 1;
            }
            count
        }
    })
    .await
}

/// One writer, and many who see each of its changes.
async fn watch(url: &str, watchers: usize, time: Duration) -> Measured {
    let heady = Heady::connect(url).await.expect("opens");
    let first = heady
        .registry()
        .list_services()
        .await
        .expect("lists")
        .revision;
    // Read by the watchers once the writer knows it.
    let last = Arc::new(AtomicI64::new(i64::MAX));
    let mut under_way = tokio::task::JoinSet::new();
    for _ in 0..watchers {
        let mut watch = heady
            .registry()
            .watch(WatchOptions::default())
            .await
            .expect("watches");
        let last = last.clone();
        under_way.spawn(async move {
            let mut seen = 0;
            loop {
                let event = watch
                    .next()
                    .await
                    .expect("an event")
                    .expect("an open engine");
                seen += 1;
                assert_eq!(event.revision, first + seen, "an event was missed");
                if event.revision == last.load(Ordering::Acquire) {
                    return seen as u64;
                }
            }
        });
    }
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        let put = heady.registry().put_service(service(0, None, count));
        put.await.expect("puts");
        count += 1;
    }
    // The last change is known to be the last before anybody can have seen it.
    last.store(first + count as i64 + 1, Ordering::Release);
    heady
        .registry()
        .put_service(service(0, None, count))
        .await
        .expect("puts");
    let seen = under_way.join_all().await.into_iter().sum();
    let measured = (seen, begun.elapsed().as_secs_f64());
    heady.close().await;
    measured
}

/// Changes of one audit row each.
async fn append(what: &str, url: &str, at_once: usize, time: Duration) -> Measured {
    let log = Bench::open(url).await.expect("opens");
    let chained = match what {
        "append" => true,
        "append-signed" => {
            log.start_signing();
            true
        }
        "append-unchained" => false,
        other => panic!("{other}?"),
    };
    let begun = Instant::now();
    let measured = each(at_once, |_| {
        let log = log.clone();
        async move {
            let mut count = 0;
            while begun.elapsed() < time {
                let appended = if chained {
                    log.append(1).await
                } else {
                    log.append_unchained(1).await
                };
                appended.expect("is written");
                count += 1;
            }
            count
        }
    })
    .await;
    log.close().await;
    measured
}

async fn fill(url: &str, thousands: usize) -> Measured {
    let log = Bench::open(url).await.expect("opens");
    let begun = Instant::now();
    for _ in 0..thousands {
        log.append(1000).await.expect("is written");
    }
    let measured = (1000 * thousands as u64, begun.elapsed().as_secs_f64());
    log.close().await;
    measured
}

async fn look(what: &str, url: &str, time: Duration) -> Measured {
    let log = Bench::open(url).await.expect("opens");
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < time {
        rows += if what == "read" {
            log.read().await
        } else {
            log.verify().await
        }
        .expect("a whole log");
    }
    (rows, begun.elapsed().as_secs_f64())
}
