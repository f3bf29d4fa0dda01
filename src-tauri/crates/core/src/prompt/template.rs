use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The values of one example by column name.
pub type Columns = BTreeMap<String, String>;

/// The name that always stands for the example's input.
pub(crate) const INPUT: &str = "input";

/// A `{{name}}` in a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placeholder {
    /// The name between the braces, without surrounding blanks.
    pub name: String,
    /// Bytes of the whole placeholder, braces included.
    pub range: Range<usize>,
}

/// Who says a turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Who sets the rules: the prompt, mostly.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub text: String,
}

impl Turn {
    /// A turn of `role`.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }
}

/// What the model reads before the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conversation {
    /// Turns for the model's own chat template: at most one system turn, which comes
    /// first, then any number of turns, the last of which is the user's.
    Chat {
        /// The turns, never empty.
        turns: Vec<Turn>,
    },
    /// Plain text that the answer continues, for base models and completions.
    Text {
        /// Everything before the answer.
        before: String,
        /// What stands between `before` and the answer, tokenised with the answer.
        joint: String,
    },
}

impl Conversation {
    /// One message of the user, after a system message where there is one.
    pub fn ask(system: Option<&str>, user: impl Into<String>) -> Self {
        let mut turns = Vec::with_capacity(2);
        turns.extend(system.map(|text| Turn::new(Role::System, text)));
        turns.push(Turn::new(Role::User, user));
        Self::Chat { turns }
    }

    /// The system turn of a chat, if it has one.
    pub fn system(&self) -> Option<&str> {
        match self {
            Self::Chat { turns } => turns
                .first()
                .filter(|turn| turn.role == Role::System)
                .map(|turn| turn.text.as_str()),
            Self::Text { .. } => None,
        }
    }

    /// What is asked last: a chat's last turn, or the text before the answer.
    pub fn question(&self) -> &str {
        match self {
            Self::Chat { turns } => turns.last().map_or("", |turn| turn.text.as_str()),
            Self::Text { before, .. } => before,
        }
    }
}

/// A prompt that names a column the data does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the prompt uses {{{{{name}}}}}, but the data has no such column")]
pub struct TemplateError {
    /// The unknown name.
    pub name: String,
}

/// A prompt with its placeholders found.
#[derive(Debug, Clone)]
pub struct Template<'a> {
    text: &'a str,
    placeholders: Vec<Placeholder>,
}

impl<'a> Template<'a> {
    /// Finds every `{{name}}`. Braces that enclose no name stay plain text.
    pub fn parse(text: &'a str) -> Self {
        let mut placeholders = Vec::new();
        let mut from = 0;
        while let Some(open) = text[from..].find("{{").map(|at| from + at) {
            let Some(close) = text[open..].find("}}").map(|at| open + at) else {
                break;
            };
            let name = text[open + 2..close].trim();
            if name.is_empty() || name.contains(['{', '}', '\n']) {
                from = open + 2;
                continue;
            }
            placeholders.push(Placeholder {
                name: name.to_owned(),
                range: open..close + 2,
            });
            from = close + 2;
        }
        Self { text, placeholders }
    }

    /// The placeholders in their order in the text.
    pub fn placeholders(&self) -> &[Placeholder] {
        &self.placeholders
    }

    /// The names used, sorted, repeated as often as they occur.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.placeholders.iter().map(|p| p.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Whether there is a word beside the placeholders.
    pub fn says_something(&self) -> bool {
        let mut from = 0;
        for placeholder in &self.placeholders {
            if self.text[from..placeholder.range.start].contains(char::is_alphanumeric) {
                return true;
            }
            from = placeholder.range.end;
        }
        self.text[from..].contains(char::is_alphanumeric)
    }

    /// Puts the example's values in place of the placeholders.
    ///
    /// Values are inserted as they are: braces in the data are never filled again.
    pub fn fill(&self, input: &str, columns: &Columns) -> Result<String, TemplateError> {
        let mut out = String::with_capacity(self.text.len() + input.len());
        let mut from = 0;
        for placeholder in &self.placeholders {
            out.push_str(&self.text[from..placeholder.range.start]);
            let value = match columns.get(&placeholder.name) {
                Some(value) => value,
                None if placeholder.name == INPUT => input,
                None => {
                    return Err(TemplateError {
                        name: placeholder.name.clone(),
                    })
                }
            };
            out.push_str(value);
            from = placeholder.range.end;
        }
        out.push_str(&self.text[from..]);
        Ok(out)
    }

