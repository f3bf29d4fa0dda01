use pmpo_core::optimize::Origin;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ExampleText;

/// The database and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StorageInfo {
    /// The file.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// What compacting would give back, in bytes.
    pub free_bytes: u64,
    /// Deleted runs that can still be brought back.
    pub binned: usize,
}

/// Files that a version is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VersionFormat {
    /// The prompt alone.
    Txt,
    /// Messages as OpenAI's interface takes them, as JSON.
    Messages,
    /// The prompt with its figures and how they were measured, as Markdown.
    Card,
    /// A function in Python that makes the messages for an input.
    Code,
}

impl VersionFormat {
    /// The ending of a file of this kind, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Messages => "json",
            Self::Card => "md",
            Self::Code => "py",
        }
    }
}

/// How a run came to a version.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct VersionStory {
    /// The run; null where it is deleted.
    pub run: Option<i64>,
    /// Its name; empty where it is deleted.
    pub run_name: String,
    /// Number of the version that the run began with.
    pub from: Option<i64>,
    /// Every change on the way, the first one first.
    pub changes: Vec<StoryChange>,
}

/// A change on the way from a run's start to one of its prompts.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct StoryChange {
    /// Step of the run.
    pub step: u32,
    /// Number of the prompt within the run.
    pub candidate: u32,
    /// How it was made from the one before.
    pub origin: Origin,
    /// The examples that it was made because of.
    pub examples: Vec<ExampleText>,
    /// Training loss after it, in nats.
    pub loss: Option<f64>,
}
