//! The registry in this process or in a server: who writes and who watches asks both in the same way.

use std::sync::Arc;

use heady_benches::{Connection, Events};
use heady_core::Heady;
use heady_core::registry::{PutService, RegistryWatch, WatchOptions};
use serde_json::json;

/// A way to a registry.
#[derive(Clone)]
pub(crate) enum Door {
    Here(Heady),
    There(Arc<str>),
}

impl Door {
    pub(crate) async fn open(url: &str) -> Self {
        if url.starts_with("http") {
            return Self::There(url.into());
        }
        Self::Here(Heady::connect(url).await.expect("opens"))
    }

    pub(crate) async fn writer(&self, number: usize) -> Writer {
        Writer {
            way: match self {
                Self::Here(heady) => Way::Here(heady.clone()),
                Self::There(url) => Way::There(Connection::open(url).await),
            },
            // Where a database is measured more than once, each time has services of its own.
            id: format!("service-{}-{number}", std::process::id()),
            version: None,
            count: 0,
        }
    }

    /// One that sees every change after a revision.
    pub(crate) async fn watcher(&self, since: i64) -> Watcher {
        match self {
            Self::Here(heady) => {
                let options = WatchOptions {
                    since: Some(since),
                    ..WatchOptions::default()
                };
                Watcher::Here(heady.registry().watch(options).await.expect("watches"))
            }
            Self::There(url) => {
                let path = format!("/api/registry/watch?since={since}");
                Watcher::There(Connection::open(url).await.events(&path).await)
            }
        }
    }

    pub(crate) async fn close(self) {
        if let Self::Here(heady) = self {
            heady.close().await;
        }
    }
}

enum Way {
    Here(Heady),
    There(Connection),
}

/// One that puts a service of its own, over and over.
pub(crate) struct Writer {
    way: Way,
    id: String,
    version: Option<i64>,
    count: u64,
}

impl Writer {
    /// Puts it as it never was before, on the condition that it is still as it was left. Returns the revision.
    pub(crate) async fn put(&mut self) -> i64 {
        self.count += 1;
        // It has no address, or `heady serve` would look at its health.
        let service = PutService {
            id: self.id.clone(),
            name: Some("Billing, as the platform team runs it".to_owned()),
            metadata: Some(json!({"owner": "team-platform", "release": self.count}).into()),
            if_version: self.version,
            if_absent: self.version.is_none().then_some(true),
            ..PutService::default()
        };
        let version = match &mut self.way {
            Way::Here(heady) => {
                let put = heady.registry().put_service(service).await;
                put.expect("nobody else puts this one").resource_version
            }
            Way::There(connection) => {
                let path = format!("/api/services/{}", self.id);
                let object = serde_json::to_value(service).expect("JSON");
                connection.put(&path, object).await["resourceVersion"]
                    .as_i64()
                    .expect("a version")
            }
        };
        self.version = Some(version);
        version
    }
}

/// One that sees changes.
pub(crate) enum Watcher {
    Here(RegistryWatch),
    There(Events),
}

impl Watcher {
    /// The revision of the next change.
    pub(crate) async fn next(&mut self) -> i64 {
        match self {
            Self::Here(watch) => {
                watch
                    .next()
                    .await
                    .expect("a change")
                    .expect("an open engine")
                    .revision
            }
            Self::There(events) => events.next().await,
        }
    }
}
