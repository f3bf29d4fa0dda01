//! The optimisation with a model that is a formula, so that a run takes milliseconds.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod scripted;

use pmpo_core::loss::{Paired, Verdict};
use pmpo_core::optimize::*;
use pmpo_core::prompt::Prompt;
use proptest::prelude::*;
use scripted::*;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn finds_the_better_prompt_and_checks_it_on_held_out_examples() {
    let task = task("You are a poet. Answer the text.", 40);
    let mut journal = Memory::default();
    let outcome = run(&task, &quick(), &Scripted::new(), &mut journal).await;
    assert!(outcome.improved());
    assert!(outcome.best_loss < outcome.start_loss - 0.5);
    let validation = outcome.validation.unwrap();
    assert_eq!(validation.verdict, Verdict::Better);
    assert_eq!(validation.examples, 16);
    let hurts = journal.events.iter().any(|event| {
        matches!(event, RunEvent::Analysed { findings, .. }
            if findings[0].verdict == SegmentVerdict::Hurts && findings[0].segment.text == "You are a poet.")
    });
    assert!(hurts, "the harmful sentence is found");
}

#[tokio::test]
async fn the_incumbents_loss_never_rises_and_masks_never_win() {
    let task = task("You are a poet. Answer the text.", 30);
    let mut journal = Memory::default();
    run(
        &task,
        &Preset::Standard.settings(),
        &Scripted::new(),
        &mut journal,
    )
    .await;
    let mut last = f64::INFINITY;
    for event in &journal.events {
        if let RunEvent::StepDone {
            loss, incumbent, ..
        } = event
        {
            assert!(*loss <= last);
            last = *loss;
            let masked = journal.events.iter().any(|event| {
                matches!(event, RunEvent::Scored { candidate, .. }
                    if candidate.ordinal == *incumbent && matches!(candidate.origin, Origin::Mask { .. }))
            });
            assert!(!masked);
        }
    }
    assert!(last.is_finite());
}

#[tokio::test]
async fn held_out_examples_never_choose() {
    let plain = task("You are a poet. Answer the text.", 40);
    let model = Scripted::new();
    let cancel = CancellationToken::new();
    let held = plan(&plain, &quick(), &model)
        .await
        .unwrap()
        .split
        .validation;
    let mut journal = Memory::default();
    run(&plain, &quick(), &model, &mut journal).await;

    // Whatever the held-out examples say, the same prompts are tried and chosen.
    let mut other = plain.clone();
    for &index in &held {
        other.examples[index].input = format!("held {index} out, bad");
    }
    let noisy = Scripted {
        input_noise: 50.0,
        ..Scripted::new()
    };
    let mut second = Memory::default();
    optimize(&other, &quick(), &noisy, &noisy, &mut second, &cancel)
        .await
        .unwrap();
    let choices = |journal: &Memory| -> Vec<RunEvent> {
        journal
            .events
            .iter()
            .filter(|event| {
                !matches!(
                    event,
                    RunEvent::Finished { .. }
                        | RunEvent::Scored {
                            part: Part::Validation,
                            ..
                        }
                )
            })
            .cloned()
            .collect()
    };
    // The held-out inputs sort elsewhere in the split, so compare only when it is the same split.
    let split = plan(&other, &quick(), &noisy).await.unwrap().split;
    if split.validation == held {
        assert_eq!(choices(&journal), choices(&second));
    }
    // And none of them is scored before the last step is done.
    let last_step = second
        .events
        .iter()
        .rposition(|e| matches!(e, RunEvent::StepDone { .. }))
        .unwrap();
    let first_check = second
        .events
        .iter()
        .position(|e| {
            matches!(
                e,
                RunEvent::Scored {
                    part: Part::Validation,
                    ..
                }
            )
        })
        .unwrap();
    assert!(first_check > last_step);
    for event in &second.events {
        if let RunEvent::Scored {
            part: Part::Train,
            score,
            ..
        } = event
        {
            for example in &score.examples {
                assert!(!split.validation.contains(&example.example));
            }
        }
    }
}

#[tokio::test]
async fn equal_seeds_give_equal_histories_and_others_do_not() {
    let task = task("You are a poet. Answer the text.", 30);
    let mut histories = Vec::new();
    for seed in [5, 5, 6] {
        let mut journal = Memory::default();
        let settings = Settings { seed, ..quick() };
        run(&task, &settings, &Scripted::new(), &mut journal).await;
        histories.push(journal.events);
    }
    assert_eq!(histories[0], histories[1]);
    assert_ne!(histories[0], histories[2]);
}

