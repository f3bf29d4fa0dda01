//! Examples edited by a person: in a copy, with a way back.

use pmpo_core::dataset::{Example, Fingerprint};
use pmpo_core::message;
use rusqlite::{params, OptionalExtension, Transaction};

use crate::error::Fault;
use crate::json::{json_column, to_json};
use crate::time::now;
use crate::{DatasetId, ProjectId, Store, StoreError};

/// How many edits lead to the examples as they are, and how many wait to be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EditCount {
    /// Edits that are in effect.
    pub done: usize,
    /// Edits that were undone.
    pub undone: usize,
}

/// Rows after an edit, an undo or a redo: their numbers, and what they are now.
pub type ChangedRows = Vec<(i64, Option<Example>)>;

impl Store {
    /// Edits the project's examples in one step: each row becomes what stands
    /// beside its number, `None` takes it out. Where something was measured on
    /// the examples already, a copy is edited and becomes the project's data. Edits that were undone are forgotten.
    pub fn edit_examples(
        &mut self,
        project: ProjectId,
        rows: &[(i64, Option<Example>)],
    ) -> Result<DatasetId, StoreError> {
        self.transaction(|t| {
            let dataset = open_copy(t, project)?;
            t.execute(
                "DELETE FROM edits WHERE dataset_id = ?1 AND undone = 1",
                [dataset],
            )?;
            t.execute(
                "INSERT INTO edits (dataset_id, number)
                 SELECT ?1, coalesce(max(number), 0) + 1 FROM edits WHERE dataset_id = ?1",
                [dataset],
            )?;
            let mut note = t.prepare(
                "INSERT INTO edited_rows (dataset_id, number, ordinal, before_json, after_json)
                 SELECT ?1, max(number), ?2,
                     (SELECT json FROM examples WHERE dataset_id = ?1 AND ordinal = ?2), ?3
                 FROM edits WHERE dataset_id = ?1",
            )?;
            for (ordinal, after) in rows {
                let after = after.as_ref().map(to_json).transpose()?;
                note.execute(params![dataset, ordinal, after])?;
                set_row(t, dataset, *ordinal, after.as_deref())?;
            }
            Ok(dataset)
        })
    }

    /// Takes the last edit back; its rows as they are now, or `None` where there
    /// is no edit.
    pub fn undo_edit(&mut self, project: ProjectId) -> Result<Option<ChangedRows>, StoreError> {
        self.step(project, true)
    }

    /// Does the edit again that was taken back last.
    pub fn redo_edit(&mut self, project: ProjectId) -> Result<Option<ChangedRows>, StoreError> {
        self.step(project, false)
    }

    fn step(&mut self, project: ProjectId, back: bool) -> Result<Option<ChangedRows>, StoreError> {
        self.transaction(|t| {
            let sql = match back {
                true => "SELECT max(number) FROM edits WHERE dataset_id = ?1 AND undone = 0",
                false => "SELECT min(number) FROM edits WHERE dataset_id = ?1 AND undone = 1",
            };
            let Some(current) = dataset_of(t, project)? else {
                return Ok(None);
            };
            let number: Option<i64> = t.query_row(sql, [current], |row| row.get(0))?;
            let Some(number) = number else {
                return Ok(None);
            };
            let dataset = open_copy(t, project)?;
            t.execute(
                "UPDATE edits SET undone = ?3 WHERE dataset_id = ?1 AND number = ?2",
                params![dataset, number, back],
            )?;
            let rows: Vec<(i64, Option<String>)> = t
                .prepare(
                    "SELECT ordinal, CASE ?3 WHEN 1 THEN before_json ELSE after_json END
                     FROM edited_rows WHERE dataset_id = ?1 AND number = ?2 ORDER BY ordinal",
                )?
                .query_map(params![dataset, number, back], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let mut changed = Vec::with_capacity(rows.len());
            for (ordinal, json) in rows {
                set_row(t, dataset, ordinal, json.as_deref())?;
                let example = json.as_deref().map(serde_json::from_str).transpose();
                let example = example.map_err(|why| Fault::refused(why.to_string()))?;
                changed.push((ordinal, example));
            }
            Ok(Some(changed))
        })
    }

    /// How many edits a dataset has behind and before it.
    pub fn edit_count(&self, dataset: DatasetId) -> Result<EditCount, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT count(*) FILTER (WHERE undone = 0), count(*) FILTER (WHERE undone = 1)
                 FROM edits WHERE dataset_id = ?1",
                [dataset],
                |row| {
                    Ok(EditCount {
                        done: row.get(0)?,
                        undone: row.get(1)?,
                    })
                },
            )
        })
    }

    /// Ends the editing of the project's examples: from now on they stay as they are.
    /// Returns them; where they equal others of the project, those.
    pub fn close_examples(&mut self, project: ProjectId) -> Result<Option<DatasetId>, StoreError> {
        self.transaction(|t| {
            let Some(dataset) = dataset_of(t, project)? else {
                return Ok(None);
            };
            if !is_open(t, dataset)? {
                return Ok(Some(dataset));
            }
            let mut fingerprint = Fingerprint::default();
            let mut query =
                t.prepare("SELECT json FROM examples WHERE dataset_id = ?1 ORDER BY ordinal")?;
            let mut rows = query.query([dataset])?;
            while let Some(row) = rows.next()? {
                fingerprint.add(&json_column::<Example>(row, 0)?);
            }
            drop(rows);
            let print = fingerprint.finish();
            let known: Option<DatasetId> = t
                .query_row(
                    "SELECT id FROM datasets WHERE project_id = ?1 AND fingerprint = ?2",
                    params![project, print],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(known) = known {
                use_dataset(t, project, known)?;
                t.execute("DELETE FROM datasets WHERE id = ?1", [dataset])?;
                return Ok(Some(known));
            }
            t.execute(
                "UPDATE datasets SET fingerprint = ?2, open = 0 WHERE id = ?1",
                params![dataset, print],
            )?;
            Ok(Some(dataset))
        })
    }

    /// A number for a new row: none has it, nor had it before an edit.
    pub fn next_key(&self, dataset: DatasetId) -> Result<i64, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT 1 + max(
                     (SELECT coalesce(max(ordinal), -1) FROM examples WHERE dataset_id = ?1),
                     (SELECT coalesce(max(ordinal), -1) FROM edited_rows WHERE dataset_id = ?1))",
                [dataset],
                |row| row.get(0),
            )
        })
    }

    /// Rows of a dataset by their numbers, in the order asked; numbers without a
    /// row are left out.
    pub fn rows(
        &self,
        dataset: DatasetId,
        numbers: &[i64],
    ) -> Result<Vec<(i64, Example)>, StoreError> {
        self.snapshot(|c| {
            let mut query =
                c.prepare("SELECT json FROM examples WHERE dataset_id = ?1 AND ordinal = ?2")?;
            let mut out = Vec::with_capacity(numbers.len());
            for &number in numbers {
                let found = query
                    .query_row(params![dataset, number], |row| json_column(row, 0))
                    .optional()?;
                out.extend(found.map(|example| (number, example)));
            }
            Ok(out)
        })
    }

    /// The last example of a dataset.
    pub fn last_example(&self, dataset: DatasetId) -> Result<Option<Example>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT json FROM examples WHERE dataset_id = ?1 ORDER BY ordinal DESC LIMIT 1",
                [dataset],
                |row| json_column(row, 0),
            )
            .optional()
        })
    }

    /// Gives each row of a dataset to `look`, in their order.
    pub fn each_row(
        &self,
        dataset: DatasetId,
        mut look: impl FnMut(i64, Example),
    ) -> Result<(), StoreError> {
        self.snapshot(|c| {
            let mut query = c.prepare(
                "SELECT ordinal, json FROM examples WHERE dataset_id = ?1 ORDER BY ordinal",
            )?;
            let mut rows = query.query([dataset])?;
            while let Some(row) = rows.next()? {
                look(row.get(0)?, json_column(row, 1)?);
            }
            Ok(())
        })
    }
}

