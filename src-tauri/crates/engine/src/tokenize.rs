use std::sync::{Arc, Weak};

use mistralrs::core::Pipeline;
use mistralrs::{RequestLike, RequestMessage, TextMessageRole, TextMessages};
use pmpo_core::model::{ModelError, ScoreItem, Surprise};
use pmpo_core::prompt::{Conversation, Role, Turn, PROBES};
use tokio::sync::Mutex;

use crate::dress::{Dress, Shape};
use crate::error::failed;

/// The token that begins a text.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begins {
    /// This one, or none.
    With(Option<u32>),
    /// What the tokeniser puts first where it may add special tokens.
    AsTokenizerSays,
}

type SharedPipeline = Arc<Mutex<dyn Pipeline + Send + Sync>>;

/// Turns conversations and answers into token ids.
#[derive(Clone)]
pub(crate) struct Tokens {
    pipeline: SharedPipeline,
    tokenizer: Arc<tokenizers::Tokenizer>,
    bos: Option<u32>,
    end_of_turn: Option<u32>,
    eos: Vec<u32>,
    window: usize,
    /// How conversations without and with a system turn are dressed.
    plain_dress: Option<Dress>,
    system_dress: Option<Dress>,
}

/// Text of token ids, special ones left out.
pub(crate) type Decoder = Box<dyn Fn(&[u32]) -> String + Send + Sync>;

/// One item as token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Everything before the answer; never empty.
    pub(crate) before: Vec<u32>,
    /// The answer, and after it the token that ends the turn where the model has one;
    /// never empty.
    pub(crate) answer: Vec<u32>,
    /// Tokens of `answer` that count, at least 1: all, or all but the last.
    pub(crate) counted: usize,
    /// Whether it ends with the token that ends the turn, or the model has none.
    pub(crate) to_the_end: bool,
}

impl Encoded {
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.answer.len()
    }
}

/// The token that a tokeniser puts before a text by itself.
fn first_added(tokenizer: &tokenizers::Tokenizer) -> Result<Option<u32>, tokenizers::Error> {
    let plain = tokenizer.encode("a", false)?;
    let dressed = tokenizer.encode("a", true)?;
    let first = |ids: &[u32]| ids.first().copied();
    Ok(first(dressed.get_ids()).filter(|id| first(plain.get_ids()) != Some(*id)))
}

impl Tokens {
    pub(crate) async fn new(
        pipeline: SharedPipeline,
        begins: Begins,
        window: usize,
        has_chat_template: bool,
        pre: &str,
    ) -> Result<Self, ModelError> {
        let tokenizer = pipeline.lock().await.tokenizer();
        let mut tokenizer = tokenizer.ok_or_else(|| failed("the model has no tokeniser"))?;
        crate::pretokenize::correct(Arc::make_mut(&mut tokenizer), pre).map_err(failed)?;
        let bos = match begins {
            Begins::With(bos) => bos,
            Begins::AsTokenizerSays => first_added(&tokenizer).map_err(failed)?,
        };
        let eos = pipeline.lock().await.get_metadata().eos_tok.clone();
        let mut tokens = Self {
            pipeline,
            tokenizer,
            bos,
            end_of_turn: None,
            eos,
            window,
            plain_dress: None,
            system_dress: None,
        };
        if has_chat_template {
            tokens.end_of_turn = tokens.find_end_of_turn().await?;
            tokens.plain_dress = tokens.find_dress(false).await;
            tokens.system_dress = tokens.find_dress(true).await;
        }
        Ok(tokens)
    }

    pub(crate) fn eos(&self) -> Option<u32> {
        self.eos.first().copied()
    }

    /// To see whether mistral.rs still holds the model.
    pub(crate) fn pipeline(&self) -> Weak<Mutex<dyn Pipeline + Send + Sync>> {
        Arc::downgrade(&self.pipeline)
    }

    /// Whether mistral.rs stops at this token.
    pub(crate) fn ends_with(&self, id: u32) -> bool {
        self.eos.contains(&id)
    }

