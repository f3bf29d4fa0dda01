//! A prompt as people keep it: a text and, where it has them, demonstrations.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::dataset::Example;

use super::template::{join_in_place, Columns, Conversation, Role, Template, TemplateError, Turn};

/// The line before a demonstration's input.
const EXAMPLE: &str = "[[example]]";
/// The line before its answer.
const ANSWER: &str = "[[answer]]";
/// The line before another column's value, with the column's name and `]]`.
const COLUMN: &str = "[[column: ";

/// How inputs and answers are set apart where there are no turns and the text says nothing
/// of it.
const LINES: &str = "Input: {{input}}\nAnswer:";

/// An input with its right answer that a prompt shows to the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Demonstration {
    /// What the model is asked.
    pub input: String,
    /// Values of the columns that the prompt's placeholders name, but the input.
    #[serde(default, skip_serializing_if = "Columns::is_empty")]
    pub columns: Columns,
    /// What it should answer, without white space at its end.
    pub answer: String,
}

/// A prompt: its text, and demonstrations, which become turns of their own.
///
/// As one text (a *document*: how it is stored, compared and put into files) the
/// demonstrations follow the text, each after a line `[[example]]`, its answer after a
/// line `[[answer]]`. Such a line inside a text is written with a backslash before it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prompt {
    /// The instructions.
    pub text: String,
    /// What is shown, in its order.
    pub demonstrations: Vec<Demonstration>,
}

/// Whether a line would be read as a mark, backslashes before it aside.
fn looks_like_a_mark(line: &str) -> bool {
    let line = line.trim_start_matches('\\').trim_end_matches('\r');
    line == EXAMPLE || line == ANSWER || (line.starts_with(COLUMN) && line.ends_with("]]"))
}

