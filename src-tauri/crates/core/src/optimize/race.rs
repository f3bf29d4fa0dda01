//! Racing: candidates are scored on growing parts of the same examples in the
//! same order, and one that cannot win any more is dropped (Maron and Moore,
//! "Hoeffding races", NIPS 1993; Birattari et al., "A racing algorithm for
//! configuring metaheuristics", GECCO 2002). The test is paired, because losses
//! of two prompts on one example rise and fall together.

use std::collections::{BTreeMap, BTreeSet};

use crate::loss::mean;

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

/// Examples before anyone is dropped.
const FIRST_ROUND: usize = 4;
/// Few examples tell badly how differences scatter: the variance of all
/// candidates together counts as so many more of them.
const POOLED: f64 = 4.0;

impl Race {
    /// How many examples are scored after each round, rising to all of them.
    pub fn rounds(&self) -> Vec<usize> {
        let mut rounds = Vec::new();
        let mut next = FIRST_ROUND;
        // A last round of a few examples would read the prompt once more for little.
        while next + next / 2 < self.total {
            rounds.push(next);
            next *= 2;
        }
        rounds.push(self.total);
        rounds
    }

    /// The order of the examples (as places in the loss vectors), such that the
    /// first few tell as much as possible about all.
    ///
    /// `known` are losses of whole-scored prompts, that of the incumbent first.
    /// Each next example keeps the means over those chosen so far near the means
    /// over all, of the incumbent's losses and of the differences to them
    /// (herding: Welling, ICML 2009). Losses of new candidates differ from the
    /// incumbent's in the same ways, so that their means are near as well.
    ///
    /// `strata` names the label of each example, or is empty: then every beginning has
    /// each label in proportion, but for one example.
    pub fn order(&self, known: &[&[f64]], strata: &[usize]) -> Vec<usize> {
        let Some((incumbent, others)) = known.split_first() else {
            return (0..self.total).collect();
        };
        let stratum = |at: usize| strata.get(at).copied().unwrap_or(0);
        let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
        for at in 0..self.total {
            *shares.entry(stratum(at)).or_insert(0.0) += 1.0 / self.total as f64;
        }
        let mut taken: BTreeMap<usize, f64> = BTreeMap::new();
        let mut features = vec![standardised(incumbent.to_vec())];
        features.extend(
            others
                .iter()
                .map(|losses| standardised(differences(losses, incumbent))),
        );
        let mut sums = vec![0.0; features.len()];
        let mut left: Vec<usize> = (0..self.total).collect();
        let mut order = Vec::with_capacity(self.total);
        while !left.is_empty() {
            let distance = |at: usize| -> f64 {
                let with = features
                    .iter()
                    .zip(&sums)
                    .map(|(feature, sum)| sum + feature[at]);
                with.map(|sum| sum * sum).sum()
            };
            // The label that is furthest behind its share comes next. (The first of equals,
            // so that equal histories give equal orders.)
            let due = |of: &usize| {
                let share = shares.get(of).copied().unwrap_or(0.0);
                share * (order.len() + 1) as f64 - taken.get(of).copied().unwrap_or(0.0)
            };
            let open: BTreeSet<usize> = left.iter().map(|&at| stratum(at)).collect();
            let wanted = open
                .into_iter()
                .rev()
                .max_by(|a, b| due(a).total_cmp(&due(b)))
                .unwrap_or(0);
            let next = (0..left.len())
                .filter(|&at| stratum(left[at]) == wanted)
                .min_by(|&a, &b| distance(left[a]).total_cmp(&distance(left[b])))
                .unwrap_or(0);
            let next = left.remove(next);
            for (sum, feature) in sums.iter_mut().zip(&features) {
                *sum += feature[next];
            }
            *taken.entry(wanted).or_insert(0.0) += 1.0;
            order.push(next);
        }
        order
    }

    /// Which candidates go on, from the losses of the incumbent and of each candidate on
    /// the same first examples; `factors` are their weights over the mean weight of all.
    /// Without an incumbent candidates are held against each other alone.
    pub fn survivors(
        &self,
        incumbent: Option<&[f64]>,
        candidates: &[&[f64]],
        factors: &[f64],
    ) -> Vec<bool> {
        let means: Vec<f64> = candidates
            .iter()
            .map(|losses| weighted(losses, factors))
            .collect();
        let leader = (0..candidates.len()).min_by(|&a, &b| means[a].total_cmp(&means[b]));
        let reference = incumbent.or(leader.map(|best| candidates[best]));
        let variances: Vec<f64> = candidates
            .iter()
            .filter_map(|losses| Some(spread(&differences(losses, reference?), factors)))
            .collect();
        let pooled = mean(&variances);
        candidates
            .iter()
            .enumerate()
            .map(|(at, losses)| {
                let beaten = incumbent.is_some_and(|incumbent| {
                    let gain = differences(losses, incumbent);
                    self.is_behind(&gain, factors, self.min_gain, pooled)
                });
                let behind = leader.filter(|&best| best != at).is_some_and(|best| {
                    let lead = differences(losses, candidates[best]);
                    self.is_behind(&lead, factors, 0.0, pooled)
                });
                !beaten && !behind
            })
            .collect()
    }

