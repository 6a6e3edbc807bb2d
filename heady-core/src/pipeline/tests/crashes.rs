//! What survives the death of a process, at every moment at which it can die.

use super::*;

on_both_databases!(
    a_crash_at_any_commit_loses_and_repeats_nothing,
    a_living_workers_run_is_not_taken,
    an_abandoned_run_is_adopted,
    a_zombie_cannot_write,
    a_commit_whose_answer_was_lost_is_found,
    a_closed_engine_hands_its_runs_back,
    a_run_waits_for_a_worker_with_its_handlers,
    an_interrupted_at_most_once_task_is_indeterminate,
);

const STAGES: &str = "    - {id: one, parallel: no, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: b, uses: t, with: {failUntil: 2}, retry: {maxAttempts: 3}}]}
    - {id: two, tasks: [{name: c, uses: t, compensate: {uses: t}}, {name: d, uses: t, with: {ms: 5}}]}
    - {id: three, onFailure: collectAll, tasks: [{name: e, uses: t, FAIL compensate: {uses: t}}]}
    - {id: four, always: true, tasks: [{name: f, uses: t}]}";

/// Runs, dies at the given moment, and has another engine continue.
async fn die_at(fresh: &Fresh, stages: &str, moment: usize) -> (PipelineRun, Vec<String>, bool) {
    let log = Log::default();
    let (first, second) = (pipeline(&fresh.open().await), pipeline(&fresh.open().await));
    log.handle(&first, "t");
    log.handle(&second, "t");
    let request = format!("moment {moment} {}", Id::new());
    let start = StartRun {
        request_id: Some(request),
        ..of(stages)
    };
    let crash = first.shared.lane.crash_at(moment);
    let running = tokio::spawn({
        let (first, start) = (first.clone(), start.clone());
        async move { first.run(start).await }
    });
    let died = tokio::select! {
        () = crash => true,
        run = running => {
            assert!(run.unwrap().is_ok());
            false
        }
    };
    first.shared.worker.die().await;
    // The same request again: begun if the crash came before the first commit, else found.
    let run = second.start(start).await.unwrap();
    let executing = second.shared.active().contains_key(&run.run_id);
    if !executing
        && !second
            .get(run.run_id.as_str())
            .await
            .unwrap()
            .status
            .is_terminal()
    {
        second.resume(run.run_id.as_str()).await.unwrap();
    }
    (
        second.wait(run.run_id.as_str()).await.unwrap(),
        log.lines(),
        died,
    )
}

async fn a_crash_at_any_commit_loses_and_repeats_nothing(fresh: Fresh) {
    for (fail, status) in [
        ("", RunStatus::Succeeded),
        ("with: {fail: NOT_FOUND},", RunStatus::Compensated),
    ] {
        let stages = STAGES.replace("FAIL", fail);
        let mut moment = 0;
        loop {
            let (run, lines, died) = die_at(&fresh, &stages, moment).await;
            assert_eq!(run.status, status, "moment {moment}: {run:#?}");
            assert_sound(&run);
            assert_recorded_once(&fresh.open().await, &run).await;
            let undone: Vec<_> = run
                .compensations
                .iter()
                .map(|undo| undo.task.as_str())
                .collect();
            assert_eq!(
                undone,
                if fail.is_empty() {
                    vec![]
                } else {
                    vec!["c", "a"]
                },
                "moment {moment}"
            );
            // An attempt whose end was not recorded may be begun again; nothing else may.
            let begun = |name: &str| lines.iter().filter(|line| *line == name).count();
            let repeated = ["a", "c", "d", "e", "f", "undo a", "undo c"]
                .iter()
                .filter(|name| begun(name) > 1)
                .count();
            assert!(repeated <= 2, "moment {moment}: {lines:?}");
            if !died {
                break;
            }
            moment += 1;
        }
        assert!(moment >= 16, "there are more commits than {moment}");
    }
}

async fn assert_recorded_once(store: &Store, run: &PipelineRun) {
    let rows = store
        .fetch_all(
            "SELECT item_key, kind, count(*) AS n FROM pipeline_stage_runs WHERE pipeline_run_id = $1 AND status = 'SUCCEEDED'
             GROUP BY stage_num, item_key, kind",
            vec![crate::store::Arg::uuid(&run.run_id)],
        )
        .await
        .unwrap();
    for row in &rows {
        assert_eq!(
            row.get::<i64>("n").unwrap(),
            1,
            "{}",
            row.get::<String>("item_key").unwrap()
        );
    }
}