#[tokio::test]
async fn a_run_broken_anywhere_reaches_the_same_end() {
    let task = task("You are a poet. Answer the text.", 24);
    let settings = quick();
    let mut whole = Memory::default();
    let outcome = run(&task, &settings, &Scripted::new(), &mut whole).await;
    for stop in 0..whole.events.len() {
        let mut broken = Memory {
            fail_after: Some(stop),
            ..Memory::default()
        };
        let model = Scripted::new();
        let cancel = CancellationToken::new();
        let failed = optimize(&task, &settings, &model, &model, &mut broken, &cancel).await;
        assert!(matches!(failed, Err(OptimizeError::Journal(_))));
        let before = model.asked.lock().unwrap().len();
        let mut resumed = Memory {
            events: Vec::new(),
            fail_after: None,
            ..broken
        };
        let again = run(&task, &settings, &model, &mut resumed).await;
        assert_eq!(again, outcome);
        assert_eq!(resumed.events, whole.events);
        let total = model.asked.lock().unwrap().len();
        let fresh = Scripted::new();
        run(&task, &settings, &fresh, &mut Memory::default()).await;
        let unbroken = fresh.asked.lock().unwrap().len();
        // At most one prompt (its training or held-out examples) is scored twice.
        assert!(
            total - unbroken <= 16,
            "{before} + {total} against {unbroken}"
        );
    }
}

#[tokio::test]
async fn a_cancel_keeps_the_best_so_far() {
    let task = task("You are a poet. Answer the text.", 30);
    let token = CancellationToken::new();
    let model = Scripted {
        cancel_after: Some((9 * 6, token.clone())),
        ..Scripted::new()
    };
    let mut journal = Memory::default();
    let outcome = optimize(&task, &quick(), &model, &model, &mut journal, &token)
        .await
        .unwrap();
    assert_eq!(outcome.reason, StopReason::Cancelled);
    assert!(outcome.validation.is_none());
}

#[tokio::test]
async fn budgets_and_patience_end_a_run() {
    let task = task("You are a poet. Answer the text.", 30);
    let few = Settings {
        max_tokens: Some(600),
        ..quick()
    };
    let outcome = run(&task, &few, &Scripted::new(), &mut Memory::default()).await;
    assert_eq!(outcome.reason, StopReason::TokenBudget);
    let idle = Settings {
        min_gain: 100.0,
        patience: 2,
        steps: 9,
        ..quick()
    };
    let outcome = run(&task, &idle, &Scripted::new(), &mut Memory::default()).await;
    assert_eq!(outcome.reason, StopReason::Patience);
    assert!(!outcome.improved());
}

#[tokio::test]
async fn copies_of_examples_and_lost_placeholders_are_refused() {
    let mut task = task("Answer this text as a poet: {{input}}", 30);
    for example in &mut task.examples {
        example.input = format!("{} and then goes on for some more words", example.input);
    }
    let leak = task.examples[plan(&task, &quick(), &Scripted::new())
        .await
        .unwrap()
        .split
        .train[0]]
        .input
        .clone();
    let model = Scripted {
        writes: vec![
            format!(" Be brief. {leak}"),
            " Say {{other}} now.".into(),
            " ".into(),
        ],
        ..Scripted::new()
    };
    let mut journal = Memory::default();
    let settings = Settings {
        rewrites: 12,
        ..quick()
    };
    run(&task, &settings, &model, &mut journal).await;
    let refused: Vec<_> = journal
        .events
        .iter()
        .filter_map(|event| match event {
            RunEvent::Refused { refusal, .. } => Some(refusal.clone()),
            _ => None,
        })
        .collect();
    assert!(refused.iter().any(|r| matches!(r, Refusal::Leak { .. })));
    assert!(refused.contains(&Refusal::Placeholders));
    for event in &journal.events {
        if let RunEvent::Scored { candidate, .. } = event {
            assert!(candidate.text.contains("{{input}}"));
            assert!(!candidate.text.contains(&leak));
        }
    }
}

