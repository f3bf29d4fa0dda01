use pmpo_core::model::ModelError;
use pmpo_core::optimize::{JournalError, OptimizeError};
use serde::Serialize;
use thiserror::Error;
use ts_rs::TS;

/// Code of a fault of the device, not of the work.
pub(crate) const DEVICE: &str = "device";

/// Code of a database that another program does not let go of.
pub(crate) const LOCKED: &str = "locked";

/// Code of a run that another program works on.
pub(crate) const WORKED_ON: &str = "worked_on";

/// Code of what cannot happen.
pub(crate) const UNEXPECTED: &str = "unexpected";

/// What went wrong, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, TS)]
#[error("{message}")]
pub struct AppError {
    /// Kind of fault, for programs.
    pub code: &'static str,
    /// What happened.
    pub message: String,
    /// What the person can do.
    pub hint: String,
}

impl AppError {
    pub(crate) fn new(
        code: &'static str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: sentence(&message.into()),
            hint: hint.into(),
        }
    }
}

/// A message of an inner error as a sentence for a person.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut out: String = first.chain(letters).collect();
    if !out.ends_with(['.', '!', '?']) {
        out.push('.');
    }
    out
}

impl From<pmpo_store::StoreError> for AppError {
    fn from(error: pmpo_store::StoreError) -> Self {
        Self::new("store", error.to_string(), error.hint())
    }
}

impl From<crate::data::DataError> for AppError {
    fn from(error: crate::data::DataError) -> Self {
        Self::new("data", error.to_string(), error.hint())
    }
}

impl From<pmpo_engine::LoadError> for AppError {
    fn from(error: pmpo_engine::LoadError) -> Self {
        Self::new("model_file", error.to_string(), error.hint())
    }
}

impl From<pmpo_plot::PlotError> for AppError {
    fn from(error: pmpo_plot::PlotError) -> Self {
        Self::new(
            "plot",
            error.to_string(),
            "Look at the run with `pmpo show`.",
        )
    }
}

impl From<ModelError> for AppError {
    fn from(error: ModelError) -> Self {
        let hint = match &error {
            ModelError::Cancelled => "Start again whenever you like.",
            ModelError::TooLong { .. } => "Shorten the prompt or the example.",
            ModelError::EmptyAnswer { .. } => "Fill in the answer or leave the example out.",
            ModelError::Device(_) => {
                return Self::new(
                    DEVICE,
                    error.to_string(),
                    "Nothing measured is lost. Close other programs that use the GPU and go on; or choose the processor in the project, and go on there.",
                )
            }
            ModelError::Changed(_) => {
                return Self::new(
                    "other_device",
                    error.to_string(),
                    "Nothing measured is lost. Close other programs that use memory, then go on; or begin a new run with the best prompt so far.",
                )
            }
            ModelError::Failed(_) => {
                "Start again; what was measured is kept. If it fails at the same place, try another model."
            }
        };
        Self::new("model", error.to_string(), hint)
    }
}

impl From<JournalError> for AppError {
    fn from(error: JournalError) -> Self {
        Self::new(
            "store",
            error.to_string(),
            "Free some disk space or make the data folder writable, then `pmpo resume`: nothing measured before is lost.",
        )
    }
}

impl From<OptimizeError> for AppError {
    fn from(error: OptimizeError) -> Self {
        let message = error.to_string();
        match error {
            OptimizeError::Model(inner) => inner.into(),
            OptimizeError::Journal(inner) => inner.into(),
            OptimizeError::Settings(_) => Self::new("settings", message, "Change that setting."),
            OptimizeError::Template(_) => Self::new(
                "prompt",
                message,
                "Use {{input}} or the name of a column between double braces.",
            ),
            OptimizeError::Freeze(_) => Self::new(
                "prompt",
                message,
                "Lock text exactly as it stands in the prompt.",
            ),
            OptimizeError::EmptyPrompt => Self::new("prompt", message, "Write a start prompt."),
            OptimizeError::TooFewExamples { .. } => Self::new(
                "data",
                message,
                "Bring more examples; about 40 are enough to see a difference.",
            ),
            OptimizeError::PromptTooLong { .. } => Self::new(
                "prompt",
                message,
                "Shorten the prompt, or choose a model with a longer window.",
            ),
        }
    }
}

/// What cannot happen, told all the same.
pub(crate) fn unexpected(why: impl std::fmt::Display) -> AppError {
    AppError::new(
        UNEXPECTED,
        why.to_string(),
        "Try again; if it stays, report these words.",
    )
}
