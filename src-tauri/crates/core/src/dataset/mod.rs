//! Examples, label sets, fingerprints and splits.

mod balance;
mod deal;
mod hash;
mod labels;
mod order;
mod quota;
mod short;
mod similar;
mod split;
mod strata;
mod words;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::prompt::Columns;
use crate::random::hex;

pub use balance::{balance, LabelShare, SplitBalance, SplitPart, SplitWarning};
pub use labels::LabelSet;
pub use similar::{similar_examples, similar_groups};
pub use split::{split, Split, SplitPlan};

/// What the model should answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Accepted answers, the first being the one to learn; never empty.
    Supervised {
        /// The accepted answers.
        targets: Vec<String>,
    },
    /// A better answer and one or more worse ones.
    Preference {
        /// The better answer.
        chosen: String,
        /// The worse answers; never empty.
        rejected: Vec<String>,
    },
}

impl Answer {
    /// The answer to learn.
    pub fn best(&self) -> &str {
        match self {
            Self::Supervised { targets } => &targets[0],
            Self::Preference { chosen, .. } => chosen,
        }
    }

    /// All answers, accepted or chosen ones first.
    pub fn all(&self) -> Vec<&str> {
        match self {
            Self::Supervised { targets } => targets.iter().map(String::as_str).collect(),
            Self::Preference { chosen, rejected } => std::iter::once(chosen)
                .chain(rejected)
                .map(String::as_str)
                .collect(),
        }
    }
}

/// The part of the data that the person put an example into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FixedPart {
    /// It chooses prompts.
    Train,
    /// It only checks the result.
    Validation,
}

/// One example of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The input shown to the model.
    pub input: String,
    /// Every column of the row by name, for placeholders.
    pub columns: Columns,
    /// What the model should answer.
    pub answer: Answer,
    /// The row of the file, counted from 1, header not counted; for messages.
    pub row: usize,
    /// Its name in the file, where a column gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its part, where a column gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<FixedPart>,
    /// How much it counts beside others, over 0; 1 where no column says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

impl Example {
    /// How much it counts beside others.
    pub fn weight(&self) -> f64 {
        self.weight.unwrap_or(1.0)
    }
}

/// SHA-256 over the content of all examples in their order; file name, row numbers
/// and names of rows do not count.
pub fn fingerprint(examples: &[Example]) -> String {
    let mut fingerprint = Fingerprint::default();
    examples.iter().for_each(|example| fingerprint.add(example));
    fingerprint.finish()
}

/// [`fingerprint`], one example at a time.
#[derive(Default)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Goes on with the next example.
    pub fn add(&mut self, example: &Example) {
        let mut field = |text: &str| {
            self.0.update((text.len() as u64).to_le_bytes());
            self.0.update(text.as_bytes());
        };
        field(&example.input);
        for (name, value) in &example.columns {
            field(name);
            field(value);
        }
        field(match example.answer {
            Answer::Supervised { .. } => "supervised",
            Answer::Preference { .. } => "preference",
        });
        for answer in example.answer.all() {
            field(answer);
        }
        match example.part {
            // Nothing, so that data without parts keeps its fingerprint.
            None => {}
            Some(FixedPart::Train) => field("train"),
            Some(FixedPart::Validation) => field("validation"),
        }
        if let Some(weight) = example.weight {
            field("weight");
            field(&weight.to_string());
        }
        field("end of example");
    }

    /// In hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}
