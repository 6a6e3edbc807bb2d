//! Simulations that are kept, on both databases.

use serde_json::json;

use super::super::*;
use super::everything;
use crate::ErrorKind;
use crate::store::testing::{Fresh, on_both_databases};
use crate::types::Json;

on_both_databases!(
    the_history_keeps_and_replays,
    the_history_keeps_scenarios,
    options_are_checked,
    a_dropped_simulation_stops
);

async fn the_history_keeps_and_replays(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    assert_eq!(monte_carlo.status().await.unwrap().runs_completed, 0);
    let mut made = Vec::new();
    for seed in 0..3 {
        let options = SimulationOptions {
            plan: everything().into(),
            seed: Some(seed),
            samples: Some(1000),
            ..Default::default()
        };
        made.insert(0, monte_carlo.run(options).await.unwrap());
    }
    let status = monte_carlo.status().await.unwrap();
    assert_eq!(
        (status.runs_completed, status.last_run.as_ref()),
        (3, Some(&made[0]))
    );
    assert!(status.running.is_empty());
    let page = monte_carlo
        .list(SimulationQuery {
            limit: Some(2),
            cursor: None,
        })
        .await
        .unwrap();
    assert_eq!(page.simulations, made[..2]);
    let page = monte_carlo
        .list(SimulationQuery {
            limit: Some(2),
            cursor: page.next,
        })
        .await
        .unwrap();
    assert_eq!((page.simulations.as_slice(), page.next), (&made[2..], None));
    let id = made[1].id.to_string();
    assert_eq!(monte_carlo.get(&id).await.unwrap(), made[1]);
    let replay = monte_carlo.replay(&id).await.unwrap();
    assert!(replay.equal && replay.found == made[1].digest);
    assert_eq!(
        monte_carlo.get("none").await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
    let report = monte_carlo.check(everything().into()).await.unwrap();
    assert_eq!(
        (report.tasks, report.plan_hash),
        (6, made[0].plan_hash.clone())
    );
}

async fn the_history_keeps_scenarios(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    let mut made = Vec::new();
    for seed in 0..3 {
        let options = ScenarioOptions {
            iterations: Some(1000),
            seed: Some(seed),
            ..Default::default()
        };
        made.insert(0, monte_carlo.scenario(options).await.unwrap());
    }
    let refused = ScenarioOptions {
        iterations: Some(0),
        ..Default::default()
    };
    monte_carlo.scenario(refused).await.unwrap_err();
    let status = monte_carlo.status().await.unwrap();
    assert_eq!(
        (status.runs_completed, status.last_scenario.as_ref()),
        (3, Some(&made[0]))
    );
    assert_eq!(status.last_run, None);
    let list = async |cursor| {
        let limit = Some(2);
        monte_carlo
            .list_scenarios(SimulationQuery { limit, cursor })
            .await
            .unwrap()
    };
    let first = list(None).await;
    assert_eq!(first.scenarios, made[..2]);
    let second = list(first.next).await;
    assert_eq!(
        (second.scenarios.as_slice(), second.next),
        (&made[2..], None)
    );
}

async fn options_are_checked(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    let base = SimulationOptions {
        plan: Json(json!({"tasks": [{"id": "a", "duration": 1}]})),
        ..Default::default()
    };
    for (options, word) in [
        (
            SimulationOptions {
                samples: Some(0),
                ..base.clone()
            },
            "samples: ",
        ),
        (
            SimulationOptions {
                seed: Some(-1),
                ..base.clone()
            },
            "seed -1",
        ),
        (
            SimulationOptions {
                threads: Some(0),
                ..base.clone()
            },
            "threads: ",
        ),
        (
            SimulationOptions {
                gate: Some(1.5),
                ..base.clone()
            },
            "gate: ",
        ),
        (
            SimulationOptions {
                method: Some(Method::Sobol),
                ..base.clone()
            },
            "method: algorithm mc/0 has 'mc', not 'sobol'",
        ),
    ] {
        let error = monte_carlo.run(options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().starts_with(word), "{error}");
    }
    assert_eq!(monte_carlo.status().await.unwrap().runs_completed, 0);
}

async fn a_dropped_simulation_stops(fresh: Fresh) {
    let monte_carlo = MonteCarlo::new(fresh.open().await);
    let options = SimulationOptions {
        plan: everything().into(),
        samples: Some(MAX_SAMPLES),
        ..Default::default()
    };
    let running = tokio::time::timeout(
        std::time::Duration::from_millis(300),
        monte_carlo.run(options),
    );
    assert!(running.await.is_err());
    assert!(monte_carlo.status().await.unwrap().running.is_empty());
    // The threads are gone when a small simulation on all processors is fast again; nothing here waits on a clock.
    let options = SimulationOptions {
        plan: everything().into(),
        samples: Some(100),
        ..Default::default()
    };
    monte_carlo.run(options).await.unwrap();
}
