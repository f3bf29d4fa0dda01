use serde::{Deserialize, Serialize};
use ts_rs::TS;

use pmpo_core::dataset::SplitBalance;

use super::{RunView, VersionSummary};
use crate::AppError;

/// Part of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Examples that choose.
    Train,
    /// Examples that check.
    Validation,
}

/// One example under start and best prompt.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ExampleChange {
    /// Row in the file, from 1.
    pub row: usize,
    /// The input.
    pub input: String,
    /// The right answer.
    pub target: String,
    /// Loss under the start prompt, in nats.
    pub start_loss: f64,
    /// Loss under the best prompt, in nats.
    pub best_loss: f64,
    /// Whether the likeliest label was right at the start, on label tasks.
    pub start_correct: Option<bool>,
    /// Whether it is right under the best prompt.
    pub best_correct: Option<bool>,
    /// Whether the model would say a right answer by itself at the start.
    pub start_asked: Option<bool>,
    /// Whether it would under the best prompt.
    pub best_asked: Option<bool>,
}

/// What start and best prompt make the model write.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct AnswerPair {
    /// Row in the file, from 1.
    pub row: usize,
    /// The input.
    pub input: String,
    /// The right answer.
    pub target: String,
    /// With the start prompt.
    pub start: String,
    /// With the best prompt.
    pub best: String,
    /// Whether they are right, where that can be told.
    pub right: Option<(bool, bool)>,
}

/// What a run brought.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct RunResult {
    /// The run.
    pub view: RunView,
    /// The start prompt.
    pub start: String,
    /// The best prompt.
    pub best: String,
    /// The version that it became.
    pub best_version: Option<VersionSummary>,
    /// Where `rows` were measured: held-out examples where there are any.
    pub part: Part,
    /// The examples.
    pub rows: Vec<ExampleChange>,
    /// What both prompts make the model write on some held-out examples.
    pub answers: Vec<AnswerPair>,
    /// How the run's examples were split; its warnings say where the split was bad.
    pub balance: Option<SplitBalance>,
}

/// What a run is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// The best prompt alone.
    Txt,
    /// The best prompt with its figures.
    Md,
    /// Everything.
    Json,
    /// One line per candidate.
    Csv,
}

impl ExportFormat {
    /// The ending of a file of this kind, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Md => "md",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// An answer while it is written.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TryMessage {
    /// The answer goes on.
    Text {
        /// What comes after what was told before.
        text: String,
    },
    /// The answer is whole.
    Done {
        /// Tokens read and written.
        tokens: u64,
        /// Working time.
        seconds: f64,
    },
    /// There is none.
    Failed {
        /// Why.
        error: AppError,
    },
}
