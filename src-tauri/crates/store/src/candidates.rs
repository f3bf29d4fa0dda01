//! What is kept of a run's candidates, analyses and steps, for those who look at it.

use std::collections::HashMap;

use pmpo_core::loss::Paired;
use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{
    Candidate, Dropped, DroppedEarly, ExampleLoss, Part, PromptScore, Refusal, SegmentFinding,
    SegmentVerdict,
};
use pmpo_core::prompt::Segment;
use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension, Row};
use serde::Serialize;

use crate::json::{json_column, json_if_any, std_error_column, unknown};
use crate::{ProjectId, RunId, Store, StoreError};

/// A score without its single losses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreSummary {
    /// Mean loss in nats.
    pub loss: f64,
    /// Standard error of the mean; infinite where unknown.
    pub std_error: f64,
    /// Share of right choices (forced choice), on label tasks and preference data.
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// As `accuracy`, with the prompt's leaning to single labels taken off.
    pub calibrated: Option<f64>,
    /// Mean of `-ln` of the right option's share, in nats, on label tasks.
    pub choice: Option<f64>,
    /// Mean of `-ln` of the mass of all options, in nats, on label tasks.
    pub form: Option<f64>,
    /// Tokens computed and reused.
    pub tokens: TokenCount,
    /// Working time.
    pub seconds: f64,
    /// Set where the race was lost before all examples were scored; then the loss
    /// is an estimate.
    pub dropped: Option<DroppedEarly>,
}

/// A candidate with what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandidateRow {
    /// The candidate.
    pub candidate: Candidate,
    /// Why it was not scored.
    pub refusal: Option<Refusal>,
    /// On training examples.
    pub train: Option<ScoreSummary>,
    /// On held-out examples.
    pub validation: Option<ScoreSummary>,
}

/// What a step decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepRow {
    /// The step, from 1.
    pub step: u32,
    /// The incumbent after it.
    pub incumbent: u32,
    /// Its training loss.
    pub loss: f64,
    /// Whether it is a new one.
    pub improved: bool,
}

pub(crate) fn part_name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Validation => "validation",
    }
}

pub(crate) fn verdict_name(verdict: SegmentVerdict) -> &'static str {
    match verdict {
        SegmentVerdict::Helps => "helps",
        SegmentVerdict::NoClearEffect => "no_clear_effect",
        SegmentVerdict::Hurts => "hurts",
    }
}

fn verdict_of_name(name: &str) -> Option<SegmentVerdict> {
    [
        SegmentVerdict::Helps,
        SegmentVerdict::NoClearEffect,
        SegmentVerdict::Hurts,
    ]
    .into_iter()
    .find(|verdict| verdict_name(*verdict) == name)
}

const FINDING: &str = "SELECT first_byte, end_byte, text, effect, std_error, verdict, step, \
    candidate FROM segment_findings";

fn finding(row: &Row<'_>) -> rusqlite::Result<SegmentFinding> {
    let verdict: String = row.get(5)?;
    Ok(SegmentFinding {
        segment: Segment {
            range: row.get::<_, usize>(0)?..row.get::<_, usize>(1)?,
            text: row.get(2)?,
        },
        effect: Paired {
            difference: row.get(3)?,
            std_error: std_error_column(row, 4)?,
        },
        verdict: verdict_of_name(&verdict).ok_or_else(|| unknown(5, &verdict))?,
    })
}

