//! What samples add up to: counts, moments and a histogram fine enough for quantiles, all merged to the same bits in
//! whatever order threads finish.

/// Buckets per octave of a summary; a quantile is off by at most 2^-11 of itself.
const FINE: u32 = 11;

/// The same for the times of single tasks.
const COARSE: u32 = 7;

/// How many values lie in one bucket, and between which bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    count: u64,
    low: f64,
    high: f64,
}

const EMPTY: Bucket = Bucket {
    count: 0,
    low: f64::INFINITY,
    high: f64::NEG_INFINITY,
};

impl Bucket {
    fn add(&mut self, value: f64) {
        self.count += 1;
        if value < self.low {
            self.low = value;
        }
        if value > self.high {
            self.high = value;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        if other.low < self.low {
            self.low = other.low;
        }
        if other.high > self.high {
            self.high = other.high;
        }
    }
}

/// Values that are not negative, in buckets by the bits of the double: exponent and leading digits. Merging adds
/// integers and compares bounds, so its order cannot matter.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Buckets {
    digits: u32,
    zeros: u64,
    /// The key of the first bucket.
    first: u64,
    all: Vec<Bucket>,
}

impl Buckets {
    pub(super) fn fine() -> Self {
        Self {
            digits: FINE,
            zeros: 0,
            first: 0,
            all: Vec::new(),
        }
    }

