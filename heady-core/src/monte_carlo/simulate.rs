//! The simulation as a whole: chunks on threads, and what they add up to.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::ALGORITHM;
use super::plan::Plan;
use super::sample::{CHUNK, Sampler, Tally};
use super::tally::{Moments, Tree};

/// How a plan is simulated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) seed: i64,
    pub(super) samples: u64,
    pub(super) threads: usize,
}

/// What a simulation came to.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) tally: Tally,
    pub(super) duration: Moments,
    pub(super) cost: Moments,
    pub(super) tasks: Vec<Moments>,
    /// 16 hex digits over everything above: equal for equal plans, seeds and sample counts, on any machine.
    pub(super) digest: String,
}

/// How far a simulation is, and whether it should stop.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) done: AtomicU64,
    pub(super) stop: AtomicBool,
}

/// Simulates a plan; `None` if it was stopped.
pub(super) fn simulate(plan: &Plan, settings: Settings, progress: &Progress) -> Option<Outcome> {
    let chunks = settings.samples.div_ceil(CHUNK);
    let next = AtomicU64::new(0);
    let tree = Mutex::new(Tree::default());
    let whole = Mutex::new(Tally::new(plan.tasks.len()));
    let work = || {
        let mut sampler = Sampler::new(plan, settings.seed);
        let mut tally = Tally::new(plan.tasks.len());
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= chunks || progress.stop.load(Ordering::Relaxed) {
                break;
            }
            let first = chunk * CHUNK;
            let count = CHUNK.min(settings.samples - first);
            let moments = sampler.chunk(first, count, &mut tally);
            tree.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(chunk, moments);
            progress.done.fetch_add(count, Ordering::Relaxed);
        }
        whole
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .merge(&tally);
    };
    let threads = settings
        .threads
        .clamp(1, usize::try_from(chunks).unwrap_or(usize::MAX));
    if threads == 1 {
        work();
    } else {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
    if progress.stop.load(Ordering::Relaxed) {
        return None;
    }
    let tally = whole.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut moments = tree
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish()
        .into_iter();
    let duration = moments.next().unwrap_or_default();
    let cost = moments.next().unwrap_or_default();
    let tasks: Vec<Moments> = moments.collect();
    let digest = digest(plan, &tally, &duration, &cost, &tasks);
    Some(Outcome {
        tally,
        duration,
        cost,
        tasks,
        digest,
    })
}

fn digest(
    plan: &Plan,
    tally: &Tally,
    duration: &Moments,
    cost: &Moments,
    tasks: &[Moments],
) -> String {
    let mut hash = Sha256::new();
    hash.update(ALGORITHM);
    hash.update(&plan.hash);
    let mut feed = |value: u64| hash.update(value.to_le_bytes());
    let counts = tally.counts;
    for count in [
        counts.samples,
        counts.success,
        counts.on_time,
        counts.within_budget,
        counts.joint,
    ] {
        feed(count);
    }
    for moments in [duration, cost].into_iter().chain(tasks) {
        moments.feed(&mut feed);
    }
    for buckets in [&tally.duration, &tally.cost]
        .into_iter()
        .chain(&tally.tasks)
    {
        buckets.feed(&mut feed);
    }
    crate::types::hex(&hash.finalize()[..8])
}
