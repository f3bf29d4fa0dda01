//! How even a split is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::strata::{repeated, value};
use super::{Example, Split};

/// Fewer held-out rows say little about a result.
const FEWEST_HELD_OUT: usize = 12;
/// Fewer training rows say little about a prompt.
const FEWEST_TRAINING: usize = 10;
/// From this share of a label in rows on a part that has none misses it.
const LEAST_SHARE: f64 = 0.5;
/// A label is uneven with over this many times its share in a part ...
const MOST_OF_SHARE: f64 = 1.5;
/// ... or under so much of it.
const LEAST_OF_SHARE: f64 = 0.5;
/// Rows that a label must be off to be uneven: less is what whole rows bring.
const LEAST_OFF: f64 = 1.5;

/// More answers that repeat are no labels that anyone reads through.
const MOST_LABELS: usize = 100;

/// A part of a [`Split`] that figures are taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SplitPart {
    /// It chooses prompts.
    Train,
    /// It only checks the result.
    Validation,
}

/// Where the rows of one label are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct LabelShare {
    /// The label, or an answer that repeats.
    pub label: String,
    /// Rows with it in all the data, used or not.
    pub all: usize,
    /// Rows with it that choose prompts.
    pub train: usize,
    /// Rows with it that only check the result.
    pub validation: usize,
    /// Rows with it that do neither.
    pub pool: usize,
}

/// What is wrong with a split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SplitWarning {
    /// A part has no row of a label, though its share would be half a row or more.
    LabelMissing {
        /// The label.
        label: String,
        /// The part.
        part: SplitPart,
    },
    /// A part has more than 1.5 times or less than half of a label's share.
    LabelUneven {
        /// The label.
        label: String,
        /// The part.
        part: SplitPart,
        /// Rows of the label that the part has.
        has: usize,
        /// Rows that it would have in proportion.
        share: f64,
    },
    /// So few rows are held out that only a large difference can be seen.
    FewHeldOut {
        /// Rows held out.
        rows: usize,
    },
    /// So few rows choose prompts that chance decides much.
    FewTraining {
        /// Rows that choose prompts.
        rows: usize,
    },
}

/// What a split holds, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SplitBalance {
    /// Labels, or answers that repeat, sorted; none where most answers do not.
    /// Answers that do not repeat are left out.
    pub labels: Vec<LabelShare>,
    /// Rows that choose prompts.
    pub train: usize,
    /// Rows that only check the result.
    pub validation: usize,
    /// Rows that do neither.
    pub pool: usize,
    /// What is wrong, the worst first.
    pub warnings: Vec<SplitWarning>,
}

/// Judges a split of the examples, be it a new one or that of a run long ago.
///
/// The share of a label in a part is that of all examples. Where the data itself
/// says which examples only check, unevenness may be its own, and is told as well.
/// Indices that are none of the examples are counted as rows of no label.
pub fn balance(examples: &[Example], split: &Split) -> SplitBalance {
    let repeated = repeated(examples, examples.iter());
    let rows: usize = repeated.values().sum();
    let is_labelled = (2..=MOST_LABELS).contains(&repeated.len()) && 2 * rows >= examples.len();
    let [train, validation, pool] = [&split.train, &split.validation, &split.pool].map(|part| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for example in part.iter().filter_map(|&at| examples.get(at)) {
            *counts.entry(value(example)).or_default() += 1;
        }
        counts
    });
    let in_part = |counts: &BTreeMap<&str, usize>, label| counts.get(label).copied().unwrap_or(0);
    let labels: Vec<LabelShare> = repeated
        .iter()
        .filter(|_| is_labelled)
        .map(|(label, &all)| LabelShare {
            label: (*label).to_owned(),
            all,
            train: in_part(&train, label),
            validation: in_part(&validation, label),
            pool: in_part(&pool, label),
        })
        .collect();
    let (train, validation) = (split.train.len(), split.validation.len());
    let mut missing = Vec::new();
    let mut uneven = Vec::new();
    for share in &labels {
        let parts = [
            (SplitPart::Train, share.train, train),
            (SplitPart::Validation, share.validation, validation),
        ];
        for (part, has, rows) in parts {
            let label = share.label.clone();
            let share = share.all as f64 * rows as f64 / examples.len() as f64;
            let off = (has as f64 - share).abs();
            let is_near = LEAST_OF_SHARE * share..=MOST_OF_SHARE * share;
            if has == 0 && share >= LEAST_SHARE {
                missing.push(SplitWarning::LabelMissing { label, part });
            } else if off >= LEAST_OFF && !is_near.contains(&(has as f64)) {
                uneven.push(SplitWarning::LabelUneven {
                    label,
                    part,
                    has,
                    share,
                });
            }
        }
    }
    let mut warnings = missing;
    warnings.append(&mut uneven);
    if validation < FEWEST_HELD_OUT {
        warnings.push(SplitWarning::FewHeldOut { rows: validation });
    }
    if train < FEWEST_TRAINING {
        warnings.push(SplitWarning::FewTraining { rows: train });
    }
    SplitBalance {
        labels,
        train,
        validation,
        pool: split.pool.len(),
        warnings,
    }
}
