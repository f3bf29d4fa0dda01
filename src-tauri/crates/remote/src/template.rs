//! Chat templates: a few known ones, and the server's own where it shows it.

use pmpo_core::model::ScoreItem;
use pmpo_core::prompt::Conversation;
use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use crate::error::RemoteError;
use crate::server::Server;

/// Texts that no template contains, to find what it puts around others.
const PROBES: [&str; 2] = ["zqxj", "jxqz"];
/// What templates do to text shows at blanks, line ends and braces.
const HARD: &str = "  {{ a }} \n\n <b> {% if %} \n";

/// Known chat templates. None of them adds a system message of its own, or a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// SmolLM, Qwen, Yi, many fine-tunes: `<|im_start|>`.
    Chatml,
    /// Llama 3 and later: `<|start_header_id|>`.
    Llama3,
    /// Mistral, Mixtral (version 3): `[INST]`.
    Mistral,
    /// Gemma: `<start_of_turn>`.
    Gemma,
    /// Phi-3: `<|user|>`.
    Phi3,
}

/// How conversations become text before they are scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateChoice {
    /// The server's own, where it shows it.
    #[default]
    OfServer,
    /// A known one.
    Named(Family),
    /// None: a base model.
    Plain,
}

/// What stands around the messages of a conversation.
///
/// The token that begins a text is not in it, because servers put it there, but for
/// `verbatim` ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatTemplate {
    /// Its family, or `server` for the server's own.
    pub name: String,
    /// Before and after a user's message alone.
    alone: [String; 2],
    /// Before a system message, between it and the user's message, and after that.
    with_system: [String; 3],
    /// Whether messages lose white space at both ends.
    trims: bool,
    /// The text of the token that ends an answer.
    pub end_of_turn: String,
    /// Whether the text is whole as it is, and nothing is to be put before it.
    pub(crate) verbatim: bool,
}

impl Family {
    /// All families, for lists.
    pub const ALL: [Self; 5] = [
        Self::Chatml,
        Self::Llama3,
        Self::Mistral,
        Self::Gemma,
        Self::Phi3,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chatml => "chatml",
            Self::Llama3 => "llama3",
            Self::Mistral => "mistral",
            Self::Gemma => "gemma",
            Self::Phi3 => "phi3",
        }
    }

    /// The family that models of this name mostly have, as a suggestion.
    pub fn suggested(model: &str) -> Option<Self> {
        let model = model.to_lowercase();
        let known = [
            ("smollm", Self::Chatml),
            ("qwen", Self::Chatml),
            ("hermes", Self::Chatml),
            ("llama-3", Self::Llama3),
            ("llama3", Self::Llama3),
            ("mistral", Self::Mistral),
            ("mixtral", Self::Mistral),
            ("gemma", Self::Gemma),
            ("phi-3", Self::Phi3),
            ("phi3", Self::Phi3),
        ];
        let found = known.iter().find(|(part, _)| model.contains(part));
        found.map(|(_, family)| *family)
    }

    /// The template. Sources: the `tokenizer_config.json` of SmolLM2-135M-Instruct,
    /// Meta-Llama-3-8B-Instruct, Mistral-7B-Instruct-v0.3, gemma-2-2b-it and
    /// Phi-3-mini-4k-instruct.
    pub fn template(self) -> ChatTemplate {
        let (alone, with_system, end, trims) = match self {
            Self::Chatml => (
                ["<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"],
                [
                    "<|im_start|>system\n",
                    "<|im_end|>\n<|im_start|>user\n",
                    "<|im_end|>\n<|im_start|>assistant\n",
                ],
                "<|im_end|>",
                false,
            ),
            Self::Llama3 => (
                [
                    "<|start_header_id|>user<|end_header_id|>\n\n",
                    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                ],
                [
                    "<|start_header_id|>system<|end_header_id|>\n\n",
                    "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
                    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                ],
                "<|eot_id|>",
                true,
            ),
            // Both have no system message: it is told in the user's.
            Self::Mistral => (
                ["[INST] ", "[/INST]"],
                ["[INST] ", "\n\n", "[/INST]"],
                "</s>",
                false,
            ),
            Self::Gemma => (
                [
                    "<start_of_turn>user\n",
                    "<end_of_turn>\n<start_of_turn>model\n",
                ],
                [
                    "<start_of_turn>user\n",
                    "\n\n",
                    "<end_of_turn>\n<start_of_turn>model\n",
                ],
                "<end_of_turn>",
                true,
            ),
            Self::Phi3 => (
                ["<|user|>\n", "<|end|>\n<|assistant|>\n"],
                [
                    "<|system|>\n",
                    "<|end|>\n<|user|>\n",
                    "<|end|>\n<|assistant|>\n",
                ],
                "<|end|>",
                false,
            ),
        };
        ChatTemplate {
            name: self.name().to_owned(),
            alone: alone.map(str::to_owned),
            with_system: with_system.map(str::to_owned),
            trims,
            end_of_turn: end.to_owned(),
            verbatim: false,
        }
    }
}

