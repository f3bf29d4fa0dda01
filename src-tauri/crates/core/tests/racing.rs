//! The race replayed on recorded decisions.
//!
//! `fixtures/decisions.json` holds the training losses of real runs on the
//! built-in model in which every candidate was scored whole: on the four samples
//! and on fourteen tasks of BIG-Bench Hard. Of each decision: the incumbent's
//! losses, those of other prompts that a raced run would know by then (masked
//! ones, earlier incumbents), and the candidates'.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::collections::BTreeSet;

use pmpo_core::loss::mean;
use pmpo_core::optimize::{Preset, Race};
use serde::Deserialize;

#[derive(Deserialize)]
struct Decision {
    task: String,
    incumbent: Vec<f64>,
    known: Vec<Vec<f64>>,
    candidates: Vec<Vec<f64>>,
}

/// The winner among `candidates`, if one is better than the incumbent.
fn winner(decision: &Decision, candidates: &[usize], min_gain: f64) -> Option<usize> {
    let loss = |at: usize| mean(&decision.candidates[at]);
    candidates
        .iter()
        .copied()
        .min_by(|&a, &b| loss(a).total_cmp(&loss(b)))
        .filter(|&best| loss(best) < mean(&decision.incumbent) - min_gain)
}

/// The candidates that the race scores whole, and the pairs that it scores.
fn raced(decision: &Decision, race: &Race) -> (Vec<usize>, usize) {
    let known: Vec<&[f64]> = std::iter::once(&decision.incumbent)
        .chain(&decision.known)
        .map(|losses| &losses[..])
        .collect();
    let order = race.order(&known, &[]);
    let first = |losses: &[f64], count: usize| -> Vec<f64> {
        order[..count].iter().map(|&at| losses[at]).collect()
    };
    let mut running: Vec<usize> = (0..decision.candidates.len()).collect();
    let (mut pairs, mut from) = (0, 0);
    for to in race.rounds() {
        pairs += running.len() * (to - from);
        from = to;
        if to == race.total {
            break;
        }
        let seen: Vec<Vec<f64>> = running
            .iter()
            .map(|&at| first(&decision.candidates[at], to))
            .collect();
        let seen: Vec<&[f64]> = seen.iter().map(|losses| &losses[..]).collect();
        let goes_on = race.survivors(Some(&first(&decision.incumbent, to)), &seen, &vec![1.0; to]);
        let mut goes_on = goes_on.into_iter();
        running.retain(|_| goes_on.next().unwrap());
    }
    (running, pairs)
}

#[test]
fn the_race_finds_the_winners_of_whole_scoring_with_fewer_pairs() {
    let file = include_str!("fixtures/decisions.json");
    let decisions: Vec<Decision> = serde_json::from_str(file).unwrap();
    let tasks: BTreeSet<&str> = decisions.iter().map(|one| one.task.as_str()).collect();
    let settings = Preset::Standard.settings();
    let (mut same, mut scored, mut whole) = (0, 0, 0);
    for decision in &decisions {
        let race = Race {
            total: decision.incumbent.len(),
            z: settings.race_z,
            min_gain: settings.min_gain,
        };
        let all: Vec<usize> = (0..decision.candidates.len()).collect();
        let (left, pairs) = raced(decision, &race);
        let found = winner(decision, &left, settings.min_gain);
        same += usize::from(found == winner(decision, &all, settings.min_gain));
        scored += pairs;
        whole += all.len() * race.total;
    }
    let same = same as f64 / decisions.len() as f64;
    let share = scored as f64 / whole as f64;
    println!(
        "{} decisions on {} tasks: the same winner in {:.1} %, {:.1} % of the pairs scored",
        decisions.len(),
        tasks.len(),
        100.0 * same,
        100.0 * share
    );
    assert!(decisions.len() >= 200 && tasks.len() >= 18);
    assert!(same >= 0.95, "{same}");
    assert!(share <= 0.4, "{share}");
}
