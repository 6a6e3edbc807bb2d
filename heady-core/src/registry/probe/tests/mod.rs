//! Whole probers against servers of our own, on both databases.

mod asking;
mod clocks;
mod handover;
mod outage;
mod reports;
mod sharing;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::record::{Observation, Recorded, Weight, record};
use super::streak::{Streak, Thresholds};
use super::*;
use crate::ErrorKind;
use crate::audit::{Audit, AuditQuery};
use crate::registry::tests::{of, registry};
use crate::registry::{
    DeleteEntry, HealthStatus, RegisterService, Registry, RegistryWatch, UpdateService,
    WatchOptions,
};
use crate::store::args;
use crate::store::testing::{Fresh, on_both_databases};
use crate::types::{Timestamp, now};

on_both_databases!(
    a_prober_follows_a_service,
    a_flapping_service_keeps_its_status,
);

/// Fast, so that tests are.
const FAST: Pace = Pace {
    lease: Duration::from_millis(1500),
    tick: Duration::from_millis(30),
};

const LEASE: Duration = PACE.lease;

/// A server whose answers a test sets, and which sees who is asked twice at once.
struct Server {
    base: String,
    /// The status to answer with; 0 for none.
    status: AtomicU16,
    asked: Mutex<HashMap<String, usize>>,
    under_way: Mutex<HashSet<String>>,
    twice: AtomicUsize,
    answers: Mutex<Vec<Timestamp>>,
}

