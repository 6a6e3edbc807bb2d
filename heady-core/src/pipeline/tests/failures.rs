//! What a run does when something fails, and what it refuses to call a success.

use super::*;

on_both_databases!(
    what_has_no_handler_fails_before_anything_is_done,
    collecting_goes_on_without_what_is_missing,
    a_failure_undoes_what_was_done_in_reverse,
    a_failed_compensation_is_not_hidden,
    always_stages_are_executed_after_a_failure,
    a_panic_is_a_failure_of_its_task,
    a_failure_is_recorded_whatever_its_words,
    stop_rules_stop,
    rights_are_checked_before_the_first_task,
);

async fn what_has_no_handler_fails_before_anything_is_done(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    let run = pipeline
        .run(of("    - {id: one, tasks: [a]}\n    - {id: two, always: true, tasks: [a, missing, {run: x.ps1}, {uses: http.fetch}]}"))
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    assert_sound(&run);
    assert!(log.lines().is_empty());
    assert_eq!(stage_statuses(&run), ["SKIPPED", "FAILED"]);
    let codes = tasks(&run, |task| {
        task.error.as_ref().map(|error| error.code.clone())
    });
    assert_eq!(codes["missing"].as_deref(), Some("NOT_FOUND"));
    assert_eq!(codes["x.ps1"].as_deref(), Some("PERMISSION_DENIED"));
    assert_eq!(codes["http.fetch"].as_deref(), Some("NOT_FOUND"));
    assert_eq!(codes["a"], None);
    assert_eq!(
        (run.metrics.failed_tasks, run.metrics.readiness_score),
        (3, Some(0.0))
    );
    assert!(run.error.unwrap().message.contains("nothing was executed"));
    assert!(run.stages[1].tasks[1].started_at.is_none());
}

async fn collecting_goes_on_without_what_is_missing(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    let run = pipeline
        .run(of("    - {id: one, onFailure: {quorum: 1}, tasks: [missing, a]}\n    - {id: two, onFailure: collectAll, tasks: [missing, a, {name: c, uses: a, dependsOn: [missing]}]}\n    - {id: three, tasks: [a]}"))
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    assert_sound(&run);
    assert_eq!(log.lines(), ["a", "a"]);
    assert_eq!(stage_statuses(&run), ["SUCCEEDED", "FAILED", "SKIPPED"]);
    assert_eq!(
        run.stages[1]
            .tasks
            .iter()
            .map(|task| task.status.as_str())
            .collect::<Vec<_>>(),
        ["FAILED", "SUCCEEDED", "SKIPPED"]
    );
}

pub(super) const UNDOABLE: &str = "    - {id: one, parallel: no, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t}]}
    - id: two
      tasks:
        - {name: c, uses: t, with: {ms: 40}, compensate: {uses: t}}
        - {name: d, uses: t, compensate: {uses: t}}
        - {name: e, uses: t, with: {ms: 20}, compensate: {uses: t}}
    - {id: three, tasks: [{name: f, uses: t, with: {fail: NOT_FOUND}, compensate: {uses: t}}]}
    - {id: four, tasks: [{name: g, uses: t}]}";

async fn a_failure_undoes_what_was_done_in_reverse(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline.run(of(UNDOABLE)).await.unwrap();
    assert_eq!(run.status, RunStatus::Compensated, "{run:#?}");
    assert_sound(&run);
    let undone: Vec<_> = run
        .compensations
        .iter()
        .map(|undo| (undo.task.as_str(), undo.status.as_str()))
        .collect();
    // c took longest, so it was done last and is undone first.
    assert_eq!(
        undone,
        [
            ("c", "SUCCEEDED"),
            ("e", "SUCCEEDED"),
            ("d", "SUCCEEDED"),
            ("a", "SUCCEEDED")
        ]
    );
    assert_eq!(log.lines()[6..], ["undo c", "undo e", "undo d", "undo a"]);
    assert_eq!(
        stage_statuses(&run),
        ["SUCCEEDED", "SUCCEEDED", "FAILED", "SKIPPED"]
    );
    let error = run.error.unwrap();
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("NOT_FOUND", "stage 'three': task 'f' failed: as asked")
    );
    assert_eq!(run.critique.unwrap().findings[0].task, "three/f");
}