    /// The token that the template writes after an answer.
    async fn find_end_of_turn(&self) -> Result<Option<u32>, ModelError> {
        let [probe, ..] = PROBES;
        let messages = TextMessages::new()
            .add_message(TextMessageRole::User, "Hello")
            .add_message(TextMessageRole::Assistant, probe);
        let text = self.template(messages, false).await?;
        let after = text.rfind(probe).map_or("", |at| &text[at + probe.len()..]);
        let ids = self.encode(after).await?.into_iter().map(|(id, _)| id);
        let known = ids.clone().find(|id| self.eos.contains(id));
        Ok(known.or_else(|| self.eos()))
    }

    async fn template(
        &self,
        messages: TextMessages,
        add_generation_prompt: bool,
    ) -> Result<String, ModelError> {
        let mut messages = messages;
        let messages = match messages.take_messages() {
            RequestMessage::Chat { messages, .. } => messages,
            _ => return Err(failed("the messages are not a chat")),
        };
        let pipeline = self.pipeline.lock().await;
        let processor = pipeline.get_processor();
        let (_, text) = processor
            .process(
                &*pipeline,
                messages,
                add_generation_prompt,
                false,
                Some(false),
                None,
                Vec::new(),
            )
            .map_err(failed)?;
        Ok(text)
    }

    /// Token ids with the byte at which each ends.
    async fn encode(&self, text: &str) -> Result<Vec<(u32, usize)>, ModelError> {
        let encoding = self.tokenizer.encode(text, false).map_err(failed)?;
        let ends = encoding.get_offsets().iter().map(|(_, end)| *end);
        Ok(encoding.get_ids().iter().copied().zip(ends).collect())
    }

    /// Token ids of a text by itself, without a token that begins it.
    pub(crate) async fn plain(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        Ok(self
            .encode(text)
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .collect())
    }

    /// Turns token ids into text inside a request, where nothing may wait.
    pub(crate) fn decoder(&self) -> Decoder {
        let tokenizer = self.tokenizer.clone();
        Box::new(move |ids| tokenizer.decode(ids, true).unwrap_or_default())
    }

