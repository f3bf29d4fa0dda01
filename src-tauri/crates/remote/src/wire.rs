//! The answers of servers, read leniently: only what is used must be there.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Characters of a server's words that are shown.
const MOST_WORDS: usize = 300;

/// A model that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteModel {
    /// What it is called in requests.
    pub id: String,
    /// Longest sequence in tokens, where the server tells.
    pub window: Option<usize>,
    /// Number of weights, where the server tells.
    pub parameters: Option<u64>,
}

/// An answer as JSON; in words why it is none.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim(),
        Err(_) => return Err("it is not text".to_owned()),
    };
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.starts_with('<') {
        return Err("it is a web page, not JSON".to_owned());
    }
    serde_json::from_str(text).map_err(|why| {
        // Some servers write what JSON does not have.
        let odd = ["NaN", "Infinity"].iter().find(|odd| text.contains(*odd));
        match odd {
            Some(odd) => format!("it holds {odd}, which is not a number"),
            None if why.is_eof() => "it ends too early".to_owned(),
            None => "it is not JSON".to_owned(),
        }
    })
}

/// The first characters of a text, on one line.
pub(crate) fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut signs = line.chars().filter(|sign| !sign.is_control());
    let mut out: String = signs.by_ref().take(MOST_WORDS).collect();
    if signs.next().is_some() {
        out.push('…');
    }
    out
}

/// What a server says about a failure.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) words: String,
    /// Whether it is a model that is missing, not a part of the interface.
    pub(crate) about_a_model: bool,
    kind: String,
    tokens: Option<usize>,
    window: Option<usize>,
}

impl Said {
    /// Tokens and window, 0 where unknown, if the failure is that a text is too long.
    pub(crate) fn too_long(&self) -> Option<(usize, usize)> {
        let words = self.words.to_lowercase();
        let known = ["context_length_exceeded", "exceed_context_size_error"];
        let told = known.contains(&self.kind.as_str())
            || [
                "maximum context length",
                "exceed context window",
                "exceeds the available context size",
                "longer than the maximum model length",
                "greater than the context length",
            ]
            .iter()
            .any(|part| words.contains(part));
        if !told {
            return None;
        }
        let numbers: Vec<usize> = words
            .split(|sign: char| !sign.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .collect();
        // Who names two numbers names window and tokens; more tokens than fit.
        let named = match numbers[..] {
            [first, second, ..] => (first.max(second), first.min(second)),
            [only] => (0, only),
            [] => (0, 0),
        };
        Some((
            self.tokens.unwrap_or(named.0),
            self.window.unwrap_or(named.1),
        ))
    }
}

/// What the body of a failed answer says: OpenAI's form, FastAPI's, a plain text.
pub(crate) fn said(body: &[u8]) -> Said {
    let text = String::from_utf8_lossy(body);
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        if let Some(said) = error_in(&value) {
            return said;
        }
        let words = match value.get("detail").or_else(|| value.get("message")) {
            Some(Value::String(words)) => words.clone(),
            Some(other) => other.to_string(),
            None => text.into_owned(),
        };
        return Said {
            words,
            ..Said::default()
        };
    }
    let words = match text.trim() {
        "" => "it gave no reason".to_owned(),
        page if page.starts_with('<') => "it answered with a web page".to_owned(),
        words => words.to_owned(),
    };
    Said {
        words,
        ..Said::default()
    }
}

/// The failure that an answer tells of in its field `error`.
pub(crate) fn error_in(value: &Value) -> Option<Said> {
    let error = value.get("error").filter(|error| !error.is_null())?;
    let text = |name: &str| match error.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let number = |name: &str| Some(error.get(name)?.as_u64()? as usize);
    let words = match error {
        Value::String(words) => words.clone(),
        _ => match error.get("message").and_then(Value::as_str) {
            Some(words) => words.to_owned(),
            None => error.to_string(),
        },
    };
    let kinds = [text("code"), text("type")];
    let kind = kinds.iter().find(|kind| kind.contains("context"));
    Some(Said {
        about_a_model: kinds.iter().any(|kind| kind == "model_not_found")
            || words.to_lowercase().contains("model"),
        kind: kind.cloned().unwrap_or_default(),
        tokens: number("n_prompt_tokens"),
        window: number("n_ctx"),
        words,
    })
}

#[derive(Debug, Deserialize)]
pub(crate) struct ModelList {
    data: Vec<ModelEntry>,
}

#[derive(Debug, Deserialize)]
struct ModelEntry {
    id: String,
    /// vLLM.
    max_model_len: Option<usize>,
    /// LM Studio.
    max_context_length: Option<usize>,
    /// llama.cpp.
    meta: Option<ModelMeta>,
}

#[derive(Debug, Deserialize)]
struct ModelMeta {
    n_ctx: Option<usize>,
    n_ctx_train: Option<usize>,
    n_params: Option<u64>,
}

