//! What a person can do, for the window and the terminal alike.

mod about;
mod curves;
pub mod data;
mod error;
mod export;
mod hub_errors;
mod job;
mod panics;
mod paths;
mod patience;
pub mod plot;
mod prompt_file;
mod results;
mod samples;
mod scoring;
mod stored;
mod studio;
mod updates;
pub mod wire;
pub mod words;
mod written;

pub use about::{about, version};
pub use error::AppError;
pub(crate) use export::version_card;
pub use export::{computed, export, ExportFormat};
pub use job::{estimate, execute, prepare, unfinished, Control, JobEstimate, NewJob};
pub use panics::{caught, caught_async, log_panics};
pub use paths::{
    built_in_model, data_dir, folders, load_options, open_store, open_store_at, program, Folders,
};
pub use results::{run_chart, run_details, RunDetails};
pub use samples::{sample, sample_titles, Sample, SAMPLES};
pub use scoring::{
    measure_version, measured_examples, measuring_scope, score_prompt, Measuring, ScoredPrompt,
    SharedLedger,
};
pub use studio::{EngineLoader, Foreseen, ModelLoader, RunSink, ShellSink, Studio, TrySink};
pub use updates::{update_source, UpdateSource};
pub use written::keep_written;

pub use pmpo_core::message;
pub use pmpo_core::message::Message;
pub use pmpo_core::optimize::{Preset, Settings};
pub use pmpo_engine as engine;
pub use pmpo_store as store;
