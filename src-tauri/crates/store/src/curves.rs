//! What a run reached for what it spent, as a curve.

use rusqlite::Connection;
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
    pub fn curve(&self, run: RunId) -> Result<Vec<CurvePoint>, StoreError> {
        self.snapshot(|c| {
            let mut texts = texts(c, run)?.into_iter().peekable();
            // A cross join stays in this order: by the index that holds no texts.
            let mut query = c.prepare(
                "SELECT s.candidate, c.step, s.loss, s.dropped_of IS NOT NULL,
                     s.candidate = 0
                         OR s.candidate IN (SELECT incumbent FROM steps WHERE run_id = ?1),
                     s.pairs, s.tokens_computed, s.seconds, c.origin_json ->> 'kind' = 'mask'
                 FROM candidates AS c CROSS JOIN scores AS s
                     ON s.run_id = c.run_id AND s.candidate = c.ordinal AND s.part = 'train'
                 WHERE c.run_id = ?1 ORDER BY c.ordinal",
            )?;
            let mut rows = query.query([run])?;
            let mut points = Vec::new();
            let (mut pairs, mut tokens, mut seconds) = (0, 0, 0.0);
            while let Some(r) = rows.next()? {
                let step = r.get(1)?;
                while let Some(texts) = texts.next_if(|texts| texts.step <= step) {
                    tokens += texts.tokens;
                    seconds += texts.seconds;
                }
                pairs += r.get::<_, u64>(5)?;
                tokens += r.get::<_, u64>(6)?;
                seconds += r.get::<_, f64>(7)?;
                let masked: bool = r.get(8)?;
                if !masked {
                    points.push(CurvePoint {
                        ordinal: r.get(0)?,
                        step,
                        loss: r.get(2)?,
                        dropped: r.get(3)?,
                        best: r.get(4)?,
                        pairs,
                        tokens,
                        seconds,
                    });
                }
            }
            Ok(points)
        })
    }
}

fn texts(c: &Connection, run: RunId) -> rusqlite::Result<Vec<Texts>> {
    c.prepare(
        "SELECT step, sum(tokens_computed), sum(seconds) FROM generations
         WHERE run_id = ?1 GROUP BY step ORDER BY step",
    )?
    .query_map([run], |r| {
        Ok(Texts {
            step: r.get(0)?,
            tokens: r.get(1)?,
            seconds: r.get(2)?,
        })
    })?
    .collect()
}
