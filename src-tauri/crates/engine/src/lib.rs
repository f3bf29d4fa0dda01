//! Runs a language model on this computer through mistral.rs: loads it,
//! counts tokens, scores answers, writes texts.
//!
//! The only crate that names `mistralrs`. Version 0.8.1 is pinned because
//! prefix reuse with raw logits, and eviction on a failed forward pass, are
//! behaviour of that version; tests guard both. docs/mistralrs.md lists what is worked
//! around, and what is known of it upstream.

mod device;
mod dress;
mod engine;
mod error;
mod families;
mod folder;
mod generate;
mod load;
mod model_file;
mod options;
mod packed;
mod pipeline;
mod pretokenize;
mod process;
mod rows;
mod tokenize;
mod weights_cache;
mod write;

pub use device::{
    devices, free_memory, has_gpu, no_gpu, place, DeviceMemory, DeviceName, Placement,
};
pub use engine::{Engine, EngineOptions};
pub use error::LoadError;
pub use load::{foresee, inspect};
pub use model_file::{ModelFile, ModelKind};
pub use options::{DeviceChoice, LoadOptions, Precision};
pub use process::prepare_process;
pub use rows::TokenScores;
