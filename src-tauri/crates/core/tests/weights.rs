//! Examples that count more than others, and prompts scored outside runs.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod scripted;

use pmpo_core::model::{ModelError, TokenCount};
use pmpo_core::optimize::*;
use scripted::*;
use tokio_util::sync::CancellationToken;

fn score(rows: &[(f64, bool, f64)]) -> PromptScore {
    PromptScore {
        examples: rows
            .iter()
            .enumerate()
            .map(|(example, &(loss, correct, weight))| ExampleLoss {
                correct: Some(correct),
                weight,
                ..ExampleLoss::of(example, loss)
            })
            .collect(),
        tokens: TokenCount::default(),
        seconds: 0.0,
        dropped: None,
    }
}

#[test]
fn a_weight_of_three_is_the_example_three_times() {
    let weighted = score(&[(1.0, true, 3.0), (4.0, false, 1.0), (0.5, true, 2.0)]);
    let repeated = [(1.0, true); 3]
        .into_iter()
        .chain([(4.0, false)])
        .chain([(0.5, true); 2]);
    let repeated: Vec<_> = repeated.map(|(loss, right)| (loss, right, 1.0)).collect();
    let repeated = score(&repeated);
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    close(weighted.loss(), repeated.loss());
    close(weighted.accuracy().unwrap(), repeated.accuracy().unwrap());
    // Weights say what counts, not how much was seen: the error is of three examples.
    assert!(weighted.std_error() > repeated.std_error());
    // Only proportions count.
    let scaled = score(&[(1.0, true, 0.3), (4.0, false, 0.1), (0.5, true, 0.2)]);
    close(weighted.loss(), scaled.loss());
    close(weighted.std_error(), scaled.std_error());
}

#[tokio::test]
async fn equal_weights_change_nothing() {
    for racing in [true, false] {
        let settings = Settings { racing, ..quick() };
        let plain = task("You are a poet. Answer the text.", 40);
        let mut weighted = plain.clone();
        weighted
            .examples
            .iter_mut()
            .for_each(|one| one.weight = Some(2.5));
        let mut journals = [Memory::default(), Memory::default()];
        let a = run(&plain, &settings, &Scripted::new(), &mut journals[0]).await;
        let b = run(&weighted, &settings, &Scripted::new(), &mut journals[1]).await;
        assert_eq!(a.best, b.best);
        assert!((a.best_loss - b.best_loss).abs() < 1e-9);
        assert!(a.improved());
    }
}

#[tokio::test]
async fn a_run_goes_by_the_weighted_loss() {
    let outcome_with = async |even: f64| {
        let mut task = task("Answer the text.", 40);
        for (at, example) in task.examples.iter_mut().enumerate() {
            example.weight = Some(if at % 2 == 0 { even } else { 1.0 });
        }
        let mut journal = Memory::default();
        run(&task, &quick(), &Scripted::new(), &mut journal).await;
        let mut losses = Vec::new();
        for event in journal.events {
            if let RunEvent::Scored {
                candidate, score, ..
            } = event
            {
                if candidate.ordinal == 0 && score.dropped.is_none() {
                    losses.push((score.loss(), score));
                }
            }
        }
        losses.remove(0)
    };
    let (light, score) = outcome_with(0.01).await;
    let (heavy, _) = outcome_with(100.0).await;
    // The same losses, weighed differently.
    let mean = |even: bool| {
        let own: Vec<f64> = score
            .examples
            .iter()
            .filter(|one| (one.example % 2 == 0) == even)
            .map(|one| one.loss)
            .collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    assert!((light - mean(false)).abs() < 0.05, "{light}");
    assert!((heavy - mean(true)).abs() < 0.05, "{heavy}");
}

#[tokio::test]
async fn what_is_known_is_not_scored_again() {
    let mut task = task("Answer the text.", 200);
    let settings = quick();
    let (model, cancel) = (Scripted::new(), CancellationToken::new());
    let all: Vec<usize> = (0..task.examples.len()).collect();
    let mut ledger = Memory::default();
    let mut told = Vec::new();
    let mut hear = |done: usize, of: usize| told.push((done, of));
    let first = score_prompt(
        &task,
        &all,
        &settings,
        &model,
        &mut ledger,
        &cancel,
        &mut hear,
    )
    .await
    .unwrap();
    assert_eq!((first.computed, first.score.examples.len()), (200, 200));
    assert_eq!(told.first(), Some(&(0, 200)));
    assert_eq!(told.last(), Some(&(200, 200)));
    assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0));

    task.examples[7].input = "another text".to_owned();
    task.examples.remove(3);
    let all: Vec<usize> = (0..task.examples.len()).collect();
    let again = score_prompt(
        &task,
        &all,
        &settings,
        &model,
        &mut ledger,
        &cancel,
        &mut |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!(again.computed, 1);
    assert_eq!(again.score.examples[0], first.score.examples[0]);
    // A run knows them too, and names them the same.
    let context = EvalContext::new(&model.description, &settings);
    let keys = pair_keys(&task.examples, &settings, &context, &task.prompt);
    assert!(ledger
        .recall_pairs(&keys)
        .unwrap()
        .iter()
        .all(Option::is_some));

    let stopped = CancellationToken::new();
    stopped.cancel();
    task.prompt = "Another prompt.".to_owned();
    let mut unheard = |_, _| {};
    let none = score_prompt(
        &task,
        &all,
        &settings,
        &model,
        &mut ledger,
        &stopped,
        &mut unheard,
    );
    let fault = none.await.unwrap_err();
    assert_eq!(fault, OptimizeError::Model(ModelError::Cancelled));
}
