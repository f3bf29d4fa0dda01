//! Runs and what they left behind.

use std::collections::HashMap;

use pmpo_core::loss::Paired;
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{Candidate, Outcome, SegmentFinding, SegmentVerdict, StopReason};
use pmpo_core::prompt::Segment;
use rusqlite::types::Type;
use rusqlite::{params, OptionalExtension, Row};

use crate::open::now;
use crate::rows::{from_json, to_json};
use crate::{
    CandidateRow, DatasetId, ModelId, NewRun, ProjectId, RunId, RunRow, RunState, ScoreSummary,
    StepRow, Store, StoreError, VersionId,
};

const RUN: &str = "SELECT id, project_id, name, dataset_id, model_id, start_version_id, \
    best_version_id, frozen_json, settings_json, description, program_version, device, state, \
    outcome_json, error, created_at, finished_at, working_seconds, tokens_computed, tokens_reused \
    FROM runs";

fn run(row: &Row<'_>) -> rusqlite::Result<RunRow> {
    let state: String = row.get(12)?;
    let outcome: Option<String> = row.get(13)?;
    Ok(RunRow {
        id: RunId(row.get(0)?),
        project: ProjectId(row.get(1)?),
        name: row.get(2)?,
        dataset: DatasetId(row.get(3)?),
        model: ModelId(row.get(4)?),
        start_version: VersionId(row.get(5)?),
        best_version: row.get::<_, Option<i64>>(6)?.map(VersionId),
        frozen: from_json(&row.get::<_, String>(7)?)?,
        settings: from_json(&row.get::<_, String>(8)?)?,
        description: row.get(9)?,
        program_version: row.get(10)?,
        device: row.get(11)?,
        state: RunState::of_name(&state).ok_or_else(|| unknown(12, &state))?,
        outcome: outcome.as_deref().map(from_json).transpose()?,
        error: row.get(14)?,
        created_at: row.get(15)?,
        finished_at: row.get(16)?,
        working_seconds: row.get(17)?,
        tokens: TokenCount {
            computed: row.get(18)?,
            reused: row.get(19)?,
        },
    })
}

fn unknown(column: usize, word: &str) -> rusqlite::Error {
    let why = format!("{word:?} is not known").into();
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, why)
}

