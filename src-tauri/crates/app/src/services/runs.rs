//! Runs: prepared, executed, watched, paused, stopped, gone on with.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use pmpo_core::model::LanguageModel;
use pmpo_core::optimize::{Activity, Outcome, Part, Plan, RunEvent};
use pmpo_store::{RunId, RunRow, RunState, Writer};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::error::{DEVICE, LOCKED, UNEXPECTED};
use crate::events::Events;
use crate::job::{
    estimate, execute, is_worked_on, must_fit, prepare, unfinished, worked_on, Control,
    JobEstimate, RunSpec,
};
use crate::locks::held;
use crate::models::{Lease, LoadingSink, ModelHost, ModelRef};
use crate::services::tables::Tables;
use crate::wire::{
    Candidate, Progress, RunMessage, RunPhase, SegmentView, ShellEvent, StepSummary,
};
use crate::{caught, fault, guarded, open_store_at, AppError};

/// Takes messages about a run; `false` once nobody listens any more.
pub type RunSink = Box<dyn Fn(RunMessage) -> bool + Send>;

/// The models of a run and where they are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunModels {
    /// The model that scores.
    pub scorer: ModelRef,
    /// The model that writes, where it is another one.
    pub writer: Option<ModelRef>,
    /// `auto`, `cpu`, or `gpu` and its number.
    pub device: String,
}

/// The right to be the one run that goes on.
pub struct RunClaim(Lease);

/// Where the models of a run that goes on are now, if not where they were.
#[derive(Debug, Clone, Default)]
pub struct Moved {
    /// The model that scores.
    pub scorer: Option<ModelRef>,
    /// The model that writes.
    pub writer: Option<ModelRef>,
    /// The model that writes for runs of earlier versions of the program, which did not note
    /// which one it was, and for those whose server was forgotten. The run notes it then.
    pub unnoted_writer: Option<ModelRef>,
}

/// The models of a run, which nobody takes away from it.
pub struct RunLease {
    // Given back first: who comes next must find it unused.
    model: Arc<dyn LanguageModel>,
    models: RunModels,
    claim: RunClaim,
}

impl RunLease {
    /// Both models as one.
    pub fn model(&self) -> &dyn LanguageModel {
        &*self.model
    }

    /// Which they are.
    pub fn models(&self) -> &RunModels {
        &self.models
    }
}

struct Watcher {
    number: u32,
    run: RunId,
    sink: RunSink,
}

/// The run that is going on.
struct Job {
    run: RunId,
    control: Control,
    phase: RunPhase,
    progress: Option<Progress>,
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
    runs: Arc<Runs>,
    _claim: RunClaim,
}

impl Drop for Going {
    fn drop(&mut self) {
        *held(&self.runs.job) = None;
    }
}

/// The one run that may go on, and who watches runs.
pub struct Runs {
    pub(super) database: Arc<Database>,
    events: Arc<Events>,
    models: Arc<ModelHost>,
    tables: Arc<Tables>,
    job: Mutex<Option<Job>>,
    watchers: Mutex<Vec<Watcher>>,
    next: AtomicU32,
}

impl Runs {
    pub(crate) fn new(
        database: Arc<Database>,
        events: Arc<Events>,
        models: Arc<ModelHost>,
        tables: Arc<Tables>,
    ) -> Self {
        Self {
            database,
            events,
            models,
            tables,
            job: Mutex::default(),
            watchers: Mutex::default(),
            next: AtomicU32::new(1),
        }
    }

    /// Claims to be the one run that goes on; dropped, the claim ends.
    ///
    /// # Errors
    ///
    /// `busy` where a run goes on already.
    pub fn claim(&self) -> Result<RunClaim, AppError> {
        Ok(RunClaim(self.models.claim_run()?))
    }

    /// The models of a new run.
    ///
    /// # Errors
    ///
    /// `busy` where another model would have to go that somebody uses, and what loading
    /// says.
    pub async fn lease(
        self: &Arc<Self>,
        claim: RunClaim,
        models: RunModels,
    ) -> Result<RunLease, AppError> {
        let scorer = self
            .models
            .acquire_for_run(&claim.0, &models.scorer, &models.device)
            .await?;
        self.joined(claim, scorer, models).await
    }

