//! The history as a person uses it: runs over each other, versions compared and
//! restored, a project backed up, deleted and brought back; in a real window.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;
use std::time::Duration;

use pmpo_app::{EngineLoader, Preset, Studio};
use pmpo_tests::project::prepare;
use pmpo_tests::window::{data_folder, Display, Window};
use serde_json::{json, Value};

const SAMPLE: &str = "review-mood";

/// The sample with runs of half a minute.
fn prepare_sample(data: &Path) -> i64 {
    let mut settings = Preset::Quick.settings();
    settings.steps = 2;
    settings.rewrites = 0;
    settings.bank_phrases = 2;
    settings.split.train_limit = 8;
    settings.split.validation_limit = 10;
    prepare(data, SAMPLE, |draft| draft.settings = settings)
}

async fn picture(window: &Window) -> Value {
    let script = "return document.querySelector('[data-testid=\"chart-picture\"]')?.src ?? null";
    window.run(script, vec![]).await
}

/// Waits until the picture is another one, and stays so.
async fn redrawn(window: &Window, before: &Value) -> Value {
    let mut last = Value::Null;
    for _ in 0..40 {
        let now = picture(window).await;
        if now != *before && !now.is_null() && now == last {
            return now;
        }
        last = now;
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    window.picture("not-redrawn").await;
    panic!("the picture stays as it was");
}

async fn file(data: &Path, name: &str) -> Vec<u8> {
    let path = data.join(name);
    for _ in 0..100 {
        if path.is_file() {
            // It is written at once, yet not in no time.
            tokio::time::sleep(Duration::from_millis(200)).await;
            return std::fs::read(&path).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} was not written");
}

/// Moves, presses and lets go over a chart's layer, in shares of its box.
async fn drag(window: &Window, layer: &str, from: (f64, f64), to: (f64, f64)) {
    let script = "const [id, x1, y1, x2, y2] = arguments;
        const layer = document.querySelector(`[data-testid=\"${id}\"]`);
        const box = layer.getBoundingClientRect();
        const at = (kind, x, y, buttons) => layer.dispatchEvent(new PointerEvent(kind, {
            clientX: box.left + x * box.width, clientY: box.top + y * box.height,
            bubbles: true, pointerId: 1, pointerType: 'mouse', isPrimary: true, button: 0, buttons,
        }));
        at('pointermove', x1, y1, 0);
        at('pointerdown', x1, y1, 1);
        at('pointermove', (x1 + x2) / 2, (y1 + y2) / 2, 1);
        at('pointermove', x2, y2, 1);
        at('pointerup', x2, y2, 0);";
    let values = vec![
        json!(layer),
        json!(from.0),
        json!(from.1),
        json!(to.0),
        json!(to.1),
    ];
    window.run(script, values).await;
}

async fn hover(window: &Window, layer: &str, at: (f64, f64)) {
    let script = "const [id, x, y] = arguments;
        const layer = document.querySelector(`[data-testid=\"${id}\"]`);
        const box = layer.getBoundingClientRect();
        layer.dispatchEvent(new PointerEvent('pointermove', {
            clientX: box.left + x * box.width, clientY: box.top + y * box.height,
            bubbles: true, pointerId: 1, pointerType: 'mouse', isPrimary: true,
        }));";
    window
        .run(script, vec![json!(layer), json!(at.0), json!(at.1)])
        .await;
}

fn rows(csv: &[u8]) -> Vec<csv::StringRecord> {
    let mut reader = csv::Reader::from_reader(csv);
    reader.records().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_versions_and_backups() {
    let (_folder, data) = data_folder();
    let project = prepare_sample(&data);
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    for run in [1, 2] {
        window.press(&format!("open-project-{project}")).await;
        if run == 2 {
            window
                .write(
                    "prompt-editor",
                    "Say the mood of the review in one word: good or bad.",
                )
                .await;
            // Saving waits for a pause in the writing.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        window.press("start-run").await;
        window.sees_at_last("open-result").await;
        window.press("go-home").await;
    }
    window.press(&format!("open-project-{project}")).await;
    window.press("compare-runs").await;
    window.sees("chart-picture").await;
    runs_over_each_other(&window, &data).await;
    window.press("go-home").await;
    window.press(&format!("open-project-{project}")).await;
    versions(&window, &data, project).await;
    window.press("go-home").await;
    backups(window, &display, &data, project).await;
}

async fn runs_over_each_other(window: &Window, data: &Path) {
    window.sees("run-row-1").await;
    window.sees("run-row-2").await;
    window.pictures("runs").await;
    window.is_accessible("runs").await;
    let both = redrawn(window, &Value::Null).await;
    // What is exported is what the store holds, to the last digit.
    window.press("chart-export").await;
    window.press("chart-export-csv").await;
    let whole = rows(&file(data, "runs.csv").await);
    std::fs::remove_file(data.join("runs.csv")).unwrap();
    {
        let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
        for run in [1, 2] {
            let view = studio.run_view(run).unwrap();
            let own: Vec<_> = whole
                .iter()
                .filter(|row| row[1] == run.to_string())
                .collect();
            let start: f64 = own[0][3].parse().unwrap();
            let best: f64 = own.last().unwrap()[3].parse().unwrap();
            assert_eq!(start.to_bits(), view.run.start_loss.unwrap().to_bits());
            // The lowest loss of a best prompt: one that loses a part at the end may have a
            // little more.
            let start_loss = view.run.start_loss.unwrap();
            let lowest = view.steps.iter().map(|step| step.loss);
            let lowest = lowest.fold(start_loss, f64::min);
            assert_eq!(best.to_bits(), lowest.to_bits());
        }
    }
    hover(window, "chart-layer", (0.6, 0.5)).await;
    window.reads("chart-reading", "1").await;
    window.picture("runs-hover").await;
    window.press("show-run-1").await;
    let one = redrawn(window, &both).await;
    window.press("chart-export").await;
    window.press("chart-export-csv").await;
    let shown = rows(&file(data, "runs.csv").await);
    std::fs::remove_file(data.join("runs.csv")).unwrap();
    assert!(shown.iter().all(|row| &row[1] == "2") && !shown.is_empty());
    window.press("show-run-1").await;
    let again = redrawn(window, &one).await;
    assert!(again == both, "colours and places stay: {again} {both}");
    drag(window, "chart-layer", (0.3, 0.1), (0.7, 0.9)).await;
    let near = redrawn(window, &both).await;
    window.pictures("runs-zoomed").await;
    window.press("chart-export").await;
    window.press("chart-export-csv").await;
    let zoomed = rows(&file(data, "runs.csv").await);
    assert!(zoomed.len() < whole.len() && !zoomed.is_empty());
    assert!(zoomed.iter().all(|row| whole.contains(row)));
    for (id, name) in [("svg", "runs.svg"), ("png-large", "runs.png")] {
        window.press("chart-export").await;
        window.press(&format!("chart-export-{id}")).await;
        assert!(file(data, name).await.len() > 1000);
    }
    let svg = String::from_utf8(file(data, "runs.svg").await).unwrap();
    assert!(svg.starts_with("<svg"));
    window.press("chart-reset").await;
    assert!(redrawn(window, &near).await == both);
    window.press("chart-log").await;
    let log = redrawn(window, &both).await;
    window.choose("chart-axis", "seconds").await;
    let seconds = redrawn(window, &log).await;
    window.choose("chart-kind", "each").await;
    let each = redrawn(window, &seconds).await;
    let script = "const range = document.querySelector('[data-testid=\"chart-smoothing\"]');
        range.value = '0.6';
        range.dispatchEvent(new Event('input', { bubbles: true }));
        range.dispatchEvent(new Event('change', { bubbles: true }));";
    window.run(script, vec![]).await;
    redrawn(window, &each).await;
    window.pictures("runs-smoothed").await;

    window.press("run-menu-1").await;
    window.press("run-edit-1").await;
    window.write("run-edit-name", "First <try> \u{1f600}").await;
    window.write("run-edit-tags", "short").await;
    window.pictures("run-edit").await;
    window.press("run-edit-save").await;
    window.reads("run-row-1", "First <try>").await;
    window.press("run-menu-1").await;
    window.press("run-delete-1").await;
    for _ in 0..50 {
        if !window.has("run-row-1").await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!window.has("run-row-1").await);
    window.press("toast-action").await;
    window.reads("run-row-1", "First <try>").await;
}

async fn versions(window: &Window, data: &Path, project: i64) {
    window.press("all-versions").await;
    window.sees("tree-row-1").await;
    window.press("tree-row-2").await;
    window.sees("version-panel").await;
    window.pictures("versions").await;
    window.is_accessible("versions").await;
    for (id, name) in [
        ("txt", "prompt-2.txt"),
        ("messages", "prompt-2.json"),
        ("card", "prompt-2.md"),
    ] {
        window.press("version-export").await;
        window.press(&format!("version-export-{id}")).await;
        assert!(file(data, name).await.len() > 20, "{id}");
    }
    window.press("version-compare").await;
    window.sees("compare-page").await;
    window.choose("compare-second", "version:1").await;
    if window.has("compare-measure").await {
        window.press("compare-measure").await;
    }
    window.sees_at_last("compare-verdict").await;
    window.sees("compare-scatter").await;
    window.pictures("compare").await;
    window.is_accessible("comparison").await;
    window.show("compare-list").await;
    hover(window, "scatter-layer", (0.5, 0.5)).await;
    window.pictures("compare-examples").await;
    let script = "document.querySelector('[data-testid^=\"compare-row-\"]').click()";
    window.run(script, vec![]).await;
    window.sees_at_last("tokens-first-0").await;
    window.sees("tokens-second-0").await;
    window.pictures("compare-tokens").await;
    window.is_accessible("tokens").await;
    window.press("tokens-close").await;
    window.press("go-back").await;
    window.press("tree-row-1").await;
    window.press("version-use").await;
    let mut used = false;
    for _ in 0..50 {
        let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
        let found = studio.project(project).unwrap();
        let first = found.versions.iter().find(|one| one.number == 1).unwrap();
        used = first.labels == ["in use"] && found.draft.prompt == first.text;
        if used {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(used, "the restored version is in use and in the editor");
}

/// What the program tells of a project.
fn told(data: &Path, project: i64) -> String {
    let studio = Studio::open(data, Box::new(EngineLoader)).unwrap();
    let whole = studio.project(project).unwrap();
    let mut out = format!("{whole:?} {:?}", studio.runs(Some(project)).unwrap());
    for run in &whole.runs {
        out += &format!("{:?}", studio.result(run.id).unwrap());
    }
    out + &format!("{:?}", studio.label_moves(project).unwrap())
}

async fn backups(window: Window, display: &Display, data: &Path, project: i64) {
    let before = told(data, project);
    window.press(&format!("project-menu-{project}")).await;
    window.press(&format!("back-up-{project}")).await;
    window.pictures("back-up").await;
    window.press("back-up-go").await;
    window.sees("toasts").await;
    let mut backup = None;
    for _ in 0..100 {
        let files = std::fs::read_dir(data).unwrap().flatten();
        backup = files
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|ending| ending == "pmpo"));
        if backup.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let backup = backup.expect("a backup is written");
    window.press(&format!("project-menu-{project}")).await;
    window.press("project-delete").await;
    window.press("confirm-delete-yes").await;
    for _ in 0..50 {
        if !window.has(&format!("open-project-{project}")).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!window.has(&format!("open-project-{project}")).await);
    window.drop(&[&backup]).await;
    window.sees("prompt-editor").await;
    assert_eq!(told(data, project), before);
    window.press("go-home").await;
    window.press("storage").await;
    window.press("storage-check").await;
    window.sees("storage-result").await;
    window.pictures("storage").await;
    window.is_accessible("storage").await;
    window.close().await;
    // A damaged one is refused in words, and nothing is lost.
    let bytes = std::fs::read(&backup).unwrap();
    let broken = data.join("broken.pmpo");
    std::fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let window = Window::open(display, data).await;
    window.sees(&format!("open-project-{project}")).await;
    window.drop(&[&broken]).await;
    window.reads("error-note", "brought back").await;
    window.pictures("backup-damaged").await;
    window.close().await;
    assert_eq!(told(data, project), before);
}