    pub(crate) fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        self.tokenizer.decode(ids, true).map_err(failed)
    }

    /// What each token of an answer adds to its text. Tokens that are parts of one
    /// character become one piece.
    pub(crate) fn pieces(
        &self,
        answer: &[u32],
        log_probs: &[f64],
    ) -> Result<Vec<Surprise>, ModelError> {
        let mut pieces: Vec<Surprise> = Vec::with_capacity(answer.len());
        let (mut told, mut waiting) = (String::new(), 0.0);
        for (at, log_prob) in log_probs.iter().enumerate() {
            // Some tokenisers dress the beginning of a text, so that the whole is read.
            let text = self.decode(&answer[..=at])?;
            waiting -= log_prob;
            if text.ends_with(char::REPLACEMENT_CHARACTER) && at + 1 < answer.len() {
                continue;
            }
            let new = text.strip_prefix(told.as_str()).unwrap_or_default();
            pieces.push(Surprise {
                text: new.to_owned(),
                nats: waiting,
            });
            (told, waiting) = (text, 0.0);
        }
        Ok(pieces)
    }

    /// The text before the answer and the text that joins the two.
    async fn render<'a>(
        &self,
        conversation: &'a Conversation,
    ) -> Result<(String, &'a str), ModelError> {
        match conversation {
            Conversation::Text { before, joint } => Ok((before.clone(), joint)),
            Conversation::Chat { turns } => Ok((self.dressed(turns).await?, "")),
        }
    }

    /// Turns by the model's own template.
    async fn dressed(&self, turns: &[Turn]) -> Result<String, ModelError> {
        let Some((system, others)) = turns
            .split_first()
            .filter(|(first, _)| first.role == Role::System)
        else {
            return self.put_on(self.plain_dress.as_ref(), turns).await;
        };
        let dress = self.system_dress.as_ref();
        if let Some(text) = dress.and_then(|dress| dress.put_on(turns)) {
            return Ok(text);
        }
        if let Ok(text) = self.ask_template(turns).await {
            if text.contains(system.text.trim()) {
                return Ok(text);
            }
        }
        // Some templates refuse a system message or leave it out; their models are
        // told in the user's first message instead.
        let mut others = others.to_vec();
        match others.iter_mut().find(|turn| turn.role == Role::User) {
            Some(first) => first.text = format!("{}\n\n{}", system.text, first.text),
            None => return Err(failed("the conversation has no question")),
        }
        self.put_on(self.plain_dress.as_ref(), &others).await
    }

    /// By what is known of the template, or by asking it.
    async fn put_on(&self, dress: Option<&Dress>, turns: &[Turn]) -> Result<String, ModelError> {
        match dress.and_then(|dress| dress.put_on(turns)) {
            Some(text) => Ok(text),
            None => self.ask_template(turns).await,
        }
    }

    /// What the template makes of turns before an answer.
    async fn ask_template(&self, turns: &[Turn]) -> Result<String, ModelError> {
        let mut messages = TextMessages::new();
        for turn in turns {
            let role = match turn.role {
                Role::System => TextMessageRole::System,
                Role::User => TextMessageRole::User,
                Role::Assistant => TextMessageRole::Assistant,
            };
            messages = messages.add_message(role, &turn.text);
        }
        self.template(messages, true).await
    }

    /// What the template puts around turns, where it is that simple: of conversations
    /// of any length, or of a single question.
    async fn find_dress(&self, with_system: bool) -> Option<Dress> {
        let shapes = Shape::all(with_system);
        let single = shapes[1].hard();
        let hard_single = self.ask_template(&single).await.ok()?;
        for shape in &shapes {
            let probed = self.ask_template(&shape.probes()).await;
            let hard = self.ask_template(&shape.hard()).await;
            let (Ok(probed), Ok(hard)) = (probed, hard) else {
                continue;
            };
            let dress = Dress::find(shape, &probed, &hard);
            // What holds in a longer conversation must hold in a short one as well.
            let holds = |dress: &Dress| dress.put_on(&single).as_ref() == Some(&hard_single);
            if let Some(dress) = dress.filter(holds) {
                return Some(dress);
            }
        }
        None
    }

    /// Token ids of a conversation that the model goes on with.
    pub(crate) async fn open(&self, conversation: &Conversation) -> Result<Vec<u32>, ModelError> {
        let (before, joint) = self.render(conversation).await?;
        // A blank before the answer belongs to its first token, which the model writes.
        let start = format!("{before}{}", joint.trim_end_matches(' '));
        let mut ids = self.plain(&start).await?;
        if start.ends_with('\n') {
            // Some tokenisers join line breaks at a text's end that they keep apart
            // before a word, which is what the model knows and what scoring sees.
            let going_on = self.encode(&format!("{start}a")).await?;
            let end = going_on.partition_point(|(_, end)| *end <= start.len());
            if end > 0 && going_on[end - 1].1 == start.len() {
                ids = going_on[..end].iter().map(|(id, _)| *id).collect();
            }
        }
        let ids = self.with_bos(ids);
        if ids.is_empty() {
            return Err(failed("there is nothing to go on from"));
        }
        Ok(ids)
    }

    fn with_bos(&self, mut ids: Vec<u32>) -> Vec<u32> {
        // A template may have written it already.
        if let Some(bos) = self.bos.filter(|bos| ids.first() != Some(bos)) {
            ids.insert(0, bos);
        }
        ids
    }

    /// Tokenises prefix and answer jointly. A token that reaches across the
    /// boundary counts as the answer's.
    pub(crate) async fn item(&self, at: usize, item: &ScoreItem) -> Result<Encoded, ModelError> {
        let mut encoded = self.measure(at, item).await?;
        let tokens = encoded.before.len() + encoded.counted;
        if tokens > self.window {
            return Err(ModelError::TooLong {
                item: at,
                tokens,
                window: self.window,
            });
        }
        if encoded.len() > self.window {
            // An end that does not count has no room.
            encoded.answer.truncate(encoded.counted);
            encoded.to_the_end = false;
        }
        Ok(encoded)
    }

    /// As [`Self::item`], of any length.
    pub(crate) async fn measure(&self, at: usize, item: &ScoreItem) -> Result<Encoded, ModelError> {
        if item.answer.trim().is_empty() {
            return Err(ModelError::EmptyAnswer { item: at });
        }
        let (before, joint) = self.render(&item.conversation).await?;
        let whole = format!("{before}{joint}{}", item.answer);
        let ids = self.encode(&whole).await?;
        let boundary = ids.partition_point(|(_, end)| *end <= before.len());
        let (first, rest) = ids.split_at(boundary);
        let mut prefix = self.with_bos(first.iter().map(|(id, _)| *id).collect());
        let mut answer: Vec<u32> = rest.iter().map(|(id, _)| *id).collect();
        if answer.is_empty() {
            return Err(ModelError::EmptyAnswer { item: at });
        }
        if prefix.is_empty() {
            // Some token must predict the first one of the answer.
            prefix.extend(self.bos.or_else(|| self.eos()));
        }
        let own = answer.len();
        let end = match self.end_of_turn {
            Some(end) => Some(end),
            None => self.paragraph_end(&whole, &ids).await?,
        };
        answer.extend(end);
        let counts = item.end_of_turn && self.end_of_turn.is_some();
        Ok(Encoded {
            before: prefix,
            counted: if counts { answer.len() } else { own },
            answer,
            to_the_end: end.is_some(),
        })
    }

    /// The token with which a blank line begins after a text: there an answer ends for a
    /// model that has no turns. None where the text's own last token would be another one.
    async fn paragraph_end(
        &self,
        text: &str,
        ids: &[(u32, usize)],
    ) -> Result<Option<u32>, ModelError> {
        // Before a word, since line breaks at the end of a text are often another token.
        let longer = self.encode(&format!("{text}\n\nA")).await?;
        let goes_on = longer.len() > ids.len() && longer[..ids.len()] == *ids;
        Ok(goes_on.then(|| longer[ids.len()].0))
    }
}

