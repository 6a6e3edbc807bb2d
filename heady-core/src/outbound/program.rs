//! Which programs may run, and where: what the operator allowed, known by its place.

use std::path::{Component, Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

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
}
