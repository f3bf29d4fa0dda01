//! Rows of several kinds in one row, each beginning of which is even.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::Rng;

/// How often neighbours may change places.
const SWEEPS: usize = 4;

/// An order of the kinds, of which there are `counts`: among the first rows, however
/// many, each kind has its share but for less than one row.
///
/// The j-th row of a kind of n among N has its place from (j - 1) N / n on and before
/// j N / n; taking each time what must come first fills all places (Baruah et al.,
/// "Proportionate progress", Algorithmica 1996). Ties, and neighbours that may stand
/// either way, are left to chance.
pub(super) fn even_order(counts: &[usize], rng: &mut impl Rng) -> Vec<usize> {
    let total: usize = counts.iter().sum();
    let mut waiting = BinaryHeap::new();
    let mut ready = BinaryHeap::new();
    for (kind, &count) in counts.iter().enumerate() {
        if count > 0 {
            waiting.push(Reverse((0, kind, 1)));
        }
    }
    let mut order = Vec::with_capacity(total);
    while order.len() < total {
        while let Some(&Reverse((from, kind, nth))) = waiting.peek() {
            if from > order.len() {
                break;
            }
            waiting.pop();
            let before = (nth * total).div_ceil(counts[kind]);
            ready.push(Reverse((before, rng.random::<u32>(), kind, nth)));
        }
        // Never empty: up to here no more rows are due than there are places.
        let Some(Reverse((_, _, kind, nth))) = ready.pop() else {
            break;
        };
        order.push(kind);
        if nth < counts[kind] {
            waiting.push(Reverse((nth * total / counts[kind], kind, nth + 1)));
        }
    }
    for _ in 0..SWEEPS {
        let mut before = vec![0; counts.len()];
        for at in 1..order.len() {
            let (a, b) = (order[at - 1], order[at]);
            // Only the beginning of `at` rows has others then: a `b` for an `a`.
            let is_even =
                |kind: usize, rows: usize| (rows * total).abs_diff(at * counts[kind]) < total;
            if a != b && is_even(a, before[a]) && is_even(b, before[b] + 1) && rng.random() {
                order.swap(at - 1, at);
            }
            before[order[at - 1]] += 1;
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;
    use proptest::prelude::*;

    #[test]
    fn chance_decides_which_kind_is_first() {
        let mut first = [0; 2];
        for seed in 0..1000 {
            first[even_order(&[20, 30], &mut generator(seed, &["order"]))[0]] += 1;
        }
        assert!(first.iter().all(|&times| times > 250), "{first:?}");
    }

    proptest! {
        #[test]
        fn every_beginning_is_even(counts in prop::collection::vec(0_usize..40, 1..15), seed: u64) {
            let order = even_order(&counts, &mut generator(seed, &["order"]));
            let total: usize = counts.iter().sum();
            prop_assert_eq!(order.len(), total);
            let mut seen = vec![0; counts.len()];
            for (at, kind) in order.iter().enumerate() {
                seen[*kind] += 1;
                for (seen, count) in seen.iter().zip(&counts) {
                    let share = ((at + 1) * count) as f64 / total as f64;
                    prop_assert!((*seen as f64 - share).abs() < 1.0);
                }
            }
            prop_assert_eq!(seen, counts);
        }
    }
}
