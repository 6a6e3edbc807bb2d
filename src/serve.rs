//! `heady serve`: the engine over HTTP.

use std::io;
use std::process::ExitCode;

use clap::Args;
use heady_core::http::{self, ApiKeys, Config};
use heady_core::{Error, Heady, Result, StartOptions};
use serde_json::json;
use tokio::net::TcpListener;

use crate::output::{note, result};
use crate::run::interrupted;
use crate::{Common, Rights};

#[derive(Args)]
pub(crate) struct Serve {
    /// Where to listen; other addresses than those of loopback need an API key first
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:3301")]
    listen: String,
    /// The environment of this server: API keys of another one are refused
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,
    /// A host name under which a server on loopback is called besides those of loopback (repeatable)
    #[arg(long = "host", value_name = "NAME")]
    names: Vec<String>,
    /// Do not take over runs whose worker is gone
    #[arg(long)]
    no_workers: bool,
    /// Do not probe the services of the registry
    #[arg(long)]
    no_probes: bool,
    #[command(flatten)]
    rights: Rights,
}

impl Serve {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let heady = common.open(Some(self.rights)).await?;
        let start = StartOptions {
            workers: Some(!self.no_workers),
            probes: Some(!self.no_probes),
        };
        let (environment, names) = (self.environment, self.names);
        let served = serve(common, &heady, &self.listen, environment, names, start).await;
        heady.close().await;
        served.map(|()| ExitCode::SUCCESS)
    }
}

async fn serve(
    common: &Common,
    heady: &Heady,
    listen: &str,
    environment: Option<String>,
    more: Vec<String>,
    start: StartOptions,
) -> Result<()> {
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| refused(listen, error))?;
    let address = listener
        .local_addr()
        .map_err(|error| refused(listen, error))?;
    let mut config = if address.ip().is_loopback() {
        Config::local()
    } else {
        let keys = ApiKeys::of(heady).list().await?.keys;
        if keys.iter().all(|key| key.revoked_at.is_some()) {
            return Err(Error::failed_precondition(format!(
                "{address} can be reached from elsewhere, and there is no API key: make one with 'heady keys add NAME', \
                 or listen on loopback"
            )));
        }
        Config::default()
    };
    config.environment = environment;
    if let Some(names) = &mut config.hosts {
        names.extend(more);
    }
    let router = http::router(heady, config);
    heady.start(start)?;
    let place = json!({"address": format!("http://{address}")});
    result(common, &place, |_| format!("http://{address}\n"))?;
    http::serve(listener, router, async {
        interrupted().await;
        note("stopping; requests under way are answered first");
    })
    .await
}

fn refused(listen: &str, error: io::Error) -> Error {
    let message = format!("cannot listen on '{listen}': {error}");
    match error.kind() {
        io::ErrorKind::InvalidInput => Error::invalid_argument(message),
        io::ErrorKind::AddrInUse => Error::failed_precondition(message),
        io::ErrorKind::PermissionDenied => Error::permission_denied(message),
        _ => Error::unavailable(message),
    }
    .caused_by(error)
}
