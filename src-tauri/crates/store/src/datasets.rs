use pmpo_core::dataset::{fingerprint, Example};
use rusqlite::{params, OptionalExtension};
use serde::Serialize;

use crate::json::{json_column, to_json};
use crate::open::now;
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
    /// Number of examples.
    pub examples: usize,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

impl Store {
    /// Keeps a copy of examples; the same examples in the same project are kept once.
    /// `kind` is `supervised` or `preference`.
    pub fn add_dataset(
        &mut self,
        project: ProjectId,
        name: &str,
        source: &str,
        kind: &str,
        columns: &serde_json::Value,
        examples: &[Example],
    ) -> Result<DatasetId, StoreError> {
        let print = fingerprint(examples);
        self.transaction(|t| {
            let known = t
                .query_row(
                    "SELECT id FROM datasets WHERE project_id = ?1 AND fingerprint = ?2",
                    params![project, print],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(known) = known {
                return Ok(known);
            }
            t.execute(
                "INSERT INTO datasets
                     (project_id, name, source, fingerprint, kind, columns_json, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![project, name, source, print, kind, to_json(columns)?, now()],
            )?;
            let id = DatasetId(t.last_insert_rowid());
            let mut insert =
                t.prepare("INSERT INTO examples (dataset_id, ordinal, json) VALUES (?1, ?2, ?3)")?;
            for (ordinal, example) in examples.iter().enumerate() {
                insert.execute(params![id, ordinal, to_json(example)?])?;
            }
            Ok(id)
        })
    }

    /// A dataset by its number.
    pub fn dataset(&self, id: DatasetId) -> Result<DatasetRow, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT project_id, name, source, fingerprint, kind, columns_json, created_at,
                     (SELECT count(*) FROM examples WHERE dataset_id = datasets.id)
                 FROM datasets WHERE id = ?1",
                [id],
                |row| {
                    Ok(DatasetRow {
                        id,
                        project: row.get(0)?,
                        name: row.get(1)?,
                        source: row.get(2)?,
                        fingerprint: row.get(3)?,
                        kind: row.get(4)?,
                        columns: json_column(row, 5)?,
                        created_at: row.get(6)?,
                        examples: row.get(7)?,
                    })
                },
            )
            .optional()
        })?
        .ok_or_else(|| StoreError::missing("dataset", id.0))
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
