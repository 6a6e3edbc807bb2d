//! What forecasts were lately made of, for the many runs of one workflow that begin within a moment.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::OnceCell;

use super::forecast::{HISTORY_RUNS, History};
use super::queries;
use crate::error::Result;
use crate::monte_carlo::Simulation;
use crate::store::Store;

/// How long a full history is good for: one run more or less hardly changes it.
const FRESH: Duration = Duration::from_secs(1);

/// How many simulations are remembered.
const REMEMBERED: usize = 16;

/// Histories and simulations of this engine.
#[derive(Default)]
pub(super) struct Recent {
    histories: Mutex<HashMap<String, (Instant, Arc<History>)>>,
    /// Equal plans and seeds come to the same, whenever they are simulated.
    simulations: Mutex<VecDeque<Arc<Simulated>>>,
}

/// A plan and a seed, and what they come to once the first who wants to know has simulated them.
pub(super) struct Simulated {
    pub(super) plan: Value,
    seed: i64,
    pub(super) simulation: OnceCell<Simulation>,
}

impl Recent {
    /// The history of a workflow; while it is short, that of this moment.
    pub(super) async fn history(&self, store: &Store, workflow_id: &str) -> Result<Arc<History>> {
        if let Some(known) = self.known(workflow_id) {
            return Ok(known);
        }
        let history = Arc::new(queries::history(store, workflow_id).await?);
        if history.runs >= HISTORY_RUNS {
            let mut histories = lock(&self.histories);
            histories.retain(|_, (read_at, _)| read_at.elapsed() < FRESH);
            histories.insert(workflow_id.to_owned(), (Instant::now(), history.clone()));
        }
        Ok(history)
    }

    fn known(&self, workflow_id: &str) -> Option<Arc<History>> {
        let mut histories = lock(&self.histories);
        let (read_at, history) = histories.get_mut(workflow_id)?;
        if read_at.elapsed() < FRESH {
            return Some(history.clone());
        }
        // This caller reads it anew; whoever comes meanwhile takes the old one.
        *read_at = Instant::now();
        None
    }

    /// The simulation of a plan under a seed, perhaps still to be made.
    pub(super) fn simulated(&self, plan: Value, seed: i64) -> Arc<Simulated> {
        let mut simulations = lock(&self.simulations);
        let known = |past: &&Arc<Simulated>| past.seed == seed && past.plan == plan;
        if let Some(known) = simulations.iter().find(known) {
            return known.clone();
        }
        let simulated = Arc::new(Simulated {
            plan,
            seed,
            simulation: OnceCell::new(),
        });
        simulations.truncate(REMEMBERED - 1);
        simulations.push_front(simulated.clone());
        simulated
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn full() -> Arc<History> {
        Arc::new(History {
            runs: HISTORY_RUNS,
            ..History::default()
        })
    }

    #[test]
    fn one_caller_reads_an_old_history_anew_and_others_go_on_with_it() {
        let (recent, old) = (Recent::default(), full());
        let read_at = Instant::now().checked_sub(FRESH * 2).expect("a past");
        lock(&recent.histories).insert("w".to_owned(), (read_at, old.clone()));
        assert!(recent.known("w").is_none());
        assert!(Arc::ptr_eq(&recent.known("w").expect("the old one"), &old));
        assert!(recent.known("another").is_none());
    }

    #[tokio::test]
    async fn a_short_history_is_always_that_of_now() {
        let store = Store::connect("sqlite::memory:", crate::Durability::Full).await;
        let (recent, store) = (Recent::default(), store.expect("opens"));
        assert_eq!(recent.history(&store, "w").await.expect("reads").runs, 0);
        assert!(lock(&recent.histories).is_empty());
    }

    #[test]
    fn only_equal_plans_under_equal_seeds_share_a_simulation() {
        let recent = Recent::default();
        let first = recent.simulated(json!({"tasks": [1]}), 7);
        assert!(Arc::ptr_eq(
            &first,
            &recent.simulated(json!({"tasks": [1]}), 7)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &recent.simulated(json!({"tasks": [1]}), 8)
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &recent.simulated(json!({"tasks": [2]}), 7)
        ));
        for seed in 0..100 {
            recent.simulated(json!({}), seed);
        }
        assert_eq!(lock(&recent.simulations).len(), REMEMBERED);
    }
}
