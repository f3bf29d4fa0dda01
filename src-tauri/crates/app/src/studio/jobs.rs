//! Runs as jobs: started, watched, paused, stopped, resumed.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{plan, Activity, Part, RunEvent, Task};
use pmpo_store::{ProjectId, RunId, RunState};
use tokio::sync::watch;

use super::users::{Doing, User};
use super::{held, RunSink, Studio, Watcher};
use crate::error::{DEVICE, LOCKED, UNEXPECTED};
use crate::job::must_fit;
use crate::wire::{
    Candidate, JobEstimate, Progress, RunMessage, RunPhase, RunSummary, SegmentView, ShellEvent,
    StepSummary,
};
use crate::{caught, execute, fault, open_store_at, prepare, AppError, Control, NewJob};

/// The run that is going on.
pub(super) struct Job {
    pub(super) run: RunId,
    pub(super) control: Control,
    pub(super) phase: RunPhase,
    pub(super) progress: Option<Progress>,
    /// Prompts heard of, for messages that name one by its number.
    heard: HashMap<u32, Candidate>,
    /// What it runs on, and how quickly lately.
    model: Weak<dyn LanguageModel>,
    pace: Pace,
    /// Closed when the job is over.
    over: watch::Receiver<()>,
}

/// Says that a run goes on, until its thread ends in whatever way.
struct Going {
    studio: Arc<Studio>,
    _claim: User,
}

impl Drop for Going {
    fn drop(&mut self) {
        *held(&self.studio.job) = None;
    }
}

impl Studio {
    /// Work and time of a run of the project's draft.
    pub async fn estimate(&self, project: i64) -> Result<JobEstimate, AppError> {
        let draft = self.draft(ProjectId(project))?;
        let task = self.task(ProjectId(project))?;
        let model = self
            .model(Doing::Scoring, draft.model_path.as_deref(), &draft.device)
            .await?;
        let cancel = tokio_util::sync::CancellationToken::new();
        let settings = self.run_settings(&self.store(), &draft);
        let plan = plan(&task, &settings, &*model).await?;
        let estimate = crate::estimate(&task, &settings, &plan, &*model, &cancel).await?;
        Ok(estimate.into())
    }

    /// What the project's draft and data make together.
    pub(super) fn task(&self, project: ProjectId) -> Result<Task, AppError> {
        let draft = self.draft(project)?;
        let store = self.store();
        let Some(dataset) = store.project_row(project)?.dataset else {
            return Err(fault!("no_data.none"));
        };
        Ok(Task {
            prompt: draft.prompt,
            description: draft.description,
            examples: store.examples(dataset)?,
            frozen: draft.locked,
            looks: 0,
            split: None,
            earlier: None,
        })
    }

    /// Starts a run of the project's draft.
    pub async fn start_run(self: &Arc<Self>, project: i64) -> Result<RunSummary, AppError> {
        let claim = self.users.claim_run()?;
        let id = ProjectId(project);
        let draft = self.draft(id)?;
        // What a run measures stays as it is.
        self.store().close_examples(id)?;
        self.forget_tables();
        let task = self.task(id)?;
        let path = draft
            .model_path
            .clone()
            .unwrap_or_else(|| crate::built_in_model().display().to_string());
        let model = self
            .model_of_run(&claim, draft.model_path.as_deref(), &draft.device)
            .await?;
        let model = self.run_model(&claim, model, path.as_ref(), &draft).await?;
        // Faults of prompt and data are told before anything is stored.
        let settings = self.run_settings(&self.store(), &draft);
        let plan = plan(&task, &settings, &*model).await?;
        let run = {
            let mut store = self.store();
            let row = store.project_row(id)?;
            let dataset = row.dataset.map(|dataset| store.dataset(dataset));
            let data = dataset.transpose()?;
            let count = store.runs()?.iter().filter(|run| run.project == id).count();
            let job = NewJob {
                project: row.name.clone(),
                name: format!("{} {}", row.name, count + 1),
                source: data.as_ref().map_or_else(String::new, |d| d.source.clone()),
                recipe: data
                    .as_ref()
                    .and_then(|data| serde_json::from_value(data.recipe.clone()?).ok()),
                mapping: data
                    .and_then(|data| serde_json::from_value(data.columns).ok())
                    .ok_or_else(|| fault!("no_data.unreadable"))?,
                task,
                settings,
                model_path: path,
            };
            prepare(&mut store, &job, &plan, &*model)?
        };
        self.begin(run, model, claim)?;
        self.summary(run)
    }

