//! The events of a run, stored one by one and found again.

use pmpo_core::model::{Generated, TokenCount};
use pmpo_core::optimize::{
    Candidate, ExampleLoss, GenerationKey, Part, PromptScore, Refusal, RunEvent, SegmentVerdict,
    StopReason,
};
use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension, Transaction};

use crate::rows::{part_name, to_json};
use crate::{RunId, RunState, Store, StoreError};

impl Store {
    /// Stores an event in one transaction. An event that is stored already changes nothing.
    pub fn record(&mut self, run: RunId, event: &RunEvent) -> Result<(), StoreError> {
        if matches!(event, RunEvent::Progress { .. }) {
            return Ok(());
        }
        self.transaction(|t| write(t, run.0, event))
    }

    /// The score of a prompt in this run, if it was measured.
    pub fn recall_score(
        &self,
        run: RunId,
        text: &str,
        part: Part,
    ) -> Result<Option<PromptScore>, StoreError> {
        let ordinal = self.sql(|c| {
            c.query_row(
                "SELECT s.candidate FROM candidates AS c
                 JOIN scores AS s ON s.run_id = c.run_id AND s.candidate = c.ordinal
                 WHERE c.run_id = ?1 AND c.text_hash = ?2 AND c.text = ?3 AND s.part = ?4
                 ORDER BY c.ordinal LIMIT 1",
                params![run.0, text_hash(text), text, part_name(part)],
                |r| r.get(0),
            )
            .optional()
        })?;
        ordinal.map_or(Ok(None), |ordinal| self.score(run, ordinal, part))
    }

