//! Random numbers that depend on a seed and a purpose, never on what was drawn before.
//!
//! A run that is resumed draws the same numbers as one that was never broken,
//! because each use has a generator of its own.

use rand_chacha::rand_core::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A generator for one purpose of one run, for example `["reorder", "3"]`.
pub fn generator(seed: u64, purpose: &[&str]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, purpose))
}

/// A seed derived from a run's seed, for a component that wants a number.
pub fn derived_seed(seed: u64, purpose: &[&str]) -> u64 {
    let bytes = digest(seed, purpose);
    let mut first = [0_u8; 8];
    first.copy_from_slice(&bytes[..8]);
    u64::from_le_bytes(first)
}

fn digest(seed: u64, purpose: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    for word in purpose {
        // The length keeps ["ab", "c"] apart from ["a", "bc"].
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().into()
}

/// SHA-256 of a text as lower-case hexadecimal digits.
pub fn text_hash(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn same_purpose_same_numbers_other_purpose_other_numbers() {
        let draw = |seed, purpose: &[&str]| generator(seed, purpose).random::<u64>();
        assert_eq!(draw(1, &["a", "b"]), draw(1, &["a", "b"]));
        assert_ne!(draw(1, &["a", "b"]), draw(1, &["ab"]));
        assert_ne!(draw(1, &["a"]), draw(2, &["a"]));
        assert_ne!(derived_seed(1, &["a"]), derived_seed(1, &["b"]));
    }
}
