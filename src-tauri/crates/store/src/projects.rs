//! Projects, what the person works on in them, and preferences.

use pmpo_core::message;
use rusqlite::{params, OptionalExtension, Row, ToSql};
use serde::Serialize;

use crate::json::{json_if_any, to_json};
use crate::time::now;
use crate::{DatasetId, ProjectId, Store, StoreError};

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectRow {
    /// Its number.
    pub id: ProjectId,
    /// Its name, which no other project has.
    pub name: String,
    /// The sample that it was made from.
    pub sample: Option<String>,
    /// What the person is working on.
    pub draft: Option<serde_json::Value>,
    /// The examples in use.
    pub dataset: Option<DatasetId>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub changed_at: i64,
}

const PROJECT: &str =
    "SELECT id, name, sample, draft_json, dataset_id, created_at, changed_at FROM projects";

fn project(row: &Row<'_>) -> rusqlite::Result<ProjectRow> {
    Ok(ProjectRow {
        id: row.get(0)?,
        name: row.get(1)?,
        sample: row.get(2)?,
        draft: json_if_any(row, 3)?,
        dataset: row.get(4)?,
        created_at: row.get(5)?,
        changed_at: row.get(6)?,
    })
}

impl Store {
    /// The project of that name, made where missing.
    pub fn project(&mut self, name: &str) -> Result<ProjectId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO projects (name, created_at, changed_at) VALUES (?1, ?2, ?2)
                 ON CONFLICT DO NOTHING",
                params![name, now()],
            )?;
            let sql = "SELECT id FROM projects WHERE name = ?1";
            Ok(t.query_row(sql, [name], |row| row.get(0))?)
        })
    }

    /// A new project; where the name is taken, a number is put behind it.
    pub fn new_project(
        &mut self,
        name: &str,
        sample: Option<&str>,
    ) -> Result<ProjectId, StoreError> {
        self.transaction(|t| {
            let mut free = name.to_owned();
            let mut number = 1;
            loop {
                let new = t.execute(
                    "INSERT INTO projects (name, sample, created_at, changed_at)
                     VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING",
                    params![free, sample, now()],
                )?;
                if new > 0 {
                    return Ok(ProjectId(t.last_insert_rowid()));
                }
                number += 1;
                free = format!("{name} {number}");
            }
        })
    }

    /// A project by its number.
    pub fn project_row(&self, id: ProjectId) -> Result<ProjectRow, StoreError> {
        self.sql(|c| {
            c.query_row(&format!("{PROJECT} WHERE id = ?1"), [id], project)
                .optional()
        })?
        .ok_or_else(|| StoreError::missing(message!("thing.project", id = id.0)))
    }

    /// All projects, the one changed last first.
    pub fn projects(&self) -> Result<Vec<ProjectRow>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{PROJECT} ORDER BY changed_at DESC, id DESC"))?
                .query_map([], project)?
                .collect()
        })
    }

    /// Gives a project another name; `false` where another project has it.
    pub fn rename_project(&mut self, id: ProjectId, name: &str) -> Result<bool, StoreError> {
        let taken = self.sql(|c| {
            c.query_row(
                "SELECT 1 FROM projects WHERE name = ?1 AND id <> ?2",
                params![name, id],
                |_| Ok(()),
            )
            .optional()
        })?;
        if taken.is_some() {
            return Ok(false);
        }
        self.change_project(id, "name", &name)?;
        Ok(true)
    }

    /// Keeps what the person is working on.
    pub fn save_draft(
        &mut self,
        id: ProjectId,
        draft: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let text = draft.to_string();
        self.change_project(id, "draft_json", &text)
    }

    /// Sets the examples in use.
    pub fn use_dataset(&mut self, id: ProjectId, dataset: DatasetId) -> Result<(), StoreError> {
        self.change_project(id, "dataset_id", &dataset)
    }

    fn change_project(
        &mut self,
        id: ProjectId,
        column: &'static str,
        value: &dyn ToSql,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            let sql = format!("UPDATE projects SET {column} = ?2, changed_at = ?3 WHERE id = ?1");
            match t.execute(&sql, params![id, value, now()])? {
                0 => Err(StoreError::missing(message!("thing.project", id = id.0)).into()),
                _ => Ok(()),
            }
        })
    }

    /// Deletes a project with its versions, data and runs.
    pub fn delete_project(&mut self, id: ProjectId) -> Result<(), StoreError> {
        self.transaction(
            |t| match t.execute("DELETE FROM projects WHERE id = ?1", [id])? {
                0 => Err(StoreError::missing(message!("thing.project", id = id.0)).into()),
                _ => Ok(()),
            },
        )
    }

    /// A preference, if it was ever set.
    pub fn preference(&self, name: &str) -> Result<Option<serde_json::Value>, StoreError> {
        let found = self.sql(|c| {
            c.query_row(
                "SELECT value_json FROM preferences WHERE name = ?1",
                [name],
                |row| json_if_any(row, 0),
            )
            .optional()
        })?;
        Ok(found.flatten())
    }

    /// Sets a preference.
    pub fn set_preference(
        &mut self,
        name: &str,
        value: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO preferences (name, value_json) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value_json = excluded.value_json",
                params![name, to_json(value)?],
            )?;
            Ok(())
        })
    }
}
