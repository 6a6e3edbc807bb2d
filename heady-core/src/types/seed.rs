//! The seeds of runs and simulations.

use sha2::{Digest, Sha256};

use super::Id;
use crate::error::{Error, Result};

/// The largest seed: 2^53 - 1, the largest integer that every language of the bindings holds exactly.
pub const MAX_SEED: i64 = (1 << 53) - 1;

/// Checks that a seed is in 0 ..= [`MAX_SEED`].
pub fn checked_seed(seed: i64) -> Result<i64> {
    if (0..=MAX_SEED).contains(&seed) {
        Ok(seed)
    } else {
        Err(Error::invalid_argument(format!(
            "seed {seed} is outside 0 .. {MAX_SEED}"
        )))
    }
}

/// The seed that stands for a text: the first 53 bits of the SHA-256 of its UTF-8 bytes, most significant bit first.
pub fn seed_of_text(text: &str) -> i64 {
    let digest = Sha256::digest(text.as_bytes());
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    // 53 bits fit into the positive half of an i64.
    (u64::from_be_bytes(head) >> 11).cast_signed()
}

/// A seed that nobody chose, drawn from the system's randomness (74 bits of it are in a new identifier).
pub fn random_seed() -> i64 {
    seed_of_text(Id::new().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_seed_is_the_head_of_its_hash() {
        // The first 16 hex digits of the published SHA-256 test vectors, shifted right by 11.
        assert_eq!(
            seed_of_text(""),
            (0xe3b0_c442_98fc_1c14_u64 >> 11).cast_signed()
        );
        assert_eq!(
            seed_of_text("abc"),
            (0xba78_16bf_8f01_cfea_u64 >> 11).cast_signed()
        );
    }

    #[test]
    fn seeds_stay_inside_what_javascript_holds() {
        assert_eq!(checked_seed(MAX_SEED).unwrap(), 9_007_199_254_740_991);
        assert!(checked_seed(MAX_SEED + 1).is_err());
        assert!(checked_seed(-1).is_err());
        for _ in 0..1000 {
            checked_seed(random_seed()).unwrap();
        }
    }
}
