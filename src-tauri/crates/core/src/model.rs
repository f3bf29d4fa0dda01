//! What the method needs from a language model.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::device::Device;
use crate::loss::AnswerScore;
use crate::message;
use crate::message::Message;
use crate::prompt::Conversation;

/// Facts about a loaded model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelDescription {
    /// Name to show.
    pub name: String,
    /// SHA-256 of the model's file, hexadecimal.
    pub sha256: String,
    /// Family named in the file, for example `llama`.
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Longest sequence in tokens.
    pub context_window: usize,
    /// Whether the model has a chat template (an instruct model).
    pub has_chat_template: bool,
    /// Where and how it is computed.
    pub device: Device,
}

/// One answer to score after one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoreItem {
    /// What the model reads first.
    pub conversation: Conversation,
    /// The answer whose tokens are scored; never empty.
    pub answer: String,
    /// Whether the token that ends the turn counts as part of the answer's score. It
    /// always counts for [`AnswerScore::likeliest`].
    pub end_of_turn: bool,
}

/// Tokens of one item: read before the answer, and of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measured {
    /// Tokens before the answer.
    pub before: usize,
    /// Tokens of the answer.
    pub answer: usize,
}

/// Tokens that went through the model, and tokens spared by reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenCount {
    /// Tokens computed.
    pub computed: u64,
    /// Tokens whose keys and values were reused.
    pub reused: u64,
}

impl std::ops::AddAssign for TokenCount {
    fn add_assign(&mut self, other: Self) {
        self.computed += other.computed;
        self.reused += other.reused;
    }
}

/// Scores of a batch of items, in the order asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredBatch {
    /// One score per item.
    pub scores: Vec<AnswerScore>,
    /// What it cost.
    pub tokens: TokenCount,
}

/// A piece of an answer and how surprised the model was by it.
#[derive(Debug, Clone, PartialEq)]
pub struct Surprise {
    /// Its text, whole characters; empty for the token that ends the turn.
    pub text: String,
    /// Minus the log-probability of its tokens, in nats.
    pub nats: f64,
}

/// A text to be written by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateRequest {
    /// What the model reads first.
    pub conversation: Conversation,
    /// Softmax temperature; 0 takes the likeliest token.
    pub temperature: f64,
    /// Nucleus sampling: the smallest set of tokens whose share exceeds this, over 0 to 1.
    pub top_p: f64,
    /// Seed of this one text.
    pub seed: u64,
    /// Most tokens written.
    pub max_tokens: usize,
    /// Texts at which writing stops; they are not part of the result.
    pub stop: Vec<String>,
}

/// Why writing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The model ended its turn, or wrote one of the texts at which it was to stop.
    #[default]
    Stop,
    /// The most tokens were written, or the window was full: the text is cut off.
    Length,
}

/// A text written by the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// The text.
    pub text: String,
    /// What it cost.
    pub tokens: TokenCount,
    /// Why it ended.
    #[serde(default)]
    pub finish: Finish,
}

/// Why the model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The work was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// An item longer than the context window.
    #[error("{tokens} tokens do not fit the model's window of {window} tokens")]
    TooLong {
        /// The item's place in the batch.
        item: usize,
        /// Its tokens.
        tokens: usize,
        /// The model's window.
        window: usize,
    },
    /// An answer without a single token.
    #[error("an empty answer cannot be scored")]
    EmptyAnswer {
        /// The item's place in the batch.
        item: usize,
    },
    /// The engine failed; its words.
    #[error("the model failed: {0}")]
    Failed(String),
    /// The model failed in a way that has a sentence of its own.
    #[error("the model failed: {words}")]
    Told {
        /// For logs.
        words: String,
        /// For people.
        told: Message,
    },
    /// The model that was loaded again is not the one of before, or is computed in
    /// another way: its losses could not be compared.
    #[error("the model is another one now ({0})")]
    Changed(Message),
    /// The device that the model runs on has no memory left or does not answer.
    #[error("the GPU stopped working or has no memory left: {0}")]
    Device(String),
}

impl ModelError {
    /// A loss that is not a number came back.
    pub(crate) fn not_a_number() -> Self {
        Self::Told {
            words: "it gave a loss that is not a number".to_owned(),
            told: message!("model.not_a_number"),
        }
    }

    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::Cancelled => message!("model.cancelled"),
            Self::TooLong { tokens, window, .. } => {
                message!("model.too_long", tokens = *tokens, window = *window)
            }
            Self::EmptyAnswer { .. } => message!("model.empty_answer"),
            Self::Failed(why) => message!("model.failed", why = why),
            Self::Told { told, .. } => told.clone(),
            Self::Changed(what) => message!("other_device.changed", what = what.clone()),
            Self::Device(why) => message!("device.failed", why = why),
        }
    }
}

/// Memory in use where a model runs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// In use: of a processor's memory by this program, of a GPU's by all.
    pub used: u64,
    /// All that there is.
    pub total: u64,
    /// Whether it is a GPU's.
    pub gpu: bool,
}

/// Is told a text while it grows.
pub type TextSink = Arc<dyn Fn(&str) + Send + Sync>;

/// A model that scores and writes.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Facts about the model.
    fn description(&self) -> &ModelDescription;

    /// Facts about the model that writes, where that is another one. It decides
    /// how rewrites are asked for.
    fn writer(&self) -> &ModelDescription {
        self.description()
    }

    /// Memory in use where the model runs, as far as this program can see it.
    fn memory(&self) -> Option<MemoryUse> {
        None
    }

    /// Counts tokens without running the model.
    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError>;

    /// Scores every item; all of them or an error. Items that begin alike
    /// should stand in one batch, because what they share is computed once.
    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError>;

    /// The answers of items token by token: put together the texts are the answer,
    /// up to white space where it begins, and the sum of nats is minus its score. A
    /// model that cannot tell its tokens apart gives the answer as one piece.
    async fn surprises(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Surprise>>, ModelError> {
        let scored = self.score(items, cancel).await?.scores;
        let whole = |(item, score): (&ScoreItem, &AnswerScore)| {
            vec![Surprise {
                text: item.answer.clone(),
                nats: -score.sum,
            }]
        };
        Ok(items.iter().zip(&scored).map(whole).collect())
    }

    /// Whether items of several prompts are scored faster in one batch than in
    /// one batch each.
    fn shares_among_prompts(&self) -> bool {
        false
    }

    /// Writes one text. Equal requests give equal texts.
    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError>;

    /// Writes one text with the model that scores, where another one writes: what a
    /// prompt makes it say.
    async fn answer(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.generate(request, cancel).await
    }

    /// As [`Self::generate`], and tells the text so far while it grows. Each
    /// text told begins with the one before, up to a character that is not
    /// whole yet.
    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        let generated = self.generate(request, cancel).await?;
        tell(&generated.text);
        Ok(generated)
    }
}
