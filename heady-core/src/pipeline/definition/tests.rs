//! What the reader takes, and what it says about the rest.

use serde_json::{Value, json};

use super::*;
use crate::document::parse_yaml;

fn read(yaml: &str) -> Result<Definition> {
    Definition::read(&parse_yaml(yaml).unwrap())
}

fn error(stages: &str) -> String {
    read(&format!("pipeline:\n  name: x\n  stages:\n{stages}"))
        .unwrap_err()
        .message()
        .to_owned()
}

const OURS: &str = r#"
version: "1"
pipeline:
  name: Nightly Build (v2)
  global: {maxConcurrentTasks: 4, maxRetries: 2, retryBackoffMs: [100, 300], jitterEnabled: off, seed: 42, speedPriority: on}
  stopRule:
    conditions:
      - {type: error_rate, threshold: 0.15, action: enter_recovery}
      - {type: user_queue_empty, action: allow_background}
      - {type: data_integrity_failure, action: sing}
  stages:
    - id: 1
      name: One
      tasks:
        - scan
        - scan
        - {run: scripts/x.sh, args: "--all 'two words'"}
        - {run: scripts/y.ps1}
        - name: fetch
          uses: http.request
          with: {url: "http://127.0.0.1/"}
          dependsOn: [scan]
          effect: idempotent
          retry: {maxAttempts: 4, backoff: {baseMs: 200, maxMs: 1000}, nonRetryable: [INVALID_ARGUMENT]}
          timeoutMs: 5000
          breaker: upstream
          duration: {pert: {min: 1, mode: 2.5, max: 6}}
          compensate: {uses: undo, with: {a: 1}}
        - {name: once, effect: AT_MOST_ONCE}
      mcConfig: {speedPriority: "on"}
    - {id: two, dependsOn: [1], parallel: no, onFailure: {quorum: 1}, always: true, timeoutMs: 1000, tasks: [a]}
    - {id: three, onFailure: collectAll, tasks: []}
"#;

#[test]
fn every_form_of_a_task_is_understood() {
    let definition = read(OURS).unwrap();
    assert_eq!(
        (
            definition.id.as_str(),
            definition.max_concurrent_tasks,
            definition.seed
        ),
        ("nightly-build-v2", Some(4), Some(42))
    );
    let ids: Vec<_> = definition
        .stages
        .iter()
        .map(|stage| stage.id.as_str())
        .collect();
    assert_eq!(
        ids,
        ["1", "three", "two"],
        "Kahn's order with a queue in file order"
    );
    let tasks = &definition.stages[0].tasks;
    let names: Vec<_> = tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "scan",
            "scan#2",
            "scripts/x.sh",
            "scripts/y.ps1",
            "fetch",
            "once"
        ]
    );
    assert_eq!(
        (tasks[1].uses.as_str(), tasks[1].effect),
        ("scan", Effect::Once)
    );
    assert_eq!(
        tasks[2].with,
        json!({"program": "scripts/x.sh", "args": ["--all", "two words"]})
    );
    assert_eq!(
        tasks[3].with,
        json!({"program": "pwsh", "args": ["-File", "scripts/y.ps1"]})
    );
    assert_eq!(
        (tasks[3].uses.as_str(), tasks[3].script.as_deref()),
        ("process.run", Some("scripts/y.ps1"))
    );
    let fetch = &tasks[4];
    assert_eq!(
        (fetch.depends_on.as_slice(), fetch.effect),
        ([0].as_slice(), Effect::Idempotent)
    );
    assert_eq!((fetch.retry.max_attempts, fetch.retry.jitter), (4, false));
    assert_eq!(fetch.compensate.as_ref().unwrap().with, json!({"a": 1}));
    assert_eq!(
        (tasks[0].retry.max_attempts, tasks[5].retry.max_attempts),
        (3, 1),
        "at most once is never repeated"
    );
    let two = &definition.stages[2];
    assert_eq!(
        (two.parallel, two.always, two.on_failure),
        (false, true, OnFailure::Quorum(1))
    );
    assert_eq!(
        definition.stop_rules,
        [
            StopRule {
                condition: StopCondition::ErrorRate(0.15),
                action: StopAction::EnterRecovery
            },
            StopRule {
                condition: StopCondition::DataIntegrityFailure,
                action: StopAction::Pause
            },
        ]
    );
    let codes: Vec<_> = definition
        .warnings
        .iter()
        .map(|warning| (warning.code.as_str(), warning.path.as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            ("UNKNOWN_KEY", "pipeline.global.speedPriority"),
            ("UNKNOWN_KEY", "pipeline.stages[0].mcConfig"),
            ("EMPTY_STAGE", "pipeline.stages[2]"),
            ("STOP_RULE_NOT_MEASURED", "pipeline.stopRule.conditions[1]"),
            (
                "STOP_ACTION_UNKNOWN",
                "pipeline.stopRule.conditions[2].action"
            ),
        ]
    );
}

#[test]
fn a_text_seed_is_hashed() {
    let definition =
        read("pipeline: {name: x, global: {seed: abc}, stages: [{id: a, tasks: [t]}]}").unwrap();
    assert_eq!(definition.seed, Some(crate::types::seed_of_text("abc")));
}

