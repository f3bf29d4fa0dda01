//! What a run reached for what it spent, as a curve.

use std::iter::Peekable;
use std::vec::IntoIter;

use rusqlite::{params, Connection};
use serde::Serialize;

use crate::{RunId, Store, StoreError};

/// One prompt of a run's curve and what the run had spent when it was scored.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// Number of the prompt within the run, from 0 (the start prompt).
    pub ordinal: u32,
    /// Step that proposed it; 0 for the start prompt.
    pub step: u32,
    /// Mean training loss in nats.
    pub loss: f64,
    /// Whether it was dropped early; then the loss is an estimate.
    pub dropped: bool,
    /// Whether it is the start prompt or was the incumbent after a step.
    pub best: bool,
    /// Pairs of prompt and example looked at, this prompt's among them.
    pub pairs: u64,
    /// Tokens computed, this prompt's among them.
    pub tokens: u64,
    /// Seconds that the model worked, this prompt's among them.
    pub seconds: f64,
}

/// How far a curve was read: up to the last step that is decided, whose prompts stay as
/// they are. The default is its beginning.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CurveCursor {
    /// The last decided step.
    step: Option<u32>,
    /// Number of the first prompt that may still change.
    next: u32,
    pairs: u64,
    tokens: u64,
    seconds: f64,
}

/// What came to a curve since it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct CurvePart {
    /// Prompts of steps decided since, which stay as they are.
    pub settled: Vec<CurvePoint>,
    /// Prompts of the step that goes on. They come again at the next reading: what they
    /// cost together changes where one comes to its end before an earlier one.
    pub open: Vec<CurvePoint>,
    /// Incumbents after the steps decided since; also one that was settled before.
    pub incumbents: Vec<u32>,
    /// Where the next reading goes on.
    pub cursor: CurveCursor,
}

/// What the texts of a step cost.
struct Texts {
    step: u32,
    tokens: u64,
    seconds: f64,
}

impl Store {
    /// The prompts that a run scored on training examples, in order of trial.
    /// Masked ones are no points, but what they cost counts; what the model wrote
    /// in a step counts before the step's first prompt.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn curve(&self, run: RunId) -> Result<Vec<CurvePoint>, StoreError> {
        let mut part = self.curve_since(run, CurveCursor::default())?;
        part.settled.append(&mut part.open);
        Ok(part.settled)
    }

    /// What came to a run's curve since `from`: what was settled there is not read again,
    /// and no texts are. Of a run that is at its end read from the beginning.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn curve_since(&self, run: RunId, from: CurveCursor) -> Result<CurvePart, StoreError> {
        self.snapshot(|c| {
            let decided = decided(c, run, from.step)?;
            let incumbents: Vec<u32> = decided.iter().map(|(_, incumbent)| *incumbent).collect();
            let last = decided.last().map(|(step, _)| *step).or(from.step);
            let mut texts = texts(c, run, from.step)?.into_iter().peekable();
            // A cross join stays in this order: by the index that holds no texts.
            let mut query = c.prepare(
                "SELECT s.candidate, c.step, s.loss, s.dropped_of IS NOT NULL,
                     s.pairs, s.tokens_computed, s.seconds, c.origin_json ->> 'kind' = 'mask'
                 FROM candidates AS c CROSS JOIN scores AS s
                     ON s.run_id = c.run_id AND s.candidate = c.ordinal AND s.part = 'train'
                 WHERE c.run_id = ?1 AND c.ordinal >= ?2 ORDER BY c.ordinal",
            )?;
            let mut rows = query.query(params![run, from.next])?;
            let (mut settled, mut open) = (Vec::new(), Vec::new());
            let mut spent = from;
            // Set where the first prompt begins that is not settled.
            let mut kept: Option<CurveCursor> = None;
            while let Some(r) = rows.next()? {
                let (ordinal, step) = (r.get(0)?, r.get(1)?);
                if kept.is_none() && last.is_none_or(|last| step > last) {
                    spent.write(&mut texts, last);
                    kept = Some(spent);
                }
                spent.write(&mut texts, Some(step));
                spent.pairs += r.get::<_, u64>(4)?;
                spent.tokens += r.get::<_, u64>(5)?;
                spent.seconds += r.get::<_, f64>(6)?;
                spent.next = ordinal + 1;
                let masked: bool = r.get(7)?;
                if masked {
                    continue;
                }
                let point = CurvePoint {
                    ordinal,
                    step,
                    loss: r.get(2)?,
                    dropped: r.get(3)?,
                    best: ordinal == 0 || incumbents.contains(&ordinal),
                    pairs: spent.pairs,
                    tokens: spent.tokens,
                    seconds: spent.seconds,
                };
                match kept {
                    Some(_) => open.push(point),
                    None => settled.push(point),
                }
            }
            let mut cursor = kept.unwrap_or_else(|| {
                spent.write(&mut texts, last);
                spent
            });
            cursor.step = last;
            Ok(CurvePart {
                settled,
                open,
                incumbents,
                cursor,
            })
        })
    }

    /// Held-out losses of a run, which come at its end: number of the prompt and loss in
    /// nats. While there are none, one look at the start prompt says so.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn held_out_losses(&self, run: RunId) -> Result<Vec<(u32, f64)>, StoreError> {
        self.snapshot(|c| {
            let begun = c
                .prepare(
                    "SELECT 1 FROM scores
                     WHERE run_id = ?1 AND candidate = 0 AND part = 'validation'",
                )?
                .exists([run])?;
            if !begun {
                return Ok(Vec::new());
            }
            c.prepare(
                "SELECT candidate, loss FROM scores
                 WHERE run_id = ?1 AND part = 'validation' ORDER BY candidate",
            )?
            .query_map([run], |r| Ok((r.get(0)?, r.get(1)?)))?
            .collect()
        })
    }
}

impl CurveCursor {
    /// Counts the texts up to a step.
    fn write(&mut self, texts: &mut Peekable<IntoIter<Texts>>, step: Option<u32>) {
        let until = |one: &Texts| step.is_some_and(|step| one.step <= step);
        while let Some(texts) = texts.next_if(until) {
            self.tokens += texts.tokens;
            self.seconds += texts.seconds;
        }
    }
}

/// The steps decided after `step`, with the incumbent of each.
fn decided(c: &Connection, run: RunId, step: Option<u32>) -> rusqlite::Result<Vec<(u32, u32)>> {
    c.prepare("SELECT step, incumbent FROM steps WHERE run_id = ?1 AND step >= ?2 ORDER BY step")?
        .query_map(params![run, step.map_or(0, |step| step + 1)], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })?
        .collect()
}

/// What the texts of the steps after `step` cost.
fn texts(c: &Connection, run: RunId, step: Option<u32>) -> rusqlite::Result<Vec<Texts>> {
    c.prepare(
        "SELECT step, sum(tokens_computed), sum(seconds) FROM generations
         WHERE run_id = ?1 AND step >= ?2 GROUP BY step ORDER BY step",
    )?
    .query_map(params![run, step.map_or(0, |step| step + 1)], |r| {
        Ok(Texts {
            step: r.get(0)?,
            tokens: r.get(1)?,
            seconds: r.get(2)?,
        })
    })?
    .collect()
}
