//! `make pictures`: the README's pictures, of real runs of the sample in the real window.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // It may stop at the first surprise.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pmpo_app::Preset;
use pmpo_tests::project::prepare;
use pmpo_tests::window::{data_folder, picture_folder, Display, Window};

const SAMPLE: &str = "review-mood";
/// The second run starts from another prompt.
const OTHER: &str = "Say the mood of the review in one word: good or bad.";

#[tokio::main]
async fn main() {
    let (_folder, data) = data_folder();
    let settings = Preset::Quick.settings();
    let project = prepare(&data, SAMPLE, |draft| draft.settings = settings);
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press(&format!("open-project-{project}")).await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    settle().await;
    keep(&window, "run").await;
    window.press("open-result").await;
    window.sees("changes-table").await;
    settle().await;
    keep(&window, "result").await;
    window.press("export-menu").await;
    window.press("export-svg").await;
    settle().await;
    std::fs::copy(data.join("prompt-run-1.svg"), docs().join("loss-curve.svg")).unwrap();
    window.press("go-home").await;
    window.press(&format!("open-project-{project}")).await;
    window.write("prompt-editor", OTHER).await;
    // Saving waits for a pause in the writing.
    settle().await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.press("go-home").await;
    window.press(&format!("open-project-{project}")).await;
    window.press("compare-runs").await;
    window.sees("chart-picture").await;
    window.sees("run-row-2").await;
    settle().await;
    keep(&window, "runs").await;
    window.close().await;
    println!("docs/run.png, result.png, runs.png and loss-curve.svg are new.");
}

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Waits until nothing moves.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn keep(window: &Window, name: &str) {
    let file = format!("readme-{name}");
    window.picture(&file).await;
    let from = picture_folder().join(format!("{file}.png"));
    std::fs::copy(from, docs().join(format!("{name}.png"))).unwrap();
}