    /// The score of a candidate, with its single losses.
    pub fn score(
        &self,
        run: RunId,
        candidate: u32,
        part: Part,
    ) -> Result<Option<PromptScore>, StoreError> {
        let key = params![run.0, candidate, part_name(part)];
        self.sql(|c| {
            let found = c
                .query_row(
                    "SELECT tokens_computed, tokens_reused, seconds FROM scores
                     WHERE run_id = ?1 AND candidate = ?2 AND part = ?3",
                    key,
                    |r| {
                        let tokens = TokenCount {
                            computed: r.get(0)?,
                            reused: r.get(1)?,
                        };
                        Ok((tokens, r.get(2)?))
                    },
                )
                .optional()?;
            let Some((tokens, seconds)) = found else {
                return Ok(None);
            };
            let examples = c
                .prepare(
                    "SELECT example, loss, correct FROM example_losses
                     WHERE run_id = ?1 AND candidate = ?2 AND part = ?3 ORDER BY place",
                )?
                .query_map(key, |r| {
                    Ok(ExampleLoss {
                        example: r.get(0)?,
                        loss: r.get(1)?,
                        correct: r.get(2)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            Ok(Some(PromptScore {
                examples,
                tokens,
                seconds,
            }))
        })
    }

    /// A text that the model wrote in this run, with its working time.
    pub fn recall_generated(
        &self,
        run: RunId,
        key: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, StoreError> {
        self.sql(|c| {
            c.query_row(
                "SELECT text, tokens_computed, tokens_reused, seconds FROM generations
                 WHERE run_id = ?1 AND step = ?2 AND purpose = ?3",
                params![run.0, key.step, key.purpose],
                |r| {
                    let generated = Generated {
                        text: r.get(0)?,
                        tokens: TokenCount {
                            computed: r.get(1)?,
                            reused: r.get(2)?,
                        },
                    };
                    Ok((generated, r.get(3)?))
                },
            )
            .optional()
        })
    }
}

fn write(t: &Transaction<'_>, run: i64, event: &RunEvent) -> rusqlite::Result<()> {
    match event {
        RunEvent::Progress { .. } => {}
        RunEvent::LeftOut { examples } => {
            for (example, tokens) in examples {
                t.execute(
                    "INSERT INTO left_out VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    params![run, *example as i64, *tokens as i64],
                )?;
            }
        }
        RunEvent::Scored {
            candidate,
            part,
            score,
        } => {
            write_candidate(t, run, candidate, None)?;
            write_score(t, run, candidate.ordinal, *part, score)?;
        }
        RunEvent::Refused { candidate, refusal } => {
            write_candidate(t, run, candidate, Some(refusal))?;
        }
        RunEvent::Generated {
            key,
            generated,
            seconds,
        } => {
            let new = t.execute(
                "INSERT INTO generations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                params![
                    run,
                    key.step,
                    key.purpose,
                    generated.text,
                    generated.tokens.computed,
                    generated.tokens.reused,
                    seconds
                ],
            )?;
            if new > 0 {
                add_work(t, run, generated.tokens, *seconds)?;
            }
        }
        RunEvent::Analysed {
            step,
            candidate,
            findings,
        } => {
            for (place, finding) in findings.iter().enumerate() {
                let verdict = match finding.verdict {
                    SegmentVerdict::Helps => "helps",
                    SegmentVerdict::NoClearEffect => "no_clear_effect",
                    SegmentVerdict::Hurts => "hurts",
                };
                t.execute(
                    "INSERT INTO segment_findings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                     ON CONFLICT DO NOTHING",
                    params![
                        run,
                        step,
                        place as i64,
                        candidate,
                        finding.segment.range.start as i64,
                        finding.segment.range.end as i64,
                        finding.segment.text,
                        finding.effect.difference,
                        known(finding.effect.std_error),
                        verdict
                    ],
                )?;
            }
        }
        RunEvent::StepDone {
            step,
            incumbent,
            loss,
            improved,
        } => {
            t.execute(
                "INSERT INTO steps VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                params![run, step, incumbent, loss, improved],
            )?;
        }
        RunEvent::Finished { outcome } => {
            let state = if outcome.reason == StopReason::Cancelled {
                RunState::Cancelled
            } else {
                RunState::Completed
            };
            t.execute(
                "UPDATE runs SET state = ?2, outcome_json = ?3 WHERE id = ?1",
                params![run, state.name(), to_json(outcome)?],
            )?;
        }
    }
    Ok(())
}

fn write_candidate(
    t: &Transaction<'_>,
    run: i64,
    candidate: &Candidate,
    refusal: Option<&Refusal>,
) -> rusqlite::Result<()> {
    t.execute(
        "INSERT INTO candidates VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        params![
            run,
            candidate.ordinal,
            candidate.step,
            candidate.parent,
            to_json(&candidate.origin)?,
            candidate.text,
            text_hash(&candidate.text),
            refusal.map(to_json).transpose()?
        ],
    )?;
    Ok(())
}

fn write_score(
    t: &Transaction<'_>,
    run: i64,
    candidate: u32,
    part: Part,
    score: &PromptScore,
) -> rusqlite::Result<()> {
    let new = t.execute(
        "INSERT INTO scores VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            run,
            candidate,
            part_name(part),
            score.loss(),
            known(score.std_error()),
            score.accuracy(),
            score.tokens.computed,
            score.tokens.reused,
            score.seconds
        ],
    )?;
    if new == 0 {
        return Ok(());
    }
    let mut insert = t.prepare("INSERT INTO example_losses VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
    for (place, example) in score.examples.iter().enumerate() {
        insert.execute(params![
            run,
            candidate,
            part_name(part),
            place as i64,
            example.example as i64,
            example.loss,
            example.correct
        ])?;
    }
    add_work(t, run, score.tokens, score.seconds)
}

fn add_work(
    t: &Transaction<'_>,
    run: i64,
    tokens: TokenCount,
    seconds: f64,
) -> rusqlite::Result<()> {
    t.execute(
        "UPDATE runs SET working_seconds = working_seconds + ?2,
             tokens_computed = tokens_computed + ?3, tokens_reused = tokens_reused + ?4
         WHERE id = ?1",
        params![run, seconds, tokens.computed, tokens.reused],
    )?;
    Ok(())
}

/// A standard error, where one is known.
fn known(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
