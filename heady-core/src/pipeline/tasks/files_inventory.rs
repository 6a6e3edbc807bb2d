//! `files.inventory {root, ignore}`: counts and hashes the files of a tree, so that two inventories can be compared.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{EngineTask, Folder, TaskContext, TaskFuture, Tools};
use crate::document::Fields;
use crate::error::{Error, ErrorKind, Result};

/// The most files of one inventory.
const MAX_FILES: usize = 1_000_000;

#[derive(Debug)]
pub(super) struct FilesInventory {
    root: String,
    /// Patterns in the syntax of `.gitignore`; those of the tree itself hold as well.
    ignore: Vec<String>,
}

impl FilesInventory {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self> {
        let root = fields
            .get("root")
            .map(|field| field.text().map(str::to_owned))
            .transpose()?;
        let ignore = fields
            .get("ignore")
            .map(|field| field.names())
            .transpose()?
            .unwrap_or_default();
        fields.finish_strict()?;
        Ok(Self {
            root: root.unwrap_or_else(|| ".".to_owned()),
            ignore,
        })
    }

    /// The tree's folder: inside the definition's folder, or inside the one in which the operator started the engine.
    fn place(&self, folder: &Folder) -> Result<PathBuf> {
        let missing = |error: std::io::Error| {
            Error::new(
                ErrorKind::NotFound,
                format!("the folder '{}' does not exist", self.root),
            )
            .caused_by(error)
        };
        let place = folder.0.join(&self.root).canonicalize().map_err(missing)?;
        let homes = [
            folder.0.canonicalize(),
            std::env::current_dir().and_then(|here| here.canonicalize()),
        ];
        if homes
            .into_iter()
            .flatten()
            .any(|home| place.starts_with(home))
        {
            return Ok(place);
        }
        Err(Error::permission_denied(format!(
            "the folder '{}' is neither inside the definition's folder nor inside the current one",
            self.root
        )))
    }

    fn overrides(&self, root: &Path) -> Result<Override> {
        let mut builder = OverrideBuilder::new(root);
        for pattern in &self.ignore {
            // In an override a plain pattern selects and '!' leaves out, the other way round than in .gitignore.
            builder.add(&format!("!{pattern}")).map_err(|error| {
                Error::invalid_argument(format!("ignore: '{pattern}' is no pattern"))
                    .caused_by(error)
            })?;
        }
        builder
            .build()
            .map_err(|error| Error::invalid_argument("ignore: is not understood").caused_by(error))
    }

    fn count(&self, root: &Path, context: &TaskContext) -> Result<Value> {
        let mut walk = WalkBuilder::new(root);
        walk.hidden(false)
            .require_git(false)
            .parents(false)
            .git_global(false)
            .overrides(self.overrides(root)?);
        walk.filter_entry(|entry| entry.file_name() != ".git")
            .sort_by_file_path(Path::cmp);
        let mut inventory = Inventory::default();
        for entry in walk.build() {
            if context.is_cancelled() {
                return Err(Error::cancelled("the inventory was given up"));
            }
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    inventory.add(root, entry.path())?;
                }
                Ok(_) => {}
                Err(error) => inventory.unreadable.push(error.to_string()),
            }
        }
        Ok(inventory.into_json(&self.root))
    }
}

#[derive(Default)]
struct Inventory {
    files: usize,
    bytes: u64,
    lines: u64,
    by_extension: BTreeMap<String, (usize, u64)>,
    digest: Sha256,
    unreadable: Vec<String>,
}

impl Inventory {
    fn add(&mut self, root: &Path, path: &Path) -> Result<()> {
        if self.files == MAX_FILES {
            return Err(Error::resource_exhausted(format!(
                "more than {MAX_FILES} files"
            )));
        }
        let relative = path
            .strip_prefix(root)
            .unwrap_or(path)
            .to_string_lossy()
            .into_owned();
        let Ok((hash, bytes, lines)) = read(path) else {
            self.unreadable.push(relative);
            return Ok(());
        };
        self.files += 1;
        self.bytes += bytes;
        self.lines += lines;
        let extension = path
            .extension()
            .map(|extension| extension.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let group = self.by_extension.entry(extension).or_default();
        *group = (group.0 + 1, group.1 + bytes);
        self.digest.update(relative.as_bytes());
        self.digest.update([0]);
        self.digest.update(hash);
        Ok(())
    }

    fn into_json(self, root: &str) -> Value {
        let groups: Vec<_> = self
            .by_extension
            .iter()
            .map(|(extension, (files, bytes))| json!({"extension": extension, "files": files, "bytes": bytes}))
            .collect();
        let digest = crate::types::hex(&self.digest.finalize());
        json!({
            "root": root, "files": self.files, "bytes": self.bytes, "lines": self.lines, "byExtension": groups,
            "digest": digest, "unreadable": self.unreadable,
        })
    }
}

/// The hash, length and line count of a file.
fn read(path: &Path) -> std::io::Result<([u8; 32], u64, u64)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut bytes, mut lines, mut chunk) = (Sha256::new(), 0, 0, vec![0; 64 << 10]);
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok((hash.finalize().into(), bytes, lines));
        }
        bytes += count as u64;
        lines += chunk[..count].split(|byte| *byte == b'\n').count() as u64 - 1;
        hash.update(&chunk[..count]);
    }
}

impl EngineTask for FilesInventory {
    fn check(&self, _tools: &Tools, folder: &Folder) -> Result<()> {
        self.place(folder).map(drop)
    }

    fn call(self: Arc<Self>, _tools: Tools, folder: Folder, context: TaskContext) -> TaskFuture {
        Box::pin(async move {
            let root = self.place(&folder)?;
            tokio::task::spawn_blocking(move || self.count(&root, &context))
                .await
                .map_err(|error| {
                    Error::internal("the inventory ended in a panic").caused_by(error)
                })?
        })
    }
}
