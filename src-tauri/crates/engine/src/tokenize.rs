use std::sync::{Arc, Weak};

use mistralrs::core::Pipeline;
use mistralrs::{RequestLike, RequestMessage, TextMessageRole, TextMessages};
use pmpo_core::model::{ModelError, ScoreItem, Surprise};
use pmpo_core::prompt::Conversation;
use tokio::sync::Mutex;

/// Texts that no chat template contains, to find what it puts around others.
const PROBE: &str = "zqxj";
const SECOND_PROBE: &str = "jxqz";
/// What templates do to text shows at blanks, line ends and braces.
const HARD: &str = "  {{ a }} \n\n <b> {% if %} \n";

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
    /// How a user's message alone, and one after a system message, are dressed.
    plain_dress: Option<Dress>,
    system_dress: Option<Dress>,
}

/// What a chat template puts around messages, found once: the template itself
/// can be asked only while the model is at rest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Dress {
    /// Before the first message, between the two, and after the last one.
    around: Vec<String>,
    trims: bool,
}

impl Dress {
    /// Reads what stands around the probes; `None` where they do not stand in order.
    fn read(text: &str, probes: &[&str], trims: bool) -> Option<Self> {
        let mut around = Vec::new();
        let mut rest = text;
        for probe in probes {
            let (before, after) = rest.split_once(probe)?;
            around.push(before.to_owned());
            rest = after;
        }
        around.push(rest.to_owned());
        Some(Self { around, trims })
    }

    fn put_on(&self, messages: &[&str]) -> String {
        let mut out = self.around[0].clone();
        for (message, after) in messages.iter().zip(&self.around[1..]) {
            out.push_str(if self.trims { message.trim() } else { message });
            out.push_str(after);
        }
        out
    }
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
            Conversation::Chat { system: None, user } => Ok((self.user(user).await?, "")),
            Conversation::Chat {
                system: Some(system),
                user,
            } => {
                if let Some(dress) = &self.system_dress {
                    return Ok((dress.put_on(&[system, user]), ""));
                }
                if let Ok(text) = self.ask_template(Some(system), user).await {
                    if text.contains(system.trim()) {
                        return Ok((text, ""));
                    }
                }
                // Some templates refuse a system message or leave it out; their
                // models are told in the user's message instead.
                Ok((self.user(&format!("{system}\n\n{user}")).await?, ""))
            }
        }
    }

    async fn user(&self, user: &str) -> Result<String, ModelError> {
        match &self.plain_dress {
            Some(dress) => Ok(dress.put_on(&[user])),
            None => self.ask_template(None, user).await,
        }
    }

    async fn ask_template(&self, system: Option<&str>, user: &str) -> Result<String, ModelError> {
        let mut messages = TextMessages::new();
        if let Some(system) = system {
            messages = messages.add_message(TextMessageRole::System, system);
        }
        messages = messages.add_message(TextMessageRole::User, user);
        self.template(messages, true).await
    }

    /// What the template puts around messages, where it is that simple: checked
    /// with texts that show trimming and everything a template might read.
    async fn find_dress(&self, with_system: bool) -> Option<Dress> {
        let system = |text| with_system.then_some(text);
        let probed = self.ask_template(system(PROBE), SECOND_PROBE).await.ok()?;
        let hard = self.ask_template(system(HARD), HARD).await.ok()?;
        let probes: &[&str] = if with_system {
            &[PROBE, SECOND_PROBE]
        } else {
            &[SECOND_PROBE]
        };
        let messages: &[&str] = if with_system { &[HARD, HARD] } else { &[HARD] };
        [false, true]
            .into_iter()
            .filter_map(|trims| Dress::read(&probed, probes, trims))
            .find(|dress| dress.put_on(messages) == hard)
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

#[cfg(test)]
mod tests {
    use super::Dress;

    #[test]
    fn a_template_is_found_from_probes() {
        let dress = Dress::read("<s>one</s><u>two</u><a>", &["one", "two"], true).unwrap();
        assert_eq!(dress.put_on(&[" A ", "B"]), "<s>A</s><u>B</u><a>");
        assert_eq!(Dress::read("<u>two</u>", &["one", "two"], false), None);
    }
}
