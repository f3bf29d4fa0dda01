use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use pmpo_core::loss::AnswerScore;
use pmpo_core::model::{
    GenerateRequest, Generated, LanguageModel, Measured, ModelDescription, ModelError, ScoreItem,
    ScoredBatch, Surprise, TextSink, TokenCount,
};
use pmpo_core::prompt::Conversation;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::counter::{estimated, Counter};
use crate::describe::description;
use crate::error::RemoteError;
use crate::numbers::{ask, Numbers};
use crate::report::{Report, Scoring};
use crate::rewriter::Rewriter;
use crate::server::Server;
use crate::template::{ChatTemplate, Rendered};

/// Counts of tokens that are kept; then all are forgotten.
const MOST_COUNTS: usize = 200_000;

/// A model on a server that scores, and writes where the server does.
///
/// Each item is one request; as many are under way at once as
/// [`crate::Limits::in_flight`] allows. Lengths are what the server counts, kept by
/// text; where it does not count they are estimated at one token in three bytes, and a
/// text that does not fit shows when it is scored.
#[derive(Debug)]
pub struct Scorer {
    server: Server,
    model: String,
    description: ModelDescription,
    template: Option<ChatTemplate>,
    chat: Scoring,
    text: Scoring,
    counter: Option<Counter>,
    writer: Option<Rewriter>,
    counts: Mutex<HashMap<[u8; 16], usize>>,
}

fn unable(server: &Server, why: &str) -> RemoteError {
    RemoteError::Unable {
        server: server.address().clone(),
        what: "score",
        why: why.to_owned(),
    }
}

/// The scored answer of an item.
struct Scored {
    rendered: Rendered,
    numbers: Numbers,
    /// Bytes and `ln p` of its tokens; never empty.
    answer: Vec<(std::ops::Range<usize>, f64)>,
}

impl Scorer {
    /// A scorer on a server that was checked.
    ///
    /// # Errors
    /// [`RemoteError::Unable`] where the check found that it cannot score as the model
    /// is used, [`RemoteError::NoWindow`] where nobody told its window.
    pub fn new(server: Server, report: &Report) -> Result<Self, RemoteError> {
        if let Scoring::Impossible { why } = report.scoring() {
            return Err(unable(&server, why));
        }
        if report.window.is_none() {
            return Err(RemoteError::NoWindow {
                server: server.address().clone(),
            });
        }
        Ok(Self {
            model: report.model.clone(),
            description: description(server.address(), report),
            template: report.template.clone(),
            chat: report.chat_scoring.clone(),
            text: report.text_scoring.clone(),
            counter: report.counter,
            writer: Rewriter::new(server.clone(), report).ok(),
            counts: Mutex::default(),
            server,
        })
    }

    fn rendered(&self, at: usize, item: &ScoreItem) -> Result<Rendered, ModelError> {
        if item.answer.trim().is_empty() {
            return Err(ModelError::EmptyAnswer { item: at });
        }
        Ok(Rendered::new(item, self.template.as_ref()))
    }

    /// Scores one item.
    async fn one(
        &self,
        at: usize,
        item: &ScoreItem,
        cancel: &CancellationToken,
    ) -> Result<Scored, ModelError> {
        let rendered = self.rendered(at, item)?;
        let window = self.description.context_window;
        let scoring = match item.conversation {
            Conversation::Chat { .. } if self.template.is_some() => &self.chat,
            _ => &self.text,
        };
        let way = match scoring {
            Scoring::Ready { way, .. } => *way,
            Scoring::Impossible { why } => Err(unable(&self.server, why))?,
        };
        let asked = ask(&self.server, &self.model, way, &rendered, false, cancel).await;
        let numbers = match asked {
            Ok(answer) => answer.map_err(|unfit| self.server.nonsense(unfit.in_words()))?,
            Err(RemoteError::TooLong {
                tokens,
                window: told,
                ..
            }) => {
                return Err(ModelError::TooLong {
                    item: at,
                    tokens: if tokens > 0 {
                        tokens
                    } else {
                        estimated(&rendered.text)
                    },
                    window: if told > 0 { told } else { window },
                })
            }
            Err(other) => return Err(other.of_item(at)),
        };
        let tokens = numbers.tokens.len();
        if tokens > window {
            return Err(ModelError::TooLong {
                item: at,
                tokens,
                window,
            });
        }
        let answer = numbers
            .answer(&rendered)
            .map_err(|unfit| self.server.nonsense(unfit.in_words()))?;
        Ok(Scored {
            rendered,
            numbers,
            answer,
        })
    }

