//! Texts that are nearly the same.

use std::collections::HashMap;

use super::hash::hash_numbers;
use super::words::hashed_words;
use super::{short, Example};

/// Words of a shingle.
const SHINGLE: usize = 3;
/// Parts of a sketch. Texts that share 0.7 of their shingles agree in one of them
/// all but once in three thousand times.
const BANDS: u64 = 12;
/// Minima that a part is made of.
const MINIMA: u64 = 2;
/// Texts with fewer shingles of their own tell too little: a word more or less
/// makes them others.
const FEWEST_SHINGLES: usize = 10;
/// Share of shingles that similar texts have in common.
const LEAST_SHARED: f64 = 0.7;
/// Texts with a part in common that are compared.
const MOST_COMPARED: usize = 64;
/// Shingles that more than this share of all texts have belong to a form that
/// all were filled into, and tell nothing.
const COMMON: f64 = 0.02;
/// In fewer texts, where that share is a handful and a text that was copied some
/// times would pass for a form: this share, ...
const COMMON_OF_FEW: f64 = 0.25;
/// ... but never more texts than this.
const MOST_COPIES: usize = 16;

/// For each text the index of the first text of its group. Texts of a group are
/// equal but for case, spaces and punctuation, or long and nearly equal: found by
/// sketches of minima (Broder, SEQUENCES 1997), decided by the shingles that both
/// have.
pub fn similar_groups<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let words: Vec<Vec<u64>> = texts.map(hashed_words).collect();
    let (groups, _) = by_text(&words);
    groups.all()
}

/// For each example the index of the first example of its group: as
/// [`similar_groups`] of the inputs, and short inputs that differ in one word
/// where that changes nothing, which is known because the answers are the same.
pub fn similar_examples<'a>(examples: impl Iterator<Item = &'a Example>) -> Vec<usize> {
    let examples: Vec<&Example> = examples.collect();
    let inputs = examples.iter().map(|example| example.input.as_str());
    let words: Vec<Vec<u64>> = inputs.map(hashed_words).collect();
    let (mut groups, different) = by_text(&words);
    for (a, b) in short::pairs(&examples, &words, &different) {
        groups.join(a, b);
    }
    groups.all()
}

