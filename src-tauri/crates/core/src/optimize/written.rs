//! Whether a written text is a right answer.

use serde_json::Value;

use crate::dataset::{Answer, Example};

/// How a text that a model wrote is held against the right answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AnswerCheck {
    /// The same but for case and white space.
    Words,
    /// The same JSON value: order of fields, white space and the way numbers are written
    /// do not matter. The whole text must be JSON.
    Json,
}

impl AnswerCheck {
    /// The check that the right answers ask for; none for free text and for preferences.
    /// `exact` says whether answers are short enough to be said word for word.
    pub(super) fn of(examples: &[Example], exact: bool) -> Option<Self> {
        let structured = |example: &Example| match &example.answer {
            Answer::Supervised { targets } => targets.iter().all(|target| {
                let value = json(target);
                value.is_some_and(|value| value.is_object() || value.is_array())
            }),
            Answer::Preference { .. } => false,
        };
        if !examples.is_empty() && examples.iter().all(structured) {
            return Some(Self::Json);
        }
        exact.then_some(Self::Words)
    }

    /// Whether only the written text shows if it is right: other texts than the right
    /// answer, letter by letter, mean the same.
    pub(super) fn needs_text(self) -> bool {
        self == Self::Json
    }

    /// Whether a text is one of the right answers.
    pub(super) fn accepts(self, answer: &Answer, text: &str) -> bool {
        let Answer::Supervised { targets } = answer else {
            return false;
        };
        match self {
            Self::Words => targets.iter().any(|target| plain(target) == plain(text)),
            Self::Json => {
                let written = json(text);
                let same = |target: &String| json(target).as_ref() == written.as_ref();
                written.is_some() && targets.iter().any(same)
            }
        }
    }
}

fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// A text as JSON; numbers are compared by value, so that 3 and 3.0 are the same.
fn json(text: &str) -> Option<Value> {
    fn by_value(value: Value) -> Value {
        match value {
            Value::Number(number) => number
                .as_f64()
                .filter(|value| value.abs() < 2f64.powi(53))
                .and_then(serde_json::Number::from_f64)
                .map_or(Value::Number(number), Value::Number),
            Value::Array(all) => Value::Array(all.into_iter().map(by_value).collect()),
            Value::Object(all) => {
                let fields = all.into_iter();
                Value::Object(fields.map(|(name, one)| (name, by_value(one))).collect())
            }
            other => other,
        }
    }
    serde_json::from_str(text.trim()).ok().map(by_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(target: &str) -> Example {
        Example {
            input: "x".into(),
            columns: Default::default(),
            answer: Answer::Supervised {
                targets: vec![target.into()],
            },
            row: 1,
            id: None,
            part: None,
            weight: None,
        }
    }

    #[test]
    fn json_is_right_by_what_it_means() {
        let order = example(r#"{"item": "cups", "count": 3, "gift": [true, null]}"#);
        let check = AnswerCheck::of(std::slice::from_ref(&order), true);
        assert_eq!(check, Some(AnswerCheck::Json));
        let right = |text: &str| AnswerCheck::Json.accepts(&order.answer, text);
        assert!(right(
            "\n{\"count\":3.0,\"gift\":[true,null],\"item\":\"cups\"} "
        ));
        for wrong in [
            r#"{"item": "cups", "count": 3, "gift": [null, true]}"#,
            r#"{"item": "Cups", "count": 3, "gift": [true, null]}"#,
            r#"{"item": "cups", "count": "3", "gift": [true, null]}"#,
            r#"{"item": "cups", "count": 3, "gift": [true, null], "more": 1}"#,
            r#"Here it is: {"item": "cups", "count": 3, "gift": [true, null]}"#,
            "{",
            "",
        ] {
            assert!(!right(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_answers_decide_how_they_are_checked() {
        let of = |targets: &[&str], exact| {
            let examples: Vec<Example> = targets.iter().map(|one| example(one)).collect();
            AnswerCheck::of(&examples, exact)
        };
        // Numbers and words are JSON by accident.
        assert_eq!(of(&["3", "true"], true), Some(AnswerCheck::Words));
        assert_eq!(of(&["[1]", "none"], true), Some(AnswerCheck::Words));
        assert_eq!(of(&["A long text."], false), None);
        assert_eq!(of(&["[1, 2]", "{}"], false), Some(AnswerCheck::Json));
        assert!(AnswerCheck::Words.accepts(&example("Very  good").answer, " very good\n"));
    }
}
