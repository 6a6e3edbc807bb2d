//! Child processes: programs the operator allowed, in a group of their own, with bounded output.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};

/// How much of the end of each output stream is kept, in bytes.
const KEPT_OUTPUT: usize = 64 << 10;

/// How long a process may tidy up after SIGTERM before it is killed.
const GRACE: Duration = Duration::from_secs(3);

/// How long output is awaited after the process itself ended: a grandchild may hold the pipe open for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(300);

/// The variables a child inherits; everything else in the engine's environment may be a secret.
const INHERITED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// Which programs may run.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProgramRules {
    /// As the operator wrote them, with their places where they exist.
    allowed: Vec<(String, Option<PathBuf>)>,
}

impl ProgramRules {
    /// Allows these programs: names are looked up on the PATH, paths are taken from the current folder.
    pub(crate) fn new(programs: &[String]) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        Self {
            allowed: programs
                .iter()
                .map(|program| (program.clone(), locate(program, &here)))
                .collect(),
        }
    }

    /// The place of a program that may run.
    ///
    /// Names are compared by the executable they lead to, so neither a program of the same name elsewhere nor a link
    /// in the definition's folder passes for the allowed one. The last link of a path is not followed: programs such
    /// as busybox are many programs behind one file.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` unless the operator allowed it, `NOT_FOUND` if it is allowed but does not exist.
    pub(crate) fn check(&self, program: &str, folder: &Path) -> Result<PathBuf> {
        let place = locate(program, folder);
        match &place {
            Some(place)
                if self
                    .allowed
                    .iter()
                    .any(|(_, allowed)| allowed.as_ref() == Some(place)) =>
            {
                Ok(place.clone())
            }
            None if self.allowed.iter().any(|(name, _)| name == program) => Err(Error::new(
                ErrorKind::NotFound,
                format!("the program '{program}' is allowed but not installed here"),
            )),
            _ => Err(Error::permission_denied(format!(
                "the program '{program}' is not allowed; the operator can allow it (--allow {program})"
            ))),
        }
    }
}

/// The executable that `program` means, seen from `folder`.
fn locate(program: &str, folder: &Path) -> Option<PathBuf> {
    if program.contains('/') || cfg!(windows) && program.contains('\\') {
        return executable(&folder.join(program));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|entry| entry.is_absolute())
        .find_map(|entry| executable(&entry.join(program)))
}

fn executable(path: &Path) -> Option<PathBuf> {
    let metadata = std::fs::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if metadata.permissions().mode() & 0o111 == 0 {
            return None;
        }
    }
    let _ = metadata;
    Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?))
}

/// The folder `inside`, which must lie in `folder`.
///
/// # Errors
/// `PERMISSION_DENIED` when it lies elsewhere, `NOT_FOUND` when it does not exist.
pub(crate) fn folder_inside(folder: &Path, inside: &str) -> Result<PathBuf> {
    let outside = || {
        Error::permission_denied(format!(
            "the folder '{inside}' is not inside the definition's folder"
        ))
    };
    if Path::new(inside)
        .components()
        .any(|part| matches!(part, Component::ParentDir))
    {
        return Err(outside());
    }
    let missing = |error: std::io::Error| {
        Error::new(
            ErrorKind::NotFound,
            format!("the folder '{inside}' does not exist in the definition's folder"),
        )
        .caused_by(error)
    };
    let root = folder.canonicalize().map_err(missing)?;
    let place = root.join(inside).canonicalize().map_err(missing)?;
    if place.starts_with(&root) {
        Ok(place)
    } else {
        Err(outside())
    }
}

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
    use std::time::Instant;

    fn shell(script: &str) -> ProcessRequest {
        ProcessRequest {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            folder: std::env::temp_dir(),
            env: BTreeMap::from([("HEADY_TASK".into(), "t".into())]),
        }
    }

    #[expect(clippy::unwrap_used, reason = "a test that cannot write cannot go on")]
    fn make_executable(path: &Path) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(path, "#!/bin/sh\n").unwrap();
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }

    #[test]
    fn a_program_is_known_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        make_executable(&folder.path().join("tool"));
        std::os::unix::fs::symlink("/bin/sh", folder.path().join("link")).unwrap();
        std::fs::write(folder.path().join("plain"), "text").unwrap();
        let rules = ProgramRules::new(&[
            "sh".into(),
            folder.path().join("tool").display().to_string(),
            "no-such-program".into(),
        ]);
        let check = |program: &str| {
            rules
                .check(program, folder.path())
                .map_err(|error| error.kind())
        };
        let sh = check("sh").unwrap();
        assert_eq!(check(sh.to_str().unwrap()).unwrap(), sh);
        check("./tool").unwrap();
        check("../").unwrap_err();
        assert_eq!(
            check("./link"),
            Err(ErrorKind::PermissionDenied),
            "another name for an allowed program"
        );
        assert_eq!(check("ls"), Err(ErrorKind::PermissionDenied));
        assert_eq!(check("./plain"), Err(ErrorKind::PermissionDenied));
        assert_eq!(check("no-such-program"), Err(ErrorKind::NotFound));
        assert_eq!(check("no-other-program"), Err(ErrorKind::PermissionDenied));
        assert_eq!(
            ProgramRules::default()
                .check("sh", folder.path())
                .unwrap_err()
                .kind(),
            ErrorKind::PermissionDenied
        );
    }

    #[test]
    fn the_working_folder_stays_inside() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("out")).unwrap();
        folder_inside(folder.path(), "in").unwrap();
        folder_inside(folder.path(), "").unwrap();
        for outside in ["..", "in/../..", "/", "out"] {
            assert_eq!(
                folder_inside(folder.path(), outside).unwrap_err().kind(),
                ErrorKind::PermissionDenied,
                "{outside}"
            );
        }
        assert_eq!(
            folder_inside(folder.path(), "none").unwrap_err().kind(),
            ErrorKind::NotFound
        );
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
