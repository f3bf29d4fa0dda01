//! Examples as the window shows and changes them.

use pmpo_core::dataset::{balance, split, Answer, Example, LabelSet};
use pmpo_core::optimize::Settings;
use pmpo_store::{DatasetId, Store};

use crate::data::{Mapping, WEIGHTS};
use crate::error::unexpected;
use crate::wire::{DataKind, DataSummary, RowText};
use crate::{fault, AppError};

/// Examples shown.
const PREVIEW: usize = 20;

/// What a project's page says of its examples.
pub(crate) fn summary(
    store: &Store,
    id: DatasetId,
    settings: &Settings,
) -> Result<DataSummary, AppError> {
    let row = store.dataset(id)?;
    let examples = store.examples(id)?;
    let parts = split(&examples, &settings.split, settings.seed);
    let mapping: Mapping = serde_json::from_value(row.columns).map_err(unexpected)?;
    Ok(DataSummary {
        id: id.0,
        name: row.name,
        source: row.source,
        kind: if row.kind == "preference" {
            DataKind::Preference
        } else {
            DataKind::Supervised
        },
        columns: column_names(examples.first()),
        mapping,
        labels: LabelSet::detect(&examples).map(|set| set.labels),
        examples: examples.len(),
        train: parts.train.len(),
        validation: parts.validation.len(),
        balance: balance(&examples, &parts),
        edits: store.edit_count(id)?.done,
        preview: examples.iter().take(PREVIEW).map(Into::into).collect(),
    })
}

/// Longest text of a row, in bytes.
const LONGEST: usize = 1 << 20;

/// The answer that a person wrote for a row, once the row is one to learn from.
pub(crate) fn check_row(row: &RowText, preference: bool) -> Result<Answer, AppError> {
    if row.input.trim().is_empty() {
        return Err(fault!("row.no_input"));
    }
    let texts = || {
        std::iter::once(&row.input)
            .chain(&row.targets)
            .chain(&row.rejected)
    };
    if texts().any(|text| text.len() > LONGEST) {
        return Err(fault!("row.long"));
    }
    if !WEIGHTS.contains(&row.weight) {
        return Err(fault!("row.weight"));
    }
    let filled = |texts: &[String]| -> Vec<String> {
        let mut out: Vec<String> = Vec::with_capacity(texts.len());
        for text in texts.iter().map(|text| text.trim()) {
            if !text.is_empty() && !out.iter().any(|known| known == text) {
                out.push(text.to_owned());
            }
        }
        out
    };
    let mut targets = filled(&row.targets);
    if targets.is_empty() {
        return Err(fault!("row.no_answer"));
    }
    if !preference {
        return Ok(Answer::Supervised { targets });
    }
    let rejected = filled(&row.rejected);
    if rejected.is_empty() {
        return Err(fault!("row.no_worse"));
    }
    if rejected.contains(&targets[0]) {
        return Err(fault!("row.same"));
    }
    Ok(Answer::Preference {
        chosen: targets.swap_remove(0),
        rejected,
    })
}

/// Names of the columns that a prompt may refer to.
pub(crate) fn column_names(example: Option<&Example>) -> Vec<String> {
    example.map_or_else(Vec::new, |example| {
        example.columns.keys().cloned().collect()
    })
}
