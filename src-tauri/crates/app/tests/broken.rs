//! What breaks under a run: a model that panics, a database that another program
//! holds, a model that somebody else is using.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use common::FormulaLoader;
use pmpo_app::wire::{RunMessage, RunPhase, RunState, RunView, TryMessage};
use pmpo_app::{built_in_model, AppError, Foreseen, ModelLoader, Studio};
use pmpo_core::model::*;
use tokio_util::sync::CancellationToken;

/// What its models are to do.
#[derive(Default)]
struct Mood {
    score_panics: AtomicBool,
    generate_panics: AtomicBool,
    /// Calls that wait until they may go on.
    waits: AtomicBool,
    waiting: AtomicUsize,
    alive: AtomicUsize,
    most: AtomicUsize,
    loads: AtomicUsize,
}

/// A formula that does what its mood says.
struct Moody {
    inner: Arc<dyn LanguageModel>,
    mood: Arc<Mood>,
}

impl Drop for Moody {
    fn drop(&mut self) {
        self.mood.alive.fetch_sub(1, SeqCst);
    }
}

impl Moody {
    async fn wait(&self) {
        self.mood.waiting.fetch_add(1, SeqCst);
        while self.mood.waits.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.mood.waiting.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl LanguageModel for Moody {
    fn description(&self) -> &ModelDescription {
        self.inner.description()
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        self.inner.measure(items).await
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        assert!(!self.mood.score_panics.load(SeqCst), "no such row");
        self.wait().await;
        self.inner.score(items, cancel).await
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        assert!(!self.mood.generate_panics.load(SeqCst), "no such word");
        self.wait().await;
        self.inner.generate(request, cancel).await
    }
}

struct Loader(Arc<Mood>);

#[async_trait]
impl ModelLoader for Loader {
    async fn load(&self, _path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError> {
        let pace = Duration::from_millis(8);
        let inner = FormulaLoader { pace };
        let inner = inner.load(&built_in_model(), device).await?;
        let alive = 1 + self.0.alive.fetch_add(1, SeqCst);
        self.0.most.fetch_max(alive, SeqCst);
        self.0.loads.fetch_add(1, SeqCst);
        let mood = self.0.clone();
        Ok(Arc::new(Moody { inner, mood }))
    }

    async fn foresee(&self, _path: &Path, device: &str) -> Result<Foreseen, AppError> {
        let pace = Duration::ZERO;
        FormulaLoader { pace }
            .foresee(&built_in_model(), device)
            .await
    }
}

fn studio(folder: &Path) -> (Arc<Studio>, Arc<Mood>) {
    let mood = Arc::<Mood>::default();
    let loader = Box::new(Loader(mood.clone()));
    (Studio::open(folder, loader).unwrap(), mood)
}

/// Everything that a run tells, and where it stands in the end.
fn to_the_end(studio: &Studio, run: i64) -> (Vec<RunMessage>, RunView) {
    let (sender, receiver) = channel();
    let sink = Box::new(move |message| sender.send(message).is_ok());
    studio.watch_run(run, sink).unwrap();
    let mut told = Vec::new();
    loop {
        match receiver.recv_timeout(Duration::from_secs(30)).unwrap() {
            RunMessage::Ended { view } => return (told, *view),
            // It has ended before; its last words may be on their way into the database.
            RunMessage::Snapshot { view } if !view.run.active => {
                std::thread::sleep(Duration::from_millis(500));
                return (told, studio.run_view(run).unwrap());
            }
            other => told.push(other),
        }
    }
}

async fn until(what: impl Fn() -> bool) {
    let clock = Instant::now();
    while !what() {
        assert!(clock.elapsed() < Duration::from_secs(20), "it never comes");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_panics_ends_its_run_in_words_and_the_next_one_starts() {
    for writes in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (studio, mood) = studio(folder.path());
        let project = studio.open_sample("review-mood").unwrap().id;
        let (switch, words) = match writes {
            true => (&mood.generate_panics, "no such word"),
            false => (&mood.score_panics, "no such row"),
        };
        // Texts are written once the start prompt is measured.
        switch.store(writes, SeqCst);
        let run = studio.start_run(project).await.unwrap();
        until(|| !studio.run_view(run.id).unwrap().candidates.is_empty()).await;
        switch.store(true, SeqCst);
        let (_, view) = to_the_end(&studio, run.id);
        assert_eq!((view.run.state, view.run.active), (RunState::Failed, false));
        let error = view.run.error.unwrap();
        assert!(error.message.contains(words), "{error:?}");
        assert!(
            error.hint.contains("What was measured is kept"),
            "{error:?}"
        );
        assert_eq!(studio.active_run(), None);
        let kept = view.candidates;
        assert!(!kept.is_empty(), "the start prompt was measured");
        // What is left of a model that panicked is not used again.
        until(|| mood.alive.load(SeqCst) == 0).await;

        switch.store(false, SeqCst);
        studio.resume_run(run.id).await.unwrap();
        let (_, view) = to_the_end(&studio, run.id);
        assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
        assert_eq!(view.candidates[..kept.len()], kept);
        let next = studio.start_run(project).await.unwrap();
        let (_, view) = to_the_end(&studio, next.id);
        assert_eq!(view.run.state, RunState::Completed);
    }
}

/// The page's end of a line may fail too, while the list of watchers is held.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_panics_leaves_nothing_busy() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    mood.waits.store(true, SeqCst);
    let run = studio.start_run(project).await.unwrap();
    let once = AtomicBool::new(true);
    let sink = move |message: RunMessage| {
        let first = matches!(message, RunMessage::Candidate { .. }) && once.swap(false, SeqCst);
        assert!(!first, "the line is gone");
        true
    };
    studio.watch_run(run.id, Box::new(sink)).unwrap();
    mood.waits.store(false, SeqCst);
    until(|| studio.active_run().is_none()).await;
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Failed);
    assert!(view.run.error.unwrap().message.contains("the line is gone"));
    studio.resume_run(run.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn measuring_and_trying_that_panic_are_told_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    mood.score_panics.store(true, SeqCst);
    let error = studio.measure(project, vec![], vec![]).await.unwrap_err();
    assert!(error.message.contains("no such row"), "{error:?}");
    assert!(!studio.measurements(project).unwrap().busy);
    mood.score_panics.store(false, SeqCst);
    let found = studio.measure(project, vec![], vec![]).await.unwrap();
    assert_eq!(found.cells.len(), 1);

    mood.generate_panics.store(true, SeqCst);
    let tried = |studio: &Arc<Studio>| {
        let (sender, answers) = channel();
        let sink = Arc::new(move |message: TryMessage| sender.send(message).unwrap());
        studio.try_prompt(project, "Be kind.".to_owned(), "Hello".to_owned(), sink);
        let wait = Duration::from_secs(10);
        loop {
            match answers.recv_timeout(wait).unwrap() {
                TryMessage::Text { .. } => {}
                other => return other,
            }
        }
    };
    let TryMessage::Failed { error } = tried(&studio) else {
        panic!("it is told")
    };
    assert!(error.message.contains("no such word"), "{error:?}");
    mood.generate_panics.store(false, SeqCst);
    assert!(matches!(tried(&studio), TryMessage::Done { .. }));
    let run = studio.start_run(project).await.unwrap();
    assert_eq!(to_the_end(&studio, run.id).1.run.state, RunState::Completed);
}

/// Another program that writes to a database, for a while.
fn writes(folder: &Path, seconds: f64) -> Child {
    let script = "import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('BEGIN IMMEDIATE')
print('now', flush=True)
time.sleep(float(sys.argv[2]))
base.execute('COMMIT')";
    let mut other = Command::new("python3")
        .args(["-c", script])
        .arg(folder.join("pmpo.sqlite"))
        .arg(seconds.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("scripts/setup.sh installs python3");
    let mut line = String::new();
    let out = other.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line).unwrap();
    assert_eq!(line.trim(), "now");
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_another_program_that_writes_for_long() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    mood.waits.store(true, SeqCst);
    let run = studio.start_run(project).await.unwrap();
    until(|| mood.waiting.load(SeqCst) > 0).await;
    let mut other = writes(folder.path(), 6.5);
    let clock = Instant::now();
    mood.waits.store(false, SeqCst);
    let (told, view) = to_the_end(&studio, run.id);
    assert!(clock.elapsed() > Duration::from_secs(6));
    assert!(other.wait().unwrap().success());
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    assert_eq!(view.run.error, None);
    let phases: Vec<RunPhase> = told
        .iter()
        .filter_map(|message| match message {
            RunMessage::Phase { phase } => Some(*phase),
            _ => None,
        })
        .collect();
    let waits = phases
        .iter()
        .position(|phase| *phase == RunPhase::WaitingForDatabase);
    let after = phases.get(waits.expect("it is told") + 1);
    assert_eq!(after, Some(&RunPhase::MeasuringStart), "{phases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_be_stored_is_paused_in_words_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    mood.waits.store(true, SeqCst);
    let run = studio.start_run(project).await.unwrap();
    until(|| mood.waiting.load(SeqCst) > 0).await;
    let mut other = writes(folder.path(), 60.0);
    mood.waits.store(false, SeqCst);
    let asking = studio.clone();
    // Whoever does not want to wait any longer pauses it.
    let pausing = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        asking.pause_run(run.id).await;
    });
    let (sender, receiver) = channel();
    let sink = Box::new(move |message| sender.send(message).is_ok());
    studio.watch_run(run.id, sink).unwrap();
    let view = loop {
        let wait = Duration::from_secs(30);
        if let RunMessage::Ended { view } = receiver.recv_timeout(wait).unwrap() {
            break view;
        }
    };
    pausing.await.unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(view.run.state, RunState::Paused);
    let error = view.run.error.unwrap();
    assert!(
        error.message.contains("used by another program"),
        "{error:?}"
    );
    assert!(error.hint.contains("go on"), "{error:?}");
    studio.resume_run(run.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
}

/// Something that uses a model.
type Work = Box<dyn Fn(Arc<Studio>)>;

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_being_used_is_not_pushed_out_by_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    let other = studio.open_sample("order-details").unwrap();
    let mut draft = other.draft.clone();
    draft.model_path = Some("/models/another.gguf".to_owned());
    studio.save_draft(other.id, &draft).unwrap();

    let busy = |error: AppError, word: &str| {
        assert_eq!(error.code, "busy");
        assert!(error.message.contains(word), "{error:?}");
        assert!(!error.hint.is_empty());
    };
    let (done, answers) = channel();
    let all: [(&str, Work); 3] = [
        ("measuring", {
            let done = done.clone();
            Box::new(move |studio| {
                let done = done.clone();
                tokio::spawn(async move {
                    let measured = studio.measure(project, vec![], vec![]).await;
                    done.send(measured.is_ok()).unwrap();
                });
            })
        }),
        ("being tried", {
            let done = done.clone();
            Box::new(move |studio| {
                let done = done.clone();
                let sink = Arc::new(move |message: TryMessage| match message {
                    TryMessage::Text { .. } => {}
                    TryMessage::Done { .. } => done.send(true).unwrap(),
                    TryMessage::Failed { .. } => done.send(false).unwrap(),
                });
                studio.try_prompt(project, "Be kind.".to_owned(), "Hello".to_owned(), sink);
            })
        }),
        ("being scored", {
            Box::new(move |studio| {
                let done = done.clone();
                tokio::spawn(async move {
                    let scored = studio.score_prompt(project, "Be brief.").await;
                    done.send(scored.is_ok()).unwrap();
                });
            })
        }),
    ];
    for (word, work) in all {
        mood.waits.store(true, SeqCst);
        work(studio.clone());
        until(|| mood.waiting.load(SeqCst) > 0).await;
        busy(studio.start_run(other.id).await.unwrap_err(), word);
        busy(studio.estimate(other.id).await.unwrap_err(), word);
        busy(
            studio
                .score_prompt(other.id, "Be brief.")
                .await
                .unwrap_err(),
            word,
        );
        mood.waits.store(false, SeqCst);
        assert!(
            answers.recv_timeout(Duration::from_secs(20)).unwrap(),
            "{word}"
        );
        until(|| mood.waiting.load(SeqCst) == 0).await;
    }
    assert_eq!((mood.most.load(SeqCst), mood.loads.load(SeqCst)), (1, 1));
    // Nobody uses it any more.
    let run = studio.start_run(other.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed);
    assert_eq!((mood.most.load(SeqCst), mood.loads.load(SeqCst)), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_deleted_under_a_run_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let (one, mood) = studio(folder.path());
    let project = one.open_sample("review-mood").unwrap().id;
    mood.waits.store(true, SeqCst);
    let run = one.start_run(project).await.unwrap().id;
    until(|| mood.waiting.load(SeqCst) > 0).await;
    // The window and the terminal, say.
    let (other, _) = studio(folder.path());
    for refused in [other.delete_run(run), other.delete_project(project)] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.code, "busy");
        assert!(refused.message.contains("Another program"), "{refused:?}");
    }
    let refused = other.resume_run(run).await.unwrap_err();
    assert!(refused.message.contains("another program"), "{refused:?}");
    let state = other.run_view(run).unwrap().run.state;
    assert_eq!(state, RunState::Running);
    mood.waits.store(false, SeqCst);
    let (_, view) = to_the_end(&one, run);
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
    assert_eq!(view.run.error, None);
    other.delete_run(run).unwrap();
    other.delete_project(project).unwrap();
    assert!(one.project(project).is_err());
}

/// An earlier version of the program does not look, and deletes.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_rows_are_gone_ends_in_words_and_the_next_one_starts() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    mood.waits.store(true, SeqCst);
    let run = studio.start_run(project).await.unwrap().id;
    until(|| mood.waiting.load(SeqCst) > 0).await;
    let mut store = pmpo_app::open_store_at(folder.path()).unwrap();
    store.delete_project(pmpo_app::ProjectId(project)).unwrap();
    drop(store);
    mood.waits.store(false, SeqCst);
    until(|| studio.active_run().is_none() && studio.must_be_idle().is_ok()).await;
    let gone = studio.run_view(run).unwrap_err();
    assert!(gone.message.contains("no run"), "{gone:?}");
    let again = studio.open_sample("review-mood").unwrap().id;
    let run = studio.start_run(again).await.unwrap().id;
    let (_, view) = to_the_end(&studio, run);
    assert_eq!(view.run.state, RunState::Completed, "{:?}", view.run.error);
}

/// A page that was left may have asked for it: nobody is told to try again.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_a_prompt_that_is_scored_for_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, mood) = studio(folder.path());
    let project = studio.open_sample("review-mood").unwrap().id;
    let other = studio.open_sample("kind-replies").unwrap().id;
    let mut draft = studio.project(other).unwrap().draft;
    draft.model_path = Some("/models/another.gguf".to_owned());
    studio.save_draft(other, &draft).unwrap();
    mood.waits.store(true, SeqCst);
    let scoring = studio.clone();
    let scored = tokio::spawn(async move { scoring.score_prompt(project, "Be brief.").await });
    until(|| mood.waiting.load(SeqCst) > 0).await;
    let starting = studio.clone();
    let started = tokio::spawn(async move { starting.start_run(other).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    mood.waits.store(false, SeqCst);
    let run = started.await.unwrap().unwrap().id;
    assert!(scored.await.unwrap().is_ok());
    let (_, view) = to_the_end(&studio, run);
    assert_eq!(view.run.state, RunState::Completed);
    assert_eq!(mood.most.load(SeqCst), 1, "one model in memory");
}
