use pmpo_core::model::{ModelDescription, TokenCount};
use pmpo_core::optimize::{Candidate, Outcome, Part, Refusal, Settings};
use rusqlite::types::Type;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($name:ident, $what:literal) => {
        #[doc = $what]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);
    };
}

id!(ProjectId, "Number of a project.");
id!(DatasetId, "Number of a dataset.");
id!(ModelId, "Number of a model.");
id!(VersionId, "Number of a prompt version in the database.");
id!(RunId, "Number of a run.");

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Not begun.
    Queued,
    /// Begun; also after a crash, until it is resumed.
    Running,
    /// Broken off by the person before its start was measured.
    Paused,
    /// At its end.
    Completed,
    /// Broken off by a fault.
    Failed,
    /// Stopped by the person; the best so far is kept.
    Cancelled,
}

impl RunState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [
            Self::Queued,
            Self::Running,
            Self::Paused,
            Self::Completed,
            Self::Failed,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|state| state.name() == name)
    }
}

/// A model that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// What is known of it.
    pub description: ModelDescription,
    /// Where its file was last.
    pub path: String,
}

/// A prompt that never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Number in the database.
    pub id: VersionId,
    /// Number within the project, from 1.
    pub number: i64,
    /// The prompt.
    pub text: String,
    /// The version it was made from.
    pub parent: Option<VersionId>,
    /// How it came to be.
    pub origin: serde_json::Value,
}

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Its examples.
    pub dataset: DatasetId,
    /// Its model.
    pub model: ModelId,
    /// Its start prompt.
    pub start_version: VersionId,
    /// Locked texts.
    pub frozen: Vec<String>,
    /// All settings.
    pub settings: Settings,
    /// The task in a sentence.
    pub description: String,
    /// Version of the program.
    pub program_version: String,
    /// Device in words.
    pub device: String,
}

/// A run.
#[derive(Debug, Clone, Serialize)]
pub struct RunRow {
    /// Its number.
    pub id: RunId,
    /// Its project.
    pub project: ProjectId,
    /// Its name.
    pub name: String,
    /// Its examples.
    pub dataset: DatasetId,
    /// Its model.
    pub model: ModelId,
    /// Its start prompt.
    pub start_version: VersionId,
    /// The best prompt, once the run ended with a better one.
    pub best_version: Option<VersionId>,
    /// Locked texts.
    pub frozen: Vec<String>,
    /// All settings.
    pub settings: Settings,
    /// The task in a sentence.
    pub description: String,
    /// Version of the program that made it.
    pub program_version: String,
    /// Device in words.
    pub device: String,
    /// Where it stands.
    pub state: RunState,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The fault that ended it.
    pub error: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub finished_at: Option<i64>,
    /// Seconds that the model worked.
    pub working_seconds: f64,
    /// Tokens computed and reused.
    pub tokens: TokenCount,
}

/// A score without its single losses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ScoreSummary {
    /// Mean loss in nats.
    pub loss: f64,
    /// Standard error of the mean; infinite where unknown.
    pub std_error: f64,
    /// Share of right labels, on label tasks.
    pub accuracy: Option<f64>,
    /// Tokens computed and reused.
    pub tokens: TokenCount,
    /// Working time.
    pub seconds: f64,
}

/// A candidate with what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CandidateRow {
    /// The candidate.
    pub candidate: Candidate,
    /// Why it was not scored.
    pub refusal: Option<Refusal>,
    /// On training examples.
    pub train: Option<ScoreSummary>,
    /// On held-out examples.
    pub validation: Option<ScoreSummary>,
}

/// What a step decided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepRow {
    /// The step, from 1.
    pub step: u32,
    /// The incumbent after it.
    pub incumbent: u32,
    /// Its training loss.
    pub loss: f64,
    /// Whether it is a new one.
    pub improved: bool,
}

pub(crate) fn part_name(part: Part) -> &'static str {
    match part {
        Part::Train => "train",
        Part::Validation => "validation",
    }
}

/// A JSON column as a value.
pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|why| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(why)))
}

/// A value as a JSON column.
pub(crate) fn to_json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|why| rusqlite::Error::ToSqlConversionFailure(Box::new(why)))
}
