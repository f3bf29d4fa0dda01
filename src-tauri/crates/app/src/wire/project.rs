use pmpo_core::dataset::SplitBalance;
use pmpo_core::device::Device;
use pmpo_core::optimize::{Preset, Settings};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{finite, ExampleText, Preferences, RunSummary, TooLongRow};
use crate::data::Mapping;
use crate::AppError;

/// What the first page shows.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Home {
    /// Version of the program.
    pub version: String,
    /// Where everything is kept.
    pub data_folder: String,
    /// What the person set once.
    pub preferences: Preferences,
    /// The one changed last first.
    pub projects: Vec<ProjectSummary>,
    /// Projects that come with the program.
    pub samples: Vec<SampleSummary>,
    /// Runs that were broken off and can go on; newest first.
    pub unfinished: Vec<RunSummary>,
}

/// A project that comes with the program.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct SampleSummary {
    /// Short name.
    pub name: String,
    /// Title.
    pub title: String,
    /// Two sentences on what it is.
    pub description: String,
    /// The project made from it, if there is one.
    pub project: Option<i64>,
}

/// A project in a list.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ProjectSummary {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// The sample that it was made from.
    pub sample: Option<String>,
    /// Beginning of the draft prompt.
    pub prompt: String,
    /// Number of examples, once there are any.
    pub examples: Option<usize>,
    /// Number of runs.
    pub runs: usize,
    /// The newest one.
    pub last_run: Option<RunSummary>,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// What the person works on in a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Draft {
    /// The prompt.
    pub prompt: String,
    /// The task in a sentence, for rewrites; may be empty.
    pub description: String,
    /// Texts of the prompt, in their order, that must stay word for word.
    pub locked: Vec<String>,
    /// The effort that `settings` began with.
    pub effort: Preset,
    /// All settings.
    pub settings: Settings,
    /// The model's file, or a server's [`crate::wire::ServerView::path`]; the built-in
    /// model where none is named.
    pub model_path: Option<String>,
    /// The model that writes, where it is not the one that scores: a file or a server.
    #[serde(default)]
    pub writer_path: Option<String>,
    /// `auto`, `cpu`, or `gpu` and its number.
    pub device: String,
    /// Whether the version in use is measured by itself whenever the data changed.
    #[serde(default)]
    pub measure_changes: bool,
    /// Whether the prompt may hold examples of the data, once the person said so.
    #[serde(default)]
    pub may_show_examples: Option<bool>,
}

/// A project with all that its page shows.
#[derive(Debug, Clone, Serialize, TS)]
pub struct Project {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// The sample that it was made from.
    pub sample: Option<SampleSummary>,
    /// What the person works on.
    pub draft: Draft,
    /// Fields of the draft that another version of the program wrote and this one cannot
    /// read (`device`, `settings.objective`); they stand at their usual values.
    pub unread: Vec<String>,
    /// Whether a run may put examples into the prompt: as the person said, else by the
    /// size of the model.
    pub shows_examples: bool,
    /// The examples in use.
    pub data: Option<DataSummary>,
    /// Its runs, newest first.
    pub runs: Vec<RunSummary>,
    /// Its prompt versions, newest first.
    pub versions: Vec<VersionSummary>,
}

/// Kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// Right answers.
    Supervised,
    /// Better and worse answers.
    Preference,
}

/// The examples of a project.
#[derive(Debug, Clone, Serialize, TS)]
pub struct DataSummary {
    /// Number.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Where it came from.
    pub source: String,
    /// Kind.
    pub kind: DataKind,
    /// Columns that a prompt may name as `{{column}}`.
    pub columns: Vec<String>,
    /// How the columns of the file were read.
    pub mapping: Mapping,
    /// The options, where the answers are a small closed set.
    pub labels: Option<Vec<String>>,
    /// Number of examples.
    pub examples: usize,
    /// How many of them choose prompts, with the draft's settings.
    pub train: usize,
    /// How many of them only check the result.
    pub validation: usize,
    /// How labels are shared out among the parts.
    pub balance: SplitBalance,
    /// Edits by the person that the examples hold.
    pub edits: usize,
    /// The first ones.
    pub preview: Vec<ExampleText>,
}

/// A prompt version.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct VersionSummary {
    /// Number in the database.
    pub id: i64,
    /// Number within the project, from 1.
    pub number: i64,
    /// The prompt.
    pub text: String,
    /// The version it was made from.
    pub parent: Option<i64>,
    /// How it came to be.
    pub origin: VersionOrigin,
    /// What the person wrote about it.
    pub note: String,
    /// Whether the person marked it.
    pub starred: bool,
    /// The person's tags, sorted.
    pub tags: Vec<String>,
    /// Labels that point to it, for example `in use`.
    pub labels: Vec<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// How a version came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VersionOrigin {
    /// By the person.
    Written,
    /// From a file.
    Imported {
        /// Its name.
        file: String,
    },
    /// It came with the program.
    Sample,
    /// By a run.
    Run {
        /// The run.
        run: i64,
        /// Its number among the run's candidates.
        candidate: u32,
    },
}

