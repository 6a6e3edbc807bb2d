//! One block of samples: from words to how long everything takes, what it costs and whether it holds.

use super::correlation::Variable;
use super::plan::{Plan, PlanTask};
use super::schedule::Scheduler;
use super::stream::{Stream, Uniform};
use super::tally::{Buckets, Moments};

/// How many samples go through the plan together.
const BLOCK: usize = 256;

/// How many samples one thread takes at a time.
pub(super) const CHUNK: u64 = 4096;

/// The domain of the plan's streams.
const DOMAIN: &str = "heady/monte-carlo";

/// How often what was asked for happened.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) samples: u64,
    pub(super) success: u64,
    pub(super) on_time: u64,
    pub(super) within_budget: u64,
    pub(super) joint: u64,
}

/// What samples add up to, apart from the moments.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) counts: Counts,
    pub(super) duration: Buckets,
    pub(super) cost: Buckets,
    /// For each task, the time for which it occupies a worker.
    pub(super) tasks: Vec<Buckets>,
}

impl Tally {
    pub(super) fn new(tasks: usize) -> Self {
        let tasks = (0..tasks).map(|_| Buckets::coarse()).collect();
        Self {
            counts: Counts::default(),
            duration: Buckets::fine(),
            cost: Buckets::fine(),
            tasks,
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        let (counts, more) = (&mut self.counts, other.counts);
        counts.samples += more.samples;
        counts.success += more.success;
        counts.on_time += more.on_time;
        counts.within_budget += more.within_budget;
        counts.joint += more.joint;
        self.duration.merge(&other.duration);
        self.cost.merge(&other.cost);
        for (task, more) in self.tasks.iter_mut().zip(&other.tasks) {
            task.merge(more);
        }
    }
}

/// A plan made ready for sampling by one thread.
pub(super) struct Sampler<'p> {
    plan: &'p Plan,
    scheduler: Scheduler,
    streams: Streams,
    words: Vec<u64>,
    /// The points of the variables that move together, by variable, then sample.
    correlated: Vec<Vec<Uniform>>,
    /// Which of them a driver or a task's duration is, if any.
    driver_rows: Vec<Option<usize>>,
    duration_rows: Vec<Option<usize>>,
    /// By driver, then sample.
    factors: Vec<Vec<f64>>,
    delays: Vec<Vec<f64>>,
    /// By sample, then task.
    times: Vec<f64>,
    costs: Vec<f64>,
    failed: Vec<bool>,
    durations: Vec<f64>,
    column: Vec<f64>,
}

/// The streams of the plan's variables, under one seed.
struct Streams {
    tasks: Vec<[Stream; 3]>,
    drivers: Vec<Stream>,
    risks: Vec<[Stream; 2]>,
}

impl<'p> Sampler<'p> {
    pub(super) fn new(plan: &'p Plan, seed: i64) -> Self {
        let stream = |nonce| Stream::numbered(seed, DOMAIN, nonce);
        let streams = Streams {
            tasks: plan
                .tasks
                .iter()
                .map(|task| {
                    let streams = task.streams;
                    [
                        stream(streams.duration),
                        stream(streams.failure),
                        stream(streams.branch),
                    ]
                })
                .collect(),
            drivers: plan
                .drivers
                .iter()
                .map(|driver| stream(driver.stream))
                .collect(),
            risks: plan
                .risks
                .iter()
                .map(|risk| [stream(risk.occurs), stream(risk.length)])
                .collect(),
        };
        let variables = plan
            .correlation
            .as_ref()
            .map_or(&[][..], |correlation| &correlation.variables);
        let row = |wanted: Variable| variables.iter().position(|variable| *variable == wanted);
        Self {
            plan,
            scheduler: Scheduler::new(plan),
            streams,
            words: vec![0; BLOCK],
            correlated: vec![Vec::with_capacity(BLOCK); variables.len()],
            driver_rows: (0..plan.drivers.len())
                .map(|driver| row(Variable::Driver(driver)))
                .collect(),
            duration_rows: (0..plan.tasks.len())
                .map(|task| row(Variable::Duration(task)))
                .collect(),
            factors: vec![vec![1.0; BLOCK]; plan.drivers.len()],
            delays: vec![Vec::new(); plan.tasks.len()],
            times: vec![0.0; BLOCK * plan.tasks.len()],
            costs: vec![0.0; BLOCK],
            failed: vec![false; BLOCK],
            durations: Vec::with_capacity(BLOCK),
            column: Vec::with_capacity(BLOCK),
        }
    }

