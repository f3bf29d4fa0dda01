//! Candidates race against each other and the incumbent (the rules: `race`).

use crate::loss::{mean, weights_of_mean};

use super::evaluate::Evaluator;
use super::run::{Run, Scored};
use super::{
    Candidate, Dropped, OptimizeError, PairLoss, Part, PromptScore, Race, Refusal, RunEvent,
};

/// A race as far as it has come. Examples and losses are in its order.
struct Heat {
    race: Race,
    /// Places in the training examples.
    order: Vec<usize>,
    /// The examples.
    examples: Vec<usize>,
    /// Their weights over the mean weight of all.
    factors: Vec<f64>,
    /// Weighted losses of the incumbent on all of them.
    incumbent: Vec<f64>,
    /// What is known of each candidate.
    pairs: Vec<Vec<PairLoss>>,
}

impl Heat {
    /// Weighted losses of a candidate, as far as it came.
    fn losses(&self, candidate: usize) -> Vec<f64> {
        let pairs = self.pairs[candidate].iter().zip(&self.factors);
        pairs.map(|(pair, by)| pair.loss * by).collect()
    }

    /// Which of the candidates `running`, all as far as each other, go on.
    fn survivors(&self, running: &[usize]) -> Vec<bool> {
        let losses: Vec<Vec<f64>> = running.iter().map(|&at| self.losses(at)).collect();
        let losses: Vec<&[f64]> = losses.iter().map(|losses| &losses[..]).collect();
        let seen = losses.first().map_or(0, |losses| losses.len());
        self.race.survivors(&self.incumbent[..seen], &losses)
    }

    /// The score of a candidate that came to the end, as all whole scores are in
    /// the order of the split.
    fn whole(&self, candidate: usize, train: &[usize], evaluator: &Evaluator) -> PromptScore {
        let mut pairs = self.pairs[candidate].clone();
        for (&place, pair) in self.order.iter().zip(&self.pairs[candidate]) {
            pairs[place] = *pair;
        }
        evaluator.score(train, &pairs)
    }

    /// The score of a candidate that went no further, with what its loss on all
    /// examples is likely to be.
    fn dropped(&self, candidate: usize, evaluator: &Evaluator) -> PromptScore {
        let losses = self.losses(candidate);
        let gain = mean(&losses) - mean(&self.incumbent[..losses.len()]);
        let dropped = Dropped {
            of: self.race.total,
            estimate: mean(&self.incumbent) + gain,
        };
        PromptScore {
            dropped: Some(dropped),
            ..evaluator.score(&self.examples[..losses.len()], &self.pairs[candidate])
        }
    }
}

impl Run<'_> {
    /// Scores candidates on growing parts of the training examples and records
    /// each when it is dropped or scored whole. In the order of the candidates.
    pub(super) async fn race(
        &mut self,
        candidates: Vec<Candidate>,
        incumbent: &Scored,
    ) -> Result<Vec<Scored>, OptimizeError> {
        if !self.settings.racing {
            return self.score_one_by_one(candidates).await;
        }
        if self.exhausted().is_some() {
            return Ok(Vec::new());
        }
        let train = self.plan.split.train.clone();
        let mut heat = self.heat(&train, incumbent, candidates.len());
        let mut running: Vec<usize> = (0..candidates.len()).collect();
        let mut done: Vec<(usize, Scored)> = Vec::with_capacity(candidates.len());
        let mut from = 0;
        for to in heat.race.rounds() {
            if running.is_empty() {
                break;
            }
            let texts: Vec<&str> = running.iter().map(|&at| &*candidates[at].text).collect();
            let new = self.measure(&texts, &heat.examples[from..to]).await?;
            for (&at, new) in running.iter().zip(new) {
                heat.pairs[at].extend(new);
            }
            from = to;
            let goes_on = heat.survivors(&running);
            let out_of_budget = self.exhausted().is_some();
            let mut still = Vec::with_capacity(running.len());
            for (at, goes_on) in running.into_iter().zip(goes_on) {
                let candidate = candidates[at].clone();
                let score = if to == train.len() {
                    heat.whole(at, &train, &self.evaluator)
                } else if !goes_on {
                    heat.dropped(at, &self.evaluator)
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

    async fn score_one_by_one(
        &mut self,
        candidates: Vec<Candidate>,
    ) -> Result<Vec<Scored>, OptimizeError> {
        let mut scored = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            if self.exhausted().is_some() {
                break;
            }
            scored.push(self.score(candidate, Part::Train).await?);
        }
        Ok(scored)
    }

    fn heat(&self, train: &[usize], incumbent: &Scored, candidates: usize) -> Heat {
        let race = Race {
            total: train.len(),
            z: self.settings.race_z,
            min_gain: self.settings.min_gain,
        };
        let losses = incumbent.score.losses();
        let known: Vec<&[f64]> = std::iter::once(&losses)
            .chain(&self.whole)
            .map(|losses| &losses[..])
            .collect();
        let order = race.order(&known);
        let weights = incumbent
            .score
            .examples
            .iter()
            .map(|example| example.weight);
        let factors = weights_of_mean(weights);
        Heat {
            race,
            examples: order.iter().map(|&at| train[at]).collect(),
            factors: order.iter().map(|&at| factors[at]).collect(),
            incumbent: order.iter().map(|&at| losses[at]).collect(),
            order,
            pairs: vec![Vec::new(); candidates],
        }
    }
}