/// An item as the text that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    /// Bytes before the answer and what joins it.
    pub(crate) before: usize,
    /// Where the answer ends and the token that ends the turn begins.
    pub(crate) answer_end: usize,
    /// Texts of special tokens.
    pub(crate) markers: Vec<String>,
    /// Whether the server must put nothing before it.
    pub(crate) verbatim: bool,
}

impl Rendered {
    /// Joins prompt and answer, so that they are tokenised together.
    pub(crate) fn new(item: &ScoreItem, template: Option<&ChatTemplate>) -> Self {
        let (mut text, joint) = match (&item.conversation, template) {
            (Conversation::Text { before, joint }, _) => (before.clone(), joint.as_str()),
            (Conversation::Chat { system, user }, Some(template)) => {
                (template.render(system.as_deref(), user), "")
            }
            (Conversation::Chat { system, user }, None) => {
                let parts = [system.as_deref().unwrap_or_default(), user].map(str::trim_end);
                let parts = parts.into_iter().filter(|part| !part.is_empty());
                (parts.map(|part| format!("{part}\n\n")).collect(), "")
            }
        };
        let before = text.len();
        text.push_str(joint);
        text.push_str(&item.answer);
        let answer_end = text.len();
        if let Some(template) = template.filter(|_| item.end_of_turn) {
            text.push_str(&template.end_of_turn);
        }
        let chat = matches!(item.conversation, Conversation::Chat { .. });
        Self {
            text,
            before,
            answer_end,
            markers: template.map_or_else(Vec::new, ChatTemplate::markers),
            verbatim: chat && template.is_some_and(|template| template.verbatim),
        }
    }
}

impl ChatTemplate {
    /// A conversation as text that an answer goes on from.
    pub fn render(&self, system: Option<&str>, user: &str) -> String {
        match system {
            Some(system) => put_on(&self.with_system, &[system, user], self.trims),
            None => put_on(&self.alone, &[user], self.trims),
        }
    }

    /// Texts of special tokens.
    fn markers(&self) -> Vec<String> {
        let mut markers = Vec::new();
        let parts = self.alone.iter().chain(&self.with_system);
        for part in parts.chain([&self.end_of_turn]) {
            let mut rest = part.as_str();
            while let Some(at) = rest.find(['<', '[']) {
                rest = &rest[at..];
                let marker = marker_at(rest).unwrap_or_default();
                if !marker.is_empty() && !markers.iter().any(|known| known == marker) {
                    markers.push(marker.to_owned());
                }
                rest = &rest[marker.len().max(1)..];
            }
        }
        markers
    }

    /// The server's own template, found by what it makes of a few messages. `None`
    /// where it shows none, or one that is not simply text around messages.
    pub(crate) async fn of_server(
        server: &Server,
        model: &str,
        cancel: &CancellationToken,
    ) -> Result<Option<Self>, RemoteError> {
        for shown in [Shown::Tokens, Shown::Text] {
            let ask = Asking {
                server,
                model,
                shown,
                cancel,
            };
            match ask.template().await {
                Ok(found @ Some(_)) => return Ok(found),
                Ok(None) => {}
                Err(error) if settles(&error) => return Err(error),
                // A refusal here means that the server has no such thing.
                Err(_) => {}
            }
        }
        Ok(None)
    }
}

/// Whether an error says something about the server as a whole, so that no further
/// question makes sense.
pub(crate) fn settles(error: &RemoteError) -> bool {
    matches!(
        error,
        RemoteError::Cancelled
            | RemoteError::Unreachable { .. }
            | RemoteError::Key { .. }
            | RemoteError::Silent { .. }
            | RemoteError::SendsOn { .. }
    )
}