    /// Goes on with a run that was broken off.
    pub async fn resume_run(self: &Arc<Self>, run: i64) -> Result<RunSummary, AppError> {
        let claim = self.users.claim_run()?;
        let run = RunId(run);
        let (path, draft) = {
            let store = self.store();
            let row = store.run(run)?;
            let path = store.model(row.model)?.path;
            (path, self.draft_of(&store, row.project)?)
        };
        let built_in = crate::built_in_model().display().to_string();
        let named = (path != built_in).then_some(path.as_str());
        let model = self.model_of_run(&claim, named, &draft.device).await?;
        let fits = {
            let store = self.store();
            must_fit(&store, &store.run(run)?, model.description())
        };
        if let Err(other) = fits {
            // The next attempt looks for the device anew.
            *self.loaded.lock().await = None;
            return Err(other);
        }
        let model = self.run_model(&claim, model, path.as_ref(), &draft).await?;
        self.begin(run, model, claim)?;
        self.summary(run)
    }

    fn begin(
        self: &Arc<Self>,
        run: RunId,
        model: Arc<dyn LanguageModel>,
        claim: User,
    ) -> Result<(), AppError> {
        let control = Control::default();
        let (ended, over) = watch::channel(());
        *held(&self.job) = Some(Job {
            run,
            control: control.clone(),
            phase: RunPhase::MeasuringStart,
            progress: None,
            heard: HashMap::new(),
            model: Arc::downgrade(&model),
            pace: Pace::default(),
            over,
        });
        let going = Going {
            studio: self.clone(),
            _claim: claim,
        };
        let studio = self.clone();
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: writing to the database waits for the disk.
        let spawned = std::thread::Builder::new()
            .name(format!("run {}", run.0))
            .spawn(move || {
                let result = caught(|| {
                    let mut store = open_store_at(&studio.folder)?;
                    let heard = &mut |event: &RunEvent| studio.heard(run, event);
                    runtime.block_on(execute(&mut store, run, &*model, &control, heard))
                });
                drop(model);
                drop(going);
                studio.ended(run, result.err());
                drop(ended);
            });
        if let Err(why) = spawned {
            return Err(fault!("thread", why = &why));
        }
        if let Ok(summary) = self.summary(run) {
            self.tell(ShellEvent::RunChanged { run: summary });
        }
        Ok(())
    }

    /// Turns what a run does into what its watchers are told.
    fn heard(&self, run: RunId, event: &RunEvent) {
        let message = {
            let mut job = held(&self.job);
            let Some(job) = job.as_mut().filter(|job| job.run == run) else {
                return;
            };
            match event {
                RunEvent::Busy { activity } => {
                    let phase = match activity {
                        Activity::Start => RunPhase::MeasuringStart,
                        Activity::Analysis => RunPhase::Analysing,
                        Activity::Candidates => RunPhase::Trying,
                        Activity::Demonstrations => RunPhase::Demonstrating,
                        Activity::Pruning => RunPhase::Pruning,
                        Activity::Validation => RunPhase::Validating,
                        Activity::Answers => RunPhase::Answering,
                        Activity::Journal => RunPhase::WaitingForDatabase,
                    };
                    job.phase = phase;
                    RunMessage::Phase { phase }
                }
                RunEvent::Scored {
                    candidate,
                    part: Part::Train,
                    score,
                } => {
                    let candidate = Candidate::new(candidate, Some(score), None);
                    job.heard.insert(candidate.ordinal, candidate.clone());
                    RunMessage::Candidate { candidate }
                }
                RunEvent::Refused { candidate, refusal } => RunMessage::Candidate {
                    candidate: Candidate::new(candidate, None, Some(refusal)),
                },
                RunEvent::Analysed {
                    step,
                    candidate,
                    findings,
                } => {
                    let text = job.heard.get(candidate).map(|one| one.text.as_str());
                    let text = text.unwrap_or_default();
                    let segments = SegmentView::new(*step, *candidate, text, findings);
                    RunMessage::Segments { segments }
                }
                RunEvent::StepDone {
                    step,
                    incumbent,
                    loss,
                    improved,
                } => match job.heard.get(incumbent).cloned() {
                    Some(best) => RunMessage::Step {
                        step: StepSummary {
                            step: *step,
                            incumbent: *incumbent,
                            loss: *loss,
                            improved: *improved,
                        },
                        best,
                    },
                    None => return,
                },
                RunEvent::Progress { done, left } => {
                    let mut progress = Progress::new(*done, left);
                    progress.speed = job.pace.after(*done, Instant::now());
                    let model = job.model.upgrade();
                    progress.memory = model.and_then(|model| model.memory()).map(Into::into);
                    job.progress = Some(progress);
                    RunMessage::Progress { progress }
                }
                _ => return,
            }
        };
        self.send(run, &message);
    }

