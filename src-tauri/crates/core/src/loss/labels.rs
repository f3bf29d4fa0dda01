//! Losses over a closed set of answers (label tasks).
//!
//! Of each option the whole answer's `s = ln p(option, end of turn | x, P)` is known.
//! With the token that ends the turn these are probabilities of answers that exclude
//! each other, so that the answer's loss falls into two parts exactly:
//! `-s_right = choice + form`.

use super::log_sum_exp;

/// How many examples' worth of even shares a calibration begins with, so that a batch
/// of a few examples does not decide alone.
const EVEN: f64 = 2.0;

/// `-ln` of the accepted options' share of the mass of all options, in nats: whether
/// the model knows the answer, whatever else it might say. `options` are `s`, `accepted`
/// the places of right ones.
pub fn choice(options: &[f64], accepted: &[usize]) -> f64 {
    let right: Vec<f64> = accepted.iter().map(|&at| options[at]).collect();
    log_sum_exp(options) - log_sum_exp(&right)
}

/// `-ln` of the mass that all options have together, in nats: whether the model says
/// one of them at all, in these very words.
pub fn form(options: &[f64]) -> f64 {
    -log_sum_exp(options)
}

/// Mean over the rivals of `-ln sigma(beta (s_right - s_rival))` (paper, A.5: the other
/// options are the rejected answers). Several accepted options count as one.
pub fn pairwise(options: &[f64], accepted: &[usize], beta: f64) -> f64 {
    let right: Vec<f64> = accepted.iter().map(|&at| options[at]).collect();
    let right = log_sum_exp(&right);
    let rivals = (0..options.len()).filter(|at| !accepted.contains(at));
    let losses: Vec<f64> = rivals
        .map(|at| super::minus_ln_sigma(beta * (right - options[at])))
        .collect();
    super::mean(&losses)
}

/// The place of the option with the highest value; the first of equals.
pub fn likeliest(options: &[f64]) -> usize {
    (1..options.len()).fold(0, |best, at| {
        if options[at] > options[best] {
            at
        } else {
            best
        }
    })
}

/// What a prompt makes likely whatever it is asked: `ln` of each option's mean share
/// over a batch of inputs (batch calibration: Zhou et al., ICLR 2024). Taken off the
/// options' `s`, a prompt that leans to one label is judged by what it knows beside
/// that. `batch` holds the options' `s` of each input; the result is 0 for every option
/// where nothing leans.
pub fn leaning(batch: &[&[f64]]) -> Vec<f64> {
    let Some(width) = batch.first().map(|options| options.len()) else {
        return Vec::new();
    };
    let mut shares = vec![EVEN / width as f64; width];
    for options in batch {
        let all = log_sum_exp(options);
        for (share, option) in shares.iter_mut().zip(*options) {
            *share += (option - all).exp();
        }
    }
    let total = batch.len() as f64 + EVEN;
    shares
        .iter()
        .map(|share| (share / total * width as f64).ln())
        .collect()
}

/// Options' `s` with a [`leaning`] taken off.
pub fn calibrated(options: &[f64], leaning: &[f64]) -> Vec<f64> {
    options.iter().zip(leaning).map(|(s, l)| s - l).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choice_and_form_are_the_answers_loss() {
        let options = [-3.0, -1.2, -7.5];
        let sum = choice(&options, &[0]) + form(&options);
        assert!((sum - 3.0).abs() < 1e-12);
        assert!(choice(&options, &[0, 1, 2]).abs() < 1e-12);
        assert_eq!(likeliest(&options), 1);
        assert_eq!(likeliest(&[-1.0, -1.0]), 0);
    }

    #[test]
    fn a_leaning_to_one_label_is_found_and_taken_off() {
        // The second label is always likelier, yet the first is likelier than usual where it is right.
        let batch: Vec<Vec<f64>> = (0..40)
            .map(|i| vec![if i % 2 == 0 { -3.0 } else { -5.0 }, -1.0])
            .collect();
        let rows: Vec<&[f64]> = batch.iter().map(|row| &row[..]).collect();
        let leaning = leaning(&rows);
        for (i, row) in batch.iter().enumerate() {
            assert_eq!(likeliest(row), 1);
            assert_eq!(likeliest(&calibrated(row, &leaning)), i % 2);
        }
        let even = [[-1.0, -2.0], [-2.0, -1.0]];
        let rows: Vec<&[f64]> = even.iter().map(|row| &row[..]).collect();
        assert!(super::leaning(&rows).iter().all(|l| l.abs() < 1e-12));
        assert!(super::leaning(&[]).is_empty());
    }

    #[test]
    fn rivals_are_rejected_answers() {
        let options = [-1.0, -1.0, -2.0];
        let wanted = (2.0_f64.ln() + (1.0 + (-1.0_f64).exp()).ln()) / 2.0;
        assert!((pairwise(&options, &[0], 1.0) - wanted).abs() < 1e-12);
    }
}
