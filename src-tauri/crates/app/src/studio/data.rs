//! Files looked at and kept as a project's examples.

use std::path::Path;

use pmpo_core::dataset::{split, Example, LabelSet};
use pmpo_core::optimize::Settings;
use pmpo_store::{NewDataset, ProjectId, Store};

use super::projects::unexpected;
use super::Studio;
use crate::data::{read, Choice, Import};
use crate::wire::{DataKind, DataPreview, DataSummary, ImportChoice, Project};
use crate::AppError;

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

    pub(super) fn keep_import(
        &self,
        id: ProjectId,
        name: &str,
        file: &Path,
        import: &Import,
    ) -> Result<(), AppError> {
        import.checked.enough()?;
        let plan = import.plan()?;
        let columns = serde_json::to_value(&import.mapping).map_err(unexpected)?;
        let recipe = serde_json::to_value(&import.recipe).map_err(unexpected)?;
        let new = NewDataset {
            project: id,
            name,
            source: &file.display().to_string(),
            kind: import.kind(),
            columns: &columns,
            recipe: Some(&recipe),
        };
        let mut store = self.store();
        let dataset = store.add_dataset(&new, import.checked.examples(&plan))?;
        Ok(store.use_dataset(id, dataset)?)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
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
        mapping,
        labels: LabelSet::detect(&examples).map(|set| set.labels),
        examples: examples.len(),
        train: parts.train.len(),
        validation: parts.validation.len(),
        preview: examples.iter().take(PREVIEW).map(Into::into).collect(),
    })
}

pub(super) fn column_names(example: Option<&Example>) -> Vec<String> {
    example.map_or_else(Vec::new, |example| {
        example.columns.keys().cloned().collect()
    })
}