#[tokio::test]
async fn demonstrations_come_from_the_pool_only() {
    let task = task("Answer the text.", 40);
    let settings = Settings {
        max_demonstrations: 2,
        ..quick()
    };
    let model = Scripted {
        effects: vec![("to it", -1.0), ("answer", -0.2)],
        ..Scripted::new()
    };
    let mut journal = Memory::default();
    run(&task, &settings, &model, &mut journal).await;
    let split = plan(&task, &settings, &model).await.unwrap().split;
    let mut most = 0;
    for event in &journal.events {
        if let RunEvent::Scored { candidate, .. } = event {
            let shown = Prompt::parse(&candidate.text).demonstrations.len();
            if let Origin::Demonstrations { examples } = &candidate.origin {
                assert_eq!(examples.len(), shown);
                assert!(examples.iter().all(|index| split.pool.contains(index)));
            }
            most = most.max(shown);
        }
    }
    assert_eq!(most, 2);
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let model = Scripted::new();
    let cancel = CancellationToken::new();
    let start = |task: Task, settings: Settings| {
        let (model, cancel) = (&model, &cancel);
        async move {
            optimize(
                &task,
                &settings,
                model,
                model,
                &mut Memory::default(),
                cancel,
            )
            .await
            .unwrap_err()
        }
    };
    assert_eq!(
        start(task(" \n", 20), quick()).await,
        OptimizeError::EmptyPrompt
    );
    assert!(matches!(
        start(task("{{x}}", 20), quick()).await,
        OptimizeError::Template(_)
    ));
    assert!(matches!(
        start(task("a b", 2), quick()).await,
        OptimizeError::TooFewExamples { .. }
    ));
    let long = "word ".repeat(4000);
    assert!(matches!(
        start(task(&long, 20), quick()).await,
        OptimizeError::PromptTooLong { .. }
    ));
    let mut locked = task("a b", 20);
    locked.frozen = vec!["c".into()];
    assert!(matches!(
        start(locked, quick()).await,
        OptimizeError::Freeze(_)
    ));
    let broken = Settings {
        beta: -1.0,
        ..quick()
    };
    assert!(matches!(
        start(task("a", 20), broken).await,
        OptimizeError::Settings(_)
    ));
}

