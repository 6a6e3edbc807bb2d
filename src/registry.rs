//! `heady registry`: what is registered, what changes, and in what it differs from what should be.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use heady_core::registry::{
    self, DetectDrift, DriftQuery, EntryKind, HealthStatus, Node, ProbeOptions, RegistryEvent,
    RegistryWatch, Service, WatchOptions, Workflow,
};
use heady_core::{Error, Heady, Json, Result, Timestamp, report};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::output::{self, exit, fitting, line, note, readable, result, told};
use crate::run::interrupted;
use crate::{Common, Rights};

#[derive(Args)]
pub(crate) struct Registry {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List what is registered: services, nodes or workflows, or all of them
    List {
        /// Only these
        kind: Option<Kind>,
    },
    /// Show one entry
    Get {
        /// What it is
        kind: Kind,
        /// Its id
        id: String,
    },
    /// Print every change as it happens, one a line; with --json, each as one JSON object
    Watch(Watch),
    /// Ask services for their health now, which fails unless all are healthy
    Probe(Probe),
    /// Compare the registry with its file, with what answers and with what is deployed; differences are no failure
    Drift(Drift),
}

/// A kind of entry: `services` or `service`.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    #[value(alias = "service")]
    Services,
    #[value(alias = "node")]
    Nodes,
    #[value(alias = "workflow")]
    Workflows,
}

#[derive(Args)]
struct Watch {
    /// Begin with the changes after this revision, as a list or an earlier change names it; with the next change if left
    /// out
    #[arg(long, value_name = "REVISION", allow_negative_numbers = true)]
    since: Option<i64>,
    /// When the change of that revision was, as it said itself: in a registry that was put back from a backup it may be
    /// another one, and this finds out
    #[arg(long, value_name = "TIME", requires = "since")]
    since_at: Option<Timestamp>,
    /// Only entries of this kind (repeatable)
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<Kind>,
    /// Only this entry (repeatable)
    #[arg(long = "id", value_name = "ID")]
    ids: Vec<String>,
}

#[derive(Args)]
struct Probe {
    /// The services to ask; all that have a base URL if left out
    #[arg(value_name = "ID")]
    services: Vec<String>,
    /// How long one answer may take, instead of the service's own setting
    #[arg(long, value_name = "MILLISECONDS", allow_negative_numbers = true)]
    timeout: Option<i64>,
    /// Allow answers that redirect to a host, or host:port, besides loopback and the service's own (repeatable)
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
}

#[derive(Args)]
struct Drift {
    /// The registry file to compare with, instead of the one imported last
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A deploy manifest to compare with: a Compose file, a list of PM2 apps or a registry; '' forgets the last one
    // A path would have to have a name.
    #[arg(long, value_name = "FILE", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    manifest: Option<PathBuf>,
    /// Do not ask the services for their health
    #[arg(long)]
    offline: bool,
    /// Allow answers that redirect to a host, or host:port, besides loopback and the service's own (repeatable)
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Only show what was found last, and look at nothing
    #[arg(long, conflicts_with_all = ["file", "manifest", "offline", "hosts"])]
    last: bool,
}

impl Registry {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let (heady, action) = match self.action.unwrap_or(Action::List { kind: None }) {
            Action::Probe(probe) => return probe.execute(common).await,
            Action::Drift(drift) => return drift.execute(common).await,
            action => (common.open_existing(None).await?, action),
        };
        let done = match action {
            Action::List { kind } => list(common, &heady, kind).await,
            Action::Get { kind, id } => get(common, &heady, kind, &id).await,
            Action::Watch(watch) => watch.execute(common, &heady).await,
            Action::Probe(_) | Action::Drift(_) => Ok(ExitCode::SUCCESS),
        };
        heady.close().await;
        done
    }
}

/// All that is registered.
#[derive(Serialize)]
struct Everything {
    services: Vec<Service>,
    nodes: Vec<Node>,
    workflows: Vec<Workflow>,
    /// The revision to watch from: nothing here is older.
    revision: i64,
    /// What is there as well and cannot be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Json>,
}

async fn list(common: &Common, heady: &Heady, kind: Option<Kind>) -> Result<ExitCode> {
    let registry = heady.registry();
    match kind {
        Some(Kind::Services) => {
            print_list(common, registry.list_services().await, report::services)
        }
        Some(Kind::Nodes) => print_list(common, registry.list_nodes().await, report::nodes),
        Some(Kind::Workflows) => {
            print_list(common, registry.list_workflows().await, report::workflows)
        }
        None => list_all(common, heady).await,
    }
}

/// Prints a list with what of it cannot be read.
fn print_list<L: Serialize + DeserializeOwned>(
    common: &Common,
    listed: Result<L>,
    text: impl FnOnce(&L) -> String,
) -> Result<ExitCode> {
    let (list, unreadable) = readable(listed)?;
    match unreadable.as_ref().and_then(Error::details) {
        Some(details) if common.json => result(common, details, |_| String::new())?,
        _ => result(common, &list, text)?,
    }
    Ok(told(unreadable))
}

