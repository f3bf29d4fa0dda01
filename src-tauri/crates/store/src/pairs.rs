//! Losses of single pairs, shared by all runs.

use std::collections::HashSet;

use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{PairKey, PairLoss};
use rusqlite::types::Type;
use rusqlite::{params, Error, OptionalExtension, Row};

use crate::error::Fault;
use crate::json::finite;
use crate::runs::must_exist;
use crate::{RunId, Store, StoreError};

/// Finite numbers as a column: 64-bit floats, little endian; NULL where there are none.
fn bytes(numbers: &[f64]) -> Result<Option<Vec<u8>>, Fault> {
    let mut out = Vec::with_capacity(8 * numbers.len());
    for number in numbers {
        out.extend(finite(*number, "the probability of an option")?.to_le_bytes());
    }
    Ok((!out.is_empty()).then_some(out))
}

/// The numbers of such a column.
pub(crate) fn floats(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<f64>> {
    let stored: Option<Vec<u8>> = row.get(at)?;
    let stored = stored.unwrap_or_default();
    let whole = stored.len().is_multiple_of(8);
    let numbers: Vec<f64> = stored
        .chunks_exact(8)
        .filter_map(|eight| Some(f64::from_le_bytes(eight.try_into().ok()?)))
        .collect();
    match whole && numbers.iter().all(|number| number.is_finite()) {
        true => Ok(numbers),
        false => {
            let why = "what is known of the options is damaged".into();
            Err(Error::FromSqlConversionFailure(at, Type::Blob, why))
        }
    }
}

impl Store {
    /// Deletes pairs that no run measured that is still there and that are none of `kept`;
    /// their number.
    pub fn collect_pairs(&mut self, kept: &HashSet<PairKey>) -> Result<usize, StoreError> {
        self.transaction(|t| {
            let mut all = t.prepare("SELECT key FROM pair_losses WHERE run_id IS NULL")?;
            let keys = all.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
            let unused: Vec<[u8; 16]> = keys
                .filter(|key| !matches!(key, Ok(key) if kept.contains(&PairKey(*key))))
                .collect::<rusqlite::Result<_>>()?;
            let mut delete = t.prepare("DELETE FROM pair_losses WHERE key = ?1")?;
            for key in &unused {
                delete.execute([&key[..]])?;
            }
            Ok(unused.len())
        })
    }

    /// The stored losses of pairs, in the order asked. Tokens and seconds are
    /// those that `run` itself spent: zero for what another run measured, and
    /// outside runs.
    pub fn recall_pairs(
        &self,
        run: Option<RunId>,
        keys: &[PairKey],
    ) -> Result<Vec<Option<PairLoss>>, StoreError> {
        self.snapshot(|c| {
            let mut query = c.prepare_cached(
                "SELECT loss, correct, run_id = ?2, tokens_computed, tokens_reused, seconds,
                     asked, options
                 FROM pair_losses WHERE key = ?1",
            )?;
            let mut find = |key: &PairKey| {
                query
                    .query_row(params![&key.0[..], run], |r| {
                        let own = r.get::<_, Option<bool>>(2)?.unwrap_or(false);
                        let mut pair = PairLoss {
                            loss: r.get(0)?,
                            correct: r.get(1)?,
                            asked: r.get(6)?,
                            options: floats(r, 7)?,
                            tokens: TokenCount::default(),
                            seconds: 0.0,
                        };
                        if own {
                            pair.tokens.computed = r.get(3)?;
                            pair.tokens.reused = r.get(4)?;
                            pair.seconds = r.get(5)?;
                        }
                        Ok(pair)
                    })
                    .optional()
            };
            keys.iter().map(&mut find).collect()
        })
    }

    /// Stores what `run`, or no run, measured, in one transaction. A pair that is stored
    /// already stays as it is.
    pub fn keep_pairs(
        &mut self,
        run: Option<RunId>,
        pairs: &[(PairKey, PairLoss)],
    ) -> Result<(), StoreError> {
        self.transaction(|t| {
            if let Some(run) = run {
                must_exist(t, run)?;
            }
            let mut insert = t.prepare_cached(
                "INSERT INTO pair_losses (key, loss, correct, run_id, tokens_computed,
                     tokens_reused, seconds, asked, options)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
            )?;
            for (key, pair) in pairs {
                insert.execute(params![
                    &key.0[..],
                    finite(pair.loss, "a loss")?,
                    pair.correct,
                    run,
                    pair.tokens.computed,
                    pair.tokens.reused,
                    finite(pair.seconds, "a working time")?,
                    pair.asked,
                    bytes(&pair.options)?
                ])?;
            }
            Ok(())
        })
    }
}