impl Server {
    async fn start() -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Arc::new(Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            status: AtomicU16::new(200),
            asked: Mutex::default(),
            under_way: Mutex::default(),
            twice: AtomicUsize::new(0),
            answers: Mutex::default(),
        });
        let serving = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let serving = serving.clone();
                tokio::spawn(async move { serving.answer(stream).await });
            }
        });
        server
    }

    async fn answer(&self, mut stream: TcpStream) {
        let mut request = vec![0; 2048];
        let count = stream.read(&mut request).await.unwrap_or_default();
        let request = String::from_utf8_lossy(&request[..count]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        *self.asked.lock().unwrap().entry(path.clone()).or_default() += 1;
        if !self.under_way.lock().unwrap().insert(path.clone()) {
            self.twice.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        self.under_way.lock().unwrap().remove(&path);
        let status = self.status.load(Ordering::Relaxed);
        if status == 200 {
            self.answers.lock().unwrap().push(now());
        }
        if status > 0 {
            let answer =
                format!("HTTP/1.1 {status} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    }

    fn set(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    fn times_asked(&self, path: &str) -> usize {
        self.asked
            .lock()
            .unwrap()
            .get(path)
            .copied()
            .unwrap_or_default()
    }
}

/// A service that is probed as often as can be.
fn service(id: &str, base_url: &str) -> RegisterService {
    RegisterService {
        id: id.into(),
        base_url: Some(base_url.into()),
        health_path: Some(format!("/{id}")),
        probe_interval_ms: Some(100),
        healthy_threshold: Some(2),
        unhealthy_threshold: Some(3),
        ..RegisterService::default()
    }
}

/// A registry with a service `api`, and the server that this is.
async fn with_api(store: &Store) -> (Registry, Arc<Server>) {
    let (registry, server) = (registry(store), Server::start().await);
    let api = service("api", &server.base);
    registry.register_service(api).await.unwrap();
    (registry, server)
}

/// Waits until this holds; it never holding is a failure.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    waited.unwrap_or_else(|_| panic!("{what} within a minute"));
}

async fn until_status(registry: &Registry, id: &str, status: HealthStatus) {
    until(&format!("{id} becomes {status}"), async || {
        registry.get_service(id).await.unwrap().status == status
    })
    .await;
}

async fn from_the_beginning(registry: &Registry) -> RegistryWatch {
    let options = WatchOptions {
        since: Some(0),
        ..WatchOptions::default()
    };
    registry.watch(options).await.unwrap()
}

/// What the log says of a service's status, change by change.
async fn statuses(registry: &Registry, id: &str) -> Vec<HealthStatus> {
    let newest = registry.list_services().await.unwrap().revision;
    let mut watch = from_the_beginning(registry).await;
    let mut statuses = Vec::new();
    while watch.revision() < newest {
        let event = watch.next().await.unwrap().unwrap();
        if event.id.as_ref().is_some_and(|other| other.as_str() == id) {
            let status = event.object.as_ref().unwrap()["status"].as_str().unwrap();
            statuses.push(HealthStatus::from_word(status).unwrap());
        }
    }
    statuses
}

async fn prober_of(store: &Store, id: &str) -> Option<(Id, i64)> {
    let text = "SELECT prober, fence FROM service_probes WHERE service_id = $1";
    let row = store.fetch_optional(text, args![id]).await.unwrap()?;
    let prober: Option<Id> = row.get("prober").unwrap();
    Some((prober?, row.get("fence").unwrap()))
}

/// A new service that this prober takes, and the fence.
async fn claimed(store: &Store, registry: &Registry, prober: &Id, id: &str) -> (Service, i64) {
    let service = registry
        .register_service(service(id, "http://127.0.0.1:1"))
        .await
        .unwrap();
    queries::claim(store, prober, LEASE, 10).await.unwrap();
    let (holder, fence) = prober_of(store, id).await.unwrap();
    assert_eq!(&holder, prober);
    (service, fence)
}

async fn a_prober_follows_a_service(fresh: Fresh) {
    use HealthStatus::{Healthy, Unhealthy, Unknown};
    let store = fresh.open().await;
    let (registry, server) = (registry(&store), Server::start().await);
    let declared = registry
        .register_service(service("api", &server.base))
        .await
        .unwrap();
    registry
        .register_service(service("nowhere", ""))
        .await
        .unwrap();
    registry.prober.start_at(FAST);
    until_status(&registry, "api", Healthy).await;
    until("some more probes", async || server.times_asked("/api") > 5).await;
    let healthy = registry.get_service("api").await.unwrap();
    let seen = healthy.last_probe.clone().unwrap();
    assert_eq!(
        (seen.status, seen.reason, seen.consecutive_failures),
        (Healthy, None, 0)
    );
    assert!(seen.latency_ms.unwrap() > 0.0 && seen.consecutive_successes >= 2);
    assert_eq!(healthy.resource_version, declared.resource_version);

    // The reader beside the prober sees each answer, though few are written.
    let before = server.answers.lock().unwrap().len();
    until("three answers more", async || {
        server.answers.lock().unwrap().len() >= before + 3
    })
    .await;
    let answered = server.answers.lock().unwrap()[before + 1];
    let last = registry
        .get_service("api")
        .await
        .unwrap()
        .last_healthy_at
        .unwrap();
    assert!(
        last >= answered && last <= now(),
        "{last} is not after {answered}"
    );
    let listed = registry.list_services().await.unwrap().services;
    assert!(listed[0].last_healthy_at.unwrap() >= last);

    server.set(0);
    until_status(&registry, "api", Unhealthy).await;
    let down = registry.get_service("api").await.unwrap();
    let seen = down.last_probe.unwrap();
    assert!(seen.consecutive_failures >= 3 && seen.latency_ms.is_none());
    assert!(down.status_reason.unwrap().starts_with(&server.base));
    assert!(down.last_healthy_at.unwrap() < down.status_changed_at.unwrap());
    server.set(200);
    until_status(&registry, "api", Healthy).await;
    registry.close().await;
    assert_eq!(
        statuses(&self::registry(&store), "api").await,
        [Unknown, Healthy, Unhealthy, Healthy]
    );
    assert_eq!(server.times_asked("/nowhere"), 0);
    assert_eq!(
        registry.get_service("nowhere").await.unwrap().status,
        Unknown
    );
    // Nobody asked for these changes, so nobody stands for them in the audit log.
    let entries = Audit::new(store)
        .list(AuditQuery::default())
        .await
        .unwrap()
        .entries;
    assert_eq!(entries.len(), 2);
}

async fn a_flapping_service_keeps_its_status(fresh: Fresh) {
    let store = fresh.open().await;
    let (registry, server) = with_api(&store).await;
    registry.prober.start_at(FAST);
    until_status(&registry, "api", HealthStatus::Healthy).await;
    for round in 0..5 {
        let asked = server.times_asked("/api");
        server.set(503);
        until("one bad answer", async || {
            server.times_asked("/api") > asked
        })
        .await;
        server.set(200);
        until("two good answers", async || {
            let last = registry
                .get_service("api")
                .await
                .unwrap()
                .last_probe
                .unwrap();
            server.times_asked("/api") > asked + 2 && last.consecutive_successes >= 2
        })
        .await;
        let status = registry.get_service("api").await.unwrap().status;
        assert_eq!(status, HealthStatus::Healthy, "in round {round}");
    }
    registry.close().await;
}