impl ModelList {
    pub(crate) fn models(self) -> Vec<RemoteModel> {
        let known = |entry: ModelEntry| {
            let meta = entry.meta.as_ref();
            let of_meta = meta.and_then(|meta| meta.n_ctx.or(meta.n_ctx_train));
            RemoteModel {
                window: entry.max_model_len.or(entry.max_context_length).or(of_meta),
                parameters: meta.and_then(|meta| meta.n_params),
                id: entry.id,
            }
        };
        self.data.into_iter().map(known).collect()
    }
}

/// An answer of `/v1/completions` or `/v1/chat/completions`, whole or an event of a stream.
#[derive(Debug, Deserialize)]
pub(crate) struct Completion {
    #[serde(default)]
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    /// Of a text completion.
    pub(crate) text: Option<String>,
    /// Of a whole chat completion.
    message: Option<Message>,
    /// Of an event of a chat completion.
    delta: Option<Message>,
    pub(crate) finish_reason: Option<String>,
    pub(crate) logprobs: Option<EchoedLogprobs>,
    /// vLLM: one entry per token of the prompt, by token id.
    pub(crate) prompt_logprobs: Option<Vec<Option<BTreeMap<String, PromptLogprob>>>>,
}

impl Choice {
    /// The text, or what an event adds to it.
    pub(crate) fn written(self) -> Option<String> {
        let message = self.message.or(self.delta);
        self.text.or(message.and_then(|message| message.content))
    }
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Usage {
    #[serde(default)]
    pub(crate) prompt_tokens: u64,
    completion_tokens: Option<u64>,
    prompt_tokens_details: Option<UsageDetails>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct UsageDetails {
    cached_tokens: Option<u64>,
}

impl Usage {
    pub(crate) fn written(&self) -> u64 {
        self.completion_tokens.unwrap_or(0)
    }

    /// Tokens of the prompt that the server did not compute again.
    pub(crate) fn cached(&self) -> u64 {
        let details = self.prompt_tokens_details;
        let cached = details.and_then(|details| details.cached_tokens);
        cached.unwrap_or(0).min(self.prompt_tokens)
    }
}

/// Log-probabilities as OpenAI's first interface gave them.
#[derive(Debug, Deserialize)]
pub(crate) struct EchoedLogprobs {
    #[serde(default)]
    pub(crate) tokens: Vec<String>,
    #[serde(default)]
    pub(crate) token_logprobs: Vec<Option<f64>>,
    pub(crate) top_logprobs: Option<Vec<Option<Likely>>>,
}

/// Likely tokens in one place, by their text.
pub(crate) type Likely = BTreeMap<String, Option<f64>>;

#[derive(Debug, Deserialize)]
pub(crate) struct PromptLogprob {
    pub(crate) logprob: Option<f64>,
    pub(crate) rank: Option<u64>,
    pub(crate) decoded_token: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_that_is_too_long_is_known_from_many_servers_words() {
        let openai = |words: &str, code: &str| json!({"error": {"message": words, "code": code}});
        for (answer, expected) in [
            (
                openai(
                    "This model's maximum context length is 1024 tokens, however you requested 2002 \
                     tokens (2001 in your prompt; 1 for the completion).",
                    "context_length_exceeded",
                ),
                (2002, 1024),
            ),
            (
                json!({"error": {"code": 400, "message": "the request exceeds the available context \
                    size, try increasing it", "type": "exceed_context_size_error",
                    "n_prompt_tokens": 5000, "n_ctx": 4096}}),
                (5000, 4096),
            ),
            (
                json!({"error": "Requested tokens (900) exceed context window of 512"}),
                (900, 512),
            ),
        ] {
            let said = said(answer.to_string().as_bytes());
            assert_eq!(said.too_long(), Some(expected), "{answer}");
        }
        assert_eq!(
            said(b"{\"error\": {\"message\": \"no 5 or 6\"}}").too_long(),
            None
        );
    }

    #[test]
    fn refusals_are_read_in_every_form() {
        for (body, words) in [
            ("{\"error\": {\"message\": \"no\"}}", "no"),
            ("{\"error\": \"no\"}", "no"),
            ("{\"detail\": \"Not Found\"}", "Not Found"),
            ("{\"detail\": [{\"loc\": 1}]}", "[{\"loc\":1}]"),
            ("no", "no"),
            ("", "it gave no reason"),
            ("<html>no</html>", "it answered with a web page"),
        ] {
            assert_eq!(said(body.as_bytes()).words, words, "{body}");
        }
    }

    #[test]
    fn words_are_cut_and_kept_on_a_line() {
        assert_eq!(shortened("a\n\tb\u{7}"), "a b");
        assert_eq!(shortened(&"é".repeat(400)).chars().count(), 301);
    }

    #[test]
    fn answers_that_are_not_json_are_told_apart() {
        for (body, word) in [
            (&b"<!doctype html>"[..], "web page"),
            (b"", "empty"),
            (b"{\"a\": NaN}", "NaN"),
            (b"{\"a\": -Infinity}", "Infinity"),
            (b"{\"a\": 1", "ends too early"),
            (b"hello", "not JSON"),
            (b"\xff\xfe", "not text"),
        ] {
            assert!(value(body).unwrap_err().contains(word), "{body:?}");
        }
    }
}
