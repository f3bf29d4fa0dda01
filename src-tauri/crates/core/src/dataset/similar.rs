//! Texts that are nearly the same.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};

/// Words of a shingle.
const SHINGLE: usize = 3;
/// Parts of a sketch. Texts that share 0.7 of their shingles agree in one of them
/// all but once in three thousand times.
const BANDS: u64 = 12;
/// Minima that a part is made of.
const MINIMA: u64 = 2;
/// Texts with fewer shingles of their own are compared whole: a word more or less
/// makes them others.
const FEWEST_SHINGLES: usize = 10;
/// Share of shingles that similar texts have in common.
const LEAST_SHARED: f64 = 0.7;
/// Texts with a part in common that are compared.
const MOST_COMPARED: usize = 64;
/// Shingles that more than this share of all texts have belong to a form that
/// all were filled into, and tell nothing.
const COMMON: f64 = 0.02;

/// For each text the index of the first text of its group. Texts of a group are
/// equal but for case and spaces, or long and nearly equal: found by sketches of
/// minima (Broder, SEQUENCES 1997), decided by the shingles that both have.
pub fn similar_groups<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let texts: Vec<Vec<u64>> = texts.map(words).collect();
    let mut groups = Groups((0..texts.len()).collect());
    let mut same: HashMap<u64, usize> = HashMap::new();
    let mut different = Vec::with_capacity(texts.len());
    for (at, words) in texts.iter().enumerate() {
        match same.get(&hash(words)) {
            Some(first) => groups.join(*first, at),
            None => {
                same.insert(hash(words), at);
                different.push(at);
            }
        }
    }
    drop(same);
    let common = Frequencies::of(different.iter().map(|&at| &texts[at][..]));
    let mut bands: HashMap<u64, Vec<usize>> = HashMap::new();
    for &at in &different {
        let own = common.own(&texts[at]);
        if own.len() < FEWEST_SHINGLES {
            continue;
        }
        for band in 0..BANDS {
            let near = bands.entry(part(&own, band)).or_default();
            for &other in near.iter().rev().take(MOST_COMPARED) {
                if groups.first(other) != groups.first(at)
                    && share(&own, &common.own(&texts[other])) >= LEAST_SHARED
                {
                    groups.join(other, at);
                }
            }
            near.push(at);
        }
    }
    (0..texts.len()).map(|at| groups.first(at)).collect()
}

/// Hashes of a text's words, marks included, without case.
fn words(text: &str) -> Vec<u64> {
    text.split_whitespace()
        .map(|word| hash(&word.to_lowercase()))
        .collect()
}

fn hash(value: &impl Hash) -> u64 {
    // Fixed, so that the same data gives the same groups.
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

fn shingles(words: &[u64]) -> Vec<u64> {
    let mut all: Vec<u64> = words
        .windows(SHINGLE)
        .map(|shingle| hash(&shingle))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// In how many texts shingles stand, roughly: those with the same place are
/// counted together.
struct Frequencies {
    counts: Vec<u32>,
    most: u32,
}

impl Frequencies {
    fn of<'a>(texts: impl Iterator<Item = &'a [u64]>) -> Self {
        let mut counts = vec![0; 1 << 20];
        let mut total = 0;
        for words in texts {
            total += 1;
            for shingle in shingles(words) {
                counts[Self::place(shingle)] += 1;
            }
        }
        Self {
            counts,
            most: ((f64::from(total) * COMMON) as u32).max(4),
        }
    }

    fn place(shingle: u64) -> usize {
        (shingle & ((1 << 20) - 1)) as usize
    }

    /// The shingles of a text that few others have.
    fn own(&self, words: &[u64]) -> Vec<u64> {
        let mut all = shingles(words);
        all.retain(|shingle| self.counts[Self::place(*shingle)] <= self.most);
        all
    }
}

/// A part of a sketch: the least of all shingles in a few random orders.
fn part(shingles: &[u64], band: u64) -> u64 {
    let least = |order: u64| {
        // An odd factor and a shift make another order of the same numbers.
        let factor = order
            .wrapping_mul(2)
            .wrapping_add(1)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = |shingle: &u64| {
            let product = shingle.wrapping_mul(factor);
            product ^ product >> 29
        };
        shingles.iter().map(place).min().unwrap_or(0)
    };
    let first = MINIMA * band;
    let minima: Vec<u64> = (first..first + MINIMA).map(least).collect();
    hash(&(band, minima))
}

/// Share of the shingles of two texts that both have; both sorted.
fn share(a: &[u64], b: &[u64]) -> f64 {
    let both = a
        .iter()
        .filter(|shingle| b.binary_search(shingle).is_ok())
        .count();
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

/// Disjoint groups of indices.
struct Groups(Vec<usize>);

impl Groups {
    fn first(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.first(a), self.first(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_equal_texts_are_found_and_filled_forms_are_not() {
        let long = "The parcel that I ordered on Monday evening has not arrived yet, although your page says that it was handed to the carrier three days ago, and nobody answers the telephone.";
        let texts = [
            "Hello, World",
            "hello  world",
            long,
            "A quite different message about an invoice that was paid twice by mistake last week, with the number of the order and a wish for a refund to the same card.",
            &long.replace("telephone", "door"),
            "hello, world",
            &long.to_uppercase(),
        ];
        assert_eq!(similar_groups(texts.into_iter()), [0, 1, 2, 3, 2, 0, 2]);
        let forms: Vec<String> = (0..60)
            .map(|i| format!("The following paragraphs each describe a set of three objects arranged in a fixed order, and the statements are consistent within each. On a shelf there are a book number {i}, a cup and a plate. Which of them stands at the left end?"))
            .collect();
        let groups = similar_groups(forms.iter().map(String::as_str));
        assert_eq!(groups, (0..60).collect::<Vec<_>>());
        assert!(similar_groups(std::iter::empty()).is_empty());
    }
}