#[test]
fn mistakes_are_named_with_their_path() {
    for (stages, message) in [
        (
            "    - {id: a, tasks: [{name: t, uzes: x}]}",
            "pipeline.stages[0].tasks[0].uzes: unknown key; did you mean 'uses'?",
        ),
        (
            "    - {id: a, task: [t]}",
            "pipeline.stages[0].task: unknown key; did you mean 'tasks'?",
        ),
        (
            "    - {id: a, tasks: [{name: t, retry: {maxAttempts: 0}}]}",
            "pipeline.stages[0].tasks[0].retry.maxAttempts: must be an integer between 1 and 1001, not 0",
        ),
        (
            "    - {id: a, tasks: [{name: t, retry: {backoff: {baseMs: 1, capMs: 2}}}]}",
            "pipeline.stages[0].tasks[0].retry.backoff.capMs: unknown key; did you mean 'maxMs'?",
        ),
        (
            "    - {id: a, tasks: [{name: t, dependsOn: [u]}]}",
            "pipeline.stages[0].tasks[0].dependsOn: this stage has no task 'u'",
        ),
        (
            "    - {id: a, tasks: [{name: t}, {name: t}]}",
            "pipeline.stages[0].tasks[1].name: another task of this stage is called 't'",
        ),
        (
            "    - {id: a, tasks: [{name: t, dependsOn: [u]}, {name: u, dependsOn: [t]}]}",
            "pipeline.stages[0].tasks: wait for each other in a circle: t -> u -> t",
        ),
        (
            "    - {id: a, tasks: [{args: x}]}",
            "pipeline.stages[0].tasks[0]: a task is a text, {run, args} or has a name or uses",
        ),
        (
            "    - {id: a, tasks: [{run: x, args: \"'\"}]}",
            "pipeline.stages[0].tasks[0].args: has a quote without its end",
        ),
        (
            "    - {id: a, onFailure: {quorum: 2}, tasks: [t]}",
            "pipeline.stages[0].onFailure.quorum: must be an integer between 1 and 1, not 2",
        ),
        (
            "    - {id: a, onFailure: later, tasks: [t]}",
            "pipeline.stages[0].onFailure: must be failFast, collectAll or {quorum: n}, not \"later\"",
        ),
        (
            "    - {id: a}\n    - {id: a}",
            "pipeline.stages[1]: another stage has the id 'a'",
        ),
        (
            "    - {id: a, dependsOn: [b]}",
            "stage 'a': dependsOn names 'b', which is no stage",
        ),
        (
            "    - {id: a, dependsOn: [b]}\n    - {id: b, dependsOn: [a]}",
            "the stages wait for each other in a circle: a -> b -> a",
        ),
        (
            "    - {id: a, tasks: [{name: t, effect: MAYBE}]}",
            "pipeline.stages[0].tasks[0].effect: must be PURE, IDEMPOTENT, EFFECT, TRANSACTIONAL or AT_MOST_ONCE, not \"MAYBE\"",
        ),
        (
            "    - {id: a, tasks: [{name: t, timeoutMs: 0}]}",
            "pipeline.stages[0].tasks[0].timeoutMs: must be between 1 and 8640000000, not 0",
        ),
        (
            "    - {id: true}",
            "pipeline.stages[0].id: must be a text or an integer, not true",
        ),
    ] {
        assert_eq!(error(stages), message);
    }
    assert_eq!(
        read("pipeline: {}").unwrap_err().message(),
        "pipeline.name: is missing"
    );
    assert_eq!(
        read("version: '1'").unwrap_err().message(),
        "pipeline: is missing"
    );
    assert!(
        read("pipeline: {name: x, stages: []}")
            .unwrap_err()
            .message()
            .starts_with("pipeline.stages: must have 1 to")
    );
    assert!(
        read("pipeline: {name: x, global: {seed: -1}}")
            .unwrap_err()
            .message()
            .starts_with("pipeline.global.seed: seed -1")
    );
}

#[test]
fn without_stages_the_nine_of_the_blueprint_are_meant() {
    let document = json!({"pipeline": {"name": "HCFullPipeline"}});
    let definition = Definition::read(&document).unwrap();
    let ids: Vec<_> = definition
        .stages
        .iter()
        .map(|stage| stage.id.as_str())
        .collect();
    assert_eq!(ids, Definition::hostable(&document));
    assert_eq!(
        definition.task_count(),
        7,
        "ingest and execute have none of their own"
    );

    let tasks = |input: Value, hosted: &[&str]| {
        let hosted: Vec<_> = hosted.iter().map(|id| (*id).to_owned()).collect();
        let definition = Definition::for_run(&document, &input, &hosted)?;
        let all = definition
            .stages
            .into_iter()
            .flat_map(|stage| stage.tasks)
            .map(|task| task.name);
        Ok::<Vec<_>, Error>(
            all.filter(|name| !Definition::hostable(&document).contains(&name.as_str()))
                .collect(),
        )
    };
    assert_eq!(tasks(json!(null), &[]).unwrap(), [""; 0]);
    assert_eq!(
        tasks(
            json!({"tasks": ["a", {"name": "b", "with": {"x": 1}}, "a"]}),
            &[]
        )
        .unwrap(),
        ["a", "b", "a#2"]
    );
    assert_eq!(
        tasks(json!({"tasks": {"ingest": ["a"]}}), &["optimize"]).unwrap(),
        ["a", "optimize#2"]
    );
    assert!(
        tasks(json!({"tasks": ["process.run"]}), &[])
            .unwrap_err()
            .message()
            .contains("task of the engine")
    );
    assert!(tasks(json!({"tasks": {"plan": ["a"]}}), &[]).is_err());
    let with = Definition::for_run(
        &document,
        &json!({"tasks": [{"name": "b", "with": {"x": 1}}]}),
        &[],
    )
    .unwrap();
    assert_eq!(with.stages[3].tasks[0].with, json!({"x": 1}));
}