/// What the editor shows of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct PromptCheck {
    /// Put together they are the prompt.
    pub pieces: Vec<PromptPiece>,
    /// Tokens of the prompt with nothing in its placeholders, once the model is loaded.
    pub tokens: Option<usize>,
    /// The model's window in tokens, once it is loaded.
    pub window: Option<usize>,
    /// Placeholders that the data does not have.
    pub unknown: Vec<String>,
    /// What stands in the way of using it.
    pub problem: Option<AppError>,
}

/// A piece of a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PromptPiece {
    /// The text.
    pub text: String,
    /// Number of the segment from 0; none for white space, placeholders and locked text.
    pub segment: Option<usize>,
    /// Name of the placeholder, if it is one.
    pub placeholder: Option<String>,
    /// Whether the data has that column; true for all other pieces.
    pub known: bool,
    /// Whether it stays word for word.
    pub locked: bool,
}

/// A prompt measured on all examples.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ScoredPrompt {
    /// Mean loss in nats.
    pub loss: f64,
    /// Standard error of the mean.
    pub std_error: Option<f64>,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Share of examples on which the model would say a right answer by itself.
    pub asked: Option<f64>,
    /// Number of examples.
    pub examples: usize,
    /// Rows that do not fit the window.
    pub left_out: Vec<TooLongRow>,
    /// Working time.
    pub seconds: f64,
}

impl ScoredPrompt {
    pub(crate) fn new(scored: &crate::ScoredPrompt, seconds: f64) -> Self {
        Self {
            loss: scored.loss,
            std_error: finite(scored.std_error),
            accuracy: scored.accuracy,
            asked: scored.asked,
            examples: scored.rows.len(),
            left_out: TooLongRow::list(&scored.left_out),
            seconds,
        }
    }
}

/// A model and what using it means on this computer.
#[derive(Debug, Clone, Serialize, TS)]
pub struct ModelInfo {
    /// Its file.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one that comes with the program.
    pub built_in: bool,
    /// Its family.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Size of the file.
    pub file_bytes: u64,
    /// Longest sequence in tokens.
    pub context_window: usize,
    /// Whether it is an instruct model.
    pub has_chat_template: bool,
    /// Where it runs and why, where that is known.
    pub device: Option<Device>,
    /// Where it could run.
    pub devices: Vec<DeviceOption>,
    /// Whether it computes exactly.
    pub exact: bool,
    /// Bytes of memory that it needs.
    pub memory_needed: u64,
    /// Bytes of memory that are free.
    pub memory_free: u64,
    /// Whether it is loaded.
    pub loaded: bool,
    /// What stands in the way of using it.
    pub problem: Option<AppError>,
}

/// Somewhere a model can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DeviceOption {
    /// For [`Draft::device`].
    pub id: String,
    /// In words.
    pub label: String,
    /// Bytes of memory that programs can still have there; null where it is not known.
    pub free: Option<u64>,
    /// Bytes of memory in all.
    pub total: Option<u64>,
}

impl From<pmpo_engine::DeviceName> for DeviceOption {
    fn from(device: pmpo_engine::DeviceName) -> Self {
        Self {
            id: device.id,
            label: device.label,
            free: device.memory.map(|memory| memory.free),
            total: device.memory.map(|memory| memory.total),
        }
    }
}

/// What it means that one model scores and another one on this computer writes.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ModelRoles {
    /// Whether they are loaded in turn, because both at once do not fit.
    pub in_turn: bool,
    /// Bytes that both need.
    pub needed: u64,
    /// Bytes that programs can still have.
    pub free: u64,
    /// Seconds that one change of models takes, as seen before.
    pub seconds: Option<f64>,
    /// What stands in the way.
    pub problem: Option<AppError>,
}

/// Work and time of a run before it starts.
#[derive(Debug, Clone, Serialize, TS)]
pub struct JobEstimate {
    /// Tokens to compute, roughly.
    pub tokens: u64,
    /// Minutes at the speed measured on a few examples.
    pub minutes: f64,
    /// Examples that choose.
    pub train: usize,
    /// Examples that check.
    pub validation: usize,
    /// Rows that do not fit the window.
    pub left_out: Vec<TooLongRow>,
    /// Speed of the model.
    pub tokens_per_second: f64,
}
