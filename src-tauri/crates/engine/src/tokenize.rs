use std::sync::Arc;

use mistralrs::core::Pipeline;
use mistralrs::{RequestLike, RequestMessage, TextMessageRole, TextMessages};
use pmpo_core::model::{ModelError, ScoreItem};
use pmpo_core::prompt::Conversation;
use tokio::sync::Mutex;

/// A text that no chat template contains, to find what follows an answer.
const PROBE: &str = "zqxj";

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
}

/// Text of token ids, special ones left out.
pub(crate) type Decoder = Box<dyn Fn(&[u32]) -> String + Send + Sync>;

/// One item as token ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// Everything before the answer; never empty.
    pub(crate) before: Vec<u32>,
    /// The answer; never empty.
    pub(crate) answer: Vec<u32>,
}

impl Encoded {
    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.answer.len()
    }
}

fn failed(why: impl std::fmt::Display) -> ModelError {
    ModelError::Failed(why.to_string())
}

impl Tokens {
    pub(crate) async fn new(
        pipeline: SharedPipeline,
        bos: Option<u32>,
        window: usize,
        has_chat_template: bool,
        pre: &str,
    ) -> Result<Self, ModelError> {
        let tokenizer = pipeline.lock().await.tokenizer();
        let mut tokenizer = tokenizer.ok_or_else(|| failed("the model has no tokeniser"))?;
        crate::pretokenize::correct(Arc::make_mut(&mut tokenizer), pre).map_err(failed)?;
        let eos = pipeline.lock().await.get_metadata().eos_tok.clone();
        let mut tokens = Self {
            pipeline,
            tokenizer,
            bos,
            end_of_turn: None,
            eos,
            window,
        };
        if has_chat_template {
            tokens.end_of_turn = tokens.find_end_of_turn().await?;
        }
        Ok(tokens)
    }

    pub(crate) fn eos(&self) -> Option<u32> {
        self.eos.first().copied()
    }

    /// Whether mistral.rs stops at this token.
    pub(crate) fn ends_with(&self, id: u32) -> bool {
        self.eos.contains(&id)
    }

    /// The token that the template writes after an answer.
    async fn find_end_of_turn(&self) -> Result<Option<u32>, ModelError> {
        let messages = TextMessages::new()
            .add_message(TextMessageRole::User, "Hello")
            .add_message(TextMessageRole::Assistant, PROBE);
        let text = self.template(messages, false).await?;
        let after = text.rfind(PROBE).map_or("", |at| &text[at + PROBE.len()..]);
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
    pub(crate) async fn decoder(&self) -> Result<Decoder, ModelError> {
        let tokenizer = self.pipeline.lock().await.tokenizer();
        let tokenizer = tokenizer.ok_or_else(|| failed("the model has no tokeniser"))?;
        Ok(Box::new(move |ids| {
            tokenizer.decode(ids, true).unwrap_or_default()
        }))
    }

    pub(crate) async fn decode(&self, ids: &[u32]) -> Result<String, ModelError> {
        let tokenizer = self.pipeline.lock().await.tokenizer();
        let tokenizer = tokenizer.ok_or_else(|| failed("the model has no tokeniser"))?;
        tokenizer.decode(ids, true).map_err(failed)
    }

    /// The text before the answer and the text that joins the two.
    async fn render<'a>(
        &self,
        conversation: &'a Conversation,
    ) -> Result<(String, &'a str), ModelError> {
        match conversation {
            Conversation::Text { before, joint } => Ok((before.clone(), joint)),
            Conversation::Chat { system, user } => {
                let mut messages = TextMessages::new();
                if let Some(system) = system {
                    messages = messages.add_message(TextMessageRole::System, system);
                }
                messages = messages.add_message(TextMessageRole::User, user);
                Ok((self.template(messages, true).await?, ""))
            }
        }
    }

    /// Token ids of a conversation that the model goes on with.
    pub(crate) async fn open(&self, conversation: &Conversation) -> Result<Vec<u32>, ModelError> {
        let (before, _) = self.render(conversation).await?;
        let ids = self.with_bos(self.plain(&before).await?);
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
        let encoded = self.measure(at, item).await?;
        if encoded.len() > self.window {
            return Err(ModelError::TooLong {
                item: at,
                tokens: encoded.len(),
                window: self.window,
            });
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
        if item.end_of_turn {
            answer.extend(self.end_of_turn);
        }
        Ok(Encoded {
            before: prefix,
            answer,
        })
    }
}
