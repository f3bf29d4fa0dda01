//! The sentences that people are told, by the keys of [`Message`]s. They are written once,
//! in `ui/src/text/messages`, for the window and for the terminal; tests hold both
//! languages to each other and to what the program can tell.

use std::collections::HashMap;
use std::sync::LazyLock;

use pmpo_core::message::{Message, Param};
use serde::Deserialize;
use serde_json::Value;

/// A language of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The terminal's, and the one that every error carries its words in.
    #[default]
    English,
    /// Deutsch.
    German,
}

impl Language {
    /// By its tag, `de` or `de-AT`; English for all others.
    pub fn of(tag: &str) -> Self {
        match tag.get(..2) {
            Some(short) if short.eq_ignore_ascii_case("de") => Self::German,
            _ => Self::English,
        }
    }
}

/// What happened, and what the person can do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    message: String,
    #[serde(default)]
    hint: String,
}

type Table = HashMap<String, Sentence>;

const ENGLISH: &str = include_str!("../../../../ui/src/text/messages/en.json");
const GERMAN: &str = include_str!("../../../../ui/src/text/messages/de.json");

/// A table that cannot be read is empty: a test reads both.
fn read(text: &str) -> Table {
    serde_json::from_str(text).unwrap_or_default()
}

fn table(language: Language) -> &'static Table {
    static TABLES: LazyLock<(Table, Table)> = LazyLock::new(|| (read(ENGLISH), read(GERMAN)));
    match language {
        Language::English => &TABLES.0,
        Language::German => &TABLES.1,
    }
}

/// What happened, in a sentence, and what the person can do; either may be empty.
pub fn said(told: &Message, language: Language) -> (String, String) {
    match table(language).get(told.key) {
        Some(sentence) => (
            filled(&sentence.message, told, language),
            filled(&sentence.hint, told, language),
        ),
        // A test holds that there are none.
        None => (told.to_string(), String::new()),
    }
}

/// A piece of a sentence.
#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    /// `{name}` or `{name:form}`.
    Place(&'a str, &'a str),
}

/// Cuts a sentence at its places. `{{name}}` is text: people write it into prompts.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut out = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|found| at + found) {
        if text[open..].starts_with("{{") {
            at = text[open..]
                .find("}}")
                .map_or(text.len(), |end| open + end + 2);
            continue;
        }
        let inner = text[open + 1..].split('}').next().unwrap_or_default();
        let close = open + 1 + inner.len();
        let is_place = !inner.is_empty()
            && close < text.len()
            && inner
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"_:".contains(&b));
        if !is_place {
            at = open + 1;
            continue;
        }
        out.push(Piece::Text(&text[from..open]));
        let (name, form) = inner.split_once(':').unwrap_or((inner, ""));
        out.push(Piece::Place(name, form));
        from = close + 1;
        at = from;
    }
    out.push(Piece::Text(&text[from..]));
    out
}

fn filled(text: &str, told: &Message, language: Language) -> String {
    let mut out = String::with_capacity(2 * text.len());
    for piece in pieces(text) {
        match piece {
            // Words of others may end with a point of their own.
            Piece::Text(text) if text.starts_with('.') && out.ends_with(['.', '!', '?']) => {
                out.push_str(&text[1..]);
            }
            Piece::Text(text) => out.push_str(text),
            Piece::Place(name, form) => {
                if let Some(param) = told.params.get(name) {
                    out.push_str(&placed(param, form, language));
                }
            }
        }
    }
    out
}

fn placed(param: &Param, form: &str, language: Language) -> String {
    match (param, form) {
        (Param::Number(number), "count") => grouped(*number, language),
        (Param::Number(number), "bytes") => bytes(*number, language),
        (Param::Number(number), "mib") => bytes(*number << 20, language),
        (Param::Text(number), "number") => decimal(number, language),
        (Param::Message(told), "hint") => said(told, language).1,
        (Param::Message(told), _) => said(told, language).0,
        (other, _) => other.to_string(),
    }
}

fn grouped(number: u64, language: Language) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(match language {
                Language::English => ',',
                Language::German => '.',
            });
        }
        out.push(digit);
    }
    out
}

fn decimal(number: &str, language: Language) -> String {
    match language {
        Language::English => number.to_owned(),
        Language::German => number.replace('.', ","),
    }
}

/// As the window writes sizes.
fn bytes(number: u64, language: Language) -> String {
    let value = number as f64;
    if value >= 1e9 {
        let whole = format!("{:.1}", value / 1e9);
        return format!("{} GB", decimal(&whole, language));
    }
    let (value, unit) = match value >= 1e6 {
        true => (value / 1e6, "MB"),
        false => ((value / 1e3).max(1.0), "kB"),
    };
    format!("{} {unit}", grouped(value.round() as u64, language))
}

/// A message that was written as JSON; none where this version has no such sentence.
pub(crate) fn message_of(json: &Value) -> Option<Message> {
    let (key, sentence) = table(Language::English).get_key_value(json["key"].as_str()?)?;
    let mut told = Message::new(key);
    let texts = [&sentence.message, &sentence.hint];
    for piece in texts.into_iter().flat_map(|text| pieces(text)) {
        if let Piece::Place(name, _) = piece {
            told = told.with(name, param_of(&json["params"][name])?);
        }
    }
    Some(told)
}

fn param_of(json: &Value) -> Option<Param> {
    Some(match json {
        Value::Number(number) => number.as_u64()?.into(),
        Value::String(text) => text.into(),
        Value::Object(fields) if fields.contains_key("key") => message_of(json)?.into(),
        Value::Object(_) => Param::Device(serde_json::from_value(json.clone()).ok()?),
        _ => return None,
    })
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
