use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pmpo_core::dataset::Example;
use pmpo_core::kind::kind;
use pmpo_core::model::{Generated, LanguageModel, ModelDescription, ModelError, ScoreItem};
use pmpo_core::optimize::{
    optimize, Activity, Earlier, EvalContext, GenerationKey, Journal, JournalError, OptimizeError,
    Origin, Outcome, PairKey, PairLedger, PairLoss, Plan, RunEvent, Settings, StopReason, Task,
    METHOD, SCORING_REVISION,
};
use pmpo_core::prompt::Prompt;
use pmpo_store::{
    CandidateRow, NewDataset, NewRun, ProjectId, RunId, RunRow, RunState, Store, StoreError, Writer,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::data::{Mapping, Recipe};
use crate::models::ModelRef;
use crate::paths::data_dir;
use crate::patience::{patiently, OF_AN_ATTEMPT, OF_A_RUN};
use crate::scoring::lost;
use crate::versions::keep_written;
use crate::wire::{self, TooLongRow};
use crate::{fault, AppError};

/// The project of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunProject {
    /// One that is there.
    Known(ProjectId),
    /// One of this name, made where missing.
    Named(String),
}

/// What a run needs before it is stored.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// The project.
    pub project: RunProject,
    /// Name of the run.
    pub name: String,
    /// Where the examples came from, in words.
    pub source: String,
    /// The columns used.
    pub mapping: Mapping,
    /// How the file is read again.
    pub recipe: Option<Recipe>,
    /// The task.
    pub task: Task,
    /// All settings.
    pub settings: Settings,
}

/// Work and time of a run before it starts.
#[derive(Debug, Clone, Serialize)]
pub struct JobEstimate {
    /// Tokens to compute, roughly.
    pub tokens: u64,
    /// Minutes at the speed measured on a few examples.
    pub minutes: f64,
    /// Examples that choose.
    pub train: usize,
    /// Examples that check.
    pub validation: usize,
    /// Rows left out because they do not fit the window, with their tokens.
    pub left_out: Vec<(usize, usize)>,
    /// Tokens a second.
    pub speed: f64,
}

impl From<JobEstimate> for wire::JobEstimate {
    fn from(estimate: JobEstimate) -> Self {
        Self {
            tokens: estimate.tokens,
            minutes: estimate.minutes,
            train: estimate.train,
            validation: estimate.validation,
            left_out: TooLongRow::list(&estimate.left_out),
            tokens_per_second: estimate.speed,
        }
    }
}

/// Measures the model's speed on a few examples, and so the time of a plan.
pub(crate) async fn estimate(
    task: &Task,
    settings: &Settings,
    plan: &Plan,
    model: &dyn LanguageModel,
    cancel: &CancellationToken,
) -> Result<JobEstimate, AppError> {
    let prompt = Prompt::parse(&task.prompt);
    let items = plan
        .split
        .train
        .iter()
        .take(4)
        .map(|&index| {
            let example = &task.examples[index];
            let has_template = model.description().has_chat_template;
            Ok(ScoreItem {
                conversation: prompt.render(&example.input, &example.columns, has_template)?,
                answer: example.answer.best().to_owned(),
                end_of_turn: settings.end_of_turn,
            })
        })
        .collect::<Result<Vec<_>, pmpo_core::optimize::OptimizeError>>()?;
    let clock = Instant::now();
    let tokens = model.score(&items, cancel).await?.tokens.computed;
    let speed = tokens as f64 / clock.elapsed().as_secs_f64().max(1e-6);
    Ok(describe(plan, task, speed))
}

fn describe(plan: &Plan, task: &Task, speed: f64) -> JobEstimate {
    JobEstimate {
        tokens: plan.tokens,
        minutes: plan.tokens as f64 / speed / 60.0,
        train: plan.split.train.len(),
        validation: plan.split.validation.len(),
        left_out: plan
            .left_out
            .iter()
            .map(|&(index, tokens)| (task.examples[index].row, tokens))
            .collect(),
        speed,
    }
}

