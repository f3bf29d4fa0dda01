//! Models as a person brings them: found on a hub on this computer, paused, gone on
//! with, used, and used again without any network; in a real window.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[path = "../../src-tauri/crates/hub/tests/common/mod.rs"]
mod hub;

use std::path::Path;
use std::time::Duration;

use hub::{TestHub, Trick, REPO};
use pmpo_app::{built_in_model, EngineLoader, Preset, Studio};
use pmpo_tests::project::prepare;
use pmpo_tests::window::{data_folder, Display, Window};

const FILE: &str = "Tiny-Instruct.Q4_1.gguf";

/// The sample with runs of half a minute.
fn prepare_sample(data: &Path) -> i64 {
    let mut settings = Preset::Quick.settings();
    settings.steps = 1;
    settings.rewrites = 0;
    settings.bank_phrases = 1;
    settings.split.train_limit = 6;
    settings.split.validation_limit = 6;
    prepare(data, "review-mood", |draft| draft.settings = settings)
}

fn part(cache: &Path) -> u64 {
    hub::parts(cache).iter().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_a_hub_is_brought_used_and_stays() {
    let (_folder, data) = data_folder();
    let project = prepare_sample(&data);
    let model = std::fs::read(built_in_model()).unwrap();
    let hub = TestHub::new().await;
    hub.put(FILE, &model, true);
    // Slow enough to be paused.
    let slow = Trick::Slow(1 << 20, Duration::from_millis(60));
    hub.trick("/content/", slow, 100);
    let cache = data.join("models-of-all");
    let places = [
        ("HF_ENDPOINT", hub.address.clone()),
        ("HF_HUB_CACHE", cache.display().to_string()),
        ("HF_TOKEN", hub::TOKEN.to_owned()),
    ];
    let display = Display::new();
    let window = Window::open_with(&display, &data, &places).await;
    window.press(&format!("open-project-{project}")).await;
    window.press("models").await;
    window.sees("models-page").await;
    window.pictures("models").await;
    window.is_accessible("models").await;
    window.write("repo-name", "nobody/nothing").await;
    window.press("repo-look").await;
    window.reads("error-note", "nobody/nothing").await;
    window.write("repo-name", REPO).await;
    window.press("repo-look").await;
    window.press("repo-download-0").await;
    window.sees("repo-pause-0").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    window.show("repo-pause-0").await;
    window.pictures("models-downloading").await;
    window.press("repo-pause-0").await;
    window.sees("repo-resume-0").await;
    let half = part(&cache);
    assert!(half > 0 && half < model.len() as u64, "{half}");
    window.pictures("models-paused").await;
    window.close().await;

    // After a restart it goes on where it was.
    let window = Window::open_with(&display, &data, &places).await;
    window.press(&format!("open-project-{project}")).await;
    window.press("models").await;
    window.write("repo-name", REPO).await;
    window.press("repo-look").await;
    window.press("repo-resume-0").await;
    window.sees_at_last("repo-use-0").await;
    let starts = hub.starts();
    assert!(
        starts.iter().flatten().any(|start| *start >= half),
        "{starts:?}"
    );
    let files = hub::files_in(&cache);
    let whole = files.iter().find(|path| path.ends_with(FILE)).unwrap();
    assert!(std::fs::read(whole).unwrap() == model, "not the same bytes");
    window.press("repo-use-0").await;
    window.sees("prompt-editor").await;
    window.show("model-summary").await;
    window.pictures("models-used").await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.close().await;

    // The network is gone; the model is not.
    drop(hub);
    let window = Window::open_with(&display, &data, &places).await;
    window.press(&format!("open-project-{project}")).await;
    window.press("models").await;
    window.sees("own-model-1").await;
    window.write("repo-name", REPO).await;
    window.press("repo-look").await;
    window.sees_at_last("error-note").await;
    window.pictures("models-offline").await;
    // To another model and back.
    window.press("use-built-in").await;
    window.sees("prompt-editor").await;
    window.reads("model-summary", "built in").await;
    window.press("models").await;
    window.press("own-use-1").await;
    window.sees("prompt-editor").await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.close().await;
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let runs = studio.runs(Some(project)).unwrap();
    assert_eq!(runs.len(), 2);
    let used = studio.project(project).unwrap().draft.model_path.unwrap();
    assert!(used.contains("models--ada--model-GGUF"), "{used}");
}
