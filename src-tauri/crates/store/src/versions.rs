//! Prompt versions, which never change, and the labels that move among them.

use pmpo_core::message;
use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension, Row};
use serde::Serialize;

use crate::json::{json_column, to_json};
use crate::time::now;
use crate::{ProjectId, Store, StoreError, VersionId};

/// A prompt that never changes; only its note and star do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Number in the database.
    pub id: VersionId,
    /// Its project.
    pub project: ProjectId,
    /// Number within the project, from 1.
    pub number: i64,
    /// The prompt.
    pub text: String,
    /// The version it was made from.
    pub parent: Option<VersionId>,
    /// How it came to be.
    pub origin: serde_json::Value,
    /// What the person wrote about it.
    pub note: String,
    /// Whether the person marked it.
    pub starred: bool,
    /// The person's tags, sorted.
    pub tags: Vec<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// A label put on a version, or taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelMove {
    /// The label.
    pub name: String,
    /// The version; `None` where it was taken away.
    pub version: Option<VersionId>,
    /// Milliseconds since 1970.
    pub moved_at: i64,
}

/// A name that points to a version and can be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The name, for example `in use`.
    pub name: String,
    /// The version.
    pub version: VersionId,
    /// Milliseconds since 1970.
    pub moved_at: i64,
}

const VERSION: &str =
    "SELECT id, project_id, number, text, parent_id, origin_json, note, starred, \
    created_at, (SELECT json_group_array(tag) FROM version_tags \
        WHERE version_id = prompt_versions.id) FROM prompt_versions";

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    Ok(Version {
        id: row.get(0)?,
        project: row.get(1)?,
        number: row.get(2)?,
        text: row.get(3)?,
        parent: row.get(4)?,
        origin: json_column(row, 5)?,
        note: row.get(6)?,
        starred: row.get(7)?,
        created_at: row.get(8)?,
        tags: json_column(row, 9)?,
    })
}

impl Store {
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
                params![project, text, hash, parent, to_json(origin)?, now()],
            )?;
            let sql = format!("{VERSION} WHERE project_id = ?1 AND text_hash = ?2");
            Ok(t.query_row(&sql, params![project, hash], version)?)
        })
    }

    /// A version by its number in the database.
    pub fn version(&self, id: VersionId) -> Result<Version, StoreError> {
        self.sql(|c| {
            c.query_row(&format!("{VERSION} WHERE id = ?1"), [id], version)
                .optional()
        })?
        .ok_or_else(|| StoreError::missing(message!("thing.version", id = id.0)))
    }

    /// The version of a project that was added last.
    pub fn newest_version(&self, project: ProjectId) -> Result<Option<VersionId>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT id FROM prompt_versions WHERE project_id = ?1
                 ORDER BY number DESC LIMIT 1",
                [project],
                |row| row.get(0),
            )
            .optional()
        })
    }

    /// All versions of a project, the first one first.
    pub fn versions(&self, project: ProjectId) -> Result<Vec<Version>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{VERSION} WHERE project_id = ?1 ORDER BY number"))?
                .query_map([project], version)?
                .collect()
        })
    }

    /// Sets what the person notes about a version.
    pub fn annotate_version(
        &mut self,
        id: VersionId,
        note: &str,
        starred: bool,
        tags: &[String],
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            let sql = "UPDATE prompt_versions SET note = ?2, starred = ?3 WHERE id = ?1";
            if t.execute(sql, params![id, note, starred])? == 0 {
                return Err(StoreError::missing(message!("thing.version", id = id.0)).into());
            }
            t.execute("DELETE FROM version_tags WHERE version_id = ?1", [id])?;
            let mut insert = t.prepare(
                "INSERT INTO version_tags (version_id, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?;
            for tag in tags {
                insert.execute(params![id, tag])?;
            }
            Ok(())
        })
    }

    /// Takes a label away; `false` where there is none.
    pub fn remove_label(&mut self, project: ProjectId, name: &str) -> Result<bool, StoreError> {
        self.transaction(|t| {
            let gone = t.execute(
                "DELETE FROM version_labels WHERE project_id = ?1 AND name = ?2",
                params![project, name],
            )?;
            if gone > 0 {
                t.execute(
                    "INSERT INTO label_moves (project_id, name, moved_at) VALUES (?1, ?2, ?3)",
                    params![project, name, now()],
                )?;
            }
            Ok(gone > 0)
        })
    }

    /// Every move of the labels of a project, the newest first.
    pub fn label_moves(&self, project: ProjectId) -> Result<Vec<LabelMove>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT name, version_id, moved_at FROM label_moves
                 WHERE project_id = ?1 ORDER BY id DESC",
            )?
            .query_map([project], |row| {
                Ok(LabelMove {
                    name: row.get(0)?,
                    version: row.get(1)?,
                    moved_at: row.get(2)?,
                })
            })?
            .collect()
        })
    }

    /// Points a label of the project to one of its versions, from wherever it was.
    pub fn move_label(
        &mut self,
        project: ProjectId,
        name: &str,
        id: VersionId,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            let moved = t.execute(
                "INSERT INTO version_labels (project_id, name, version_id, moved_at)
                 SELECT project_id, ?2, id, ?4 FROM prompt_versions
                 WHERE project_id = ?1 AND id = ?3
                 ON CONFLICT (project_id, name) DO UPDATE SET
                     version_id = excluded.version_id, moved_at = excluded.moved_at",
                params![project, name, id, now()],
            )?;
            match moved {
                0 => Err(StoreError::missing(message!("thing.version", id = id.0)).into()),
                _ => Ok(()),
            }
        })
    }

    /// The labels of a project by name.
    pub fn labels(&self, project: ProjectId) -> Result<Vec<Label>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT name, version_id, moved_at FROM version_labels
                 WHERE project_id = ?1 ORDER BY name",
            )?
            .query_map([project], |row| {
                Ok(Label {
                    name: row.get(0)?,
                    version: row.get(1)?,
                    moved_at: row.get(2)?,
                })
            })?
            .collect()
        })
    }
}
