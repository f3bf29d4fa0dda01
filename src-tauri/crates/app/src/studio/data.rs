//! Files looked at and kept as a project's examples.

use std::path::Path;

use pmpo_core::dataset::{balance, split, Answer, Example, LabelSet, SplitPlan};
use pmpo_core::optimize::Settings;
use pmpo_store::{DatasetId, ProjectId, Store};

use super::{held, Studio};
use crate::data::{read, write_csv, write_json_lines, Choice, Import, Mapping, WEIGHTS};
use crate::error::unexpected;
use crate::wire::{DataFormat, DataKind, DataPreview, DataSummary, ImportChoice, Project, RowText};
use crate::{fault, AppError};

/// Rows and examples shown.
const PREVIEW: usize = 20;

impl Studio {
    /// Looks at a file before anything of it is kept.
    pub fn preview_data(&self, path: &str, choice: ImportChoice) -> Result<DataPreview, AppError> {
        let file = Path::new(path.trim());
        let choice: Choice = choice.into();
        let reading = read(file, &choice.read)?;
        let path = file.display().to_string();
        let mut preview = DataPreview::new(path, file_name(file), &reading, PREVIEW);
        match Import::of(reading, &choice) {
            Ok(import) => preview = preview.with(import, PREVIEW),
            Err(error) => {
                preview.mapping = choice.mapping;
                preview.problem = Some(error.into());
            }
        }
        Ok(preview)
    }

    /// Keeps the examples of a file as the project's data.
    pub fn keep_data(
        &self,
        project: i64,
        path: &str,
        choice: ImportChoice,
    ) -> Result<Project, AppError> {
        let file = Path::new(path.trim());
        let import = Import::read(file, &choice.into())?;
        self.keep_import(ProjectId(project), &file_name(file), file, &import)?;
        self.project(project)
    }

    /// Keeps what a file gives and uses it from now on.
    pub(super) fn keep_import(
        &self,
        id: ProjectId,
        name: &str,
        file: &Path,
        import: &Import,
    ) -> Result<(), AppError> {
        let dataset = import.keep(&mut self.store(), id, name, file)?;
        // Numbers of datasets may come again, so that what was read of one goes.
        self.forget_tables();
        let mut store = self.store();
        // Edits stay with the state of the data that they were made in.
        store.close_examples(id)?;
        Ok(store.use_dataset(id, dataset)?)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A summary and what it was made of.
pub(super) struct KnownSummary {
    dataset: DatasetId,
    split: SplitPlan,
    seed: u64,
    summary: DataSummary,
}

impl Studio {
    /// What the project's page says of its examples. Large data is read once.
    pub(super) fn data_summary(
        &self,
        store: &Store,
        project: ProjectId,
        settings: &Settings,
    ) -> Result<DataSummary, AppError> {
        let missing = || fault!("no_data.none");
        let id = store.project_row(project)?.dataset.ok_or_else(missing)?;
        let mut known = held(&self.summary);
        if let Some(known) = known.as_ref() {
            if (known.dataset, known.split, known.seed) == (id, settings.split, settings.seed) {
                return Ok(known.summary.clone());
            }
        }
        let summary = summary(store, id, settings)?;
        *known = Some(KnownSummary {
            dataset: id,
            split: settings.split,
            seed: settings.seed,
            summary: summary.clone(),
        });
        Ok(summary)
    }

    /// The project's examples as a file.
    pub fn export_data(&self, project: i64, format: DataFormat) -> Result<Vec<u8>, AppError> {
        let id = self.dataset_in_use(ProjectId(project))?;
        let (row, examples) = {
            let store = self.store();
            (store.dataset(id)?, store.examples(id)?)
        };
        let mapping: Mapping = serde_json::from_value(row.columns).map_err(unexpected)?;
        let mut out = Vec::new();
        match format {
            DataFormat::Csv => write_csv(&examples, &mapping, &mut out),
            DataFormat::Jsonl => write_json_lines(&examples, &mapping, &mut out),
        }
        .map_err(unexpected)?;
        Ok(out)
    }
}

fn summary(store: &Store, id: DatasetId, settings: &Settings) -> Result<DataSummary, AppError> {
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
pub(super) fn check_row(row: &RowText, preference: bool) -> Result<Answer, AppError> {
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

pub(super) fn column_names(example: Option<&Example>) -> Vec<String> {
    example.map_or_else(Vec::new, |example| {
        example.columns.keys().cloned().collect()
    })
}
