//! A folder of its own with a database, and the command in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With a database in which nothing is yet.
    pub fn with_database() -> Self {
        let sandbox = Self::new();
        let url = format!("sqlite:{}", sandbox.path("heady.db").display());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let heady = heady_core::Heady::connect(&url).await.unwrap();
            heady.close().await;
        });
        sandbox
    }

    /// With the example registry in its database.
    pub fn imported() -> Self {
        let sandbox = Self::new();
        let outcome = sandbox.run(&["import", &example("heady-registry.json")]);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        sandbox
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The command on this folder's database, with its working folder there.
    pub fn heady(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heady"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("HEADY_DATABASE_URL");
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.heady(arguments).output().unwrap())
    }

    /// As [`Sandbox::run`], with `--json`: the one object on stdout.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let outcome = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
        let value = serde_json::from_str(&outcome.stdout).unwrap();
        (outcome.code, value)
    }
}

#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A file of the repository's examples.
pub fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    path.to_str().unwrap().to_owned()
}
