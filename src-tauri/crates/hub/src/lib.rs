//! Models from the Hugging Face hub: a catalogue, downloads, and whether one fits.
//!
//! The only crate that names `hf-hub`, whose layout of the cache is followed, so
//! that nothing is stored twice and other programs find what is here. Its
//! transfer is not used. 0.4 goes on with a part of its own file, but checks no
//! checksum, has nothing to pause it by, and sends the token along to the servers that
//! the hub leads on to. 1.0 begins every file anew
//! (<https://github.com/huggingface/hf-hub/issues/196>) and brings some fifty crates.

mod cache;
mod catalogue;
mod context;
mod download;
mod error;
mod fit;
mod hub;
mod look_up;
mod names;
mod options;
mod part;
mod progress;
mod repo;
mod retry;
mod transfer;
mod web;

pub use cache::{Installed, InstalledFile};
pub use catalogue::{catalogue, Entry, Kind, Licence, Shape, Texts};
pub use download::{Download, Outcome};
pub use error::HubError;
pub use fit::{
    fit, memory, rough_fit, Computer, Fit, Job, Memory, Model, Verdict, Way, BLOCK_ROWS,
};
pub use hub::Hub;
pub use look_up::{Choice, Format, RepoFile, RepoFiles};
pub use options::{HubOptions, Token};
pub use progress::{Progress, Stage};
pub use repo::RepoId;
pub use retry::Retries;