fn escaped(text: &str) -> String {
    let lines = text.split('\n').map(|line| match looks_like_a_mark(line) {
        true => format!("\\{line}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn unescaped(lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| match line.strip_prefix('\\') {
        Some(rest) if looks_like_a_mark(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn mark(line: &str) -> Option<&str> {
    let line = line.trim_end_matches('\r');
    (!line.starts_with('\\') && looks_like_a_mark(line)).then_some(line)
}

impl Prompt {
    /// A prompt without demonstrations.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            demonstrations: Vec::new(),
        }
    }

    /// Reads a document. What is not well formed is text.
    pub fn parse(document: &str) -> Self {
        let lines: Vec<&str> = document.split('\n').collect();
        let first = lines.iter().position(|line| mark(line) == Some(EXAMPLE));
        first
            .and_then(|first| Self::read(&lines, first))
            .unwrap_or_else(|| Self::plain(unescaped(&lines)))
    }

    fn read(lines: &[&str], first: usize) -> Option<Self> {
        if lines[..first].iter().any(|line| mark(line).is_some()) {
            return None;
        }
        let marks = (first..lines.len()).filter(|&at| mark(lines[at]).is_some());
        let starts: Vec<usize> = marks.chain([lines.len()]).collect();
        let mut demonstrations: Vec<Demonstration> = Vec::new();
        // Whether the last demonstration has its answer.
        let mut whole = true;
        for pair in starts.windows(2) {
            let (name, body) = (mark(lines[pair[0]])?, &lines[pair[0] + 1..pair[1]]);
            match name {
                EXAMPLE if whole => demonstrations.push(Demonstration {
                    input: unescaped(body),
                    columns: Columns::new(),
                    answer: String::new(),
                }),
                ANSWER if !whole => {
                    demonstrations.last_mut()?.answer = unescaped(body).trim_end().to_owned();
                }
                column if !whole => {
                    let name = column.strip_prefix(COLUMN)?.strip_suffix("]]")?;
                    let columns = &mut demonstrations.last_mut()?.columns;
                    columns.insert(name.to_owned(), unescaped(body));
                }
                _ => return None,
            }
            whole = name == ANSWER;
        }
        let answered = |shown: &Demonstration| !shown.answer.is_empty();
        if !whole || !demonstrations.iter().all(answered) {
            return None;
        }
        // One empty line sets the demonstrations apart.
        let end = match lines[..first] {
            [.., ""] => first - 1,
            _ => first,
        };
        Some(Self {
            text: unescaped(&lines[..end]),
            demonstrations,
        })
    }

    /// A demonstration of an example of the data, for a prompt with this text.
    pub fn demonstration(&self, example: &Example) -> Demonstration {
        let names = Template::parse(&self.text);
        let columns = names.names().into_iter().filter_map(|name| {
            let value = example.columns.get(name)?;
            Some((name.to_owned(), value.clone()))
        });
        Demonstration {
            input: example.input.clone(),
            columns: columns
                .filter(|(_, value)| *value != example.input)
                .collect(),
            answer: example.answer.best().trim_end().to_owned(),
        }
    }

    /// Whether an example of the data stands among the demonstrations.
    pub fn shows(&self, example: &Example) -> bool {
        self.demonstrations.iter().any(|shown| {
            shown.input.trim() == example.input.trim()
                && shown.answer == example.answer.best().trim_end()
        })
    }

    /// The conversation that asks the model about one example.
    ///
    /// Without placeholders the text is the system message and inputs are the user's
    /// messages; with placeholders the filled text is the user's message, of a
    /// demonstration as well. Demonstrations are earlier turns. A model without a chat
    /// template reads all of it as one text: prompt, input and answer joined by blank
    /// lines; with demonstrations, lines that begin with `Input:` and `Answer:`, because
    /// blank lines alone do not tell inputs from answers. Of a text with placeholders it
    /// reads what stands before the paragraph of the first one once, and the rest for each
    /// demonstration and for the input.
    ///
    /// # Errors
    /// The text names a column that the data does not have.
    pub fn render(
        &self,
        input: &str,
        columns: &Columns,
        has_chat_template: bool,
    ) -> Result<Conversation, TemplateError> {
        let template = Template::parse(&self.text);
        if self.demonstrations.is_empty() {
            return template.render(input, columns, has_chat_template);
        }
        let in_place = !template.placeholders().is_empty();
        let filled = template.fill(input, columns)?;
        if has_chat_template {
            let shown = |one: &Demonstration| match in_place {
                true => template.fill_or(&one.input, &one.columns),
                false => one.input.clone(),
            };
            let mut turns = Vec::with_capacity(2 * self.demonstrations.len() + 2);
            if !in_place && !filled.trim().is_empty() {
                turns.push(Turn::new(Role::System, filled.clone()));
            }
            for one in &self.demonstrations {
                turns.push(Turn::new(Role::User, shown(one)));
                turns.push(Turn::new(Role::Assistant, one.answer.clone()));
            }
            let asked = if in_place { filled } else { input.to_owned() };
            turns.push(Turn::new(Role::User, asked));
            return Ok(Conversation::Chat { turns });
        }
        let (head, pattern) = match in_place {
            true => self.head_and_pattern(),
            false => (filled.trim_end(), LINES),
        };
        let pattern = Template::parse(pattern);
        let mut before = head.to_owned();
        if !in_place && !head.is_empty() {
            before.push_str("\n\n");
        }
        for one in &self.demonstrations {
            before.push_str(&in_the_pattern(&pattern, one));
            before.push_str("\n\n");
        }
        let asked = match in_place {
            true => pattern.fill(input, columns)?,
            false => pattern.fill_or(input.trim(), &Columns::new()),
        };
        Ok(match join_in_place(&asked) {
            Conversation::Text { before: own, joint } => Conversation::Text {
                before: before + &own,
                joint,
            },
            chat @ Conversation::Chat { .. } => chat,
        })
    }

    /// What a text with placeholders says once, and what it says of each input: the text
    /// from the paragraph on that holds the first placeholder.
    pub(crate) fn head_and_pattern(&self) -> (&str, &str) {
        let template = Template::parse(&self.text);
        let first = template.placeholders().first();
        let first = first.map_or(0, |place| place.range.start);
        let cut = self.text[..first].rfind("\n\n").map_or(0, |at| at + 2);
        self.text.split_at(cut)
    }

    /// All of it as readable text, for places that know no turns: demonstrations as lines
    /// that begin with `Input:` and `Answer:`, or, where the text has placeholders, as it
    /// says of each input, with the open place at the end.
    pub fn as_text(&self) -> String {
        if self.demonstrations.is_empty() {
            return self.text.clone();
        }
        let in_place = !Template::parse(&self.text).placeholders().is_empty();
        let (head, pattern) = match in_place {
            true => self.head_and_pattern(),
            false => (self.text.as_str(), LINES),
        };
        let template = Template::parse(pattern);
        let shown = self.demonstrations.iter();
        let shown = shown.map(|one| in_the_pattern(&template, one));
        let open = in_place.then(|| pattern.to_owned());
        let parts = std::iter::once(head.trim_end().to_owned())
            .chain(shown)
            .chain(open);
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }
}

/// A demonstration in the words that stand around its input, with its answer.
fn in_the_pattern(pattern: &Template<'_>, one: &Demonstration) -> String {
    match join_in_place(&pattern.fill_or(one.input.trim(), &one.columns)) {
        Conversation::Text { before, joint } => format!("{before}{joint}{}", one.answer),
        Conversation::Chat { .. } => one.answer.clone(),
    }
}

impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escaped(&self.text))?;
        for (at, one) in self.demonstrations.iter().enumerate() {
            if at > 0 || !self.text.is_empty() {
                f.write_str("\n\n")?;
            }
            write!(f, "{EXAMPLE}\n{}", escaped(&one.input))?;
            for (name, value) in &one.columns {
                write!(f, "\n{COLUMN}{name}]]\n{}", escaped(value))?;
            }
            write!(f, "\n{ANSWER}\n{}", escaped(one.answer.trim_end()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(input: &str, answer: &str) -> Demonstration {
        Demonstration {
            input: input.into(),
            columns: Columns::new(),
            answer: answer.into(),
        }
    }

    #[test]
    fn a_document_shows_its_demonstrations() {
        let prompt = Prompt {
            text: "Name the mood.".into(),
            demonstrations: vec![shown("It broke.", "bad"), shown("Lovely!", "good")],
        };
        let document = "Name the mood.\n\n[[example]]\nIt broke.\n[[answer]]\nbad\n\n\
                        [[example]]\nLovely!\n[[answer]]\ngood";
        assert_eq!(prompt.to_string(), document);
        assert_eq!(Prompt::parse(document), prompt);
        // As a person types it into a file.
        let typed = "Name the mood.\n[[example]]\nIt broke.\n[[answer]]\nbad\n[[example]]\nLovely!\n[[answer]]\ngood\n";
        assert_eq!(Prompt::parse(typed), prompt);
        for text in [
            "Be kind.\n[[example]]\nx",
            "[[answer]]\ny",
            "a [[example]] b",
        ] {
            assert_eq!(Prompt::parse(text), Prompt::plain(text));
        }
    }

    /// A document and what it holds.
    #[derive(Deserialize)]
    struct Case {
        document: String,
        /// Whether what is written of `prompt` is the document again.
        #[serde(default)]
        written: bool,
        #[serde(flatten)]
        prompt: Prompt,
    }

    /// The window reads the same cases: both must agree on what a document is.
    #[test]
    fn the_window_and_the_program_agree() {
        let cases = include_str!("../../../../../ui/src/lib/prompt-document.cases.json");
        let cases: Vec<Case> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 20);
        for case in cases {
            let (document, prompt) = (&case.document, case.prompt);
            assert_eq!(Prompt::parse(document), prompt, "{document:?}");
            assert_eq!(
                prompt.to_string() == *document,
                case.written,
                "{document:?}"
            );
            assert_eq!(Prompt::parse(&prompt.to_string()), prompt, "{document:?}");
        }
    }

    #[test]
    fn demonstrations_are_turns_of_a_chat_and_lines_of_a_base_model() {
        let mut prompt = Prompt {
            text: "Name the mood.".into(),
            demonstrations: vec![shown("It broke.", "bad")],
        };
        let none = Columns::new();
        let turns = |prompt: &Prompt| match prompt.render("Nice.", &none, true) {
            Ok(Conversation::Chat { turns }) => turns,
            other => panic!("{other:?}"),
        };
        let said = [
            Turn::new(Role::System, "Name the mood."),
            Turn::new(Role::User, "It broke."),
            Turn::new(Role::Assistant, "bad"),
            Turn::new(Role::User, "Nice."),
        ];
        assert_eq!(turns(&prompt), said);
        let text = |before: &str| Conversation::Text {
            before: before.into(),
            joint: " ".into(),
        };
        assert_eq!(
            prompt.render("Nice.", &none, false).unwrap(),
            text("Name the mood.\n\nInput: It broke.\nAnswer: bad\n\nInput: Nice.\nAnswer:")
        );
        prompt.text = "Mood of {{input}}:".into();
        let said = [
            Turn::new(Role::User, "Mood of It broke.:"),
            Turn::new(Role::Assistant, "bad"),
            Turn::new(Role::User, "Mood of Nice.:"),
        ];
        assert_eq!(turns(&prompt), said);
        assert_eq!(
            prompt.render("Nice.", &none, false).unwrap(),
            text("Mood of It broke.: bad\n\nMood of Nice.:")
        );
        // What stands before the paragraph of the first place is said once.
        prompt.text = "Name the mood.\n\nReview: {{input}}\nMood: ".into();
        assert_eq!(
            prompt.render("Nice.", &none, false).unwrap(),
            text("Name the mood.\n\nReview: It broke.\nMood: bad\n\nReview: Nice.\nMood:")
        );
        assert_eq!(
            prompt.as_text(),
            "Name the mood.\n\nReview: It broke.\nMood: bad\n\nReview: {{input}}\nMood: "
        );
        assert!(Prompt::plain("{{x}}").render("a", &none, true).is_err());
    }

    #[test]
    fn a_demonstration_keeps_the_columns_that_the_text_names() {
        let prompt = Prompt::plain("In {{language}}: {{text}}");
        let columns = [("language", "French"), ("text", "hi"), ("other", "x")];
        let example = Example {
            input: "hi".into(),
            columns: columns.map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
            answer: crate::dataset::Answer::Supervised {
                targets: vec!["salut \n".into()],
            },
            row: 1,
            id: None,
            part: None,
            weight: None,
        };
        let one = prompt.demonstration(&example);
        let language = ("language".to_owned(), "French".to_owned());
        assert_eq!(one.columns, Columns::from([language]));
        assert_eq!(one.answer, "salut");
        let prompt = Prompt {
            demonstrations: vec![one],
            ..prompt
        };
        assert!(prompt.shows(&example));
        assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
        let asked = prompt.render("hi", &example.columns, true).unwrap();
        let Conversation::Chat { turns } = asked else {
            panic!("a chat");
        };
        assert_eq!(turns[0].text, "In French: hi");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            text in "([a-z\\\\ \n\\[\\]]|\n?\\[\\[example\\]\\]\n?|\\[\\[answer\\]\\]\n?){0,12}",
            shown in prop::collection::vec(
                ("([a-z \n]|\\\\?\\[\\[answer\\]\\]\n?){0,6}", "[a-z]([a-z \n]|\n\\[\\[example\\]\\]){0,5}[a-z]"),
                0..4
            ),
        ) {
            let demonstrations = shown.into_iter().map(|(input, answer)| Demonstration {
                input, columns: Columns::new(), answer,
            }).collect();
            let prompt = Prompt { text, demonstrations };
            prop_assert_eq!(Prompt::parse(&prompt.to_string()), prompt);
        }
    }
}
