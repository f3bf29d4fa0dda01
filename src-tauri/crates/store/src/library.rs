//! Projects, datasets, models and prompt versions.

use pmpo_core::dataset::{fingerprint, Example};
use pmpo_core::model::ModelDescription;
use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension, Row};

use crate::open::now;
use crate::rows::{from_json, to_json};
use crate::{DatasetId, ModelId, ModelRow, ProjectId, Store, StoreError, Version, VersionId};

const VERSION: &str = "SELECT id, number, text, parent_id, origin_json FROM prompt_versions";

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        id: VersionId(row.get(0)?),
        number: row.get(1)?,
        text: row.get(2)?,
        parent: row.get::<_, Option<i64>>(3)?.map(VersionId),
        origin: from_json(&row.get::<_, String>(4)?)?,
    })
}

impl Store {
    /// The project of that name, made where missing.
    pub fn project(&mut self, name: &str) -> Result<ProjectId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO projects (name, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, now()],
            )?;
            t.query_row("SELECT id FROM projects WHERE name = ?1", [name], |r| {
                r.get(0)
            })
        })
        .map(ProjectId)
    }

    /// Keeps a copy of examples; the same examples in the same project are kept once.
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
                    params![project.0, print],
                    |r| r.get(0),
                )
                .optional()?;
            if let Some(known) = known {
                return Ok(DatasetId(known));
            }
            t.execute(
                "INSERT INTO datasets (project_id, name, source, fingerprint, kind, columns_json, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![project.0, name, source, print, kind, to_json(columns)?, now()],
            )?;
            let id = t.last_insert_rowid();
            let mut insert = t.prepare("INSERT INTO examples VALUES (?1, ?2, ?3)")?;
            for (ordinal, example) in examples.iter().enumerate() {
                insert.execute(params![id, ordinal as i64, to_json(example)?])?;
            }
            Ok(DatasetId(id))
        })
    }

    /// The examples of a dataset, in their order.
    pub fn examples(&self, dataset: DatasetId) -> Result<Vec<Example>, StoreError> {
        self.sql(|c| {
            c.prepare("SELECT json FROM examples WHERE dataset_id = ?1 ORDER BY ordinal")?
                .query_map([dataset.0], |r| from_json(&r.get::<_, String>(0)?))?
                .collect()
        })
    }

    /// Notes a model by its hash.
    pub fn add_model(
        &mut self,
        description: &ModelDescription,
        path: &str,
    ) -> Result<ModelId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO models (sha256, description_json, path) VALUES (?1, ?2, ?3)
                 ON CONFLICT (sha256) DO UPDATE SET path = excluded.path",
                params![description.sha256, to_json(description)?, path],
            )?;
            let sql = "SELECT id FROM models WHERE sha256 = ?1";
            t.query_row(sql, [&description.sha256], |r| r.get(0))
        })
        .map(ModelId)
    }

    /// A model by its number.
    pub fn model(&self, id: ModelId) -> Result<ModelRow, StoreError> {
        self.sql(|c| {
            let sql = "SELECT description_json, path FROM models WHERE id = ?1";
            c.query_row(sql, [id.0], |r| {
                Ok(ModelRow {
                    description: from_json(&r.get::<_, String>(0)?)?,
                    path: r.get(1)?,
                })
            })
            .optional()
        })?
        .ok_or_else(|| StoreError::NotFound(format!("model {}", id.0)))
    }

    /// Appends a version; a text that the project has already is that version.
    pub fn add_version(
        &mut self,
        project: ProjectId,
        text: &str,
        parent: Option<VersionId>,
        origin: &serde_json::Value,
    ) -> Result<Version, StoreError> {
        let hash = text_hash(text);
        self.transaction(|t| {
            t.execute(
                "INSERT INTO prompt_versions
                     (project_id, number, text, text_hash, parent_id, origin_json, created_at)
                 SELECT ?1, coalesce(max(number), 0) + 1, ?2, ?3, ?4, ?5, ?6
                 FROM prompt_versions WHERE project_id = ?1
                 ON CONFLICT (project_id, text_hash) DO NOTHING",
                params![
                    project.0,
                    text,
                    hash,
                    parent.map(|p| p.0),
                    to_json(origin)?,
                    now()
                ],
            )?;
            let sql = format!("{VERSION} WHERE project_id = ?1 AND text_hash = ?2");
            t.query_row(&sql, params![project.0, hash], version)
        })
    }

    /// A version by its number in the database.
    pub fn version(&self, id: VersionId) -> Result<Version, StoreError> {
        self.sql(|c| {
            c.query_row(&format!("{VERSION} WHERE id = ?1"), [id.0], version)
                .optional()
        })?
        .ok_or_else(|| StoreError::NotFound(format!("version {}", id.0)))
    }

    /// All versions of a project, the first one first.
    pub fn versions(&self, project: ProjectId) -> Result<Vec<Version>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{VERSION} WHERE project_id = ?1 ORDER BY number"))?
                .query_map([project.0], version)?
                .collect()
        })
    }
}
