//! What a person can do, for the window and the terminal alike.

pub mod data;
mod error;
mod export;
mod job;
mod paths;
pub mod plot;
mod results;
mod samples;
mod studio;
pub mod wire;

pub use error::AppError;
pub use export::{export, ExportFormat};
pub use job::{
    estimate, execute, prepare, score_prompt, unfinished, Control, JobEstimate, NewJob,
    ScoredPrompt,
};
pub use paths::{built_in_model, data_dir, load_options, open_store, open_store_at};
pub use results::{run_chart, run_details, RunDetails};
pub use samples::{sample, sample_titles, Sample, SAMPLES};
pub use studio::{EngineLoader, ModelLoader, RunSink, ShellSink, Studio, TrySink};

pub use pmpo_core::optimize::{Preset, Settings};
pub use pmpo_engine as engine;
pub use pmpo_store as store;
