//! What a run leaves behind: its list, its events, its outputs and its audit rows.

use super::*;

on_both_databases!(
    runs_are_listed_in_pages,
    events_tell_the_story,
    large_outputs_come_back_whole,
    start_and_finish_are_in_the_audit_log,
);

async fn runs_are_listed_in_pages(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    let mut ids = Vec::new();
    for _ in 0..5 {
        let run = pipeline
            .run(StartRun {
                simulate: Some(true),
                ..of("    - {id: s, tasks: [a]}")
            })
            .await
            .unwrap();
        ids.insert(0, run.run_id);
    }
    let query = RunQuery {
        limit: Some(2),
        ..RunQuery::default()
    };
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let page = pipeline
            .list(RunQuery {
                cursor,
                ..query.clone()
            })
            .await
            .unwrap();
        assert!(page.runs.len() <= 2 && page.runs.iter().all(|run| run.metrics.is_some()));
        seen.extend(page.runs.into_iter().map(|run| run.run_id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let none = RunQuery {
        status: Some(RunStatus::Failed),
        ..RunQuery::default()
    };
    assert!(pipeline.list(none).await.unwrap().runs.is_empty());
    let bad = RunQuery {
        cursor: Some("x".into()),
        ..RunQuery::default()
    };
    assert_eq!(
        pipeline.list(bad).await.unwrap_err().kind(),
        ErrorKind::InvalidArgument
    );
}

async fn events_tell_the_story(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    let watched = Arc::new(tokio::sync::Semaphore::new(0));
    let gate = watched.clone();
    pipeline
        .handle("a", move |context: TaskContext, with: Json| {
            let gate = gate.clone();
            async move {
                let _open = gate.acquire().await;
                match context.attempt {
                    1 => Err(Error::unavailable("not yet")),
                    _ => Ok(with),
                }
            }
        })
        .unwrap();
    let start = of("    - {id: s, tasks: [{name: a, retry: {maxAttempts: 2}}]}");
    let run = pipeline.start(start).await.unwrap();
    let mut events = pipeline.watch(run.run_id.as_str()).unwrap();
    watched.add_permits(1);
    let mut story = Vec::new();
    while let Some(event) = events.next().await {
        story.push(match event {
            RunEvent::StageStarted { stage } => format!("stage {stage}"),
            RunEvent::TaskStarted { task, attempt, .. } => format!("{task} {attempt}"),
            RunEvent::TaskWaits { task, error, .. } => format!("{task} waits: {}", error.code),
            RunEvent::TaskEnded { task, status, .. } => format!("{task} {status}"),
            RunEvent::StageEnded { stage, status } => format!("stage {stage} {status}"),
            RunEvent::RunChanged { status } => format!("run {status}"),
        });
    }
    assert_eq!(
        story,
        [
            "stage 0",
            "a 1",
            "a waits: UNAVAILABLE",
            "a 2",
            "a SUCCEEDED",
            "stage 0 SUCCEEDED",
            "run SUCCEEDED"
        ]
    );
    assert!(pipeline.watch(run.run_id.as_str()).is_none());
}

async fn large_outputs_come_back_whole(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    pipeline
        .handle("large", |_: TaskContext, _: Json| async {
            Ok(json!({"text": "x".repeat(600_000)}).into())
        })
        .unwrap();
    pipeline
        .handle("nul", |_: TaskContext, _: Json| async {
            Ok(json!({"a\u{0}b": 1}).into())
        })
        .unwrap();
    let run = pipeline
        .run(of(
            "    - {id: s, onFailure: collectAll, tasks: [large, nul]}",
        ))
        .await
        .unwrap();
    assert_eq!(
        run.stages[0].tasks[0].output["text"]
            .as_str()
            .unwrap()
            .len(),
        600_000
    );
    assert_eq!(
        run.stages[0].tasks[1].error.as_ref().unwrap().code,
        "INVALID_ARGUMENT"
    );
    let hot = store
        .fetch_all(
            "SELECT item_key FROM pipeline_stage_runs WHERE output IS NOT NULL",
            vec![],
        )
        .await
        .unwrap();
    assert!(hot.is_empty());
}

async fn start_and_finish_are_in_the_audit_log(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    let run = pipeline
        .run(of("    - {id: s, tasks: [a, a, a]}"))
        .await
        .unwrap();
    let target = Some(format!("run:{}", run.run_id));
    let entries = Audit::new(store)
        .list(AuditQuery {
            target,
            ..Default::default()
        })
        .await
        .unwrap()
        .entries;
    let told: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            (
                entry.action.as_str(),
                entry.status.as_str(),
                entry.actor.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("RUN_START", "SUCCEEDED", "tester"),
            ("RUN_FINISH", "SUCCEEDED", "tester")
        ]
    );
    assert_eq!(entries[0].details["completedTasks"], 3);
}
