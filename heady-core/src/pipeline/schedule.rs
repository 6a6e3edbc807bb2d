//! Which tasks of a stage may begin now. Pure: it is told what ended and says what begins.

use super::definition::{OnFailure, Stage};

/// Where one task of a stage stands for the scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Waiting,
    Running,
    Succeeded,
    Failed,
    /// It will not begin: something it waits for failed, or the stage has.
    Dropped,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StageEnd {
    Succeeded,
    Failed,
}

/// The schedule of one stage.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    depends_on: Vec<Vec<usize>>,
    progress: Vec<Progress>,
    limit: usize,
    on_failure: OnFailure,
    /// Nothing begins any more.
    closed: bool,
}

impl Schedule {
    /// A stage whose tasks stand as given, of which at most `limit` are under way at once.
    pub(super) fn new(stage: &Stage, progress: Vec<Progress>, limit: usize) -> Self {
        let mut schedule = Self {
            depends_on: stage
                .tasks
                .iter()
                .map(|task| task.depends_on.clone())
                .collect(),
            progress,
            limit: if stage.parallel { limit.max(1) } else { 1 },
            on_failure: stage.on_failure,
            closed: false,
        };
        schedule.settle();
        schedule
    }

    /// The tasks that begin now, in the order of the file; they count as under way from here on.
    pub(super) fn begin(&mut self) -> Vec<usize> {
        let mut begun = Vec::new();
        let mut running = self.count(Progress::Running);
        for index in 0..self.progress.len() {
            if self.closed || running >= self.limit {
                break;
            }
            let ready = self.depends_on[index]
                .iter()
                .all(|&other| self.progress[other] == Progress::Succeeded);
            if self.progress[index] == Progress::Waiting && ready {
                self.progress[index] = Progress::Running;
                running += 1;
                begun.push(index);
            }
        }
        begun
    }

    /// The schedule as it will be when this task has ended.
    pub(super) fn after(&self, index: usize, succeeded: bool) -> Self {
        let mut after = self.clone();
        after.ended(index, succeeded);
        after
    }

    /// Takes note that a task ended.
    pub(super) fn ended(&mut self, index: usize, succeeded: bool) {
        self.progress[index] = if succeeded {
            Progress::Succeeded
        } else {
            Progress::Failed
        };
        self.settle();
    }

