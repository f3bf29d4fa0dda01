use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::dataset::Example;

/// Refuses prompts that copy training examples.
///
/// A prompt that contains many consecutive words of an example teaches the
/// answer to that example, not the task.
#[derive(Debug, Clone)]
pub struct LeakGuard {
    length: usize,
    /// Runs of `length` words of each example, lower case.
    runs: Vec<HashSet<String>>,
    /// Runs that the start prompt has itself.
    allowed: HashSet<String>,
}

impl LeakGuard {
    /// A guard over `examples` for runs of `length` words; what `start` contains is allowed.
    pub fn new(examples: &[Example], start: &str, length: usize) -> Self {
        let runs = examples
            .iter()
            .map(|example| {
                let mut all: HashSet<String> = word_runs(&example.input, length).collect();
                for answer in example.answer.all() {
                    all.extend(word_runs(answer, length));
                }
                all
            })
            .collect();
        Self {
            length,
            runs,
            allowed: word_runs(start, length).collect(),
        }
    }

    /// The first copied run of words, if any. `shown` are the indices of the
    /// examples that the prompt demonstrates and may therefore contain.
    pub fn copied(&self, prompt: &str, shown: &[usize]) -> Option<String> {
        let open: HashSet<&str> = shown
            .iter()
            .filter_map(|&index| self.runs.get(index))
            .flatten()
            .map(String::as_str)
            .collect();
        word_runs(prompt, self.length).find(|run| {
            !self.allowed.contains(run)
                && !open.contains(run.as_str())
                && self.runs.iter().any(|example| example.contains(run))
        })
    }
}

fn word_runs(text: &str, length: usize) -> impl Iterator<Item = String> {
    let words: Vec<String> = text.unicode_words().map(str::to_lowercase).collect();
    let count = (words.len() + 1).saturating_sub(length);
    (0..count).map(move |at| words[at..at + length].join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Answer;

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
    fn eight_words_are_too_many_seven_are_not() {
        let examples = [example(
            "one two three four five six seven eight nine",
            "a b c d e f g h",
        )];
        let guard = LeakGuard::new(&examples, "", 8);
        assert!(guard
            .copied("Say: one two three four five six seven!", &[])
            .is_none());
        let found = guard.copied("Two, three four FIVE six seven eight nine.", &[]);
        assert_eq!(found.unwrap(), "two three four five six seven eight nine");
        assert!(guard.copied("a b c d e f g h", &[]).is_some());
        assert!(guard.copied("a b c d e f g h", &[0]).is_none());
        let own = LeakGuard::new(&examples, "x a b c d e f g h", 8);
        assert!(own.copied("a b c d e f g h", &[]).is_none());
    }
}
