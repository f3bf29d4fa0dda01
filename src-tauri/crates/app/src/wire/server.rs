use pmpo_core::message::Message;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A server of the person's own, as it is typed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
pub struct ServerTyped {
    /// Its address, with or without `/v1`.
    pub address: String,
    /// Its key; null to take the one that is kept, if there is one.
    pub key: Option<String>,
    /// The model, as the server calls it; null where it has only one.
    pub model: Option<String>,
    /// How conversations become text, for scoring: the name of a family
    /// (`chatml`, `llama3`, `mistral`, `gemma`, `phi3`), `plain` for a base model, or
    /// null to ask the server.
    pub template: Option<String>,
    /// Longest sequence in tokens, where the server does not tell it.
    pub window: Option<usize>,
}

/// A server that was checked.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct ServerView {
    /// Stands for it in [`crate::wire::Draft::model_path`] and `writer_path`.
    pub path: String,
    /// Its address.
    pub address: String,
    /// The model.
    pub model: String,
    /// Whether it can write.
    pub writes: bool,
    /// Whether it can score.
    pub scores: bool,
    /// Why it cannot score, in the words of the check; empty where it can, or where another
    /// version checked it.
    pub why_no_scores: String,
    /// What the check found, a sentence each.
    pub found: Vec<Message>,
    /// Whether prompts and keys go over the network as they are (plain HTTP to another
    /// computer).
    pub in_clear: bool,
    /// Whether a key is kept for it.
    pub has_key: bool,
    /// Whether keys are kept in the system's keyring; else until the program ends.
    pub keys_last: bool,
}