#[cfg(test)]
#[path = "../tests/common/mod.rs"]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod common;

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use super::*;
    use crate::{Engine, EngineOptions, LoadOptions};

    /// What is found by probes is what the built-in model's template itself makes.
    #[tokio::test(flavor = "multi_thread")]
    async fn demonstrations_are_turns_of_the_models_own_template() {
        crate::prepare_process();
        let load = LoadOptions::new(super::common::model_path());
        let engine = Engine::load(&load, EngineOptions::REFERENCE).await.unwrap();
        let tokens = &engine.tokens;
        assert!(tokens.plain_dress.is_some() && tokens.system_dress.is_some());
        let mut turns = vec![Turn::new(Role::System, "Name the mood.")];
        for (input, answer) in [
            ("It broke.", "bad"),
            (" Lovely! \n", " good "),
            ("", "{{ none }}"),
        ] {
            turns.push(Turn::new(Role::User, input));
            turns.push(Turn::new(Role::Assistant, answer));
        }
        turns.push(Turn::new(Role::User, "Never again."));
        // With a system message and without; the built-in template brings one then.
        for turns in [&turns[..], &turns[1..], &turns[7..]] {
            let asked = tokens.ask_template(turns).await.unwrap();
            let conversation = Conversation::Chat {
                turns: turns.to_vec(),
            };
            let (text, joint) = tokens.render(&conversation).await.unwrap();
            assert_eq!((text, joint), (asked.clone(), ""));
            let ids = tokens.with_bos(tokens.plain(&asked).await.unwrap());
            let item = ScoreItem {
                conversation: conversation.clone(),
                answer: "bad".to_owned(),
                end_of_turn: true,
            };
            assert_eq!(tokens.item(0, &item).await.unwrap().before, ids);
            assert_eq!(tokens.open(&conversation).await.unwrap(), ids);
        }
    }
}
