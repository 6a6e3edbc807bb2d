//! `heady import` and `heady export`: the registry as a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use heady_core::registry::{ImportOptions, ReadImport};
use heady_core::{Error, Heady, Json, Result, Warning, document, report};
use serde::Deserialize;
use serde_json::json;

use crate::Common;
use crate::output::{note, readable, result, told};

/// What comes from a pipe in messages.
const STDIN: &str = "standard input";

#[derive(Args)]
pub(crate) struct Import {
    /// The registry file (JSON or YAML); `-` for stdin
    // More than one is refused with a word about what to do instead.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The folder that paths in the file begin in, instead of the file's own
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Delete even a large share of what an earlier import brought, and overwrite what was changed by call since
    #[arg(long)]
    force: bool,
}

impl Import {
    pub(crate) async fn execute(self, common: &Common) -> Result<ExitCode> {
        let [file] = self.files.as_slice() else {
            return Err(one_at_a_time(None));
        };
        if file.is_dir() {
            return Err(one_at_a_time(Some(file)));
        }
        let name = (file == Path::new("-")).then_some(STDIN);
        let (path, text) = source(file).await?;
        let options = ImportOptions {
            path,
            document: text.map(|text| serde_json::Value::String(text).into()),
            root: self.root.map(|root| root.display().to_string()),
            dry_run: Some(self.dry_run),
            force: Some(self.force),
        };
        // A file that is refused must not leave a new database behind, and may be another one if it is read again.
        let read = ReadImport::open_named(name, options).await?;
        let heady = match common.open_if_there().await? {
            Some(heady) => heady,
            None if self.dry_run => Heady::connect("sqlite::memory:").await?,
            None => common.open(None).await?,
        };
        let imported = heady.registry().import_read(read).await;
        heady.close().await;
        if let Err(error) = &imported {
            // What a refused import would have done is what its user has to judge.
            let refused = error.details().and_then(|details| details.get("report"));
            if let Some(Ok(refused)) = refused.cloned().map(serde_json::from_value) {
                note(&report::import(&refused, true));
                note("--force does all of it\n");
            }
        }
        let imported = imported?;
        result(common, &imported, |imported| {
            report::import(imported, self.dry_run)
        })?;
        if !common.json {
            let refused = |warning: &Warning| warning.code == "MASS_DELETION";
            note(if !self.dry_run {
                "\nheady registry list shows it; heady registry drift compares it with the file and with what answers"
            } else if imported.warnings.iter().any(refused) && !self.force {
                "\nnothing was changed; without --dry-run it would be refused, unless it is forced (--force)"
            } else {
                "\nnothing was changed; without --dry-run it is"
            });
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A file by its path, and what can be read only once, such as a pipe, by its text; so is a file whose path is no text, for
/// nothing could be kept by which it is found again.
async fn source(file: &Path) -> Result<(Option<String>, Option<String>)> {
    if file == Path::new("-") {
        let text = document::text_from(std::io::stdin().lock());
        return Ok((None, Some(text.map_err(|error| error.context(STDIN))?)));
    }
    let is_other = std::fs::metadata(file).is_ok_and(|found| !found.is_file());
    match file.to_str() {
        Some(path) if !is_other => Ok((Some(path.to_owned()), None)),
        _ => Ok((None, Some(document::text(file).await?))),
    }
}

fn one_at_a_time(folder: Option<&Path>) -> Error {
    let what = match folder {
        Some(folder) => format!("'{}' is a folder", folder.display()),
        None => "these are several files".to_owned(),
    };
    Error::invalid_argument(format!("{what}; import one file after the other"))
}

/// An export, or what could be read of one.
#[derive(Deserialize)]
struct Exported {
    document: Json,
}

pub(crate) async fn export(common: &Common) -> Result<ExitCode> {
    let heady = common.open_existing(None).await?;
    let document = heady.registry().export().await;
    heady.close().await;
    let (mut exported, unreadable) = readable(document.map(|document| Exported { document }))?;
    // A file without a section is not known to be a registry, and whatever was exported can be imported.
    if exported.document.0 == json!({}) {
        exported.document = json!({"services": []}).into();
    }
    result(common, &exported.document, |document| {
        format!("{:#}\n", document.0)
    })?;
    Ok(told(unreadable))
}
