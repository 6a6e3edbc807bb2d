//! How many calls of a lane are worth having under way at once on PostgreSQL.
//!
//! Who comes while all calls are under way waits for one to end, and then for its own. Where a call waits for the disk, or
//! for a distant server, further calls beside it cost nothing and save that wait. Where it does not, they only cut up among
//! many calls, with their fixed costs, what would have been one. So there are as many as the shortest calls take time: it is
//! the time of one that did not wait for others.

use std::time::Duration;

use super::batch::COMMITTERS;

/// What a call is held to cost the processors. A call that takes so much longer waits for something else.
const COST: Duration = Duration::from_micros(250);

/// After how many calls a shorter one is forgotten, at most twice as many.
const WINDOW: u32 = 64;

/// Two take turns even on the fastest disk: one is made up while the other is carried out.
const LEAST: usize = 2;

/// The time that the calls of a lane take.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// The shortest of the calls in the last whole window and since.
    shortest: Option<Duration>,
    /// The shortest since.
    shortest_since: Option<Duration>,
    since: u32,
}

impl Pace {
    /// Takes note of a call's time.
    pub(super) fn took(&mut self, time: Duration) {
        let least = |known: Option<Duration>| Some(known.map_or(time, |known| known.min(time)));
        self.shortest = least(self.shortest);
        self.shortest_since = least(self.shortest_since);
        self.since += 1;
        if self.since == WINDOW {
            self.shortest = self.shortest_since.take();
            self.since = 0;
        }
    }

    /// How many calls should be under way at once, at most. As long as nothing is known it is as if they took long.
    pub(super) fn calls_at_once(&self) -> usize {
        self.shortest.map_or(COMMITTERS, |shortest| {
            let calls = shortest.as_micros().div_ceil(COST.as_micros());
            usize::try_from(calls).map_or(COMMITTERS, |calls| calls.clamp(LEAST, COMMITTERS))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(pace: &mut Pace, calls: u32, microseconds: u64) {
        for _ in 0..calls {
            pace.took(Duration::from_micros(microseconds));
        }
    }

    #[test]
    fn the_longer_a_call_takes_the_more_are_under_way() {
        let mut pace = Pace::default();
        assert_eq!(pace.calls_at_once(), COMMITTERS, "nothing is known yet");
        for (microseconds, calls) in [(5000, 6), (1500, 6), (1000, 4), (501, 3), (300, 2), (50, 2)]
        {
            took(&mut pace, 1, microseconds);
            assert_eq!(pace.calls_at_once(), calls, "{microseconds} us");
        }
    }

    #[test]
    fn a_short_call_counts_for_a_while() {
        let mut pace = Pace::default();
        took(&mut pace, 1, 300);
        took(&mut pace, WINDOW - 1, 9000);
        assert_eq!(
            pace.calls_at_once(),
            2,
            "calls that waited for one another say nothing"
        );
        took(&mut pace, WINDOW - 1, 9000);
        assert_eq!(pace.calls_at_once(), 2);
        took(&mut pace, 1, 9000);
        assert_eq!(pace.calls_at_once(), COMMITTERS, "the disk has become slow");
        took(&mut pace, 1, 300);
        assert_eq!(pace.calls_at_once(), 2);
    }
}
