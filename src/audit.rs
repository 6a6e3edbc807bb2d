//! `heady audit`: who did what, and whether the log is as it was written.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use heady_core::audit::{
    AuditCheckpoint, AuditQuery, AuditReport, CheckpointQuery, ExportAudit, VerifyAudit,
    public_key, verify_export,
};
use heady_core::{Error, ErrorKind, Heady, Result, Timestamp, report};
use serde::Serialize;

use crate::Common;
use crate::output::{exit, note, result};

#[derive(Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List entries, newest first
    List(List),
    /// Verify the log of the database, or an exported file without any database
    Verify(Verify),
    /// Write the whole log as lines of JSON, whatever --json says
    Export {
        /// The file to write, which must not exist; stdout if left out or `-`
        file: Option<PathBuf>,
    },
    /// Sign what the log came to, and print the note and the public key to keep elsewhere
    Checkpoint,
    /// Print all checkpoints, oldest first: what `verify --checkpoints` reads
    Checkpoints,
}

#[derive(Args, Default)]
struct List {
    /// Only this actor's
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, such as `CONFIG_CHANGE`
    #[arg(long)]
    action: Option<String>,
    /// Only this target's, such as `service:manager`
    #[arg(long)]
    target: Option<String>,
    /// Only what ended like this
    #[arg(long)]
    status: Option<String>,
    /// Only from this moment on, such as `2026-11-25T08:00:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// At most this many
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    /// Continue an earlier list
    #[arg(long, value_name = "NEXT")]
    cursor: Option<String>,
}

#[derive(Args)]
struct Verify {
    /// A file that `export` wrote; `-` for standard input
    file: Option<PathBuf>,
    /// Trust only checkpoints signed by this key, `<name>+<id>+<base64>` (repeatable)
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<String>,
    /// Also check what these checkpoints say, which were kept elsewhere
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
}

impl Audit {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        match self.action.unwrap_or(Action::List(List::default())) {
            Action::Verify(verify) => verify.execute(common).await,
            action => {
                let heady = common.open_existing(None).await?;
                let outcome = carry_out(action, common, &heady).await;
                heady.close().await;
                outcome.map(|()| ExitCode::SUCCESS)
            }
        }
    }
}

async fn carry_out(action: Action, common: &Common, heady: &Heady) -> Result<()> {
    let audit = heady.audit();
    match action {
        Action::List(list) => {
            let query = AuditQuery {
                actor: list.actor,
                action: list.action,
                target: list.target,
                status: list.status,
                since: list.since,
                until: list.until,
                limit: list.limit,
                cursor: list.cursor,
            };
            result(common, &audit.list(query).await?, report::audit)
        }
        Action::Checkpoint => result(common, &audit.checkpoint().await?, |checkpoint| {
            format!("{}\nkey {}\n", checkpoint.note, checkpoint.public_key)
        }),
        Action::Checkpoints => checkpoints(common, heady).await,
        Action::Export { file } => {
            let file = file.filter(|file| !is_standard(file));
            let lines = export(heady, file.as_deref()).await?;
            match file {
                Some(file) => result(common, &Exported { file, lines }, |exported| {
                    format!("{} lines in {}\n", exported.lines, exported.file.display())
                }),
                None => Ok(()),
            }
        }
        Action::Verify(_) => Ok(()),
    }
}

async fn checkpoints(common: &Common, heady: &Heady) -> Result<()> {
    let (mut checkpoints, mut cursor) = (vec![], None);
    loop {
        let limit = Some(1000);
        let query = CheckpointQuery { limit, cursor };
        let page = heady.audit().checkpoints(query).await?;
        checkpoints.extend(page.checkpoints);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    checkpoints.reverse();
    result(common, &Checkpoints { checkpoints }, |all| {
        let notes: Vec<_> = all
            .checkpoints
            .iter()
            .map(|one| one.note.as_str())
            .collect();
        notes.join("\n")
    })
}

/// All checkpoints, as a page of them.
#[derive(Serialize)]
struct Checkpoints {
    checkpoints: Vec<AuditCheckpoint>,
}

/// What an export came to.
#[derive(Serialize)]
struct Exported {
    file: PathBuf,
    lines: usize,
}

/// Writes the log, and returns how many lines it has.
async fn export(heady: &Heady, file: Option<&Path>) -> Result<usize> {
    // So that the export knows its own end; without the log's key it does not.
    match heady.audit().checkpoint_as_before().await {
        Ok(_) => {}
        // What cannot be signed is evidence, too.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::FailedPrecondition | ErrorKind::DataLoss
            ) =>
        {
            note(error.message());
        }
        Err(error) => return Err(error),
    }
    let failed = |error: std::io::Error| {
        let to = file.map_or("stdout".into(), Path::to_string_lossy);
        Error::failed_precondition(format!("cannot write to {to}: {error}"))
    };
    let mut out: Box<dyn Write> = match file {
        Some(file) => Box::new(BufWriter::new(File::create_new(file).map_err(failed)?)),
        None => Box::new(std::io::stdout().lock()),
    };
    let (mut cursor, mut lines) = (None, 0);
    loop {
        let limit = None;
        let part = heady.audit().export(ExportAudit { limit, cursor }).await?;
        out.write_all(part.ndjson.as_bytes()).map_err(failed)?;
        lines += part.ndjson.lines().count();
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    out.flush().map_err(failed)?;
    Ok(lines)
}

impl Verify {
    async fn execute(self, common: &Common) -> Result<ExitCode> {
        let checkpoints = self
            .checkpoints
            .as_deref()
            .map(|path| std::fs::read_to_string(path).map_err(|error| unreadable(path, &error)));
        let mut with = VerifyAudit {
            public_keys: (!self.public_keys.is_empty()).then_some(self.public_keys),
            checkpoints: checkpoints.transpose()?,
        };
        let report = if let Some(path) = &self.file {
            // Who names the key means it, whatever keys the file names.
            if let Some(key) = common
                .audit_key
                .as_ref()
                .filter(|_| with.public_keys.is_none())
            {
                with.public_keys = Some(vec![public_key(Path::new(key))?]);
            }
            verify_file(path, with)?
        } else {
            let heady = common.open_existing(None).await?;
            let report = heady.audit().verify(with).await;
            heady.close().await;
            report?
        };
        result(common, &report, report::audit_verified)?;
        Ok(exit(report.ok))
    }
}

fn verify_file(path: &Path, with: VerifyAudit) -> Result<AuditReport> {
    if is_standard(path) {
        return verify_export(std::io::stdin().lock(), with);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    verify_export(BufReader::new(file), with)
}

/// Whether a path stands for standard input or output.
fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::InvalidArgument,
    };
    Error::new(
        kind,
        format!("'{}' cannot be read: {error}", path.display()),
    )
}
