//! A folder of registry files from several generations, imported one after the other, what is listed, shown and
//! watched, and the drift that is read then.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, example};

const CATALOG: &str = r#"{
  "registryVersion": "3.0.0",
  "components": [
    {"id": "manager", "sourceOfTruth": "src/manager.js", "criticality": "critical"},
    {"id": "lens", "sourceOfTruth": "src/lens.js", "dependencies": ["manager", "brain"]},
    {"id": "lens", "sourceOfTruth": "src/lens.js", "dependencies": ["manager", "brain"]}
  ],
  "aiNodes": [{"id": "writer"}, {"id": "reader"}, {"id": "critic"}],
  "services": [{"id": "api", "critical": true, "endpoint": "http://127.0.0.1:1/health", "apiKey": "hunter2"}]
}"#;

const RUNTIME: &str = r#"{
  "metadata": {"version": "2"},
  "nodes": {"WRITER": {"trigger_on": ["draft"], "status": "active"}},
  "services": {"api": {"port": 1, "health_check_url": "http://127.0.0.1:1/health"}}
}"#;

/// What the scanner left of the catalog once, as it stands in a commit: a document and the beginning of a second one.
const TORN: &str = "{\"services\": []}\n{\"components\": [\n";

#[test]
fn a_refused_import_leaves_no_database_behind() {
    let sandbox = Sandbox::new();
    for (text, code) in [
        ("{", "INVALID_ARGUMENT"),
        ("{\"foo\": 1}", "INVALID_ARGUMENT"),
    ] {
        let file = sandbox.write("wrong.json", text);
        let (exit, answer) = sandbox.json(&["import", file.to_str().unwrap()]);
        assert_eq!(
            (exit, &answer["error"]["code"]),
            (2, &json!(code)),
            "{text}"
        );
    }
    assert!(!sandbox.path("heady.db").exists());
    let outcome = sandbox.run(&["registry", "none", "--json"]);
    let answer: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (outcome.code, &answer["error"]["code"]),
        (2, &json!("INVALID_ARGUMENT"))
    );
}

