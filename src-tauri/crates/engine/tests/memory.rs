//! What a model took is given back with it; alone in its process, where nothing else
//! moves the figures.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;
#[path = "common/resident.rs"]
mod resident;

use std::time::Duration;

use common::model_path;
use pmpo_core::model::ScoreItem;
use pmpo_core::prompt::Conversation;
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use resident::resident_mb;
use tokio_util::sync::CancellationToken;

/// Two roles of which only one fits change places twice a step.
#[tokio::test(flavor = "multi_thread")]
async fn models_that_come_and_go_leave_memory_level() {
    pmpo_engine::prepare_process();
    let item = ScoreItem {
        conversation: Conversation::ask(None, "The shop shuts at six."),
        answer: "It closes at 6 pm.".to_owned(),
        end_of_turn: true,
    };
    let (mut first, mut after) = (0.0, Vec::new());
    for round in 0..8 {
        let options = EngineOptions {
            packed: round % 2 == 0,
            ..EngineOptions::default()
        };
        let engine = Engine::load(&LoadOptions::new(model_path()), options)
            .await
            .unwrap();
        let cancel = CancellationToken::new();
        let items = std::slice::from_ref(&item);
        engine.score_detailed(items, &cancel).await.unwrap();
        let Some(held) = resident_mb() else { return };
        drop(engine);
        // The engine's thread ends by itself.
        tokio::time::sleep(Duration::from_secs(1)).await;
        if round == 0 {
            first = held;
        }
        after.push(resident_mb().unwrap());
        println!("round {round}: {held:.0} MB, then {:.0} MB", after[round]);
    }
    // Allocators differ, and some pages stay in use by chance: but neither most of what
    // a model took, nor more each time.
    let least = after[4..].iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        least < 0.5 * first,
        "{least:.0} of {first:.0} MB stay: {after:.0?}"
    );
}
