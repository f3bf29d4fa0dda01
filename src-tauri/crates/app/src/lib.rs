//! What a person can do, for the window and the terminal alike.

#[cfg(test)]
extern crate self as pmpo_app;

mod about;
mod blocking;
pub mod data;
mod database;
mod drafts;
mod error;
mod events;
mod export;
mod grounds;
mod hub_errors;
mod job;
mod locks;
mod log;
mod models;
mod notes;
mod overlay;
mod panics;
mod paths;
mod patience;
mod prompt_file;
mod results;
mod rows;
mod run_rows;
mod samples;
mod scoring;
mod services;
mod stored;
mod studio;
mod updates;
mod version;
mod versions;
pub mod wire;
pub mod words;

pub use about::{about, diagnostics};
pub use blocking::blocking_on;
pub use drafts::is_small;
pub use error::AppError;
pub use events::ShellSink;
pub use export::computed;
pub(crate) use export::version_card;
pub use job::{Control, JobEstimate, RunProject, RunSpec};
pub use log::{begin_log, log_file};
pub use models::{EngineLoader, Foreseen, ModelLoader, ModelRef};
pub use panics::{caught, caught_async, guarded};
pub use paths::{built_in_model, data_dir, folders, load_options, open_store_at, program, Folders};
pub use results::RunDetails;
pub use samples::{sample, sample_titles, Sample, SAMPLES};
pub use scoring::{score_prompt, ScoredPrompt};
pub use services::runs::{Moved, RunClaim, RunLease, RunModels, RunSink, Runs};
pub use services::tries::TrySink;
pub use studio::{Figure, MeasuredPrompt, Studio};
pub use updates::{update_source, UpdateSource};
pub use version::version;
pub use versions::keep_written;

pub use pmpo_core::message;
pub use pmpo_core::message::Message;
pub use pmpo_core::optimize::{Preset, Settings};
pub use pmpo_engine::{has_gpu, prepare_process};
pub use pmpo_store::{ProjectId, RunId};