async fn a_failed_compensation_is_not_hidden(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline
        .run(of("    - {id: one, parallel: no, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t, retry: {maxAttempts: 2}, compensate: {uses: t, with: {fail: UNAVAILABLE}}}, {name: c, uses: t, with: {fail: NOT_FOUND}}]}"))
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    assert_sound(&run);
    let undone: Vec<_> = run
        .compensations
        .iter()
        .map(|undo| (undo.task.as_str(), undo.status.as_str(), undo.attempts))
        .collect();
    assert_eq!(undone, [("b", "FAILED", 2), ("a", "SUCCEEDED", 1)]);
    assert_eq!(
        run.compensations[0].error.as_ref().unwrap().code,
        "UNAVAILABLE"
    );
}

async fn always_stages_are_executed_after_a_failure(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline
        .run(of(
            "    - {id: one, tasks: [{name: a, uses: t, compensate: {uses: t}}]}
    - {id: two, tasks: [{name: b, uses: t, with: {fail: DATA_LOSS}}]}
    - {id: three, always: true, tasks: [{name: c, uses: t, with: {fail: ABORTED}}]}
    - {id: four, tasks: [{name: d, uses: t}]}
    - {id: five, always: true, tasks: [{name: e, uses: t}]}",
        ))
        .await
        .unwrap();
    assert_eq!(
        (run.status, stage_statuses(&run)),
        (
            RunStatus::Compensated,
            vec!["SUCCEEDED", "FAILED", "FAILED", "SKIPPED", "SUCCEEDED"]
        )
    );
    assert_sound(&run);
    assert_eq!(log.lines(), ["a", "b", "undo a", "c", "e"]);
    assert_eq!(
        run.error.unwrap().code,
        "DATA_LOSS",
        "the first failure is the run's"
    );
}

async fn a_panic_is_a_failure_of_its_task(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    let handler = |context: TaskContext, _: Json| async move {
        assert!(context.attempt > 100, "a defect of the host");
        Ok(Json::NULL)
    };
    pipeline.handle("p", handler).unwrap();
    let run = pipeline.run(of("    - {id: s, tasks: [p]}")).await.unwrap();
    let error = run.stages[0].tasks[0].error.clone().unwrap();
    assert_eq!(error.code, "INTERNAL");
    assert!(error.message.contains("a defect of the host"), "{error:?}");
}

pub(super) fn with_rule(rule: &str, stages: &str) -> StartRun {
    let yaml = format!(
        "pipeline:\n  name: rules\n  stopRule: {{conditions: [{rule}]}}\n  stages:\n{stages}"
    );
    StartRun {
        definition: Some(Json(Value::String(yaml))),
        ..StartRun::default()
    }
}

async fn a_failure_is_recorded_whatever_its_words(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    pipeline
        .handle("a", async |_, _| {
            let details = json!({"a\0": ["b\0"]});
            Err(crate::Error::invalid_argument("no\0pe").with_details(details))
        })
        .unwrap();
    let run = pipeline
        .run(of("    - {id: one, tasks: [a]}"))
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    let task = &run.stages[0].tasks[0];
    assert_eq!(task.error.as_ref().unwrap().message, "no\u{fffd}pe");
    assert_eq!(task.output.0, json!({"a\u{fffd}": ["b\u{fffd}"]}));
}

