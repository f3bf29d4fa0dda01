use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Answer, Example};

/// More options than this are not a small closed set.
const MOST_LABELS: usize = 12;
/// Longer targets are answers, not labels.
const MOST_WORDS: usize = 4;

/// The closed set of targets of a label task, sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSet {
    /// The labels.
    pub labels: Vec<String>,
}

impl LabelSet {
    /// The label set of supervised examples whose targets are few, short and repeated.
    ///
    /// `None` unless there are 2 to 12 labels of at most four words each, and
    /// three examples a label or more on average.
    pub fn detect(examples: &[Example]) -> Option<Self> {
        let mut counts = BTreeMap::new();
        for example in examples {
            let Answer::Supervised { targets } = &example.answer else {
                return None;
            };
            for target in targets {
                if target.split_whitespace().count() > MOST_WORDS {
                    return None;
                }
                *counts.entry(target.as_str()).or_insert(0_usize) += 1;
            }
            if counts.len() > MOST_LABELS {
                return None;
            }
        }
        let enough = counts.len() >= 2 && examples.len() >= 3 * counts.len();
        enough.then(|| Self {
            labels: counts.into_keys().map(str::to_owned).collect(),
        })
    }

    /// The place of a label in the set.
    pub fn position(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|known| known == label)
    }
}