/// Stores everything a run depends on, with the split of its examples, and
/// queues it. Faults of prompt, data and settings are told before anything is
/// stored: they stand in `plan`'s way.
pub(crate) fn prepare(
    store: &mut Store,
    job: &RunSpec,
    plan: &Plan,
    (scorer, named): (&ModelDescription, &ModelRef),
    writer: Option<Writer>,
) -> Result<RunId, AppError> {
    let json = |value: Result<serde_json::Value, serde_json::Error>| {
        value.map_err(|why| fault!("store.json", why = why.to_string()))
    };
    let project = match &job.project {
        RunProject::Known(id) => store.project_row(*id)?.id,
        RunProject::Named(name) => store.project(name)?,
    };
    let columns = json(serde_json::to_value(&job.mapping))?;
    let kind = match job.task.examples.first().map(|example| &example.answer) {
        Some(pmpo_core::dataset::Answer::Preference { .. }) => "preference",
        _ => "supervised",
    };
    let recipe = job.recipe.as_ref().map(serde_json::to_value);
    let recipe = recipe.map(json).transpose()?;
    let dataset = NewDataset {
        project,
        name: &job.name,
        source: &job.source,
        kind,
        columns: &columns,
        recipe: recipe.as_ref(),
    };
    let dataset = store.add_dataset(&dataset, &job.task.examples)?;
    let model_id = store.add_model(scorer, &named.to_string())?;
    let version = keep_written(store, project, &job.task.prompt)?;
    let run = store.create_run(&NewRun {
        project,
        name: job.name.clone(),
        dataset,
        model: model_id,
        start_version: version.id,
        frozen: job.task.frozen.clone(),
        settings: job.settings.clone(),
        description: job.task.description.clone(),
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        device: scorer.device.clone(),
        writer,
        context: EvalContext::new(scorer, &job.settings),
    })?;
    store.set_run_split(run, &plan.split)?;
    Ok(run)
}

/// The newest run that has not come to its end, if any.
pub(crate) fn unfinished(store: &Store) -> Result<Option<RunId>, AppError> {
    Ok(store
        .runs()?
        .into_iter()
        .find(|run| run.state != RunState::Completed)
        .map(|run| run.id))
}

/// How a person ends a run early.
#[derive(Debug, Clone, Default)]
pub struct Control {
    cancel: CancellationToken,
    pausing: Arc<AtomicBool>,
}

impl Control {
    /// Ends the run; the best so far is kept as its result.
    pub fn stop(&self) {
        self.cancel.cancel();
    }

    /// Breaks the run off; it waits to be resumed.
    pub fn pause(&self) {
        self.pausing.store(true, Ordering::SeqCst);
        self.cancel.cancel();
    }

    fn is_pausing(&self) -> bool {
        self.pausing.load(Ordering::SeqCst)
    }

    /// Trips when either was asked for.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }
}

/// Runs a stored run to its end, from wherever it was broken off.
///
/// Every event is stored, then given to `watch`. The best prompt becomes a
/// version of the project. Model and device must be those that the run was made with.
pub(crate) async fn execute(
    store: &mut Store,
    run: RunId,
    model: &dyn LanguageModel,
    control: &Control,
    watch: &mut (dyn FnMut(&RunEvent) + Send),
) -> Result<Outcome, AppError> {
    let _lock = lock(store, run)?;
    let row = store.run(run)?;
    must_fit(store, &row, model.description())?;
    let start = store.version(row.start_version)?;
    let examples: Vec<Example> = store.examples(row.dataset)?;
    let task = Task {
        prompt: start.text,
        description: row.description.clone(),
        examples,
        frozen: row.frozen.clone(),
        looks: looks(store, row.project, row.dataset)?,
        split: row.split.clone(),
        earlier: earlier(store, &row)?,
    };
    if row.context.revision != SCORING_REVISION {
        // It goes on from its best prompt, which is scored anew.
        let now = EvalContext {
            revision: SCORING_REVISION,
            ..row.context.clone()
        };
        store.set_run_context(run, &now)?;
    }
    let mut journal = StoreJournal {
        store: &mut *store,
        row: &row,
        control,
        watch,
        activity: Activity::Start,
        locked: false,
    };
    tracing::info!(run = run.0, "a run begins or goes on");
    journal.store.set_busy_timeout(OF_AN_ATTEMPT)?;
    let begun = journal.store(|store| store.set_run_state(run, RunState::Running, None));
    if journal.locked {
        return Err(locked_out(journal.store.path()));
    }
    begun?;
    let cancel = control.cancelled();
    let result = optimize(&task, &row.settings, model, model, &mut journal, cancel).await;
    let locked = journal.locked;
    written_down(run, &result);
    result.map_err(|error| {
        let early = matches!(error, OptimizeError::Model(ModelError::Cancelled));
        let device = matches!(
            error,
            OptimizeError::Model(ModelError::Device(_) | ModelError::Changed(_))
        );
        let device = device || locked;
        let error = match locked {
            true => locked_out(store.path()),
            false => AppError::from(error),
        };
        // Broken off before the start prompt was measured is no fault.
        let stored = error.to_store();
        let (state, fault) = match (early, control.is_pausing()) {
            (true, true) => (RunState::Paused, None),
            (true, false) => (RunState::Cancelled, None),
            // The run is right, its device or its database is not: it goes on when
            // that is mended.
            (false, _) if device => (RunState::Paused, Some(stored.as_str())),
            (false, _) => (RunState::Failed, Some(stored.as_str())),
        };
        // The first fault is the one to tell; a full disk would fail here again.
        let _ = store.set_run_state(run, state, fault);
        error
    })
}

