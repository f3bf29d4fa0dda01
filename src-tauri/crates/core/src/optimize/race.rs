//! Racing: candidates are scored on growing parts of the same examples in the
//! same order, and one that cannot win any more is dropped (Maron and Moore,
//! "Hoeffding races", NIPS 1993; Birattari et al., "A racing algorithm for
//! configuring metaheuristics", GECCO 2002). The test is paired, because losses
//! of two prompts on one example rise and fall together.

use crate::loss::{mean, std_error};

/// The rules of one race over `total` examples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Race {
    /// Examples of a whole score.
    pub total: usize,
    /// Standard errors by which a candidate must be behind to be dropped.
    pub z: f64,
    /// Gain in nats over the incumbent that a winner must exceed.
    pub min_gain: f64,
}

impl Race {
    /// How many examples are scored after each round, rising to all of them.
    pub fn rounds(&self) -> Vec<usize> {
        let mut rounds = Vec::new();
        let mut next = FIRST_ROUND;
        while next < self.total {
            rounds.push(next);
            next = (next * 3).div_ceil(2).max(next + 1);
        }
        rounds.push(self.total);
        rounds
    }

    /// Which candidates go on, from the losses of the incumbent and of each
    /// candidate on the same first examples.
    pub fn survivors(&self, incumbent: &[f64], candidates: &[&[f64]]) -> Vec<bool> {
        let gains: Vec<f64> = candidates
            .iter()
            .map(|losses| mean(&differences(losses, incumbent)))
            .collect();
        let leader = (0..candidates.len()).min_by(|&a, &b| gains[a].total_cmp(&gains[b]));
        candidates
            .iter()
            .enumerate()
            .map(|(at, losses)| {
                let beaten = self.is_behind(losses, incumbent, self.min_gain);
                let behind = leader.is_some_and(|best| {
                    best != at && self.is_behind(losses, candidates[best], 0.0)
                });
                !beaten && !behind
            })
            .collect()
    }

    /// Whether, on all examples, `losses` will hardly come below `other - gain`.
    fn is_behind(&self, losses: &[f64], other: &[f64], gain: f64) -> bool {
        let differences = differences(losses, other);
        let seen = differences.len() as f64;
        // The examples to come are finitely many: what is known of the mean over
        // all of them grows faster than 1 / sqrt(seen).
        let left = (1.0 - seen / self.total as f64).max(0.0).sqrt();
        mean(&differences) + gain > self.z * std_error(&differences) * left
    }
}

/// Examples before anyone is dropped: fewer do not tell how losses scatter.
const FIRST_ROUND: usize = 5;

fn differences(losses: &[f64], other: &[f64]) -> Vec<f64> {
    losses.iter().zip(other).map(|(a, b)| a - b).collect()
}
