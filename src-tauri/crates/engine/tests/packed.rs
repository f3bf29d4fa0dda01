//! The packed scorer against the reference path, on the built-in model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use common::model_path;
use pmpo_core::device::ScorerKind;
use pmpo_core::model::{LanguageModel, ModelError, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

fn items() -> Vec<ScoreItem> {
    let file: Value = serde_json::from_str(include_str!("fixtures/losses.json")).unwrap();
    let rows = file["rows"].as_array().unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    rows[1..]
        .iter()
        .flat_map(|row| {
            // Two answers to each, so that branches of all depths are among them.
            [text(row, "target"), "Something else".to_owned()].map(|answer| ScoreItem {
                conversation: Conversation::ask(Some(&text(row, "prompt")), text(row, "input")),
                answer,
                end_of_turn: row["ends_with_end_of_turn"].as_bool().unwrap(),
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn packed_and_reference_agree_on_real_data() {
    pmpo_engine::prepare_process();
    let load = LoadOptions::new(model_path());
    let packed = Engine::load(&load, EngineOptions::default()).await.unwrap();
    assert_eq!(packed.description().device.scorer, ScorerKind::Packed);
    let reference = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
    let cancel = CancellationToken::new();
    let items = items();
    let (fast, count) = packed.score_detailed(&items, &cancel).await.unwrap();
    let (slow, slow_count) = reference.score_detailed(&items, &cancel).await.unwrap();
    let mut furthest = 0.0_f64;
    for (a, b) in fast.iter().zip(&slow) {
        assert_eq!((&a.before, &a.answer), (&b.before, &b.answer));
        assert_eq!(a.likeliest, b.likeliest);
        for (x, y) in a.log_probs.iter().zip(&b.log_probs) {
            furthest = furthest.max((x - y).abs() / y.abs().max(1.0));
        }
    }
    println!("furthest apart: {furthest:e}; computed {count:?} and {slow_count:?}");
    assert!(furthest < 1e-3);
    assert!(count.computed < slow_count.computed);

    // The same again, to the last bit.
    let (again, _) = packed.score_detailed(&items, &cancel).await.unwrap();
    assert_eq!(fast, again);

    cancel.cancel();
    assert_eq!(
        packed.score(&items, &cancel).await,
        Err(ModelError::Cancelled)
    );
}
