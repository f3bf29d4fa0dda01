//! Chat templates: a few known ones, and the server's own where it shows it.

mod probe;

use pmpo_core::model::ScoreItem;
use pmpo_core::prompt::{Conversation, Role, Turn};
use serde::{Deserialize, Serialize};

use crate::error::RemoteError;

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
    /// Whether the messages of system and user lose white space at both ends.
    trims: bool,
    /// The text of the token that ends an answer.
    pub end_of_turn: String,
    /// What stands around earlier answers. None where it follows from the rest, and in
    /// reports of versions that knew no earlier turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answers: Option<Answers>,
    /// Whether the text is whole as it is, and nothing is to be put before it.
    pub(crate) verbatim: bool,
}

/// What stands around an answer in the middle of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answers {
    /// Between a user's message and the answer.
    before: String,
    /// Between the answer and the user's next message.
    after: String,
    /// Whether answers lose white space at both ends.
    trims: bool,
}

/// Texts of tokens that begin a whole text, and no turn after the first.
const BEGINNINGS: [&str; 4] = ["<s>", "<bos>", "<|begin_of_text|>", "<|startoftext|>"];

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
        // Only there answers begin with a blank and are trimmed.
        let answers = (self == Self::Mistral).then(|| Answers {
            before: "[/INST] ".to_owned(),
            after: "</s>[INST] ".to_owned(),
            trims: true,
        });
        ChatTemplate {
            name: self.name().to_owned(),
            alone: alone.map(str::to_owned),
            with_system: with_system.map(str::to_owned),
            trims,
            end_of_turn: end.to_owned(),
            answers,
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
    /// Whether it ends with the token that ends the turn, or nobody knows of such a token.
    pub(crate) to_the_end: bool,
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
            (Conversation::Chat { turns }, Some(template)) => (template.render(turns), ""),
            (Conversation::Chat { turns }, None) => {
                let parts = turns.iter().map(|turn| turn.text.trim_end());
                let parts = parts.filter(|part| !part.is_empty());
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
            to_the_end: item.end_of_turn || template.is_none(),
            markers: template.map_or_else(Vec::new, ChatTemplate::markers),
            verbatim: chat && template.is_some_and(|template| template.verbatim),
        }
    }
}

impl ChatTemplate {
    /// The turns of a conversation as text that an answer goes on from.
    pub fn render(&self, turns: &[Turn]) -> String {
        let answers = self.answers();
        let with_system = turns.first().is_some_and(|turn| turn.role == Role::System);
        let [opening, end] = match with_system {
            true => [&self.with_system[0], &self.with_system[2]],
            false => [&self.alone[0], &self.alone[1]],
        };
        let mut out = opening.clone();
        let mut before = None;
        for turn in turns {
            out.push_str(match (before, turn.role) {
                (None, _) => "",
                (Some(Role::System), _) => &self.with_system[1],
                (_, Role::Assistant) => &answers.before,
                (_, Role::User | Role::System) => &answers.after,
            });
            let trims = match turn.role {
                Role::Assistant => answers.trims,
                Role::System | Role::User => self.trims,
            };
            out.push_str(if trims { turn.text.trim() } else { &turn.text });
            before = Some(turn.role);
        }
        out + end
    }

    /// What stands around earlier answers.
    fn answers(&self) -> Answers {
        self.answers.clone().unwrap_or_else(|| self.derived())
    }

    /// What stands around earlier answers if all turns are marked the same way: after
    /// the token that ends it, an answer is followed by what a system message or a
    /// question is, and by what comes before a question.
    fn derived(&self) -> Answers {
        let end = self.end_of_turn.as_str();
        let [open, close] = &self.alone;
        let begins = |text: &&&str| open.starts_with(**text);
        let begin = BEGINNINGS.iter().find(begins).map_or(0, |text| text.len());
        let after = match self.with_system[1].strip_prefix(end) {
            Some(_) => self.with_system[1].clone(),
            None => {
                let rest = close.strip_prefix(end).unwrap_or_default();
                let blank = &rest[..rest.len() - rest.trim_start().len()];
                format!("{end}{blank}{}", &open[begin..])
            }
        };
        Answers {
            before: close.clone(),
            after,
            trims: self.trims,
        }
    }