/// How a run ended, in the log.
fn written_down(run: RunId, result: &Result<Outcome, OptimizeError>) {
    let run = run.0;
    match result {
        Ok(outcome) => tracing::info!(
            run,
            reason = ?outcome.reason,
            best = outcome.best,
            start_loss = outcome.start_loss,
            best_loss = outcome.best_loss,
            "a run ended"
        ),
        Err(OptimizeError::Model(why)) => tracing::warn!(run, model = kind(why), "a run broke off"),
        Err(why) => tracing::warn!(run, kind = kind(why), "a run broke off"),
    }
}

/// What a run did so far, where it was begun by a method that this program would not
/// repeat letter by letter; nothing where it had not decided a step or tried a prompt.
fn earlier(store: &Store, row: &RunRow) -> Result<Option<Earlier>, AppError> {
    if row.settings.method >= METHOD && row.context.revision == SCORING_REVISION {
        return Ok(None);
    }
    let candidates = store.candidates(row.id)?;
    if candidates.len() < 2 {
        return Ok(None);
    }
    let last = store.steps(row.id)?.last().copied();
    let step = last.map_or(0, |last| last.step);
    let best = last.map_or(0, |last| last.incumbent);
    let find = |ordinal| {
        let found = candidates
            .iter()
            .find(|one| one.candidate.ordinal == ordinal);
        found.map(|one| one.candidate.clone())
    };
    let Some(incumbent) = find(best) else {
        return Ok(None);
    };
    let decided = candidates.iter().filter(|one| one.candidate.step <= step);
    let masked = |one: &&CandidateRow| !matches!(one.candidate.origin, Origin::Mask { .. });
    let highest = candidates.iter().map(|one| one.candidate.ordinal).max();
    Ok(Some(Earlier {
        incumbent,
        step,
        next: highest.map_or(0, |highest| highest + 1),
        tried: decided
            .filter(masked)
            .map(|one| one.candidate.text.clone())
            .collect(),
    }))
}

/// How often held-out examples of this data were looked at before.
fn looks(
    store: &Store,
    project: pmpo_store::ProjectId,
    dataset: pmpo_store::DatasetId,
) -> Result<u32, AppError> {
    let fingerprint = store.dataset(dataset)?.fingerprint;
    Ok(store.held_out_looks(project, &fingerprint)?)
}

/// Why a run was paused whose database another program did not let go of.
fn locked_out(path: &Path) -> AppError {
    fault!("locked.run", path = path)
}

/// Whether a run can go on with a model: the one it was made with, where it was.
pub(crate) fn must_fit(
    store: &Store,
    row: &RunRow,
    model: &ModelDescription,
) -> Result<(), AppError> {
    let stored = store.model(row.model)?;
    if stored.description.sha256 != model.sha256 {
        return Err(fault!(
            "other_model.run",
            run = row.id.0,
            name = stored.description.name,
            path = stored.path
        ));
    }
    let (then, now) = (&row.device, &model.device);
    if !row.context.fits(model) {
        // Its losses so far could not be compared with those that would come.
        return Err(fault!("other_device.run", then = then, now = now));
    }
    Ok(())
}

