//! Files looked at and kept as a project's examples.

use std::path::Path;

use pmpo_core::dataset::{split, Answer, Example, LabelSet};
use pmpo_core::optimize::Settings;
use pmpo_store::{ProjectId, Store};

use super::projects::unexpected;
use super::Studio;
use crate::data::{build, guess_mapping, read_table, DataError, Import, Table};
use crate::wire::{
    ColumnChoice, DataKind, DataPreview, DataSummary, ExampleText, LeftOutRow, Project,
};
use crate::AppError;

/// Rows and examples shown.
const PREVIEW: usize = 20;

impl Studio {
    /// Looks at a file before anything of it is kept.
    pub fn preview_data(&self, path: &str, choice: ColumnChoice) -> Result<DataPreview, AppError> {
        let file = Path::new(path.trim());
        let table = read_table(file)?;
        let mut preview = DataPreview {
            path: file.display().to_string(),
            name: file_name(file),
            columns: table.columns.clone(),
            rows: table
                .rows
                .iter()
                .take(PREVIEW)
                .map(|row| row.cells.clone())
                .collect(),
            total_rows: table.rows.len(),
            mapping: None,
            problem: None,
            examples: 0,
            labels: None,
            left_out: Vec::new(),
        };
        match import(&table, choice) {
            Ok(import) => {
                preview.examples = import.examples.len();
                preview.labels = LabelSet::detect(&import.examples).map(|set| set.labels);
                preview.left_out = import
                    .left_out
                    .iter()
                    .map(|row| LeftOutRow {
                        row: row.row,
                        why: row.why.clone(),
                    })
                    .collect();
                preview.mapping = Some(import.mapping.into());
            }
            Err(error) => preview.problem = Some(error.into()),
        }
        Ok(preview)
    }

    /// Keeps the examples of a file as the project's data.
    pub fn keep_data(
        &self,
        project: i64,
        path: &str,
        choice: ColumnChoice,
    ) -> Result<Project, AppError> {
        let file = Path::new(path.trim());
        let import = import(&read_table(file)?, choice)?;
        self.keep_import(ProjectId(project), &file_name(file), file, &import)?;
        self.project(project)
    }

    pub(super) fn keep_import(
        &self,
        id: ProjectId,
        name: &str,
        file: &Path,
        import: &Import,
    ) -> Result<(), AppError> {
        let kind = match import.examples.first().map(|example| &example.answer) {
            Some(Answer::Preference { .. }) => "preference",
            _ => "supervised",
        };
        let columns = serde_json::to_value(&import.mapping).map_err(unexpected)?;
        let mut store = self.store();
        let source = file.display().to_string();
        let dataset = store.add_dataset(id, name, &source, kind, &columns, &import.examples)?;
        Ok(store.use_dataset(id, dataset)?)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn import(table: &Table, choice: ColumnChoice) -> Result<Import, DataError> {
    build(table, &guess_mapping(table, &choice.into())?)
}

pub(super) fn data_summary(
    store: &Store,
    project: ProjectId,
    settings: &Settings,
) -> Result<DataSummary, AppError> {
    let missing = || AppError::new("no_data", "There are no examples yet.", "Bring a file.");
    let id = store.project_row(project)?.dataset.ok_or_else(missing)?;
    let row = store.dataset(id)?;
    let examples = store.examples(id)?;
    let parts = split(&examples, &settings.split, settings.seed);
    let mapping: crate::data::Mapping = serde_json::from_value(row.columns).map_err(unexpected)?;
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
        mapping: mapping.into(),
        labels: LabelSet::detect(&examples).map(|set| set.labels),
        examples: examples.len(),
        train: parts.train.len(),
        validation: parts.validation.len(),
        preview: examples.iter().take(PREVIEW).map(example_text).collect(),
    })
}

pub(super) fn column_names(example: Option<&Example>) -> Vec<String> {
    example.map_or_else(Vec::new, |example| {
        example.columns.keys().cloned().collect()
    })
}

fn example_text(example: &Example) -> ExampleText {
    let (targets, rejected) = match &example.answer {
        Answer::Supervised { targets } => (targets.clone(), Vec::new()),
        Answer::Preference { chosen, rejected } => (vec![chosen.clone()], rejected.clone()),
    };
    ExampleText {
        row: example.row,
        input: example.input.clone(),
        targets,
        rejected,
    }
}
