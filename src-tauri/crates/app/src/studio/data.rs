//! Files looked at and kept as a project's examples.

use std::path::Path;

use pmpo_store::ProjectId;

use super::Studio;
use crate::data::{read, write_csv, write_json_lines, Choice, Import, Mapping};
use crate::error::unexpected;
use crate::wire::{
    DataFormat, DataPreview, ImportChoice, Project, RowText, RowsChosen, TablePage, TableQuery,
};
use crate::AppError;

/// Rows shown.
const PREVIEW: usize = 20;

impl Studio {
    /// Looks at a file before anything of it is kept.
    pub fn preview_data(&self, path: &str, choice: ImportChoice) -> Result<DataPreview, AppError> {
        let file = Path::new(path.trim());
        crate::panics::point("the preview");
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
        self.tables
            .take(ProjectId(project), &file_name(file), file, &import)?;
        self.project(project)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

impl Studio {
    /// The project's examples as a file.
    pub fn export_data(&self, project: i64, format: DataFormat) -> Result<Vec<u8>, AppError> {
        let id = self.tables.dataset_in_use(ProjectId(project))?;
        let (row, examples) = {
            let store = self.reader()?;
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

    /// A stretch of the rows that a query finds.
    pub fn table_page(
        &self,
        project: i64,
        query: &TableQuery,
        from: usize,
        count: usize,
    ) -> Result<TablePage, AppError> {
        self.tables.page(project, query, from, count)
    }

    /// A row with its whole texts.
    pub fn table_row(&self, project: i64, key: i64) -> Result<RowText, AppError> {
        self.tables.row(project, key)
    }

    /// Changes a row.
    pub fn edit_row(&self, project: i64, key: i64, row: &RowText) -> Result<(), AppError> {
        self.tables.edit_row(project, key, row)
    }

    /// Adds a row at the end; its key.
    pub fn add_row(&self, project: i64, row: &RowText) -> Result<i64, AppError> {
        self.tables.add_row(project, row)
    }

    /// Takes rows out; how many.
    pub fn remove_rows(&self, project: i64, rows: &RowsChosen) -> Result<usize, AppError> {
        self.tables.remove_rows(project, rows)
    }

    /// Takes the last edit back; whether there was one.
    pub fn undo_edit(&self, project: i64) -> Result<bool, AppError> {
        self.tables.undo(project)
    }

    /// Makes the last edit that was taken back again; whether there was one.
    pub fn redo_edit(&self, project: i64) -> Result<bool, AppError> {
        self.tables.redo(project)
    }
}
