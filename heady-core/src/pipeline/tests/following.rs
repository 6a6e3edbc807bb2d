//! What followers are told, whoever executes the run and whenever they were interrupted.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use super::failures::with_rule;
use super::*;

on_both_databases!(
    every_step_is_told_once_wherever_the_run_is_executed,
    a_failure_is_told_with_what_follows_from_it,
    a_run_is_followed_through_its_pauses,
    a_run_that_is_resumed_is_followed_on,
    a_large_run_is_read_in_parts,
    a_follow_ends_with_its_engine,
    what_cannot_be_followed_has_its_code,
);

fn from(run: &PipelineRun, after: Option<&str>) -> FollowRun {
    FollowRun {
        id: run.run_id.to_string(),
        after: after.map(str::to_owned),
        stages: None,
    }
}

/// The next step; a follow that stays silent is a failure.
async fn next(follow: &mut RunFollow) -> Option<RunStep> {
    let next = tokio::time::timeout(Duration::from_mins(1), follow.next()).await;
    next.expect("something is told").unwrap()
}

/// All that is told from here to the end; a follow that stays silent is a failure.
async fn rest(pipeline: &Pipeline, options: FollowRun) -> Vec<RunStep> {
    let mut follow = pipeline.follow(options).await.unwrap();
    let mut steps = Vec::new();
    while let Some(step) = next(&mut follow).await {
        steps.push(step);
    }
    steps
}

