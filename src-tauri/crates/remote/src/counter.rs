use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use crate::error::RemoteError;
use crate::server::Server;
use crate::template::settles;

/// How a server counts the tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// `POST /tokenize` of vLLM.
    Vllm,
    /// `POST /tokenize` of llama.cpp.
    LlamaCpp,
    /// `POST /extras/tokenize/count` of llama-cpp-python.
    LlamaCppPython,
}

/// Whichever of these a server answers.
#[derive(Debug, Deserialize)]
struct Counted {
    count: Option<usize>,
    tokens: Option<Vec<Value>>,
    max_model_len: Option<usize>,
}

impl Counter {
    /// The counter that a server has, and the window where it tells it along.
    pub(crate) async fn of_server(
        server: &Server,
        model: &str,
        cancel: &CancellationToken,
    ) -> Result<Option<(Self, Option<usize>)>, RemoteError> {
        for counter in [Self::Vllm, Self::LlamaCpp, Self::LlamaCppPython] {
            let known = match counter
                .ask(server, model, "Hello world", false, cancel)
                .await
            {
                Ok(counted) => counted,
                Err(error) if settles(&error) => return Err(error),
                Err(_) => continue,
            };
            // llama.cpp finds no text under vLLM's name for it, and counts nothing.
            if counter.number(&known).is_some_and(|count| count > 0) {
                return Ok(Some((counter, known.max_model_len)));
            }
        }
        Ok(None)
    }

    /// Tokens of a text, with the one that begins it unless it is `verbatim`.
    pub(crate) async fn count(
        self,
        server: &Server,
        model: &str,
        text: &str,
        verbatim: bool,
        cancel: &CancellationToken,
    ) -> Result<usize, RemoteError> {
        let counted = self.ask(server, model, text, verbatim, cancel).await?;
        self.number(&counted)
            .ok_or_else(|| server.nonsense("it does not tell how many tokens there are"))
    }

    fn number(self, counted: &Counted) -> Option<usize> {
        match self {
            Self::Vllm | Self::LlamaCppPython => counted.count,
            Self::LlamaCpp => counted.tokens.as_ref().map(Vec::len),
        }
    }

    async fn ask(
        self,
        server: &Server,
        model: &str,
        text: &str,
        verbatim: bool,
        cancel: &CancellationToken,
    ) -> Result<Counted, RemoteError> {
        let (path, question) = match self {
            Self::Vllm => (
                "/tokenize",
                json!({"model": model, "prompt": text, "add_special_tokens": !verbatim}),
            ),
            Self::LlamaCpp => (
                "/tokenize",
                json!({"content": text, "add_special": !verbatim, "parse_special": true}),
            ),
            Self::LlamaCppPython => (
                "/extras/tokenize/count",
                json!({"model": model, "input": text}),
            ),
        };
        server.post(path, &question, cancel).await
    }
}

/// Tokens of a text, where nobody counts them: one in three bytes. English has about
/// four bytes a token, so that this is rather too many; whether a text really fits the
/// window, the server says when it is scored.
pub(crate) fn estimated(text: &str) -> usize {
    text.len().div_ceil(3)
}
