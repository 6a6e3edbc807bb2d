//! Runs that are paused, cancelled and resumed.

use super::failures::{UNDOABLE, with_rule};
use super::*;
use crate::store::Arg;

on_both_databases!(
    a_paused_run_is_resumed_or_cancelled,
    a_cancelled_run_is_undone,
    a_failed_run_continues_from_its_failing_task,
    a_resumed_run_does_undone_tasks_again,
    a_caller_who_leaves_early_does_not_leave_a_run_that_nobody_executes,
    a_caller_who_leaves_a_resume_does_not_leave_a_run_that_nobody_executes,
    a_caller_who_leaves_a_cancel_does_not_leave_a_run_that_nobody_undoes,
);

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

/// Makes a call, and leaves it as soon as this can be seen in the database.
async fn leave<T: std::fmt::Debug>(
    call: impl Future<Output = Result<T>>,
    seen: impl AsyncFn() -> bool,
) {
    tokio::select! {
        biased;
        () = async { while !seen().await {} } => {}
        called = call => { called.unwrap(); }
    }
}

/// The run when it has ended; that it never does is a failure.
async fn end(pipeline: &Pipeline, run: &PipelineRun) -> PipelineRun {
    let ended = tokio::time::timeout(Duration::from_mins(1), pipeline.wait(run.run_id.as_str()));
    ended.await.expect("somebody executes the run").unwrap()
}

async fn a_caller_who_leaves_early_does_not_leave_a_run_that_nobody_executes(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let runs = async || pipeline.list(RunQuery::default()).await.unwrap().runs;
    for known in 1..=10 {
        let start = of("    - {id: one, tasks: [{name: a, uses: t}]}");
        leave(pipeline.start(start), async || runs().await.len() == known).await;
    }
    for run in runs().await {
        let run = pipeline.get(run.run_id.as_str()).await.unwrap();
        assert_eq!(end(&pipeline, &run).await.status, RunStatus::Succeeded);
    }
}

async fn a_caller_who_leaves_a_resume_does_not_leave_a_run_that_nobody_executes(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, attempts) = (pipeline(&store), AtomicUsize::new(0));
    let handler = move |_: TaskContext, _: Json| {
        // Each run fails, and succeeds when it is resumed.
        let resumed = attempts.fetch_add(1, Ordering::SeqCst) % 2 == 1;
        async move {
            if resumed {
                Ok(Json::NULL)
            } else {
                Err(Error::failed_precondition("broken"))
            }
        }
    };
    pipeline.handle("fragile", handler).unwrap();
    for _ in 0..10 {
        let start = of("    - {id: one, tasks: [fragile]}");
        let run = pipeline.run(start).await.unwrap();
        assert_eq!(run.status, RunStatus::Failed);
        let status = async || {
            queries::run_by_id(&store, &run.run_id)
                .await
                .unwrap()
                .status
        };
        let taken = async || status().await != RunStatus::Failed;
        leave(pipeline.resume(run.run_id.as_str()), taken).await;
        assert_eq!(end(&pipeline, &run).await.status, RunStatus::Succeeded);
    }
}

async fn a_caller_who_leaves_a_cancel_does_not_leave_a_run_that_nobody_undoes(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let stages = "    - {id: one, onFailure: {quorum: 1}, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t, with: {fail: DATA_LOSS}}]}\n    - {id: two, tasks: [{name: c, uses: t}]}";
    let rule = "{type: data_integrity_failure, action: pause_and_escalate}";
    for n in 0..10 {
        let run = pipeline.run(with_rule(rule, stages)).await.unwrap();
        assert_eq!(run.status, RunStatus::Paused);
        let requested = async || {
            let requested =
                "SELECT id FROM pipeline_runs WHERE id = $1 AND cancel_requested_at IS NOT NULL";
            let row = store
                .fetch_optional(requested, vec![Arg::uuid(&run.run_id)])
                .await;
            row.unwrap().is_some()
        };
        let taken = async || {
            let row = queries::run_by_id(&store, &run.run_id).await.unwrap();
            row.status != RunStatus::Paused
        };
        let cancel = pipeline.cancel(run.run_id.as_str());
        if n % 2 == 0 {
            leave(cancel, requested).await;
        } else {
            leave(cancel, taken).await;
        }
        let ended = async {
            while !taken().await {}
            end(&pipeline, &run).await
        };
        let ended = tokio::time::timeout(Duration::from_mins(1), ended).await;
        let ended = ended.expect("somebody undoes the run");
        assert_eq!(ended.status, RunStatus::Cancelled);
        assert_eq!(ended.compensations.len(), 1);
    }
}