fn dataset_of(t: &Transaction<'_>, project: ProjectId) -> Result<Option<DatasetId>, Fault> {
    t.query_row(
        "SELECT dataset_id FROM projects WHERE id = ?1",
        [project],
        |row| row.get(0),
    )
    .optional()?
    .ok_or_else(|| StoreError::missing(message!("thing.project", id = project.0)).into())
}

fn is_open(t: &Transaction<'_>, dataset: DatasetId) -> Result<bool, Fault> {
    let sql = "SELECT open FROM datasets WHERE id = ?1";
    Ok(t.query_row(sql, [dataset], |row| row.get(0))?)
}

fn use_dataset(t: &Transaction<'_>, project: ProjectId, dataset: DatasetId) -> Result<(), Fault> {
    t.execute(
        "UPDATE projects SET dataset_id = ?2, changed_at = ?3 WHERE id = ?1",
        params![project, dataset, now()],
    )?;
    Ok(())
}

/// The project's examples as a copy that may be changed, made where needed.
fn open_copy(t: &Transaction<'_>, project: ProjectId) -> Result<DatasetId, Fault> {
    let Some(now_used) = dataset_of(t, project)? else {
        return Err(Fault::refused(message!("store.no_examples")));
    };
    if is_open(t, now_used)? {
        return Ok(now_used);
    }
    // The fingerprint of no content; it must differ from those of other copies.
    t.execute(
        "INSERT INTO datasets (project_id, name, source, fingerprint, kind, columns_json,
             recipe_json, created_at, open, brought)
         SELECT project_id, name, source, 'copy of ' || id || ' at ' || ?2 || ' ' || random(), kind,
             columns_json, recipe_json, ?2, 1, coalesce(brought, id)
         FROM datasets WHERE id = ?1",
        params![now_used, now()],
    )?;
    let copy = DatasetId(t.last_insert_rowid());
    for sql in [
        "INSERT INTO examples (dataset_id, ordinal, json)
             SELECT ?2, ordinal, json FROM examples WHERE dataset_id = ?1",
        "INSERT INTO edits (dataset_id, number, undone)
             SELECT ?2, number, undone FROM edits WHERE dataset_id = ?1",
        "INSERT INTO edited_rows (dataset_id, number, ordinal, before_json, after_json)
             SELECT ?2, number, ordinal, before_json, after_json
             FROM edited_rows WHERE dataset_id = ?1",
    ] {
        t.execute(sql, params![now_used, copy])?;
    }
    use_dataset(t, project, copy)?;
    Ok(copy)
}

fn set_row(
    t: &Transaction<'_>,
    dataset: DatasetId,
    ordinal: i64,
    json: Option<&str>,
) -> Result<(), Fault> {
    let done = match json {
        Some(json) => t
            .prepare_cached(
                "INSERT INTO examples (dataset_id, ordinal, json) VALUES (?1, ?2, ?3)
                 ON CONFLICT (dataset_id, ordinal) DO UPDATE SET json = excluded.json",
            )?
            .execute(params![dataset, ordinal, json]),
        None => t
            .prepare_cached("DELETE FROM examples WHERE dataset_id = ?1 AND ordinal = ?2")?
            .execute(params![dataset, ordinal]),
    };
    done?;
    Ok(())
}
