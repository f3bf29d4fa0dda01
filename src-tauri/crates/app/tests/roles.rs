//! A second model of one's own, and a device that breaks.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use common::FormulaLoader;
use pmpo_app::wire::{RunMessage, RunPhase, RunState, RunView};
use pmpo_app::{built_in_model, AppError, Foreseen, ModelLoader, Moved, RunId, Studio};
use pmpo_core::device::Device;
use pmpo_core::model::*;
use tokio_util::sync::CancellationToken;

/// What the loader and its models saw.
#[derive(Default)]
struct Seen {
    alive: AtomicUsize,
    most: AtomicUsize,
    loads: AtomicUsize,
    broken: AtomicBool,
    /// Whether models are loaded on another device than before.
    elsewhere: AtomicBool,
    /// Whether the files are others than before.
    other_file: AtomicBool,
    /// Whether another model is where the writer was.
    other_writer: AtomicBool,
    paths: Mutex<Vec<PathBuf>>,
}

/// A formula that counts itself among those in memory.
struct Counted {
    inner: Arc<dyn LanguageModel>,
    description: ModelDescription,
    seen: Arc<Seen>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.seen.alive.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl LanguageModel for Counted {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    fn memory(&self) -> Option<MemoryUse> {
        Some(MemoryUse {
            used: 3,
            total: 8,
            gpu: true,
        })
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        self.inner.measure(items).await
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        assert_eq!(
            self.description.name, "Formula",
            "the writer does not score"
        );
        if self.seen.broken.load(SeqCst) {
            return Err(ModelError::Device("CUDA_ERROR_LAUNCH_FAILED".to_owned()));
        }
        self.inner.score(items, cancel).await
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        if self.seen.alive.load(SeqCst) > 1 || self.description.name == "Writer" {
            assert_eq!(self.description.name, "Writer");
        }
        self.inner.generate(request, cancel).await
    }

    async fn answer(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        // What a prompt makes the model say, the model says that the prompt is for.
        assert_ne!(self.description.name, "Writer");
        self.inner.generate(request, cancel).await
    }
}

/// Models of a gigabyte each.
struct Loader {
    free: u64,
    pace: Duration,
    seen: Arc<Seen>,
}

const GIGABYTE: u64 = 1 << 30;
const WRITER: &str = "/models/writer.gguf";

#[async_trait]
impl ModelLoader for Loader {
    async fn load(&self, path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError> {
        let pace = self.pace;
        let inner = FormulaLoader { pace }
            .load(&built_in_model(), device)
            .await?;
        let mut description = inner.description().clone();
        if path.ends_with("writer.gguf") {
            description.name = match self.seen.other_writer.load(SeqCst) {
                true => "Another".to_owned(),
                false => "Writer".to_owned(),
            };
        }
        if self.seen.elsewhere.load(SeqCst) {
            description.device = Device::from_words("GPU 1 (another card), weights as in the file");
        }
        if self.seen.other_file.load(SeqCst) {
            description.sha256 = "e".repeat(64);
        }
        self.seen.loads.fetch_add(1, SeqCst);
        self.seen.paths.lock().unwrap().push(path.to_owned());
        let alive = 1 + self.seen.alive.fetch_add(1, SeqCst);
        self.seen.most.fetch_max(alive, SeqCst);
        Ok(Arc::new(Counted {
            inner,
            description,
            seen: self.seen.clone(),
        }))
    }

    async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError> {
        let pace = Duration::ZERO;
        let inner = FormulaLoader { pace }
            .load(&built_in_model(), device)
            .await?;
        let mut description = inner.description().clone();
        if path.ends_with("writer.gguf") {
            description.name = "Writer".to_owned();
        }
        Ok(Foreseen {
            description,
            needs: GIGABYTE,
        })
    }

    fn free_memory(&self) -> u64 {
        let used = self.seen.alive.load(SeqCst) as u64 * GIGABYTE;
        self.free.saturating_sub(used)
    }
}

fn studio(folder: &Path, gigabytes: u64, pace: u64) -> (Arc<Studio>, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let loader = Loader {
        free: gigabytes * GIGABYTE,
        pace: Duration::from_millis(pace),
        seen: seen.clone(),
    };
    (Studio::open(folder, Box::new(loader)).unwrap(), seen)
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
            other => told.push(other),
        }
    }
}