    pub(super) fn coarse() -> Self {
        Self {
            digits: COARSE,
            ..Self::fine()
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        if value <= 0.0 {
            self.zeros += 1;
            return;
        }
        let key = value.to_bits() >> (52 - self.digits);
        self.reach(key, key);
        self.all[(key - self.first) as usize].add(value);
    }

    /// Makes room for these keys, by whole octaves.
    fn reach(&mut self, low: u64, high: u64) {
        let octave = 1_u64 << self.digits;
        let (low, high) = (low / octave * octave, (high / octave + 1) * octave);
        if self.all.is_empty() {
            self.first = low;
        }
        if low < self.first {
            let more = (self.first - low) as usize;
            self.all.splice(0..0, std::iter::repeat_n(EMPTY, more));
            self.first = low;
        }
        let length = (high - self.first) as usize;
        if length > self.all.len() {
            self.all.resize(length, EMPTY);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.zeros += other.zeros;
        if other.all.is_empty() {
            return;
        }
        if self.all.is_empty() {
            self.first = other.first;
            self.all.clone_from(&other.all);
            return;
        }
        self.reach(other.first, other.first + other.all.len() as u64 - 1);
        let offset = (other.first - self.first) as usize;
        for (bucket, more) in self.all[offset..].iter_mut().zip(&other.all) {
            bucket.merge(more);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.zeros + self.all.iter().map(|bucket| bucket.count).sum::<u64>()
    }

    /// The buckets that have values, in order, zeros first.
    fn filled(&self) -> impl Iterator<Item = Bucket> + '_ {
        let zeros = Bucket {
            count: self.zeros,
            low: 0.0,
            high: 0.0,
        };
        std::iter::once(zeros)
            .chain(self.all.iter().copied())
            .filter(|bucket| bucket.count > 0)
    }

    /// Makes the values ready to be looked up by rank: one pass for however many of them.
    pub(super) fn ranking(&self) -> Ranking {
        let mut before = 0;
        let filled = self.filled().map(|bucket| {
            let entry = (before, bucket);
            before += bucket.count;
            entry
        });
        Ranking(filled.collect())
    }

    /// The smallest and the largest value.
    pub(super) fn bounds(&self) -> (f64, f64) {
        let low = self.filled().next().map_or(0.0, |bucket| bucket.low);
        let high = self.filled().last().map_or(0.0, |bucket| bucket.high);
        (low, high)
    }

    /// Bins of equal width between the bounds, for drawing.
    pub(super) fn bins(&self, wanted: usize) -> (Vec<f64>, Vec<i64>) {
        let (low, high) = self.bounds();
        if low >= high {
            return (
                vec![low, high],
                vec![i64::try_from(self.count()).unwrap_or(i64::MAX)],
            );
        }
        let width = (high - low) / wanted as f64;
        let edges = (0..=wanted)
            .map(|index| {
                if index == wanted {
                    high
                } else {
                    low + width * index as f64
                }
            })
            .collect();
        let mut counts = vec![0; wanted];
        for bucket in self.filled() {
            let middle = 0.5 * (bucket.low + bucket.high);
            let bin = (((middle - low) / width) as usize).min(wanted - 1);
            counts[bin] += i64::try_from(bucket.count).unwrap_or(i64::MAX);
        }
        (edges, counts)
    }

    /// Everything it holds, for the digest.
    pub(super) fn feed(&self, feed: &mut impl FnMut(u64)) {
        for (bucket, key) in self
            .all
            .iter()
            .zip(self.first..)
            .filter(|(bucket, _)| bucket.count > 0)
        {
            for value in [
                key,
                bucket.count,
                bucket.low.to_bits(),
                bucket.high.to_bits(),
            ] {
                feed(value);
            }
        }
        feed(self.zeros);
    }
}

/// The buckets that have values, each with how many values lie before it.
#[derive(Debug)]
pub(super) struct Ranking(Vec<(u64, Bucket)>);

impl Ranking {
    /// The value of this rank, from 1: inside a bucket, values are taken as evenly spread between its bounds.
    pub(super) fn value(&self, rank: u64) -> f64 {
        let behind = self.0.partition_point(|(before, _)| *before < rank);
        let Some((before, bucket)) = behind.checked_sub(1).and_then(|index| self.0.get(index))
        else {
            return 0.0;
        };
        if bucket.count == 1 || bucket.low >= bucket.high {
            return bucket.low;
        }
        let place = (rank - before).min(bucket.count) - 1;
        bucket.low + place as f64 / (bucket.count - 1) as f64 * (bucket.high - bucket.low)
    }
}

/// Count, mean and sum of squared deviations; merging is not exact, so its order must be fixed (see [`Tree`]).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moments {
    pub(super) count: u64,
    pub(super) mean: f64,
    deviations: f64,
}

impl Moments {
    /// Of these values, in two passes.
    pub(super) fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        if values.is_empty() {
            return Self::default();
        }
        // Neumaier's compensation keeps the digits that a running sum would lose.
        let (mut sum, mut lost) = (0.0_f64, 0.0);
        for &value in values {
            let next = sum + value;
            lost += if sum.abs() >= value.abs() {
                (sum - next) + value
            } else {
                (value - next) + sum
            };
            sum = next;
        }
        let mean = (sum + lost) / count;
        let mut deviations = 0.0;
        let mut rest = 0.0;
        for &value in values {
            let deviation = value - mean;
            deviations += deviation * deviation;
            rest += deviation;
        }
        Self {
            count: values.len() as u64,
            mean,
            deviations: deviations - rest * rest / count,
        }
    }

    /// Of both together (T. F. Chan, G. H. Golub, R. J. LeVeque, 1983).
    fn merge(self, other: Self) -> Self {
        let count = self.count + other.count;
        if other.count == 0 || self.count == 0 {
            return if other.count == 0 { self } else { other };
        }
        let share = other.count as f64 / count as f64;
        let delta = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + delta * share,
            deviations: self.deviations
                + other.deviations
                + delta * delta * share * self.count as f64,
        }
    }

    /// Takes in what comes after it.
    pub(super) fn absorb(&mut self, later: Self) {
        *self = self.merge(later);
    }

    pub(super) fn sd(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            (self.deviations.max(0.0) / (self.count - 1) as f64).sqrt()
        }
    }

    pub(super) fn feed(&self, feed: &mut impl FnMut(u64)) {
        for value in [self.count, self.mean.to_bits(), self.deviations.to_bits()] {
            feed(value);
        }
    }
}