    /// Lets nothing begin any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.settle();
    }

    /// How the stage ended, once nothing is under way and nothing can begin.
    pub(super) fn end(&self) -> Option<StageEnd> {
        if self
            .progress
            .iter()
            .any(|progress| matches!(progress, Progress::Waiting | Progress::Running))
        {
            return None;
        }
        let succeeded = self.count(Progress::Succeeded);
        let enough = match self.on_failure {
            OnFailure::FailFast | OnFailure::CollectAll => succeeded == self.progress.len(),
            OnFailure::Quorum(quorum) => succeeded >= quorum,
        };
        Some(if enough {
            StageEnd::Succeeded
        } else {
            StageEnd::Failed
        })
    }

    /// The tasks that never began and never will.
    pub(super) fn dropped(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.progress.len()).filter(|&index| self.progress[index] == Progress::Dropped)
    }

    fn count(&self, wanted: Progress) -> usize {
        self.progress
            .iter()
            .filter(|progress| **progress == wanted)
            .count()
    }

    /// Drops what can no longer begin.
    fn settle(&mut self) {
        let lost = |progress: &[Progress]| {
            progress
                .iter()
                .filter(|progress| matches!(progress, Progress::Failed | Progress::Dropped))
                .count()
        };
        loop {
            let doomed = match self.on_failure {
                OnFailure::FailFast => lost(&self.progress) > 0,
                OnFailure::CollectAll => false,
                OnFailure::Quorum(quorum) => self.progress.len() - lost(&self.progress) < quorum,
            };
            self.closed |= doomed;
            let mut changed = false;
            for index in 0..self.progress.len() {
                let orphaned = self.depends_on[index].iter().any(|&other| {
                    matches!(self.progress[other], Progress::Failed | Progress::Dropped)
                });
                if self.progress[index] == Progress::Waiting && (self.closed || orphaned) {
                    self.progress[index] = Progress::Dropped;
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }
}

/// Whether a stage can still succeed when these tasks are known to fail.
pub(super) fn can_succeed(stage: &Stage, known_to_fail: usize) -> bool {
    match stage.on_failure {
        OnFailure::FailFast | OnFailure::CollectAll => known_to_fail == 0,
        OnFailure::Quorum(quorum) => stage.tasks.len() - known_to_fail >= quorum,
    }
}

#[cfg(test)]
mod tests {
    use super::super::definition::Definition;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn stage(dependencies: &[Vec<usize>], parallel: bool, on_failure: OnFailure) -> Stage {
        let tasks: Vec<_> = dependencies
            .iter()
            .enumerate()
            .map(|(index, waits_for)| {
                let waits_for: Vec<_> = waits_for.iter().map(|other| format!("t{other}")).collect();
                json!({"name": format!("t{index}"), "dependsOn": waits_for})
            })
            .collect();
        let document = json!({"pipeline": {"name": "x", "stages": [{"id": "s", "parallel": parallel, "tasks": tasks}]}});
        let mut stage = Definition::read(&document).unwrap().stages.remove(0);
        stage.on_failure = on_failure;
        stage
    }

    fn fresh(stage: &Stage, limit: usize) -> Schedule {
        Schedule::new(stage, vec![Progress::Waiting; stage.tasks.len()], limit)
    }

    #[test]
    fn a_failed_task_stops_the_stage_but_not_what_is_under_way() {
        let mut schedule = fresh(&stage(&vec![vec![]; 4], true, OnFailure::FailFast), 2);
        assert_eq!(schedule.begin(), [0, 1]);
        schedule.ended(0, false);
        assert_eq!(schedule.begin(), [0; 0]);
        assert_eq!(schedule.end(), None, "task 1 is under way");
        schedule.ended(1, true);
        assert_eq!(schedule.end(), Some(StageEnd::Failed));
        assert_eq!(schedule.dropped().collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn collecting_goes_on_and_drops_only_what_waits_for_the_failed() {
        let mut schedule = fresh(
            &stage(
                &[vec![], vec![0], vec![1], vec![]],
                false,
                OnFailure::CollectAll,
            ),
            6,
        );
        assert_eq!(schedule.begin(), [0]);
        schedule.ended(0, false);
        assert_eq!(schedule.begin(), [3]);
        schedule.ended(3, true);
        assert_eq!(schedule.end(), Some(StageEnd::Failed));
        assert_eq!(schedule.dropped().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_quorum_forgives_until_it_is_out_of_reach() {
        let stage = stage(&vec![vec![]; 4], true, OnFailure::Quorum(2));
        let mut schedule = fresh(&stage, 1);
        for succeeded in [false, false, true] {
            let index = schedule.begin()[0];
            schedule.ended(index, succeeded);
        }
        assert_eq!(schedule.begin(), [3]);
        schedule.ended(3, true);
        assert_eq!(schedule.end(), Some(StageEnd::Succeeded));
        let mut schedule = fresh(&stage, 1);
        for _ in 0..3 {
            let index = schedule.begin()[0];
            schedule.ended(index, false);
        }
        assert_eq!(
            (schedule.begin(), schedule.end()),
            (vec![], Some(StageEnd::Failed))
        );
        assert!(can_succeed(&stage, 2) && !can_succeed(&stage, 3));
    }

    #[test]
    fn a_stage_found_half_done_goes_on_where_it_was() {
        let stage = stage(&[vec![], vec![0], vec![0]], true, OnFailure::FailFast);
        let found = vec![Progress::Succeeded, Progress::Waiting, Progress::Succeeded];
        assert_eq!(Schedule::new(&stage, found, 6).begin(), [1]);
        let found = vec![Progress::Failed, Progress::Waiting, Progress::Waiting];
        assert_eq!(
            Schedule::new(&stage, found, 6).end(),
            Some(StageEnd::Failed)
        );
    }

    /// The rules in their plainest form, over whole histories instead of states.
    fn obeys_the_rules(
        stage: &Stage,
        limit: usize,
        history: &[(usize, bool)],
        begun: &[(usize, Vec<(usize, bool)>)],
    ) -> Result<(), TestCaseError> {
        for (index, (task, ended_before)) in begun.iter().enumerate() {
            prop_assert!(
                begun[..index].iter().all(|(other, _)| other != task),
                "task {} began twice",
                task
            );
            let under_way = index - ended_before.len();
            prop_assert!(
                under_way < limit,
                "{} tasks are under way beside task {}",
                under_way,
                task
            );
            for waits_for in &stage.tasks[*task].depends_on {
                prop_assert!(
                    ended_before.contains(&(*waits_for, true)),
                    "task {} began before {}",
                    task,
                    waits_for
                );
            }
            let failed = ended_before
                .iter()
                .filter(|(_, succeeded)| !succeeded)
                .count();
            match stage.on_failure {
                OnFailure::FailFast => prop_assert_eq!(failed, 0),
                OnFailure::CollectAll => {}
                OnFailure::Quorum(quorum) => prop_assert!(stage.tasks.len() - failed >= quorum),
            }
        }
        let mut ended: Vec<_> = history.iter().map(|(task, _)| *task).collect();
        ended.sort_unstable();
        let mut all: Vec<_> = begun.iter().map(|(task, _)| *task).collect();
        all.sort_unstable();
        prop_assert_eq!(ended, all, "what began has ended");
        Ok(())
    }

    proptest! {
        #[test]
        fn no_history_breaks_a_rule(
            edges in proptest::collection::vec((0_usize..12, 0_usize..12), 0..20),
            count in 1_usize..12,
            parallel: bool,
            policy in 0_usize..3,
            limit in 1_usize..8,
            choices in proptest::collection::vec((0_usize..100, proptest::bool::weighted(0.8)), 12),
        ) {
            let mut dependencies = vec![Vec::new(); count];
            for (a, b) in edges {
                if a % count > b % count && !dependencies[a % count].contains(&(b % count)) {
                    dependencies[a % count].push(b % count);
                }
            }
            let on_failure = [OnFailure::FailFast, OnFailure::CollectAll, OnFailure::Quorum(count.div_ceil(2))][policy];
            let stage = stage(&dependencies, parallel, on_failure);
            let mut schedule = fresh(&stage, limit);
            let limit = if parallel { limit } else { 1 };
            let (mut history, mut begun, mut running) = (Vec::new(), Vec::new(), Vec::new());
            let mut choices = choices.into_iter();
            loop {
                for task in schedule.begin() {
                    begun.push((task, history.clone()));
                    running.push(task);
                }
                prop_assert!(running.len() <= limit);
                if running.is_empty() {
                    break;
                }
                let (pick, succeeded) = choices.next().unwrap();
                let task = running.remove(pick % running.len());
                schedule.ended(task, succeeded);
                history.push((task, succeeded));
            }
            obeys_the_rules(&stage, limit, &history, &begun)?;
            let succeeded = history.iter().filter(|(_, succeeded)| *succeeded).count();
            let enough = if let OnFailure::Quorum(quorum) = on_failure { succeeded >= quorum } else { succeeded == count };
            prop_assert_eq!(schedule.end(), Some(if enough { StageEnd::Succeeded } else { StageEnd::Failed }));
        }
    }
}
