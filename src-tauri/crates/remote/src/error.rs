use pmpo_core::model::ModelError;
use thiserror::Error;

use crate::address::Address;

/// Why a server could not be used. Never holds a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RemoteError {
    /// What was typed is no address.
    #[error("{given:?} is not the address of a server: {why}")]
    Address {
        /// What was typed.
        given: String,
        /// What is wrong with it.
        why: String,
    },
    /// A key that cannot be sent.
    #[error("this is not a key: it is empty, or holds blanks or signs that no key has")]
    NotAKey,
    /// Nobody answers.
    #[error("nothing answers at {server}: {why}")]
    Unreachable {
        /// The address.
        server: Address,
        /// The system's words.
        why: String,
    },
    /// The connection ended before the answer did.
    #[error("{server} broke off before its answer was whole")]
    Cut {
        /// The address.
        server: Address,
    },
    /// Nothing came for too long.
    #[error("{server} said nothing for {seconds} seconds")]
    Silent {
        /// The address.
        server: Address,
        /// How long it was waited for.
        seconds: u64,
    },
    /// No key, or not the right one.
    #[error("{server} does not accept the key, or wants one")]
    Key {
        /// The address.
        server: Address,
    },
    /// It sends on to another place.
    #[error("{server} sends on to {to}, which was not connected to")]
    SendsOn {
        /// The address.
        server: Address,
        /// Where it points to.
        to: String,
    },
    /// It does not have this part of the interface.
    #[error("{server} has no {path}")]
    Lacks {
        /// The address.
        server: Address,
        /// The part, for example `/v1/completions`.
        path: String,
    },
    /// It has too much to do.
    #[error("{server} is busy{}", wait_in_words(*.seconds))]
    Busy {
        /// The address.
        server: Address,
        /// Seconds after which it wants to be asked again, if it says so.
        seconds: Option<u64>,
    },
    /// A text longer than the model reads.
    #[error(
        "a text of {tokens} tokens does not fit the window of {window} tokens that {server} has"
    )]
    TooLong {
        /// The address.
        server: Address,
        /// Tokens of the text; roughly, where the server does not say.
        tokens: usize,
        /// Tokens that fit; 0 where nobody knows.
        window: usize,
    },
    /// It does not want the request.
    #[error("{server} refused the request (status {status}): {said}")]
    Refused {
        /// The address.
        server: Address,
        /// Status of the answer.
        status: u16,
        /// Its words, shortened.
        said: String,
    },
    /// It failed by itself.
    #[error("{server} failed (status {status}): {said}")]
    Failed {
        /// The address.
        server: Address,
        /// Status of the answer.
        status: u16,
        /// Its words, shortened.
        said: String,
    },
    /// An answer without an end.
    #[error("{server} gave an answer of more than {megabytes} MB")]
    TooLarge {
        /// The address.
        server: Address,
        /// The most that is read.
        megabytes: usize,
    },
    /// An answer that makes no sense.
    #[error("{server} gave an answer that cannot be used: {what}")]
    Nonsense {
        /// The address.
        server: Address,
        /// What is wrong with it.
        what: String,
    },
    /// It has no such model.
    #[error("{server} has no model {model:?}; it has {there}")]
    NoModel {
        /// The address.
        server: Address,
        /// What was asked for.
        model: String,
        /// What there is, in words.
        there: String,
    },
    /// It cannot do what the method needs of it.
    #[error("{server} cannot {what}: {why}")]
    Unable {
        /// The address.
        server: Address,
        /// `score` or `write`.
        what: &'static str,
        /// What is missing.
        why: String,
    },
    /// Nobody said how much the model reads.
    #[error("{server} does not say how many tokens its model reads at most")]
    NoWindow {
        /// The address.
        server: Address,
    },
    /// The system's keyring failed.
    #[error("the keyring of this computer cannot be used: {why}")]
    Keyring {
        /// The system's words.
        why: String,
    },
    /// The client could not be made.
    #[error("no connections can be made: {why}")]
    NoClient {
        /// The system's words.
        why: String,
    },
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
}

fn wait_in_words(seconds: Option<u64>) -> String {
    seconds.map_or_else(String::new, |seconds| {
        format!(" and wants to be asked again in {seconds} seconds")
    })
}

impl RemoteError {
    /// What the person can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Address { .. } => "Type it like http://127.0.0.1:11434.",
            Self::NotAKey => "Copy the key again, without anything around it.",
            Self::Unreachable { .. } => {
                "Start the server, and check the address: http or https, computer, port."
            }
            Self::Cut { .. } | Self::Failed { .. } => {
                "See what the server itself reports, start it again if need be, and go on: what \
                 was done before is kept."
            }
            Self::Silent { .. } => {
                "See whether the server still works; a large model may need fewer requests at once."
            }
            Self::Key { .. } => "Enter the key that the server was started with.",
            Self::SendsOn { .. } => "Enter that address, if you trust it.",
            Self::Lacks { .. } => "Choose another server, or use this one for writing only.",
            Self::Busy { .. } => "Wait, or allow fewer requests at once.",
            Self::TooLong { .. } => {
                "Start the server with a larger window, or leave the longest examples out."
            }
            Self::Refused { .. } => "See what the server itself reports.",
            Self::TooLarge { .. } | Self::Nonsense { .. } => {
                "See whether the address is that of an OpenAI-compatible interface, and whether \
                 the server is up to date."
            }
            Self::NoModel { .. } => "Choose one of its models, or load this one there.",
            Self::Unable { .. } => "Score with a model on this computer, or with another server.",
            Self::NoWindow { .. } => "Enter the size of its window in tokens.",
            Self::Keyring { .. } => "The key can be typed again each time instead.",
            Self::NoClient { .. } => "Start the program again; if it stays, report these words.",
            Self::Cancelled => "Start again when you like.",
        }
    }

    /// Whether asking again may help.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            // A wrong certificate stays wrong.
            Self::Unreachable { why, .. } => !why.contains("certificate"),
            Self::Cut { .. } | Self::Silent { .. } | Self::Busy { .. } => true,
            // "Not implemented" and "version not supported" will not change.
            Self::Failed { status, .. } => !matches!(status, 501 | 505),
            _ => false,
        }
    }

    /// As the method's error about the item at a place of a batch.
    pub(crate) fn of_item(self, item: usize) -> ModelError {
        match self {
            Self::Cancelled => ModelError::Cancelled,
            Self::TooLong { tokens, window, .. } => ModelError::TooLong {
                item,
                tokens,
                window,
            },
            other => ModelError::Failed(format!("{other}. {}", other.hint())),
        }
    }
}

impl From<RemoteError> for ModelError {
    fn from(error: RemoteError) -> Self {
        error.of_item(0)
    }
}
