use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, DiscreteCDF};
use ts_rs::TS;

/// Fewer groups of examples than this say too little for a verdict.
pub const FEWEST_GROUPS: usize = 12;
/// What Student's t is asked for, so that an interval holds the true difference in 95 %
/// of cases and misses it on either side in at most 2.5 %: losses are not normal, and
/// on recorded differences (`tests/verdict.rs`) plain 95 % would miss in up to 3.2 %.
const ASKED: f64 = 0.97;
/// Both accuracies are told to have changed where chance alone would do it so rarely.
const CLEAR: f64 = 0.05;
/// Standard errors that a true difference must be away from zero to be seen four times
/// in five: 1.96 for the interval and 0.84 for the fifth.
const SEEN: f64 = 2.8;

/// Arithmetic mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard error of the mean; infinite where fewer than two values leave it unknown.
pub fn std_error(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 2 {
        return f64::INFINITY;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    (squares / (n - 1) as f64 / n as f64).sqrt()
}

/// Weights over their mean, so that a plain mean of values times these is the
/// weighted mean. Weights are over 0.
pub fn weights_of_mean(weights: impl Iterator<Item = f64>) -> Vec<f64> {
    let weights: Vec<f64> = weights.collect();
    let centre = mean(&weights);
    weights.iter().map(|weight| weight / centre).collect()
}

/// Standard error of a weighted mean, of the weights' ratio estimator
/// (Cochran, "Sampling Techniques", 1977, section 6.4); `factors` are weights over
/// their mean. Equal weights give [`std_error`].
pub fn weighted_std_error(values: &[f64], factors: &[f64]) -> f64 {
    std_error(&around(values, factors).1)
}

/// The weighted mean, and what each value adds to its error.
fn around(values: &[f64], factors: &[f64]) -> (f64, Vec<f64>) {
    let weighted: Vec<f64> = values.iter().zip(factors).map(|(v, f)| v * f).collect();
    let centre = mean(&weighted);
    let own = |(v, f): (&f64, &f64)| f * (v - centre);
    (centre, values.iter().zip(factors).map(own).collect())
}

/// Mean difference of losses on the same examples and its standard error.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Mean of `after - before`, in nats; negative where `after` is better.
    pub difference: f64,
    /// Standard error of that mean.
    pub std_error: f64,
}

impl Paired {
    /// Compares losses of the same examples in the same order; `factors` are weights
    /// over their mean (ratio estimator, as [`weighted_std_error`]).
    pub fn new(before: &[f64], after: &[f64], factors: &[f64]) -> Self {
        let differences: Vec<f64> = before.iter().zip(after).map(|(b, a)| a - b).collect();
        let (difference, own) = around(&differences, factors);
        Self {
            difference,
            std_error: std_error(&own),
        }
    }

    /// Whether the difference is further from zero than `z` standard errors.
    pub fn is_clear(&self, z: f64) -> bool {
        self.difference.abs() > z * self.std_error
    }

    /// Whether `after` is lower by more than `z` standard errors and at least `least`.
    pub fn is_lower(&self, z: f64, least: f64) -> bool {
        self.difference < -least && self.difference < -z * self.std_error
    }
}

/// A range of values.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What held-out examples say of the best prompt beside the start prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The loss is lower beyond chance, and no share of right answers clearly is.
    Better,
    /// The loss is lower beyond chance, but fewer answers are right, beyond chance too.
    SurerButLessRight,
    /// The interval of the loss contains zero.
    NoClearDifference,
    /// The loss is higher beyond chance.
    Worse,
    /// Too few examples were held out for any of these.
    TooFew,
}

impl Interval {
    /// What the interval of a loss difference `after - before` says by itself.
    pub fn verdict(&self) -> Verdict {
        if self.high < 0.0 {
            Verdict::Better
        } else if self.low > 0.0 {
            Verdict::Worse
        } else {
            Verdict::NoClearDifference
        }
    }
}

/// A weighted mean of paired differences whose examples come in groups of near copies.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Difference {
    /// The mean of `after - before`, in nats.
    pub mean: f64,
    /// Its standard error, with groups as the units that chance draws.
    pub std_error: f64,
    /// The 95 % interval (Student's t over groups); none for fewer than two groups.
    pub interval: Option<Interval>,
    /// Number of groups.
    pub groups: usize,
}

impl Difference {
    /// Of the differences of single examples, their weights over the mean weight, and
    /// the group that each belongs to.
    ///
    /// The standard error is that of a ratio estimator over whole groups (Cochran,
    /// "Sampling Techniques", 1977, section 9A).
    pub fn new(differences: &[f64], factors: &[f64], groups: &[usize]) -> Self {
        let (mean, own) = around(differences, factors);
        let mut sums = std::collections::BTreeMap::new();
        for (value, group) in own.iter().zip(groups) {
            *sums.entry(*group).or_insert(0.0) += value;
        }
        let count = sums.len();
        let n = differences.len() as f64;
        if count < 2 {
            return Self {
                mean,
                std_error: f64::INFINITY,
                interval: None,
                groups: count,
            };
        }
        let k = count as f64;
        let squares: f64 = sums.values().map(|sum: &f64| sum * sum).sum();
        let std_error = (squares * k / (k - 1.0)).sqrt() / n;
        let half = std_error * t_quantile(0.5 + ASKED / 2.0, k - 1.0);
        Self {
            mean,
            std_error,
            interval: Some(Interval {
                low: mean - half,
                high: mean + half,
            }),
            groups: count,
        }
    }

