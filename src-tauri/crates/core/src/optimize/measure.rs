//! Scoring prompts: pairs that are known already, and those that the model computes.

use super::pair_scorer::PairScorer;
use super::run::{Run, Scored};
use super::{Candidate, OptimizeError, PairKey, PairLoss, Part, PromptScore, RunEvent};

/// Pairs whose losses the journal does not know, of one prompt.
struct Unknown {
    /// Which of the wanted prompts.
    wanted: usize,
    /// Places in its list of examples, and the keys.
    pairs: Vec<(usize, PairKey)>,
}

impl Run<'_> {
    /// Scores one prompt on all examples of a part.
    pub(super) async fn score(
        &mut self,
        candidate: Candidate,
        part: Part,
    ) -> Result<Scored, OptimizeError> {
        let mut scored = self.score_all(vec![candidate], part).await?;
        Ok(scored.swap_remove(0))
    }

    /// Scores prompts on all examples of a part, and records them in their order.
    pub(super) async fn score_all(
        &mut self,
        candidates: Vec<Candidate>,
        part: Part,
    ) -> Result<Vec<Scored>, OptimizeError> {
        let indices = match part {
            Part::Train => self.plan.split.train.clone(),
            Part::Validation => self.plan.split.validation.clone(),
        };
        let texts: Vec<&str> = candidates.iter().map(|one| one.text.as_str()).collect();
        let pairs = self.measure(&texts, &indices).await?;
        let mut out = Vec::with_capacity(candidates.len());
        for (candidate, pairs) in candidates.into_iter().zip(pairs) {
            let score = self.evaluator.score(&indices, &pairs);
            out.push(self.record_score(candidate, part, score, pairs)?);
        }
        Ok(out)
    }

    pub(super) fn record_score(
        &mut self,
        candidate: Candidate,
        part: Part,
        score: PromptScore,
        pairs: Vec<PairLoss>,
    ) -> Result<Scored, OptimizeError> {
        if part == Part::Train && score.dropped.is_none() {
            self.whole.push(score.losses());
        }
        self.journal.record(&RunEvent::Scored {
            candidate: candidate.clone(),
            part,
            score: score.clone(),
        })?;
        Ok(Scored {
            candidate,
            score,
            pairs,
        })
    }

    /// The losses of each prompt on the same examples: from the journal where it
    /// knows them, else from the model.
    ///
    /// Where the model gains by it, prompts stand in one call while it is no
    /// longer than one whole prompt's: what they share is computed once, and a
    /// call that is broken off loses no more than one prompt's work.
    pub(super) async fn measure(
        &mut self,
        prompts: &[&str],
        indices: &[usize],
    ) -> Result<Vec<Vec<PairLoss>>, OptimizeError> {
        let mut found: Vec<Vec<Option<PairLoss>>> = Vec::with_capacity(prompts.len());
        let mut calls: Vec<Vec<Unknown>> = Vec::new();
        let most = match self.scorer.shares_among_prompts() {
            true => self.plan.split.train.len().max(indices.len()),
            false => 0,
        };
        let mut size = 0;
        for (wanted, prompt) in prompts.iter().enumerate() {
            let keys: Vec<PairKey> = indices
                .iter()
                .map(|&index| self.keys.of(prompt, index))
                .collect();
            let known = self.journal.recall_pairs(&keys)?;
            let pairs: Vec<(usize, PairKey)> = keys
                .into_iter()
                .enumerate()
                .filter(|(place, _)| known[*place].is_none())
                .collect();
            for pair in known.iter().flatten() {
                self.spent(pair.tokens, pair.seconds);
            }
            found.push(known);
            if pairs.is_empty() {
                continue;
            }
            if calls.is_empty() || size + pairs.len() > most {
                calls.push(Vec::new());
                size = 0;
            }
            size += pairs.len();
            if let Some(call) = calls.last_mut() {
                call.push(Unknown { wanted, pairs });
            }
        }
        for call in calls {
            self.compute(prompts, indices, &call, &mut found).await?;
            self.progress()?;
        }
        Ok(found
            .into_iter()
            .map(|pairs| pairs.into_iter().flatten().collect())
            .collect())
    }

    /// Lets the model score what is unknown, keeps it, and fills it in.
    async fn compute(
        &mut self,
        prompts: &[&str],
        indices: &[usize],
        call: &[Unknown],
        found: &mut [Vec<Option<PairLoss>>],
    ) -> Result<(), OptimizeError> {
        let own = |unknown: &Unknown| unknown.pairs.iter().map(|&(at, _)| indices[at]).collect();
        let wanted: Vec<(&str, Vec<usize>)> = call
            .iter()
            .map(|unknown| (prompts[unknown.wanted], own(unknown)))
            .collect();
        let scorer = PairScorer {
            evaluator: &self.evaluator,
            model: self.scorer,
            cancel: self.cancel,
        };
        let scored = scorer.score(&wanted).await?;
        let mut kept = Vec::new();
        for (unknown, pairs) in call.iter().zip(scored.pairs) {
            for (&(place, key), pair) in unknown.pairs.iter().zip(pairs) {
                found[unknown.wanted][place] = Some(pair.clone());
                kept.push((key, pair));
            }
        }
        self.journal.keep_pairs(&kept)?;
        self.spent(scored.tokens, scored.seconds);
        Ok(())
    }
}