    /// Samples one chunk into a tally and returns its moments: of durations, costs, then the times of each task.
    pub(super) fn chunk(&mut self, first: u64, count: u64, tally: &mut Tally) -> Vec<Moments> {
        let mut moments = vec![Moments::default(); 2 + self.plan.tasks.len()];
        let mut done = 0;
        while done < count {
            let block = (count - done).min(BLOCK as u64) as usize;
            self.block(first + done, block);
            self.count(block, tally, &mut moments);
            done += block as u64;
        }
        moments
    }

    fn block(&mut self, first: u64, count: usize) {
        self.correlate(first, count);
        self.draw_drivers(first, count);
        self.draw_risks(first, count);
        for task in 0..self.plan.tasks.len() {
            self.draw_task(task, first, count);
        }
    }

    fn correlate(&mut self, first: u64, count: usize) {
        let Some(correlation) = &self.plan.correlation else {
            return;
        };
        for (row, variable) in correlation.variables.iter().enumerate() {
            let stream = match variable {
                Variable::Driver(driver) => &mut self.streams.drivers[*driver],
                Variable::Duration(task) => &mut self.streams.tasks[*task][0],
            };
            stream.fill(first, &mut self.words[..count]);
            self.correlated[row].clear();
            self.correlated[row].extend(self.words[..count].iter().map(|word| Uniform::of(*word)));
        }
        let (mut points, mut scores) = (Vec::new(), Vec::new());
        for sample in 0..count {
            points.clear();
            points.extend(self.correlated.iter().map(|row| row[sample]));
            correlation.apply(&mut points, &mut scores);
            for (row, point) in self.correlated.iter_mut().zip(&points) {
                row[sample] = *point;
            }
        }
    }

    /// The point of a variable in a sample: a correlated one, or that of its word.
    fn point(&self, row: Option<usize>, sample: usize) -> Uniform {
        match row {
            Some(row) => self.correlated[row][sample],
            None => Uniform::of(self.words[sample]),
        }
    }

    fn draw_drivers(&mut self, first: u64, count: usize) {
        for driver in 0..self.plan.drivers.len() {
            self.streams.drivers[driver].fill(first, &mut self.words[..count]);
            for sample in 0..count {
                let point = self.point(self.driver_rows[driver], sample);
                self.factors[driver][sample] = self.plan.drivers[driver].factor.value(point);
            }
        }
    }

    fn draw_risks(&mut self, first: u64, count: usize) {
        self.costs[..count].fill(self.plan.fixed_cost);
        for delay in &mut self.delays {
            delay.clear();
        }
        for (risk, streams) in self.plan.risks.iter().zip(&mut self.streams.risks) {
            let mut lengths = vec![0; count];
            streams[0].fill(first, &mut self.words[..count]);
            streams[1].fill(first, &mut lengths);
            for (sample, length) in lengths.into_iter().enumerate() {
                if Uniform::of(self.words[sample]).below >= risk.probability {
                    continue;
                }
                self.costs[sample] += risk.cost;
                let delay = risk.delay.value(Uniform::of(length)).max(0.0);
                for &task in &risk.tasks {
                    self.delays[task].resize(count, 0.0);
                    self.delays[task][sample] += delay;
                }
            }
        }
    }

