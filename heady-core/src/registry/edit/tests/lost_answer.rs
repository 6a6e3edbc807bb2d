//! Commits that succeed without anybody hearing of it: PostgreSQL behind a connection that breaks at that moment.
//!
//! What commits is COMMIT, or a statement by itself: one that writes has an audit row.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::super::super::tests::registry;
use super::super::super::{DeleteEntry, PatchEntry, PutService, Registry};
use crate::outbound::Url;
use crate::store::testing::Fresh;
use crate::store::{Durability, Store, args};

/// A way to the server on which the answer to every commit can be lost, and the connection with it.
struct Way {
    url: String,
    losses: Arc<Losses>,
}

#[derive(Default)]
struct Losses {
    begun: AtomicBool,
    /// How many answers to COMMIT were lost, and how many to statements.
    commits: AtomicUsize,
    statements: AtomicUsize,
}

impl Way {
    async fn to(url: &str) -> Self {
        let mut url: Url = url.parse().unwrap();
        let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap();
        url.set_ip_host(here.ip()).unwrap();
        url.set_port(Some(here.port())).unwrap();
        let losses = Arc::new(Losses::default());
        let way = Self {
            url: url.into(),
            losses: losses.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(pass(client, server, losses.clone()));
            }
        });
        way
    }
}

async fn pass(client: TcpStream, server: TcpStream, losses: Arc<Losses>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let committing = AtomicBool::new(false);
    let in_transaction = AtomicBool::new(false);
    let there = copy(from_client, to_server, |sent| {
        let says = |word: &[u8]| sent.windows(word.len()).any(|part| part == word);
        let lost = if says(b"COMMIT") {
            in_transaction.store(false, Ordering::SeqCst);
            Some(&losses.commits)
        } else if says(b"ROLLBACK") {
            in_transaction.store(false, Ordering::SeqCst);
            None
        } else if says(b"BEGIN") {
            in_transaction.store(true, Ordering::SeqCst);
            None
        } else if says(b"CONFIG_CHANGE") && !in_transaction.load(Ordering::SeqCst) {
            Some(&losses.statements)
        } else {
            None
        };
        if let Some(lost) = lost
            && losses.begun.load(Ordering::SeqCst)
        {
            lost.fetch_add(1, Ordering::SeqCst);
            committing.store(true, Ordering::SeqCst);
        }
        true
    });
    // An answer after that means that the commit is done.
    let back = copy(from_server, to_client, |_| {
        !committing.load(Ordering::SeqCst)
    });
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, passes: impl Fn(&[u8]) -> bool) {
    let mut part = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut part).await {
        if !passes(&part[..length]) || to.write_all(&part[..length]).await.is_err() {
            return;
        }
    }
}

fn put(id: &str, name: usize) -> PutService {
    PutService {
        id: id.into(),
        name: Some(name.to_string()),
        ..PutService::default()
    }
}

/// Puts, patches and deletes an entry, each step on condition of what the one before it was told.
async fn change(registry: Registry, id: &'static str) {
    for n in 0..3 {
        let new = PutService {
            if_absent: Some(true),
            ..put(id, n)
        };
        let old = registry.put_service(new).await.unwrap();
        let other = PutService {
            if_version: Some(old.resource_version),
            ..put(id, n + 1)
        };
        let old = registry.put_service(other).await.unwrap();
        let patch = PatchEntry {
            id: id.into(),
            patch: serde_json::json!({"metadata": {"n": n}}).into(),
            if_version: Some(old.resource_version),
        };
        let old = registry.patch_service(patch).await.unwrap();
        assert_eq!(old.metadata["n"], n);
        let delete = DeleteEntry {
            id: id.into(),
            if_version: Some(old.resource_version),
        };
        assert_eq!(registry.delete_service(delete).await.unwrap(), old);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_loses_against_itself_when_its_answer_is_lost() {
    let fresh = Fresh::postgres().await;
    let way = Way::to(&fresh.url).await;
    let store = Store::connect(&way.url, Durability::Process).await.unwrap();
    let registry = registry(&store);
    way.losses.begun.store(true, Ordering::SeqCst);
    // Alone, and in company.
    change(registry.clone(), "alone").await;
    let many: Vec<_> = ["a", "b", "c", "d", "e"]
        .map(|id| tokio::spawn(change(registry.clone(), id)))
        .into();
    for one in many {
        one.await.unwrap();
    }
    for lost in [&way.losses.commits, &way.losses.statements] {
        assert!(lost.load(Ordering::SeqCst) > 3);
    }
    way.losses.begun.store(false, Ordering::SeqCst);
    let changes = 6 * 3 * 4;
    assert_eq!(registry.list_services().await.unwrap().revision, changes);
    let rows = "SELECT count(*) AS rows FROM audit_logs WHERE action = $1";
    let rows = store.fetch_all(rows, args!["CONFIG_CHANGE"]).await.unwrap();
    assert_eq!(rows[0].get::<i64>("rows").unwrap(), changes);
}