#[tokio::test]
async fn an_example_beyond_the_window_is_named_and_left_out() {
    let mut task = task("Answer the text.", 20);
    task.examples[7].input = "word ".repeat(5000);
    let mut journal = Memory::default();
    run(&task, &quick(), &Scripted::new(), &mut journal).await;
    assert!(matches!(&journal.events[0],
        RunEvent::LeftOut { examples } if examples.len() == 1 && examples[0].0 == 7));
    for event in &journal.events {
        if let RunEvent::Scored { score, .. } = event {
            assert!(score.examples.iter().all(|e| e.example != 7));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn frozen_text_survives_every_proposal(
        parts in prop::collection::vec("[A-Z][a-z ]{3,20}[.]", 2..5),
        lock in any::<prop::sample::Index>(),
        demonstrations in 0_usize..3,
        seed in 0_u64..1000,
    ) {
        let prompt = parts.join(" ");
        let frozen = lock.get(&parts).clone();
        let mut task = task(&prompt, 20);
        task.frozen = vec![frozen.clone()];
        let settings = Settings { seed, max_demonstrations: demonstrations, ..quick() };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut journal = Memory::default();
        runtime.block_on(run(&task, &settings, &Scripted::new(), &mut journal));
        for event in &journal.events {
            if let RunEvent::Scored { candidate, .. } = event {
                prop_assert!(candidate.text.contains(&frozen), "{:?}", candidate);
            }
        }
    }
}

#[tokio::test]
async fn racing_drops_losers_and_finds_the_same_winners() {
    let task = task("You are a poet. Answer the text.", 60);
    let mut same = 0;
    for seed in 0..40 {
        let quick = Settings { seed, ..quick() };
        let whole = Settings {
            racing: false,
            ..quick.clone()
        };
        let (mut raced, mut full) = (Memory::default(), Memory::default());
        let fast = run(&task, &quick, &Scripted::new(), &mut raced).await;
        let slow = run(&task, &whole, &Scripted::new(), &mut full).await;
        same += usize::from(fast == slow);
        // Where two differ by less than the noise, either may win.
        let regret = fast.best_loss - slow.best_loss;
        assert!(regret < 0.01, "seed {seed}: {regret} nats");
        assert!(raced.pairs.len() < full.pairs.len() * 3 / 4, "seed {seed}");
        are_dropped_rightly(&raced, &full, fast.best);
    }
    assert!(same >= 34, "the same winner for {same} of 40 seeds");
}

/// Candidates that were dropped did not win, and were near their whole scores.
fn are_dropped_rightly(raced: &Memory, full: &Memory, best: u32) {
    let mut dropped = 0;
    for event in &raced.events {
        let RunEvent::Scored {
            candidate, score, ..
        } = event
        else {
            continue;
        };
        let Some(lost) = score.dropped else { continue };
        dropped += 1;
        assert_ne!(candidate.ordinal, best);
        assert!(score.examples.len() < lost.of);
        // Near what the whole score would have been.
        let text = &candidate.text;
        let real = full.events.iter().find_map(|event| match event {
            RunEvent::Scored {
                candidate, score, ..
            } if &candidate.text == text => Some(score.loss()),
            _ => None,
        });
        // Runs that differ in a winner go on with other candidates.
        let Some(real) = real else { continue };
        assert!(
            (score.loss() - real).abs() < 0.1,
            "{} and {real}",
            score.loss()
        );
    }
    assert!(dropped > 3);
}

#[tokio::test]
async fn what_an_earlier_run_scored_is_not_scored_again() {
    let task = task("You are a poet. Answer the text.", 30);
    let mut first = Memory::default();
    let model = Scripted::new();
    let outcome = run(&task, &quick(), &model, &mut first).await;
    let scored = model.asked.lock().unwrap().len();
    assert!(scored > 0);
    let mut second = Memory {
        pairs: first.pairs.clone(),
        ..Memory::default()
    };
    assert_eq!(run(&task, &quick(), &model, &mut second).await, outcome);
    assert_eq!(model.asked.lock().unwrap().len(), scored);
    // Another objective asks another question.
    let other = Settings {
        normalization: pmpo_core::loss::Normalization::Sum,
        ..quick()
    };
    run(&task, &other, &model, &mut second).await;
    assert!(model.asked.lock().unwrap().len() > scored);
}

#[tokio::test]
async fn a_budget_that_ends_amid_a_race_says_so() {
    let task = task("You are a poet. Answer the text.", 60);
    let mut found = false;
    for most in (200..2000).step_by(100) {
        let settings = Settings {
            max_tokens: Some(most),
            ..quick()
        };
        let mut journal = Memory::default();
        let outcome = run(&task, &settings, &Scripted::new(), &mut journal).await;
        let unfinished = journal.events.iter().any(|event| {
            matches!(event, RunEvent::Refused { refusal: Refusal::Budget, candidate }
                if candidate.ordinal != outcome.best)
        });
        found |= unfinished && outcome.reason == StopReason::TokenBudget;
    }
    assert!(found);
}

#[tokio::test]
async fn a_run_begun_by_an_earlier_method_goes_on_from_its_best_prompt() {
    let task = task("You are a poet. Answer the text.", 30);
    let mut first = Memory::default();
    let plan = plan(&task, &quick(), &Scripted::new()).await.unwrap();
    let incumbent = Candidate {
        ordinal: 5,
        step: 1,
        parent: Some(0),
        origin: Origin::Drop { segment: 0 },
        text: "Answer the text.".to_owned(),
    };
    let begun = Task {
        split: Some(plan.split.clone()),
        earlier: Some(Earlier {
            incumbent: incumbent.clone(),
            step: 1,
            next: 9,
            tried: vec![incumbent.text.clone()],
        }),
        ..task
    };
    let outcome = run(&begun, &quick(), &Scripted::new(), &mut first).await;
    assert!(outcome.best == 5 || outcome.best >= 9);
    let mut steps = Vec::new();
    for event in &first.events {
        match event {
            RunEvent::Scored {
                candidate,
                score,
                part: Part::Train,
            } => {
                let old = [0, 5].contains(&candidate.ordinal);
                assert!(old || candidate.ordinal >= 9, "{candidate:?}");
                let train = score
                    .examples
                    .iter()
                    .all(|one| plan.split.train.contains(&one.example));
                assert!(train);
            }
            RunEvent::StepDone { step, .. } => steps.push(*step),
            _ => {}
        }
    }
    assert_eq!(steps.first(), Some(&2));
}

#[tokio::test]
async fn a_base_model_is_shown_examples_in_the_form_that_scores_best() {
    let mut model = Scripted::new();
    model.description.has_chat_template = false;
    // Examples help, and their form.
    model.effects = vec![("thing 0\nAnswer: answer", -1.0), ("Q: the text", -2.0)];
    model.effects.push(("Input: the text", -1.0));
    let settings = Settings {
        max_demonstrations: 4,
        ..quick()
    };
    let task = task("Answer the text.", 40);
    let mut journal = Memory::default();
    let outcome = run(&task, &settings, &model, &mut journal).await;
    assert!(outcome.improved());
    let best = journal.events.iter().find_map(|event| match event {
        RunEvent::Scored { candidate, .. } if candidate.ordinal == outcome.best => {
            Some(Prompt::parse(&candidate.text))
        }
        _ => None,
    });
    let best = best.unwrap();
    assert!(best.text.ends_with("\n\nQ: {{input}}\nA:"), "{best}");
    assert!(!best.demonstrations.is_empty());
    assert!(best
        .as_text()
        .starts_with("Answer the text.\n\nQ: the text"));
    assert!(best.as_text().ends_with("\n\nQ: {{input}}\nA:"));
}

#[tokio::test]
async fn what_the_person_wrote_is_left_out_only_where_nothing_speaks_for_it() {
    for exact in [true, false] {
        what_the_person_wrote_stays(exact).await;
    }
}

/// On answers that are right or not, or on free text.
async fn what_the_person_wrote_stays(exact: bool) {
    // Sentences that change no loss but by chance: noise alone says whether they help.
    let own = [
        "Mind the tone.",
        "Think of the reader.",
        "Stay on the point.",
    ];
    let start = format!("Be brief. {}", own.join(" "));
    let model = Scripted {
        writes: vec![String::new()],
        effects: vec![("brief", -0.8), ("explain", -0.3), ("whole", -0.3)],
        says: exact.then_some(true),
        ..Scripted::new()
    };
    let (mut kept_by_chance, mut left_out) = (0, 0);
    for seed in 1..=60 {
        let settings = Settings { seed, ..quick() };
        let mut journal = Memory::default();
        let outcome = run(&task(&start, 40), &settings, &model, &mut journal).await;
        let train = journal.events.iter().filter_map(|event| match event {
            RunEvent::Scored {
                candidate,
                part: Part::Train,
                score,
            } if score.dropped.is_none() => Some((candidate, score)),
            _ => None,
        });
        let train: Vec<_> = train.collect();
        let whole = |best: u32| train.iter().find(|(one, _)| one.ordinal == best).unwrap();
        let mut at = *whole(outcome.best);
        // Back to the prompt that stood before anything was left out.
        let is_prune = |one: &Candidate| matches!(one.origin, Origin::Prune { .. });
        let end = at;
        while is_prune(at.0) {
            at = *whole(at.0.parent.unwrap());
        }
        let gone = |text: &str| at.0.text.contains(text) && !end.0.text.contains(text);
        let against = |before: &PromptScore, after: &PromptScore| {
            Paired::new(&before.losses(), &after.losses(), &before.factors())
        };
        if own.iter().any(|text| gone(text)) {
            left_out += 1;
            let change = against(at.1, end.1);
            assert!(change.difference <= 0.0, "seed {seed}: {}", end.0.text);
            // On free text no right answer speaks for a prompt.
            let lower = change.difference <= -change.std_error;
            assert!(lower || exact, "seed {seed}: {}", end.0.text);
        }
        // What the search had tried before is left out too.
        for text in own.iter().filter(|text| end.0.text.contains(**text)) {
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let shorter = words(&end.0.text.replace(text, ""));
            let lower = train.iter().find(|(one, score)| {
                let change = against(at.1, score);
                let margin = if exact { 0.0 } else { change.std_error };
                let lower = score.loss() <= end.1.loss() && change.difference <= -margin;
                words(&one.text) == shorter && lower
            });
            assert!(lower.is_none(), "seed {seed}: {text:?} is not missed");
        }
        let without = train.iter().filter(|(one, _)| {
            is_prune(one)
                && own
                    .iter()
                    .any(|text| end.0.text.contains(text) && !one.text.contains(text))
        });
        kept_by_chance += without
            .filter(|(one, score)| {
                one.parent == Some(end.0.ordinal)
                    && score.loss() > end.1.loss()
                    && score.loss() < end.1.loss() + 0.004
            })
            .count();
    }
    assert!(kept_by_chance > 0 && left_out > 0, "both happen here");
}
