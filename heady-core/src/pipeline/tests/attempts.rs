//! How often a task is tried, for how long, and what is never tried twice.

use super::*;

on_both_databases!(
    retries_follow_the_policy,
    time_limits_are_kept,
    a_breaker_spares_attempts,
    at_most_once_is_never_repeated,
);

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
