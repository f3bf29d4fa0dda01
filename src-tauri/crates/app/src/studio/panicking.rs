//! A panic in any place becomes an error in words, and afterwards everything works.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::{studio, FormulaLoader};
use pmpo_core::model::LanguageModel;
use pmpo_hub::{Hub, HubOptions, Retries};
use tokio::sync::Mutex;

use super::Studio;
use crate::models::{Foreseen, ModelLoader};
use crate::panics::points::arm;
use crate::services::downloads::OpenHub;
use crate::wire::{
    ComparisonRequest, CurveStyle, DataState, DownloadEnd, Draft, ExportFormat, GroundChoice,
    ImportChoice, OverlayRequest, RunMessage, RunState, ShellEvent, Subject, TableQuery,
    TryMessage,
};
use crate::{caught, caught_async, AppError};

/// Places where a panic waits are the process's, so that tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

const LONG: Duration = Duration::from_secs(30);

fn reviews(count: usize) -> String {
    let mut out = "review,mood\n".to_owned();
    for number in 0..count {
        let mood = ["good", "bad", "mixed"][number % 3];
        let length = "x".repeat(number % 11);
        out.push_str(&format!("Review {number} of a lamp {length},{mood}\n"));
    }
    out
}

/// A project with examples from a file.
fn project(studio: &Arc<Studio>, folder: &Path) -> (i64, PathBuf) {
    let file = folder.join("reviews.csv");
    std::fs::write(&file, reviews(60)).unwrap();
    let project = studio.create_project("Reviews").unwrap();
    let draft = Draft {
        prompt: "Say how the review is. {{review}}".to_owned(),
        ..project.draft
    };
    studio.save_draft(project.id, &draft).unwrap();
    let path = file.display().to_string();
    let choice = ImportChoice::default();
    studio.keep_data(project.id, &path, choice).unwrap();
    (project.id, file)
}

fn is_told(error: &AppError, words: &str) {
    assert_eq!(error.code, "unexpected", "{error:?}");
    assert!(error.message.contains(words), "{error:?}");
    assert!(error.message.ends_with('.') && !error.hint.is_empty());
}

/// A run from its start to its end, with nothing lost on the way.
async fn completes(studio: &Arc<Studio>, project: i64) -> i64 {
    let run = studio.start_run(project).await.unwrap().id;
    until_ended(studio).await;
    let view = studio.run_view(run).unwrap();
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    run
}

