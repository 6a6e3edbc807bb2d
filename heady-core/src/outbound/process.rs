//! Child processes: programs the operator allowed, in a group of their own, with bounded output.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// How much of the end of each output stream is kept, in bytes.
const KEPT_OUTPUT: usize = 64 << 10;

/// How long a process may tidy up after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// How long output is awaited after the process itself ended: a grandchild may hold the pipe open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// The variables a child inherits; everything else in the engine's environment may be a secret.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// A process to run, already checked by [`ProgramRules::check`].
#[derive(Debug)]
pub(crate) struct ProcessRequest {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) folder: PathBuf,
    pub(crate) env: BTreeMap<String, String>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct ProcessResult {
    /// `None` when a signal ended it.
    pub(crate) exit_code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

/// The end of what a process wrote to a stream.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// As UTF-8, with U+FFFD for what is none and for NUL, which databases cannot keep.
    pub(crate) text: String,
    /// How many bytes it wrote in all.
    pub(crate) bytes: usize,
}

impl Output {
    /// Whether the beginning was dropped.
    pub(crate) fn truncated(&self) -> bool {
        self.bytes > KEPT_OUTPUT
    }
}

impl ProcessRequest {
    /// Runs the process to its end. When `cancel` fires, its whole group gets SIGTERM and three seconds later SIGKILL;
    /// when the future is dropped, SIGKILL at once. On Linux the process dies with the engine.
    ///
    /// # Errors
    /// `CANCELLED`, or `FAILED_PRECONDITION` if it cannot be started.
    pub(crate) async fn run(self, cancel: &CancellationToken) -> Result<ProcessResult> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .current_dir(&self.folder)
            .env_clear()
            .envs(
                INHERITED
                    .iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .envs(&self.env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        #[cfg(target_os = "linux")]
        die_with_parent(&mut command);
        let mut child = command.spawn().map_err(|error| {
            Error::failed_precondition(format!(
                "'{}' cannot be started: {error}",
                self.program.display()
            ))
            .caused_by(error)
        })?;
        let group = Group::of(&child);
        let stdout = tokio::spawn(collect(child.stdout.take()));
        let stderr = tokio::spawn(collect(child.stderr.take()));
        let status = tokio::select! {
            status = child.wait() => status,
            () = cancel.cancelled() => {
                terminate(&group, &mut child).await;
                return Err(Error::cancelled("the process was stopped"));
            }
        };
        let status: ExitStatus = status
            .map_err(|error| Error::internal("the process cannot be awaited").caused_by(error))?;
        group.spare();
        let (stdout, stderr) = (settled(stdout).await, settled(stderr).await);
        Ok(ProcessResult {
            exit_code: status.code(),
            signal: signal(status),
            stdout,
            stderr,
        })
    }
}

async fn settled(mut collecting: tokio::task::JoinHandle<Output>) -> Output {
    match tokio::time::timeout(OUTPUT_GRACE, &mut collecting).await {
        Ok(output) => output.unwrap_or_default(),
        Err(_) => {
            collecting.abort();
            Output {
                text: "(a process left behind holds this stream open)".to_owned(),
                bytes: 0,
            }
        }
    }
}

async fn terminate(group: &Group, child: &mut Child) {
    group.terminate();
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        group.kill();
        let _ = child.wait().await;
    }
}

async fn collect(stream: Option<impl AsyncRead + Unpin>) -> Output {
    let Some(mut stream) = stream else {
        return Output::default();
    };
    let (mut kept, mut bytes, mut chunk) = (Vec::new(), 0, vec![0; 16 << 10]);
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        bytes += count;
        kept.extend_from_slice(&chunk[..count]);
        if kept.len() > 2 * KEPT_OUTPUT {
            kept.drain(..kept.len() - KEPT_OUTPUT);
        }
    }
    let start = kept.len().saturating_sub(KEPT_OUTPUT);
    Output {
        text: String::from_utf8_lossy(&kept[start..]).replace('\0', "\u{fffd}"),
        bytes,
    }
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_status: ExitStatus) -> Option<i32> {
    None
}

