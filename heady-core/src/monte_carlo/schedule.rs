//! List scheduling: when everything is done if at most so many tasks are under way at once.
//!
//! All tasks that end at a moment end before any begins, so that equal times and times of zero mean the same on every
//! machine. A list schedule has R. L. Graham's anomalies (1969): more workers or shorter tasks can take longer.

use std::collections::VecDeque;

use super::plan::{Plan, Priority};
use crate::order::kahn;

/// The schedule of a plan, reused for every sample. Inside, tasks are numbered by their priority.
#[derive(Debug, Clone)]
pub(super) struct Scheduler {
    /// The task at each place of the priority.
    tasks: Vec<usize>,
    /// The places in an order in which each comes after those it waits for.
    order: Vec<usize>,
    depends_on: Vec<Vec<usize>>,
    dependents: Vec<Vec<usize>>,
    workers: Option<usize>,
    ready: Ready,
    finish: Vec<f64>,
    missing: Vec<usize>,
    running: Vec<(f64, usize)>,
    freed: Vec<usize>,
}

impl Scheduler {
    pub(super) fn new(plan: &Plan) -> Self {
        let count = plan.tasks.len();
        let mut tasks: Vec<usize> = (0..count).collect();
        if let Some(key) = keys(plan) {
            // Stable: equal keys stay in file order.
            tasks.sort_by(|&a, &b| key[a].total_cmp(&key[b]));
        }
        let mut place = vec![0; count];
        for (index, &task) in tasks.iter().enumerate() {
            place[task] = index;
        }
        let by_place = |&task: &usize| {
            plan.tasks[task]
                .depends_on
                .iter()
                .map(|&other| place[other])
                .collect()
        };
        let depends_on: Vec<Vec<usize>> = tasks.iter().map(by_place).collect();
        Self {
            // The reader has refused circles.
            order: kahn(&depends_on).unwrap_or_default(),
            dependents: dependents(&depends_on),
            depends_on,
            tasks,
            workers: plan.workers.filter(|workers| *workers < count),
            ready: if plan.priority == Priority::Fifo {
                Ready::Queue(VecDeque::new())
            } else {
                Ready::Ranked(Vec::new())
            },
            finish: Vec::new(),
            missing: Vec::new(),
            running: Vec::new(),
            freed: Vec::new(),
        }
    }

    /// When the last task ends, given how long each takes.
    pub(super) fn makespan(&mut self, durations: &[f64]) -> f64 {
        match self.workers {
            None => self.longest_path(durations),
            Some(workers) => self.with_workers(durations, workers),
        }
    }

    fn longest_path(&mut self, durations: &[f64]) -> f64 {
        self.finish.clear();
        self.finish.resize(durations.len(), 0.0);
        let mut last = 0.0;
        for &place in &self.order {
            let mut start = 0.0;
            for &other in &self.depends_on[place] {
                if self.finish[other] > start {
                    start = self.finish[other];
                }
            }
            let end = start + durations[self.tasks[place]];
            self.finish[place] = end;
            if end > last {
                last = end;
            }
        }
        last
    }

    fn with_workers(&mut self, durations: &[f64], workers: usize) -> f64 {
        self.missing.clear();
        self.missing.extend(self.depends_on.iter().map(Vec::len));
        self.running.clear();
        self.ready.clear(durations.len());
        for place in 0..durations.len() {
            if self.missing[place] == 0 {
                self.ready.add(place);
            }
        }
        let mut now = 0.0;
        loop {
            while self.running.len() < workers {
                let Some(place) = self.ready.take() else {
                    break;
                };
                self.running
                    .push((now + durations[self.tasks[place]], place));
            }
            let Some(next) = self
                .running
                .iter()
                .map(|(end, _)| *end)
                .reduce(|a, b| if b < a { b } else { a })
            else {
                return now;
            };
            now = next;
            self.freed.clear();
            let (missing, dependents, freed) =
                (&mut self.missing, &self.dependents, &mut self.freed);
            self.running.retain(|&(end, place)| {
                if end > now {
                    return true;
                }
                for &dependent in &dependents[place] {
                    missing[dependent] -= 1;
                    if missing[dependent] == 0 {
                        freed.push(dependent);
                    }
                }
                false
            });
            // What becomes free at one moment queues in file order, whoever freed it.
            self.freed.sort_unstable();
            for &place in &self.freed {
                self.ready.add(place);
            }
        }
    }
}

/// The places whose tasks could begin.
#[derive(Debug, Clone)]
enum Ready {
    /// A bit for each place; the lowest is next.
    Ranked(Vec<u64>),
    Queue(VecDeque<usize>),
}

impl Ready {
    fn clear(&mut self, count: usize) {
        match self {
            Self::Ranked(bits) => {
                bits.clear();
                bits.resize(count.div_ceil(64), 0);
            }
            Self::Queue(queue) => queue.clear(),
        }
    }

    fn add(&mut self, place: usize) {
        match self {
            Self::Ranked(bits) => bits[place / 64] |= 1 << (place % 64),
            Self::Queue(queue) => queue.push_back(place),
        }
    }

    fn take(&mut self) -> Option<usize> {
        match self {
            Self::Ranked(bits) => {
                let (index, word) = bits.iter_mut().enumerate().find(|(_, word)| **word != 0)?;
                let bit = word.trailing_zeros() as usize;
                *word &= *word - 1;
                Some(index * 64 + bit)
            }
            Self::Queue(queue) => queue.pop_front(),
        }
    }
}

fn dependents(depends_on: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut dependents = vec![Vec::new(); depends_on.len()];
    for (item, waits_for) in depends_on.iter().enumerate() {
        for &other in waits_for {
            dependents[other].push(item);
        }
    }
    dependents
}

/// What tasks are sorted by, the least first; `None` for file order.
fn keys(plan: &Plan) -> Option<Vec<f64>> {
    let depends_on: Vec<Vec<usize>> = plan
        .tasks
        .iter()
        .map(|task| task.depends_on.clone())
        .collect();
    let dependents = dependents(&depends_on);
    let order = kahn(&depends_on).unwrap_or_default();
    let means = plan.mean_durations();
    // The longest chain from the beginning of each task to the end of the plan.
    let tails = || {
        let mut tail = vec![0.0_f64; means.len()];
        for &task in order.iter().rev() {
            tail[task] = means[task]
                + dependents[task]
                    .iter()
                    .map(|&next| tail[next])
                    .fold(0.0, f64::max);
        }
        tail
    };
    match &plan.priority {
        Priority::Fifo => None,
        Priority::Rank(places) => Some(places.iter().map(|place| *place as f64).collect()),
        Priority::LongestTail => Some(tails().iter().map(|tail| -tail).collect()),
        Priority::LeastSlack => {
            let mut start = vec![0.0_f64; means.len()];
            for &task in &order {
                start[task] = depends_on[task]
                    .iter()
                    .map(|&other| start[other] + means[other])
                    .fold(0.0, f64::max);
            }
            let tails = tails();
            let end = start
                .iter()
                .zip(&tails)
                .map(|(start, tail)| start + tail)
                .fold(0.0, f64::max);
            Some(
                start
                    .iter()
                    .zip(&tails)
                    .map(|(start, tail)| end - start - tail)
                    .collect(),
            )
        }
    }
}