    /// Tells that a model is being loaded, or that the run goes on.
    pub(super) fn tell_loading(&self, loading: bool) {
        let job = held(&self.job);
        let Some((run, phase)) = job.as_ref().map(|job| (job.run, job.phase)) else {
            return;
        };
        drop(job);
        let phase = match loading {
            true => RunPhase::LoadingModel,
            false => phase,
        };
        self.send(run, &RunMessage::Phase { phase });
    }

    fn ended(&self, run: RunId, error: Option<AppError>) {
        let spoils = |error: &AppError| [DEVICE, UNEXPECTED].contains(&error.code);
        if error.as_ref().is_some_and(spoils) {
            // What is left of it on the device is of no use. A lock that is held is
            // another one's, who loads anew.
            if let Ok(mut loaded) = self.loaded.try_lock() {
                *loaded = None;
            }
        }
        self.forget_tables();
        // One that could not be stored was tried to be paused already.
        if let Some(error) = error.as_ref().filter(|error| error.code != LOCKED) {
            // A run that could not even begin, or that panicked, has no record of why.
            let mut store = self.store();
            let open = |state| matches!(state, RunState::Queued | RunState::Running);
            if store.run(run).is_ok_and(|row| open(row.state)) {
                // The fault itself may be that nothing can be written.
                let _ = store.set_run_state(run, RunState::Failed, Some(&error.to_store()));
            }
        }
        if let Ok(mut view) = self.run_view(run.0) {
            // Told all the same where it could not be stored.
            let locked = error.filter(|error| error.code == LOCKED);
            view.run.error = view.run.error.or(locked);
            let summary = view.run.clone();
            let view = Box::new(view);
            self.send(run, &RunMessage::Ended { view });
            self.tell(ShellEvent::RunChanged { run: summary });
        }
    }

    fn send(&self, run: RunId, message: &RunMessage) {
        held(&self.watchers)
            .retain(|watcher| watcher.run != run || (watcher.sink)(message.clone()));
    }

    /// Tells where a run stands, then everything that happens in it.
    ///
    /// A message may repeat what the snapshot already holds, never leave it out.
    pub fn watch_run(&self, run: i64, sink: RunSink) -> Result<u32, AppError> {
        let number = self.number();
        let mut watchers = held(&self.watchers);
        let view = Box::new(self.run_view(run)?);
        if sink(RunMessage::Snapshot { view }) {
            watchers.push(Watcher {
                number,
                run: RunId(run),
                sink,
            });
        }
        Ok(number)
    }

    /// Ends a subscription.
    pub fn unwatch(&self, number: u32) {
        held(&self.watchers).retain(|watcher| watcher.number != number);
    }

    /// Breaks the run off and waits until it is. A run that is not going on stays as it is.
    pub async fn pause_run(&self, run: i64) {
        self.interrupt(run, Control::pause).await;
    }

    /// Ends the run and waits until it has; the best so far is its result.
    pub async fn stop_run(&self, run: i64) {
        self.interrupt(run, Control::stop).await;
    }

    async fn interrupt(&self, run: i64, how: fn(&Control)) {
        let over = {
            let job = held(&self.job);
            let Some(job) = job.as_ref().filter(|job| job.run == RunId(run)) else {
                return;
            };
            how(&job.control);
            job.over.clone()
        };
        let mut over = over;
        // The sender is dropped at the end; a forward pass takes seconds at most.
        let _ = tokio::time::timeout(Duration::from_secs(60), over.changed()).await;
    }

    /// The run that is going on.
    pub fn active_run(&self) -> Option<i64> {
        held(&self.job).as_ref().map(|job| job.run.0)
    }
}

/// Seconds over which speed is taken.
const PACE: Duration = Duration::from_secs(10);

/// Tokens done at some times, the oldest first.
#[derive(Debug, Default)]
struct Pace(VecDeque<(Instant, u64)>);

impl Pace {
    /// Tokens a second of the last seconds; none before two times are known.
    fn after(&mut self, done: u64, now: Instant) -> Option<f64> {
        // A count that starts anew is another run's.
        if self.0.back().is_some_and(|(_, before)| *before > done) {
            self.0.clear();
        }
        self.0.push_back((now, done));
        while self.0.len() > 2 && now.duration_since(self.0[1].0) > PACE {
            self.0.pop_front();
        }
        let (since, before) = *self.0.front()?;
        let seconds = now.duration_since(since).as_secs_f64();
        (seconds > 0.2).then(|| (done - before) as f64 / seconds)
    }
}
