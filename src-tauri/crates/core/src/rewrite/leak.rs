use std::collections::HashSet;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::dataset::Example;

/// Fewest words of a whole text that is a copy by itself though shorter than a run.
const FEWEST: usize = 4;
/// Words that may stand between a short input and its answer, such as "Answer".
const BETWEEN: usize = 2;
/// What more than one row in this many has is the task's own form of words ...
const COMMON: usize = 20;
/// ... if it is this many rows at least.
const COMMON_ROWS: usize = 3;

/// Refuses prompts that copy examples.
///
/// A prompt that contains many consecutive words of an example teaches the
/// answer to that example, not the task. Guarded are, whatever the case and the
/// marks between the words:
///
/// - every run of `length` words of an input, an answer or another column;
/// - shorter texts of four words or more as a whole, answers that repeat left out;
/// - inputs of up to three words where their answer follows them.
///
/// Not guarded is what over a twentieth of the rows, and three at least, have in
/// common: it is how the task is worded. Nor are answers of up to three words.
#[derive(Debug, Clone)]
pub struct LeakGuard {
    length: usize,
    /// Keys of what may not be copied, sorted: hashes, so that 100,000 rows take
    /// little memory. Two texts have one key by chance once in 2^64 times.
    guarded: Vec<u64>,
    /// Those of the start prompt, which has them already.
    allowed: HashSet<u64>,
    /// Whether answers repeat, as labels do.
    labels: bool,
}

impl LeakGuard {
    /// A guard over `examples` for runs of `length` words; what `start` contains is allowed.
    pub fn new(examples: &[Example], start: &str, length: usize) -> Self {
        let mut guard = Self {
            length: length.max(1),
            guarded: Vec::new(),
            allowed: HashSet::new(),
            labels: answers_repeat(examples),
        };
        let mut keys = Vec::new();
        for example in examples {
            keys.extend(guard.keys_of(example));
        }
        keep_uncommon(&mut keys, examples.len());
        guard.guarded = keys;
        let mut allowed = HashSet::new();
        guard.first(&words(start), |key| {
            allowed.insert(key);
            false
        });
        guard.allowed = allowed;
        guard
    }

    /// The first copied run of words, if any, in small letters. `shown` are
    /// examples that the prompt demonstrates and may therefore contain.
    pub fn copied(&self, prompt: &str, shown: &[&Example]) -> Option<String> {
        let open: HashSet<u64> = shown.iter().flat_map(|one| self.keys_of(one)).collect();
        let hashes = words(prompt);
        let found = self.first(&hashes, |key| {
            !self.allowed.contains(&key) && !open.contains(&key)
        })?;
        let copied = prompt.unicode_words().skip(found.start).take(found.len());
        Some(copied.map(str::to_lowercase).collect::<Vec<_>>().join(" "))
    }

