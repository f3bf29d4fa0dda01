use pmpo_core::message;
use pmpo_core::message::{Message, Param};
use pmpo_core::model::ModelError;
use thiserror::Error;

use crate::families::{ARCHITECTURES, CLASSES};

/// A model's own failure, by what was said of it.
pub(crate) fn failed(why: impl std::fmt::Display) -> ModelError {
    ModelError::Failed(why.to_string())
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// No such file.
    #[error("the model file {path} is not there")]
    Missing {
        /// The file.
        path: String,
    },
    /// The file cannot be read.
    #[error("the model file {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        why: Param,
    },
    /// Another kind of file.
    #[error("{path} is not a GGUF model file")]
    NotGguf {
        /// The file.
        path: String,
    },
    /// The file ends too early.
    #[error("the model file {path} is cut short: {found} bytes of at least {expected}")]
    CutShort {
        /// The file.
        path: String,
        /// Bytes that its header promises.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// A family that mistral.rs does not load.
    #[error("the model file {path} is of the kind {found:?}, which this program cannot run")]
    UnsupportedArchitecture {
        /// The file.
        path: String,
        /// The family named in it.
        found: String,
    },
    /// A tokeniser that mistral.rs does not read.
    #[error("the model file {path} has a tokeniser of the kind {found:?}, which this program cannot read")]
    UnsupportedTokenizer {
        /// The file.
        path: String,
        /// The kind named in it.
        found: String,
    },
    /// Not enough memory.
    #[error("the model {path} needs about {needs_mib} MiB of memory, and {free_mib} MiB are free")]
    TooLarge {
        /// The file.
        path: String,
        /// MiB needed.
        needs_mib: u64,
        /// MiB free.
        free_mib: u64,
    },
    /// A folder in which something is missing.
    #[error("the folder {path} holds no model that can be loaded: {missing} is missing")]
    Incomplete {
        /// The folder.
        path: String,
        /// The file.
        missing: String,
    },
    /// A word that names no device.
    #[error("{name:?} is no device")]
    NoSuchDevice {
        /// The word.
        name: String,
    },
    /// Anything else.
    #[error("the model {path} could not be loaded: {why}")]
    Failed {
        /// The file.
        path: String,
        /// The engine's words.
        why: String,
    },
}

impl LoadError {
    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::Missing { path } => message!("model_file.missing", path = path),
            Self::Unreadable { path, why } => {
                message!("model_file.unreadable", path = path, why = why.clone())
            }
            Self::NotGguf { path } => message!("model_file.not_gguf", path = path),
            Self::CutShort {
                path,
                expected,
                found,
            } => message!(
                "model_file.cut_short",
                path = path,
                expected = *expected,
                found = *found
            ),
            Self::UnsupportedArchitecture { path, found } => message!(
                "model_file.architecture",
                path = path,
                found = found,
                kinds = ARCHITECTURES.join(", "),
                classes = CLASSES.join(", ")
            ),
            Self::UnsupportedTokenizer { path, found } => {
                message!("model_file.tokenizer", path = path, found = found)
            }
            Self::TooLarge {
                path,
                needs_mib,
                free_mib,
            } => message!(
                "model_file.too_large",
                path = path,
                needs = *needs_mib,
                free = *free_mib
            ),
            Self::Incomplete { path, missing } => {
                message!("model_file.incomplete", path = path, missing = missing)
            }
            Self::NoSuchDevice { name } => message!("model_file.no_device", name = name),
            Self::Failed { path, why } => message!("model_file.failed", path = path, why = why),
        }
    }
}
