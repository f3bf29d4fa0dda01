use std::borrow::Borrow;

use pmpo_core::dataset::{Example, Fingerprint};
use pmpo_core::message;
use rusqlite::{params, OptionalExtension, Row};
use serde::Serialize;

use crate::json::{json_column, json_if_any, to_json};
use crate::time::now;
use crate::{DatasetId, ProjectId, Store, StoreError};

/// A dataset without its examples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatasetRow {
    /// Its number.
    pub id: DatasetId,
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Where it came from, in words.
    pub source: String,
    /// SHA-256 of its content.
    pub fingerprint: String,
    /// `supervised` or `preference`.
    pub kind: String,
    /// How the columns of the file were read.
    pub columns: serde_json::Value,
    /// How the file is read again, where the program that kept it said so.
    pub recipe: Option<serde_json::Value>,
    /// Number of examples.
    pub examples: usize,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Whether it may still be edited: nothing was measured on it.
    pub open: bool,
    /// The dataset that came from the file, where this one was edited.
    pub brought: Option<DatasetId>,
}

/// Examples to be kept.
#[derive(Debug, Clone, Copy)]
pub struct NewDataset<'a> {
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: &'a str,
    /// Where it came from, in words.
    pub source: &'a str,
    /// `supervised` or `preference`.
    pub kind: &'a str,
    /// How the columns of the file were read.
    pub columns: &'a serde_json::Value,
    /// How the file is read again.
    pub recipe: Option<&'a serde_json::Value>,
}

const DATASET: &str =
    "SELECT id, project_id, name, source, fingerprint, kind, columns_json, created_at,
    recipe_json, (SELECT count(*) FROM examples WHERE dataset_id = datasets.id), open, brought
    FROM datasets";

fn dataset(row: &Row<'_>) -> rusqlite::Result<DatasetRow> {
    Ok(DatasetRow {
        id: row.get(0)?,
        project: row.get(1)?,
        name: row.get(2)?,
        source: row.get(3)?,
        fingerprint: row.get(4)?,
        kind: row.get(5)?,
        columns: json_column(row, 6)?,
        created_at: row.get(7)?,
        recipe: json_if_any(row, 8)?,
        examples: row.get(9)?,
        open: row.get(10)?,
        brought: row.get(11)?,
    })
}

impl Store {
    /// Keeps a copy of examples, one after the other; the same examples in the same
    /// project are kept once.
    pub fn add_dataset<E: Borrow<Example>>(
        &mut self,
        new: &NewDataset,
        examples: impl IntoIterator<Item = E>,
    ) -> Result<DatasetId, StoreError> {
        self.transaction(|t| {
            // Its real fingerprint is known at the end; none looks like this.
            t.execute(
                "INSERT INTO datasets
                     (project_id, name, source, fingerprint, kind, columns_json, recipe_json, created_at)
                 VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, ?7)",
                params![
                    new.project,
                    new.name,
                    new.source,
                    new.kind,
                    to_json(new.columns)?,
                    new.recipe.map(to_json).transpose()?,
                    now()
                ],
            )?;
            let id = DatasetId(t.last_insert_rowid());
            let mut fingerprint = Fingerprint::default();
            let mut insert =
                t.prepare("INSERT INTO examples (dataset_id, ordinal, json) VALUES (?1, ?2, ?3)")?;
            for (ordinal, example) in examples.into_iter().enumerate() {
                let example = example.borrow();
                fingerprint.add(example);
                insert.execute(params![id, ordinal, to_json(example)?])?;
            }
            let print = fingerprint.finish();
            let known = t
                .query_row(
                    "SELECT id FROM datasets WHERE project_id = ?1 AND fingerprint = ?2",
                    params![new.project, print],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(known) = known {
                t.execute("DELETE FROM datasets WHERE id = ?1", [id])?;
                return Ok(known);
            }
            t.execute(
                "UPDATE datasets SET fingerprint = ?2 WHERE id = ?1",
                params![id, print],
            )?;
            Ok(id)
        })
    }

    /// A dataset by its number.
    pub fn dataset(&self, id: DatasetId) -> Result<DatasetRow, StoreError> {
        self.sql(|c| {
            c.query_row(&format!("{DATASET} WHERE id = ?1"), [id], dataset)
                .optional()
        })?
        .ok_or_else(|| StoreError::missing(message!("thing.dataset", id = id.0)))
    }

    /// The datasets of a project, the oldest first.
    pub fn datasets(&self, project: ProjectId) -> Result<Vec<DatasetRow>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{DATASET} WHERE project_id = ?1 ORDER BY id"))?
                .query_map([project], dataset)?
                .collect()
        })
    }

    /// The examples of a dataset, in their order.
    pub fn examples(&self, dataset: DatasetId) -> Result<Vec<Example>, StoreError> {
        self.first_examples(dataset, i64::MAX as usize)
    }

    /// At most `count` examples of a dataset, from the first one on.
    pub fn first_examples(
        &self,
        dataset: DatasetId,
        count: usize,
    ) -> Result<Vec<Example>, StoreError> {
        self.sql(|c| {
            c.prepare("SELECT json FROM examples WHERE dataset_id = ?1 ORDER BY ordinal LIMIT ?2")?
                .query_map(params![dataset, count], |row| json_column(row, 0))?
                .collect()
        })
    }
}
