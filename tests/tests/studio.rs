//! The studio on the real model.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::time::Duration;

use pmpo_app::{EngineLoader, Studio};
use pmpo_tests::window::data_folder;

/// What the window does when a project is opened and its prompt measured at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prompt_is_measured_while_the_model_is_still_loading() {
    pmpo_engine::prepare_process();
    let (_folder, data) = data_folder();
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let project = studio.open_sample("review-mood").unwrap();
    let early = studio.clone();
    let id = project.id;
    let warm = tokio::spawn(async move { early.warm_up(id).await });
    let wait = Duration::from_secs(300);
    let scored = tokio::time::timeout(wait, studio.score_prompt(id, &project.draft.prompt))
        .await
        .expect("an answer")
        .unwrap();
    warm.await.unwrap().unwrap();
    assert!(scored.loss > 1.0);
    println!("{scored:?}");
    let check = studio
        .check_prompt(id, &project.draft.prompt, &[])
        .await
        .unwrap();
    assert!(check.tokens.unwrap() > 10);
}
