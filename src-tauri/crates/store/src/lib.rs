//! Keeps projects, data, prompt versions and runs in one SQLite file.
//!
//! The only crate that names `rusqlite`. Everything is written in transactions
//! that survive a power cut; a run's events may be written twice without effect.
//! Floating point numbers come back bit for bit, but for the sign of a zero,
//! which SQLite does not keep; what would not come back equal is refused.
//! Several programs may have the file open: readers see a run while it goes on.

mod backup;
mod candidates;
mod curves;
mod datasets;
mod editing;
mod error;
mod ids;
mod journal;
mod json;
mod measurements;
mod migrate;
mod models;
mod open;
mod pairs;
mod projects;
mod runs;
mod storage;
#[cfg(test)]
mod tests;
mod texts;
mod time;
mod versions;
mod writer;

pub use candidates::{CandidateRow, ScoreSummary, StepRow};
pub use curves::{CurveCursor, CurvePart, CurvePoint};
pub use datasets::{DatasetRow, NewDataset};
pub use editing::{ChangedRows, EditCount};
pub use error::StoreError;
pub use ids::{DatasetId, ModelId, ProjectId, RunId, VersionId};
pub use measurements::Measurement;
pub use models::ModelRow;
pub use open::Store;
pub use projects::ProjectRow;
pub use runs::{NewRun, RunRow, RunState};
pub use storage::StorageSize;
pub use versions::{Label, LabelMove, Version};
pub use writer::Writer;
