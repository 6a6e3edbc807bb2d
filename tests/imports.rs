//! `heady import` and what it is given: pipes, folders, several files, and files that cannot be stored.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::sandbox::{Outcome, Sandbox};

const SMALL: &str = r#"{"services": {"api": {"port": 1}}}"#;

/// The command with a text on its stdin.
fn piped(sandbox: &Sandbox, arguments: &[&str], text: &str) -> Outcome {
    let mut command = sandbox.heady(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Whoever refuses the arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    Outcome::of(child.wait_with_output().unwrap())
}

#[test]
fn a_pipe_is_read_once_and_is_no_place_to_compare_with_later() {
    for source in ["-", "/dev/stdin"] {
        if cfg!(not(unix)) && source != "-" {
            continue;
        }
        let sandbox = Sandbox::new();
        let imported = piped(&sandbox, &["import", source, "--json"], SMALL);
        assert_eq!(imported.code, 0, "{imported:?}");
        let report: Value = serde_json::from_str(&imported.stdout).unwrap();
        assert_eq!(report["created"], 1);
        let again = piped(
            &sandbox,
            &["import", source],
            "services:\n  api: {port: 1}\n",
        );
        assert!(again.stdout.contains("1 unchanged"), "{again:?}");
        let drift = sandbox.run(&["registry", "drift", "--offline"]);
        assert!(
            drift.code == 0 && drift.stdout.starts_with("No drift"),
            "{drift:?}"
        );
        let torn = piped(&sandbox, &["import", source, "--json"], "{\n]");
        let answer: Value = serde_json::from_str(&torn.stdout).unwrap();
        assert_eq!((torn.code, &answer["error"]["line"]), (2, &json!(2)));
    }
}

#[test]
fn what_comes_from_a_pipe_is_called_so() {
    let sandbox = Sandbox::new();
    for (text, starts) in [
        ("", "'standard input': is empty"),
        (" \n", "'standard input': is empty"),
        ("{\n]", "'standard input': "),
        ("[]", "'standard input': a registry is an object"),
    ] {
        let outcome = piped(&sandbox, &["import", "-", "--json"], text);
        let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(starts), "{message}");
        assert_eq!(outcome.code, 2);
    }
}

#[test]
fn an_empty_registry_is_exported_imported_and_compared() {
    let sandbox = Sandbox::with_database();
    let exported = sandbox.run(&["export"]).stdout;
    let imported = piped(&sandbox, &["import", "-"], &exported);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(sandbox.run(&["export"]).stdout, exported);
    let file = sandbox.write("r.json", r#"{"services": {}}"#);
    sandbox.run(&["import", file.to_str().unwrap()]);
    let drift = sandbox.run(&["registry", "drift", "--offline"]);
    assert!(drift.stdout.starts_with("No drift\n"), "{drift:?}");
    assert!(drift.stdout.contains("0 entries"), "{drift:?}");
}

#[test]
fn what_cannot_be_stored_is_refused_in_a_dry_run_too_and_leaves_no_database() {
    let sandbox = Sandbox::new();
    let nested = "[".repeat(99) + &"]".repeat(99);
    let text = format!(r#"{{"services": [{{"id": "a", "x": {nested}}}]}}"#);
    let file = sandbox.write("deep.json", &text);
    let file = file.to_str().unwrap();
    for arguments in [&["import", file, "--dry-run"][..], &["import", file]] {
        let (code, answer) = sandbox.json(arguments);
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(code, 2);
        assert!(message.contains("services[0].x[0]"), "{message}");
    }
    assert!(!sandbox.path("heady.db").exists());
}

#[test]
fn one_file_is_imported_after_the_other() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("a.json", SMALL);
    let file = file.to_str().unwrap();
    for arguments in [&["import", "."][..], &["import", file, file]] {
        let (code, answer) = sandbox.json(arguments);
        let message = answer["error"]["message"].as_str().unwrap();
        assert_eq!(code, 2);
        assert!(
            message.ends_with("import one file after the other"),
            "{message}"
        );
    }
    let none = sandbox.run(&["import", "--json"]);
    let answer: Value = serde_json::from_str(&none.stdout).unwrap();
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("not provided: <FILE>"), "{message}");
    let commented = sandbox.write("a.jsonc", &format!("// generated\n{SMALL}"));
    let (_, answer) = sandbox.json(&["import", commented.to_str().unwrap()]);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("JSON has no comments"), "{message}");
}

