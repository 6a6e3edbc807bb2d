//! What a run does when all goes well, and what it says about itself.

use super::*;

on_both_databases!(
    a_definition_is_returned_in_every_version,
    a_run_does_its_tasks_in_order_and_remembers_them,
    parallel_stages_respect_the_limit,
    a_request_is_carried_out_once,
    definitions_are_versions_and_a_run_pins_one,
    a_simulated_run_calls_nothing,
    what_is_under_way_is_no_history,
    the_built_in_stages_do_their_part,
    forecasts_learn_after_five_successes,
    engine_tasks_do_real_work,
    a_transactional_task_writes_with_its_checkpoint,
);

async fn a_run_does_its_tasks_in_order_and_remembers_them(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    for name in ["a", "b", "c", "d"] {
        log.handle(&pipeline, name);
    }
    let run = pipeline
        .run(StartRun {
            input: Some(json!({"x": 1}).into()),
            ..of("    - {id: one, parallel: no, tasks: [a, {name: b, with: {ms: 5}}]}\n    - {id: 2, tasks: [c, {name: d, dependsOn: [c]}]}")
        })
        .await
        .unwrap();
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    assert_sound(&run);
    assert_eq!(log.lines(), ["a", "b", "c", "d"]);
    assert_eq!(
        (run.seed, run.simulated, run.workflow_id.as_str()),
        (7, false, "test")
    );
    let two = &run.stages[1];
    assert_eq!(
        (two.num, two.id.as_str(), two.status),
        (1, "2", StageStatus::Succeeded)
    );
    let b = &run.stages[0].tasks[1];
    assert_eq!(
        (b.attempts, &b.output.0),
        (1, &json!({"task": "b", "attempt": 1}))
    );
    assert!(b.duration_ms.unwrap() >= 5.0 && b.started_at.unwrap() <= b.finished_at.unwrap());
    assert!(run.stages[0].finished_at.unwrap() <= two.started_at.unwrap());
    assert_eq!(
        (run.metrics.error_rate, run.metrics.completed_tasks),
        (0.0, 4)
    );
    assert_eq!(run.critique.as_ref().unwrap().score, 100);
    assert_eq!(
        pipeline.get(run.run_id.as_str()).await.unwrap(),
        run,
        "what is stored is what was returned"
    );
}

async fn parallel_stages_respect_the_limit(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    let many = vec!["{uses: t, with: {ms: 20}}"; 20].join(", ");
    let run = pipeline
        .run(of(&format!("    - {{id: s, tasks: [{many}]}}")))
        .await
        .unwrap();
    assert_eq!((run.status, log.most()), (RunStatus::Succeeded, 6));
    let names = tasks(&run, |task| task.status);
    assert!(names.contains_key("t") && names.contains_key("t#20"));
}