impl Store {
    /// Queues a run.
    pub fn create_run(&mut self, new: &NewRun) -> Result<RunId, StoreError> {
        self.transaction(|t| {
            t.execute(
                "INSERT INTO runs (project_id, name, dataset_id, model_id, start_version_id,
                     frozen_json, settings_json, description, program_version, device, state, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'queued', ?11)",
                params![
                    new.project.0,
                    new.name,
                    new.dataset.0,
                    new.model.0,
                    new.start_version.0,
                    to_json(&new.frozen)?,
                    to_json(&new.settings)?,
                    new.description,
                    new.program_version,
                    new.device,
                    now()
                ],
            )?;
            Ok(RunId(t.last_insert_rowid()))
        })
    }

    /// A run by its number.
    pub fn run(&self, id: RunId) -> Result<RunRow, StoreError> {
        self.sql(|c| {
            c.query_row(&format!("{RUN} WHERE id = ?1"), [id.0], run)
                .optional()
        })?
        .ok_or_else(|| StoreError::NotFound(format!("run {}", id.0)))
    }

    /// All runs, the newest first.
    pub fn runs(&self) -> Result<Vec<RunRow>, StoreError> {
        self.sql(|c| {
            c.prepare(&format!("{RUN} ORDER BY id DESC"))?
                .query_map([], run)?
                .collect()
        })
    }

    /// Notes where a run stands and the fault that stopped it, if one did.
    pub fn set_run_state(
        &mut self,
        id: RunId,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            t.execute(
                "UPDATE runs SET state = ?2, error = ?3 WHERE id = ?1",
                params![id.0, state.name(), error],
            )
        })
        .map(|_| ())
    }

    /// Notes the end of a run.
    pub fn finish_run(
        &mut self,
        id: RunId,
        outcome: &Outcome,
        best: Option<VersionId>,
    ) -> Result<(), StoreError> {
        let state = if outcome.reason == StopReason::Cancelled {
            RunState::Cancelled
        } else {
            RunState::Completed
        };
        self.transaction(|t| {
            t.execute(
                "UPDATE runs SET state = ?2, outcome_json = ?3, best_version_id = ?4,
                     finished_at = ?5, error = NULL WHERE id = ?1",
                params![
                    id.0,
                    state.name(),
                    to_json(outcome)?,
                    best.map(|b| b.0),
                    now()
                ],
            )
        })
        .map(|_| ())
    }

    /// All candidates of a run in order of trial.
    pub fn candidates(&self, id: RunId) -> Result<Vec<CandidateRow>, StoreError> {
        self.sql(|c| {
            let mut scores: HashMap<(u32, String), ScoreSummary> = c
                .prepare(
                    "SELECT candidate, part, loss, std_error, accuracy, tokens_computed,
                         tokens_reused, seconds FROM scores WHERE run_id = ?1",
                )?
                .query_map([id.0], |r| {
                    let summary = ScoreSummary {
                        loss: r.get(2)?,
                        std_error: r.get::<_, Option<f64>>(3)?.unwrap_or(f64::INFINITY),
                        accuracy: r.get(4)?,
                        tokens: TokenCount {
                            computed: r.get(5)?,
                            reused: r.get(6)?,
                        },
                        seconds: r.get(7)?,
                    };
                    Ok(((r.get(0)?, r.get(1)?), summary))
                })?
                .collect::<rusqlite::Result<_>>()?;
            c.prepare(
                "SELECT ordinal, step, parent, origin_json, text, refusal_json
                 FROM candidates WHERE run_id = ?1 ORDER BY ordinal",
            )?
            .query_map([id.0], |r| {
                let ordinal: u32 = r.get(0)?;
                let refusal: Option<String> = r.get(5)?;
                Ok(CandidateRow {
                    candidate: Candidate {
                        ordinal,
                        step: r.get(1)?,
                        parent: r.get(2)?,
                        origin: from_json(&r.get::<_, String>(3)?)?,
                        text: r.get(4)?,
                    },
                    refusal: refusal.as_deref().map(from_json).transpose()?,
                    train: scores.remove(&(ordinal, "train".to_owned())),
                    validation: scores.remove(&(ordinal, "validation".to_owned())),
                })
            })?
            .collect()
        })
    }

    /// The analyses of a run: step, candidate and one finding per unit.
    #[allow(clippy::type_complexity)]
    pub fn findings(&self, id: RunId) -> Result<Vec<(u32, u32, Vec<SegmentFinding>)>, StoreError> {
        self.sql(|c| {
            let mut out: Vec<(u32, u32, Vec<SegmentFinding>)> = Vec::new();
            let mut query = c.prepare(
                "SELECT step, candidate, first_byte, end_byte, text, effect, std_error, verdict
                 FROM segment_findings WHERE run_id = ?1 ORDER BY step, place",
            )?;
            let mut rows = query.query([id.0])?;
            while let Some(r) = rows.next()? {
                let step = r.get(0)?;
                let word: String = r.get(7)?;
                let finding = SegmentFinding {
                    segment: Segment {
                        range: r.get::<_, usize>(2)?..r.get::<_, usize>(3)?,
                        text: r.get(4)?,
                    },
                    effect: Paired {
                        difference: r.get(5)?,
                        std_error: r.get::<_, Option<f64>>(6)?.unwrap_or(f64::INFINITY),
                    },
                    verdict: match word.as_str() {
                        "helps" => SegmentVerdict::Helps,
                        "hurts" => SegmentVerdict::Hurts,
                        _ => SegmentVerdict::NoClearEffect,
                    },
                };
                match out.last_mut().filter(|(last, _, _)| *last == step) {
                    Some((_, _, findings)) => findings.push(finding),
                    None => out.push((step, r.get(1)?, vec![finding])),
                }
            }
            Ok(out)
        })
    }

    /// What the steps of a run decided, in their order.
    pub fn steps(&self, id: RunId) -> Result<Vec<StepRow>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT step, incumbent, loss, improved FROM steps WHERE run_id = ?1 ORDER BY step",
            )?
            .query_map([id.0], |r| {
                Ok(StepRow {
                    step: r.get(0)?,
                    incumbent: r.get(1)?,
                    loss: r.get(2)?,
                    improved: r.get(3)?,
                })
            })?
            .collect()
        })
    }

    /// Rows (by index of the example) that were left out of a run, with their tokens.
    pub fn left_out(&self, id: RunId) -> Result<Vec<(usize, usize)>, StoreError> {
        self.sql(|c| {
            c.prepare("SELECT example, tokens FROM left_out WHERE run_id = ?1 ORDER BY example")?
                .query_map([id.0], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect()
        })
    }

    /// Deletes a run and all its candidates; versions stay.
    pub fn delete_run(&mut self, id: RunId) -> Result<(), StoreError> {
        self.transaction(|t| t.execute("DELETE FROM runs WHERE id = ?1", [id.0]))
            .map(|_| ())
    }
}
