//! The events of a run, stored one by one and found again.

use pmpo_core::message;
use pmpo_core::model::{Finish, Generated, TokenCount};
use pmpo_core::optimize::{
    Candidate, GenerationKey, Part, PromptScore, Refusal, RunEvent, SegmentFinding,
};
use pmpo_core::random::text_hash;
use rusqlite::{params, OptionalExtension, Transaction};

use crate::candidates::{part_name, verdict_name};
use crate::error::Fault;
use crate::json::{finite, finite_if_any, known, to_json, unknown};
use crate::runs::{must_exist, write_end};
use crate::{RunId, Store, StoreError};

impl Store {
    /// Stores an event in one transaction. An event that is stored already
    /// changes nothing; [`RunEvent::Busy`] and [`RunEvent::Progress`] are not
    /// stored at all.
    pub fn record(&mut self, run: RunId, event: &RunEvent) -> Result<(), StoreError> {
        if matches!(event, RunEvent::Progress { .. } | RunEvent::Busy { .. }) {
            return Ok(());
        }
        self.record_all(run, std::slice::from_ref(event))
    }

    /// Stores events as [`Store::record`] does, in one transaction: all or none.
    pub fn record_all(&mut self, run: RunId, events: &[RunEvent]) -> Result<(), StoreError> {
        self.transaction(|t| {
            must_exist(t, run)?;
            events.iter().try_for_each(|event| write(t, run, event))
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
                "SELECT text, tokens_computed, tokens_reused, seconds, finish FROM generations
                 WHERE run_id = ?1 AND step = ?2 AND purpose = ?3",
                params![run, key.step, key.purpose],
                |r| {
                    let generated = Generated {
                        text: r.get(0)?,
                        tokens: TokenCount {
                            computed: r.get(1)?,
                            reused: r.get(2)?,
                        },
                        finish: finish_of_name(r, 4)?,
                    };
                    Ok((generated, r.get(3)?))
                },
            )
            .optional()
        })
    }
}

fn finish_name(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
    }
}

fn finish_of_name(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Finish> {
    let name: String = row.get(at)?;
    [Finish::Stop, Finish::Length]
        .into_iter()
        .find(|finish| finish_name(*finish) == name)
        .ok_or_else(|| unknown(at, &name))
}

fn write(t: &Transaction<'_>, run: RunId, event: &RunEvent) -> Result<(), Fault> {
    match event {
        RunEvent::Progress { .. } | RunEvent::Busy { .. } => {}
        RunEvent::LeftOut { examples } => {
            for (example, tokens) in examples {
                t.execute(
                    "INSERT INTO left_out (run_id, example, tokens) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                    params![run, example, tokens],
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
                "INSERT INTO generations (run_id, step, purpose, text, tokens_computed,
                     tokens_reused, seconds, finish)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                params![
                    run,
                    key.step,
                    key.purpose,
                    generated.text,
                    generated.tokens.computed,
                    generated.tokens.reused,
                    finite(*seconds, "a working time")?,
                    finish_name(generated.finish)
                ],
            )?;
            if new > 0 {
                add_work(t, run, 0, generated.tokens, *seconds)?;
            }
        }
        RunEvent::Analysed {
            step,
            candidate,
            findings,
        } => {
            for (place, finding) in findings.iter().enumerate() {
                write_finding(t, run, *step, *candidate, place, finding)?;
            }
        }
        RunEvent::StepDone {
            step,
            incumbent,
            loss,
            improved,
        } => {
            t.execute(
                "INSERT INTO steps (run_id, step, incumbent, loss, improved)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                params![run, step, incumbent, finite(*loss, "a loss")?, improved],
            )?;
        }
        RunEvent::Finished { outcome } => write_end(t, run, outcome)?,
    }
    Ok(())
}

fn write_finding(
    t: &Transaction<'_>,
    run: RunId,
    step: u32,
    candidate: u32,
    place: usize,
    finding: &SegmentFinding,
) -> Result<(), Fault> {
    t.execute(
        "INSERT INTO segment_findings (run_id, step, place, candidate, first_byte, end_byte,
             text, effect, std_error, verdict)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
        params![
            run,
            step,
            place,
            candidate,
            finding.segment.range.start,
            finding.segment.range.end,
            finding.segment.text,
            finite(finding.effect.difference, "an effect")?,
            known(finding.effect.std_error)?,
            verdict_name(finding.verdict)
        ],
    )?;
    Ok(())
}

