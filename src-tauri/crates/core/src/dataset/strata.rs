//! Kinds of examples that each part should have in proportion.

use std::collections::{BTreeMap, BTreeSet};

use super::Example;

/// Rows with the same answer that make it a kind of its own ...
const LEAST_ROWS: usize = 3;
/// ... or this many, where answers are few or mostly repeat: of a pair, one can
/// still go to each side.
const LEAST_ROWS_OF_LABEL: usize = 2;
/// So many different answers are few.
const FEW_ANSWERS: usize = 12;
/// Most classes of length among answers that do not repeat.
const MOST_LENGTHS: usize = 5;
/// Fewest rows of such a class.
const LEAST_OF_LENGTH: usize = 6;

/// The answer by which examples are told apart.
pub(super) fn value(example: &Example) -> &str {
    example.answer.best().trim()
}

/// Answers that so many of the chosen examples have that each part should have its
/// share of them, with the numbers of chosen rows; sorted. Whether answers are
/// labels is seen in all of the examples.
pub(super) fn repeated<'a>(
    examples: &'a [Example],
    chosen: impl Iterator<Item = &'a Example>,
) -> BTreeMap<&'a str, usize> {
    let all = counts(examples.iter());
    let often: usize = all.values().filter(|&&count| count >= LEAST_ROWS).sum();
    let few = all.len() <= FEW_ANSWERS && 2 * all.len() <= examples.len();
    let least = match few || 2 * often >= examples.len() {
        true => LEAST_ROWS_OF_LABEL,
        false => LEAST_ROWS,
    };
    let mut counts = counts(chosen);
    counts.retain(|_, count| *count >= least);
    counts
}

fn counts<'a>(examples: impl Iterator<Item = &'a Example>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for example in examples {
        *counts.entry(value(example)).or_default() += 1;
    }
    counts
}

/// The kind of each of the examples `indices`, counted from 0 without gaps: its
/// answer where that repeats, else a class of its answer's length. Answers that
/// are too few for classes are one kind together.
pub(super) fn strata(examples: &[Example], indices: &[usize]) -> Vec<usize> {
    let chosen = || indices.iter().map(|&index| &examples[index]);
    let repeated = repeated(examples, chosen());
    let places: BTreeMap<&str, usize> = repeated.keys().copied().zip(0..).collect();
    let length = |example: &Example| value(example).chars().count();
    let mut lengths: Vec<usize> = chosen()
        .filter(|example| !places.contains_key(value(example)))
        .map(length)
        .collect();
    lengths.sort_unstable();
    let classes = (lengths.len() / LEAST_OF_LENGTH).clamp(1, MOST_LENGTHS);
    let ends: BTreeSet<usize> = (1..classes)
        .map(|class| lengths[class * lengths.len() / classes])
        .collect();
    let kinds: Vec<usize> = chosen()
        .map(|example| match places.get(value(example)) {
            Some(place) => *place,
            None => places.len() + ends.range(..=length(example)).count(),
        })
        .collect();
    // Where the least length fills more than one class, the lowest has no rows.
    let used: BTreeSet<usize> = kinds.iter().copied().collect();
    let number: BTreeMap<usize, usize> = used.into_iter().zip(0..).collect();
    kinds.iter().map(|kind| number[kind]).collect()
}
