//! Scoring prompts: whole, or in a race.

use std::time::Instant;

use crate::loss::mean;
use crate::model::{ModelError, TokenCount};

use super::run::{Run, Scored};
use super::{
    Candidate, Dropped, ExampleLoss, OptimizeError, PairKey, PairLoss, Part, PromptScore, Race,
    Refusal, RunEvent,
};

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
            let score = prompt_score(&indices, &pairs);
            out.push(self.record_score(candidate, part, score)?);
        }
        Ok(out)
    }

    /// Scores candidates on growing parts of the training examples and records
    /// each when it is dropped or scored whole. In the order of the candidates.
    pub(super) async fn race(
        &mut self,
        candidates: Vec<Candidate>,
        incumbent: &Scored,
    ) -> Result<Vec<Scored>, OptimizeError> {
        if !self.settings.racing {
            let mut scored = Vec::with_capacity(candidates.len());
            for candidate in candidates {
                if self.exhausted().is_some() {
                    break;
                }
                scored.push(self.score(candidate, Part::Train).await?);
            }
            return Ok(scored);
        }
        if self.exhausted().is_some() {
            return Ok(Vec::new());
        }
        let train = self.plan.split.train.clone();
        let race = Race {
            total: train.len(),
            z: self.settings.race_z,
            min_gain: self.settings.min_gain,
        };
        let before = incumbent.score.losses();
        let known: Vec<&[f64]> = std::iter::once(&before)
            .chain(&self.whole)
            .map(|losses| &losses[..])
            .collect();
        let order = race.order(&known);
        // From here on in the order of the race.
        let examples: Vec<usize> = order.iter().map(|&at| train[at]).collect();
        let before: Vec<f64> = order.iter().map(|&at| before[at]).collect();
        let mut pairs: Vec<Vec<PairLoss>> = vec![Vec::new(); candidates.len()];
        let mut running: Vec<usize> = (0..candidates.len()).collect();
        let mut done: Vec<(usize, Scored)> = Vec::with_capacity(candidates.len());
        let mut from = 0;
        for to in race.rounds() {
            if running.is_empty() {
                break;
            }
            let texts: Vec<&str> = running.iter().map(|&at| &*candidates[at].text).collect();
            let new = self.measure(&texts, &examples[from..to]).await?;
            for (&at, new) in running.iter().zip(new) {
                pairs[at].extend(new);
            }
            from = to;
            let losses: Vec<Vec<f64>> = running
                .iter()
                .map(|&at| pairs[at].iter().map(|pair| pair.loss).collect())
                .collect();
            let seen: Vec<&[f64]> = losses.iter().map(|losses| &losses[..]).collect();
            let goes_on = race.survivors(&before[..to], &seen);
            let out_of_budget = self.exhausted().is_some();
            let mut still = Vec::with_capacity(running.len());
            for ((at, losses), goes_on) in running.into_iter().zip(losses).zip(goes_on) {
                let candidate = candidates[at].clone();
                let score = if to == train.len() {
                    // As all whole scores are, in the order of the split.
                    let mut own = pairs[at].clone();
                    order
                        .iter()
                        .zip(&pairs[at])
                        .for_each(|(&place, pair)| own[place] = *pair);
                    prompt_score(&train, &own)
                } else if !goes_on {
                    let dropped = Dropped {
                        of: train.len(),
                        estimate: mean(&before) + mean(&losses) - mean(&before[..to]),
                    };
                    PromptScore {
                        dropped: Some(dropped),
                        ..prompt_score(&examples[..to], &pairs[at])
                    }
                } else if out_of_budget {
                    let refusal = Refusal::Budget;
                    self.journal
                        .record(&RunEvent::Refused { candidate, refusal })?;
                    continue;
                } else {
                    still.push(at);
                    continue;
                };
                done.push((at, self.record_score(candidate, Part::Train, score)?));
            }
            running = still;
        }
        done.sort_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, scored)| scored).collect())
    }

    fn record_score(
        &mut self,
        candidate: Candidate,
        part: Part,
        score: PromptScore,
    ) -> Result<Scored, OptimizeError> {
        if part == Part::Train && score.dropped.is_none() {
            self.whole.push(score.losses());
        }
        self.journal.record(&RunEvent::Scored {
            candidate: candidate.clone(),
            part,
            score: score.clone(),
        })?;
        Ok(Scored { candidate, score })
    }

    /// The losses of each prompt on the same examples: from the journal where it
    /// knows them, else from the model.
    ///
    /// Where the model gains by it, prompts stand in one call while it is no
    /// longer than one whole prompt's: what they share is computed once, and a
    /// call that is broken off loses no more than one prompt's work.
    async fn measure(
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
        }
        self.progress()?;
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
        let mut items = Vec::new();
        let mut counts = Vec::with_capacity(call.len());
        for unknown in call {
            let own: Vec<usize> = unknown.pairs.iter().map(|&(at, _)| indices[at]).collect();
            let rendered = self.evaluator.items(prompts[unknown.wanted], &own)?;
            counts.push((own, rendered.len()));
            items.extend(rendered);
        }
        let clock = Instant::now();
        let batch = self.scorer.score(&items, self.cancel).await?;
        let seconds = clock.elapsed().as_secs_f64();
        let total: usize = call.iter().map(|unknown| unknown.pairs.len()).sum();
        // Whole tokens, so that the shares add up to what was computed.
        let share = |all: u64, at: usize| {
            let (at, total) = (at as u64, total as u64);
            all * (at + 1) / total - all * at / total
        };
        let mut kept = Vec::with_capacity(total);
        let mut first = 0;
        for (unknown, (own, count)) in call.iter().zip(counts) {
            let losses = self
                .evaluator
                .losses(&own, &batch.scores[first..first + count]);
            first += count;
            for (&(place, key), example) in unknown.pairs.iter().zip(losses) {
                if !example.loss.is_finite() {
                    let word = "it gave a loss that is not a number".to_owned();
                    return Err(ModelError::Failed(word).into());
                }
                let pair = PairLoss {
                    loss: example.loss,
                    correct: example.correct,
                    tokens: TokenCount {
                        computed: share(batch.tokens.computed, kept.len()),
                        reused: share(batch.tokens.reused, kept.len()),
                    },
                    seconds: seconds / total as f64,
                };
                found[unknown.wanted][place] = Some(pair);
                kept.push((key, pair));
            }
        }
        self.journal.keep_pairs(&kept)?;
        self.spent(batch.tokens, seconds);
        self.progress()
    }
}

fn prompt_score(indices: &[usize], pairs: &[PairLoss]) -> PromptScore {
    let mut tokens = TokenCount::default();
    pairs.iter().for_each(|pair| tokens += pair.tokens);
    PromptScore {
        examples: indices
            .iter()
            .zip(pairs)
            .map(|(&example, pair)| ExampleLoss {
                example,
                loss: pair.loss,
                correct: pair.correct,
            })
            .collect(),
        tokens,
        seconds: pairs.iter().map(|pair| pair.seconds).sum(),
        dropped: None,
    }
}
