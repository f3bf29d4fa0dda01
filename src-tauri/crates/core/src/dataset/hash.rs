//! Hashes that are the same with every toolchain and on every machine: which
//! examples are held out hangs on them.

use siphasher::sip::SipHasher13;

/// SipHash-1-3 of bytes, without a key (Aumasson and Bernstein, INDOCRYPT 2012).
pub(super) fn hash_bytes(bytes: &[u8]) -> u64 {
    SipHasher13::new().hash(bytes)
}

/// Hash of numbers in their order.
pub(super) fn hash_numbers(numbers: &[u64]) -> u64 {
    let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    hash_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_that_were_written_down() {
        assert_eq!(hash_bytes(b""), 0xd1fb_a762_150c_532c);
        assert_eq!(hash_bytes("prompt".as_bytes()), 0x195b_a6d6_2321_b933);
        assert_eq!(hash_numbers(&[1, 2, 3]), 0x8acb_6513_5d8f_2da1);
        assert_ne!(hash_numbers(&[1, 2]), hash_numbers(&[2, 1]));
    }
}