    /// What of a row is guarded, each key once.
    fn keys_of(&self, example: &Example) -> Vec<u64> {
        let mut keys = Vec::new();
        let answers = example.answer.all();
        let input = words(&example.input);
        self.keys_of_text(&input, &mut keys);
        for value in example.columns.values() {
            if *value != example.input && !answers.contains(&value.as_str()) {
                self.keys_of_text(&words(value), &mut keys);
            }
        }
        for answer in answers {
            let answer = words(answer);
            let whole = answer.len() < self.length;
            if answer.len() >= FEWEST && !(whole && self.labels) {
                self.keys_of_text(&answer, &mut keys);
            }
            if whole && !answer.is_empty() && (1..FEWEST.min(self.length)).contains(&input.len()) {
                keys.push(pair(&input, &answer));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn keys_of_text(&self, words: &[u64], keys: &mut Vec<u64>) {
        if words.len() >= self.length {
            keys.extend(words.windows(self.length).map(key));
        } else if words.len() >= FEWEST {
            keys.push(key(words));
        }
    }

    /// The words of the first guarded thing in a text that `wanted` takes.
    fn first(&self, words: &[u64], mut wanted: impl FnMut(u64) -> bool) -> Option<Range<usize>> {
        let mut takes = |key: u64| self.guarded.binary_search(&key).is_ok() && wanted(key);
        for from in 0..words.len() {
            let most = words.len() - from;
            // A longer run says more about what was copied than a shorter one.
            let whole = FEWEST.min(self.length)..=self.length.min(most);
            for length in whole.rev() {
                if takes(key(&words[from..from + length])) {
                    return Some(from..from + length);
                }
            }
            for length in 1..FEWEST.min(self.length).min(most) {
                let input = &words[from..from + length];
                for start in from + length..=(from + length + BETWEEN).min(words.len()) {
                    for end in start + 1..=(start + self.length - 1).min(words.len()) {
                        if takes(pair(input, &words[start..end])) {
                            return Some(from..end);
                        }
                    }
                }
            }
        }
        None
    }
}

/// Drops the keys that many of `rows` rows have; the rest is sorted, each key once.
fn keep_uncommon(keys: &mut Vec<u64>, rows: usize) {
    keys.sort_unstable();
    let (mut kept, mut at) = (0, 0);
    while at < keys.len() {
        let key = keys[at];
        let count = keys[at..].iter().take_while(|other| **other == key).count();
        if count < COMMON_ROWS || count * COMMON <= rows {
            keys[kept] = key;
            kept += 1;
        }
        at += count;
    }
    keys.truncate(kept);
    keys.shrink_to_fit();
}

/// Whether there are at most half as many answers as examples.
fn answers_repeat(examples: &[Example]) -> bool {
    let different: HashSet<&str> = examples.iter().map(|one| one.answer.best()).collect();
    different.len() * 2 <= examples.len()
}

/// Hashes of the words of a text, without case and marks (Unicode Annex 29).
fn words(text: &str) -> Vec<u64> {
    text.unicode_words()
        .map(|word| {
            let letters = word.chars().flat_map(char::to_lowercase);
            mixed(letters.fold(0xcbf2_9ce4_8422_2325, |hash, letter| {
                (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3)
            }))
        })
        .collect()
}

/// The key of consecutive words.
fn key(words: &[u64]) -> u64 {
    words.iter().fold(words.len() as u64, |key, word| {
        mixed(key.rotate_left(5) ^ word)
    })
}

/// The key of an input and its answer.
fn pair(input: &[u64], answer: &[u64]) -> u64 {
    mixed(key(input).rotate_left(32) ^ key(answer))
}

/// The bits of a number spread over all 64 (the last step of SplitMix64).
fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::super::testing::supervised;
    use super::*;

    fn copied(rows: &[(&str, &str)], prompt: &str) -> Option<String> {
        LeakGuard::new(&supervised(rows), "", 8).copied(prompt, &[])
    }

    #[test]
    fn eight_words_are_too_many_seven_are_not() {
        let examples = supervised(&[(
            "one two three four five six seven eight nine",
            "a b c d e f g h",
        )]);
        let guard = LeakGuard::new(&examples, "", 8);
        assert!(guard
            .copied("Say: one two three four five six seven!", &[])
            .is_none());
        let found = guard.copied("Two, three four FIVE six seven eight nine.", &[]);
        assert_eq!(found.unwrap(), "two three four five six seven eight nine");
        assert!(guard.copied("a b c d e f g h", &[]).is_some());
        assert!(guard.copied("a b c d e f g h", &[&examples[0]]).is_none());
        let own = LeakGuard::new(&examples, "x a b c d e f g h", 8);
        assert!(own.copied("a b c d e f g h", &[]).is_none());
        assert!(own
            .copied("one two three four five six seven eight", &[])
            .is_some());
    }

    #[test]
    fn the_form_that_inputs_share_is_no_copy() {
        // "What is the date tomorrow in MM DD YYYY" is in `many` of 60 inputs.
        let data = |many: usize| -> Vec<(String, String)> {
            (0..60)
                .map(|row| {
                    let question = match row < many {
                        true => "What is the date tomorrow in MM/DD/YYYY?",
                        false => "Which day is it?",
                    };
                    let own = format!("Person n{row} was born on day d{row} of month m{row}.");
                    (format!("{own} {question}"), format!("a{row}"))
                })
                .collect()
        };
        let form = "Answer such as: what is the date tomorrow in mm/dd/yyyy?";
        let own = "Person n7 was born on day d7 of month m7.";
        for (many, allowed) in [(60, true), (4, true), (3, false), (1, false)] {
            let rows = data(many);
            let rows: Vec<(&str, &str)> = rows.iter().map(|(a, b)| (&**a, &**b)).collect();
            assert_eq!(copied(&rows, form).is_none(), allowed, "in {many} of 60");
            assert!(
                copied(&rows, own).is_some(),
                "what one row says stays guarded"
            );
        }
        // Two of ten rows are a fifth, but two rows alone make no form.
        let same = "the same ten words stand here in two whole rows";
        let mut rows = vec![(same, "x"), (same, "x")];
        rows.extend(std::iter::repeat_n(("other", "y"), 8));
        assert!(copied(&rows, same).is_some());
        rows[2] = (same, "x");
        assert!(copied(&rows, same).is_none());
    }

    #[test]
    fn short_rows_are_guarded_as_a_whole() {
        let rows = [
            ("not ( True ) and ( False ) is", "False"),
            ("apple pie", "dessert"),
            ("12 * 4", "48"),
            ("steak", "a main course to be served warm"),
        ];
        let found = copied(&rows, "Say \"Not True and False is\" first.");
        assert_eq!(found.unwrap(), "not true and false is");
        assert!(
            copied(&rows, "Not true and false, or so.").is_none(),
            "a part of it"
        );
        // Up to three words are a copy with their answer only.
        assert!(copied(&rows, "Take apple pie, a dish, and name its course.").is_none());
        assert!(copied(&rows, "Input: apple pie\nAnswer: dessert").is_some());
        assert!(copied(&rows, "12 * 4 = 48").is_some());
        assert!(copied(&rows, "apple pie is not what we call a dessert").is_none());
        // Answers: one of seven words that nothing else has, but no short one.
        assert!(copied(&rows, "It is a main course to be served warm.").is_some());
        assert!(copied(&rows, "Say dessert or 48 or False.").is_none());
    }

    #[test]
    fn labels_may_be_named_whatever_their_length() {
        let labels = ["neither agree nor disagree", "fully agree", "agree"];
        let inputs: Vec<String> = (0..60).map(|row| format!("input {row}")).collect();
        let rows: Vec<(&str, &str)> = inputs
            .iter()
            // The long one is rare: two in sixty.
            .map(|input| {
                (
                    &**input,
                    labels[if input.ends_with("30") {
                        0
                    } else {
                        1 + input.len() % 2
                    }],
                )
            })
            .collect();
        let list = "Answer with agree, fully agree or neither agree nor disagree.";
        assert!(copied(&rows, list).is_none());
        for length in [2, 3, 8] {
            let guard = LeakGuard::new(&supervised(&rows[..12]), "", length);
            assert!(
                guard.copied("Say agree or fully agree.", &[]).is_none(),
                "{length}"
            );
        }
    }

    #[test]
    fn other_columns_are_guarded_too() {
        let mut data = supervised(&[("q one", "yes"), ("q two", "no"), ("q three", "no")]);
        let context = "Ada Lovelace was born in London in December 1815 to a poet";
        for (row, example) in data.iter_mut().enumerate() {
            let mut column = |name: &str, value: &str| {
                example.columns.insert(name.to_owned(), value.to_owned());
            };
            column(
                "rule",
                "Say whether the question can be answered by the text",
            );
            if row == 0 {
                column("context", context);
                column("title", "Born to a poet");
            }
        }
        let guard = LeakGuard::new(&data, "", 8);
        assert_eq!(
            guard
                .copied(&format!("Know this: {context}."), &[])
                .unwrap(),
            "ada lovelace was born in london in december"
        );
        assert!(guard
            .copied("A story, born to a poet, follows.", &[])
            .is_some());
        let rule = "Say whether the question can be answered by the text.";
        assert!(guard.copied(rule, &[]).is_none(), "all rows have it");
    }

    #[test]
    #[ignore = "a measurement: run with --ignored --nocapture"]
    fn a_hundred_thousand_rows_take_seconds() {
        let text = |row: usize| -> String {
            (0..80)
                .map(|at| format!("w{} ", (row * 7919 + at * at * 31) % 50_000))
                .collect()
        };
        let texts: Vec<String> = (0..100_000).map(text).collect();
        let rows: Vec<(&str, &str)> = texts.iter().map(|text| (&**text, "yes")).collect();
        let data = supervised(&rows);
        let clock = std::time::Instant::now();
        let guard = LeakGuard::new(&data, "Start.", 8);
        println!("{:?} for {} keys", clock.elapsed(), guard.guarded.len());
        let clock = std::time::Instant::now();
        let prompt = "Read the text and answer with yes or no, as you see fit. ".repeat(40);
        assert!(guard.copied(&prompt, &[]).is_none());
        println!("{:?} a prompt", clock.elapsed());
    }
}