async fn list_all(common: &Common, heady: &Heady) -> Result<ExitCode> {
    let registry = heady.registry();
    let (services, of_services) = readable(registry.list_services().await)?;
    let (nodes, of_nodes) = readable(registry.list_nodes().await)?;
    let (workflows, of_workflows) = readable(registry.list_workflows().await)?;
    let unreadable: Vec<Error> = [of_services, of_nodes, of_workflows]
        .into_iter()
        .flatten()
        .collect();
    let mut text = fitting(|| {
        [
            report::services(&services),
            report::nodes(&nodes),
            report::workflows(&workflows),
        ]
        .join("\n")
    });
    if services.services.is_empty()
        && nodes.nodes.is_empty()
        && workflows.workflows.is_empty()
        && unreadable.is_empty()
    {
        text.push('\n');
        text += &match report::other_sections(&registry.export().await?) {
            others if others.is_empty() => {
                "Nothing is registered here yet: heady import FILE imports a registry.\n".to_owned()
            }
            others => others,
        };
    }
    let named = unreadable.iter().filter_map(|error| {
        let named = error.details()?.get("unreadable")?.as_array()?;
        Some(named.iter().cloned().map(Json::from))
    });
    let everything = Everything {
        revision: services.revision,
        services: services.services,
        nodes: nodes.nodes,
        workflows: workflows.workflows,
        unreadable: named.flatten().collect(),
    };
    result(common, &everything, |_| text)?;
    Ok(told(unreadable))
}

async fn get(common: &Common, heady: &Heady, kind: Kind, id: &str) -> Result<ExitCode> {
    let registry = heady.registry();
    match kind {
        Kind::Services => result(common, &registry.get_service(id).await?, report::service)?,
        Kind::Nodes => result(common, &registry.get_node(id).await?, report::node)?,
        Kind::Workflows => result(common, &registry.get_workflow(id).await?, report::workflow)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Kind {
    fn entry(self) -> EntryKind {
        match self {
            Self::Services => EntryKind::Service,
            Self::Nodes => EntryKind::Node,
            Self::Workflows => EntryKind::Workflow,
        }
    }
}

impl Watch {
    async fn execute(self, common: &Common, heady: &Heady) -> Result<ExitCode> {
        let all_if_empty = |kinds: Vec<EntryKind>| (!kinds.is_empty()).then_some(kinds);
        let options = WatchOptions {
            since: self.since,
            since_at: self.since_at,
            kinds: all_if_empty(self.kinds.into_iter().map(Kind::entry).collect()),
            ids: (!self.ids.is_empty()).then_some(self.ids),
            bookmarks: None,
        };
        let mut watch = heady.registry().watch(options).await?;
        note(&format!(
            "watching from revision {}; Ctrl-C ends it",
            watch.revision()
        ));
        tokio::select! {
            code = print(common, &mut watch) => code,
            () = interrupted() => Ok(ExitCode::from(130)),
            () = output::unread() => Ok(ExitCode::SUCCESS),
        }
    }
}

async fn print(common: &Common, watch: &mut RegistryWatch) -> Result<ExitCode> {
    loop {
        let event = match watch.next().await {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(ExitCode::SUCCESS),
            Err(error) => {
                output::error(common, &error);
                return Ok(ExitCode::FAILURE);
            }
        };
        if !line(&drawn(common, &event)?)? {
            return Ok(ExitCode::SUCCESS);
        }
    }
}

fn drawn(common: &Common, event: &RegistryEvent) -> Result<String> {
    if common.json {
        Ok(serde_json::to_string(event)?)
    } else {
        Ok(report::change(event))
    }
}

impl Probe {
    async fn execute(self, common: &Common) -> Result<ExitCode> {
        let rights = Rights {
            programs: Vec::new(),
            hosts: self.hosts,
        };
        let heady = common.open_existing(Some(rights)).await?;
        let by_name = !self.services.is_empty();
        let options = ProbeOptions {
            services: by_name.then_some(self.services),
            timeout_ms: self.timeout,
        };
        let found = heady.registry().probe(options).await;
        heady.close().await;
        let found = found?;
        result(common, &found, report::probe)?;
        // Where nobody was asked, nobody is known to be healthy.
        let asked = |probe: &registry::Probe| probe.status != HealthStatus::Unknown;
        Ok(exit(
            found.probes.iter().any(asked) && found.ill(by_name).next().is_none(),
        ))
    }
}

impl Drift {
    async fn execute(self, common: &Common) -> Result<ExitCode> {
        let rights = Rights {
            programs: Vec::new(),
            hosts: self.hosts,
        };
        let heady = common.open_existing(Some(rights)).await?;
        let found = if self.last {
            heady.registry().list_drift(DriftQuery::default()).await
        } else {
            let options = DetectDrift {
                path: self.file.map(|file| file.display().to_string()),
                manifest: self.manifest.map(|manifest| manifest.display().to_string()),
                live: Some(!self.offline),
                ..DetectDrift::default()
            };
            heady.registry().detect_drift(options).await
        };
        heady.close().await;
        let found = found?;
        result(common, &found, report::drift)?;
        // Drift is a finding; a source that could not be looked at is a failure.
        Ok(exit(
            found.sources.iter().all(|source| source.error.is_none()),
        ))
    }
}
