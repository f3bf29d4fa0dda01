//! Candidates race against each other and the incumbent (the rules: `race`).

use crate::dataset::LabelSet;

use super::evaluate::Evaluator;
use super::run::{Run, Scored};
use super::{
    Candidate, Dropped, OptimizeError, PairLoss, Part, PromptScore, Race, Refusal, RunEvent,
};

/// Whom candidates must beat to stay in a race.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Each other and the incumbent.
    Incumbent,
    /// Each other alone: one of them comes to the end.
    EachOther,
}

/// A race as far as it has come. Examples and losses are in its order.
struct Heat {
    race: Race,
    against: Against,
    /// Places in the training examples.
    order: Vec<usize>,
    /// The examples.
    examples: Vec<usize>,
    /// Their weights over the mean weight of all.
    factors: Vec<f64>,
    /// What is known of the incumbent.
    incumbent: Vec<PairLoss>,
    /// What is known of each candidate.
    pairs: Vec<Vec<PairLoss>>,
}

impl Heat {
    /// Losses of pairs on the first examples. Where a leaning to labels is taken off it is
    /// the one found on just these, for all prompts alike.
    fn losses(&self, pairs: &[PairLoss], evaluator: &Evaluator<'_>) -> Vec<f64> {
        let seen = &self.examples[..pairs.len()];
        evaluator.score(seen, pairs).losses()
    }

    /// Which of the candidates `running`, all as far as each other, go on.
    fn survivors(&self, running: &[usize], evaluator: &Evaluator<'_>) -> Vec<bool> {
        let losses: Vec<Vec<f64>> = running
            .iter()
            .map(|&at| self.losses(&self.pairs[at], evaluator))
            .collect();
        let losses: Vec<&[f64]> = losses.iter().map(|losses| &losses[..]).collect();
        let seen = losses.first().map_or(0, |losses| losses.len());
        let incumbent = self.losses(&self.incumbent[..seen], evaluator);
        let incumbent = (self.against == Against::Incumbent).then_some(&incumbent[..]);
        self.race
            .survivors(incumbent, &losses, &self.factors[..seen])
    }

    /// The pairs of a candidate that came to the end, as all whole scores are in the
    /// order of the split.
    fn whole(&self, candidate: usize) -> Vec<PairLoss> {
        let mut pairs = self.pairs[candidate].clone();
        for (&place, pair) in self.order.iter().zip(&self.pairs[candidate]) {
            pairs[place] = pair.clone();
        }
        pairs
    }

    /// The score of a candidate that went no further, with what its loss on all
    /// examples is likely to be.
    fn dropped(&self, candidate: usize, whole: f64, evaluator: &Evaluator<'_>) -> PromptScore {
        let seen = self.pairs[candidate].len();
        let examples = &self.examples[..seen];
        let own = evaluator.score(examples, &self.pairs[candidate]);
        let gain = own.loss() - evaluator.score(examples, &self.incumbent[..seen]).loss();
        let dropped = Dropped {
            of: self.race.total,
            estimate: whole + gain,
        };
        PromptScore {
            dropped: Some(dropped),
            ..own
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
        against: Against,
    ) -> Result<Vec<Scored>, OptimizeError> {
        if !self.settings.racing {
            return self.score_one_by_one(candidates).await;
        }
        if self.exhausted().is_some() {
            return Ok(Vec::new());
        }
        let train = self.plan.split.train.clone();
        let mut heat = self.heat(&train, incumbent, candidates.len(), against);
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
            let goes_on = heat.survivors(&running, &self.evaluator);
            let out_of_budget = self.exhausted().is_some();
            let mut still = Vec::with_capacity(running.len());
            for (at, goes_on) in running.into_iter().zip(goes_on) {
                let candidate = candidates[at].clone();
                let (score, pairs) = if to == train.len() {
                    let pairs = heat.whole(at);
                    (self.evaluator.score(&train, &pairs), pairs)
                } else if !goes_on {
                    let pairs = heat.pairs[at].clone();
                    let whole = incumbent.score.loss();
                    (heat.dropped(at, whole, &self.evaluator), pairs)
                } else if out_of_budget {
                    let refusal = Refusal::Budget;
                    self.journal
                        .record(&RunEvent::Refused { candidate, refusal })?;
                    continue;
                } else {
                    still.push(at);
                    continue;
                };
                let scored = self.record_score(candidate, Part::Train, score, pairs)?;
                done.push((at, scored));
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

    fn heat(
        &self,
        train: &[usize],
        incumbent: &Scored,
        candidates: usize,
        against: Against,
    ) -> Heat {
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
        let order = race.order(&known, &self.strata(train));
        let factors = incumbent.score.factors();
        Heat {
            race,
            against,
            examples: order.iter().map(|&at| train[at]).collect(),
            factors: order.iter().map(|&at| factors[at]).collect(),
            incumbent: order
                .iter()
                .map(|&at| incumbent.pairs[at].clone())
                .collect(),
            order,
            pairs: vec![Vec::new(); candidates],
        }
    }

    /// The label of each example as a number; nothing where there are no labels.
    fn strata(&self, examples: &[usize]) -> Vec<usize> {
        let place = |set: &LabelSet, at: usize| set.position(self.task.examples[at].answer.best());
        let of = |set: &LabelSet| {
            let places = examples.iter().map(|&at| place(set, at).unwrap_or(0));
            places.collect()
        };
        self.evaluator.labels.as_ref().map_or_else(Vec::new, of)
    }
}
