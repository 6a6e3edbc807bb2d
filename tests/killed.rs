//! `kill -9` at any moment, then `heady resume`: every task is recorded once, and none that was finished is repeated.
#![cfg(unix)]

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::sandbox::Sandbox;

const STAGES: usize = 6;
const TASKS: usize = 4;

/// Each task appends its key and attempt to a file: what really happened, whatever the database says.
fn pipeline(sandbox: &Sandbox) -> String {
    let script =
        "echo \"$HEADY_TASK $HEADY_IDEMPOTENCY_KEY $HEADY_ATTEMPT\" >> done.txt; sleep 0.02";
    let mut text = String::from(
        "pipeline:\n  name: killed\n  global: {maxConcurrentTasks: 3, seed: 1}\n  stages:\n",
    );
    for stage in 0..STAGES {
        text += &format!("    - id: stage-{stage}\n      tasks:\n");
        for task in 0..TASKS {
            let with = serde_json::json!({"program": "sh", "args": ["-c", script]});
            text += &format!(
                "        - {{name: t{stage}-{task}, uses: process.run, effect: IDEMPOTENT, with: {with}}}\n"
            );
        }
    }
    let path = sandbox.write("killed.yaml", &text);
    path.to_str().unwrap().to_owned()
}

/// How often each task was begun, by its own account.
fn begun(path: &Path) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
        let task = line.split(' ').next().unwrap();
        *counts.entry(task.to_owned()).or_default() += 1;
    }
    counts
}

fn finished(run: &Value) -> Vec<String> {
    run["stages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|stage| stage["tasks"].as_array().unwrap())
        .filter(|task| task["status"] == "SUCCEEDED")
        .map(|task| task["name"].as_str().unwrap().to_owned())
        .collect()
}

fn kill_and_resume(after: Duration) {
    let sandbox = Sandbox::new();
    let path = pipeline(&sandbox);
    let mut child = sandbox
        .heady(&["run", &path, "--allow", "sh"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();

    let (_, list) = sandbox.json(&["runs"]);
    let Some(run) = list["runs"].get(0) else {
        return; // Killed before the run began: there is nothing to resume, and nothing was done.
    };
    let id = run["runId"].as_str().unwrap();
    if run["status"] == "SUCCEEDED" {
        return;
    }
    let (_, before) = sandbox.json(&["runs", "show", id]);
    let recorded = finished(&before);
    let marks = begun(&sandbox.path("done.txt"));

    let (code, after) = sandbox.json(&["resume", id, "--allow", "sh"]);
    assert_eq!(
        (code, after["status"].as_str()),
        (0, Some("SUCCEEDED")),
        "{after:#}"
    );
    assert_eq!(finished(&after).len(), STAGES * TASKS);
    assert_eq!(after["metrics"]["completedTasks"], STAGES * TASKS);

    let marks_after = begun(&sandbox.path("done.txt"));
    assert_eq!(marks_after.len(), STAGES * TASKS);
    for (task, count) in &marks_after {
        assert!(*count <= 2, "{task} was begun {count} times");
        if recorded.contains(task) {
            assert_eq!(marks.get(task), Some(count), "{task} was repeated");
        }
    }
}

#[test]
fn a_killed_run_continues_without_repeating_what_was_done() {
    // Ten moments spread over the whole run; which ones exactly is different on every machine and every time.
    let salt = u64::from(std::process::id()) % 37;
    let threads: Vec<_> = (0..10_u64)
        .map(|n| {
            std::thread::spawn(move || kill_and_resume(Duration::from_millis(30 + salt + 55 * n)))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}
