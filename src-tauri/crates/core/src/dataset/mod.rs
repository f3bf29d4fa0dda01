//! Examples, label sets, fingerprints and splits.

mod labels;
mod split;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::prompt::Columns;
use crate::random::hex;

pub use labels::LabelSet;
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

/// One example of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The input shown to the model.
    pub input: String,
    /// Every column of the row by name, for placeholders.
    pub columns: Columns,
    /// What the model should answer.
    pub answer: Answer,
    /// The row of the file, counted from 1, header not counted; for messages.
    pub row: usize,
}

/// SHA-256 over the content of all examples in their order; file name and row numbers do not count.
pub fn fingerprint(examples: &[Example]) -> String {
    let mut hash = Sha256::new();
    let mut field = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    for example in examples {
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
        field("end of example");
    }
    hex(&hash.finalize())
}