fn put_on(around: &[String], messages: &[&str], trims: bool) -> String {
    let mut out = around[0].clone();
    for (message, after) in messages.iter().zip(&around[1..]) {
        out.push_str(if trims { message.trim() } else { message });
        out.push_str(after);
    }
    out
}

/// The text of a special token at the beginning of `text`: `<…>` or `[…]`.
fn marker_at(text: &str) -> Option<&str> {
    let close = match text.chars().next()? {
        '<' => '>',
        '[' => ']',
        _ => return None,
    };
    let marker = &text[..text.find(close)? + 1];
    let inside = &marker[1..marker.len() - 1];
    let plain = !inside.is_empty() && !inside.contains(['<', '[']);
    (plain && !inside.contains(char::is_whitespace)).then_some(marker)
}

/// How a server shows what its template makes of messages.
#[derive(Clone, Copy)]
enum Shown {
    /// vLLM: tokens (`/tokenize`), and their text (`/detokenize`), beginning included.
    Tokens,
    /// llama.cpp: the text (`/apply-template`), without the token that begins it.
    Text,
}

struct Asking<'a> {
    server: &'a Server,
    model: &'a str,
    shown: Shown,
    cancel: &'a CancellationToken,
}

#[derive(Deserialize)]
struct TokenIds {
    tokens: Vec<u64>,
}

#[derive(Deserialize)]
struct PromptText {
    prompt: String,
}

impl Asking<'_> {
    async fn text(&self, messages: Value, open: bool) -> Result<String, RemoteError> {
        let model = self.model;
        let shown: PromptText = match self.shown {
            Shown::Tokens => {
                let question = json!({
                    "model": model, "messages": messages, "add_generation_prompt": open,
                    "add_special_tokens": false,
                });
                let ids: TokenIds = self.post("/tokenize", &question).await?;
                let question = json!({"model": model, "tokens": ids.tokens});
                self.post("/detokenize", &question).await?
            }
            Shown::Text => {
                let question = json!({"messages": messages, "add_generation_prompt": open});
                self.post("/apply-template", &question).await?
            }
        };
        Ok(shown.prompt)
    }

    async fn post<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        question: &Value,
    ) -> Result<T, RemoteError> {
        self.server.post(path, question, self.cancel).await
    }

    async fn template(&self) -> Result<Option<ChatTemplate>, RemoteError> {
        let user = |text: &str| json!([{"role": "user", "content": text}]);
        let both = |system: &str, text: &str| json!([{"role": "system", "content": system}, {"role": "user", "content": text}]);
        let probed = self.text(user(PROBES[1]), true).await?;
        let hard = self.text(user(HARD), true).await?;
        let Some((alone, trims)) = around(&probed, &hard, &PROBES[1..]) else {
            return Ok(None);
        };
        let with_system = match self.text(both(PROBES[0], PROBES[1]), true).await {
            Ok(probed) => {
                let hard = self.text(both(HARD, HARD), true).await?;
                around(&probed, &hard, &PROBES).filter(|(_, also)| *also == trims)
            }
            Err(error) if settles(&error) => return Err(error),
            Err(_) => None,
        };
        // Some templates refuse a system message or leave it out; their models are
        // told in the user's message instead.
        let with_system = with_system.map_or_else(
            || vec![alone[0].clone(), "\n\n".to_owned(), alone[1].clone()],
            |(around, _)| around,
        );
        let answered = json!([
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": PROBES[0]},
            {"role": "user", "content": PROBES[1]},
        ]);
        let answered = self.text(answered, false).await?;
        let end = answered.split_once(PROBES[0]).map(|(_, after)| after);
        let Some(end) = end.and_then(|after| marker_at(after.trim_start())) else {
            return Ok(None);
        };
        let (Ok(alone), Ok(with_system)) = (alone.try_into(), with_system.try_into()) else {
            return Ok(None);
        };
        Ok(Some(ChatTemplate {
            name: "server".to_owned(),
            alone,
            with_system,
            trims,
            end_of_turn: end.to_owned(),
            verbatim: matches!(self.shown, Shown::Tokens),
        }))
    }
}

