//! The engine's own API while a run lasts: read only, on a free port of loopback, as the service `heady`.

use heady_core::registry::{DeleteEntry, RegisterService, UpdateService};
use heady_core::{ErrorKind, Heady, Result, http};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const SERVICE: &str = "heady";

/// The API of one run.
pub(crate) struct Api {
    pub(crate) address: String,
    /// Whether the service in the registry is this API.
    registered: bool,
    stop: oneshot::Sender<()>,
    server: JoinHandle<Result<()>>,
}

impl Api {
    /// Begins to serve and registers the service, unless the registry has another one of that name.
    pub(crate) async fn open(heady: &Heady) -> Result<Self> {
        let failed = |error: std::io::Error| {
            heady_core::Error::unavailable(format!("no port of loopback is free: {error}"))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = format!("http://{}", listener.local_addr().map_err(failed)?);
        let (stop, stopped) = oneshot::channel();
        let router = http::read_only(heady);
        let server = tokio::spawn(http::serve(listener, router, async {
            let _ = stopped.await;
        }));
        let registered = register(heady, &address).await?;
        Ok(Self {
            address,
            registered,
            stop,
            server,
        })
    }

    /// Takes the service out of the registry and stops.
    pub(crate) async fn close(self, heady: &Heady) -> Result<()> {
        if self.registered {
            let service = heady.registry().get_service(SERVICE).await;
            // Another run of the same database may have put its own API in this place meanwhile.
            if service.is_ok_and(|service| service.base_url == self.address) {
                heady
                    .registry()
                    .delete_service(DeleteEntry {
                        id: SERVICE.to_owned(),
                        if_version: None,
                    })
                    .await?;
            }
        }
        let _ = self.stop.send(());
        // A client that keeps its connection open must not keep the command from ending.
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.server).await;
        Ok(())
    }
}

async fn register(heady: &Heady, address: &str) -> Result<bool> {
    let ours = json!({"engine": true, "description": "The API of a run that is under way"});
    let service = RegisterService {
        id: SERVICE.to_owned(),
        name: Some("Heady engine".to_owned()),
        base_url: Some(address.to_owned()),
        metadata: Some(ours.clone().into()),
        ..RegisterService::default()
    };
    match heady.registry().register_service(service).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let present = heady.registry().get_service(SERVICE).await?;
            if present.metadata.0 != ours {
                return Ok(false);
            }
            // Left behind by a run that was killed.
            let update = UpdateService {
                id: SERVICE.to_owned(),
                base_url: Some(address.to_owned()),
                ..UpdateService::default()
            };
            heady.registry().update_service(update).await.map(|_| true)
        }
        Err(error) => Err(error),
    }
}