/// A run that hangs in its second task, on an engine that lives on.
async fn hanging(fresh: &Fresh, log: &Log) -> (Pipeline, PipelineRun) {
    let first = pipeline(&fresh.open().await);
    log.handle(&first, "t");
    first
        .handle("hang", |_: TaskContext, _: Json| std::future::pending())
        .unwrap();
    let run = first
        .start(of(
            "    - {id: s, parallel: no, tasks: [{name: a, uses: t}, hang, {name: b, uses: t}]}",
        ))
        .await
        .unwrap();
    loop {
        let now = first.get(run.run_id.as_str()).await.unwrap();
        if now.stages[0].tasks[1].status == StageStatus::Running {
            return (first, now);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn a_living_workers_run_is_not_taken(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    let second = pipeline(&fresh.open().await);
    log.handle(&second, "t");
    log.handle(&second, "hang");
    let refused = second.resume(run.run_id.as_str()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::FailedPrecondition, "{refused:?}");
    first.shared.worker.die().await;
    second.resume(run.run_id.as_str()).await.unwrap();
    let run = second.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(
        (run.status, log.lines()),
        (
            RunStatus::Succeeded,
            vec!["a".into(), "hang".into(), "b".into()]
        )
    );
}

async fn an_abandoned_run_is_adopted(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    let second = pipeline(&fresh.open().await);
    log.handle(&second, "t");
    log.handle(&second, "hang");
    second.start_worker();
    first.shared.worker.die().await;
    let run = tokio::time::timeout(Duration::from_secs(20), second.wait(run.run_id.as_str()))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (run.status, log.lines()),
        (
            RunStatus::Succeeded,
            vec!["a".into(), "hang".into(), "b".into()]
        )
    );
}

async fn a_zombie_cannot_write(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    let store = fresh.open().await;
    let second = pipeline(&store);
    log.handle(&second, "t");
    log.handle(&second, "hang");
    let fence = queries::run_by_id(&store, &run.run_id).await.unwrap().fence;
    let zombie = first.shared.journal(&run.run_id, fence);
    first.shared.worker.die().await;
    second.resume(run.run_id.as_str()).await.unwrap();
    let run = second.wait(run.run_id.as_str()).await.unwrap();

    let row = queries::stage_rows(&store, &run.run_id).await.unwrap()[0].clone();
    let mut late = zombie.transition();
    late.rows.push(journal::StageRow {
        item: "zombie".into(),
        status: StageStatus::Failed,
        ..row.clone()
    });
    assert_eq!(
        zombie.write(late).await.unwrap_err().kind(),
        ErrorKind::Aborted
    );
    let mut late = zombie.transition();
    late.change = Some(RunChange {
        status: RunStatus::Failed,
        finished_at: None,
        result: None,
        release: true,
    });
    late.audit
        .push(Record::new("zombie", "RUN_FINISH", "run", "FAILED"));
    assert_eq!(
        zombie.write(late).await.unwrap_err().kind(),
        ErrorKind::Aborted
    );
    let statement =
        statement::Statement::split(&json!({"statements": [{"sql": "DELETE FROM nodes"}]}))
            .unwrap()
            .1;
    assert_eq!(
        zombie.write_with(row, statement).await.unwrap_err().kind(),
        ErrorKind::Aborted
    );
    assert_eq!(second.get(run.run_id.as_str()).await.unwrap(), run);
    let query = AuditQuery {
        actor: Some("zombie".into()),
        ..AuditQuery::default()
    };
    assert!(
        Audit::new(store)
            .list(query)
            .await
            .unwrap()
            .entries
            .is_empty(),
        "what did not happen is not in the log"
    );
}

async fn a_commit_whose_answer_was_lost_is_found(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    let store = fresh.open().await;
    let fence = queries::run_by_id(&store, &run.run_id).await.unwrap().fence;
    let journal = first.shared.journal(&run.run_id, fence);
    let attempt = |attempt: i64| {
        let row = journal::StageRow {
            kind: journal::Kind::Task,
            stage: 0,
            stage_id: "s".into(),
            item: "booked".into(),
            iteration: 0,
            attempt,
            seq: 100 + attempt,
            status: StageStatus::Succeeded,
            started_at: run.started_at,
            finished_at: Some(run.started_at),
            duration_ms: Some(1.0),
            simulated: false,
            output: Some(json!({"attempt": attempt})),
            error: None,
        };
        let id = format!("booking-{attempt}");
        let insert = "INSERT INTO services (id, name, base_url) VALUES ($1, $1, '')";
        let returned = json!({"statements": [{"sql": insert, "args": [id]}]});
        journal.write_with(row, statement::Statement::split(&returned).unwrap().1)
    };
    let mark = async || {
        let text = "SELECT mark FROM registry_revision";
        let row = store.fetch_optional(text, vec![]).await.unwrap().unwrap();
        row.get::<Id>("mark").unwrap()
    };
    let before = mark().await;
    let committed = attempt(1).await.unwrap();
    assert_ne!(
        mark().await,
        before,
        "nobody changes services on memory now"
    );
    // Nobody learned of it, so the task is tried again.
    let found = attempt(2).await.unwrap();
    assert_eq!((found.attempt, found.output), (1, committed.output));
    let services = first.shared.tools.registry.list_services().await.unwrap();
    let ids: Vec<_> = services
        .services
        .iter()
        .map(|service| service.id.as_str())
        .collect();
    assert_eq!(ids, ["booking-1"]);
}

async fn a_closed_engine_hands_its_runs_back(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    first.close().await;
    let refused = first
        .start(of("    - {id: s, tasks: [{name: a, uses: t}]}"))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let store = fresh.open().await;
    let row = queries::run_by_id(&store, &run.run_id).await.unwrap();
    assert_eq!((row.status, row.owner), (RunStatus::Running, None));
    let second = pipeline(&store);
    log.handle(&second, "t");
    log.handle(&second, "hang");
    second.resume(run.run_id.as_str()).await.unwrap();
    assert_eq!(
        second.wait(run.run_id.as_str()).await.unwrap().status,
        RunStatus::Succeeded
    );
    assert_eq!(
        queries::run_by_id(&store, &run.run_id)
            .await
            .unwrap()
            .recoveries,
        0,
        "that was no crash"
    );
}

async fn a_run_waits_for_a_worker_with_its_handlers(fresh: Fresh) {
    let log = Log::default();
    let (first, run) = hanging(&fresh, &log).await;
    first.shared.worker.die().await;
    let without = pipeline(&fresh.open().await);
    without.shared.adopt().await.unwrap();
    let refused = without.resume(run.run_id.as_str()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    assert!(refused.message().contains("s/hang"), "{refused}");
    assert_eq!(
        without.get(run.run_id.as_str()).await.unwrap().status,
        RunStatus::Running
    );
    let with = pipeline(&fresh.open().await);
    log.handle(&with, "t");
    log.handle(&with, "hang");
    with.shared.adopt().await.unwrap();
    assert_eq!(
        with.wait(run.run_id.as_str()).await.unwrap().status,
        RunStatus::Succeeded
    );
}

async fn an_interrupted_at_most_once_task_is_indeterminate(fresh: Fresh) {
    let log = Log::default();
    let first = pipeline(&fresh.open().await);
    log.handle(&first, "t");
    let begun = Arc::new(AtomicUsize::new(0));
    let count = begun.clone();
    let handler = move |_: TaskContext, _: Json| {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::pending()
    };
    first.handle("pay", handler).unwrap();
    let run = first
        .start(of("    - {id: s, parallel: no, tasks: [{name: a, uses: t, compensate: {uses: t}}, {name: pay, effect: AT_MOST_ONCE}]}"))
        .await
        .unwrap();
    while begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    first.shared.worker.die().await;
    let second = pipeline(&fresh.open().await);
    log.handle(&second, "t");
    log.handle(&second, "pay");
    second.resume(run.run_id.as_str()).await.unwrap();
    let run = second.wait(run.run_id.as_str()).await.unwrap();
    assert_eq!(
        statuses(&run),
        [("a".into(), "SUCCEEDED"), ("pay".into(), "INDETERMINATE")]
    );
    assert_eq!(
        (run.status, log.lines()),
        (RunStatus::Compensated, vec!["a".into(), "undo a".into()])
    );
    assert_sound(&run);
}