/// What stands around the probes, and whether messages are trimmed; checked with
/// texts that show everything a template might do.
fn around(probed: &str, hard: &str, probes: &[&str]) -> Option<(Vec<String>, bool)> {
    let mut parts = Vec::new();
    let mut rest = probed;
    for probe in probes {
        let (before, after) = rest.split_once(probe)?;
        parts.push(before.to_owned());
        rest = after;
    }
    parts.push(rest.to_owned());
    let messages = vec![HARD; probes.len()];
    [false, true]
        .into_iter()
        .find(|&trims| put_on(&parts, &messages, trims) == hard)
        .map(|trims| (parts, trims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_rendered_letter_by_letter() {
        let rendered = |family: Family| {
            let template = family.template();
            (
                template.render(Some("Be brief."), " Hi \n"),
                template.render(None, "Hi"),
                template.end_of_turn,
            )
        };
        for (family, with_system, alone, end) in [
            (
                Family::Chatml,
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n Hi \n<|im_end|>\n<|im_start|>assistant\n",
                "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
                "<|im_end|>",
            ),
            (
                Family::Llama3,
                "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                "<|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
                "<|eot_id|>",
            ),
            (
                Family::Mistral,
                "[INST] Be brief.\n\n Hi \n[/INST]",
                "[INST] Hi[/INST]",
                "</s>",
            ),
            (
                Family::Gemma,
                "<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\n",
                "<start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n",
                "<end_of_turn>",
            ),
            (
                Family::Phi3,
                "<|system|>\nBe brief.<|end|>\n<|user|>\n Hi \n<|end|>\n<|assistant|>\n",
                "<|user|>\nHi<|end|>\n<|assistant|>\n",
                "<|end|>",
            ),
        ] {
            let expected = (with_system.to_owned(), alone.to_owned(), end.to_owned());
            assert_eq!(rendered(family), expected, "{family:?}");
        }
    }

    #[test]
    fn items_are_joined_to_texts() {
        let chat = |end_of_turn| ScoreItem {
            conversation: Conversation::Chat {
                system: None,
                user: "Hi".into(),
            },
            answer: "Yes".into(),
            end_of_turn,
        };
        let template = Family::Chatml.template();
        let open = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n";
        let whole = Rendered::new(&chat(true), Some(&template));
        assert_eq!(whole.text, format!("{open}Yes<|im_end|>"));
        assert_eq!(
            (whole.before, whole.answer_end),
            (open.len(), open.len() + 3)
        );
        assert_eq!(whole.markers, ["<|im_start|>", "<|im_end|>"]);
        let without = Rendered::new(&chat(false), Some(&template));
        assert_eq!(without.text, format!("{open}Yes"));
        let plain = Rendered::new(&chat(true), None);
        assert_eq!((plain.text.as_str(), plain.before), ("Hi\n\nYes", 4));
        let text = ScoreItem {
            conversation: Conversation::Text {
                before: "Q:".into(),
                joint: " ".into(),
            },
            ..chat(true)
        };
        let text = Rendered::new(&text, Some(&template));
        assert_eq!((text.text.as_str(), text.before), ("Q: Yes<|im_end|>", 2));
        assert_eq!(text.answer_end, 6);
    }

    #[test]
    fn what_stands_around_messages_is_found_only_where_it_is_simple() {
        let make = |text: &str| format!("<u>{}</u>", text.trim());
        let (parts, trims) = around(&make("jxqz"), &make(HARD), &["jxqz"]).unwrap();
        assert_eq!((parts, trims), (vec!["<u>".into(), "</u>".into()], true));
        let upper = |text: &str| format!("<u>{}</u>", text.to_uppercase());
        assert!(around(&make("jxqz"), &upper(HARD), &["jxqz"]).is_none());
        assert_eq!(marker_at("<|eot_id|><|x|>"), Some("<|eot_id|>"));
        assert_eq!(marker_at("[/INST] a"), Some("[/INST]"));
        assert_eq!(marker_at("< a>"), None);
        assert_eq!(marker_at("plain"), None);
    }

    #[test]
    fn names_suggest_families() {
        for (model, family) in [
            ("Qwen2.5-7B-Instruct", Some(Family::Chatml)),
            ("meta-llama/Llama-3.1-8B", Some(Family::Llama3)),
            ("llama3.2:3b", Some(Family::Llama3)),
            ("gemma2:2b", Some(Family::Gemma)),
            ("something", None),
        ] {
            assert_eq!(Family::suggested(model), family, "{model}");
        }
    }
}