impl Store {
    /// All candidates of a run in order of trial.
    pub fn candidates(&self, id: RunId) -> Result<Vec<CandidateRow>, StoreError> {
        self.snapshot(|c| {
            let mut scores: HashMap<(u32, String), ScoreSummary> = c
                .prepare(
                    "SELECT candidate, part, loss, std_error, accuracy, tokens_computed,
                         tokens_reused, seconds, dropped_of, pairs, asked, calibrated, choice, form
                     FROM scores WHERE run_id = ?1",
                )?
                .query_map([id], |r| {
                    let scored = r.get(9)?;
                    let summary = ScoreSummary {
                        loss: r.get(2)?,
                        std_error: std_error_column(r, 3)?,
                        accuracy: r.get(4)?,
                        asked: r.get(10)?,
                        calibrated: r.get(11)?,
                        choice: r.get(12)?,
                        form: r.get(13)?,
                        tokens: TokenCount {
                            computed: r.get(5)?,
                            reused: r.get(6)?,
                        },
                        seconds: r.get(7)?,
                        dropped: r
                            .get::<_, Option<usize>>(8)?
                            .map(|of| DroppedEarly { scored, of }),
                    };
                    Ok(((r.get(0)?, r.get(1)?), summary))
                })?
                .collect::<rusqlite::Result<_>>()?;
            c.prepare(
                "SELECT ordinal, step, parent, origin_json, text, refusal_json
                 FROM candidates WHERE run_id = ?1 ORDER BY ordinal",
            )?
            .query_map([id], |r| {
                let ordinal: u32 = r.get(0)?;
                Ok(CandidateRow {
                    candidate: Candidate {
                        ordinal,
                        step: r.get(1)?,
                        parent: r.get(2)?,
                        origin: json_column(r, 3)?,
                        text: r.get(4)?,
                    },
                    refusal: json_if_any(r, 5)?,
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
            let mut query =
                c.prepare(&format!("{FINDING} WHERE run_id = ?1 ORDER BY step, place"))?;
            let mut rows = query.query([id])?;
            while let Some(r) = rows.next()? {
                let step = r.get(6)?;
                let finding = finding(r)?;
                match out.last_mut().filter(|(last, _, _)| *last == step) {
                    Some((_, _, findings)) => findings.push(finding),
                    None => out.push((step, r.get(7)?, vec![finding])),
                }
            }
            Ok(out)
        })
    }

    /// The newest analysis of exactly this prompt in a project's runs, but those in
    /// the bin: run, step, candidate and one finding per unit.
    #[allow(clippy::type_complexity)]
    pub fn findings_of(
        &self,
        project: ProjectId,
        text: &str,
    ) -> Result<Option<(RunId, u32, u32, Vec<SegmentFinding>)>, StoreError> {
        self.snapshot(|c| {
            let newest: Option<(RunId, u32, u32)> = c
                .query_row(
                    "SELECT c.run_id, f.step, c.ordinal FROM candidates AS c
                     JOIN runs AS r ON r.id = c.run_id
                     JOIN segment_findings AS f
                         ON f.run_id = c.run_id AND f.candidate = c.ordinal
                     WHERE c.text_hash = ?2 AND r.project_id = ?1 AND r.deleted_at IS NULL
                     ORDER BY c.run_id DESC, f.step DESC LIMIT 1",
                    params![project, text_hash(text)],
                    |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
                )
                .optional()?;
            let Some((run, step, candidate)) = newest else {
                return Ok(None);
            };
            let sql = format!("{FINDING} WHERE run_id = ?1 AND step = ?2 ORDER BY place");
            let findings = c
                .prepare(&sql)?
                .query_map(params![run, step], finding)?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some((run, step, candidate, findings)))
        })
    }

    /// What the steps of a run decided, in their order.
    pub fn steps(&self, id: RunId) -> Result<Vec<StepRow>, StoreError> {
        self.sql(|c| {
            c.prepare(
                "SELECT step, incumbent, loss, improved FROM steps WHERE run_id = ?1 ORDER BY step",
            )?
            .query_map([id], |r| {
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
                .query_map([id], |r| Ok((r.get(0)?, r.get(1)?)))?
                .collect()
        })
    }

    /// The training loss of a candidate, if it was measured.
    pub fn train_loss(&self, run: RunId, candidate: u32) -> Result<Option<f64>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT loss FROM scores WHERE run_id = ?1 AND candidate = ?2 AND part = 'train'",
                params![run, candidate],
                |r| r.get(0),
            )
            .optional()
        })
    }

    /// The score of a candidate, with its single losses.
    pub fn score(
        &self,
        run: RunId,
        candidate: u32,
        part: Part,
    ) -> Result<Option<PromptScore>, StoreError> {
        let key = params![run, candidate, part_name(part)];
        self.snapshot(|c| {
            let found = c
                .query_row(
                    "SELECT tokens_computed, tokens_reused, seconds, loss, dropped_of FROM scores
                     WHERE run_id = ?1 AND candidate = ?2 AND part = ?3",
                    key,
                    |r| {
                        let tokens = TokenCount {
                            computed: r.get(0)?,
                            reused: r.get(1)?,
                        };
                        let estimate = r.get(3)?;
                        let dropped = r
                            .get::<_, Option<usize>>(4)?
                            .map(|of| Dropped { of, estimate });
                        Ok((tokens, r.get(2)?, dropped))
                    },
                )
                .optional()?;
            let Some((tokens, seconds, dropped)) = found else {
                return Ok(None);
            };
            let examples = c
                .prepare(
                    "SELECT example, loss, correct, weight, asked, choice, form, calibrated
                     FROM example_losses
                     WHERE run_id = ?1 AND candidate = ?2 AND part = ?3 ORDER BY place",
                )?
                .query_map(key, |r| {
                    Ok(ExampleLoss {
                        example: r.get(0)?,
                        loss: r.get(1)?,
                        correct: r.get(2)?,
                        weight: r.get(3)?,
                        asked: r.get(4)?,
                        choice: r.get(5)?,
                        form: r.get(6)?,
                        calibrated: r.get(7)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some(PromptScore {
                examples,
                tokens,
                seconds,
                dropped,
            }))
        })
    }
}
