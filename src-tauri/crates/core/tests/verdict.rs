//! What is said of held-out examples, on differences that real runs recorded
//! (`fixtures/decisions.json`, see `racing.rs`) and on a model whose loss and answers
//! disagree.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use pmpo_core::loss::{mean, Difference, Verdict};
use pmpo_core::optimize::{compare, ExampleLoss, PromptScore};
use pmpo_core::random::generator;
use rand::Rng;
use serde::Deserialize;

#[derive(Deserialize)]
struct Decision {
    incumbent: Vec<f64>,
    candidates: Vec<Vec<f64>>,
}

/// Differences of losses of real pairs of prompts, each pair's moved so that nothing is
/// gained.
fn without_effect() -> Vec<Vec<f64>> {
    let text = include_str!("fixtures/decisions.json");
    let decisions: Vec<Decision> = serde_json::from_str(text).unwrap();
    let pairs = decisions.iter().flat_map(|decision| {
        decision.candidates.iter().map(|candidate| {
            let both = candidate.iter().zip(&decision.incumbent);
            let raw: Vec<f64> = both.map(|(after, before)| after - before).collect();
            let centre = mean(&raw);
            raw.iter().map(|one| one - centre).collect::<Vec<f64>>()
        })
    });
    pairs.filter(|one| one.len() >= 16).collect()
}

#[test]
fn where_nothing_is_gained_better_is_said_in_one_of_forty() {
    let pairs = without_effect();
    for n in [12, 16, 24, 40, 80, 200] {
        let mut rng = generator(7, &["verdicts", &n.to_string()]);
        let (mut better, runs) = (0, 20_000);
        for at in 0..runs {
            let own = &pairs[at % pairs.len()];
            let drawn: Vec<f64> = (0..n)
                .map(|_| own[rng.random_range(0..own.len())])
                .collect();
            let groups: Vec<usize> = (0..n).collect();
            let found = Difference::new(&drawn, &vec![1.0; n], &groups);
            better += usize::from(found.interval.unwrap().verdict() == Verdict::Better);
        }
        let share = better as f64 / runs as f64;
        assert!(share <= 0.025, "{n}: {share}");
    }
}

fn score(rows: &[(f64, bool)]) -> PromptScore {
    PromptScore {
        examples: rows
            .iter()
            .enumerate()
            .map(|(at, &(loss, right))| ExampleLoss {
                correct: Some(right),
                asked: Some(right),
                ..ExampleLoss::of(at, loss)
            })
            .collect(),
        tokens: Default::default(),
        seconds: 0.0,
        dropped: None,
    }
}

/// Start and best prompt: losses fall by about one nat; of `of` rows `before` and
/// `after` are right.
fn verdict(of: usize, before: usize, after: usize) -> Verdict {
    let loss = |at: usize| 3.0 + (at % 5) as f64 / 10.0;
    let start: Vec<_> = (0..of).map(|at| (loss(at), at < before)).collect();
    let best: Vec<_> = (0..of).map(|at| (loss(at * 3) - 1.0, at < after)).collect();
    let groups: Vec<usize> = (0..of).collect();
    compare(&score(&start), &score(&best), &groups, 1).verdict
}

#[test]
fn a_lower_loss_is_not_better_where_fewer_answers_are_right() {
    assert_eq!(verdict(40, 33, 6), Verdict::SurerButLessRight);
    assert_eq!(verdict(40, 20, 20), Verdict::Better);
    // Two lost of forty may be chance.
    assert_eq!(verdict(40, 20, 18), Verdict::Better);
    assert_eq!(verdict(11, 5, 11), Verdict::TooFew);
    // Near copies count once: forty rows in eight groups are too few.
    let rows: Vec<_> = (0..40).map(|at| (3.0 + at as f64 / 40.0, true)).collect();
    let better: Vec<_> = rows.iter().map(|row| (row.0 - 1.0, true)).collect();
    let groups: Vec<usize> = (0..40).map(|at| at / 5).collect();
    let found = compare(&score(&rows), &score(&better), &groups, 3);
    assert_eq!((found.verdict, found.groups), (Verdict::TooFew, Some(8)));
    assert_eq!(found.looks, Some(3));
}