/// The process group of a child, killed when this is dropped before [`Group::spare`].
struct Group {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        Self {
            id: child
                .id()
                .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed())),
        }
    }

    fn terminate(&self) {
        self.send(rustix::process::Signal::TERM);
    }

    fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some(id) = self.id {
            // A group that is gone already is what we want.
            let _ = rustix::process::kill_process_group(id, signal);
        }
    }

    /// The child was awaited, so its number may soon mean another process.
    fn spare(mut self) {
        self.id = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Elsewhere the child alone is killed, by tokio when it is dropped.
#[cfg(not(unix))]
impl Group {
    fn of(_child: &Child) -> Self {
        Self {}
    }

    fn terminate(&self) {}

    fn kill(&self) {}

    fn spare(self) {}
}

/// Asks the kernel to kill the child when the thread that starts it ends. tokio starts processes from its worker
/// threads, which live as long as the runtime.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "code between fork and exec must be declared async-signal-safe; these are two system calls"
)]
fn die_with_parent(command: &mut Command) {
    let engine = rustix::process::getpid();
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // The engine may have died before the request took effect.
            if rustix::process::getppid() == Some(engine) {
                Ok(())
            } else {
                Err(std::io::Error::other("the engine died"))
            }
        });
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::time::Instant;

    fn shell(script: &str) -> ProcessRequest {
        ProcessRequest {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            folder: std::env::temp_dir(),
            env: BTreeMap::from([("HEADY_TASK".into(), "t".into())]),
        }
    }

    #[tokio::test]
    async fn output_and_exit_code_come_back_and_the_environment_is_clean() {
        let result = shell("echo out; echo err >&2; env; exit 3")
            .run(&CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(result.exit_code, Some(3));
        assert_eq!(result.stderr.text, "err\n");
        let names: Vec<&str> = result
            .stdout
            .text
            .lines()
            .skip(1)
            .filter_map(|line| line.split('=').next())
            .collect();
        assert!(names.contains(&"HEADY_TASK"));
        let shells_own = ["PWD", "SHLVL", "_", "OLDPWD", "HEADY_TASK"];
        assert!(
            names
                .iter()
                .all(|name| INHERITED.contains(name) || shells_own.contains(name)),
            "{names:?}"
        );
    }

    #[tokio::test]
    async fn endless_output_is_bounded_and_its_end_kept() {
        let result = shell("head -c 1000000 /dev/zero; echo; echo the end")
            .run(&CancellationToken::new())
            .await
            .unwrap();
        assert_eq!(result.stdout.bytes, 1_000_009);
        assert!(result.stdout.truncated() && result.stdout.text.ends_with("the end\n"));
        assert!(!result.stdout.text.contains('\0'));
    }

    #[tokio::test]
    async fn a_stopped_process_takes_its_children_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let cancel = CancellationToken::new();
        let running = tokio::spawn({
            let (cancel, script) = (
                cancel.clone(),
                format!("(sleep 2; touch {}) & wait", mark.display()),
            );
            async move { shell(&script).run(&cancel).await }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
        assert_eq!(
            running.await.unwrap().unwrap_err().kind(),
            ErrorKind::Cancelled
        );
        tokio::time::sleep(Duration::from_millis(2200)).await;
        assert!(!mark.exists(), "the grandchild lived on");
    }

    #[tokio::test]
    async fn a_dropped_run_kills_and_a_left_over_child_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("mark");
        let cancel = CancellationToken::new();
        let script = format!("sleep 1; touch {}", mark.display());
        assert!(
            tokio::time::timeout(Duration::from_millis(200), shell(&script).run(&cancel))
                .await
                .is_err()
        );
        let started = Instant::now();
        let result = shell("sleep 30 & echo done").run(&cancel).await.unwrap();
        assert_eq!(result.exit_code, Some(0));
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(1200)).await;
        assert!(!mark.exists());
    }
}
