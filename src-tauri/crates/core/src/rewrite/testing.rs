//! Examples for the tests of this module.

use crate::dataset::{Answer, Example};

fn row(row: usize, input: &str, answer: Answer) -> Example {
    Example {
        input: input.to_owned(),
        columns: Default::default(),
        answer,
        row: row + 1,
        id: None,
        part: None,
        weight: None,
    }
}

/// Examples of (input, target).
pub(super) fn supervised(rows: &[(&str, &str)]) -> Vec<Example> {
    let example = |(at, (input, target)): (usize, &(&str, &str))| {
        let targets = vec![(*target).to_owned()];
        row(at, input, Answer::Supervised { targets })
    };
    rows.iter().enumerate().map(example).collect()
}

/// Examples of (input, chosen, rejected).
pub(super) fn preferred(rows: &[(&str, &str, &str)]) -> Vec<Example> {
    let example = |(at, (input, chosen, rejected)): (usize, &(&str, &str, &str))| {
        let answer = Answer::Preference {
            chosen: (*chosen).to_owned(),
            rejected: vec![(*rejected).to_owned()],
        };
        row(at, input, answer)
    };
    rows.iter().enumerate().map(example).collect()
}
