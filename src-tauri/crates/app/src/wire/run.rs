use pmpo_core::device::Device;
use pmpo_core::loss::{Change, Verdict};
use pmpo_core::optimize::{
    DroppedEarly, Estimate, Origin, Outcome, PromptScore, Refusal, SegmentVerdict, Settings,
};
use pmpo_store::{CandidateRow, StepRow, Writer};
use serde::Serialize;
use ts_rs::TS;

use super::{finite, TooLongRow};
use crate::AppError;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Not begun.
    Queued,
    /// Begun; also after a crash, until it is resumed.
    Running,
    /// Broken off by the person; it can go on.
    Paused,
    /// At its end.
    Completed,
    /// Broken off by a fault; it can go on.
    Failed,
    /// Stopped by the person; the best so far is kept.
    Cancelled,
}

impl From<pmpo_store::RunState> for RunState {
    fn from(state: pmpo_store::RunState) -> Self {
        match state {
            pmpo_store::RunState::Queued => Self::Queued,
            pmpo_store::RunState::Running => Self::Running,
            pmpo_store::RunState::Paused => Self::Paused,
            pmpo_store::RunState::Completed => Self::Completed,
            pmpo_store::RunState::Failed => Self::Failed,
            pmpo_store::RunState::Cancelled => Self::Cancelled,
        }
    }
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RunSummary {
    /// Number.
    pub id: i64,
    /// Its project.
    pub project: i64,
    /// Name of the project.
    pub project_name: String,
    /// Name.
    pub name: String,
    /// Where it stands.
    pub state: RunState,
    /// Whether this program is working on it now.
    pub active: bool,
    /// Whether it was measured on other examples than the project has now.
    pub earlier_data: bool,
    /// Training loss of the start prompt.
    pub start_loss: Option<f64>,
    /// Training loss of the best prompt so far.
    pub best_loss: Option<f64>,
    /// What the check on held-out examples said.
    pub verdict: Option<Verdict>,
    /// Right answers when asked, of start and best prompt on held-out examples.
    pub asked: Option<Change>,
    /// Right answers by forced choice, likewise.
    pub choices: Option<Change>,
    /// Number of held-out examples, where they were looked at.
    pub held_out: Option<usize>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// Seconds that the model worked.
    pub working_seconds: f64,
    /// The fault that broke it off.
    pub error: Option<AppError>,
}

/// A prompt that was tried: scored or refused.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct Candidate {
    /// Number within the run, from 0 (the start prompt).
    pub ordinal: u32,
    /// Step that proposed it; 0 for the start prompt.
    pub step: u32,
    /// The prompt that it was made from.
    pub parent: Option<u32>,
    /// How it was made.
    pub origin: Origin,
    /// The prompt.
    pub text: String,
    /// Mean training loss in nats; an estimate where it was dropped.
    pub loss: Option<f64>,
    /// Set where it was dropped because it could not win any more.
    pub dropped: Option<DroppedEarly>,
    /// Standard error of that mean.
    pub std_error: Option<f64>,
    /// Share of right choices among the labels (forced choice).
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// Mean of `-ln` of the right option's share, in nats, on label tasks.
    pub choice: Option<f64>,
    /// Mean of `-ln` of the mass of all options, in nats, on label tasks.
    pub form: Option<f64>,
    /// Why it was not scored.
    pub refusal: Option<Refusal>,
}

impl From<CandidateRow> for Candidate {
    fn from(row: CandidateRow) -> Self {
        Self {
            ordinal: row.candidate.ordinal,
            step: row.candidate.step,
            parent: row.candidate.parent,
            origin: row.candidate.origin,
            text: row.candidate.text,
            loss: row.train.map(|score| score.loss),
            dropped: row.train.and_then(|score| score.dropped),
            std_error: row.train.and_then(|score| finite(score.std_error)),
            accuracy: row.train.and_then(|score| score.accuracy),
            asked: row.train.and_then(|score| score.asked),
            choice: row.train.and_then(|score| score.choice),
            form: row.train.and_then(|score| score.form),
            refusal: row.refusal,
        }
    }
}

impl Candidate {
    pub(crate) fn new(
        candidate: &pmpo_core::optimize::Candidate,
        score: Option<&PromptScore>,
        refusal: Option<&Refusal>,
    ) -> Self {
        Self {
            ordinal: candidate.ordinal,
            step: candidate.step,
            parent: candidate.parent,
            origin: candidate.origin.clone(),
            text: candidate.text.clone(),
            loss: score.map(PromptScore::loss),
            dropped: score.and_then(PromptScore::dropped_early),
            std_error: score.and_then(|score| finite(score.std_error())),
            accuracy: score.and_then(PromptScore::accuracy),
            asked: score.and_then(PromptScore::asked),
            choice: score.and_then(PromptScore::choice),
            form: score.and_then(PromptScore::form),
            refusal: refusal.cloned(),
        }
    }
}

/// What a part of a prompt was found to do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct SegmentFinding {
    /// In a word.
    pub verdict: SegmentVerdict,
    /// Loss without it minus loss with it, in nats; positive helps.
    pub effect: f64,
    /// Paired standard error of that effect.
    pub std_error: Option<f64>,
}

/// A piece of a measured prompt.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SegmentPiece {
    /// The text.
    pub text: String,
    /// What it does, where it was measured.
    pub finding: Option<SegmentFinding>,
}

/// A measured prompt in pieces that put together are its text.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SegmentView {
    /// The step.
    pub step: u32,
    /// The candidate.
    pub candidate: u32,
    /// The pieces.
    pub pieces: Vec<SegmentPiece>,
}