/// Groups by the words alone, and the first text of each kind of equal ones.
fn by_text(texts: &[Vec<u64>]) -> (Groups, Vec<usize>) {
    let mut groups = Groups((0..texts.len()).collect());
    let mut same: HashMap<u64, usize> = HashMap::new();
    let mut different = Vec::with_capacity(texts.len());
    for (at, words) in texts.iter().enumerate() {
        let first = *same.entry(hash_numbers(words)).or_insert(at);
        match first == at {
            true => different.push(at),
            false => groups.join(first, at),
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
    (groups, different)
}

fn shingles(words: &[u64]) -> Vec<u64> {
    let mut all: Vec<u64> = words.windows(SHINGLE).map(hash_numbers).collect();
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
        let mut total = 0_usize;
        for words in texts {
            total += 1;
            for shingle in shingles(words) {
                counts[Self::place(shingle)] += 1;
            }
        }
        let part = |share: f64| (total as f64 * share) as usize;
        let most = part(COMMON)
            .max(part(COMMON_OF_FEW).min(MOST_COPIES))
            .max(4);
        Self {
            counts,
            most: u32::try_from(most).unwrap_or(u32::MAX),
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
    let mut of: Vec<u64> = vec![band];
    of.extend((first..first + MINIMA).map(least));
    hash_numbers(&of)
}

/// Share of the shingles of two texts that both have; both sorted.
fn share(a: &[u64], b: &[u64]) -> f64 {
    let both = a
        .iter()
        .filter(|shingle| b.binary_search(shingle).is_ok())
        .count();
    both as f64 / (a.len() + b.len() - both).max(1) as f64
}

/// Disjoint groups of indices, each named by its least.
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

    fn all(&self) -> Vec<usize> {
        (0..self.0.len()).map(|at| self.first(at)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Answer;
    use super::*;

    const LONG: &str = "The parcel that I ordered on Monday evening has not arrived yet, although your page says that it was handed to the carrier three days ago, and nobody answers the telephone.";

    /// Inputs that share no three words.
    fn others(count: usize) -> Vec<String> {
        let text = |i: usize| (0..24).map(|w| format!("w{i}x{w} ")).collect();
        (0..count).map(text).collect()
    }

    fn groups_of(texts: &[String]) -> Vec<usize> {
        similar_groups(texts.iter().map(String::as_str))
    }

    #[test]
    fn nearly_equal_texts_are_found_and_filled_forms_are_not() {
        let texts = [
            "Hello, World",
            "hello  world",
            LONG,
            "A quite different message about an invoice that was paid twice by mistake last week, with the number of the order and a wish for a refund to the same card.",
            &LONG.replace("telephone", "door"),
            "hello, world!",
            &LONG.to_uppercase(),
        ];
        assert_eq!(similar_groups(texts.into_iter()), [0, 0, 2, 3, 2, 0, 2]);
        let forms: Vec<String> = (0..60)
            .map(|i| format!("The following paragraphs each describe a set of three objects arranged in a fixed order, and the statements are consistent within each. On a shelf there are a book number {i}, a cup and a plate. Which of them stands at the left end?"))
            .collect();
        for count in [5, 8, 20, 60] {
            let expected: Vec<usize> = (0..count).collect();
            assert_eq!(groups_of(&forms[..count]), expected, "{count} forms");
        }
        assert!(similar_groups(std::iter::empty()).is_empty());
    }

    #[test]
    fn five_and_more_copies_are_a_group_in_little_data() {
        let copies = |count: usize| -> Vec<String> {
            let words = ["shop", "office", "bank", "hotel", "baker", "school", "town"];
            let word = |i: usize| format!("{}{}", words[i % 7], "s".repeat(i / 7));
            let copy = |i| LONG.replace("telephone", &word(i));
            (0..count).map(copy).collect()
        };
        for (copied, all) in [(2, 20), (5, 20), (5, 40), (8, 40), (12, 100), (16, 200)] {
            let mut texts = others(all - copied);
            texts.extend(copies(copied));
            let groups = groups_of(&texts);
            let first = all - copied;
            assert!(
                groups[first..].iter().all(|group| *group == first),
                "{copied} of {all}: {groups:?}"
            );
            assert_eq!(groups[..first], (0..first).collect::<Vec<_>>());
        }
    }

    #[test]
    fn signs_that_mean_something_keep_short_texts_apart() {
        let texts = [
            "not ( True and False )",
            "( not True ) and False",
            "3 + 4",
            "3 - 4",
            "a .5 share",
            "a 5 share",
            "Is it 1.5?",
            "Is it 15?",
            "?",
            "!",
            "",
        ];
        let expected: Vec<usize> = (0..texts.len()).collect();
        assert_eq!(similar_groups(texts.into_iter()), expected);
        let same = [
            "Where is it ?",
            "where is it",
            "«Where is it…»",
            "WHERE is\tit",
        ];
        assert_eq!(similar_groups(same.into_iter()), [0; 4]);
    }

    #[test]
    fn a_group_is_the_same_with_every_toolchain() {
        assert_eq!(
            hashed_words("Hello, World!"),
            [0xe2e7_7b41_cb4e_1f9e, 0xf965_ae91_e38a_1274]
        );
        assert_eq!(
            part(&shingles(&hashed_words(LONG)), 3),
            0x8e4c_6359_bc8f_3c56
        );
    }

    fn example(input: &str, target: &str) -> Example {
        Example {
            input: input.into(),
            columns: Default::default(),
            answer: Answer::Supervised {
                targets: vec![target.into()],
            },
            row: 1,
            id: None,
            part: None,
            weight: None,
        }
    }

    #[test]
    fn short_inputs_with_a_slip_of_the_pen_are_a_group_where_the_answer_is_the_same() {
        let examples = [
            example("turn on the light", "on"),
            example("turn off the light", "off"),
            example("Please recieve my order", "order"),
            example("please receive my order!", "order"),
            example("please receive my ordre", "complaint"),
            example("Could you tell me when the next train leaves", "train"),
            example("Could you tell me when the first train leaves", "train"),
            example("Could you tell me when train 17 leaves today", "train"),
            example("Could you tell me when train 18 leaves today", "train"),
        ];
        assert_eq!(
            similar_examples(examples.iter()),
            [0, 1, 2, 2, 4, 5, 5, 7, 8]
        );
        // A form that short inputs are filled into is none.
        let cities = ["Rome", "Paris", "Berlin", "Vienna", "Oslo", "Madrid"];
        let asked: Vec<Example> = cities
            .iter()
            .map(|city| {
                example(
                    &format!("what will the weather be in {city} tomorrow"),
                    "weather",
                )
            })
            .collect();
        assert_eq!(similar_examples(asked.iter()), [0, 1, 2, 3, 4, 5]);
    }
}
