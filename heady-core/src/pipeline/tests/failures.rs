//! What a run does when something fails, and what it refuses to call a success.

use super::*;

on_both_databases!(
    what_has_no_handler_fails_before_anything_is_done,
    collecting_goes_on_without_what_is_missing,
    a_failure_undoes_what_was_done_in_reverse,
    a_failed_compensation_is_not_hidden,
    always_stages_are_executed_after_a_failure,
    retries_follow_the_policy,
    time_limits_are_kept,
    a_panic_is_a_failure_of_its_task,
    a_failure_is_recorded_whatever_its_words,
    stop_rules_stop,
    a_paused_run_is_resumed_or_cancelled,
    a_cancelled_run_is_undone,
    a_failed_run_continues_from_its_failing_task,
    a_resumed_run_does_undone_tasks_again,
    rights_are_checked_before_the_first_task,
    a_breaker_spares_attempts,
    at_most_once_is_never_repeated,
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

const UNDOABLE: &str = "    - {id: one, parallel: no, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t}]}
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

async fn retries_follow_the_policy(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let yaml = "pipeline:
  name: r
  global: {maxRetries: 2, retryBackoffMs: [1, 30], jitterEnabled: off}
  stages:
    - id: s
      onFailure: collectAll
      tasks:
        - {name: third, uses: t, with: {failUntil: 3}}
        - {name: never, uses: t, with: {fail: UNAVAILABLE}}
        - {name: hard, uses: t, with: {fail: INVALID_ARGUMENT}}
        - {name: listed, uses: t, with: {fail: ABORTED}, retry: {nonRetryable: [ABORTED]}}
        - {name: once, uses: t, with: {fail: UNAVAILABLE}, retry: {maxAttempts: 1}}";
    let start = StartRun {
        definition: Some(Json(Value::String(yaml.into()))),
        ..StartRun::default()
    };
    let run = pipeline.run(start).await.unwrap();
    assert_sound(&run);
    let attempts = tasks(&run, |task| (task.attempts, task.status.as_str()));
    assert_eq!(attempts["third"], (3, "SUCCEEDED"));
    assert_eq!(attempts["never"], (3, "FAILED"));
    assert_eq!(attempts["hard"], (1, "FAILED"));
    assert_eq!(attempts["listed"], (1, "FAILED"));
    assert_eq!(attempts["once"], (1, "FAILED"));
    assert_eq!(run.metrics.retried_tasks, 2);
    let retryable = tasks(&run, |task| {
        task.error.as_ref().map(|error| error.retryable)
    });
    assert_eq!(
        (retryable["never"], retryable["listed"]),
        (Some(true), Some(false))
    );
    let third = run.stages[0]
        .tasks
        .iter()
        .find(|task| task.name == "third")
        .unwrap();
    assert!(
        third.duration_ms.unwrap() >= 31.0,
        "the waits are part of it: {:?}",
        third.duration_ms
    );
}

async fn time_limits_are_kept(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline
        .run(of(
            "    - {id: one, tasks: [{name: slow, uses: t, with: {ms: 60000}, timeoutMs: 30}]}",
        ))
        .await
        .unwrap();
    let error = run.stages[0].tasks[0].error.clone().unwrap();
    assert_eq!(
        (error.code.as_str(), error.retryable),
        ("DEADLINE_EXCEEDED", true)
    );
    let run = pipeline
        .run(of("    - {id: one, timeoutMs: 50, parallel: no, tasks: [{name: slow, uses: t, with: {ms: 60000}}, {name: next, uses: t}]}"))
        .await
        .unwrap();
    assert_eq!(
        statuses(&run),
        [("slow".into(), "FAILED"), ("next".into(), "SKIPPED")]
    );
    assert_eq!(run.error.as_ref().unwrap().code, "DEADLINE_EXCEEDED");
    assert_sound(&run);
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

fn with_rule(rule: &str, stages: &str) -> StartRun {
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

async fn a_paused_run_is_resumed_or_cancelled(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let stages = "    - {id: one, onFailure: {quorum: 1}, tasks: [{name: a, uses: t}, {name: b, uses: t, with: {fail: DATA_LOSS}}]}\n    - {id: two, tasks: [{name: c, uses: t}]}";
    let rule = "{type: data_integrity_failure, action: pause_and_escalate}";
    for cancel in [true, false] {
        let run = pipeline.run(with_rule(rule, stages)).await.unwrap();
        assert_eq!((run.status, run.finished_at), (RunStatus::Paused, None));
        assert!(run.error.as_ref().unwrap().message.contains("corrupt"));
        if cancel {
            let run = pipeline.cancel(run.run_id.as_str()).await.unwrap();
            assert_eq!(run.status, RunStatus::Cancelled);
            assert_sound(&run);
            let query = AuditQuery {
                target: Some(format!("run:{}", run.run_id)),
                ..AuditQuery::default()
            };
            let entries = Audit::new(store.clone()).list(query).await.unwrap().entries;
            let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
            assert_eq!(actions, ["RUN_FINISH", "RUN_CANCEL", "RUN_START"]);
        } else {
            // The rule still holds, so it pauses again before the next stage: a person is asked each time.
            let again = pipeline.resume(run.run_id.as_str()).await.unwrap();
            let again = pipeline.wait(again.run_id.as_str()).await.unwrap();
            assert_eq!(again.status, RunStatus::Paused);
        }
    }
}

async fn a_cancelled_run_is_undone(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let start = of("    - {id: one, tasks: [{name: a, uses: t, compensate: {uses: t}}]}
    - {id: two, tasks: [{name: b, uses: t, with: {ms: 60000}, compensate: {uses: t}}, {name: c, uses: t, dependsOn: [b]}]}
    - {id: three, always: true, tasks: [{name: d, uses: t}]}");
    let run = pipeline.start(start).await.unwrap();
    while log.lines().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let live = pipeline.get(run.run_id.as_str()).await.unwrap();
    assert_eq!(
        (live.stages[1].status, live.stages[1].tasks[0].status),
        (StageStatus::Running, StageStatus::Running)
    );
    pipeline.cancel(run.run_id.as_str()).await.unwrap();
    let run = pipeline.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(run.status, RunStatus::Cancelled, "{run:#?}");
    assert_sound(&run);
    assert_eq!(run.error.as_ref().unwrap().code, "CANCELLED");
    assert_eq!(
        statuses(&run)[1..],
        [
            ("b".into(), "CANCELLED"),
            ("c".into(), "SKIPPED"),
            ("d".into(), "SUCCEEDED")
        ]
    );
    assert_eq!(log.lines(), ["a", "b", "undo a", "d"]);
    let again = pipeline.cancel(run.run_id.as_str()).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::FailedPrecondition);
    assert_eq!(
        pipeline.cancel("none").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

async fn a_failed_run_continues_from_its_failing_task(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let mended = Arc::new(AtomicUsize::new(0));
    let seen = mended.clone();
    let handler = move |_: TaskContext, _: Json| {
        let fine = seen.load(Ordering::SeqCst) == 1;
        async move {
            if fine {
                Ok(Json::NULL)
            } else {
                Err(Error::failed_precondition("broken"))
            }
        }
    };
    pipeline.handle("fragile", handler).unwrap();
    let run = pipeline
        .run(of("    - {id: one, tasks: [{name: a, uses: t}]}
    - {id: two, onFailure: collectAll, tasks: [{name: b, uses: t}, fragile]}
    - {id: three, tasks: [{name: c, uses: t}]}
    - {id: four, always: true, tasks: [{name: d, uses: t}]}"))
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(log.lines(), ["a", "b", "d"]);
    mended.store(1, Ordering::SeqCst);
    pipeline.resume(run.run_id.as_str()).await.unwrap();
    let run = pipeline.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    assert_sound(&run);
    assert_eq!(
        log.lines()[3..],
        ["c", "d"],
        "what was done is not repeated, what is always executed ends it again"
    );
    assert_eq!(
        (run.metrics.completed_tasks, run.metrics.retried_tasks),
        (5, 0)
    );
    let done = pipeline.resume(run.run_id.as_str()).await.unwrap_err();
    assert_eq!(done.kind(), ErrorKind::FailedPrecondition);
}

async fn a_resumed_run_does_undone_tasks_again(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline.run(of(UNDOABLE)).await.unwrap();
    assert_eq!(run.status, RunStatus::Compensated);
    let before = log.lines().len();
    pipeline.resume(run.run_id.as_str()).await.unwrap();
    let again = pipeline.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(again.status, RunStatus::Compensated);
    assert_sound(&again);
    let mut lines = log.lines()[before..].to_vec();
    lines.sort();
    assert_eq!(
        lines,
        [
            "a", "c", "d", "e", "f", "undo a", "undo c", "undo d", "undo e"
        ],
        "b was never undone"
    );
    assert_eq!(again.compensations.len(), 4);
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

async fn a_breaker_spares_attempts(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let failing = "{name: NAME, uses: t, with: {fail: UNAVAILABLE}, breaker: api, retry: {maxAttempts: 20, backoff: {baseMs: 1, maxMs: 1}}}";
    let run = pipeline
        .start(of(&format!(
            "    - {{id: s, tasks: [{}]}}",
            failing.replace("NAME", "x")
        )))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        log.lines().len(),
        5,
        "the fifth failure opens it for half a minute"
    );
    pipeline.cancel(run.run_id.as_str()).await.unwrap();
    let run = pipeline.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(run.status, RunStatus::Cancelled);
    assert_sound(&run);
}

async fn at_most_once_is_never_repeated(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let run = pipeline
        .run(of("    - {id: s, tasks: [{name: a, uses: t, with: {ms: 60000}, timeoutMs: 20, effect: AT_MOST_ONCE, retry: {maxAttempts: 5}}]}"))
        .await
        .unwrap();
    assert_eq!(statuses(&run), [("a".into(), "INDETERMINATE")]);
    assert_eq!((run.metrics.failed_tasks, log.lines().len()), (1, 1));
    assert_sound(&run);
    let refused = pipeline.resume(run.run_id.as_str()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FailedPrecondition);
}
