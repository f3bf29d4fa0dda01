//! Models of the person's own in a real window: a folder with safetensors scores, a
//! base model writes, then the base model does both.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[allow(unreachable_pub)] // The writing of folders is used here alone.
#[path = "../../src-tauri/crates/packed/tests/common/mod.rs"]
mod tiny;
#[path = "../../src-tauri/crates/engine/tests/words/mod.rs"]
mod words;

mod common;

use std::path::Path;

use common::base_model;
use pmpo_app::{EngineLoader, Preset, Studio};
use pmpo_tests::project::prepare;
use pmpo_tests::window::{data_folder, Display, Window};

/// A sample with runs of half a minute, with a model of the person's own.
fn prepare_sample(data: &Path, sample: &str, model: Option<&Path>) -> i64 {
    let mut settings = Preset::Quick.settings();
    settings.steps = 1;
    settings.hard_examples = 1;
    settings.rewrites = 1;
    settings.bank_phrases = 1;
    settings.split.train_limit = 6;
    settings.split.validation_limit = 6;
    prepare(data, sample, |draft| {
        draft.settings = settings;
        draft.model_path = model.map(|path| path.display().to_string());
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_scores_and_a_base_model_writes() {
    let (_folder, data) = data_folder();
    let model = tiny::Tiny::llama();
    let folder = model.write_folder(&model.weights(), &data);
    words::write(&folder, model.vocabulary, false);
    let base = base_model(&data);
    // By it the base model is known.
    prepare_sample(&data, "kind-replies", Some(&base));
    let project = prepare_sample(&data, "review-mood", None);
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press(&format!("open-project-{project}")).await;

    // Not a model, and a folder that is one.
    window.press("model-by-path").await;
    let data_text = data.display().to_string();
    window.write("model-path", &data_text).await;
    window.press("model-open").await;
    window.sees("error-note").await;
    window.show("error-note").await;
    window.pictures("roles-no-folder").await;
    window.press("model-by-path").await;
    window
        .write("model-path", &folder.display().to_string())
        .await;
    window.press("model-open").await;
    window.reads("model-summary", "tiny").await;

    // A model that is here already is chosen by its name.
    window
        .choose("writer-select", &base.display().to_string())
        .await;
    window.sees("model-roles").await;
    window.show("writer-select").await;
    window.pictures("roles-two").await;
    window.is_accessible("project").await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.pictures("roles-run").await;

    // Then the base model alone, from the page of models.
    window.press("go-back").await;
    window.press("models").await;
    window.sees("own-model-2").await;
    let mut rows = Vec::new();
    for at in [1, 2] {
        rows.push(window.text(&format!("own-model-{at}")).await);
    }
    let found = rows.iter().position(|row| row.contains("Base.Q4_1.gguf"));
    let at = found.expect("the base model is listed") + 1;
    window.show(&format!("own-model-{at}")).await;
    window.pictures("roles-models").await;
    window.press(&format!("own-use-{at}")).await;
    window.sees("prompt-editor").await;
    window.reads("model-summary", "Smollm2 135M").await;
    window.choose("writer-select", "").await;
    window.show("model-summary").await;
    window.pictures("roles-base").await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.press("open-result").await;
    window.pictures("roles-base-result").await;
    window.close().await;

    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let runs = studio.runs(Some(project)).unwrap();
    let of = |id| studio.run_view(id).unwrap();
    let views: Vec<_> = runs.iter().map(|line| of(line.run.id)).collect();
    assert_eq!(views.len(), 2);
    let first = views.iter().find(|view| view.model == "tiny").unwrap();
    assert!(first.writer.is_some());
    let second = views.iter().find(|view| view.model != "tiny").unwrap();
    assert!(second.writer.is_none());
}
