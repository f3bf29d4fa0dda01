//! Losses of single pairs, shared by all runs.

use pmpo_core::model::TokenCount;
use pmpo_core::optimize::{PairKey, PairLoss};
use rusqlite::{params, OptionalExtension};

use crate::json::finite;
use crate::runs::must_exist;
use crate::{RunId, Store, StoreError};

impl Store {
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
                "SELECT loss, correct, run_id = ?2, tokens_computed, tokens_reused, seconds
                 FROM pair_losses WHERE key = ?1",
            )?;
            let mut find = |key: &PairKey| {
                query
                    .query_row(params![&key.0[..], run], |r| {
                        let own = r.get::<_, Option<bool>>(2)?.unwrap_or(false);
                        let mut pair = PairLoss {
                            loss: r.get(0)?,
                            correct: r.get(1)?,
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
                     tokens_reused, seconds)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?;
            for (key, pair) in pairs {
                insert.execute(params![
                    &key.0[..],
                    finite(pair.loss, "a loss")?,
                    pair.correct,
                    run,
                    pair.tokens.computed,
                    pair.tokens.reused,
                    finite(pair.seconds, "a working time")?
                ])?;
            }
            Ok(())
        })
    }
}
