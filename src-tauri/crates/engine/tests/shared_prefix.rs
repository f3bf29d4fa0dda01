//! Two faults of mistral.rs 0.8.1 that the engine works around.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::time::Duration;

use common::model_path;
use pmpo_core::model::{LanguageModel, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use tokio_util::sync::CancellationToken;

async fn engine(prefix_reuse: bool) -> Engine {
    pmpo_engine::prepare_process();
    let load = LoadOptions::new(model_path());
    let options = EngineOptions {
        prefix_reuse,
        packed: false,
    };
    Engine::load(&load, options).await.unwrap()
}

fn options() -> Vec<ScoreItem> {
    ["Yes", "No", "Maybe"]
        .map(|answer| ScoreItem {
            conversation: Conversation::ask(
                Some("Answer the question of the user with one short word only."),
                "Is the sky blue on a clear day?",
            ),
            answer: answer.into(),
            end_of_turn: true,
        })
        .to_vec()
}

/// The cache is kept under one token more than it holds. Items that go on with
/// the likeliest token, as all options of one chat do, must not read beyond it.
#[tokio::test(flavor = "multi_thread")]
async fn items_that_go_on_with_the_likeliest_token() {
    let (on, off) = (engine(true).await, engine(false).await);
    let cancel = CancellationToken::new();
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(2);
    let shared = on
        .token_ids(&format!("{text}The quick brown fox jumps over the"))
        .await
        .unwrap();
    for keep in 0..3 {
        let mut items = Vec::new();
        for next in [" lazy", " small"] {
            let mut ids = shared.clone();
            ids.extend(on.token_ids(next).await.unwrap());
            let tail = on.token_ids(" dog. The").await.unwrap();
            ids.extend(&tail[..keep]);
            items.push((ids, tail[keep..].to_vec()));
        }
        let (with, count) = on.score_tokens(&items, &cancel).await.unwrap();
        let (without, _) = off.score_tokens(&items, &cancel).await.unwrap();
        assert!(count.reused > 0);
        for (a, b) in with.iter().zip(&without) {
            for (a, b) in a.log_probs.iter().zip(&b.log_probs) {
                assert!((a - b).abs() < 1e-4, "{a} is not {b}");
            }
        }
    }
    let with = on.score(&options(), &cancel).await.unwrap();
    let without = off.score(&options(), &cancel).await.unwrap();
    assert!(with.tokens.reused > 0);
    for (a, b) in with.scores.iter().zip(&without.scores) {
        assert!((a.sum - b.sum).abs() < 1e-4, "{a:?} is not {b:?}");
    }
}

/// An answer that nobody receives would end mistral.rs for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_the_engine_alive() {
    let engine = engine(true).await;
    let cancel = CancellationToken::new();
    let before = engine.score(&options(), &cancel).await.unwrap();
    let ids: Vec<u32> = (0..900).map(|i| 300 + i % 500).collect();
    let long = [(ids, vec![5, 6])];
    let call = engine.score_tokens(&long, &cancel);
    assert!(tokio::time::timeout(Duration::from_millis(300), call)
        .await
        .is_err());
    assert_eq!(engine.score(&options(), &cancel).await.unwrap(), before);
}
