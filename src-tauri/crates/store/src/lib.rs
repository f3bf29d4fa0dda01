//! Keeps projects, data, prompt versions and runs in one SQLite file.
//!
//! The only crate that names `rusqlite`. Everything is written in transactions
//! that survive a power cut; a run's events may be written twice without effect.

mod error;
mod journal;
mod library;
mod open;
mod rows;
mod runs;

pub use error::StoreError;
pub use open::Store;
pub use rows::{
    CandidateRow, DatasetId, ModelId, ModelRow, NewRun, ProjectId, RunId, RunRow, RunState,
    ScoreSummary, StepRow, Version, VersionId,
};
