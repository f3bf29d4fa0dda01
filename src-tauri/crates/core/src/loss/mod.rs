//! Losses of one example, in nats.
//!
//! `s(y | x, P)` is the sum over the target's tokens of `ln p(y_t | y_<t, x, P)`.

pub mod labels;
mod stats;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use stats::{
    mean, std_error, weighted_std_error, weights_of_mean, Change, Difference, Interval, Paired,
    Verdict, FEWEST_GROUPS,
};

/// What the model gave one answer: `s` in nats (never positive) and its number of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AnswerScore {
    /// Sum of the tokens' log-probabilities.
    pub sum: f64,
    /// Number of tokens scored, at least 1.
    pub tokens: usize,
    /// Whether each of its tokens, and after them the token that ends the turn, is the
    /// likeliest in its place: then this is what the model would say by itself (greedy
    /// writing). `None` where the model does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub likeliest: Option<bool>,
}

/// Whether `s` is divided by the number of target tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// Nats per token, so that long targets do not drown short ones.
    #[default]
    PerToken,
    /// Plain sums, as in the paper.
    Sum,
}

/// What is minimised on label tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Objective {
    /// Cross-entropy over the option set from whole answers, plus a small part of the
    /// options' common mass ([`labels`]).
    #[default]
    Label,
    /// The other options as rejected answers (paper, A.5).
    Pairs,
    /// Cross-entropy of the right answer (paper, eq. 3).
    Answer,
    /// Cross-entropy over the option set, per token.
    Choice,
    /// The mean of the last two, as it was before whole answers were used.
    Both,
}

impl AnswerScore {
    /// `s`, divided by the token count where asked.
    pub fn value(&self, normalization: Normalization) -> f64 {
        match normalization {
            Normalization::PerToken => self.sum / self.tokens as f64,
            Normalization::Sum => self.sum,
        }
    }
}

/// `ln(sum(exp(x)))` without overflow.
pub fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_infinite() {
        return top;
    }
    top + values.iter().map(|v| (v - top).exp()).sum::<f64>().ln()
}

/// Loss of the accepted answers (paper, eq. 3; several: log-sum-exp of their `s`).
///
/// Per token, the log-sum-exp is divided by the length of the first answer, the one to
/// learn: a divisor that no prompt can change. `targets` must not be empty.
pub fn supervised(targets: &[AnswerScore], normalization: Normalization) -> f64 {
    let sums: Vec<f64> = targets.iter().map(|target| target.sum).collect();
    let divisor = match normalization {
        Normalization::PerToken => targets.first().map_or(1, |target| target.tokens) as f64,
        Normalization::Sum => 1.0,
    };
    -log_sum_exp(&sums) / divisor
}

/// `-ln sigma(x)` without overflow.
fn minus_ln_sigma(x: f64) -> f64 {
    (-x).max(0.0) + (-x.abs()).exp().ln_1p()
}

/// `-ln sigma(beta (s_chosen - s_rejected))`, the mean over the rejected answers, which must not be empty.
pub fn preference(
    chosen: AnswerScore,
    rejected: &[AnswerScore],
    beta: f64,
    normalization: Normalization,
) -> f64 {
    let pairs = rejected.iter().map(|worse| {
        minus_ln_sigma(beta * (chosen.value(normalization) - worse.value(normalization)))
    });
    pairs.sum::<f64>() / rejected.len() as f64
}

/// `-ln` of the targets' share of `exp(s)` among the options, `s` per token less
/// each option's content-free prior. `targets` are the places of the accepted options.
pub fn choice(options: &[AnswerScore], targets: &[usize], prior: Option<&[f64]>) -> f64 {
    let values = option_values(options, prior);
    let accepted: Vec<f64> = targets.iter().map(|&at| values[at]).collect();
    log_sum_exp(&values) - log_sum_exp(&accepted)
}

fn option_values(options: &[AnswerScore], prior: Option<&[f64]>) -> Vec<f64> {
    options
        .iter()
        .enumerate()
        .map(|(at, option)| {
            option.value(Normalization::PerToken) - prior.map_or(0.0, |prior| prior[at])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(sum: f64, tokens: usize) -> AnswerScore {
        AnswerScore {
            sum,
            tokens,
            likeliest: None,
        }
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn supervised_losses() {
        close(supervised(&[score(-6.0, 3)], Normalization::PerToken), 2.0);
        close(supervised(&[score(-6.0, 3)], Normalization::Sum), 6.0);
        let half = 0.5_f64.ln();
        close(
            supervised(&[score(half, 1), score(half, 2)], Normalization::Sum),
            0.0,
        );
        // Which of several answers is the likelier one does not change what it is divided by.
        let two =
            |a: f64, b: f64| supervised(&[score(a, 3), score(b, 10)], Normalization::PerToken);
        assert!((two(-6.0, -6.1) - two(-6.0, -5.9)).abs() < 0.05);
    }

    #[test]
    fn preference_losses() {
        let even = preference(
            score(-4.0, 2),
            &[score(-2.0, 1)],
            1.0,
            Normalization::PerToken,
        );
        close(even, 2.0_f64.ln());
        let sums = preference(score(-4.0, 2), &[score(-2.0, 1)], 1.0, Normalization::Sum);
        close(sums, (1.0 + 2.0_f64.exp()).ln());
        let mean = preference(
            score(-1.0, 1),
            &[score(-1.0, 1), score(-801.0, 1)],
            1.0,
            Normalization::Sum,
        );
        close(mean, 2.0_f64.ln() / 2.0);
        assert!(
            preference(score(-5000.0, 1), &[score(0.0, 1)], 1.0, Normalization::Sum).is_finite()
        );
    }

    #[test]
    fn choice_is_a_share_and_the_prior_counts() {
        let options = [score(-2.0, 2), score(-1.0, 1)];
        close(choice(&options, &[0], None), 2.0_f64.ln());
        close(
            choice(&options, &[1], Some(&[0.0, -1.0])),
            (1.0 + (-1.0_f64).exp()).ln(),
        );
    }
}