    /// The template without what was not known in earlier versions: by it models of
    /// servers are told apart, and runs stored then go on.
    pub(crate) fn identity(&self) -> Self {
        Self {
            answers: None,
            ..self.clone()
        }
    }

    /// Texts of special tokens.
    fn markers(&self) -> Vec<String> {
        let mut markers = Vec::new();
        let Answers { before, after, .. } = self.answers();
        let parts = self.alone.iter().chain(&self.with_system);
        for part in parts.chain([&self.end_of_turn, &before, &after]) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_rendered_letter_by_letter() {
        let rendered = |family: Family| {
            let template = family.template();
            (
                template.render(&[
                    Turn::new(Role::System, "Be brief."),
                    Turn::new(Role::User, " Hi \n"),
                ]),
                template.render(&[Turn::new(Role::User, "Hi")]),
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

    /// A conversation with two answers in it.
    fn shown() -> Vec<Turn> {
        let told = [
            (Role::System, "Be brief."),
            (Role::User, "1?"),
            (Role::Assistant, " one\n"),
            (Role::User, "2?"),
            (Role::Assistant, "two"),
            (Role::User, "3?"),
        ];
        told.map(|(role, text)| Turn::new(role, text)).into()
    }

    #[test]
    fn families_render_earlier_turns_in_their_own_formats() {
        for (family, expected) in [
            (
                Family::Chatml,
                "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n1?<|im_end|>\n<|im_start|>assistant\n one\n<|im_end|>\n<|im_start|>user\n2?<|im_end|>\n<|im_start|>assistant\ntwo<|im_end|>\n<|im_start|>user\n3?<|im_end|>\n<|im_start|>assistant\n",
            ),
            (
                Family::Llama3,
                "<|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n1?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\none<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\ntwo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n3?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
            ),
            (
                Family::Mistral,
                "[INST] Be brief.\n\n1?[/INST] one</s>[INST] 2?[/INST] two</s>[INST] 3?[/INST]",
            ),
            (
                Family::Gemma,
                "<start_of_turn>user\nBe brief.\n\n1?<end_of_turn>\n<start_of_turn>model\none<end_of_turn>\n<start_of_turn>user\n2?<end_of_turn>\n<start_of_turn>model\ntwo<end_of_turn>\n<start_of_turn>user\n3?<end_of_turn>\n<start_of_turn>model\n",
            ),
            (
                Family::Phi3,
                "<|system|>\nBe brief.<|end|>\n<|user|>\n1?<|end|>\n<|assistant|>\n one\n<|end|>\n<|user|>\n2?<|end|>\n<|assistant|>\ntwo<|end|>\n<|user|>\n3?<|end|>\n<|assistant|>\n",
            ),
        ] {
            assert_eq!(family.template().render(&shown()), expected, "{family:?}");
        }
    }

    #[test]
    fn templates_of_earlier_versions_are_read_and_models_stay_the_same() {
        for family in Family::ALL {
            let template = family.template();
            let mut stored = serde_json::to_value(&template).unwrap();
            let fields = stored.as_object_mut().unwrap();
            fields.remove("answers");
            assert_eq!(fields.len(), 6);
            let old: ChatTemplate = serde_json::from_value(stored.clone()).unwrap();
            // As long as there are no earlier answers, all is as it was.
            let (first, last) = (&shown()[..2], &shown()[5..]);
            assert_eq!(old.render(first), template.render(first));
            assert_eq!(old.render(last), template.render(last));
            assert_eq!(serde_json::to_value(template.identity()).unwrap(), stored);
            let kept = serde_json::to_value(&template).unwrap();
            assert_eq!(
                serde_json::from_value::<ChatTemplate>(kept).unwrap(),
                template
            );
        }
        // What begins a text begins no later turn.
        let mut old = Family::Mistral.template().identity();
        old.alone[0].insert_str(0, "<s>");
        let rest = &shown()[3..];
        assert_eq!(
            old.render(rest),
            "<s>[INST] 2?[/INST]two</s>[INST] 3?[/INST]"
        );
    }

    #[test]
    fn items_are_joined_to_texts() {
        let chat = |end_of_turn| ScoreItem {
            conversation: Conversation::ask(None, "Hi"),
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
