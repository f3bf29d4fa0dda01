//! What a person can do, for the window and the terminal alike.

pub mod data;
mod error;
mod export;
mod job;
mod paths;
pub mod plot;
mod results;
mod samples;

pub use error::AppError;
pub use export::{export, ExportFormat};
pub use job::{
    estimate, execute, prepare, score_prompt, unfinished, JobEstimate, NewJob, ScoredPrompt,
};
pub use paths::{built_in_model, data_dir, open_store};
pub use results::{run_chart, run_details, RunDetails};
pub use samples::{sample, Sample, SAMPLES};

pub use pmpo_engine as engine;
pub use pmpo_store as store;