fn write_candidate(
    t: &Transaction<'_>,
    run: RunId,
    candidate: &Candidate,
    refusal: Option<&Refusal>,
) -> Result<(), Fault> {
    let hash = text_hash(&candidate.text);
    let new = t.execute(
        "INSERT INTO candidates (run_id, ordinal, step, parent, origin_json, text, text_hash,
             refusal_json)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        params![
            run,
            candidate.ordinal,
            candidate.step,
            candidate.parent,
            to_json(&candidate.origin)?,
            candidate.text,
            hash,
            refusal.map(to_json).transpose()?
        ],
    )?;
    if new > 0 {
        return Ok(());
    }
    let stored: String = t.query_row(
        "SELECT text_hash FROM candidates WHERE run_id = ?1 AND ordinal = ?2",
        params![run, candidate.ordinal],
        |row| row.get(0),
    )?;
    if stored == hash {
        return Ok(());
    }
    // A score of one prompt must never be filed under another.
    Err(Fault::refused(message!(
        "store.other_prompt",
        number = candidate.ordinal,
        run = run.0
    )))
}

fn write_score(
    t: &Transaction<'_>,
    run: RunId,
    candidate: u32,
    part: Part,
    score: &PromptScore,
) -> Result<(), Fault> {
    let pairs = score.examples.len();
    let new = t.execute(
        "INSERT INTO scores (run_id, candidate, part, loss, std_error, accuracy, tokens_computed,
             tokens_reused, seconds, dropped_of, pairs, asked, calibrated, choice, form)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT DO NOTHING",
        params![
            run,
            candidate,
            part_name(part),
            finite(score.loss(), "a loss")?,
            known(score.std_error())?,
            score.accuracy(),
            score.tokens.computed,
            score.tokens.reused,
            finite(score.seconds, "a working time")?,
            score.dropped.map(|dropped| dropped.of),
            pairs,
            score.asked(),
            score.calibrated_accuracy(),
            finite_if_any(score.choice(), "a loss")?,
            finite_if_any(score.form(), "a loss")?
        ],
    )?;
    if new == 0 {
        return Ok(());
    }
    let mut insert = t.prepare(
        "INSERT INTO example_losses (run_id, candidate, part, place, example, loss, correct, weight,
             asked, choice, form, calibrated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for (place, example) in score.examples.iter().enumerate() {
        insert.execute(params![
            run,
            candidate,
            part_name(part),
            place,
            example.example,
            finite(example.loss, "a loss")?,
            example.correct,
            finite(example.weight, "a weight")?,
            example.asked,
            finite_if_any(example.choice, "a loss")?,
            finite_if_any(example.form, "a loss")?,
            example.calibrated
        ])?;
    }
    add_work(t, run, pairs, score.tokens, score.seconds)
}

fn add_work(
    t: &Transaction<'_>,
    run: RunId,
    pairs: usize,
    tokens: TokenCount,
    seconds: f64,
) -> Result<(), Fault> {
    t.execute(
        "UPDATE runs SET working_seconds = working_seconds + ?2,
             tokens_computed = tokens_computed + ?3, tokens_reused = tokens_reused + ?4,
             pairs = pairs + ?5
         WHERE id = ?1",
        params![run, seconds, tokens.computed, tokens.reused, pairs],
    )?;
    Ok(())
}