#[test]
fn generations_of_files_are_imported_one_after_the_other_each_with_its_report() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("src")).unwrap();
    sandbox.write("src/manager.js", "");
    let file = |name: &str, text: &str| sandbox.write(name, text).to_str().unwrap().to_owned();
    let catalog = file("catalog.json", CATALOG);

    let first = sandbox.run(&["import", &catalog]);
    assert_eq!(first.code, 0, "{first:?}");
    for said in [
        "shape CATALOG: 6 created",
        "components.lens  stands there twice",
        "services[0].apiKey",
        "nothing here is called 'brain'",
        "'src/lens.js' does not exist",
    ] {
        assert!(first.stdout.contains(said), "{said}: {}", first.stdout);
    }
    assert!(!first.stdout.contains("manager.js") && !first.stdout.contains("hunter2"));
    let elsewhere = sandbox.path("src");
    let (_, rooted) = sandbox.json(&["import", &catalog, "--root", elsewhere.to_str().unwrap()]);
    let missing = |report: &Value| {
        let warnings = report["warnings"].as_array().unwrap().iter();
        warnings
            .filter(|warning| warning["code"] == "MISSING_FILE")
            .count()
    };
    assert_eq!((&rooted["unchanged"], missing(&rooted)), (&json!(6), 2));

    // Another generation would replace nearly all: that is shown, and refused.
    let runtime = file("runtime.json", RUNTIME);
    let refused = sandbox.run(&["import", &runtime]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    for said in [
        "DELETE  aiNodes",
        "would delete 5 of 6 imported entries",
        "--force",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {}", refused.stderr);
    }
    let (code, dry) = sandbox.json(&["import", &runtime, "--dry-run"]);
    assert_eq!(
        (code, &dry["warnings"][0]["code"]),
        (0, &json!("MASS_DELETION"))
    );

    let torn = file("torn.json", TORN);
    let (code, error) = sandbox.json(&["import", &torn]);
    assert_eq!((code, &error["error"]["line"]), (2, &json!(2)));
    let other = file("mcp.json", r#"{"mcpServers": {}}"#);
    assert!(
        sandbox
            .run(&["import", &other])
            .stderr
            .contains("not a registry")
    );

    let (code, forced) = sandbox.json(&["import", &runtime, "--force"]);
    assert_eq!(
        (code, &forced["shape"], &forced["deleted"]),
        (0, &json!("MAPS"), &json!(5))
    );
    let exported: Value = serde_json::from_str(&sandbox.run(&["export"]).stdout).unwrap();
    assert_eq!(exported, serde_json::from_str::<Value>(RUNTIME).unwrap());
}

#[test]
fn drift_between_file_and_life_is_read_without_a_manual() {
    let sandbox = Sandbox::with_database();
    let nothing = sandbox.run(&["registry", "drift"]);
    assert!(
        nothing.code == 0 && nothing.stdout.contains("heady import FILE"),
        "{nothing:?}"
    );

    let text = std::fs::read_to_string(example("heady-registry.json")).unwrap();
    let file = sandbox.write("registry.json", &text);
    sandbox.run(&["import", file.to_str().unwrap()]);
    let agreed = sandbox.run(&["registry", "drift", "--offline"]);
    assert!(
        agreed.code == 0 && agreed.stdout.starts_with("No drift"),
        "{agreed:?}"
    );

    sandbox.write(
        "registry.json",
        &text.replace("\"Search API\"", "\"The index\""),
    );
    let drift = sandbox.run(&["registry", "drift"]);
    assert_eq!(drift.code, 0);
    for said in [
        "The index",
        "Search API",
        "changed in the file since the last import",
        "UNHEALTHY",
        "1 without an address",
    ] {
        assert!(drift.stdout.contains(said), "{said}: {}", drift.stdout);
    }
    let (_, last) = sandbox.json(&["registry", "drift", "--last"]);
    assert_eq!(last["sources"].as_array().unwrap().len(), 2);
    assert!(last["drift"].as_array().unwrap().len() >= 3);

    // What cannot be looked at is a failure with a name; the others are still told.
    let (code, partly) =
        sandbox.json(&["registry", "drift", "--offline", "--manifest", "none.yaml"]);
    assert_eq!(code, 1);
    assert_eq!(partly["sources"][2]["error"]["code"], "NOT_FOUND");
    assert_eq!(
        partly["drift"].as_array().unwrap().len(),
        last["drift"].as_array().unwrap().len()
    );

    // One that was read is looked for each time, until it is forgotten.
    let manifest = sandbox.write(
        "compose.json",
        r#"{"services": {"cache": {"image": "redis"}}}"#,
    );
    let manifest = manifest.to_str().unwrap();
    sandbox.run(&["registry", "drift", "--offline", "--manifest", manifest]);
    std::fs::remove_file(manifest).unwrap();
    let gone = sandbox.run(&["registry", "drift", "--offline"]);
    assert_eq!(gone.code, 1);
    for said in ["services.cache", "NOT_FOUND", "--manifest ''"] {
        assert!(gone.stdout.contains(said), "{said}: {}", gone.stdout);
    }
    let forgotten = sandbox.run(&["registry", "drift", "--offline", "--manifest", ""]);
    assert!(
        forgotten.code == 0 && !forgotten.stdout.contains("services.cache"),
        "{forgotten:?}"
    );
}

#[test]
fn what_is_registered_is_listed_and_shown() {
    let sandbox = Sandbox::with_database();
    let empty = sandbox.run(&["registry"]);
    assert_eq!(empty.code, 0, "{empty:?}");
    for said in ["No services", "at revision 0", "heady import FILE"] {
        assert!(empty.stdout.contains(said), "{said}: {empty:?}");
    }
    sandbox.run(&["import", &example("heady-registry.json")]);
    let services = sandbox.run(&["registry", "list", "services"]);
    for said in ["search", "UNKNOWN", "http://", "Version", "at revision"] {
        assert!(services.stdout.contains(said), "{said}: {services:?}");
    }
    let (code, all) = sandbox.json(&["registry", "list"]);
    assert_eq!(code, 0);
    let (_, only) = sandbox.json(&["registry", "list", "nodes"]);
    assert_eq!(
        (&all["nodes"], &all["revision"]),
        (&only["nodes"], &only["revision"])
    );
    let id = all["workflows"][0]["id"].as_str().unwrap();
    let shown = sandbox.run(&["registry", "get", "workflow", id]);
    assert!(
        shown.stdout.starts_with(&format!("Workflow {id}")),
        "{shown:?}"
    );
    assert_eq!(
        sandbox.json(&["registry", "get", "workflows", id]).1,
        all["workflows"][0]
    );
    let (code, refused) = sandbox.json(&["registry", "get", "node", "nobody"]);
    assert_eq!((code, &refused["error"]["code"]), (2, &json!("NOT_FOUND")));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let sandbox = Sandbox::new();
    sandbox.run(&["import", &example("heady-registry.json")]);
    for arguments in [&["export"][..], &["registry", "--json"]] {
        let mut command = sandbox.heady(arguments);
        let mut command = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(command.stdout.take());
        let ended = command.wait_with_output().unwrap();
        assert_eq!(
            (ended.status.code(), ended.stderr.as_slice()),
            (Some(0), &[][..])
        );
    }
}

#[test]
#[cfg(unix)]
fn changes_are_watched_as_lines_until_it_is_interrupted() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("registry.json", RUNTIME);
    sandbox.run(&["import", file.to_str().unwrap()]);
    let (_, list) = sandbox.json(&["registry", "list"]);
    let revision = list["revision"].as_i64().unwrap();
    let begin = |arguments: &[&str]| {
        let mut watch = sandbox
            .heady(&[&["registry", "watch"], arguments].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut notes = BufReader::new(watch.stderr.take().unwrap());
        notes.read_line(&mut said).unwrap();
        let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
        (watch, said, lines.map(Result::unwrap))
    };
    let (mut all, said, mut changes) = begin(&["--json", "--since", "0"]);
    assert!(said.contains("from revision 0"), "{said}");
    for wanted in 1..=revision {
        let event: Value = serde_json::from_str(&changes.next().unwrap()).unwrap();
        assert_eq!(
            (&event["revision"], &event["change"]),
            (&json!(wanted), &json!("CREATE"))
        );
    }
    let (mut one, said, mut lines) = begin(&["--kind", "node", "--id", "WRITER"]);
    assert!(
        said.contains(&format!("from revision {revision}")),
        "{said}"
    );
    sandbox.write(
        "registry.json",
        &RUNTIME
            .replace("\"draft\"", "\"write\"")
            .replace(":1/", ":2/"),
    );
    sandbox.run(&["import", file.to_str().unwrap()]);
    let line = lines.next().unwrap();
    for said in ["UPDATE", "NODE", "WRITER"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    assert_eq!(changes.by_ref().take(2).count(), 2);
    for watch in [&mut all, &mut one] {
        let id = watch.id().to_string();
        let interrupt = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(interrupt.unwrap().success());
        assert_eq!(watch.wait().unwrap().code(), Some(130));
    }
    let (code, refused) = sandbox.json(&["registry", "watch", "--since", "999"]);
    assert_eq!((code, &refused["error"]["compacted"]), (2, &json!(true)));
}

/// A server that answers every request with this status, until the test ends.
fn answering(status: &'static str) -> String {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    base
}

#[test]
fn services_are_probed_from_the_command_line() {
    let sandbox = Sandbox::with_database();
    let nothing = sandbox.run(&["registry", "probe"]);
    assert!(
        nothing.code == 1 && nothing.stdout.starts_with("Nothing was probed"),
        "{nothing:?}"
    );
    let registry = json!({"registryVersion": "3.0.0", "components": [], "services": [
        {"id": "up", "endpoint": answering("200 OK")},
        {"id": "ill", "endpoint": answering("503 Oh")},
        {"id": "gone", "endpoint": "http://127.0.0.1:1"},
        {"id": "batch", "endpoint": "/"},
    ]});
    let file = sandbox.write("registry.json", &registry.to_string());
    sandbox.run(&["import", file.to_str().unwrap()]);

    let up = sandbox.run(&["registry", "probe", "up"]);
    assert!(
        up.code == 0 && up.stdout.contains("1 of 1 healthy"),
        "{up:?}"
    );
    let all = sandbox.run(&["registry", "probe", "--timeout", "60000"]);
    assert_eq!(all.code, 1);
    for said in [
        "answered with status 503",
        "http://127.0.0.1:1 cannot be reached",
        "it has no base URL",
        "1 of 3 healthy; 1 cannot be probed",
    ] {
        assert!(all.stdout.contains(said), "{said}: {}", all.stdout);
    }
    let (code, batch) = sandbox.json(&["registry", "probe", "batch"]);
    assert_eq!(
        (code, &batch["probes"][0]["status"]),
        (1, &json!("UNKNOWN"))
    );
    let (code, unknown) = sandbox.json(&["registry", "probe", "nobody"]);
    assert_eq!((code, &unknown["error"]["code"]), (2, &json!("NOT_FOUND")));
}

#[test]
fn what_only_looks_makes_no_database() {
    let sandbox = Sandbox::new();
    let file = sandbox.write("catalog.json", CATALOG);
    for command in [
        &["registry", "list"] as &[&str],
        &["registry", "drift", "--offline"],
        &["export"],
        &["runs"],
        &["audit", "verify"],
        &["keys", "list"],
        &["resume", "no-such-run"],
    ] {
        let looked = sandbox.run(command);
        assert_eq!(
            (looked.code, looked.stdout.as_str()),
            (2, ""),
            "{command:?}"
        );
        let said = "there is no database file 'heady.db'; `heady import FILE` makes one, --database names another";
        assert!(
            looked.stderr.contains(said),
            "{command:?}: {}",
            looked.stderr
        );
    }
    let tried = sandbox.run(&["import", file.to_str().unwrap(), "--dry-run"]);
    assert_eq!(tried.code, 0, "{tried:?}");
    assert!(
        tried.stdout.contains("6 would be created"),
        "{}",
        tried.stdout
    );
    assert!(!sandbox.path("heady.db").exists());

    sandbox.run(&["import", file.to_str().unwrap()]);
    assert_eq!(sandbox.run(&["registry", "list"]).code, 0);
}
