//! The `heady` command: the engine at a terminal. It only translates; everything it does is `heady-core`'s.
//!
//! Results go to stdout, progress and errors to stderr. Exit code 0: what was asked for succeeded; 1: it ran and
//! failed; 2: it could not be done as asked; 130: interrupted.

mod api;
mod audit;
mod import;
mod keys;
mod openapi;
mod output;
mod progress;
mod registry;
mod resume;
mod run;
mod runs;
mod serve;
mod simulate;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use heady_core::{EngineOptions, Error, ErrorKind, Heady, Result};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

/// The Heady engine: registry, durable pipelines and Monte Carlo over SQLite or PostgreSQL.
#[derive(Parser)]
#[command(name = "heady", version, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every subcommand takes.
#[derive(Args)]
struct Common {
    /// The database: `sqlite:FILE`, `sqlite::memory:` or `postgres://USER@HOST/NAME`
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "HEADY_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:heady.db"
    )]
    database: String,
    /// The file of the key that signs the audit log, created if it is missing; `FILE-audit-key` beside a SQLite database
    #[arg(long, global = true, value_name = "FILE", env = "HEADY_AUDIT_KEY")]
    audit_key: Option<String>,
    /// Print the result as one JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run a pipeline: a definition file, or a registered workflow
    Run(run::Run),
    /// Continue a run after a crash, a pause or a failure
    Resume(resume::Resume),
    /// List runs, show one or cancel one
    Runs(runs::Runs),
    /// Import a registry file
    Import(import::Import),
    /// Print the registry as the document that `import` reads
    Export,
    /// Look into the registry
    Registry(registry::Registry),
    /// Simulate a plan
    Simulate(simulate::Simulate),
    /// List, verify, export and sign the audit log
    Audit(audit::Audit),
    /// Serve the engine over HTTP
    Serve(serve::Serve),
    /// Make, list and revoke API keys
    Keys(keys::Keys),
    /// Print the OpenAPI document of `serve`
    Openapi,
}

/// What the operator allows pipelines to do.
#[derive(Args)]
struct Rights {
    /// Allow a program: a name on the PATH, or a path (repeatable)
    #[arg(long = "allow", value_name = "PROGRAM")]
    programs: Vec<String>,
    /// Allow requests to a host, or host:port, besides loopback and registered services (repeatable)
    #[arg(long = "allow-host", value_name = "HOST")]
    hosts: Vec<String>,
}

impl Common {
    /// Opens the engine, on a new database if there is none.
    async fn open(&self, rights: Option<Rights>) -> Result<Heady> {
        self.open_or_create(rights, true).await
    }

    /// Opens the engine to look at what is there: where nothing is, nothing is made.
    async fn open_existing(&self, rights: Option<Rights>) -> Result<Heady> {
        let opened = self.open_or_create(rights, false).await;
        opened.map_err(|error| {
            if error.kind() == ErrorKind::NotFound && self.is_sqlite() {
                let hint = "`heady import FILE` makes one, --database names another";
                Error::new(error.kind(), format!("{}; {hint}", error.message()))
            } else {
                error
            }
        })
    }

    /// Opens the engine, unless there is no database.
    async fn open_if_there(&self) -> Result<Option<Heady>> {
        match self.open_or_create(None, false).await {
            Err(error) if error.kind() == ErrorKind::NotFound && self.is_sqlite() => Ok(None),
            opened => opened.map(Some),
        }
    }

    fn is_sqlite(&self) -> bool {
        self.database.starts_with("sqlite:")
    }

    async fn open_or_create(&self, rights: Option<Rights>, create: bool) -> Result<Heady> {
        let user = ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        let rights = rights.unwrap_or(Rights {
            programs: Vec::new(),
            hosts: Vec::new(),
        });
        let options = EngineOptions {
            actor: Some(format!("cli:{}", user.as_deref().unwrap_or("unknown"))),
            allow_programs: Some(rights.programs),
            allow_hosts: Some(rights.hosts),
            audit_key: self.audit_key.clone(),
            create_if_missing: Some(create),
            ..EngineOptions::default()
        };
        Heady::open(&self.database, options).await
    }
}

/// Reads the command line. What is wrong with it is told as every other error is.
fn read() -> Result<Cli, ExitCode> {
    let refused = match Cli::try_parse() {
        Ok(cli) => return Ok(cli),
        Err(refused) => refused,
    };
    // To stdout if help was asked for; if nobody reads it, that is no second error.
    let _ = refused.print();
    if !refused.use_stderr() {
        return Err(ExitCode::SUCCESS);
    }
    if std::env::args_os().any(|argument| argument == "--json") {
        let text = refused.render().to_string();
        // Up to the empty line before the usage: what is missing has a line of its own.
        let lines = text.lines().map(str::trim);
        let message: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
        output::error_json(&Error::invalid_argument(
            message.join(" ").trim_start_matches("error: "),
        ));
    }
    Err(ExitCode::from(2))
}

/// Writes what the engine warns of to stderr: such as a checkpoint that could not be made.
fn log_to_stderr() {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    let ours = Targets::new().with_target("heady", LevelFilter::WARN);
    tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .init();
}

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { common, command } = match read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    log_to_stderr();
    let outcome = match command {
        Command::Run(command) => command.execute(&common).await,
        Command::Resume(command) => command.execute(&common).await,
        Command::Runs(command) => command.execute(&common).await,
        Command::Import(command) => command.execute(&common).await,
        Command::Export => import::export(&common).await,
        Command::Registry(command) => command.execute(&common).await,
        Command::Simulate(command) => command.execute(&common).await,
        Command::Audit(command) => command.execute(&common).await,
        Command::Serve(command) => command.execute(&common).await,
        Command::Keys(command) => command.execute(&common).await,
        Command::Openapi => openapi::print(&common),
    };
    outcome.unwrap_or_else(|error| output::error(&common, &error))
}
