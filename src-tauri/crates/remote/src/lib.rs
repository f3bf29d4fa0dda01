//! A person's own server with an OpenAI-compatible interface, as the model that
//! writes or scores: Ollama, LM Studio, the servers of llama.cpp and
//! llama-cpp-python, vLLM.
//!
//! Nothing here runs by itself: an address is connected to because a person typed
//! it, directly, without the system's proxy, and redirects to another address are
//! not followed, so that prompts and keys go nowhere else. [`check`] finds out once
//! what a server can do; a [`Rewriter`] or a [`Scorer`] is made of its [`Report`].

mod address;
mod check;
mod counter;
mod describe;
mod error;
mod keys;
mod limits;
mod numbers;
mod place;
mod report;
mod retry;
mod rewriter;
mod scorer;
mod server;
mod stream;
mod template;
mod typed;
mod wire;

pub use address::Address;
pub use check::check;
pub use counter::Counter;
pub use describe::ModelChoice;
pub use error::RemoteError;
pub use keys::{system_keys, Key, KeyStore, MemoryKeys, SystemKeys};
pub use limits::Limits;
pub use numbers::Way;
pub use report::{Missing, Report, Scoring};
pub use rewriter::Rewriter;
pub use scorer::Scorer;
pub use server::Server;
pub use template::{ChatTemplate, Family, TemplateChoice};
pub use wire::RemoteModel;
