//! Which of several scored prompts is taken.

use std::cmp::Ordering;

use crate::loss::Paired;

use super::run::Scored;
use super::{ExampleLoss, Origin, Settings};

/// Standard errors by which right answers must fall on the training examples before a
/// prompt is not taken, and rise before they count more than a loss that is as good.
const CLEAR: f64 = 1.64;

/// Standard errors that leave no doubt.
const DOUBTLESS: f64 = 3.0;

/// How many examples were won and lost between two prompts.
#[derive(Debug, Clone, Copy)]
struct Swaps {
    gained: f64,
    lost: f64,
}

impl Swaps {
    fn between(
        before: &Scored,
        after: &Scored,
        value: impl Fn(&ExampleLoss) -> Option<bool> + Copy,
    ) -> Option<Self> {
        let (before, after) = (before.score.all(value)?, after.score.all(value)?);
        let pairs = || before.iter().zip(&after);
        Some(Self {
            gained: pairs().filter(|(b, a)| !**b && **a).count() as f64,
            lost: pairs().filter(|(b, a)| **b && !**a).count() as f64,
        })
    }

    /// Gains over losses in standard errors of a toss of a coin.
    fn rise(self) -> f64 {
        let swaps = self.gained + self.lost;
        if swaps == 0.0 {
            return 0.0;
        }
        (self.gained - self.lost) / swaps.sqrt()
    }
}

/// Losses of two prompts on the same examples.
pub(super) fn paired(before: &Scored, after: &Scored) -> Paired {
    Paired::new(
        &before.score.losses(),
        &after.score.losses(),
        &before.score.factors(),
    )
}

fn asked(before: &Scored, after: &Scored) -> Option<f64> {
    Swaps::between(before, after, |example| example.asked).map(Swaps::rise)
}

/// Whether a prompt may be taken at all: no share of right answers falls clearly, and on
/// label tasks the options together become no less likely, whatever its loss.
pub(super) fn is_admissible(incumbent: &Scored, candidate: &Scored) -> bool {
    let choices = Swaps::between(incumbent, candidate, |example| example.correct);
    let falls = |rise: Option<f64>| rise.is_some_and(|rise| rise < -CLEAR);
    let form = |of: &Scored| -> Option<Vec<f64>> {
        of.score.examples.iter().map(|one| one.form).collect()
    };
    let worse_form = form(incumbent).zip(form(candidate)).is_some_and(|(a, b)| {
        let change = Paired::new(&a, &b, &incumbent.score.factors());
        change.difference > 0.0 && change.is_clear(1.0)
    });
    !falls(asked(incumbent, candidate)) && !falls(choices.map(Swaps::rise)) && !worse_form
}

/// Whether a prompt is better than the incumbent beyond what chance does: by its loss,
/// or, where the losses cannot be told apart, by clearly more right answers.
fn is_better(incumbent: &Scored, candidate: &Scored, settings: &Settings) -> bool {
    let loss = paired(incumbent, candidate);
    loss.is_lower(settings.accept_z, settings.min_gain)
        || (loss.difference <= loss.std_error
            && asked(incumbent, candidate).is_some_and(|rise| rise > CLEAR))
}

/// As [`winner`], where the model that rewrites is so small that it often writes what
/// has a low loss and reads like nonsense: a rewrite must be lower than all that was
/// built without it, beyond doubt.
pub(super) fn wary_winner(
    incumbent: &Scored,
    candidates: Vec<Scored>,
    settings: &Settings,
) -> Option<Scored> {
    let is_rewrite = |one: &Scored| matches!(one.candidate.origin, Origin::Rewrite { .. });
    let (rewrites, built): (Vec<Scored>, Vec<Scored>) =
        candidates.into_iter().partition(is_rewrite);
    let built = winner(incumbent, built, settings);
    let beyond_doubt = Settings {
        accept_z: settings.accept_z.max(DOUBTLESS),
        ..settings.clone()
    };
    let standard = built.as_ref().unwrap_or(incumbent);
    winner(standard, rewrites, &beyond_doubt).or(built)
}

/// The prompt that takes the incumbent's place, if one does. Of prompts that the
/// training examples cannot tell apart (within one standard error of the lowest loss)
/// it is the one that is right more often when asked, then the shorter one.
pub(super) fn winner(
    incumbent: &Scored,
    candidates: Vec<Scored>,
    settings: &Settings,
) -> Option<Scored> {
    let mut good: Vec<Scored> = candidates
        .into_iter()
        .filter(|one| one.score.dropped.is_none())
        .filter(|one| is_better(incumbent, one, settings) && is_admissible(incumbent, one))
        .collect();
    let lowest = good
        .iter()
        .min_by(|a, b| a.score.loss().total_cmp(&b.score.loss()))?
        .clone();
    good.retain(|one| {
        let behind = paired(&lowest, one);
        behind.difference <= behind.std_error || one.candidate.ordinal == lowest.candidate.ordinal
    });
    // The first of equals wins, so that equal seeds choose equally.
    good.into_iter().min_by(by_answers)
}

/// More right answers when asked first, then the shorter text, then the lower loss.
pub(super) fn by_answers(a: &Scored, b: &Scored) -> Ordering {
    let right = |one: &Scored| one.score.asked().unwrap_or(0.0);
    let length = |one: &Scored| one.candidate.text.len();
    right(b)
        .total_cmp(&right(a))
        .then(length(a).cmp(&length(b)))
        .then(a.score.loss().total_cmp(&b.score.loss()))
}