async fn stop_rules_stop(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let stages = "    - {id: one, onFailure: {quorum: 1}, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t, with: {fail: DATA_LOSS}}]}\n    - {id: two, tasks: [{name: c, uses: t}]}\n    - {id: three, always: true, tasks: [{name: d, uses: t}]}";
    for (rule, status, last) in [
        (
            "{type: error_rate, threshold: 0.25, action: enter_recovery}",
            RunStatus::Compensated,
            "d",
        ),
        (
            "{type: readiness_score, threshold: 60, action: enter_recovery}",
            RunStatus::Compensated,
            "d",
        ),
        (
            "{type: data_integrity_failure, action: halt_immediately}",
            RunStatus::Failed,
            "b",
        ),
        (
            "{type: error_rate, threshold: 0.9, action: enter_recovery}",
            RunStatus::Succeeded,
            "d",
        ),
        (
            "{type: critical_alarm, count: 1, action: halt_immediately}",
            RunStatus::Succeeded,
            "d",
        ),
    ] {
        let before = log.lines().len();
        let run = pipeline.run(with_rule(rule, stages)).await.unwrap();
        assert_eq!(run.status, status, "{rule}: {:?}", run.error);
        assert_sound(&run);
        let mut lines = log.lines()[before..].to_vec();
        if last == "b" {
            lines.sort();
            assert_eq!(lines, ["a", "b"], "{rule}");
        } else {
            assert_eq!(lines.last().unwrap(), last, "{rule}");
        }
        if status != RunStatus::Succeeded {
            assert!(
                run.error
                    .as_ref()
                    .unwrap()
                    .message
                    .starts_with("stop rule: "),
                "{:?}",
                run.error
            );
        }
    }
    let registry = &pipeline.shared.tools.registry;
    let metadata = Some(json!({"critical": true}).into());
    let options = crate::registry::RegisterService {
        id: "db".into(),
        base_url: Some("http://127.0.0.1:1".into()),
        metadata,
        ..Default::default()
    };
    registry.register_service(options).await.unwrap();
    registry
        .probe(crate::registry::ProbeOptions::default())
        .await
        .unwrap();
    let alarm = "{type: critical_alarm, count: 1, action: halt_immediately}";
    let run = pipeline.run(with_rule(alarm, stages)).await.unwrap();
    assert_eq!(
        (run.status, run.metrics.skipped_tasks),
        (RunStatus::Failed, 4)
    );
}

async fn rights_are_checked_before_the_first_task(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (allowing(&store, &["true"]), Log::default());
    log.handle(&pipeline, "a");
    for (task, code) in [
        (
            "{uses: process.run, with: {program: rm}}",
            "PERMISSION_DENIED",
        ),
        (
            "{uses: process.run, with: {program: 'true', cwd: '..'}}",
            "PERMISSION_DENIED",
        ),
        (
            "{uses: http.request, with: {url: 'https://example.com/'}}",
            "PERMISSION_DENIED",
        ),
        (
            "{uses: files.inventory, with: {root: /}}",
            "PERMISSION_DENIED",
        ),
        (
            "{name: a, compensate: {uses: process.run, with: {program: rm}}}",
            "PERMISSION_DENIED",
        ),
        ("{name: a, compensate: {uses: gone}}", "NOT_FOUND"),
    ] {
        let run = pipeline
            .run(of(&format!(
                "    - {{id: s, tasks: [a]}}\n    - {{id: t, tasks: [{task}]}}"
            )))
            .await
            .unwrap();
        assert_eq!(
            run.stages[1].tasks[0]
                .error
                .as_ref()
                .map(|error| error.code.as_str()),
            Some(code),
            "{task}"
        );
        assert!(log.lines().is_empty());
    }
    for task in [
        "{uses: process.run, with: {program: x, env: {LD_PRELOAD: y}}}",
        "{uses: process.run, with: {programm: x}}",
        "{uses: http.request, with: {url: nonsense}}",
    ] {
        let refused = pipeline
            .run(of(&format!("    - {{id: t, tasks: [{task}]}}")))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(
            refused
                .message()
                .starts_with("pipeline.stages[0].tasks[0].with."),
            "{refused}"
        );
    }
}
