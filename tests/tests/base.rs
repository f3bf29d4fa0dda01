//! A base model, one without a chat template, through a whole run on real weights.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::base_model;
use pmpo_app::wire::{RunState, RunView, TryMessage};
use pmpo_app::{open_store_at, score_prompt, EngineLoader, Preset, Settings, Studio, TrySink};
use pmpo_core::dataset::{Answer, Example};
use pmpo_core::model::{GenerateRequest, LanguageModel, ScoreItem};
use pmpo_core::optimize::{Origin, Segmenter, Task, Wording};
use pmpo_core::prompt::{Columns, Demonstration, MaskMode, Prompt};
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use pmpo_tests::window::data_folder;
use tokio_util::sync::CancellationToken;

fn small() -> Settings {
    let mut settings = Preset::Quick.settings();
    settings.steps = 2;
    settings.hard_examples = 1;
    settings.rewrites = 2;
    settings.bank_phrases = 2;
    settings.split.train_limit = 8;
    settings.split.validation_limit = 8;
    // What only a model that follows instructions could do is not asked of it.
    settings.segmenter = Segmenter::Model;
    settings.wording = Wording::LargeInstruct;
    settings
}

/// Two examples of free text, the second with a line break at its end.
fn task(prompt: &str) -> Task {
    let example = |row, input: &str, target: &str| Example {
        input: input.to_owned(),
        columns: Columns::from([("input".to_owned(), input.to_owned())]),
        answer: Answer::Supervised {
            targets: vec![target.to_owned()],
        },
        row,
        id: None,
        part: None,
        weight: None,
    };
    Task {
        prompt: prompt.to_owned(),
        description: String::new(),
        examples: vec![
            example(1, "The shop shuts at six.", "It closes at 6 pm."),
            example(2, "Mind the wet floor!\n", "Careful, the floor is wet."),
        ],
        frozen: Vec::new(),
        looks: 0,
        split: None,
        earlier: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_input_and_answer_are_joined_by_blank_lines() {
    pmpo_engine::prepare_process();
    let (_folder, data) = data_folder();
    let path = base_model(&data);
    let engine = Engine::load(&LoadOptions::new(path), EngineOptions::default())
        .await
        .unwrap();
    assert!(!engine.description().has_chat_template);
    let store = Mutex::new(open_store_at(&data).unwrap());
    let cancel = CancellationToken::new();
    // The texts before the answers, and where the answers begin, as a person would join them.
    let joined = [
        (
            "Say it in plain words.\n",
            [
                "Say it in plain words.\n\nThe shop shuts at six.\n\n",
                "Say it in plain words.\n\nMind the wet floor!\n\n",
            ],
            "",
        ),
        (
            "Notice: {{input}}\nPlain words: ",
            [
                "Notice: The shop shuts at six.\nPlain words:",
                "Notice: Mind the wet floor!\n\nPlain words:",
            ],
            " ",
        ),
    ];
    for (prompt, before, joint) in joined {
        let task = task(prompt);
        let settings = Settings {
            end_of_turn: true,
            ..small()
        };
        let scored = score_prompt(&store, &task, &[0, 1], &settings, &engine, &cancel)
            .await
            .unwrap();
        let mut items = Vec::new();
        for (before, example) in before.iter().zip(&task.examples) {
            let answer = format!("{joint}{}", example.answer.best());
            // Together, as line breaks before a word are not those at an end.
            let mut ids = engine
                .token_ids(&format!("{before}{answer}"))
                .await
                .unwrap();
            let own = engine.token_ids(&answer).await.unwrap();
            assert!(ids.ends_with(&own), "{prompt:?}");
            ids.truncate(ids.len() - own.len());
            items.push((ids, own));
        }
        let (plain, _) = engine.score_tokens(&items, &cancel).await.unwrap();
        for (one, (row, loss)) in plain.iter().zip(&scored.rows) {
            // Per token of the answer alone; no token ends a turn that there is not.
            let wanted = -one.log_probs.iter().sum::<f64>() / one.log_probs.len() as f64;
            assert!(
                (loss - wanted).abs() < 1e-4,
                "{prompt:?}, row {row}: {loss} is not {wanted}"
            );
        }
    }
}

/// What greedy writing says up to a blank line is what the scores foretell.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_base_model_ends_where_a_blank_line_begins() {
    pmpo_engine::prepare_process();
    let (_folder, data) = data_folder();
    let path = base_model(&data);
    let engine = Engine::load(&LoadOptions::new(path), EngineOptions::default())
        .await
        .unwrap();
    let shown = [
        ("The soup was cold.", "bad"),
        ("We loved every minute.", "good"),
        ("It broke after a day.", "bad"),
        ("Kind people and fair prices.", "good"),
    ];
    let prompt = Prompt {
        text: "Name the mood.".to_owned(),
        demonstrations: shown
            .map(|(input, answer)| Demonstration {
                input: input.to_owned(),
                columns: Columns::new(),
                answer: answer.to_owned(),
            })
            .to_vec(),
    };
    let cancel = CancellationToken::new();
    let (mut said, mut pairs) = (0, 0);
    for input in [
        "The tea was lovely.",
        "Rude staff and a dirty floor.",
        "I would come again at once.",
        "My parcel never came.",
    ] {
        let conversation = prompt.render(input, &Columns::new(), false).unwrap();
        let request = GenerateRequest {
            conversation: conversation.clone(),
            temperature: 0.0,
            top_p: 1.0,
            seed: 1,
            max_tokens: 8,
            stop: vec!["\n\n".to_owned()],
        };
        let written = engine.generate(&request, &cancel).await.unwrap().text;
        // The beginning of a word is likely as well; only the end tells it from the word.
        for answer in ["good", "bad", "go", "good\n\nInput"] {
            let item = ScoreItem {
                conversation: conversation.clone(),
                answer: answer.to_owned(),
                end_of_turn: true,
            };
            let score = engine.score(&[item], &cancel).await.unwrap().scores[0];
            assert_eq!(
                score.likeliest,
                Some(written.trim() == answer),
                "{input} {answer:?}: {written:?}"
            );
            said += usize::from(score.likeliest == Some(true));
            pairs += 1;
        }
    }
    assert!(said >= 3 && pairs == 16, "{said} of {pairs}");
}

/// Runs a project to its end.
async fn run(studio: &Arc<Studio>, project: i64) -> RunView {
    let run = studio.start_run(project).await.unwrap().id;
    for _ in 0..2400 {
        if studio.active_run().is_none() {
            return studio.run_view(run).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the run does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_base_model() {
    pmpo_engine::prepare_process();
    let (_folder, data) = data_folder();
    let path = base_model(&data).display().to_string();
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample("review-mood").unwrap();
    let id = project.id;
    let mut draft = project.draft;
    draft.settings = small();
    draft.settings.mask_mode = MaskMode::Remove;
    // Beside demonstrations so small a model is not asked for rewrites.
    draft.may_show_examples = Some(false);
    draft.model_path = Some(path.clone());
    studio.save_draft(id, &draft).unwrap();
    let info = studio.model_info(Some(&path), "auto").unwrap();
    assert!(!info.has_chat_template && info.problem.is_none());

    let view = run(&studio, id).await;
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    // The rules cut the prompt: every piece is the prompt's own, and none is lost.
    let cut = &view.segments[0];
    let whole: String = cut.pieces.iter().map(|piece| piece.text.as_str()).collect();
    assert_eq!(whole, view.start_prompt);
    assert!(
        cut.pieces
            .iter()
            .filter(|one| one.finding.is_some())
            .count()
            >= 2
    );
    // Rewrites are what goes on after worked ones: one line, without tags.
    let of = |kind: fn(&Origin) -> bool| {
        let all = view.candidates.iter();
        all.filter(|one| kind(&one.origin)).collect::<Vec<_>>()
    };
    let rewrites = of(|origin| matches!(origin, Origin::Rewrite { .. }));
    assert!(!rewrites.is_empty(), "{:?}", view.candidates);
    assert!(rewrites.iter().any(|one| one.loss.is_some()));
    for one in &rewrites {
        assert!(
            !one.text.contains('<') && !one.text.contains('\n'),
            "{one:?}"
        );
    }
    // Phrases are filled from the data, with its labels among them.
    let phrases = of(|origin| matches!(origin, Origin::Bank { .. }));
    assert!(
        phrases.iter().any(|one| one.text.contains("positive")),
        "{phrases:?}"
    );
    let best = view.best.unwrap();
    assert!(best.loss.unwrap() < view.run.start_loss.unwrap());

    // Tried out it answers, and stops at the end of its paragraph.
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let sink: TrySink = Arc::new(move |message| tell.send(message).unwrap());
    studio.try_prompt(id, best.text, "A fine film.".to_owned(), sink);
    let mut answer = String::new();
    while let Some(message) = told.recv().await {
        match message {
            TryMessage::Text { text } => answer.push_str(&text),
            TryMessage::Done { tokens, .. } => assert!(tokens > 0),
            TryMessage::Failed { error } => panic!("{error:?}"),
        }
    }
    let answer = answer.trim();
    assert!(!answer.is_empty() && !answer.contains("\n\n"), "{answer:?}");
}
