//! The audit log as an auditor meets it.

use crate::sandbox::{Sandbox, example};

#[test]
fn the_log_is_listed_signed_and_verified() {
    let sandbox = Sandbox::imported();
    let (code, page) = sandbox.json(&["audit", "list", "--action", "IMPORT"]);
    assert_eq!(code, 0);
    assert_eq!(page["entries"].as_array().unwrap().len(), 1);
    assert_eq!(page["entries"][0]["seq"], 1);
    let table = sandbox.run(&["audit"]).stdout;
    assert!(
        table.contains("IMPORT") && table.contains("registry:"),
        "{table}"
    );

    // The import signed what it appended; the key stands beside the database.
    assert!(sandbox.path("heady.db-audit-key").exists());
    let (code, report) = sandbox.json(&["audit", "verify"]);
    assert_eq!(
        (code, &report["ok"], &report["rows"]),
        (0, &true.into(), &1.into())
    );
    assert_eq!(report["keysFrom"], "ENGINE");
    let text = sandbox.run(&["audit", "verify"]).stdout;
    assert!(
        text.contains("OK: every row is as it was written"),
        "{text}"
    );
}

#[test]
fn an_exported_log_is_verified_without_its_database() {
    let sandbox = Sandbox::imported();
    let (_, checkpoint) = sandbox.json(&["audit", "checkpoint"]);
    let key = checkpoint["publicKey"].as_str().unwrap();
    let exported = sandbox.run(&["audit", "export", "log.ndjson"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    let refused = sandbox.run(&["audit", "export", "log.ndjson"]);
    assert_eq!(refused.code, 2, "an export overwrites nothing");
    let notes = sandbox.run(&["audit", "checkpoints"]).stdout;
    sandbox.write("notes", &notes);

    let verify = ["audit", "verify", "log.ndjson", "--public-key", key];
    let kept = [&verify[..], &["--checkpoints", "notes"]].concat();
    let (code, report) = sandbox.json(&kept);
    assert_eq!(
        (code, &report["ok"], &report["keysFrom"]),
        (0, &true.into(), &"GIVEN".into())
    );

    let log = std::fs::read_to_string(sandbox.path("log.ndjson")).unwrap();
    sandbox.write(
        "log.ndjson",
        &log.replace("\"action\":\"IMPORT\"", "\"action\":\"DEPLOY\""),
    );
    let (code, report) = sandbox.json(&verify);
    assert_eq!((code, &report["firstFault"]["kind"]), (1, &"HASH".into()));
    let first_row = log.find("{\"id\"").unwrap();
    sandbox.write("log.ndjson", &log[..first_row]);
    let outcome = sandbox.run(&verify);
    assert_eq!(outcome.code, 1);
    assert!(
        outcome
            .stdout
            .contains("BROKEN: TRUNCATED at row 1 of chain 0.0"),
        "{outcome:?}"
    );
    sandbox.write("log.ndjson", "{}\n");
    let outcome = sandbox.run(&verify);
    assert_eq!(outcome.code, 2);
    assert!(
        outcome
            .stderr
            .contains("line 1 is none of an exported audit log"),
        "{outcome:?}"
    );
}

#[test]
fn a_key_that_cannot_be_used_is_told_of() {
    let sandbox = Sandbox::imported();
    sandbox.write("heady.db-audit-key", "bad");
    let outcome = sandbox.run(&["import", &example("heady-registry.json")]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.contains("WARN"), "{outcome:?}");
    assert!(outcome.stderr.contains("holds no key"), "{outcome:?}");
}

#[test]
fn what_the_command_prints_is_what_it_verifies() {
    let sandbox = Sandbox::imported();
    for (name, arguments) in [
        ("note", &["audit", "checkpoint"][..]),
        ("json", &["audit", "checkpoint", "--json"]),
        ("all", &["audit", "checkpoints", "--json"]),
        ("export", &["audit", "export"]),
    ] {
        sandbox.write(name, &sandbox.run(arguments).stdout);
        let verified = sandbox.run(&["audit", "verify", "--checkpoints", name]);
        assert_eq!(verified.code, 0, "{name}: {verified:?}");
    }
}

#[test]
fn reading_a_log_that_came_without_its_key_changes_nothing() {
    let sandbox = Sandbox::imported();
    std::fs::remove_file(sandbox.path("heady.db-audit-key")).unwrap();
    let (_, checkpoints) = sandbox.json(&["audit", "checkpoints"]);
    let exported = sandbox.run(&["audit", "export", "log.ndjson"]);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(
        exported.stderr.contains("there is no key yet"),
        "{exported:?}"
    );
    let named = ["audit", "export", "named.ndjson", "--audit-key", "key"];
    assert_eq!(sandbox.run(&named).code, 0);
    for reading in [
        &["audit"][..],
        &["audit", "verify"],
        &["audit", "checkpoints"],
    ] {
        assert_eq!(sandbox.run(reading).code, 0, "{reading:?}");
    }
    for file in ["heady.db-audit-key", "key"] {
        assert!(!sandbox.path(file).exists(), "{file}");
    }
    assert_eq!(sandbox.json(&["audit", "checkpoints"]).1, checkpoints);
    // Nor is it signed with a key that signs other logs.
    let other = Sandbox::imported();
    std::fs::copy(other.path("heady.db-audit-key"), sandbox.path("key")).unwrap();
    std::fs::remove_file(sandbox.path("named.ndjson")).unwrap();
    let exported = sandbox.run(&named);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(
        exported.stderr.contains("is not one that signed"),
        "{exported:?}"
    );
    assert_eq!(sandbox.json(&["audit", "checkpoints"]).1, checkpoints);
}

#[test]
fn another_key_is_not_trusted() {
    let sandbox = Sandbox::imported();
    let other = Sandbox::imported();
    let (_, checkpoint) = other.json(&["audit", "checkpoint"]);
    let key = checkpoint["publicKey"].as_str().unwrap();
    let (code, report) = sandbox.json(&["audit", "verify", "--public-key", key]);
    assert_eq!(
        (code, &report["firstFault"]["kind"]),
        (1, &"CHECKPOINT_SIGNATURE".into())
    );
    // A key that is lost is replaced, and what the old one signed is no longer believed by itself.
    std::fs::remove_file(sandbox.path("heady.db-audit-key")).unwrap();
    let page = sandbox.json(&["audit", "checkpoints"]).1;
    let old = page["checkpoints"][0]["publicKey"].as_str().unwrap();
    let signed = sandbox.json(&["audit", "checkpoint"]).1;
    let new = signed["publicKey"].as_str().unwrap();
    assert_ne!(new, old);
    assert_eq!(sandbox.json(&["audit", "verify"]).0, 1);
    let both = ["audit", "verify", "--public-key", old, "--public-key", new];
    assert_eq!(sandbox.json(&both).0, 0);
}

/// Whoever names a key file means its key, for a file that names others as well as for a database.
#[test]
fn a_named_key_is_the_one_that_is_trusted_for_a_file() {
    let (ours, others) = (Sandbox::imported(), Sandbox::imported());
    let log = others.path("log.ndjson");
    let log = log.to_str().unwrap();
    assert_eq!(others.run(&["audit", "export", log]).code, 0);
    let verify = ["audit", "verify", log, "--audit-key", "heady.db-audit-key"];
    let (code, report) = others.json(&verify);
    assert_eq!((code, &report["keysFrom"]), (0, &"GIVEN".into()));
    let (code, report) = ours.json(&verify);
    let kind = &report["firstFault"]["kind"];
    assert_eq!((code, kind), (1, &"CHECKPOINT_SIGNATURE".into()));
    let missing = ours.run(&["audit", "verify", log, "--audit-key", "missing"]);
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("NOT_FOUND"), "{missing:?}");
    assert!(!ours.path("missing").exists());
}

/// `JSON.parse` and `grep` would see two different things in such a line.
#[test]
fn a_repeated_key_in_details_is_none_of_an_exported_log() {
    let sandbox = Sandbox::imported();
    let log = sandbox.run(&["audit", "export"]).stdout;
    let edited = log.replace("\"details\":{", "\"details\":{\"created\":0,");
    assert_ne!(log, edited);
    sandbox.write("log.ndjson", &edited);
    let outcome = sandbox.run(&["audit", "verify", "log.ndjson"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(
        outcome.stderr.contains("is none of an exported audit log"),
        "{outcome:?}"
    );
}

/// An unmounted disk is no reason to plan against a database of nothing.
#[test]
fn a_key_without_a_folder_stops_the_plan_of_an_import_too() {
    let sandbox = Sandbox::imported();
    let key = sandbox.path("unmounted").join("key");
    let file = example("heady-registry.json");
    let import = [
        "import",
        &file,
        "--dry-run",
        "--audit-key",
        key.to_str().unwrap(),
    ];
    let outcome = sandbox.run(&import);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""));
    assert!(
        outcome
            .stderr
            .contains("INVALID_ARGUMENT: auditKey: there is no folder"),
        "{outcome:?}"
    );
}
