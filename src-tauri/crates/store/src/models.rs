use pmpo_core::message;
use pmpo_core::model::ModelDescription;
use rusqlite::{params, OptionalExtension};
use serde::Serialize;

use crate::json::{json_column, to_json};
use crate::{ModelId, Store, StoreError};

/// A model that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// Its number.
    pub id: ModelId,
    /// What is known of it; the device is the one it ran on last.
    pub description: ModelDescription,
    /// Where its file was last.
    pub path: String,
}

impl Store {
    /// Notes a model by the hash of its file; one that is known keeps its number.
    pub fn add_model(
        &mut self,
        description: &ModelDescription,
        path: &str,
    ) -> Result<ModelId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO models (sha256, name, architecture, parameters, context_window,
                     has_chat_template, device_json, path)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (sha256) DO UPDATE SET
                     name = excluded.name, architecture = excluded.architecture,
                     parameters = excluded.parameters, context_window = excluded.context_window,
                     has_chat_template = excluded.has_chat_template, device_json = excluded.device_json,
                     path = excluded.path",
                params![
                    description.sha256,
                    description.name,
                    description.architecture,
                    description.parameters,
                    description.context_window,
                    description.has_chat_template,
                    to_json(&description.device)?,
                    path
                ],
            )?;
            let sql = "SELECT id FROM models WHERE sha256 = ?1";
            Ok(t.query_row(sql, [&description.sha256], |row| row.get(0))?)
        })
    }

    /// The model that a file held when it was last used.
    pub fn model_at(&self, path: &str) -> Result<Option<ModelRow>, StoreError> {
        let newest = self.sql(|c| {
            c.query_row(
                "SELECT id FROM models WHERE path = ?1 ORDER BY id DESC LIMIT 1",
                [path],
                |row| row.get(0),
            )
            .optional()
        })?;
        newest.map(|id| self.model(id)).transpose()
    }

    /// Files of all models that were ever used, the newest first.
    pub fn model_paths(&self) -> Result<Vec<String>, StoreError> {
        self.sql(|c| {
            c.prepare("SELECT path FROM models GROUP BY path ORDER BY max(id) DESC")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// A model by its number.
    pub fn model(&self, id: ModelId) -> Result<ModelRow, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT sha256, name, architecture, parameters, context_window,
                     has_chat_template, device_json, path FROM models WHERE id = ?1",
                [id],
                |row| {
                    Ok(ModelRow {
                        id,
                        description: ModelDescription {
                            sha256: row.get(0)?,
                            name: row.get(1)?,
                            architecture: row.get(2)?,
                            parameters: row.get(3)?,
                            context_window: row.get(4)?,
                            has_chat_template: row.get(5)?,
                            device: json_column(row, 6)?,
                        },
                        path: row.get(7)?,
                    })
                },
            )
            .optional()
        })?
        .ok_or_else(|| StoreError::missing(message!("thing.model", id = id.0)))
    }
}