impl SegmentView {
    /// Cuts a prompt at its measured segments.
    pub(crate) fn new(
        step: u32,
        candidate: u32,
        prompt: &str,
        findings: &[pmpo_core::optimize::SegmentFinding],
    ) -> Self {
        let mut pieces = Vec::new();
        let mut push = |text: Option<&str>, finding| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                let text = text.to_owned();
                pieces.push(SegmentPiece { text, finding });
            }
        };
        let mut from = 0;
        for finding in findings {
            let range = finding.segment.range.clone();
            push(prompt.get(from..range.start), None);
            let found = SegmentFinding {
                verdict: finding.verdict,
                effect: finding.effect.difference,
                std_error: finite(finding.effect.std_error),
            };
            push(prompt.get(range.clone()), Some(found));
            from = range.end;
        }
        push(prompt.get(from..), None);
        Self {
            step,
            candidate,
            pieces,
        }
    }
}

/// What a step decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct StepSummary {
    /// The step, from 1.
    pub step: u32,
    /// The best prompt after it.
    pub incumbent: u32,
    /// Its training loss.
    pub loss: f64,
    /// Whether it is a new one.
    pub improved: bool,
}

impl From<StepRow> for StepSummary {
    fn from(row: StepRow) -> Self {
        Self {
            step: row.step,
            incumbent: row.incumbent,
            loss: row.loss,
            improved: row.improved,
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, TS)]
pub struct Progress {
    /// Tokens computed so far.
    pub tokens_done: u64,
    /// Tokens left, roughly.
    pub tokens_left: u64,
    /// Seconds left at the speed seen so far.
    pub seconds_left: Option<f64>,
    /// Tokens a second, of the last seconds.
    pub speed: Option<f64>,
    /// Memory in use where the model runs.
    pub memory: Option<MemoryUse>,
}

impl Progress {
    pub(crate) fn new(done: u64, left: &Estimate) -> Self {
        Self {
            tokens_done: done,
            tokens_left: left.tokens,
            seconds_left: left.seconds.and_then(finite),
            speed: None,
            memory: None,
        }
    }
}

/// Memory in use where a model runs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct MemoryUse {
    /// In use: of a processor's memory by this program, of a GPU's by all.
    pub used: u64,
    /// All that there is.
    pub total: u64,
    /// Whether it is a GPU's.
    pub gpu: bool,
}

impl From<pmpo_core::model::MemoryUse> for MemoryUse {
    fn from(memory: pmpo_core::model::MemoryUse) -> Self {
        Self {
            used: memory.used,
            total: memory.total,
            gpu: memory.gpu,
        }
    }
}

/// What a run is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// Bringing the model into memory.
    LoadingModel,
    /// Scoring the start prompt.
    MeasuringStart,
    /// Measuring what each part of the prompt does.
    Analysing,
    /// Making and scoring candidates.
    Trying,
    /// Choosing demonstrations.
    Demonstrating,
    /// Leaving out parts that are not missed.
    Pruning,
    /// Comparing start and best on held-out examples.
    Validating,
    /// Letting the model answer some of them with both prompts.
    Answering,
    /// Waiting for the database, which another program writes to.
    WaitingForDatabase,
    /// Not going on.
    Ended,
}

/// A model that writes a run's rewrites and does not score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RunWriter {
    /// Its name.
    pub name: String,
    /// Where it runs.
    pub device: Device,
}

impl From<Writer> for RunWriter {
    fn from(Writer { name, device, .. }: Writer) -> Self {
        Self { name, device }
    }
}

/// Everything about a run at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RunView {
    /// The run.
    pub run: RunSummary,
    /// All settings.
    pub settings: Settings,
    /// Name of the model.
    pub model: String,
    /// Where it runs.
    pub device: Device,
    /// Who writes its rewrites, where that is another model.
    pub writer: Option<RunWriter>,
    /// Name of the examples.
    pub data_name: String,
    /// Examples that choose.
    pub train: usize,
    /// Examples that check.
    pub validation: usize,
    /// The start prompt.
    pub start_prompt: String,
    /// The best prompt so far.
    pub best: Option<Candidate>,
    /// All prompts in order of trial.
    pub candidates: Vec<Candidate>,
    /// The measured prompts, in order of step.
    pub segments: Vec<SegmentView>,
    /// What the steps decided.
    pub steps: Vec<StepSummary>,
    /// What it is busy with.
    pub phase: RunPhase,
    /// How far it is, while it is going.
    pub progress: Option<Progress>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Rows that do not fit the window.
    pub left_out: Vec<TooLongRow>,
}

/// What a watched run tells, in order. The first message is a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RunMessage {
    /// Where it stands.
    Snapshot {
        /// Everything.
        view: Box<RunView>,
    },
    /// What begins now.
    Phase {
        /// The activity.
        phase: RunPhase,
    },
    /// A prompt was scored or refused.
    Candidate {
        /// The prompt.
        candidate: Candidate,
    },
    /// What the parts of a prompt do.
    Segments {
        /// The prompt in pieces.
        segments: SegmentView,
    },
    /// A step is decided.
    Step {
        /// The decision.
        step: StepSummary,
        /// The best prompt after it.
        best: Candidate,
    },
    /// How far it is.
    Progress {
        /// How far.
        progress: Progress,
    },
    /// It does not go on.
    Ended {
        /// Everything.
        view: Box<RunView>,
    },
}