#[test]
fn a_registry_of_components_alone_is_not_called_empty() {
    let sandbox = Sandbox::new();
    let file = sandbox.write(
        "registry.json",
        r#"{"components": {"core": [{"id": "a"}, {"id": "b"}], "edge": [{"id": "c"}]}, "docs": [{"id": "d"}]}"#,
    );
    sandbox.run(&["import", file.to_str().unwrap()]);
    let listed = sandbox.run(&["registry", "list"]).stdout;
    assert!(!listed.contains("Nothing is registered"), "{listed}");
    assert!(
        listed.contains("`heady export` prints: 3 in components, 1 in docs"),
        "{listed}"
    );
}

#[test]
fn what_ends_is_no_warning_and_what_never_began_is_not_last() {
    let sandbox = Sandbox::with_database();
    let watch = sandbox.run(&["registry", "watch", "--since", "99999"]);
    assert_eq!(watch.code, 2, "{watch:?}");
    assert!(!watch.stderr.contains("WARN"), "{watch:?}");
    let file = sandbox.write(
        "r.json",
        r#"{"name": "n", "services": {"api": {"port": 1}}}"#,
    );
    let drift = sandbox.run(&[
        "registry",
        "drift",
        "--offline",
        "--file",
        file.to_str().unwrap(),
    ]);
    assert!(drift.stdout.contains("not imported yet"), "{drift:?}");
    assert!(!drift.stdout.contains("since the last import"), "{drift:?}");
}

/// Damages what is attached to a service, as a disk may.
fn damage(sandbox: &Sandbox, marker: &str) {
    let path = sandbox.path("heady.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let whole = format!("{{\"{marker}\":");
    let starts: Vec<usize> = (0..bytes.len() - whole.len())
        .filter(|start| bytes[*start..].starts_with(whole.as_bytes()))
        .collect();
    assert!(!starts.is_empty());
    for start in starts {
        bytes[start] = b'X';
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn one_damaged_entry_is_named_and_all_others_are_shown() {
    let sandbox = Sandbox::new();
    let text = r#"{"services": {"lost": {"a-marker": 1, "port": 1}, "web": {"port": 2}}, "nodes": {"scout": {}}}"#;
    let file = sandbox.write("registry.json", text);
    sandbox.run(&["import", file.to_str().unwrap()]);
    damage(&sandbox, "a-marker");
    for arguments in [
        &["registry", "list"][..],
        &["registry", "list", "services"],
        &["export"],
    ] {
        let outcome = sandbox.run(arguments);
        assert_eq!(outcome.code, 1, "{outcome:?}");
        assert!(outcome.stdout.contains("web"), "{outcome:?}");
        assert!(!outcome.stdout.contains("lost"), "{outcome:?}");
        let named = "heady: DATA_LOSS: the service 'lost' cannot be read: ";
        assert!(outcome.stderr.contains(named), "{outcome:?}");
        let (code, answer) = sandbox.json(arguments);
        assert_eq!(code, 1);
        let services = &answer["services"];
        let web = services.pointer("/web").or(services.pointer("/0"));
        assert!(web.is_some(), "{answer}");
        if arguments[0] == "registry" {
            assert_eq!(answer["unreadable"][0]["id"], "lost", "{answer}");
        }
    }
    let nodes = sandbox.run(&["registry", "list", "nodes"]);
    assert_eq!((nodes.code, nodes.stderr.as_str()), (0, ""));
}

#[test]
fn what_no_terminal_shows_is_as_wide_as_what_is_in_it() {
    let sandbox = Sandbox::new();
    let name = "a name ".repeat(30).trim_end().to_owned();
    let text = json!({"services": {"api": {"port": 1, "name": name}}}).to_string();
    let file = sandbox.write("registry.json", &text);
    sandbox.run(&["import", file.to_str().unwrap()]);
    let listed = sandbox.run(&["registry", "list", "services"]);
    let in_one_line = |line: &str| line.contains(&name) && line.contains("localhost:1");
    assert!(listed.stdout.lines().any(in_one_line), "{listed:?}");
    // What help says is no table: it is read by people, wherever.
    let help = sandbox.run(&["registry", "watch", "--help"]).stdout;
    let widest = help.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(110), "{help}");
}
