//! The command as a user meets it.

use serde_json::{Value, json};

use crate::sandbox::{Outcome, Sandbox, example};

fn tasks(run: &Value) -> Vec<&Value> {
    run["stages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stage| stage["tasks"].as_array().unwrap())
        .collect()
}

/// Fields that a run and its repetition share.
fn assert_adds_up(run: &Value) {
    let metrics = &run["metrics"];
    let count = |name: &str| metrics[name].as_i64().unwrap();
    assert_eq!(
        count("completedTasks") + count("failedTasks") + count("skippedTasks"),
        count("totalTasks")
    );
    assert_eq!(tasks(run).len() as i64, count("totalTasks"));
}

#[test]
fn the_example_does_real_work_and_succeeds() {
    let sandbox = Sandbox::new();
    let arguments = [
        "run",
        "examples/hcfullpipeline.yaml",
        "--registry",
        "examples/heady-registry.json",
        "--allow",
        "cargo",
        "--json",
    ];
    // From the root of the repository, as the README says: the example takes stock of it.
    let database = format!("sqlite:{}", sandbox.path("heady.db").display());
    let mut command = sandbox.heady(&arguments);
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("HEADY_DATABASE_URL", database);
    let outcome = Outcome::of(command.output().unwrap());
    let run: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(outcome.code, 0, "{run:#}");
    assert_eq!(run["status"], "SUCCEEDED");
    // Progress goes to stderr, in lines where there is no terminal.
    assert!(outcome.stderr.contains("engine-source"), "{outcome:?}");
    assert_adds_up(&run);
    assert_eq!(run["stages"].as_array().unwrap().len(), 9);
    let ids: Vec<&str> = run["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids[..4], ["channel-entry", "ingest", "plan", "execute"]);
    let source = tasks(&run)
        .into_iter()
        .find(|task| task["name"] == "engine-source")
        .unwrap();
    assert!(source["output"]["files"].as_i64().unwrap() > 50, "{source}");
    assert_eq!(run["simulated"], false);
    assert!(run["forecast"]["durationMs"]["quantiles"].is_array());

    // The same as text, and in the list.
    let shown = sandbox.run(&["runs", "show", run["runId"].as_str().unwrap()]);
    assert_eq!(shown.code, 0);
    for word in ["SUCCEEDED", "Ingest", "forecast"] {
        assert!(
            shown.stdout.to_lowercase().contains(&word.to_lowercase()),
            "{word}: {}",
            shown.stdout
        );
    }
    let (_, list) = sandbox.json(&["runs"]);
    assert_eq!(list["runs"][0]["runId"], run["runId"]);
    assert_eq!(list["runs"][0]["metrics"], run["metrics"]);

    // The API of the run is gone from the registry with the run.
    let export: Value = serde_json::from_str(&sandbox.run(&["export"]).stdout).unwrap();
    let services = export["services"].as_array().unwrap();
    assert!(!services.is_empty());
    assert!(services.iter().all(|service| service["id"] != "heady"));
}

#[test]
fn from_the_sixth_run_on_the_forecast_uses_what_was_observed() {
    let sandbox = Sandbox::new();
    let pipeline = sandbox.write(
        "history.yaml",
        "pipeline:\n  name: history\n  stages:\n    - id: only\n      tasks:\n        - {name: look, uses: files.inventory, with: {root: .}}\n",
    );
    let arguments = ["run", pipeline.to_str().unwrap(), "--seed", "1"];
    let assumed = |run: &Value| run["forecast"]["tasks"][0]["assumed"].clone();
    for _ in 0..5 {
        let (code, run) = sandbox.json(&arguments);
        assert_eq!((code, assumed(&run)), (0, json!(true)));
    }
    let (_, sixth) = sandbox.json(&arguments);
    assert_eq!(assumed(&sixth), false);
    let expected = sixth["forecast"]["tasks"][0]["p95"].as_f64().unwrap();
    let actual = sixth["stages"][0]["tasks"][0]["durationMs"]
        .as_f64()
        .unwrap();
    // The default assumes seconds; looking at one folder takes milliseconds.
    assert!(
        expected < 1000.0,
        "expected {expected} ms, took {actual} ms"
    );
}

#[test]
fn a_failure_is_undone_in_reverse_and_is_exit_code_1() {
    let sandbox = Sandbox::new();
    let (code, run) = sandbox.json(&["run", &example("failing.yaml"), "--allow", "cargo"]);
    assert_eq!((code, &run["status"]), (1, &json!("COMPENSATED")));
    assert_adds_up(&run);
    let undone: Vec<&str> = run["compensations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|undone| undone["task"].as_str().unwrap())
        .collect();
    assert_eq!(undone, ["take-stock", "reserve-capacity"]);
    let status = |name: &str| {
        tasks(&run)
            .into_iter()
            .find(|task| task["name"] == name)
            .unwrap()["status"]
            .clone()
    };
    assert_eq!(status("deploy"), "FAILED");
    assert_eq!(status("announce"), "SKIPPED");
    assert_eq!(status("tidy-up"), "SUCCEEDED");
}

#[test]
fn nothing_runs_that_nobody_allowed_or_provides() {
    let sandbox = Sandbox::new();
    let pipeline = sandbox.write(
        "users.yaml",
        "version: 1\npipeline:\n  name: users\n  global: {seed: abc}\n  stages:\n    - id: 1\n      onFailure: collectAll\n      tasks:\n        - scan\n        - {run: scripts/sync.sh, args: \"--all\"}\n",
    );
    let path = pipeline.to_str().unwrap();
    let (code, run) = sandbox.json(&["run", path]);
    assert_eq!((code, &run["status"]), (1, &json!("FAILED")));
    let codes: Vec<&Value> = tasks(&run)
        .into_iter()
        .map(|task| &task["error"]["code"])
        .collect();
    assert_eq!(codes, ["NOT_FOUND", "PERMISSION_DENIED"]);

    let (code, run) = sandbox.json(&["run", path, "--simulate"]);
    assert_eq!((code, &run["status"]), (0, &json!("SUCCEEDED")));
    assert_eq!(run["metrics"]["readinessScore"], Value::Null);
    for task in tasks(&run) {
        assert_eq!(
            (&task["simulated"], &task["output"]),
            (&json!(true), &Value::Null)
        );
    }
}

#[test]
fn a_request_id_is_carried_out_once() {
    let sandbox = Sandbox::new();
    let pipeline = sandbox.write(
        "once.json",
        r#"{"pipeline": {"name": "once", "stages": [{"id": "s", "tasks": [{"name": "look", "uses": "files.inventory", "with": {"root": "."}}]}]}}"#,
    );
    let arguments = ["run", pipeline.to_str().unwrap(), "--request-id", "r-1"];
    let (_, first) = sandbox.json(&arguments);
    let (code, second) = sandbox.json(&arguments);
    assert_eq!(code, 0);
    assert_eq!(first["runId"], second["runId"]);
}

#[test]
fn an_import_says_what_it_did_and_a_second_one_does_nothing() {
    let sandbox = Sandbox::new();
    let file = example("heady-registry.json");
    let (code, dry) = sandbox.json(&["import", &file, "--dry-run"]);
    assert_eq!(code, 0);
    let (_, first) = sandbox.json(&["import", &file]);
    assert_eq!(dry["created"], first["created"]);
    assert!(first["created"].as_i64().unwrap() > 8);
    let (_, second) = sandbox.json(&["import", &file]);
    assert_eq!(second["entries"], json!([]));
    assert_eq!(second["unchanged"], first["created"]);

    // What is exported is what was imported, unknown sections included.
    let exported: Value = serde_json::from_str(&sandbox.run(&["export"]).stdout).unwrap();
    let imported: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(exported, imported);
}

#[test]
fn a_simulation_has_the_same_bits_on_any_number_of_threads() {
    let sandbox = Sandbox::new();
    let plan = sandbox.write(
        "plan.yaml",
        "name: p\nworkers: 2\ntasks:\n  - {id: a, duration: {pert: {min: 1, mode: 2, max: 4}}}\n  - {id: b, duration: {lognormal: {mean: 2, sd: 1}}, failure: {probability: 0.2}}\n",
    );
    let simulate = |threads: &str| {
        let arguments = [
            "simulate",
            plan.to_str().unwrap(),
            "--seed",
            "9",
            "--samples",
            "5000",
            "--threads",
            threads,
        ];
        let (code, mut simulation) = sandbox.json(&arguments);
        assert_eq!(code, 0);
        for ours in ["elapsedMs", "id"] {
            simulation.as_object_mut().unwrap().remove(ours);
        }
        simulation
    };
    assert_eq!(simulate("1"), simulate("3"));
}

#[test]
fn what_a_newcomer_gets_wrong_is_one_line_and_exit_code_2() {
    let sandbox = Sandbox::new();
    let broken = sandbox.write("broken.yaml", "pipeline:\n  name: x\n  stages: [\n");
    let broken_json = sandbox.write("broken.json", "{\"services\": [\n  {\"id\": 1,}\n]}");
    let no_database = sandbox.write("text.db", "this is no database, it only looks like a file");
    let text_url = format!("sqlite:{}", no_database.display());
    let cases: &[(&[&str], &str)] = &[
        (&["run", "missing.yaml"], "NOT_FOUND"),
        (&["run", "no-such-workflow"], "NOT_FOUND"),
        (&["run", broken.to_str().unwrap()], "INVALID_ARGUMENT"),
        (
            &["import", broken_json.to_str().unwrap()],
            "INVALID_ARGUMENT",
        ),
        (&["import", "missing.json"], "NOT_FOUND"),
        (&["resume", "no-such-run"], "NOT_FOUND"),
        (&["runs", "show", "no-such-run"], "NOT_FOUND"),
        (
            &["runs", "--database", "mysql://host/heady"],
            "INVALID_ARGUMENT",
        ),
        (
            &["runs", "--database", "sqlite:missing-folder/heady.db"],
            "NOT_FOUND",
        ),
        (
            &[
                "runs",
                "--database",
                "postgres://user:hunter2@127.0.0.1:1/heady",
            ],
            "UNAVAILABLE",
        ),
        (&["runs", "--database", &text_url], "DATA_LOSS"),
    ];
    for (arguments, code) in cases {
        let outcome = sandbox.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
        let lines: Vec<&str> = outcome
            .stderr
            .lines()
            .filter(|line| line.starts_with("heady: "))
            .collect();
        assert_eq!(lines.len(), 1, "{arguments:?}: {outcome:?}");
        assert!(lines[0].contains(code), "{arguments:?}: {}", lines[0]);
        assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);

        let (exit, value) = sandbox.json(arguments);
        assert_eq!((exit, value["error"]["code"].as_str()), (2, Some(*code)));
    }
    let (_, value) = sandbox.json(&["import", broken_json.to_str().unwrap()]);
    assert_eq!(
        (&value["error"]["line"], &value["error"]["column"]),
        (&json!(2), &json!(12))
    );
    // Usage errors are clap's.
    assert_eq!(sandbox.run(&["run"]).code, 2);
}

#[test]
fn a_machine_without_root_certificates_can_do_all_but_https() {
    let sandbox = Sandbox::new();
    let definition = |url: &str| {
        json!({"pipeline": {"name": "call", "stages": [{"id": "s", "tasks": [
            {"name": "call", "uses": "http.request", "with": {"url": url}, "retry": {"maxAttempts": 1}}
        ]}]}})
    };
    let call = |url: &str| {
        let file = sandbox.write("call.json", &definition(url).to_string());
        let mut command = sandbox.heady(&["run", file.to_str().unwrap(), "--json"]);
        command
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", "/no-such-folder");
        let outcome = Outcome::of(command.output().unwrap());
        let run: Value = serde_json::from_str(&outcome.stdout).unwrap();
        tasks(&run)[0]["error"]["code"].as_str().map(str::to_owned)
    };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        for answer in ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""] {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    assert_eq!(call(&format!("http://{address}/")), None);
    assert_eq!(
        call(&format!("https://{address}/")),
        Some("UNAVAILABLE".to_owned())
    );
    server.join().unwrap();
}