    fn draw_task(&mut self, index: usize, first: u64, count: usize) {
        let (plan, tasks) = (self.plan, self.plan.tasks.len());
        let task = &plan.tasks[index];
        if index == 0 {
            self.failed[..count].fill(false);
        }
        let mut failures = vec![0; if task.failure > 0.0 { count } else { 0 }];
        let mut branches = vec![0; if task.probability < 1.0 { count } else { 0 }];
        self.streams.tasks[index][1].fill(first, &mut failures);
        self.streams.tasks[index][2].fill(first, &mut branches);
        // A constant needs no words; every stream is its own, so leaving one out changes no other.
        if !task.duration.is_constant() {
            self.streams.tasks[index][0].fill(first, &mut self.words[..count]);
        }
        for sample in 0..count {
            let needed = branches
                .get(sample)
                .is_none_or(|word| Uniform::of(*word).below < task.probability);
            let mut time = 0.0;
            if needed {
                let mut duration = task
                    .duration
                    .value(self.point(self.duration_rows[index], sample))
                    .max(0.0);
                for &driver in &task.drivers {
                    duration *= self.factors[driver][sample];
                }
                let chance = failures.get(sample).map(|word| Uniform::of(*word).below);
                let (attempts, failed) = attempts(task, duration.max(0.0), chance);
                time = attempts + self.delays[index].get(sample).copied().unwrap_or(0.0);
                self.failed[sample] |= failed;
                self.costs[sample] += task.fixed_cost + task.cost_per_time * time;
            }
            self.times[sample * tasks + index] = time;
        }
    }

    fn count(&mut self, count: usize, tally: &mut Tally, moments: &mut [Moments]) {
        let width = self.plan.tasks.len();
        self.durations.clear();
        for sample in 0..count {
            let times = &self.times[sample * width..(sample + 1) * width];
            let duration = self.scheduler.makespan(times);
            self.costs[sample] += self.plan.cost_per_time * duration;
            let cost = self.costs[sample];
            let success = !self.failed[sample];
            let on_time = self
                .plan
                .deadline
                .is_none_or(|deadline| duration <= deadline);
            let within_budget = self.plan.budget.is_none_or(|budget| cost <= budget);
            let counts = &mut tally.counts;
            counts.samples += 1;
            counts.success += u64::from(success);
            counts.on_time += u64::from(on_time);
            counts.within_budget += u64::from(within_budget);
            counts.joint += u64::from(success && on_time && within_budget);
            tally.duration.add(duration);
            tally.cost.add(cost);
            for (task, &time) in tally.tasks.iter_mut().zip(times) {
                task.add(time);
            }
            self.durations.push(duration);
        }
        moments[0].absorb(Moments::of(&self.durations));
        moments[1].absorb(Moments::of(&self.costs[..count]));
        for (task, moments) in moments[2..].iter_mut().enumerate() {
            self.column.clear();
            self.column
                .extend((0..count).map(|sample| self.times[sample * width + task]));
            moments.absorb(Moments::of(&self.column));
        }
    }
}

/// How long all attempts of a task take, and whether the last of them failed too. The failures before the first
/// success are drawn by one point: so many that the point lies below the probability of as many failures in a row.
fn attempts(task: &PlanTask, duration: f64, chance: Option<f64>) -> (f64, bool) {
    let tries = f64::from(task.retries) + 1.0;
    if duration > task.timeout {
        // No attempt can be faster than the others, so all are cut off.
        return (tries * task.timeout + (tries - 1.0) * task.backoff, true);
    }
    let Some(chance) = chance else {
        return (duration, false);
    };
    let (mut failures, mut in_a_row) = (0.0, task.failure);
    while failures < tries && chance < in_a_row {
        failures += 1.0;
        in_a_row *= task.failure;
    }
    let lost = duration * task.failed_share;
    if failures < tries {
        (failures * (lost + task.backoff) + duration, false)
    } else {
        (failures * lost + (failures - 1.0) * task.backoff, true)
    }
}
