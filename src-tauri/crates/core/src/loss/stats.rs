use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    let weighted: Vec<f64> = values.iter().zip(factors).map(|(v, f)| v * f).collect();
    let centre = mean(&weighted);
    let around: Vec<f64> = values
        .iter()
        .zip(factors)
        .map(|(v, f)| f * (v - centre))
        .collect();
    std_error(&around)
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
    /// Compares losses of the same examples in the same order.
    pub fn new(before: &[f64], after: &[f64]) -> Self {
        let differences: Vec<f64> = before.iter().zip(after).map(|(b, a)| a - b).collect();
        Self {
            difference: mean(&differences),
            std_error: std_error(&differences),
        }
    }

    /// Whether the difference is further from zero than `z` standard errors.
    pub fn is_clear(&self, z: f64) -> bool {
        self.difference.abs() > z * self.std_error
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

/// What an interval of a loss difference says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval lies below zero.
    Better,
    /// The interval contains zero.
    NoClearDifference,
    /// The whole interval lies above zero.
    Worse,
}

impl Interval {
    /// The verdict on a difference `after - before` of losses.
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

/// Percentile bootstrap of the mean of paired differences, 95 %.
///
/// Returns `None` for fewer than two differences.
pub fn bootstrap(differences: &[f64], resamples: usize, rng: &mut ChaCha8Rng) -> Option<Interval> {
    let n = differences.len();
    if n < 2 || resamples == 0 {
        return None;
    }
    let mut means: Vec<f64> = (0..resamples)
        .map(|_| {
            let total: f64 = (0..n).map(|_| differences[rng.random_range(0..n)]).sum();
            total / n as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| means[((resamples - 1) as f64 * share).round() as usize];
    Some(Interval {
        low: at(0.025),
        high: at(0.975),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::generator;

    #[test]
    fn paired_differences() {
        let paired = Paired::new(&[1.0, 2.0, 3.0], &[0.0, 1.0, 2.0]);
        assert!((paired.difference + 1.0).abs() < 1e-12 && paired.std_error < 1e-12);
        assert!(paired.is_clear(2.0));
        assert!(!Paired::new(&[1.0], &[0.0]).is_clear(1.0));
    }

    #[test]
    fn bootstrap_covers_the_mean_and_gives_verdicts() {
        let mut rng = generator(1, &["test"]);
        let clear: Vec<f64> = (0..40).map(|i| -1.0 + f64::from(i % 5) * 0.1).collect();
        let interval = bootstrap(&clear, 2000, &mut rng).unwrap();
        assert!(interval.low < mean(&clear) && mean(&clear) < interval.high);
        assert_eq!(interval.verdict(), Verdict::Better);
        let unclear: Vec<f64> = (0..40).map(|i| f64::from(i % 2) * 2.0 - 1.0).collect();
        let interval = bootstrap(&unclear, 2000, &mut rng).unwrap();
        assert_eq!(interval.verdict(), Verdict::NoClearDifference);
        assert!(bootstrap(&[1.0], 10, &mut rng).is_none());
    }
}
