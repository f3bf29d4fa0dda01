//! The program as a person uses it: a real window, the real model, real files.
//!
//! Pictures of each page, light and dark, are left in `test-output/window`.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::path::Path;

use pmpo_app::wire::{Draft, RunState};
use pmpo_app::{EngineLoader, Preset, Settings, Studio};
use pmpo_core::prompt::Prompt;
use pmpo_tests::project::prepare;
use pmpo_tests::window::{data_folder, Display, Window};
use serde_json::Value;

const SAMPLE: &str = "review-mood";
/// One window and one model at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A run of a minute or two.
fn small() -> Settings {
    let mut settings = Preset::Quick.settings();
    settings.steps = 1;
    settings.rewrites = 1;
    settings.max_rewrite_tokens = 24;
    settings.bank_phrases = 1;
    settings.propose_reorder = false;
    settings.split.train_limit = 8;
    settings.split.validation_limit = 10;
    settings
}

/// A run of a minute or more, so that it is still going after a pause and a kill.
fn long() -> Settings {
    let mut settings = small();
    settings.steps = 8;
    settings.patience = 0;
    settings.bank_phrases = 4;
    settings.propose_reorder = true;
    settings.split.train_limit = 16;
    settings
}

/// The sample's project with a small run prepared.
fn prepare_sample(data: &Path, settings: Settings) {
    prepare(data, SAMPLE, |draft| draft.settings = settings);
}

