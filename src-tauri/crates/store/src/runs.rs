//! Runs: what they are made of, where they stand and how they ended.

use pmpo_core::dataset::Split;
use pmpo_core::device::Device;
use pmpo_core::message;
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{EvalContext, Outcome, Settings, StopReason};
use rusqlite::{params, OptionalExtension, Row, ToSql, Transaction};
use serde::{Deserialize, Serialize};

use crate::error::Fault;
use crate::json::{json_column, json_if_any, to_json, unknown};
use crate::time::now;
use crate::writer::Writer;
use crate::{DatasetId, ModelId, ProjectId, RunId, Store, StoreError, VersionId};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Not begun.
    Queued,
    /// Begun; also after a crash, until it is resumed.
    Running,
    /// Broken off by the person before its start was measured.
    Paused,
    /// At its end.
    Completed,
    /// Broken off by a fault.
    Failed,
    /// Stopped by the person; the best so far is kept.
    Cancelled,
}

impl RunState {
    /// The state that an outcome leads to.
    pub(crate) fn after(outcome: &Outcome) -> Self {
        if outcome.reason == StopReason::Cancelled {
            Self::Cancelled
        } else {
            Self::Completed
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Paused,
            Self::Completed,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Its examples.
    pub dataset: DatasetId,
    /// Its model.
    pub model: ModelId,
    /// Its start prompt.
    pub start_version: VersionId,
    /// Locked texts.
    pub frozen: Vec<String>,
    /// All settings, the seed among them.
    pub settings: Settings,
    /// The task in a sentence.
    pub description: String,
    /// Version of the program.
    pub program_version: String,
    /// Where it is computed.
    pub device: Device,
    /// Who writes its rewrites, where that is another model.
    pub writer: Option<Writer>,
    /// Everything that its losses depend on.
    pub context: EvalContext,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunRow {
    /// Its number.
    pub id: RunId,
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// What the person wrote about it.
    pub note: String,
    /// The person's tags, sorted.
    pub tags: Vec<String>,
    /// Whether the person put it away.
    pub archived: bool,
    /// Its colour in charts, where the person chose one.
    pub colour: Option<String>,
    /// Its examples.
    pub dataset: DatasetId,
    /// Its model.
    pub model: ModelId,
    /// Its start prompt.
    pub start_version: VersionId,
    /// The best prompt, once the run ended with a better one.
    pub best_version: Option<VersionId>,
    /// Locked texts.
    pub frozen: Vec<String>,
    /// All settings, the seed among them.
    pub settings: Settings,
    /// The task in a sentence.
    pub description: String,
    /// Which examples chose and which checked, once that is noted.
    pub split: Option<Split>,
    /// Version of the program that made it.
    pub program_version: String,
    /// Where it is computed.
    pub device: Device,
    /// Who writes its rewrites, where that is another model.
    pub writer: Option<Writer>,
    /// Everything that its losses depend on.
    pub context: EvalContext,
    /// Where it stands.
    pub state: RunState,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The fault that ended it.
    pub error: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// Seconds that the model worked.
    pub working_seconds: f64,
    /// Tokens computed and reused.
    pub tokens: TokenCount,
    /// Pairs of prompt and example looked at.
    pub pairs: u64,
}

const RUN: &str = "SELECT id, project_id, name, dataset_id, model_id, start_version_id, \
    best_version_id, frozen_json, settings_json, description, program_version, device_json, state, \
    outcome_json, error, created_at, finished_at, working_seconds, tokens_computed, tokens_reused, \
    split_json, note, archived, colour, pairs, writer_json, context_json, \
    (SELECT json_group_array(tag) FROM run_tags WHERE run_id = runs.id) FROM runs";

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let state: String = row.get(12)?;
    Ok(RunRow {
        id: row.get(0)?,
        project: row.get(1)?,
        name: row.get(2)?,
        dataset: row.get(3)?,
        model: row.get(4)?,
        start_version: row.get(5)?,
        best_version: row.get(6)?,
        frozen: json_column(row, 7)?,
        settings: json_column(row, 8)?,
        description: row.get(9)?,
        split: json_if_any(row, 20)?,
        program_version: row.get(10)?,
        device: json_column(row, 11)?,
        writer: json_if_any(row, 25)?,
        context: json_column(row, 26)?,
        state: RunState::of_name(&state).ok_or_else(|| unknown(12, &state))?,
        outcome: json_if_any(row, 13)?,
        error: row.get(14)?,
        created_at: row.get(15)?,
        finished_at: row.get(16)?,
        working_seconds: row.get(17)?,
        tokens: TokenCount {
            computed: row.get(18)?,
            reused: row.get(19)?,
        },
        note: row.get(21)?,
        archived: row.get(22)?,
        colour: row.get(23)?,
        pairs: row.get(24)?,
        tags: json_column(row, 27)?,
    })
}

/// Notes how a run ended. An end that is noted already keeps its time, so that
/// a repeated event changes nothing.
pub(crate) fn write_end(t: &Transaction<'_>, id: RunId, outcome: &Outcome) -> Result<(), Fault> {
    t.execute(
        "UPDATE runs SET state = ?2, outcome_json = ?3, error = NULL, finished_at = ?4
         WHERE id = ?1 AND (state <> ?2 OR outcome_json IS NOT ?3)",
        params![
            id,
            RunState::after(outcome).name(),
            to_json(outcome)?,
            now()
        ],
    )?;
    Ok(())
}

/// Refuses to write about a run that is not there, for example one that was
/// deleted while it went on.
pub(crate) fn must_exist(t: &Transaction<'_>, id: RunId) -> Result<(), Fault> {
    t.query_row("SELECT 1 FROM runs WHERE id = ?1", [id], |_| Ok(()))
        .optional()?
        .ok_or_else(|| StoreError::missing(message!("thing.run", id = id.0)).into())
}

impl Store {
    /// Queues a run.
    pub fn create_run(&mut self, new: &NewRun) -> Result<RunId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO runs (project_id, name, dataset_id, model_id, start_version_id,
                     frozen_json, settings_json, seed, description, program_version,
                     device_json, writer_json, context_json, state, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'queued', ?14)",
                params![
                    new.project,
                    new.name,
                    new.dataset,
                    new.model,
                    new.start_version,
                    to_json(&new.frozen)?,
                    to_json(&new.settings)?,
                    new.settings.seed.to_string(),
                    new.description,
                    new.program_version,
                    to_json(&new.device)?,
                    new.writer.as_ref().map(to_json).transpose()?,
                    to_json(&new.context)?,
                    now()
                ],
            )?;
            Ok(RunId(t.last_insert_rowid()))
        })
    }

    /// A run by its number; one in the bin is missing.
    pub fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        self.sql(|c| {
            let sql = format!("{RUN} WHERE id = ?1 AND deleted_at IS NULL");
            c.query_row(&sql, [id], run).optional()
        })?
        .ok_or_else(|| StoreError::missing(message!("thing.run", id = id.0)))
    }

    /// All runs but those in the bin, the newest first.
    pub fn runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{RUN} WHERE deleted_at IS NULL ORDER BY id DESC"))?
                .query_map([], run)?
                .collect()
        })
    }

    /// The runs of a project but those in the bin, the newest first.
    pub fn runs_of(&self, project: ProjectId) -> Result<Vec<RunRow>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!(
                "{RUN} WHERE project_id = ?1 AND deleted_at IS NULL ORDER BY id DESC"
            ))?
            .query_map([project], run)?
            .collect()
        })
    }

    /// Sets what the person notes about a run.
    pub fn describe_run(
        &mut self,
        id: RunId,
        name: &str,
        note: &str,
        tags: &[String],
    ) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET name = ?2, note = ?3 WHERE id = ?1";
            execute(t, sql, params![id, name, note])?;
            execute(t, "DELETE FROM run_tags WHERE run_id = ?1", params![id])?;
            let mut insert = t.prepare(
                "INSERT INTO run_tags (run_id, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?;
            for tag in tags {
                insert.execute(params![id, tag])?;
            }
            Ok(())
        })
    }

    /// Puts a run away, or takes it out again.
    pub fn archive_run(&mut self, id: RunId, archived: bool) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET archived = ?2 WHERE id = ?1";
            execute(t, sql, params![id, archived])
        })
    }

    /// Sets the colour of a run in charts, or leaves it to the charts.
    pub fn colour_run(&mut self, id: RunId, colour: Option<&str>) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET colour = ?2 WHERE id = ?1";
            execute(t, sql, params![id, colour])
        })
    }

    /// Moves a run to the bin, from now on.
    pub fn bin_run(&mut self, id: RunId) -> Result<(), StoreError> {
        self.set_deleted(id, Some(now()))
    }

    /// Takes a run out of the bin, whole.
    pub fn unbin_run(&mut self, id: RunId) -> Result<(), StoreError> {
        self.set_deleted(id, None)
    }

    fn set_deleted(&mut self, id: RunId, at: Option<i64>) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET deleted_at = ?2 WHERE id = ?1";
            execute(t, sql, params![id, at])
        })
    }

    /// Deletes the runs that are in the bin since before a time in milliseconds
    /// since 1970; returns how many.
    pub fn empty_bin(&mut self, before: i64) -> Result<usize, StoreError> {
        self.transaction(|t| Ok(t.execute("DELETE FROM runs WHERE deleted_at < ?1", [before])?))
    }

    /// Runs in the bin, of all projects.
    pub fn binned(&self) -> Result<usize, StoreError> {
        self.sql(|c| {
            let sql = "SELECT count(*) FROM runs WHERE deleted_at IS NOT NULL";
            c.query_row(sql, [], |row| row.get(0))
        })
    }

    /// Notes which examples choose and which check, once the run is planned.
    pub fn set_run_split(&mut self, id: RunId, split: &Split) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET split_json = ?2 WHERE id = ?1";
            execute(t, sql, params![id, to_json(split)?])
        })
    }

    /// Notes what the losses of a run depend on from now on.
    pub fn set_run_context(&mut self, id: RunId, context: &EvalContext) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET context_json = ?2 WHERE id = ?1";
            execute(t, sql, params![id, to_json(context)?])
        })
    }

    /// Notes who writes a run's rewrites from now on.
    pub fn set_run_writer(&mut self, id: RunId, writer: Option<&Writer>) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET writer_json = ?2 WHERE id = ?1";
            execute(t, sql, params![id, writer.map(to_json).transpose()?])
        })
    }

    /// Notes where a run stands and the fault that stopped it, if one did.
    pub fn set_run_state(
        &mut self,
        id: RunId,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            let sql = "UPDATE runs SET state = ?2, error = ?3 WHERE id = ?1";
            execute(t, sql, params![id, state.name(), error])
        })
    }

    /// Notes the end of a run and the version that its best prompt became.
    pub fn finish_run(
        &mut self,
        id: RunId,
        outcome: &Outcome,
        best: Option<VersionId>,
    ) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            write_end(t, id, outcome)?;
            let sql = "UPDATE runs SET best_version_id = ?2 WHERE id = ?1";
            execute(t, sql, params![id, best])
        })
    }

    /// Deletes a run with everything recorded of it; versions and examples stay.
    pub fn delete_run(&mut self, id: RunId) -> Result<(), StoreError> {
        self.change_run(id, |t| {
            execute(t, "DELETE FROM runs WHERE id = ?1", params![id])
        })
    }

    fn change_run(
        &mut self,
        id: RunId,
        work: impl FnOnce(&Transaction<'_>) -> Result<(), Fault>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            must_exist(t, id)?;
            work(t)
        })
    }
}

fn execute(t: &Transaction<'_>, sql: &str, values: &[&dyn ToSql]) -> Result<(), Fault> {
    t.execute(sql, values)?;
    Ok(())
}