async fn until_ended(studio: &Studio) {
    let clock = Instant::now();
    while studio.active_run().is_some() || studio.must_be_idle().is_err() {
        assert!(clock.elapsed() < LONG, "the run does not end");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn listen(studio: &Studio) -> Receiver<ShellEvent> {
    let (sender, events) = channel();
    studio.listen(Box::new(move |event| {
        let _ = sender.send(event);
    }));
    events
}

/// Waits for an event of a kind.
fn heard<T>(events: &Receiver<ShellEvent>, wanted: impl Fn(ShellEvent) -> Option<T>) -> T {
    let deadline = Instant::now() + LONG;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(found) = wanted(events.recv_timeout(left).unwrap()) {
            return found;
        }
    }
}

/// What a command does.
type Work<'a> = Box<dyn Fn() -> Result<(), AppError> + 'a>;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_panics_is_told_and_the_next_one_works() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (project, file) = project(&studio, folder.path());
    let run = completes(&studio, project).await;
    let path = file.display().to_string();
    let comparison = ComparisonRequest {
        project,
        first: Subject::RunStart { run },
        second: Subject::RunBest { run },
        ground: GroundChoice::Run { run },
    };
    let overlay = OverlayRequest {
        runs: vec![run],
        style: CurveStyle::default(),
        prompts: false,
        width: 400,
        height: 300,
        dark: false,
        x_range: None,
        y_range: None,
    };
    let backup = folder.path().join("backup.pmpo");
    let all: [(&str, Work<'_>); 8] = [
        (
            "the project",
            Box::new(|| studio.project(project).map(drop)),
        ),
        (
            "the preview",
            Box::new(|| {
                studio
                    .preview_data(&path, ImportChoice::default())
                    .map(drop)
            }),
        ),
        (
            "the import",
            Box::new(|| {
                let choice = ImportChoice::default();
                studio.keep_data(project, &path, choice).map(drop)
            }),
        ),
        (
            "the table",
            Box::new(|| {
                let query = TableQuery::default();
                studio.table_page(project, &query, 0, 50).map(drop)
            }),
        ),
        (
            "the curves",
            Box::new(|| studio.overlay(&overlay).map(drop)),
        ),
        (
            "the export",
            Box::new(|| studio.export(run, ExportFormat::Json).map(drop)),
        ),
        (
            "the comparison",
            Box::new(|| studio.compare(&comparison).map(drop)),
        ),
        (
            "the backup",
            Box::new(|| studio.back_up(project, &backup, true)),
        ),
    ];
    for (place, work) in all {
        arm(place);
        // Every command of the window goes through this.
        is_told(&caught(&work).unwrap_err(), place);
        caught(&work).unwrap_or_else(|error| panic!("{place}: {error:?}"));
        completes(&studio, project).await;
    }
    assert_eq!(studio.project(project).unwrap().data.unwrap().examples, 60);
}

/// Brings a model into memory, or panics on the way.
struct Loader(Arc<AtomicBool>);

#[async_trait]
impl ModelLoader for Loader {
    async fn load(&self, path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError> {
        assert!(!self.0.load(SeqCst), "no such weights");
        let pace = Duration::ZERO;
        FormulaLoader { pace }.load(path, device).await
    }

    async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError> {
        let pace = Duration::ZERO;
        FormulaLoader { pace }.foresee(path, device).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_that_panics_is_told_whoever_wants_the_model() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let panics = Arc::<AtomicBool>::default();
    let loader = Box::new(Loader(panics.clone()));
    let studio = Studio::open(&folder.path().join("data"), loader).unwrap();
    let (project, _) = project(&studio, folder.path());
    let tried = || {
        let (sender, answers) = channel();
        let sink = Arc::new(move |message: TryMessage| sender.send(message).unwrap());
        studio.try_prompt(project, "Be kind.".to_owned(), "Hello".to_owned(), sink);
        loop {
            match answers.recv_timeout(LONG).unwrap() {
                TryMessage::Text { .. } => {}
                TryMessage::Done { .. } => return Ok(()),
                TryMessage::Failed { error } => return Err(error),
            }
        }
    };
    panics.store(true, SeqCst);
    let words = "no such weights";
    is_told(
        &caught_async(studio.start_run(project)).await.unwrap_err(),
        words,
    );
    is_told(
        &caught_async(studio.estimate(project)).await.unwrap_err(),
        words,
    );
    let measured = studio.measure(project, vec![], vec![]);
    is_told(&measured.await.unwrap_err(), words);
    is_told(&tried().unwrap_err(), words);
    // Nobody counts as using a model that never came.
    studio.must_be_idle().unwrap();
    panics.store(false, SeqCst);
    tried().unwrap();
    studio.measure(project, vec![], vec![]).await.unwrap();
    completes(&studio, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_to_the_page_that_panics_takes_no_work_with_it() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (project, _) = project(&studio, folder.path());
    studio.listen(Box::new(|_| panic!("no window")));
    let measured = studio.measure(project, vec![], vec![]).await.unwrap();
    assert_eq!(measured.cells.len(), 1);
    let run = completes(&studio, project).await;

    // Of two who watch a run one fails at its end: the other hears of it, and so does the
    // list of runs.
    let events = listen(&studio);
    let (sender, messages) = channel();
    let again = studio.start_run(project).await.unwrap().id;
    assert!(again > run);
    let fails = |message: RunMessage| {
        assert!(!matches!(message, RunMessage::Ended { .. }), "no line");
        true
    };
    let hears = move |message: RunMessage| sender.send(message).is_ok();
    studio.watch_run(again, Box::new(hears)).unwrap();
    studio.watch_run(again, Box::new(fails)).unwrap();
    heard(&events, |event| match event {
        ShellEvent::RunChanged { run } => (run.id == again && !run.active).then_some(()),
        _ => None,
    });
    let ended = |message: RunMessage| match message {
        RunMessage::Ended { .. } => true,
        // It was over before it was watched.
        RunMessage::Snapshot { view } => !view.run.active,
        _ => false,
    };
    assert!(messages.try_iter().any(ended));
    completes(&studio, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_panics_tells_of_it_and_watches_on() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    let (project, file) = project(&studio, folder.path());
    studio.measure(project, vec![], vec![]).await.unwrap();
    let version = studio.project(project).unwrap().versions[0].id;
    studio.use_version(project, version).unwrap();
    studio.watch_data(project).unwrap();
    let events = listen(&studio);
    let news = |event| match event {
        ShellEvent::DataChanged { news } => Some(news.state),
        _ => None,
    };
    arm("the watched file");
    std::fs::write(&file, reviews(63)).unwrap();
    match heard(&events, news) {
        DataState::Faulty { error } => is_told(&error, "the watched file"),
        other => panic!("{other:?}"),
    }
    std::fs::write(&file, reviews(66)).unwrap();
    let state = heard(&events, news);
    assert!(matches!(state, DataState::Changed { .. }), "{state:?}");

    // Taken over and measured by itself.
    let mut draft = studio.project(project).unwrap().draft;
    draft.measure_changes = true;
    studio.save_draft(project, &draft).unwrap();
    studio.watch_data(project).unwrap();
    let measured = |event| match event {
        ShellEvent::Measured { error, .. } => Some(error),
        _ => None,
    };
    arm("the new examples");
    std::fs::write(&file, reviews(69)).unwrap();
    is_told(&heard(&events, measured).unwrap(), "the new examples");
    std::fs::write(&file, reviews(72)).unwrap();
    assert_eq!(heard(&events, measured), None);
    assert_eq!(studio.project(project).unwrap().data.unwrap().examples, 72);
    completes(&studio, project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_panics_is_told_and_can_begin_again() {
    let _turn = TURN.lock().await;
    let folder = tempfile::tempdir().unwrap();
    let studio = studio(&folder.path().join("data"), 0);
    // Nobody answers there.
    let options = HubOptions {
        endpoint: "http://127.0.0.1:9".to_owned(),
        retries: Retries {
            most: 0,
            ..Retries::default()
        },
        ..HubOptions::new(folder.path().join("hub"))
    };
    let hub = Hub::new(options.clone()).unwrap();
    studio.downloads.open(OpenHub { hub, options });
    let events = listen(&studio);
    let ends = |event| match event {
        ShellEvent::DownloadEnded { end, .. } => Some(end),
        _ => None,
    };
    let files = vec!["model.gguf".to_owned()];
    arm("the download");
    studio.download_model("a/b", files.clone()).await.unwrap();
    match heard(&events, ends) {
        DownloadEnd::Failed { error } => is_told(&error, "the download"),
        other => panic!("{other:?}"),
    }
    studio.download_model("a/b", files).await.unwrap();
    match heard(&events, ends) {
        DownloadEnd::Failed { error } => assert_eq!(error.code, "hub", "{error:?}"),
        other => panic!("{other:?}"),
    }
    let (project, _) = project(&studio, folder.path());
    completes(&studio, project).await;
}