async fn with_writer(studio: &Arc<Studio>) -> i64 {
    let project = studio.open_sample("review-mood").unwrap();
    let mut draft = project.draft;
    draft.writer_path = Some(WRITER.to_owned());
    studio.save_draft(project.id, &draft).unwrap();
    project.id
}

#[tokio::test(flavor = "multi_thread")]
async fn two_models_that_do_not_fit_together_are_loaded_in_turn() {
    let mut best = Vec::new();
    for (gigabytes, in_turn) in [(1, true), (4, false)] {
        let folder = tempfile::tempdir().unwrap();
        let (studio, seen) = studio(folder.path(), gigabytes, 2);
        let project = with_writer(&studio).await;
        let roles = studio.model_roles(project).await.unwrap().unwrap();
        assert_eq!((roles.in_turn, roles.needed), (in_turn, 2 * GIGABYTE));
        assert_eq!((roles.seconds, roles.problem), (None, None));

        let run = studio.start_run(project).await.unwrap();
        let (told, view) = to_the_end(&studio, run.id);
        assert_eq!(view.run.state, RunState::Completed);
        assert!(
            view.writer
                .as_ref()
                .is_some_and(|one| one.name.starts_with("Writer")),
            "{:?}",
            view.writer
        );
        assert_eq!(seen.most.load(SeqCst), if in_turn { 1 } else { 2 });
        let loading = |message: &&RunMessage| {
            let phase = RunPhase::LoadingModel;
            matches!(message, RunMessage::Phase { phase: own } if *own == phase)
        };
        let changes = told.iter().filter(loading).count();
        let loads = seen.loads.load(SeqCst);
        match in_turn {
            // One load before the run, and each change is told.
            true => assert!(changes >= 2 && loads == changes + 1, "{changes}, {loads}"),
            false => assert_eq!((changes, loads), (0, 2)),
        }
        // Not more often than twice a step, but for the texts of the last one.
        let steps = view.steps.len();
        assert!(loads <= 3 + 2 * steps, "{loads} in {steps} steps");
        best.push(view.best.unwrap().text);
        let roles = studio.model_roles(project).await.unwrap().unwrap();
        assert!(roles.seconds.unwrap() >= 0.0);
    }
    assert_eq!(best[0], best[1], "in turn or not, the run is the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_fits_not_even_alone_is_told_before_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 0, 0);
    let project = with_writer(&studio).await;
    let problem = studio.model_roles(project).await.unwrap().unwrap().problem;
    let problem = problem.unwrap();
    assert!(
        problem.message.contains("needs about 1.1 GB"),
        "{problem:?}"
    );
    assert_eq!(seen.loads.load(SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn speed_and_memory_are_told_while_a_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, _) = studio(folder.path(), 4, 25);
    let project = studio.open_sample("review-mood").unwrap();
    assert_eq!(studio.model_roles(project.id).await.unwrap(), None);
    let run = studio.start_run(project.id).await.unwrap();
    let (told, _) = to_the_end(&studio, run.id);
    let progress = |message: &RunMessage| match message {
        RunMessage::Progress { progress } => Some(*progress),
        _ => None,
    };
    let all: Vec<_> = told.iter().filter_map(progress).collect();
    assert!(all
        .iter()
        .any(|one| one.speed.is_some_and(|speed| speed > 0.0)));
    assert!(all
        .iter()
        .any(|one| one.memory.is_some_and(|m| m.used == 3 && m.gpu)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_breaks_pauses_the_run_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 4, 25);
    let project = studio.open_sample("review-mood").unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    // Something is measured first.
    while studio.run_view(run.id).unwrap().candidates.is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen.broken.store(true, SeqCst);
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Paused);
    let error = view.run.error.unwrap();
    assert!(error.message.contains("GPU stopped working"), "{error:?}");
    assert!(
        error.message.contains("CUDA_ERROR_LAUNCH_FAILED"),
        "{error:?}"
    );
    let kept = view.candidates;
    assert!(!kept.is_empty());
    assert_eq!(
        seen.alive.load(SeqCst),
        0,
        "what is left of it is given back"
    );

    seen.broken.store(false, SeqCst);
    // On another device it would compare losses that cannot be compared.
    seen.elsewhere.store(true, SeqCst);
    let refused = studio.resume_run(run.id).await.unwrap_err();
    assert_eq!(refused.code, "other_device");
    assert!(refused.message.contains("another card"), "{refused:?}");
    let view = studio.run_view(run.id).unwrap();
    assert_eq!(
        (view.run.state, &view.candidates),
        (RunState::Paused, &kept)
    );
    seen.elsewhere.store(false, SeqCst);
    let loads = seen.loads.load(SeqCst);
    let resumed = studio.resume_run(run.id).await.unwrap();
    assert_eq!(resumed.error, None);
    assert_eq!(seen.loads.load(SeqCst), loads + 1, "it is loaded anew");
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed);
    assert_eq!(view.candidates[..kept.len()], kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_turn_goes_on_with_the_model_it_was_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 1, 10);
    let project = with_writer(&studio).await;
    let run = studio.start_run(project).await.unwrap();
    while studio.run_view(run.id).unwrap().candidates.is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    studio.pause_run(run.id).await;
    assert_eq!(studio.run_view(run.id).unwrap().run.state, RunState::Paused);

    let mut draft = studio.project(project).unwrap().draft;
    draft.model_path = Some("/models/another.gguf".to_owned());
    studio.save_draft(project, &draft).unwrap();
    studio.resume_run(run.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed);
    let paths = seen.paths.lock().unwrap();
    let begun_with = [built_in_model(), PathBuf::from(WRITER)];
    assert!(
        paths.len() > 2 && paths.iter().all(|path| begun_with.contains(path)),
        "{paths:?}"
    );
}

/// A run of two models, paused after it measured something.
async fn paused_with_writer(studio: &Arc<Studio>) -> (i64, i64) {
    let project = with_writer(studio).await;
    let run = studio.start_run(project).await.unwrap();
    while studio.run_view(run.id).unwrap().candidates.is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    studio.pause_run(run.id).await;
    assert_eq!(studio.run_view(run.id).unwrap().run.state, RunState::Paused);
    (project, run.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_with_its_own_writer_whatever_the_project_says_today() {
    for today in [None, Some("/models/another.gguf".to_owned())] {
        let folder = tempfile::tempdir().unwrap();
        let (studio, seen) = studio(folder.path(), 4, 10);
        let (project, run) = paused_with_writer(&studio).await;
        let mut draft = studio.project(project).unwrap().draft;
        draft.writer_path = today;
        studio.save_draft(project, &draft).unwrap();
        seen.paths.lock().unwrap().clear();
        studio.resume_run(run).await.unwrap();
        let (_, view) = to_the_end(&studio, run);
        assert_eq!(view.run.state, RunState::Completed);
        assert_eq!(view.writer.unwrap().name, "Writer");
        assert_eq!(seen.paths.lock().unwrap()[..], [PathBuf::from(WRITER)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_writer_does_not_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 4, 10);
    let project = studio.open_sample("review-mood").unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    studio.pause_run(run.id).await;
    with_writer(&studio).await;
    studio.resume_run(run.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!((view.run.state, view.writer), (RunState::Completed, None));
    assert!(!seen.paths.lock().unwrap().contains(&PathBuf::from(WRITER)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_is_not_left_out_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 4, 10);
    let project = studio.open_sample("review-mood").unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    studio.pause_run(run.id).await;
    let moved = Moved {
        writer: Some(WRITER.into()),
        ..Moved::default()
    };
    let runs = studio.runs_service();
    let again = runs.lease_again(RunId(run.id), "auto", moved).await;
    assert_eq!(again.err().unwrap().code, "other_writer");
    assert!(!seen.paths.lock().unwrap().contains(&PathBuf::from(WRITER)));
    studio.resume_run(run.id).await.unwrap();
    let (_, view) = to_the_end(&studio, run.id);
    assert_eq!(view.run.state, RunState::Completed);
}

/// Takes out of a database what earlier versions of the program did not note.
fn without_the_writers_file(folder: &Path) {
    let done = std::process::Command::new("python3")
        .args([
            "-c",
            "import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
base.execute(\"UPDATE runs SET writer_json = json_remove(writer_json, '$.model')\")
base.commit()",
        ])
        .arg(folder.join("pmpo.sqlite"))
        .status();
    assert!(done.unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_did_not_note_its_writer_takes_the_projects_and_notes_it() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 4, 10);
    let (project, run) = paused_with_writer(&studio).await;
    without_the_writers_file(folder.path());
    studio.resume_run(run).await.unwrap();
    studio.pause_run(run).await;
    // Noted by now, it does not change with the project any more.
    let mut draft = studio.project(project).unwrap().draft;
    draft.writer_path = None;
    studio.save_draft(project, &draft).unwrap();
    // It may have come to its end before the pause.
    if studio.run_view(run).unwrap().run.state == RunState::Paused {
        studio.resume_run(run).await.unwrap();
        to_the_end(&studio, run);
    }
    let view = studio.run_view(run).unwrap();
    assert_eq!(view.run.state, RunState::Completed);
    assert_eq!(view.writer.unwrap().name, "Writer");
    assert!(seen.paths.lock().unwrap().contains(&PathBuf::from(WRITER)));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_in_the_place_of_the_writer_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 4, 10);
    let (_, run) = paused_with_writer(&studio).await;
    seen.other_writer.store(true, SeqCst);
    let refused = studio.resume_run(run).await.unwrap_err();
    assert_eq!(refused.code, "other_writer");
    assert!(refused.message.contains("Another"), "{refused:?}");
    // Nothing is lost: back in its place it goes on.
    seen.other_writer.store(false, SeqCst);
    studio.resume_run(run).await.unwrap();
    let (_, view) = to_the_end(&studio, run);
    assert_eq!(view.run.state, RunState::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scorer_that_comes_back_in_another_way_pauses_the_run() {
    let whole = {
        let folder = tempfile::tempdir().unwrap();
        let (studio, _) = studio(folder.path(), 1, 1);
        let project = with_writer(&studio).await;
        let run = studio.start_run(project).await.unwrap();
        to_the_end(&studio, run.id).1
    };
    for (other_file, words) in [(false, "another card"), (true, "is not the one of before")] {
        let folder = tempfile::tempdir().unwrap();
        let (studio, seen) = studio(folder.path(), 1, 1);
        let project = with_writer(&studio).await;
        let switch = match other_file {
            true => &seen.other_file,
            false => &seen.elsewhere,
        };
        let run = studio.start_run(project).await.unwrap();
        // The scorer is here; the next one that is loaded is another.
        switch.store(true, SeqCst);
        let (_, view) = to_the_end(&studio, run.id);
        assert_eq!(view.run.state, RunState::Paused);
        let error = view.run.error.unwrap();
        assert!(error.message.contains(words), "{error:?}");
        assert!(error.message.contains("compared"), "{error:?}");
        // Nothing that the other one scored was kept.
        let kept = view.candidates;
        assert!(!kept.is_empty() && kept.len() < whole.candidates.len());
        assert_eq!(whole.candidates[..kept.len()], kept);
        let refused = studio.resume_run(run.id).await.unwrap_err();
        assert!(["other_device", "other_model"].contains(&refused.code));

        switch.store(false, SeqCst);
        studio.resume_run(run.id).await.unwrap();
        let (_, view) = to_the_end(&studio, run.id);
        assert_eq!(view.run.state, RunState::Completed);
        assert_eq!(view.best, whole.best);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_in_turn_need_the_memory_for_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, seen) = studio(folder.path(), 1, 200);
    let project = with_writer(&studio).await;
    let scoring = studio.clone();
    let scored = tokio::spawn(async move { scoring.score_prompt(project, "Be brief.").await });
    while seen.loads.load(SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    // With the same scorer, but it cannot leave the memory for the writer: the run waits for
    // what takes a moment.
    let run = studio.start_run(project).await.unwrap();
    assert!(scored.is_finished(), "the scorer was taken away");
    scored.await.unwrap().unwrap();
    studio.pause_run(run.id).await;
    assert_eq!(seen.most.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_a_run_writes_with_is_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let repository = folder.path().join("hub/models--ada--small");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = repository.join("snapshots").join(commit);
    std::fs::create_dir_all(&snapshot).unwrap();
    std::fs::create_dir_all(repository.join("refs")).unwrap();
    std::fs::write(repository.join("refs/main"), commit).unwrap();
    let file = snapshot.join("writer.gguf");
    std::fs::write(&file, "weights").unwrap();
    // Read by this test alone.
    std::env::set_var("HF_HUB_CACHE", folder.path().join("hub"));

    let (studio, _) = studio(folder.path(), 1, 10);
    let project = studio.open_sample("review-mood").unwrap();
    let mut draft = project.draft;
    draft.writer_path = Some(file.display().to_string());
    studio.save_draft(project.id, &draft).unwrap();
    let run = studio.start_run(project.id).await.unwrap();
    let files = ["writer.gguf".to_owned()];
    let refused = studio.remove_model("ada/small", &files).unwrap_err();
    assert_eq!(refused.code, "busy");
    assert!(file.exists());
    studio.stop_run(run.id).await;
    studio.remove_model("ada/small", &files).unwrap();
    assert!(!file.exists());
}