    /// Scores all items, in their order; an error ends the requests under way.
    async fn all(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Scored>, ModelError> {
        stream::iter(0..items.len())
            .map(|at| self.one(at, &items[at], cancel))
            .buffered(self.server.limits().in_flight.max(1))
            .try_collect()
            .await
    }

    /// Tokens of a text, counted once.
    async fn count(&self, text: &str, verbatim: bool) -> Result<usize, ModelError> {
        let Some(counter) = self.counter else {
            return Ok(estimated(text));
        };
        let mut key = [0; 16];
        let hash = Sha256::new()
            .chain_update([u8::from(verbatim)])
            .chain_update(text);
        key.copy_from_slice(&hash.finalize()[..16]);
        if let Some(known) = self.counts().get(&key) {
            return Ok(*known);
        }
        // Counting has no cancel of its own: it takes milliseconds.
        let never = CancellationToken::new();
        let counted = counter
            .count(&self.server, &self.model, text, verbatim, &never)
            .await?;
        let mut counts = self.counts();
        if counts.len() >= MOST_COUNTS {
            counts.clear();
        }
        counts.insert(key, counted);
        Ok(counted)
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<[u8; 16], usize>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tokens of texts, each counted once, several at once.
    async fn count_all<'a>(
        &self,
        texts: HashSet<(&'a str, bool)>,
    ) -> Result<HashMap<(&'a str, bool), usize>, ModelError> {
        let texts: Vec<(&str, bool)> = texts.into_iter().collect();
        let counted: Vec<usize> = stream::iter(0..texts.len())
            .map(|at| self.count(texts[at].0, texts[at].1))
            .buffered(self.server.limits().in_flight.max(1))
            .try_collect()
            .await?;
        Ok(texts.into_iter().zip(counted).collect())
    }
}

impl Scored {
    /// Tokens that the server computed, and those that it remembered.
    fn tokens(&self) -> TokenCount {
        match self.numbers.usage.filter(|usage| usage.prompt_tokens > 0) {
            Some(usage) => TokenCount {
                computed: usage.prompt_tokens - usage.cached() + usage.written(),
                reused: usage.cached(),
            },
            None => TokenCount {
                computed: self.numbers.tokens.len() as u64,
                reused: 0,
            },
        }
    }

    /// Whether the model would say the answer by itself; not known where the token that
    /// ends the turn was not sent, unless another token tells that it would not.
    fn likeliest(&self) -> Option<bool> {
        let all = self.numbers.likeliest(&self.rendered)?;
        (self.rendered.to_the_end || !all).then_some(all)
    }

    /// The answer piece by piece: a character that several tokens make up is one, and
    /// the token that ends the turn has no text.
    fn surprises(&self) -> Vec<Surprise> {
        let Rendered {
            text,
            before,
            answer_end,
            ..
        } = &self.rendered;
        let mut pieces = Vec::with_capacity(self.answer.len());
        let (mut from, mut waiting) = (*before, 0.0);
        for (nth, (range, log_prob)) in self.answer.iter().enumerate() {
            waiting -= log_prob;
            let to = range.end.clamp(from, *answer_end);
            let last = nth + 1 == self.answer.len();
            // Tokens that end where this one does make up one character with it.
            let shared = self
                .answer
                .get(nth + 1)
                .is_some_and(|(next, _)| next.end == range.end);
            if (!text.is_char_boundary(to) || shared) && !last {
                continue;
            }
            pieces.push(Surprise {
                text: text[from..to].to_owned(),
                nats: waiting,
            });
            (from, waiting) = (to, 0.0);
        }
        pieces
    }
}

#[async_trait]
impl LanguageModel for Scorer {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        let rendered: Result<Vec<Rendered>, ModelError> = items
            .iter()
            .enumerate()
            .map(|(at, item)| self.rendered(at, item))
            .collect();
        let rendered = rendered?;
        let before = |one: &Rendered| one.text[..one.before].to_owned();
        let befores: Vec<String> = rendered.iter().map(before).collect();
        let texts = rendered.iter().zip(&befores).flat_map(|(one, before)| {
            let parts = [before.as_str(), one.text.as_str()];
            parts.map(|text| (text, one.verbatim))
        });
        let counts = self.count_all(texts.collect()).await?;
        let count = |text: &str, verbatim| counts.get(&(text, verbatim)).copied().unwrap_or(0);
        let measured = rendered.iter().zip(&befores).map(|(one, before)| {
            let whole = count(&one.text, one.verbatim);
            // Where a token reaches across, parts count to one more than the whole.
            let answer = whole.saturating_sub(count(before, one.verbatim)).max(1);
            Measured {
                before: whole.saturating_sub(answer),
                answer,
            }
        });
        Ok(measured.collect())
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let scored = self.all(items, cancel).await?;
        let mut tokens = TokenCount::default();
        scored.iter().for_each(|one| tokens += one.tokens());
        let scores = scored.iter().map(|one| AnswerScore {
            sum: one.answer.iter().map(|(_, log_prob)| log_prob).sum(),
            tokens: one.answer.len(),
            likeliest: one.likeliest(),
        });
        Ok(ScoredBatch {
            scores: scores.collect(),
            tokens,
        })
    }

    async fn surprises(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Surprise>>, ModelError> {
        let scored = self.all(items, cancel).await?;
        Ok(scored.iter().map(Scored::surprises).collect())
    }

    /// More items in a batch keep more requests under way.
    fn shares_among_prompts(&self) -> bool {
        true
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        Ok(self.writer()?.write(request, cancel, None).await?)
    }

    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        Ok(self.writer()?.write(request, cancel, Some(tell)).await?)
    }
}

impl Scorer {
    fn writer(&self) -> Result<&Rewriter, RemoteError> {
        self.writer.as_ref().ok_or_else(|| RemoteError::Unable {
            server: self.server.address().clone(),
            what: "write",
            why: "the check found that it does not".to_owned(),
        })
    }
}
