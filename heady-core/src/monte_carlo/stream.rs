//! Random numbers: a column of words for each variable, each word a function of seed, variable and sample alone.
//!
//! ChaCha8 (D. J. Bernstein, *ChaCha, a variant of Salsa20*, 2008) with the seed in the key and the variable in the
//! nonce; the word of a sample stands at that sample's position. So neither threads nor chunks nor the order of
//! evaluation change a bit, and a task that is added or removed leaves the draws of all others as they were.

use chacha20::ChaCha8Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// Changes whenever the same seed is to give other bits.
const ALGORITHM: u32 = 0;

/// The words of one variable.
pub(crate) struct Stream {
    generator: ChaCha8Rng,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl Stream {
    /// The stream of the variable that these parts name, under a seed, in a domain of its own.
    pub(crate) fn new(seed: i64, domain: &str, parts: &[&str]) -> Self {
        Self::numbered(seed, domain, nonce(parts))
    }

    /// The stream with this number, as [`nonce`] gives it.
    pub(super) fn numbered(seed: i64, domain: &str, nonce: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..24].copy_from_slice(&Sha256::digest(domain)[..16]);
        key[24..28].copy_from_slice(&ALGORITHM.to_le_bytes());
        // The last four bytes number replicates of the whole simulation; there is one as yet.
        let mut generator = ChaCha8Rng::from_seed(key);
        // In this order: setting the stream moves the position back to the beginning.
        generator.set_stream(nonce);
        Self { generator }
    }

    /// The words of the samples from `first` on.
    pub(super) fn fill(&mut self, first: u64, words: &mut [u64]) {
        // Two 32-bit words make one of ours.
        self.generator.set_word_pos(u128::from(first) * 2);
        for word in words {
            *word = self.generator.next_u64();
        }
    }

    /// One draw from the open interval (0, 1).
    pub(crate) fn uniform(&mut self, index: u64) -> f64 {
        let mut word = [0];
        self.fill(index, &mut word);
        Uniform::of(word[0]).below
    }
}

/// The number of the stream of a variable: the head of the SHA-256 of its parts, each with its length in front.
pub(super) fn nonce(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut head = [0; 8];
    head.copy_from_slice(&hash.finalize()[..8]);
    u64::from_le_bytes(head)
}

/// A point of the open unit interval, kept as its distance from both ends so that neither tail loses digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Uniform {
    /// The distance from 0.
    pub(super) below: f64,
    /// The distance from 1.
    pub(super) above: f64,
}

impl Uniform {
    /// The top bit picks the half, the next 52 the place in it. The complement of a word is the mirrored point.
    pub(super) fn of(word: u64) -> Self {
        let upper = word >> 63 == 1;
        let bits = if upper { !word } else { word };
        // At most 52 bits and a half: exact in a double.
        let small = (((bits << 1) >> 12) as f64 + 0.5) * (1.0 / (1_u64 << 53) as f64);
        if upper {
            Self {
                below: 1.0 - small,
                above: small,
            }
        } else {
            Self {
                below: small,
                above: 1.0 - small,
            }
        }
    }

    /// The point at this distance from 0 and from 1.
    pub(super) fn at(below: f64, above: f64) -> Self {
        Self { below, above }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keystream_is_that_of_chacha8() {
        // Key and nonce zero, first block: the published test vector of ChaCha8 (draft-strombergson-chacha-test-vectors,
        // TC1, 256-bit key) begins 3e00ef2f895f40d67f5bb8e81f09a5a1.
        let mut generator = ChaCha8Rng::from_seed([0; 32]);
        let first = [0x2f, 0xef, 0x00, 0x3e]
            .iter()
            .fold(0_u32, |word, byte| word << 8 | byte);
        assert_eq!(generator.next_u32(), first);
        assert_eq!(generator.next_u32(), 0xd640_5f89);
    }

    #[test]
    fn a_word_is_a_function_of_its_position() {
        let mut stream = Stream::new(42, "test", &["a", "b"]);
        let mut whole = [0; 100];
        stream.fill(1000, &mut whole);
        for (index, word) in whole.iter().enumerate().rev() {
            let mut one = [0];
            stream.fill(1000 + index as u64, &mut one);
            assert_eq!(one[0], *word);
        }
        let first = |seed, domain, parts: &[&str]| Stream::new(seed, domain, parts).uniform(0);
        let base = first(42, "test", &["a", "b"]);
        for other in [
            first(43, "test", &["a", "b"]),
            first(42, "tests", &["a", "b"]),
            first(42, "test", &["ab"]),
            first(42, "test", &["a", "b", ""]),
        ] {
            assert!((other - base).abs() > 1e-9);
        }
    }

    #[test]
    fn points_are_inside_and_mirror_each_other() {
        for word in [
            0,
            1,
            u64::MAX,
            u64::MAX >> 1,
            1 << 63,
            0x1234_5678_9abc_def0,
        ] {
            let (point, mirrored) = (Uniform::of(word), Uniform::of(!word));
            assert!(point.below > 0.0 && point.above > 0.0);
            assert_eq!((point.below, point.above), (mirrored.above, mirrored.below));
        }
        assert!(Uniform::of(0).below < 1e-16 && Uniform::of(u64::MAX).above < 1e-16);
    }
}