/// Held while a process works on a run, so that no two do; the system lets go of it when the process dies.
fn lock(store: &Store, run: RunId) -> Result<File, AppError> {
    let folder = locks(store);
    let open = || {
        std::fs::create_dir_all(&folder)?;
        File::create(folder.join(format!("run-{}.lock", run.0)))
    };
    let file = open().map_err(|why| fault!("data_folder.write", folder = &folder, why = &why))?;
    // Whoever looks whether a run is worked on holds the lock for a moment.
    for _ in 0..20 {
        if file.try_lock().is_ok() {
            return Ok(file);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    Err(worked_on(run))
}

/// Why nobody else can go on with a run now.
pub(crate) fn worked_on(run: RunId) -> AppError {
    fault!("worked_on", run = run.0)
}

fn locks(store: &Store) -> PathBuf {
    store
        .path()
        .parent()
        .map_or_else(data_dir, Path::to_owned)
        .join("locks")
}

/// Whether some program is working on a run.
pub(crate) fn is_worked_on(store: &Store, run: RunId) -> bool {
    let path = locks(store).join(format!("run-{}.lock", run.0));
    File::open(path).is_ok_and(|file| file.try_lock_shared().is_err())
}

struct StoreJournal<'a> {
    store: &'a mut Store,
    row: &'a RunRow,
    control: &'a Control,
    watch: &'a mut (dyn FnMut(&RunEvent) + Send),
    /// What the run is busy with, to be told again after a wait.
    activity: Activity,
    /// Whether another program held the database for longer than is waited.
    locked: bool,
}

impl StoreJournal<'_> {
    /// Reads or writes, and waits for another program that writes; a person who pauses
    /// or stops the run does not wait with it.
    fn store<T>(
        &mut self,
        mut work: impl FnMut(&mut Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self {
            store,
            watch,
            control,
            ..
        } = self;
        let mut waited = false;
        let done = patiently(
            OF_A_RUN,
            || work(store),
            || {
                if !waited {
                    waited = true;
                    let activity = Activity::Journal;
                    watch(&RunEvent::Busy { activity });
                }
                !control.cancelled().is_cancelled()
            },
        );
        if waited {
            let activity = self.activity;
            (self.watch)(&RunEvent::Busy { activity });
        }
        self.locked = matches!(done, Err(StoreError::Locked { .. }));
        done
    }

    /// Stores the end of a run with its best prompt as a version of the project.
    fn finish(&mut self, outcome: &Outcome) -> Result<(), StoreError> {
        let run = self.row.id;
        let stopped = outcome.reason == StopReason::Cancelled;
        if stopped && self.control.is_pausing() {
            return self.store(|store| store.set_run_state(run, RunState::Paused, None));
        }
        let mut best = None;
        if outcome.improved() {
            let candidates = self.store(|store| store.candidates(run))?;
            let found = candidates
                .iter()
                .find(|row| row.candidate.ordinal == outcome.best);
            if let Some(found) = found {
                let origin = serde_json::json!({
                    "kind": "run", "run": run.0, "candidate": outcome.best,
                });
                let text = &found.candidate.text;
                let parent = Some(self.row.start_version);
                let project = self.row.project;
                let version =
                    self.store(|store| store.add_version(project, text, parent, &origin))?;
                best = Some(version.id);
            }
        }
        self.store(|store| store.finish_run(run, outcome, best))
    }
}

impl PairLedger for StoreJournal<'_> {
    fn recall_pairs(&mut self, keys: &[PairKey]) -> Result<Vec<Option<PairLoss>>, JournalError> {
        let run = Some(self.row.id);
        self.store(|store| store.recall_pairs(run, keys))
            .map_err(lost)
    }

    fn keep_pairs(&mut self, pairs: &[(PairKey, PairLoss)]) -> Result<(), JournalError> {
        let run = Some(self.row.id);
        self.store(|store| store.keep_pairs(run, pairs))
            .map_err(lost)
    }
}

impl Journal for StoreJournal<'_> {
    fn recall_generated(
        &mut self,
        key: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, JournalError> {
        let run = self.row.id;
        self.store(|store| store.recall_generated(run, key))
            .map_err(lost)
    }

    fn record(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        match event {
            RunEvent::Finished { outcome } => self.finish(outcome),
            other => {
                if let RunEvent::Busy { activity } = other {
                    self.activity = *activity;
                }
                noted(self.row.id, other);
                let run = self.row.id;
                self.store(|store| store.record(run, other))
            }
        }
        .map_err(lost)?;
        (self.watch)(event);
        Ok(())
    }
}

/// An event of a run in the log: numbers only.
fn noted(run: RunId, event: &RunEvent) {
    let run = run.0;
    match event {
        RunEvent::Busy { activity } => tracing::info!(run, ?activity, "a run is busy"),
        RunEvent::StepDone {
            step,
            incumbent,
            loss,
            improved,
        } => tracing::info!(
            run,
            step,
            incumbent,
            loss,
            improved,
            "a step of a run is done"
        ),
        RunEvent::Scored {
            candidate,
            part,
            score,
        } => tracing::debug!(
            run,
            candidate = candidate.ordinal,
            ?part,
            loss = score.loss(),
            examples = score.examples.len(),
            "a prompt was scored"
        ),
        _ => {}
    }
}
