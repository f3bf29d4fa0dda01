use pmpo_core::message;
use pmpo_core::message::Message;
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
    #[error("{server} gave an answer of more than {megabytes} MiB")]
    TooLarge {
        /// The address.
        server: Address,
        /// The most that is read, in MiB.
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
    /// What a person is told.
    pub fn message(&self) -> Message {
        let at = |server: &Address| server.to_string();
        match self {
            Self::Address { given, why } => message!("server.address", given = given, why = why),
            Self::NotAKey => message!("server.no_key"),
            Self::Unreachable { server, why } => {
                message!("server.unreachable", server = at(server), why = why)
            }
            Self::Cut { server } => message!("server.cut", server = at(server)),
            Self::Silent { server, seconds } => {
                message!("server.silent", server = at(server), seconds = *seconds)
            }
            Self::Key { server } => message!("server.key", server = at(server)),
            Self::SendsOn { server, to } => {
                message!("server.sends_on", server = at(server), to = to)
            }
            Self::Lacks { server, path } => {
                message!("server.lacks", server = at(server), path = path)
            }
            Self::Busy {
                server,
                seconds: None,
            } => message!("server.busy", server = at(server)),
            Self::Busy {
                server,
                seconds: Some(seconds),
            } => message!("server.busy_for", server = at(server), seconds = *seconds),
            Self::TooLong {
                server,
                tokens,
                window,
            } => message!(
                "server.too_long",
                server = at(server),
                tokens = *tokens,
                window = *window
            ),
            Self::Refused {
                server,
                status,
                said,
            } => message!(
                "server.refused",
                server = at(server),
                status = *status,
                said = said
            ),
            Self::Failed {
                server,
                status,
                said,
            } => message!(
                "server.failed",
                server = at(server),
                status = *status,
                said = said
            ),
            Self::TooLarge { server, megabytes } => {
                message!("server.too_large", server = at(server), most = *megabytes)
            }
            Self::Nonsense { server, what } => {
                message!("server.nonsense", server = at(server), why = what)
            }
            Self::NoModel {
                server,
                model,
                there,
            } => match model.is_empty() {
                true => message!("server.no_models", server = at(server)),
                false => message!(
                    "server.no_model",
                    server = at(server),
                    model = model,
                    there = there
                ),
            },
            Self::Unable { server, what, why } => match *what {
                "score" => message!("server.cannot_score", server = at(server), why = why),
                "write" => message!("server.cannot_write", server = at(server), why = why),
                "answer conversations" => message!("server.cannot_chat", server = at(server)),
                _ => message!("server.cannot_complete", server = at(server)),
            },
            Self::NoWindow { server } => message!("server.no_window", server = at(server)),
            Self::Keyring { why } => message!("server.keyring", why = why),
            Self::NoClient { why } => message!("server.no_client", why = why),
            Self::Cancelled => message!("server.cancelled"),
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
            other => ModelError::Told {
                words: other.to_string(),
                told: message!("server.while_working", why = other.message()),
            },
        }
    }
}

impl From<RemoteError> for ModelError {
    fn from(error: RemoteError) -> Self {
        error.of_item(0)
    }
}
