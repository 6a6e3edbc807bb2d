//! The command between others: what it reads and writes besides files, and names that are no text.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::sandbox::{Outcome, Sandbox, example};

/// As `head -1` reads a change, or none, and goes.
#[test]
fn a_watch_ends_with_its_reader() {
    let sandbox = Sandbox::imported();
    for wanted in [0, 1] {
        let mut watch = sandbox
            .heady(&["registry", "watch", "--since", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        assert_eq!(lines.take(wanted).count(), wanted);
        // Nothing more is registered, so that it ends although there is nothing to write.
        assert_eq!(watch.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn a_log_goes_through_a_pipe() {
    let sandbox = Sandbox::imported();
    let exported = sandbox.run(&["audit", "export", "-"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(!sandbox.path("-").exists());
    for (log, code) in [
        (exported.stdout.replace("IMPORT", "DEPLOY"), 1),
        (exported.stdout, 0),
    ] {
        let mut verify = sandbox
            .heady(&["audit", "verify", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        verify
            .stdin
            .take()
            .unwrap()
            .write_all(log.as_bytes())
            .unwrap();
        let verified = Outcome::of(verify.wait_with_output().unwrap());
        assert_eq!(verified.code, code, "{verified:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_read_or_refused_like_others() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let sandbox = Sandbox::new();
    let name = OsStr::from_bytes(b"registry\xff.json");
    let file = sandbox.path("").join(name);
    std::fs::copy(example("heady-registry.json"), file).unwrap();
    let imported = sandbox.heady(&["import"]).arg(name).output().unwrap();
    assert_eq!(Outcome::of(imported).code, 0);
    // What was imported is the other side of it, as there is no place that could be named.
    assert_eq!(sandbox.run(&["registry", "drift", "--offline"]).code, 0);
    // Nor has the folder to be one.
    let folder = sandbox.path("").join(OsStr::from_bytes(b"folder\xff"));
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(example("heady-registry.json"), folder.join("registry.json")).unwrap();
    for arguments in [
        &["import", "registry.json"][..],
        &["registry", "drift", "--offline"],
    ] {
        let mut there = sandbox.heady(arguments);
        let outcome = Outcome::of(there.current_dir(&folder).output().unwrap());
        assert_eq!(outcome.code, 0, "{outcome:?}");
    }
    let refused = sandbox
        .heady(&["registry", "get", "services"])
        .arg(name)
        .output()
        .unwrap();
    assert_eq!(Outcome::of(refused).code, 2);
}
