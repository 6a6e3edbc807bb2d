//! Where a follow stands, and how that is written down.
//!
//! What is recorded of a run is numbered when it ends and durable a moment later, so of two tasks that end together the
//! later one may be seen first. A position therefore also has the numbers that it has passed and that may still come:
//! whoever goes on from it misses nothing and is told nothing twice.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::{Error, Result};
use crate::pipeline::RunStatus;

/// What was given out of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    /// The highest number.
    pub(super) seq: i64,
    /// Lower ones that were not there yet.
    pub(super) missing: BTreeSet<i64>,
    /// The status that was told last; a run begins as [`RunStatus::Running`].
    pub(super) told: RunStatus,
}

impl Position {
    /// Before everything.
    pub(super) fn start() -> Self {
        Self {
            seq: 0,
            missing: BTreeSet::new(),
            told: RunStatus::Running,
        }
    }

    /// Passes a number, and says whether it had not been given out.
    pub(super) fn pass(&mut self, seq: i64) -> bool {
        if seq <= self.seq {
            return self.missing.remove(&seq);
        }
        self.missing.extend(self.seq + 1..seq);
        self.seq = seq;
        true
    }

    /// Takes note that everything before this number is durable or never will be.
    pub(super) fn settle(&mut self, seq: i64) {
        self.missing = self.missing.split_off(&seq);
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn read(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| unknown(text))
    }

    fn parse(text: &str) -> Option<Self> {
        let (numbers, told) = text.split_once('.').unwrap_or((text, "RUNNING"));
        let mut numbers = numbers.split('-').map(|number| {
            let digits = number.bytes().all(|byte| byte.is_ascii_digit());
            number.parse().ok().filter(|_| digits)
        });
        let seq = numbers.next()??;
        let missing = numbers.collect::<Option<BTreeSet<i64>>>()?;
        missing
            .iter()
            .all(|&number| 0 < number && number < seq)
            .then_some(Self {
                seq,
                missing,
                told: RunStatus::from_word(told).ok()?,
            })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.seq)?;
        for number in &self.missing {
            write!(f, "-{number}")?;
        }
        if self.told != RunStatus::Running {
            write!(f, ".{}", self.told)?;
        }
        Ok(())
    }
}

/// The answer to a caller who goes on from where no follow of the run ever stood.
pub(super) fn unknown(position: &str) -> Error {
    Error::invalid_argument(format!("no step of this run has the position '{position}'"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, proptest};

    use super::*;

    proptest! {
        /// However the numbers become visible and wherever the reader is interrupted, each is given out once.
        #[test]
        fn every_number_is_given_out_once(
            numbers in proptest::collection::btree_set(1_i64..60, 0..40)
                .prop_flat_map(|numbers| {
                    let numbers: Vec<_> = numbers.into_iter().collect();
                    (Just(numbers.clone()), Just(numbers).prop_shuffle())
                }),
            looks in proptest::collection::vec(any::<bool>(), 40),
        ) {
            let (mut expected, visible) = numbers;
            let mut position = Position::start();
            let mut given = Vec::new();
            for shown in 0..=visible.len() {
                if shown < visible.len() && !looks[shown] {
                    continue;
                }
                // As the query does: what is higher, and what is missing.
                let mut found: Vec<_> = visible[..shown].to_vec();
                found.retain(|seq| *seq > position.seq || position.missing.contains(seq));
                found.sort_unstable();
                for seq in found {
                    assert!(position.pass(seq));
                    given.push(seq);
                    position = Position::read(&position.to_string()).unwrap();
                }
            }
            given.sort_unstable();
            expected.sort_unstable();
            assert_eq!(given, expected);
        }

        #[test]
        fn any_text_is_a_position_or_refused(text in ".{0,20}") {
            if let Ok(position) = Position::read(&text) {
                assert_eq!(Position::read(&position.to_string()).unwrap(), position);
            }
        }
    }

    #[test]
    fn what_is_settled_is_no_longer_waited_for() {
        let mut position = Position::start();
        for seq in [2, 5, 9] {
            assert!(position.pass(seq));
        }
        assert_eq!(position.to_string(), "9-1-3-4-6-7-8");
        assert!(position.pass(4) && !position.pass(4) && !position.pass(9));
        position.settle(7);
        position.told = RunStatus::Paused;
        assert_eq!(position.to_string(), "9-7-8.PAUSED");
        assert!(!position.pass(3));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "x",
            "-1",
            "+1",
            "1-",
            "1-2",
            "3-3",
            "3-0",
            "1.",
            "1.DONE",
            "1.RUNNING.RUNNING",
            " 1",
        ] {
            assert!(Position::read(text).is_err(), "{text}");
        }
    }
}