async fn chart_picture(window: &Window) -> Value {
    let script = "return document.querySelector('[data-testid=\"run-chart\"] img')?.src ?? null";
    window.run(script, vec![]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_from_the_first_start_to_an_exported_prompt() {
    let _turn = TURN.lock().await;
    let (_folder, data) = data_folder();
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.sees(&format!("start-sample-{SAMPLE}")).await;
    assert!(!window.has("resume-unfinished").await);
    window.pictures("home-first").await;
    window.is_accessible("first start").await;
    window.press(&format!("look-sample-{SAMPLE}")).await;
    window.sees("prompt-editor").await;
    window.press("score-prompt").await;
    window.picture("project-scoring").await;
    window.sees_at_last("scored").await;
    window.pictures("project").await;
    window.is_accessible("project").await;
    window.close().await;

    prepare_sample(&data, small());
    let window = Window::open(&display, &data).await;
    window.press(&format!("start-sample-{SAMPLE}")).await;
    window.sees_at_last("run-chart").await;
    let first = {
        let mut picture = Value::Null;
        for _ in 0..600 {
            picture = chart_picture(&window).await;
            if !picture.is_null() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        picture
    };
    assert!(first.as_str().unwrap().starts_with("data:image/svg+xml"));
    window.pictures("run-live").await;
    window.sees_at_last("open-result").await;
    assert_ne!(chart_picture(&window).await, first, "the chart changes");
    window.pictures("run-ended").await;
    window.is_accessible("run").await;
    window.press("open-result").await;
    window.sees("verdict").await;
    window.sees("changes-table").await;
    window.pictures("result").await;
    window.is_accessible("result").await;

    for format in ["txt", "md", "json", "csv", "svg", "png"] {
        window.press("export-menu").await;
        window.press(&format!("export-{format}")).await;
        let file = data.join(format!("prompt-run-1.{format}"));
        for _ in 0..100 {
            if file.is_file() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert!(std::fs::metadata(&file).unwrap().len() > 10, "{format}");
    }

    window.press("try-it").await;
    window
        .write("try-input", "The soup was cold and the waiter rude.")
        .await;
    window.press("try-go").await;
    window.sees_at_last("try-answer").await;
    window.pictures("try").await;
    window.is_accessible("try").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_resumed_killed_and_recovered() {
    let _turn = TURN.lock().await;
    let (_folder, data) = data_folder();
    prepare_sample(&data, long());
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press(&format!("start-sample-{SAMPLE}")).await;
    window.sees_at_last("pause").await;
    window.press("pause").await;
    window.sees_at_last("resume").await;
    window.picture("run-paused").await;
    window.press("resume").await;
    window.sees_at_last("pause").await;

    // The cross of the window asks what becomes of the run.
    window.ask_to_close(&display);
    window.sees("close-dialog").await;
    window.pictures("close-dialog").await;
    window.press("close-stay").await;
    window.sees("pause").await;

    window.sees_at_last("best-prompt").await;
    window.kill().await;
    let window = Window::open(&display, &data).await;
    window.sees("resume-unfinished").await;
    window.pictures("home-unfinished").await;
    window.is_accessible("home with an unfinished run").await;
    window.press("resume-unfinished").await;
    window.sees_at_last("pause").await;

    // In the background the run goes on without a window, and the program ends with it.
    window.ask_to_close(&display);
    window.press_and_lose("close-background").await;
    window.ends_by_itself().await;
    let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
    let home = studio.home().unwrap();
    let run = home.projects[0].last_run.as_ref().unwrap();
    assert_eq!(run.state, RunState::Completed);
    assert!(home.unfinished.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_ones_own_and_a_damaged_one() {
    let _turn = TURN.lock().await;
    let (folder, data) = data_folder();
    // As an office exports it: a title, semicolons, Windows-1252, holes, doubles.
    let mut rows = "Briefe im November;;\n\nStück;Art;Vorgang\n".to_owned();
    for number in 0..40 {
        let kind = ["Rechnung", "Dank"][number % 2];
        let words = ["verlangt Geld für Grüße", "freut sich über die Hilfe"][number % 2];
        rows.push_str(&format!("Brief {number} {words}.;{kind};{number}\n"));
    }
    rows.push_str("Brief 3 freut sich über die Hilfe.;Dank;3\nohne Antwort;;41\n;Dank;42\nein Wort zu viel;Dank;43;!\n");
    let encoded = |rows: &str| -> Vec<u8> {
        let byte = |letter: char| u8::try_from(u32::from(letter)).unwrap();
        rows.chars().map(byte).collect()
    };
    let good = folder.path().join("letters.csv");
    std::fs::write(&good, encoded(&rows)).unwrap();
    let bad = folder.path().join("bad.xlsx");
    std::fs::write(&bad, b"PK this is no workbook").unwrap();

    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.press("new-project").await;
    window.write("project-name", "Letters").await;
    window.press("project-create").await;
    window.sees("prompt-editor").await;
    window.pictures("project-empty").await;
    window.is_accessible("empty project").await;

    window.write("data-path", bad.to_str().unwrap()).await;
    window.press("data-open").await;
    window.reads("error-note", "not a whole workbook").await;
    window.press("error-copy").await;
    window.reads("error-copy", "Copied").await;
    let copied = window.clipboard().await;
    assert!(copied.contains("not a whole workbook"), "{copied}");
    window.press("error-diagnostics").await;
    window.reads("error-diagnostics", "Copied").await;
    let copied = window.clipboard().await;
    assert!(copied.starts_with("Error: "), "{copied}");
    assert!(
        copied.contains("command=\"preview_data\" code="),
        "{copied}"
    );
    assert!(!copied.contains("bad.xlsx"), "{copied}");
    window.pictures("project-damaged-file").await;

    window.drop(&[&good]).await;
    window.sees("data-column-input").await;
    window.reads("data-found", "windows-1252").await;
    window
        .reads("finding-empty_answer", "1 row has no answer")
        .await;
    window.reads("finding-uneven", "Row").await;
    window.show("data-kind").await;
    window.pictures("import").await;
    window.show("findings").await;
    window.pictures("import-findings").await;
    window.is_accessible("import").await;
    // The guess is right but for the person's wish: kinds from the number.
    window.choose("data-column-target", "Vorgang").await;
    window
        .reads("data-usable", "41 examples from 44 rows")
        .await;
    window.choose("data-column-target", "Art").await;
    window
        .reads("data-usable", "40 examples from 44 rows")
        .await;
    window.press("remedy-duplicate-keep").await;
    window
        .reads("data-usable", "41 examples from 44 rows")
        .await;
    window.press("remedy-duplicate-merge").await;
    window
        .reads("data-usable", "40 examples from 44 rows")
        .await;
    window.press("view-model").await;
    window.show("view-model").await;
    window.pictures("import-as-model").await;
    window.press("data-keep").await;
    window.sees("data-change").await;

    window.press("prompt-editor").await;
    window
        .write(
            "prompt-editor",
            "You are a pirate. Say what kind of letter this is: {{Stück}}",
        )
        .await;
    // Saving waits for a pause in the writing.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    {
        let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
        let project = studio.home().unwrap().projects[0].id;
        let draft = studio.project(project).unwrap().draft;
        assert!(draft.prompt.starts_with("You are a pirate."));
        let mut settings = small();
        settings.split.train_limit = 6;
        settings.split.validation_limit = 4;
        studio
            .save_draft(project, &Draft { settings, ..draft })
            .unwrap();
    }
    window.close().await;
    let window = Window::open(&display, &data).await;
    window.press("open-project-1").await;
    window.press("start-run").await;
    window.sees_at_last("open-result").await;
    window.press("open-result").await;
    window.sees("verdict").await;
    window.press("export-menu").await;
    window.press("export-csv").await;
    window.sees("toasts").await;
    window.close().await;

    let window = Window::open(&display, &data).await;
    window.press("open-project-1").await;
    window.press("data-look").await;
    edit_rows(&window).await;

    // The file grows while the project is on the screen.
    window.press("data-back").await;
    window.sees("data-summary").await;
    let more =
        rows.replace("Brief 5 freut", "Brief fünf freut") + "Brief 44 verlangt Geld.;Rechnung;44\n";
    std::fs::write(&good, encoded(&more)).unwrap();
    window.reads("data-news", "1 row is new").await;
    window.reads("data-news", "1 has other content").await;
    window.show("data-news").await;
    window.pictures("data-changed").await;
    window.is_accessible("changed data").await;
    window.reads("data-news-edits", "1 change").await;
    window.press("data-update-measure").await;
    window.reads("data-summary", "41 examples").await;
    window.reads("earlier-data-1", "earlier examples").await;
    // The version is measured on the rows before and after the change.
    window.sees_at_last("data-chart").await;
    window.show("measured-table").await;
    window.pictures("measured").await;
    window.is_accessible("measured").await;
    assert_eq!(figures(&window).await, 2);
    // From here on the program does it by itself, on the home page too.
    window.press("measure-changes").await;
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    std::fs::write(&good, encoded(&(more + "Brief 45 dankt.;Dank;45\n"))).unwrap();
    window.reads("data-summary", "42 examples").await;
    let clock = std::time::Instant::now();
    while figures(&window).await < 3 {
        assert!(
            clock.elapsed().as_secs() < 120,
            "it is not measured by itself"
        );
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    window.show("measured-table").await;
    window.pictures("measured-by-itself").await;
    note_and_compare(&window).await;
    std::fs::remove_file(&good).unwrap();
    window.reads("data-news", "not there any more").await;
    window.show("data-news").await;
    window.pictures("data-gone").await;
    window.close().await;
}

/// A version gets a note and a tag, and stands beside the other one with figures.
async fn note_and_compare(window: &Window) {
    window.press("star-version-2").await;
    window.press("edit-version-2").await;
    window
        .write("version-note", "Shorter, and says one word.")
        .await;
    window.write("version-tags", "short, letters").await;
    window.write("version-label", "favourite").await;
    window.press("version-label-add").await;
    window.pictures("version-edit").await;
    window.is_accessible("edit of a version").await;
    window.press("version-save").await;
    window.reads("tags-version-2", "letters").await;
    window.reads("version-2", "favourite").await;
    window.press("compare-version-2").await;
    window.sees("compare-page").await;
    if window.has("compare-measure").await {
        window.press("compare-measure").await;
    }
    window.sees_at_last("compare-verdict").await;
    window.pictures("compare").await;
    window.is_accessible("comparison").await;
    window.press("go-back").await;
    window.sees("prompt-editor").await;
}

async fn figures(window: &Window) -> u64 {
    let script = "return [...document.querySelectorAll('[data-testid^=\"figure-\"]')].filter((cell) => /[0-9]/.test(cell.textContent)).length";
    window.run(script, vec![]).await.as_u64().unwrap()
}

/// Searches, edits, removes and takes back, and leaves one change.
async fn edit_rows(window: &Window) {
    window.reads("data-count", "40").await;
    window.sees("data-row-0").await;
    window.pictures("data-table").await;
    window.is_accessible("table of examples").await;
    window.write("data-search", "brief 7 ").await;
    window.reads("data-count", "1 of 40").await;
    window.press("data-search-clear").await;
    window.press("data-row-0").await;
    window.sees("row-editor").await;
    window.pictures("row-editor").await;
    window.is_accessible("row editor").await;
    window.write("row-input", " ").await;
    window.press("row-save").await;
    window.reads("row-editor", "There is no input").await;
    window
        .write("row-input", "Brief 0 bittet freundlich um Geld.")
        .await;
    window.press("row-save").await;
    window
        .reads("data-row-0", "Brief 0 bittet freundlich um Geld.")
        .await;
    window.press("select-row-2").await;
    window.press("select-row-3").await;
    window.press("data-remove").await;
    window.reads("data-count", "38").await;
    window.pictures("data-table-edited").await;
    window.press("data-undo").await;
    window.reads("data-count", "40").await;
    window.press("data-export").await;
    window.press("data-export-csv").await;
    window.sees("toasts").await;
    // The run measured the prompt, so that it is known which rows are hard.
    window.choose("data-order", "hardest").await;
    window.pictures("data-table-hardest").await;
    let script = "return [...document.querySelectorAll('[data-column=\"loss\"]')]
        .flatMap((cell) => cell.textContent.match(/[0-9]+\\.[0-9]+/) ?? []).slice(0, 8).map(Number)";
    let losses = window.run(script, vec![]).await;
    let losses: Vec<f64> = serde_json::from_value(losses).unwrap();
    assert!(
        losses.len() > 3 && losses.windows(2).all(|pair| pair[0] >= pair[1]),
        "{losses:?}"
    );
}

/// The main job without a mouse.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_by_keyboard_alone() {
    let _turn = TURN.lock().await;
    let (_folder, data) = data_folder();
    prepare_sample(&data, small());
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.sees(&format!("start-sample-{SAMPLE}")).await;
    window.tab_to(&format!("start-sample-{SAMPLE}")).await;
    window.key('\u{e007}').await;
    window.sees_at_last("open-result").await;
    window.tab_to("open-result").await;
    window.key('\u{e007}').await;
    window.sees("verdict").await;
    window.tab_to("copy-best").await;
    window.key('\u{e007}').await;
    window.reads("copy-best", "Copied").await;
    let best = {
        let studio = Studio::open(&data, Box::new(EngineLoader)).unwrap();
        studio.result(1).unwrap().best
    };
    // As readable text: with examples, these follow the instructions.
    assert_eq!(window.clipboard().await, Prompt::parse(&best).as_text());
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_windows_size_is_remembered() {
    let _turn = TURN.lock().await;
    let (_folder, data) = data_folder();
    let display = Display::new();
    let window = Window::open(&display, &data).await;
    window.sees("new-project").await;
    window.page.set_window_size(1000, 700).await.unwrap();
    let width = |size: Value| size.as_u64().unwrap();
    let script = "return window.innerWidth";
    // A busy computer takes its time to do so.
    let mut small = 0;
    for _ in 0..100 {
        small = width(window.run(script, vec![]).await);
        if (900..1100).contains(&small) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!((900..1100).contains(&small), "{small}");
    // Without a run the cross closes the window at once, and the size is kept.
    window.ask_to_close(&display);
    window.ends_by_itself().await;
    let window = Window::open(&display, &data).await;
    window.sees("new-project").await;
    let again = width(window.run(script, vec![]).await);
    assert_eq!(again, small);
    window.close().await;
}
