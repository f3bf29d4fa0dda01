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
        why: String,
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
        /// Megabytes needed.
        needs_mib: u64,
        /// Megabytes free.
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
    /// What the person can do.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "Run scripts/fetch-model.sh to bring the built-in model, or name another file."
                    .to_owned()
            }
            Self::Unreadable { .. } => "Make the file readable, or copy it elsewhere.".to_owned(),
            Self::NotGguf { .. } => "Choose a file that ends in .gguf, or a folder with safetensors.".to_owned(),
            Self::CutShort { .. } => {
                "The download or copy did not finish: bring the file again.".to_owned()
            }
            Self::UnsupportedArchitecture { .. } => {
                format!(
                    "Choose a GGUF file of one of these kinds: {}; or a folder of one of these: {}.",
                    ARCHITECTURES.join(", "),
                    CLASSES.join(", ")
                )
            }
            Self::UnsupportedTokenizer { .. } => {
                "Choose another conversion of the model.".to_owned()
            }
            Self::TooLarge { .. } => "Close other programs, or choose a smaller model.".to_owned(),
            Self::NoSuchDevice { .. } => "Use auto, cpu, or gpu0.".to_owned(),
            Self::Incomplete { .. } => {
                "Choose a folder with config.json, tokenizer.json and the .safetensors files of one model, all of them.".to_owned()
            }
            Self::Failed { .. } => "Bring the file again, or choose another model.".to_owned(),
        }
    }
}