async fn a_request_is_carried_out_once(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    let start = StartRun {
        request_id: Some("r-1".into()),
        ..of("    - {id: s, tasks: [{name: a, with: {ms: 30}}]}")
    };
    let racers: Vec<_> = (0..5)
        .map(|_| {
            let (pipeline, start) = (pipeline.clone(), start.clone());
            tokio::spawn(async move { pipeline.run(start).await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for racer in racers {
        let run = racer.await.unwrap();
        assert_eq!(run.status, RunStatus::Succeeded);
        ids.push(run.run_id);
    }
    ids.dedup();
    assert_eq!((ids.len(), log.lines().len()), (1, 1));
    let log = Audit::new(store)
        .list(AuditQuery {
            action: Some("RUN_START".into()),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(log.entries.len(), 1, "what did not begin is not in the log");
}

async fn definitions_are_versions_and_a_run_pins_one(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    let define = |task: &str| {
        let document = json!({"pipeline": {"name": "Nightly", "global": {"maxConcurrentTasks": 2}, "stages": [{"id": "s", "tasks": [task]}]}});
        let options = DefinePipeline {
            definition: Some(document.into()),
            path: None,
        };
        let pipeline = pipeline.clone();
        async move { pipeline.define(options).await.unwrap() }
    };
    let first = define("a").await;
    assert_eq!(
        (first.version, first.created, first.workflow_id.as_str()),
        (1, true, "nightly")
    );
    assert_eq!(
        (define("a").await.version, define("a").await.created),
        (1, false)
    );
    assert_eq!(define("b").await.version, 2);
    assert_eq!(
        define("a").await.version,
        1,
        "an old definition is not a new version"
    );
    let workflow = pipeline
        .shared
        .tools
        .registry
        .get_workflow("nightly")
        .await
        .unwrap();
    assert_eq!(
        (workflow.pipeline_id.as_str(), workflow.max_concurrent_tasks),
        ("nightly", 2)
    );

    let run = pipeline
        .run(StartRun {
            workflow_id: Some("nightly".into()),
            ..Default::default()
        })
        .await
        .unwrap();
    assert_eq!(
        run.stages[0].tasks[0].name, "b",
        "the newest version is run"
    );
    define("c").await;
    assert_eq!(
        pipeline.get(run.run_id.as_str()).await.unwrap().stages[0].tasks[0].name,
        "b"
    );

    let unknown = pipeline
        .start(StartRun {
            workflow_id: Some("none".into()),
            ..Default::default()
        })
        .await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
    let options = crate::registry::RegisterWorkflow {
        id: "bare".into(),
        ..Default::default()
    };
    pipeline
        .shared
        .tools
        .registry
        .register_workflow(options)
        .await
        .unwrap();
    let bare = pipeline
        .start(StartRun {
            workflow_id: Some("bare".into()),
            ..Default::default()
        })
        .await;
    assert_eq!(bare.unwrap_err().kind(), ErrorKind::FailedPrecondition);
}

async fn a_simulated_run_calls_nothing(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    let start = StartRun {
        simulate: Some(true),
        ..of("    - {id: s, tasks: [a, {run: rm, args: -rf /}, unknown]}\n    - {id: empty}")
    };
    let run = pipeline.run(start.clone()).await.unwrap();
    assert_eq!((run.status, run.simulated), (RunStatus::Succeeded, true));
    assert_sound(&run);
    assert_eq!(stage_statuses(&run), ["SUCCEEDED", "SKIPPED"]);
    for task in &run.stages[0].tasks {
        assert!(
            task.simulated && task.output.is_null() && task.duration_ms.unwrap() > 0.0,
            "{task:?}"
        );
    }
    assert_eq!(run.metrics.readiness_score, None);
    assert!(log.lines().is_empty());
    let again = pipeline.run(start).await.unwrap();
    assert_eq!(
        tasks(&run, |task| task.duration_ms),
        tasks(&again, |task| task.duration_ms),
        "the seed decides"
    );
    assert!(
        queries::history(&store, "test")
            .await
            .unwrap()
            .tasks
            .is_empty(),
        "what did not happen is no history"
    );
}

async fn what_is_under_way_is_no_history(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "t");
    pipeline
        .handle("hang", |_: TaskContext, _: Json| std::future::pending())
        .unwrap();
    let run = pipeline
        .start(of(
            "    - {id: one, tasks: [t]}\n    - {id: two, tasks: [hang]}",
        ))
        .await
        .unwrap();
    let id = run.run_id.as_str();
    while pipeline.get(id).await.unwrap().stages[0].status != StageStatus::Succeeded {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let history = queries::history(&store, "test").await.unwrap();
    assert!(history.tasks.is_empty(), "{history:?}");
    pipeline.cancel(id).await.unwrap();
    pipeline.wait(id).await.unwrap();
    let history = queries::history(&store, "test").await.unwrap();
    assert_eq!((history.runs, history.tasks.len()), (1, 1), "{history:?}");
    let task = &history.tasks[&("one".to_owned(), "t".to_owned())];
    assert_eq!((task.durations.len(), task.failures), (1, 0));
}

async fn the_built_in_stages_do_their_part(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    let idle = pipeline.run(StartRun::default()).await.unwrap();
    assert_eq!(
        (idle.status, idle.workflow_id.as_str()),
        (RunStatus::Failed, "hcfullpipeline")
    );
    assert_eq!(idle.error.as_ref().unwrap().code, "FAILED_PRECONDITION");
    assert_eq!(idle.metrics.readiness_score, Some(0.0));
    assert_sound(&idle);

    log.handle(&pipeline, "work");
    log.handle(&pipeline, "ingest");
    let start = StartRun {
        input: Some(json!({"tasks": [{"name": "work", "with": {"ms": 1}}, "work"]}).into()),
        request_id: Some("req".into()),
        ..StartRun::default()
    };
    let run = pipeline.run(start).await.unwrap();
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    assert_sound(&run);
    let outputs = tasks(&run, |task| task.output.0.clone());
    assert_eq!(outputs["channel-entry"]["requestId"], "req");
    assert_eq!(
        outputs["plan"]["forecast"]["digest"],
        json!(run.forecast.as_ref().unwrap().digest)
    );
    assert_eq!(outputs["finalize"]["runId"], json!(run.run_id));
    assert_eq!(outputs["finalize"]["stages"][3]["status"], "SUCCEEDED");
    assert_eq!(
        outputs["recover"],
        json!({"failed": [], "undone": [], "notUndone": []})
    );
    assert!(outputs.contains_key("work#2") && outputs.contains_key("ingest"));
    assert_eq!(run.stages.len(), 9);
}

async fn forecasts_learn_after_five_successes(fresh: Fresh) {
    let store = fresh.open().await;
    let (pipeline, log) = (pipeline(&store), Log::default());
    log.handle(&pipeline, "a");
    log.handle(&pipeline, "d");
    let start =
        of("    - {id: s, tasks: [a, {name: d, duration: {pert: {min: 1, mode: 2, max: 3}}}]}");
    for count in 0..7 {
        let forecast = pipeline.run(start.clone()).await.unwrap().forecast.unwrap();
        let assumed: Vec<_> = forecast.tasks.iter().map(|task| task.assumed).collect();
        assert_eq!(assumed, [count < 5, false], "after {count} successes");
        assert_eq!(
            forecast
                .warnings
                .iter()
                .filter(|warning| warning.code == "NO_HISTORY")
                .count(),
            usize::from(count < 5)
        );
        let declared = forecast.tasks[1].p50;
        if count >= 5 {
            assert!(
                declared < 500.0 && forecast.tasks[0].p50 < 500.0,
                "the real durations: {forecast:?}"
            );
        } else {
            assert!(
                (1000.0..3000.0).contains(&declared),
                "as declared: {declared}"
            );
        }
    }
}

async fn engine_tasks_do_real_work(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = allowing(&store, &["sh"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("tree")).unwrap();
    std::fs::write(folder.path().join("tree/a.txt"), "one\ntwo\n").unwrap();
    std::fs::write(folder.path().join("tree/b.log"), "noise").unwrap();
    let path = folder.path().join("p.yaml");
    std::fs::write(
        &path,
        r#"
pipeline:
  name: work
  stages:
    - id: s
      tasks:
        - {name: count, uses: files.inventory, with: {root: tree, ignore: ["*.log"]}}
        - {name: run, uses: process.run, with: {program: sh, args: [-c, "echo $HEADY_TASK $HEADY_ATTEMPT $X; cat a.txt"], cwd: tree, env: {X: 1}}}
        - {name: odd, uses: process.run, with: {program: sh, args: [-c, "exit 3"], expectExit: [3, 4]}}
        - {name: think, uses: monte-carlo.simulate, with: {plan: {tasks: [{id: a, duration: 1}]}, samples: 100}}
        - {name: probe, uses: registry.probe, with: {services: all}}
"#,
    )
    .unwrap();
    let start = StartRun {
        path: Some(path.display().to_string()),
        ..StartRun::default()
    };
    let run = pipeline.run(start).await.unwrap();
    assert_eq!(run.status, RunStatus::Succeeded, "{run:#?}");
    let outputs = tasks(&run, |task| task.output.0.clone());
    assert_eq!(
        (&outputs["count"]["files"], &outputs["count"]["lines"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(outputs["run"]["stdout"], "run 1 1\none\ntwo\n");
    assert_eq!(outputs["odd"]["exitCode"], 3);
    assert_eq!(outputs["think"]["samples"], 100);
    assert_eq!(outputs["probe"]["probes"], json!([]));
}

async fn a_transactional_task_writes_with_its_checkpoint(fresh: Fresh) {
    let store = fresh.open().await;
    let pipeline = pipeline(&store);
    let insert = |id: &str| json!({"sql": "INSERT INTO services (id, name, base_url) VALUES ($1, $2, '')", "args": [id, "n"]});
    let statements = json!([insert("x"), {"sql": "UPDATE services SET name = 'changed' WHERE id = $1", "args": ["x"]}]);
    let broken = json!([insert("y"), {"sql": "UPDATE no_such_table SET a = 1"}]);
    for (name, statements) in [("good", statements), ("bad", broken)] {
        let handler = move |_: TaskContext, _: Json| {
            let returned = json!({"output": {"done": true}, "statements": statements});
            async move { Ok(returned.into()) }
        };
        pipeline.handle(name, handler).unwrap();
    }
    pipeline
        .handle("other", |_: TaskContext, _: Json| async {
            Ok(json!({"no": "form"}).into())
        })
        .unwrap();
    let run = pipeline
        .run(of("    - {id: s, onFailure: collectAll, tasks: [{name: good, effect: TRANSACTIONAL}, {name: bad, effect: TRANSACTIONAL}, {name: other, effect: TRANSACTIONAL}]}"))
        .await
        .unwrap();
    assert_eq!(
        statuses(&run),
        [
            ("good".into(), "SUCCEEDED"),
            ("bad".into(), "FAILED"),
            ("other".into(), "FAILED")
        ]
    );
    let outputs = tasks(&run, |task| task.output.0.clone());
    assert_eq!(outputs["good"], json!({"done": true}));
    let services = pipeline
        .shared
        .tools
        .registry
        .list_services()
        .await
        .unwrap()
        .services;
    let names: Vec<_> = services
        .iter()
        .map(|service| (service.id.as_str(), service.name.as_str()))
        .collect();
    assert_eq!(names, [("x", "changed")], "a broken task left nothing");
}

async fn a_definition_is_returned_in_every_version(fresh: Fresh) {
    let pipeline = pipeline(&fresh.open().await);
    let define = |tasks: &str| DefinePipeline {
        definition: of(&format!("    - {{id: one, tasks: [{tasks}]}}")).definition,
        path: None,
    };
    let mut versions = Vec::new();
    for tasks in ["a", "a, b", "a"] {
        versions.push(pipeline.define(define(tasks)).await.unwrap());
    }
    let query = |version| DefinitionQuery {
        workflow_id: Some("test".to_owned()),
        version,
    };
    let newest = pipeline.definition(query(None)).await.unwrap();
    let (version, tasks, hash) = (newest.version, newest.tasks, &newest.definition_hash);
    assert_eq!((version, tasks, hash), (2, 2, &versions[1].definition_hash));
    assert_eq!((newest.max_concurrent_tasks, newest.stages), (6, 1));
    let first = pipeline.definition(query(Some(1))).await.unwrap();
    assert_eq!(first.definition_hash, versions[0].definition_hash);
    assert_eq!(
        first.definition["pipeline"]["stages"][0]["tasks"],
        json!(["a"])
    );
    let unknown = pipeline.definition(query(Some(3))).await.unwrap_err();
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    let none = pipeline
        .definition(DefinitionQuery::default())
        .await
        .unwrap_err();
    assert_eq!(none.kind(), ErrorKind::NotFound);
}
