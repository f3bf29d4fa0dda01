//! Pairs that the model computes, in a run and outside.

use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::model::{LanguageModel, ModelError, TokenCount};

use super::evaluate::Evaluator;
use super::plan::OptimizeError;
use super::PairLoss;

/// Lets a model score pairs of prompts and examples.
pub(super) struct PairScorer<'a> {
    pub evaluator: &'a Evaluator<'a>,
    pub model: &'a dyn LanguageModel,
    pub cancel: &'a CancellationToken,
}

/// What one call gave, and what it cost.
pub(super) struct ScoredPairs {
    /// Of each prompt the losses on its examples. Each has an even part of the tokens and
    /// of the time.
    pub pairs: Vec<Vec<PairLoss>>,
    pub tokens: TokenCount,
    pub seconds: f64,
}

impl PairScorer<'_> {
    /// Scores each prompt on the examples with its indices, all in one call.
    ///
    /// # Errors
    /// What the model says; and where it gives a loss that is not a number, so that none
    /// is ever kept.
    pub(super) async fn score(
        &self,
        wanted: &[(&str, Vec<usize>)],
    ) -> Result<ScoredPairs, OptimizeError> {
        let mut items = Vec::new();
        let mut counts = Vec::with_capacity(wanted.len());
        for (prompt, examples) in wanted {
            let rendered = self.evaluator.items(prompt, examples)?;
            counts.push(rendered.len());
            items.extend(rendered);
        }
        let clock = Instant::now();
        let batch = self.model.score(&items, self.cancel).await?;
        let seconds = clock.elapsed().as_secs_f64();
        let total: usize = wanted.iter().map(|(_, examples)| examples.len()).sum();
        let (mut first, mut done) = (0, 0);
        let mut out = Vec::with_capacity(wanted.len());
        for ((_, examples), count) in wanted.iter().zip(counts) {
            let scores = &batch.scores[first..first + count];
            first += count;
            let mut pairs = Vec::with_capacity(examples.len());
            for scored in self.evaluator.pairs(examples, scores) {
                if !scored.is_finite() {
                    return Err(ModelError::not_a_number().into());
                }
                pairs.push(PairLoss {
                    tokens: TokenCount {
                        computed: share(batch.tokens.computed, done, total),
                        reused: share(batch.tokens.reused, done, total),
                    },
                    seconds: seconds / total as f64,
                    ..scored
                });
                done += 1;
            }
            out.push(pairs);
        }
        Ok(ScoredPairs {
            pairs: out,
            tokens: batch.tokens,
            seconds,
        })
    }
}

/// The part number `at` of `all`, in whole tokens that add up to `all` over `total` parts.
fn share(all: u64, at: usize, total: usize) -> u64 {
    let (at, total) = (at as u64, total as u64);
    all * (at + 1) / total - all * at / total
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn parts_are_whole_and_add_up() {
        for (all, total) in [(10, 3), (2, 5), (0, 2), (7, 7)] {
            let parts = (0..total).map(|at| share(all, at, total));
            assert_eq!(parts.sum::<u64>(), all);
        }
    }
}