    async fn joined(
        self: &Arc<Self>,
        claim: RunClaim,
        scorer: Arc<dyn LanguageModel>,
        models: RunModels,
    ) -> Result<RunLease, AppError> {
        let runs = Arc::downgrade(self);
        let loading: LoadingSink = Arc::new(move |loading| {
            if let Some(runs) = runs.upgrade() {
                runs.tell_loading(loading);
            }
        });
        let RunModels {
            scorer: named,
            writer,
            device,
        } = &models;
        let model = self
            .models
            .join(&claim.0, (scorer, named), writer.as_ref(), device, loading)
            .await?;
        Ok(RunLease {
            model,
            models,
            claim,
        })
    }

    /// The newest run that has not come to its end, if any.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub fn unfinished(&self) -> Result<Option<RunId>, AppError> {
        unfinished(&*self.database.read()?)
    }

    /// The models of a run that was broken off: its own scorer and its own writer, or what
    /// `moved` says that they are now.
    ///
    /// # Errors
    ///
    /// `other_model` and `other_device` where losses could not be compared with those so
    /// far, `other_writer` where the writer is not the one of before or there was none, and
    /// those of [`Self::lease`].
    pub async fn lease_again(
        self: &Arc<Self>,
        run: RunId,
        device: &str,
        moved: Moved,
    ) -> Result<RunLease, AppError> {
        let claim = self.claim()?;
        let (row, scorer) = {
            let store = self.database.read()?;
            let row = store.run(run)?;
            if is_worked_on(&store, run) {
                return Err(worked_on(run));
            }
            let path = store.model(row.model)?.path;
            (row, moved.scorer.unwrap_or_else(|| path.as_str().into()))
        };
        let own = row.writer.as_ref();
        if own.is_none() && moved.writer.is_some() {
            return Err(fault!("other_writer.none"));
        }
        let noted = own.and_then(|own| own.model.as_deref()).map(ModelRef::from);
        // A server that the person forgot is taken out of the run as well.
        let noted = noted.filter(|named| !self.models.is_forgotten(named));
        let models = RunModels {
            scorer,
            writer: own.and(moved.writer.or(noted.clone()).or(moved.unnoted_writer)),
            device: device.to_owned(),
        };
        let scorer = self
            .models
            .acquire_for_run(&claim.0, &models.scorer, device)
            .await?;
        let fits = must_fit(&*self.database.read()?, &row, scorer.description());
        if let Err(other) = fits {
            // The next attempt looks for the device anew.
            self.models.forget().await;
            return Err(other);
        }
        let lease = self.joined(claim, scorer, models).await?;
        self.must_write_the_same(&row, noted.as_ref(), &lease)?;
        Ok(lease)
    }

    /// Whether the writer is the one that the run was made with, so that what is stored of
    /// it stays true.
    fn must_write_the_same(
        &self,
        row: &RunRow,
        noted: Option<&ModelRef>,
        lease: &RunLease,
    ) -> Result<(), AppError> {
        let now = writer(lease);
        let (Some(then), Some(now)) = (&row.writer, &now) else {
            // A run that lost its writer goes on without, and says so.
            if row.writer.is_some() {
                self.database.write().set_run_writer(row.id, None)?;
            }
            return Ok(());
        };
        if noted.is_some() && then.name != now.name {
            return Err(fault!("other_writer", then = &then.name, now = &now.name));
        }
        if then != now {
            self.database.write().set_run_writer(row.id, Some(now))?;
        }
        Ok(())
    }

    /// Work and time of a run before it starts.
    ///
    /// # Errors
    ///
    /// Those of the model.
    pub async fn estimate(
        &self,
        lease: &RunLease,
        spec: &RunSpec,
        plan: &Plan,
        cancel: &CancellationToken,
    ) -> Result<JobEstimate, AppError> {
        estimate(&spec.task, &spec.settings, plan, lease.model(), cancel).await
    }

    /// Stores everything that a run depends on, and queues it. The plan is that of its task
    /// and settings: what stands in its way is told before anything is stored.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub fn prepare(
        &self,
        lease: &RunLease,
        spec: &RunSpec,
        plan: &Plan,
    ) -> Result<RunId, AppError> {
        let writer = writer(lease);
        let (description, scorer) = (lease.model().description(), &lease.models.scorer);
        let mut store = self.database.write();
        prepare(&mut store, spec, plan, (description, scorer), writer)
    }

    /// Executes a run here, to its end or until `control` ends it. `seen` hears every event
    /// once it is stored.
    ///
    /// # Errors
    ///
    /// Those of [`execute`].
    pub async fn execute(
        &self,
        run: RunId,
        lease: RunLease,
        control: &Control,
        seen: &mut (dyn FnMut(&RunEvent) + Send),
    ) -> Result<Outcome, AppError> {
        let mut store = open_store_at(self.database.folder())?;
        execute(&mut store, run, lease.model(), control, seen).await
    }

    /// Begins to execute a run in a thread of its own.
    ///
    /// # Errors
    ///
    /// `thread` where there can be none.
    pub fn begin(self: &Arc<Self>, run: RunId, lease: RunLease) -> Result<(), AppError> {
        let RunLease { model, claim, .. } = lease;
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
            runs: self.clone(),
            _claim: claim,
        };
        let runs = self.clone();
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: writing to the database waits for the disk.
        let spawned = std::thread::Builder::new()
            .name(format!("run {}", run.0))
            .spawn(move || {
                let result = caught(|| {
                    let mut store = open_store_at(runs.database.folder())?;
                    let heard = &mut |event: &RunEvent| runs.heard(run, event);
                    runtime.block_on(execute(&mut store, run, &*model, &control, heard))
                });
                drop(model);
                drop(going);
                let _ = guarded(|| runs.ended(run, result.err()));
                drop(ended);
            });
        if let Err(why) = spawned {
            return Err(fault!("thread", why = &why));
        }
        if let Ok(summary) = self.summary(run) {
            self.events.tell(ShellEvent::RunChanged { run: summary });
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
    fn tell_loading(&self, loading: bool) {
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
        if let Some(error) = &error {
            tracing::warn!(
                run = run.0,
                code = error.code,
                "a run did not come to its end"
            );
        }
        let spoils = |error: &AppError| [DEVICE, UNEXPECTED].contains(&error.code);
        if error.as_ref().is_some_and(spoils) {
            // What is left of it on the device is of no use.
            self.models.forget_at_rest();
        }
        self.tables.forget();
        // One that could not be stored was tried to be paused already, and one that another
        // program works on is that program's.
        let elsewhere = |error: &&AppError| [LOCKED, "worked_on"].contains(&error.code);
        if let Some(error) = error.as_ref().filter(|error| !elsewhere(error)) {
            // A run that could not even begin, or that panicked, has no record of why.
            let mut store = self.database.write();
            let open = |state| matches!(state, RunState::Queued | RunState::Running);
            if store.run(run).is_ok_and(|row| open(row.state)) {
                // The fault itself may be that nothing can be written.
                let _ = store.set_run_state(run, RunState::Failed, Some(&error.to_store()));
            }
        }
        if let Ok(mut view) = self.view(run.0) {
            // Told all the same where it could not be stored.
            let locked = error.filter(|error| error.code == LOCKED);
            view.run.error = view.run.error.or(locked);
            let summary = view.run.clone();
            let view = Box::new(view);
            // A watcher that fails keeps nobody else from hearing of the end.
            let _ = guarded(|| self.send(run, &RunMessage::Ended { view }));
            self.events.tell(ShellEvent::RunChanged { run: summary });
        }
    }

    fn send(&self, run: RunId, message: &RunMessage) {
        held(&self.watchers)
            .retain(|watcher| watcher.run != run || (watcher.sink)(message.clone()));
    }

    /// Tells where a run stands, then everything that happens in it.
    ///
    /// A message may repeat what the snapshot already holds, never leave it out.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub(crate) fn watch(&self, run: i64, sink: RunSink) -> Result<u32, AppError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut watchers = held(&self.watchers);
        let view = Box::new(self.view(run)?);
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
    pub(crate) fn unwatch(&self, number: u32) {
        held(&self.watchers).retain(|watcher| watcher.number != number);
    }

    /// Breaks the run off and waits until it is. A run that is not going on stays as it is.
    pub(crate) async fn pause(&self, run: i64) {
        self.interrupt(run, Control::pause).await;
    }

    /// Ends the run and waits until it has; the best so far is its result.
    pub(crate) async fn stop(&self, run: i64) {
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
    pub(crate) fn active(&self) -> Option<i64> {
        held(&self.job).as_ref().map(|job| job.run.0)
    }

    /// What a run is busy with just now, if it is the one that goes on.
    pub(super) fn at_work(&self, run: RunId) -> Option<(RunPhase, Option<Progress>)> {
        let job = held(&self.job);
        let job = job.as_ref().filter(|job| job.run == run)?;
        Some((job.phase, job.progress))
    }
}

/// Who writes a run's rewrites, where that is another model than the one that scores.
fn writer(lease: &RunLease) -> Option<Writer> {
    let (own, writer) = (lease.model().description(), lease.model().writer());
    let named = lease.models.writer.as_ref()?;
    (own != writer).then(|| Writer {
        name: writer.name.clone(),
        device: writer.device.clone(),
        model: Some(named.to_string()),
    })
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
