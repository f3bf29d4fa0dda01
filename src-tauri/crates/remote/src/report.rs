use pmpo_core::message;
use pmpo_core::message::Message;
use serde::{Deserialize, Serialize};

use crate::counter::Counter;
use crate::numbers::Way;
use crate::template::ChatTemplate;

/// What a check found out about a server and a model on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The server's address.
    pub server: String,
    /// The model, as it is called in requests.
    pub model: String,
    /// Longest sequence in tokens, if the person or the server told.
    pub window: Option<usize>,
    /// Number of weights, if the person, the server or the model's name told.
    pub parameters: Option<u64>,
    /// Whether it answers conversations (`/v1/chat/completions`).
    pub chat: bool,
    /// Whether it goes on from plain text (`/v1/completions`).
    pub completions: bool,
    /// Whether texts come while they are written.
    pub streams: bool,
    /// How it counts tokens, if it does.
    pub counter: Option<Counter>,
    /// How conversations become text; none for a base model, or where nobody knows.
    pub template: Option<ChatTemplate>,
    /// Whether answers to conversations can be scored.
    pub chat_scoring: Scoring,
    /// Whether answers to plain text can be scored.
    pub text_scoring: Scoring,
    /// What the server lacks for the way in which the model is used.
    pub missing: Vec<Missing>,
}

/// Whether answers can be scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scoring {
    /// Yes.
    Ready {
        /// In which way.
        way: Way,
        /// Largest difference of a log-probability between equal requests, in nats.
        spread: f64,
    },
    /// No.
    Impossible {
        /// Why not, for the person.
        why: String,
    },
}

impl Scoring {
    /// The way, if there is one.
    pub fn way(&self) -> Option<Way> {
        match self {
            Self::Ready { way, .. } => Some(*way),
            Self::Impossible { .. } => None,
        }
    }

    fn why_not(&self) -> &str {
        match self {
            Self::Ready { .. } => "",
            Self::Impossible { why } => why,
        }
    }
}

/// Something that a server lacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// No list of models.
    Models,
    /// No completions of plain text.
    Completions,
    /// No chat.
    Chat,
    /// Texts come only when they are whole.
    Streams,
    /// Nobody counts tokens.
    Counter,
    /// Nobody knows the chat template.
    Template,
    /// Nobody knows the window.
    Window,
    /// No `prompt_logprobs`.
    PromptLogprobs,
    /// No `echo`.
    Echo,
    /// No `logprobs`.
    Logprobs,
    /// Log-probabilities that cannot be right.
    Wrong {
        /// In which way they were asked for.
        way: Way,
        /// What is wrong with them.
        what: String,
    },
    /// Equal requests give different numbers.
    Steadiness {
        /// Largest difference, in nats.
        spread: f64,
    },
}

impl Missing {
    /// What a person is told.
    pub fn message(&self) -> Message {
        match self {
            Self::Models => message!("report.models"),
            Self::Completions => message!("report.completions"),
            Self::Chat => message!("report.chat"),
            Self::Streams => message!("report.streams"),
            Self::Counter => message!("report.counter"),
            Self::Template => message!("report.template"),
            Self::Window => message!("report.window"),
            Self::PromptLogprobs => message!("report.prompt_logprobs"),
            Self::Echo => message!("report.echo"),
            Self::Logprobs => message!("report.logprobs"),
            Self::Wrong {
                way: Way::PromptLogprobs,
                what,
            } => message!("report.wrong_logprobs", why = what),
            Self::Wrong {
                way: Way::Echo,
                what,
            } => message!("report.wrong_echo", why = what),
            Self::Steadiness { spread } => {
                message!("report.steadiness", spread = format!("{spread:.4}"))
            }
        }
    }
}

impl Report {
    /// Whether it can write texts.
    pub fn can_write(&self) -> bool {
        self.chat || self.completions
    }

    /// Whether it can score as the model is used: conversations of an instruct model,
    /// plain text of a base model.
    pub fn can_score(&self) -> bool {
        self.scoring().way().is_some()
    }

    /// The scoring that the method uses with this model. A model that answers
    /// conversations is not scored as if it were a base model only because nobody
    /// knows its template.
    pub fn scoring(&self) -> &Scoring {
        match self.template.is_some() || self.missing.contains(&Missing::Template) {
            true => &self.chat_scoring,
            false => &self.text_scoring,
        }
    }

    /// Why it cannot score, for the person; empty where it can.
    pub fn why_no_scores(&self) -> &str {
        self.scoring().why_not()
    }

    /// What it can do and what it lacks, a sentence each, for the person.
    pub fn messages(&self) -> Vec<Message> {
        let can = match (self.can_score(), self.can_write()) {
            (true, true) => message!("report.both"),
            (true, false) => message!("report.only_scores"),
            (false, true) if self.missing.contains(&Missing::Template) => {
                message!("report.writes_until_named")
            }
            (false, true) => message!("report.only_writes", why = self.why_no_scores()),
            (false, false) => message!("report.neither"),
        };
        let lacks = self.missing.iter().map(Missing::message);
        std::iter::once(can).chain(lacks).collect()
    }
}
