use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use pmpo_core::model::{
    Finish, GenerateRequest, Generated, LanguageModel, Measured, ModelDescription, ModelError,
    ScoreItem, ScoredBatch, TextSink, TokenCount,
};
use pmpo_core::prompt::Conversation;
use reqwest::header::CONTENT_TYPE;
use reqwest::Response;
use serde_json::{json, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::counter::estimated;
use crate::describe::description;
use crate::error::RemoteError;
use crate::report::Report;
use crate::retry::retrying;
use crate::server::Server;
use crate::stream::{Event, Events};
use crate::wire::{Completion, Usage};

/// Seeds are sent with this many bits: some servers keep them in 32, with a sign.
const SEED_BITS: u64 = 0x7fff_ffff;
/// Most texts to stop at that servers take.
const MOST_STOPS: usize = 4;
/// Most bytes of a written text: far more than any prompt has.
const MOST_TEXT: usize = 4 << 20;

/// A model on a server that writes. Equal requests give equal texts as far as the
/// server keeps to the seed; what a run has written once is read from its journal.
#[derive(Debug, Clone)]
pub struct Rewriter {
    server: Server,
    model: String,
    description: ModelDescription,
    chat: bool,
    completions: bool,
}

/// A text as far as it has come.
#[derive(Default)]
struct Draft {
    text: String,
    /// Events with text in them, which are about as many as tokens.
    pieces: u64,
    usage: Option<Usage>,
    /// Whether anything was said at all.
    answered: bool,
    finished: bool,
    /// Whether as much was written as the server may.
    cut_off: bool,
}

/// Tells a text while it grows, never one that does not begin with the one before:
/// after a lost connection it begins again, and is not told before it is longer.
struct Teller {
    tell: TextSink,
    told: Mutex<String>,
}

impl Teller {
    fn tell(&self, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if text.len() > told.len() && text.starts_with(told.as_str()) {
            text.clone_into(&mut told);
            (self.tell)(text);
        }
    }
}

impl Rewriter {
    /// A writer on a server that was checked.
    ///
    /// # Errors
    /// [`RemoteError::Unable`] where the check found that it does not write.
    pub fn new(server: Server, report: &Report) -> Result<Self, RemoteError> {
        if !report.can_write() {
            return Err(RemoteError::Unable {
                server: server.address().clone(),
                what: "write",
                why: "it has neither /v1/chat/completions nor /v1/completions".to_owned(),
            });
        }
        let mut description = description(server.address(), report);
        // The server renders conversations by itself.
        description.has_chat_template = report.chat;
        Ok(Self {
            model: report.model.clone(),
            description,
            chat: report.chat,
            completions: report.completions,
            server,
        })
    }

    fn unable(&self, what: &'static str, why: &str) -> RemoteError {
        RemoteError::Unable {
            server: self.server.address().clone(),
            what,
            why: why.to_owned(),
        }
    }

    /// Where a request goes, and its body.
    fn question(&self, request: &GenerateRequest) -> Result<(&'static str, Value), RemoteError> {
        // A text that must not begin with white space would stop before it has begun;
        // such ones are found here.
        let stop: Vec<&String> = request
            .stop
            .iter()
            .filter(|stop| !stop.is_empty() && !stop.starts_with(char::is_whitespace))
            .take(MOST_STOPS)
            .collect();
        let mut body = json!({
            "model": self.model,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "seed": request.seed & SEED_BITS,
            "max_tokens": request.max_tokens,
            "stream": true,
            "stream_options": {"include_usage": true},
        });
        if !stop.is_empty() {
            body["stop"] = json!(stop);
        }
        match &request.conversation {
            Conversation::Chat { turns } if self.chat => {
                // Roles are called here as servers call them.
                let messages = turns
                    .iter()
                    .map(|turn| json!({"role": turn.role, "content": turn.text}));
                body["messages"] = messages.collect();
                Ok(("/v1/chat/completions", body))
            }
            Conversation::Text { before, joint } if self.completions => {
                // A blank before the text belongs to its first token, which the model writes.
                body["prompt"] = json!(format!("{before}{}", joint.trim_end_matches(' ')));
                Ok(("/v1/completions", body))
            }
            Conversation::Chat { .. } => {
                Err(self.unable("answer conversations", "it has no /v1/chat/completions"))
            }
            Conversation::Text { .. } => {
                Err(self.unable("go on from plain text", "it has no /v1/completions"))
            }
        }
    }

    /// Writes one text, again from its beginning where a connection is lost.
    pub(crate) async fn write(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: Option<TextSink>,
    ) -> Result<Generated, RemoteError> {
        let (path, question) = self.question(request)?;
        let teller = tell.map(|tell| Teller {
            tell,
            told: Mutex::default(),
        });
        let limits = self.server.limits();
        let draft = retrying(limits, cancel, || async {
            let response = self.server.send(path, Some(&question)).await?;
            self.read(response, request, teller.as_ref()).await
        })
        .await?;
        let tokens = match draft.usage {
            Some(usage) => TokenCount {
                computed: usage.prompt_tokens - usage.cached() + usage.written(),
                reused: usage.cached(),
            },
            // Nothing was counted, or the text was ended here.
            None => TokenCount {
                computed: estimated(&read_text(&request.conversation)) as u64 + draft.pieces,
                reused: 0,
            },
        };
        let text = until_stop(&draft.text, &request.stop);
        // A text to stop at may have come with the very last token.
        let stopped = text.len() < draft.text.len();
        Ok(Generated {
            text: text.to_owned(),
            tokens,
            finish: match draft.cut_off && !stopped {
                true => Finish::Length,
                false => Finish::Stop,
            },
        })
    }

    /// Reads an answer, whole or event by event.
    async fn read(
        &self,
        mut response: Response,
        request: &GenerateRequest,
        teller: Option<&Teller>,
    ) -> Result<Draft, RemoteError> {
        let streams = response.headers().get(CONTENT_TYPE).is_some_and(|kind| {
            let kind = String::from_utf8_lossy(kind.as_bytes()).to_lowercase();
            kind.contains("event-stream")
        });
        let limits = *self.server.limits();
        let mut draft = Draft::default();
        let mut events = Events::default();
        let mut whole = Vec::new();
        let mut wait = limits.answer;
        let mut deadline = Instant::now() + wait;
        loop {
            let chunk = match tokio::time::timeout_at(deadline, response.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                // All is said, and only the end of the stream did not come.
                Ok(Err(_)) | Err(_) if draft.finished => break,
                Ok(Err(why)) => return Err(self.server.lost(&why)),
                Err(_) => return Err(self.server.silent(wait)),
            };
            let Some(chunk) = chunk else {
                break;
            };
            if !streams {
                whole.extend_from_slice(&chunk);
                if whole.len() > MOST_TEXT {
                    return Err(self.server.too_large());
                }
                continue;
            }
            let found = events
                .read(&chunk)
                .map_err(|what| self.server.nonsense(what))?;
            // Signs that only keep the connection open say nothing.
            if !found.is_empty() {
                wait = limits.stall;
                deadline = Instant::now() + wait;
            }
            for event in found {
                if self.take(event, &mut draft)? {
                    return Ok(draft);
                }
            }
            let text = until_stop(&draft.text, &request.stop);
            if let Some(teller) = teller {
                teller.tell(text);
            }
            if text.len() < draft.text.len() {
                // Ending the request here spares the rest.
                return Ok(draft);
            }
            if draft.text.len() > MOST_TEXT {
                return Err(self.server.too_large());
            }
        }
        if !streams {
            self.add(&whole, &mut draft)?;
            draft.finished = true;
        } else if let Some(last) = events.end().map_err(|what| self.server.nonsense(what))? {
            self.take(last, &mut draft)?;
        }
        if !draft.finished {
            return Err(self.server.cut());
        }
        if !draft.answered {
            return Err(self.server.nonsense("it holds no text (choices is empty)"));
        }
        if let Some(teller) = teller {
            teller.tell(until_stop(&draft.text, &request.stop));
        }
        Ok(draft)
    }

    /// Takes an event into the draft; whether it was the last one.
    fn take(&self, event: Event, draft: &mut Draft) -> Result<bool, RemoteError> {
        match event {
            Event::Data(data) => {
                self.add(data.as_bytes(), draft)?;
                Ok(false)
            }
            Event::Done => {
                draft.finished = true;
                Ok(draft.answered)
            }
        }
    }

    /// Adds what an answer or an event of it says.
    fn add(&self, bytes: &[u8], draft: &mut Draft) -> Result<(), RemoteError> {
        let answer: Completion = self.server.parsed(bytes)?;
        draft.usage = answer.usage.or(draft.usage);
        let Some(choice) = answer.choices.into_iter().next() else {
            return Ok(());
        };
        draft.answered = true;
        match choice.finish_reason.as_deref() {
            None => {}
            Some("content_filter") => {
                return Err(self
                    .server
                    .nonsense("the text was held back by a filter of the server"));
            }
            Some("abort" | "error") => return Err(self.server.cut()),
            Some(reason) => {
                draft.finished = true;
                draft.cut_off = reason == "length";
            }
        }
        if let Some(text) = choice.written().filter(|text| !text.is_empty()) {
            draft.text.push_str(&text);
            draft.pieces += 1;
        }
        Ok(())
    }
}

/// All that the model reads.
fn read_text(conversation: &Conversation) -> String {
    match conversation {
        Conversation::Chat { turns } => turns.iter().map(|turn| turn.text.as_str()).collect(),
        Conversation::Text { before, joint } => format!("{before}{joint}"),
    }
}

/// The text up to the first text to stop at, white space at its start aside: what has
/// not begun cannot have ended.
fn until_stop<'a>(text: &'a str, stops: &[String]) -> &'a str {
    let lead = text.len() - text.trim_start().len();
    let cut = stops
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text[lead..].find(stop.as_str()))
        .min();
    cut.map_or(text, |at| &text[..lead + at])
}

#[async_trait]
impl LanguageModel for Rewriter {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    async fn measure(&self, _: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        Err(self.unable("score", "it was connected to for writing only"))?
    }

    async fn score(
        &self,
        _: &[ScoreItem],
        _: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        Err(self.unable("score", "it was connected to for writing only"))?
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        Ok(self.write(request, cancel, None).await?)
    }

    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        Ok(self.write(request, cancel, Some(tell)).await?)
    }
}