    /// The smallest true difference, in nats, that a check like this one would have
    /// found four times in five.
    pub fn smallest_seen(&self) -> Option<f64> {
        self.std_error.is_finite().then_some(SEEN * self.std_error)
    }
}

/// Quantile of Student's t.
fn t_quantile(share: f64, freedom: f64) -> f64 {
    statrs::distribution::StudentsT::new(0.0, 1.0, freedom)
        .map_or(f64::INFINITY, |t| t.inverse_cdf(share))
}

/// How answers changed between two prompts on the same examples, and whether chance
/// alone would do as much (McNemar's test, exact).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Change {
    /// Share right before, by weight.
    pub before: f64,
    /// Share right after, by weight.
    pub after: f64,
    /// Examples that were wrong and are right.
    pub gained: usize,
    /// Examples that were right and are wrong.
    pub lost: usize,
    /// How often chance alone would make a difference at least as large, two-sided.
    pub p: f64,
}

impl Change {
    /// Of whether each example was and is right; `factors` are weights over their mean.
    pub fn new(before: &[bool], after: &[bool], factors: &[f64]) -> Self {
        let share = |right: &[bool]| {
            let counted = right.iter().zip(factors);
            mean(&counted.map(|(r, f)| f64::from(*r) * f).collect::<Vec<_>>())
        };
        let pairs = || before.iter().zip(after);
        let gained = pairs().filter(|(b, a)| !**b && **a).count();
        let lost = pairs().filter(|(b, a)| **b && !**a).count();
        Self {
            before: share(before),
            after: share(after),
            gained,
            lost,
            p: sign_test(gained.min(lost), gained + lost),
        }
    }

    /// Whether more answers are right than before, beyond chance.
    pub fn is_clearly_higher(&self) -> bool {
        self.p < CLEAR && self.gained > self.lost && self.after > self.before
    }

    /// Whether fewer answers are right than before, beyond chance.
    pub fn is_clearly_lower(&self) -> bool {
        self.p < CLEAR && self.lost > self.gained
    }
}

/// Two-sided probability of `few` heads or tails or fewer in `of` tosses of a coin.
fn sign_test(few: usize, of: usize) -> f64 {
    statrs::distribution::Binomial::new(0.5, of as u64)
        .map_or(1.0, |coin| (2.0 * coin.cdf(few as u64)).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paired_differences() {
        let paired = Paired::new(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0], &[1.0; 3]);
        assert!((paired.difference + 1.0).abs() < 1e-12 && paired.std_error < 1e-12);
        assert!(paired.is_clear(2.0) && paired.is_lower(1.0, 0.5));
        assert!(!Paired::new(&[1.0], &[0.0], &[1.0]).is_clear(1.0));
    }

    #[test]
    fn the_error_of_a_weighted_gain_is_that_of_the_gain() {
        // Every example gains the same: nothing scatters, whatever the weights.
        let factors = weights_of_mean([1.0, 5.0, 1.0, 5.0].into_iter());
        let paired = Paired::new(&[1.0, 2.0, 3.0, 4.0], &[0.5, 1.5, 2.5, 3.5], &factors);
        assert!((paired.difference + 0.5).abs() < 1e-12 && paired.std_error < 1e-12);
    }

    #[test]
    fn intervals_are_students_and_groups_count_once() {
        let values: Vec<f64> = (0..16).map(|i| f64::from(i % 4) - 1.5).collect();
        let alone: Vec<usize> = (0..16).collect();
        let single = Difference::new(&values, &[1.0; 16], &alone);
        let interval = single.interval.unwrap();
        // Student's t with 15 degrees of freedom: 2.3971 for 97 %.
        assert!((interval.high - 2.397_1 * single.std_error).abs() < 1e-3);
        assert!((single.std_error - std_error(&values)).abs() < 1e-12);
        // Each value four times in one group is no more than once.
        let few: Vec<f64> = vec![-1.0, -0.4, -0.8, -0.2];
        let copied: Vec<f64> = few.iter().flat_map(|v| [*v; 4]).collect();
        let groups: Vec<usize> = (0..16).map(|i| i / 4).collect();
        let grouped = Difference::new(&copied, &[1.0; 16], &groups);
        let once = Difference::new(&few, &[1.0; 4], &[0, 1, 2, 3]);
        assert!((grouped.std_error - once.std_error).abs() < 1e-12);
        assert_eq!(grouped.groups, 4);
        assert!(Difference::new(&[1.0], &[1.0], &[0]).interval.is_none());
        assert!((once.smallest_seen().unwrap() - 2.8 * once.std_error).abs() < 1e-12);
    }

    #[test]
    fn right_answers_that_come_and_go() {
        let before = [true, true, true, true, true, true, false, false];
        let after = [false, false, false, false, false, false, false, true];
        let change = Change::new(&before, &after, &[1.0; 8]);
        assert_eq!((change.gained, change.lost), (1, 6));
        // 2 (1 + 7) / 128.
        assert!((change.p - 0.125).abs() < 1e-12);
        assert!(!change.is_clearly_lower());
        let all = Change::new(&[true; 8], &[false; 8], &[1.0; 8]);
        assert!(all.is_clearly_lower() && !all.is_clearly_higher());
        assert!((Change::new(&[true], &[true], &[1.0]).p - 1.0).abs() < 1e-12);
    }
}