/// What a step says, in a line.
fn line(step: &RunStep) -> String {
    let status = step.status.map(StageStatus::as_str);
    let status = status.or_else(|| step.run_status.map(RunStatus::as_str));
    [
        Some(step.kind.as_str()),
        step.stage_id.as_deref(),
        step.task.as_deref(),
        status,
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

fn lines(steps: &[RunStep]) -> Vec<String> {
    steps.iter().map(line).collect()
}

async fn every_step_is_told_once_wherever_the_run_is_executed(fresh: Fresh) {
    let (here, there) = (pipeline(&fresh.open().await), pipeline(&fresh.open().await));
    Log::default().handle(&here, "t");
    let task = |n: usize| format!("{{name: t{n}, uses: t, with: {{ms: {}}}}}", n % 4);
    let tasks: Vec<_> = (0..40).map(task).collect();
    let stages = format!(
        "    - {{id: one, tasks: [{0}]}}\n    - {{id: two, tasks: [{0}]}}",
        tasks.join(", ")
    );
    let run = here.start(of(&stages)).await.unwrap();
    let followers: Vec<_> = (1..=12)
        .map(|patience| {
            let (pipeline, run) = ([&here, &there][patience % 2].clone(), run.clone());
            tokio::spawn(async move {
                let mut seen: Vec<RunStep> = Vec::new();
                loop {
                    let after = seen.last().map(|step| step.position.clone());
                    let options = from(&run, after.as_deref());
                    let mut follow = pipeline.follow(options).await.unwrap();
                    // Goes on in a new one each time it was told so much.
                    for _ in 0..patience {
                        match next(&mut follow).await {
                            Some(step) => seen.push(step),
                            None => return seen,
                        }
                    }
                }
            })
        })
        .collect();
    for follower in followers {
        let steps = follower.await.unwrap();
        let mut count: HashMap<String, usize> = HashMap::new();
        for step in &steps {
            *count.entry(line(step)).or_default() += 1;
        }
        assert!(count.values().all(|&times| times == 1), "{count:?}");
        assert_eq!(count.len(), 40 + 1 + 40 + 1 + 1);
        assert_eq!(line(steps.last().unwrap()), "RUN SUCCEEDED");
        let end = |id: &str| lines(&steps).iter().position(|line| line == id).unwrap();
        assert_eq!(end("STAGE one SUCCEEDED"), 40);
        assert_eq!(end("STAGE two SUCCEEDED"), 81);
    }
}

async fn a_failure_is_told_with_what_follows_from_it(fresh: Fresh) {
    let (here, there) = (pipeline(&fresh.open().await), pipeline(&fresh.open().await));
    Log::default().handle(&here, "t");
    let start = of("    - {id: one, tasks: [{name: a, uses: t, compensate: {uses: t}}]}
    - {id: two, tasks: [{name: b, uses: t, with: {failUntil: 2, fail: DATA_LOSS}, retry: {maxAttempts: 3}}, {name: c, uses: t, dependsOn: [b]}]}
    - {id: three, tasks: [{name: d, uses: t}]}");
    let run = here.run(start).await.unwrap();
    let steps = rest(&there, from(&run, None)).await;
    let told = [
        "TASK one a SUCCEEDED",
        "STAGE one SUCCEEDED",
        "TASK two b FAILED",
        "TASK two b FAILED",
        "TASK two c SKIPPED",
        "STAGE two FAILED",
        "TASK three d SKIPPED",
        "STAGE three SKIPPED",
        "COMPENSATION one a SUCCEEDED",
        "RUN COMPENSATED",
    ];
    assert_eq!(lines(&steps), told);
    let error = |n: usize| steps[n].error.clone().unwrap();
    assert_eq!(
        (error(2).code.as_str(), error(2).retryable),
        ("UNAVAILABLE", true)
    );
    assert_eq!(
        (error(3).code.as_str(), error(3).retryable),
        ("DATA_LOSS", false)
    );
    assert_eq!((steps[3].attempt, steps[3].stage_num), (Some(2), Some(1)));
    let skipped = (steps[4].attempt, steps[4].started_at, steps[4].finished_at);
    assert_eq!(skipped, (Some(0), None, None));
    assert_eq!(steps[9].error, run.error);
    assert_eq!(steps[9].finished_at, run.finished_at);
    for (n, step) in steps.iter().enumerate() {
        let later = rest(&here, from(&run, Some(&step.position))).await;
        assert_eq!(later, steps[n + 1..], "after {}", step.position);
    }
    let only = FollowRun {
        stages: Some(vec!["three".to_owned()]),
        ..from(&run, None)
    };
    assert_eq!(
        lines(&rest(&there, only).await),
        [told[6], told[7], told[9]]
    );
}

async fn a_run_is_followed_through_its_pauses(fresh: Fresh) {
    let (here, there) = (pipeline(&fresh.open().await), pipeline(&fresh.open().await));
    Log::default().handle(&here, "t");
    let stages = "    - {id: one, onFailure: {quorum: 1}, tasks: [{name: a, uses: t}, {name: b, uses: t, with: {fail: DATA_LOSS}}]}
    - {id: two, tasks: [{name: c, uses: t}]}";
    let rule = "{type: data_integrity_failure, action: pause_and_escalate}";
    let run = here.start(with_rule(rule, stages)).await.unwrap();
    let mut follow = there.follow(from(&run, None)).await.unwrap();
    let mut told = Vec::new();
    for _ in 0..4 {
        told.push(next(&mut follow).await.unwrap());
    }
    assert_eq!(lines(&told)[2..], ["STAGE one SUCCEEDED", "RUN PAUSED"]);
    assert!(told[3].error.is_some() && !follow.has_ended());
    here.cancel(run.run_id.as_str()).await.unwrap();
    while let Some(step) = next(&mut follow).await {
        told.push(step);
    }
    let last = told.last().unwrap();
    assert_eq!(line(last), "RUN CANCELLED");
    let later = from(&run, Some(&last.position));
    assert!(there.follow(later).await.unwrap().has_ended());
}

async fn a_run_that_is_resumed_is_followed_on(fresh: Fresh) {
    let (here, there) = (pipeline(&fresh.open().await), pipeline(&fresh.open().await));
    Log::default().handle(&here, "t");
    let mended = Arc::new(AtomicBool::new(false));
    let seen = mended.clone();
    let handler = move |_, _| {
        let fine = seen.load(Ordering::SeqCst);
        async move {
            if fine {
                Ok(Json::NULL)
            } else {
                Err(Error::failed_precondition("broken"))
            }
        }
    };
    here.handle("fragile", handler).unwrap();
    let start = of("    - {id: one, tasks: [t]}\n    - {id: two, tasks: [fragile]}");
    let run = here.run(start).await.unwrap();
    let failed = rest(&there, from(&run, None)).await.pop().unwrap();
    assert_eq!(line(&failed), "RUN FAILED");
    mended.store(true, Ordering::SeqCst);
    here.resume(run.run_id.as_str()).await.unwrap();
    here.wait(run.run_id.as_str()).await.unwrap();
    let steps = rest(&there, from(&run, Some(&failed.position))).await;
    let told = [
        "RUN RUNNING",
        "TASK two fragile SUCCEEDED",
        "STAGE two SUCCEEDED",
        "RUN SUCCEEDED",
    ];
    assert_eq!(lines(&steps), told);
    assert!(steps.iter().all(|step| step.iteration == 1));
    assert_eq!((steps[0].finished_at, &steps[0].error), (None, &None));
}

async fn a_large_run_is_read_in_parts(fresh: Fresh) {
    let here = pipeline(&fresh.open().await);
    let tasks: Vec<_> = (0..520).map(|n| format!("t{n}")).collect();
    let start = StartRun {
        simulate: Some(true),
        ..of(&format!("    - {{id: one, tasks: [{}]}}", tasks.join(", ")))
    };
    let run = here.start(start).await.unwrap();
    let steps = rest(&here, from(&run, None)).await;
    assert_eq!(steps.len(), 520 + 2);
    assert!(steps.iter().all(|step| step.simulated));
    let names: Vec<_> = steps.iter().filter_map(|step| step.task.as_ref()).collect();
    assert_eq!(names, tasks.iter().collect::<Vec<_>>());
}

async fn a_follow_ends_with_its_engine(fresh: Fresh) {
    let store = fresh.open().await;
    let here = pipeline(&store);
    here.handle("t", async |_, _| std::future::pending().await)
        .unwrap();
    let run = here.start(of("    - {id: one, tasks: [t]}")).await.unwrap();
    let follow = here.begin_follow(from(&run, None));
    let waiting = tokio::spawn(async move { follow.next().await });
    let mut idle = here.follow(from(&run, None)).await.unwrap();
    here.close().await;
    assert_eq!(waiting.await.unwrap().unwrap(), None);
    store.close().await;
    assert_eq!(next(&mut idle).await, None);
}

async fn what_cannot_be_followed_has_its_code(fresh: Fresh) {
    let here = pipeline(&fresh.open().await);
    let start = StartRun {
        simulate: Some(true),
        ..of("    - {id: one, tasks: [t]}")
    };
    let run = here.start(start).await.unwrap();
    for after in ["", "x", "3", "9.SUCCEEDED"] {
        let refused = here.follow(from(&run, Some(after))).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{after}");
    }
    assert!(here.follow(from(&run, Some("2"))).await.is_ok());
    let unknown = FollowRun {
        id: "none".to_owned(),
        ..FollowRun::default()
    };
    let refused = here.follow(unknown).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
}
