//! Whether an answer is likeliest token by token tells what greedy writing says, on the
//! built-in model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::model_path;
use pmpo_core::model::{Finish, GenerateRequest, LanguageModel, ScoreItem};
use pmpo_core::prompt::{Columns, Conversation, Demonstration, Prompt};
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use tokio_util::sync::CancellationToken;

/// Reviews, each with its mood.
const ROWS: &str = include_str!("../../../../datasets/review-mood/examples.csv");
/// How many of them are asked about; others are shown.
const ASKED: usize = 40;
const LABELS: [&str; 4] = ["positive", "negative", "Positive", "good"];
/// Most tokens that are written.
const MOST: usize = 8;
/// Share of pairs in which the two may differ: what is written begins with a blank, or
/// two tokens are nearly as likely as each other.
const REMAINDER: f64 = 0.02;

fn rows() -> Vec<(String, String)> {
    let lines = ROWS.lines().skip(1);
    lines
        .map(|line| {
            let (review, mood) = line.rsplit_once(',').unwrap();
            (review.trim_matches('"').to_owned(), mood.to_owned())
        })
        .collect()
}

/// Prompts with demonstrations and without, with placeholders and without.
fn prompts(shown: &[(String, String)]) -> Vec<Prompt> {
    let with = |text: &str, count: usize| Prompt {
        text: text.to_owned(),
        demonstrations: shown[..count]
            .iter()
            .map(|(input, answer)| Demonstration {
                input: input.clone(),
                columns: Columns::new(),
                answer: answer.clone(),
            })
            .collect(),
    };
    vec![
        with("Name the mood of the review: positive or negative.", 0),
        with("Name the mood of the review: positive or negative.", 6),
        with("", 4),
        with("Review: {{input}}\nMood, positive or negative?", 0),
        with("Review: {{input}}\nMood, positive or negative?", 5),
    ]
}

fn asking(conversation: Conversation, max_tokens: usize) -> GenerateRequest {
    GenerateRequest {
        conversation,
        temperature: 0.0,
        top_p: 1.0,
        seed: 1,
        max_tokens,
        stop: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn likeliest_answers_are_those_that_the_model_says() {
    pmpo_engine::prepare_process();
    let load = LoadOptions::new(model_path());
    let engine = Engine::load(&load, EngineOptions::default()).await.unwrap();
    let cancel = CancellationToken::new();
    let rows = rows();
    let (asked, shown) = rows.split_at(ASKED);
    let mut items = Vec::new();
    let mut said = Vec::new();
    for prompt in prompts(shown) {
        for (review, _) in asked {
            let columns = Columns::from([("input".to_owned(), review.clone())]);
            let conversation = prompt.render(review, &columns, true).unwrap();
            for (at, label) in LABELS.into_iter().enumerate() {
                items.push(ScoreItem {
                    conversation: conversation.clone(),
                    answer: label.to_owned(),
                    // The end counts for what is likeliest in any case.
                    end_of_turn: at % 2 == 0,
                });
            }
            let request = asking(conversation, MOST);
            let written = engine.generate(&request, &cancel).await.unwrap();
            said.push(written);
        }
    }
    let measured = engine.measure(&items).await.unwrap();
    let scores = engine.score(&items, &cancel).await.unwrap().scores;
    let (mut yes, mut differ) = (0, 0);
    for (at, (item, score)) in items.iter().zip(&scores).enumerate() {
        let written = &said[at / LABELS.len()];
        let equal = written.text.trim() == item.answer;
        let likeliest = score.likeliest.unwrap();
        yes += usize::from(likeliest);
        if likeliest != equal {
            differ += 1;
            println!("{:?}, said {:?}: {likeliest}", item.answer, written.text);
        }
        // A text that was cut off has as many tokens as it may.
        let length = written.tokens.computed as usize - measured[at].before;
        let cut = written.finish == Finish::Length;
        assert_eq!(cut, length == MOST, "{written:?}, {length} tokens");
        assert!(!(likeliest && cut), "{written:?}");
    }
    let cut = said.iter().filter(|one| one.finish == Finish::Length);
    println!(
        "{} pairs, {yes} likeliest, {differ} differ; {} of {} texts cut off",
        items.len(),
        cut.clone().count(),
        said.len()
    );
    assert!(items.len() >= 200);
    assert!(yes >= 20 && yes + 20 <= items.len());
    assert!(differ as f64 <= REMAINDER * items.len() as f64);
    assert!(cut.count() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_says_why_it_ended() {
    pmpo_engine::prepare_process();
    let load = LoadOptions::new(model_path());
    let engine = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
    let cancel = CancellationToken::new();
    let mut request = asking(Conversation::ask(None, "Tell me about the sea."), 40);
    let cut = engine.generate(&request, &cancel).await.unwrap();
    assert_eq!(cut.finish, Finish::Length);
    // A text to stop at, somewhere in it and as the very last that is written.
    let word = cut.text.split_whitespace().nth(3).unwrap();
    request.stop = vec![word.to_owned()];
    let stopped = engine.generate(&request, &cancel).await.unwrap();
    assert_eq!(stopped.finish, Finish::Stop);
    assert!(cut.text.starts_with(&stopped.text) && !stopped.text.contains(word));
    let last = cut.text[cut.text.len() - 12..].to_owned();
    assert!(cut.text.find(&last) == Some(cut.text.len() - 12));
    request.stop = vec![last];
    let stopped = engine.generate(&request, &cancel).await.unwrap();
    assert_eq!(stopped.finish, Finish::Stop);
    assert_eq!(stopped.text.len(), cut.text.len() - 12);
}