/// Merges what chunks came to along a binary tree over their numbers, whichever chunk comes first: two neighbours are
/// merged as soon as both are there.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Level and number of each node whose neighbour is missing.
    waiting: std::collections::BTreeMap<(u32, u64), Vec<Moments>>,
}

impl Tree {
    pub(super) fn add(&mut self, chunk: u64, moments: Vec<Moments>) {
        let (mut level, mut number, mut node) = (0, chunk, moments);
        while let Some(neighbour) = self.waiting.remove(&(level, number ^ 1)) {
            node = if number & 1 == 1 {
                merge(neighbour, node)
            } else {
                merge(node, neighbour)
            };
            level += 1;
            number >>= 1;
        }
        self.waiting.insert((level, number), node);
    }

    /// What is left, from the first chunk to the last.
    pub(super) fn finish(mut self) -> Vec<Moments> {
        let mut nodes: Vec<_> = std::mem::take(&mut self.waiting).into_iter().collect();
        nodes.sort_by_key(|((level, number), _)| number << level);
        nodes
            .into_iter()
            .map(|(_, node)| node)
            .reduce(merge)
            .unwrap_or_default()
    }
}

fn merge(left: Vec<Moments>, right: Vec<Moments>) -> Vec<Moments> {
    left.into_iter()
        .zip(right)
        .map(|(left, right)| left.merge(right))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_are_exact_where_sums_are_not() {
        // NIST StRD NumAcc4: 10000000.2, then 500 pairs around it; mean 10000000.2, sd 0.1.
        let values: Vec<f64> = std::iter::once(10_000_000.2)
            .chain((0..1000).map(|n| {
                if n % 2 == 0 {
                    10_000_000.1
                } else {
                    10_000_000.3
                }
            }))
            .collect();
        let moments = Moments::of(&values);
        assert!((moments.mean - 10_000_000.2).abs() < 2e-9);
        assert!((moments.sd() - 0.1).abs() < 1e-8, "{}", moments.sd());
    }

    proptest! {
        #[test]
        fn the_order_of_chunks_does_not_matter(values in proptest::collection::vec(0.0..1e6_f64, 1..200), seed: u64) {
            let chunks: Vec<Moments> = values.chunks(7).map(Moments::of).collect();
            let mut order: Vec<usize> = (0..chunks.len()).collect();
            order.sort_by_key(|index| (*index as u64 + 1).wrapping_mul(seed | 1) >> 7);
            let (mut straight, mut mixed) = (Tree::default(), Tree::default());
            for index in 0..chunks.len() {
                straight.add(index as u64, vec![chunks[index]]);
                mixed.add(order[index] as u64, vec![chunks[order[index]]]);
            }
            let straight = straight.finish()[0];
            prop_assert_eq!(mixed.finish()[0], straight);
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert!((straight.mean - mean).abs() <= 1e-12 * mean.abs().max(1.0));
            prop_assert_eq!(straight.count, values.len() as u64);
        }

        #[test]
        fn ranks_are_close_and_merging_adds_up(mut values in proptest::collection::vec(0.0..1e4_f64, 2..300)) {
            let (mut whole, mut left, mut right) = (Buckets::fine(), Buckets::fine(), Buckets::fine());
            for (index, &value) in values.iter().enumerate() {
                whole.add(value);
                if index % 3 == 0 { left.add(value) } else { right.add(value) }
            }
            right.merge(&left);
            values.sort_by(f64::total_cmp);
            for (rank, value) in values.iter().enumerate() {
                let found = right.ranking().value(rank as u64 + 1);
                prop_assert_eq!(found, whole.ranking().value(rank as u64 + 1));
                prop_assert!((found - value).abs() <= value / 2048.0 * 1.01, "rank {}: {} for {}", rank, found, value);
            }
            prop_assert_eq!(whole.bounds(), (values[0], values[values.len() - 1]));
            let (edges, counts) = whole.bins(10);
            prop_assert_eq!(counts.iter().sum::<i64>(), values.len() as i64);
            prop_assert_eq!(edges.len(), counts.len() + 1);
        }
    }
}