    /// Whether the mean of these differences over all examples will hardly come
    /// below `-gain`.
    fn is_behind(&self, differences: &[f64], factors: &[f64], gain: f64, pooled: f64) -> bool {
        let seen = differences.len() as f64;
        let freedom = seen - 1.0;
        let own = spread(differences, factors);
        let variance = (freedom * own + POOLED * pooled) / (freedom + POOLED);
        // The examples to come are finitely many: what is known of the mean over
        // all of them grows faster than with the root of those seen.
        let left = (1.0 - seen / self.total as f64).max(0.0);
        weighted(differences, factors) + gain > self.z * (variance / seen * left).sqrt()
    }
}

/// The mean by weight.
fn weighted(values: &[f64], factors: &[f64]) -> f64 {
    let total: f64 = factors.iter().sum();
    let sum: f64 = values.iter().zip(factors).map(|(v, f)| v * f).sum();
    if total > 0.0 {
        sum / total
    } else {
        0.0
    }
}

/// Variance of what each value adds to the error of the mean by weight (ratio estimator).
fn spread(values: &[f64], factors: &[f64]) -> f64 {
    let centre = weighted(values, factors);
    let own: Vec<f64> = values
        .iter()
        .zip(factors)
        .map(|(v, f)| f * (v - centre))
        .collect();
    variance(&own)
}

fn differences(losses: &[f64], other: &[f64]) -> Vec<f64> {
    losses.iter().zip(other).map(|(a, b)| a - b).collect()
}

/// Sample variance; 0 of fewer than two.
fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    squares / (values.len() - 1) as f64
}

/// With mean 0 and, where they differ at all, variance 1.
fn standardised(mut values: Vec<f64>) -> Vec<f64> {
    let (centre, spread) = (mean(&values), variance(&values).sqrt());
    let spread = if spread > 0.0 { spread } else { 1.0 };
    values
        .iter_mut()
        .for_each(|value| *value = (*value - centre) / spread);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const RACE: Race = Race {
        total: 20,
        z: 1.75,
        min_gain: 0.001,
    };

    #[test]
    fn rounds_grow_to_all_examples() {
        assert_eq!(RACE.rounds(), [4, 8, 20]);
        let few = |total| Race { total, ..RACE }.rounds();
        assert_eq!((few(2), few(4), few(5)), (vec![2], vec![4], vec![5]));
    }

    #[test]
    fn the_order_is_a_permutation_whose_start_is_like_the_whole() {
        let incumbent: Vec<f64> = (0..20).map(f64::from).collect();
        let other: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 20)).collect();
        let order = RACE.order(&[&incumbent, &other], &[]);
        let mut all = order.clone();
        all.sort_unstable();
        assert_eq!(all, (0..20).collect::<Vec<_>>());
        for losses in [&incumbent, &other] {
            let first: Vec<f64> = order[..4].iter().map(|&at| losses[at]).collect();
            assert!((mean(&first) - mean(losses)).abs() < 2.0, "{first:?}");
        }
        assert_eq!(RACE.order(&[], &[]), (0..20).collect::<Vec<_>>());
        // Hard examples of one label do not crowd the beginning.
        let labels: Vec<usize> = (0..20).map(|at| usize::from(at >= 15)).collect();
        let order = RACE.order(&[&incumbent, &other], &labels);
        for seen in 1..=20 {
            let few = order[..seen].iter().filter(|&&at| labels[at] == 1).count() as f64;
            assert!((few - seen as f64 / 4.0).abs() < 1.0, "{order:?}");
        }
    }

    #[test]
    fn clear_losers_are_dropped_and_equals_are_not() {
        let incumbent = [2.0, 3.0, 4.0, 3.0, 2.5];
        let worse = incumbent.map(|loss| loss + 0.5);
        let better = [1.0, 2.1, 2.9, 2.2, 1.4];
        let as_good = [1.1, 2.0, 3.0, 2.1, 1.5];
        let even = [1.0; 5];
        let goes_on = RACE.survivors(Some(&incumbent), &[&worse, &better, &as_good], &even);
        assert_eq!(goes_on, [false, true, true]);
        assert!(RACE.survivors(Some(&incumbent), &[], &even).is_empty());
        // Without an incumbent the best of them goes on, however bad.
        let among = RACE.survivors(None, &[&worse, &worse.map(|loss| loss + 1.0)], &even);
        assert_eq!(among, [true, false]);
    }
}