    /// As [`Self::fill`], with the input where a column is not known.
    pub(super) fn fill_or(&self, input: &str, columns: &Columns) -> String {
        let mut out = String::with_capacity(self.text.len() + input.len());
        let mut from = 0;
        for placeholder in &self.placeholders {
            out.push_str(&self.text[from..placeholder.range.start]);
            out.push_str(columns.get(&placeholder.name).map_or(input, String::as_str));
            from = placeholder.range.end;
        }
        out.push_str(&self.text[from..]);
        out
    }

    /// The conversation that asks the model about one example.
    ///
    /// Without placeholders the prompt is the system message and the input the
    /// user's message; with placeholders the filled prompt is the user's
    /// message. A model without a chat template reads prompt, input and answer
    /// joined by blank lines.
    pub fn render(
        &self,
        input: &str,
        columns: &Columns,
        has_chat_template: bool,
    ) -> Result<Conversation, TemplateError> {
        let filled = self.fill(input, columns)?;
        let in_place = !self.placeholders.is_empty();
        Ok(match (has_chat_template, in_place) {
            (true, true) => Conversation::ask(None, filled),
            (true, false) => {
                let system = (!filled.trim().is_empty()).then_some(filled.as_str());
                Conversation::ask(system, input)
            }
            (false, true) => join_in_place(&filled),
            (false, false) => {
                let parts = [filled.trim_end(), input.trim_end()];
                // The blank line is no part of the answer: its loss is not counted.
                let before = parts
                    .iter()
                    .filter(|part| !part.is_empty())
                    .map(|part| format!("{part}\n\n"))
                    .collect();
                Conversation::Text {
                    before,
                    joint: String::new(),
                }
            }
        })
    }
}

/// Text whose answer follows in place. A trailing space belongs to the answer,
/// because tokenisers write a word together with the space before it.
pub(super) fn join_in_place(filled: &str) -> Conversation {
    let before = filled.trim_end_matches(' ');
    let joint = if before.len() < filled.len() || !before.ends_with(char::is_whitespace) {
        " "
    } else {
        ""
    };
    Conversation::Text {
        before: before.to_owned(),
        joint: joint.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn fills_any_column_and_leaves_braces_in_values_alone() {
        let template = Template::parse("Say {{ input }} in {{language}}. {{}} {{a{b}}");
        assert_eq!(template.names(), ["input", "language"]);
        assert!(template.says_something() && !Template::parse(" {{a}}: {{b}}").says_something());
        let text = template
            .fill("{{language}}", &columns(&[("language", "French")]))
            .unwrap();
        assert_eq!(text, "Say {{language}} in French. {{}} {{a{b}}");
    }

    #[test]
    fn an_unknown_column_is_an_error_that_names_it() {
        let error = Template::parse("{{colour}}").fill("x", &Columns::new());
        assert_eq!(error.unwrap_err().name, "colour");
    }

    #[test]
    fn a_column_called_input_wins_over_the_input() {
        let template = Template::parse("{{input}}");
        let text = template.fill("a", &columns(&[("input", "b")])).unwrap();
        assert_eq!(text, "b");
    }

    #[test]
    fn renders_the_four_ways() {
        let plain = Template::parse("Be brief.");
        let holed = Template::parse("Q: {{input}}\nA: ");
        let none = Columns::new();
        assert_eq!(
            plain.render("hi", &none, true).unwrap(),
            Conversation::ask(Some("Be brief."), "hi")
        );
        assert_eq!(
            holed.render("hi", &none, true).unwrap(),
            Conversation::ask(None, "Q: hi\nA: ")
        );
        assert_eq!(
            plain.render("hi\n", &none, false).unwrap(),
            Conversation::Text {
                before: "Be brief.\n\nhi\n\n".into(),
                joint: String::new()
            }
        );
        assert_eq!(
            holed.render("hi", &none, false).unwrap(),
            Conversation::Text {
                before: "Q: hi\nA:".into(),
                joint: " ".into()
            }
        );
        assert_eq!(
            Template::parse("{{input}}\n")
                .render("hi", &none, false)
                .unwrap(),
            Conversation::Text {
                before: "hi\n".into(),
                joint: String::new()
            }
        );
    }
}
