//! The registry and its audit log: `bench-registry WHAT URL AT_ONCE SECONDS`.
//!
//! | WHAT | what is done |
//! |---|---|
//! | `puts` | conditional puts by `AT_ONCE` writers |
//! | `floor` | bare commits of one row |
//! | `watch` | events that `AT_ONCE` watchers see of one writer |
//! | `append`, `append-signed`, `append-unchained` | audit rows, a change at a time, by `AT_ONCE` callers |
//! | `fill` | appends `AT_ONCE` thousands of audit rows |
//! | `read`, `verify` | all audit rows, over and over |
//!
//! With the URL of a database it is done in process; `puts` and `watch` go over HTTP with that of `heady serve`.

mod door;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use heady_benches::{Measured, each, floor, report};
use heady_core::audit::Bench;
use tokio::task::JoinSet;

use self::door::Door;

#[tokio::main(worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, url, at_once, seconds] = arguments.as_slice() else {
        panic!("bench-registry WHAT URL AT_ONCE SECONDS");
    };
    let at_once: usize = at_once.parse().expect("AT_ONCE is a number");
    let time = Duration::from_secs_f64(seconds.parse().expect("SECONDS is a number"));
    report(match what.as_str() {
        "puts" => puts(url, at_once, time).await,
        "floor" => floor(url, at_once, time).await,
        "watch" => watch(url, at_once, time).await,
        "fill" => fill(url, at_once).await,
        "read" | "verify" => look(what, url, time).await,
        what => append(what, url, at_once, time).await,
    });
}

/// Each writer changes an entry of its own, over and over, on the condition that it is still as it left it.
async fn puts(url: &str, writers: usize, time: Duration) -> Measured {
    let door = Door::open(url).await;
    let begun = Instant::now();
    let measured = each(writers, |number| {
        let door = door.clone();
        async move {
            let mut writer = door.writer(number).await;
            let mut count = 0;
            while begun.elapsed() < time {
                writer.put().await;
                count += 1;
            }
            count
        }
    })
    .await;
    door.close().await;
    measured
}

/// One writer, and many who see each of its changes.
async fn watch(url: &str, watchers: usize, time: Duration) -> Measured {
    let door = Door::open(url).await;
    let mut writer = door.writer(0).await;
    let first = writer.put().await;
    // Read by the watchers once the writer knows it.
    let last = Arc::new(AtomicI64::new(i64::MAX));
    let mut under_way = JoinSet::new();
    for _ in 0..watchers {
        let mut watcher = door.watcher(first).await;
        let last = last.clone();
        under_way.spawn(async move {
            let mut seen = 0;
            loop {
                let revision = watcher.next().await;
                seen += 1;
                assert_eq!(revision, first + seen, "an event was missed");
                if revision == last.load(Ordering::Acquire) {
                    return seen as u64;
                }
            }
        });
    }
    let begun = Instant::now();
    let mut revision = first;
    while begun.elapsed() < time {
        revision = writer.put().await;
    }
    // The last change is known to be the last before anybody can have seen it.
    last.store(revision + 1, Ordering::Release);
    writer.put().await;
    let seen = under_way.join_all().await.into_iter().sum();
    let measured = (seen, begun.elapsed().as_secs_f64());
    door.close().await;
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
