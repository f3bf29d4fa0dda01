//! Log-probabilities of a given text, in the two ways that servers give them.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use crate::error::RemoteError;
use crate::place::Ground;
use crate::server::Server;
use crate::template::Rendered;
use crate::wire::{Choice, Completion, EchoedLogprobs, PromptLogprob, Usage};

/// Rounding may lift a log-probability this far over 0.
const OVER_ZERO: f64 = 1e-4;

/// How a server gives the log-probabilities of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `prompt_logprobs`, as vLLM has it.
    PromptLogprobs,
    /// `echo` with `logprobs`, as OpenAI once had it, and llama-cpp-python and vLLM have.
    Echo,
}

impl Way {
    /// All ways, the better one first.
    pub const ALL: [Self; 2] = [Self::PromptLogprobs, Self::Echo];
}

/// Why an answer holds no log-probabilities of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It has no `prompt_logprobs`.
    NoPromptLogprobs,
    /// It does not begin with the text that was sent.
    NoEcho,
    /// It has no `logprobs`.
    NoLogprobs,
    /// They cannot be right.
    Wrong(String),
}

impl Unfit {
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::NoPromptLogprobs => "it has no prompt_logprobs".to_owned(),
            Self::NoEcho => "it does not repeat the text that was sent".to_owned(),
            Self::NoLogprobs => "it has no log-probabilities".to_owned(),
            Self::Wrong(what) => what.clone(),
        }
    }
}

fn wrong(what: impl Into<String>) -> Unfit {
    Unfit::Wrong(what.into())
}

/// A token of the text that was sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// Bytes of the text that it covers.
    pub(crate) range: Range<usize>,
    /// `ln p` given all tokens before it; none for the first.
    pub(crate) log_prob: Option<f64>,
    /// Whether it is the likeliest token in its place, where the server told.
    pub(crate) likeliest: Option<bool>,
    /// The likeliest token in its place and its `ln p`, where the server told.
    pub(crate) top: Option<(String, f64)>,
}

/// The tokens of a text.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    pub(crate) tokens: Vec<Token>,
    pub(crate) usage: Option<Usage>,
}

/// One question, with likeliest tokens where `top` asks for them.
pub(crate) async fn ask(
    server: &Server,
    model: &str,
    way: Way,
    rendered: &Rendered,
    top: bool,
    cancel: &CancellationToken,
) -> Result<Result<Numbers, Unfit>, RemoteError> {
    let question = question(model, way, rendered, top);
    let mut answer: Completion = server.post("/v1/completions", &question, cancel).await?;
    if answer.choices.is_empty() {
        return Err(server.nonsense("it holds no text (choices is empty)"));
    }
    let choice = answer.choices.swap_remove(0);
    Ok(numbers(choice, answer.usage, way, rendered))
}

fn question(model: &str, way: Way, rendered: &Rendered, top: bool) -> Value {
    // One token, because some servers take 0 for "as many as fit".
    let mut question = json!({
        "model": model, "prompt": rendered.text, "max_tokens": 1, "temperature": 0,
    });
    match way {
        Way::PromptLogprobs => question["prompt_logprobs"] = json!(u8::from(top)),
        Way::Echo => {
            question["echo"] = json!(true);
            question["logprobs"] = json!(1);
        }
    }
    if rendered.verbatim {
        question["add_special_tokens"] = json!(false);
    }
    question
}

fn numbers(
    choice: Choice,
    usage: Option<Usage>,
    way: Way,
    rendered: &Rendered,
) -> Result<Numbers, Unfit> {
    let text = choice.text.as_deref().unwrap_or_default();
    let repeated = text.starts_with(&rendered.text);
    let named = match way {
        Way::PromptLogprobs => {
            let all = choice.prompt_logprobs.ok_or(Unfit::NoPromptLogprobs)?;
            let all: Result<Vec<Named>, Unfit> = all.into_iter().map(of_prompt).collect();
            all?
        }
        Way::Echo => match choice.logprobs {
            Some(logprobs) if !logprobs.tokens.is_empty() => echoed(logprobs)?,
            _ if repeated => return Err(Unfit::NoLogprobs),
            _ => return Err(Unfit::NoEcho),
        },
    };
    // One token was asked for; servers may write none, or not show it.
    let own = match (way, usage.map(|usage| usage.written())) {
        (Way::PromptLogprobs, _) => &[0][..],
        (Way::Echo, Some(0)) => &[0, 1],
        (Way::Echo, _) => &[1, 0],
    };
    if let (Way::PromptLogprobs, Some(usage)) = (way, &usage) {
        let told = usage.prompt_tokens as usize;
        if told != 0 && told != named.len() {
            return Err(wrong(format!(
                "it has {} log-probabilities for {told} tokens",
                named.len()
            )));
        }
    }
    let ground = Ground {
        text: &rendered.text,
        markers: &rendered.markers,
        loose: rendered.before,
    };
    let pieces: Vec<Option<&str>> = named.iter().map(|token| token.piece.as_deref()).collect();
    let ranges = ground.place(&pieces, own).map_err(|why| match way {
        Way::Echo if !repeated => Unfit::NoEcho,
        _ => wrong(why),
    })?;
    let tokens = ranges.into_iter().zip(named).enumerate();
    let tokens: Result<Vec<Token>, Unfit> = tokens
        .map(|(at, (range, token))| {
            Ok(Token {
                range,
                log_prob: checked(at, token.log_prob)?,
                likeliest: token.likeliest,
                top: token.top,
            })
        })
        .collect();
    Ok(Numbers {
        tokens: tokens?,
        usage,
    })
}

/// A log-probability that can be one.
fn checked(at: usize, log_prob: Option<f64>) -> Result<Option<f64>, Unfit> {
    match log_prob {
        None if at == 0 => Ok(None),
        None => Err(wrong("a token of it has no log-probability")),
        Some(value) if !value.is_finite() => {
            Err(wrong("a log-probability of it is not a finite number"))
        }
        Some(value) if value > OVER_ZERO => {
            Err(wrong(format!("a log-probability of it is {value}, over 0")))
        }
        Some(value) => Ok(Some(value.min(0.0))),
    }
}

/// A token as the server names it.
struct Named {
    /// Its text; of a first token vLLM tells none.
    piece: Option<String>,
    log_prob: Option<f64>,
    likeliest: Option<bool>,
    top: Option<(String, f64)>,
}

/// One entry of `prompt_logprobs`: the token itself, and perhaps likelier ones.
fn of_prompt(entry: Option<BTreeMap<String, PromptLogprob>>) -> Result<Named, Unfit> {
    let Some(entry) = entry else {
        return Ok(Named {
            piece: None,
            log_prob: None,
            likeliest: None,
            top: None,
        });
    };
    let value = |one: &PromptLogprob| one.logprob.unwrap_or(f64::NEG_INFINITY);
    let top = entry
        .iter()
        .max_by(|a, b| value(a.1).total_cmp(&value(b.1)))
        .map(|(id, one)| (id.clone(), value(one)));
    // Likelier ones come beside it, so it is the last in rank.
    let itself = entry.into_values().max_by(|a, b| {
        let by_rank = a.rank.cmp(&b.rank);
        by_rank.then(value(b).total_cmp(&value(a)))
    });
    let Some(itself) = itself else {
        return Err(wrong("an entry of prompt_logprobs is empty"));
    };
    Ok(Named {
        likeliest: itself.rank.map(|rank| rank <= 1),
        piece: Some(itself.decoded_token.unwrap_or_default()),
        log_prob: Some(itself.logprob.unwrap_or(f64::NAN)),
        top,
    })
}

fn echoed(logprobs: EchoedLogprobs) -> Result<Vec<Named>, Unfit> {
    let count = logprobs.tokens.len();
    if logprobs.token_logprobs.len() != count {
        return Err(wrong(format!(
            "it has {} log-probabilities for {count} tokens",
            logprobs.token_logprobs.len()
        )));
    }
    let mut tops = logprobs.top_logprobs.unwrap_or_default().into_iter();
    let named = logprobs.tokens.into_iter().zip(logprobs.token_logprobs);
    let named = named.map(|(piece, log_prob)| {
        let likely = tops.next().flatten().unwrap_or_default();
        let likely = likely.into_iter().filter_map(|(id, p)| Some((id, p?)));
        let top = likely.max_by(|a, b| a.1.total_cmp(&b.1));
        Named {
            piece: Some(piece),
            log_prob,
            // Both are the same number, where they are of the same token.
            likeliest: log_prob.zip(top.as_ref()).map(|(own, top)| own >= top.1),
            top,
        }
    });
    Ok(named.collect())
}

impl Numbers {
    /// Whether each of the answer's tokens is the likeliest in its place, where the
    /// server told of all of them.
    pub(crate) fn likeliest(&self, rendered: &Rendered) -> Option<bool> {
        let own = self
            .tokens
            .iter()
            .filter(|token| token.range.end > rendered.before);
        own.map(|token| token.likeliest)
            .try_fold(true, |all, one| Some(all && one?))
    }

    /// The answer's tokens, each with its `ln p`: those that reach beyond what stands
    /// before the answer, as the engine on this computer counts.
    pub(crate) fn answer(&self, rendered: &Rendered) -> Result<Vec<(Range<usize>, f64)>, Unfit> {
        let own = self
            .tokens
            .iter()
            .filter(|token| token.range.end > rendered.before);
        let own: Option<Vec<(Range<usize>, f64)>> = own
            .map(|token| Some((token.range.clone(), token.log_prob?)))
            .collect();
        match own {
            Some(own) if !own.is_empty() => Ok(own),
            Some(_) => Err(wrong("no token of it belongs to the answer")),
            None => Err(wrong("nothing stands before the answer to predict it from")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, before: usize) -> Rendered {
        Rendered {
            text: text.to_owned(),
            before,
            answer_end: text.len(),
            to_the_end: true,
            markers: Vec::new(),
            verbatim: false,
        }
    }

    fn read_all(way: Way, answer: Value) -> Result<(Numbers, Rendered), Unfit> {
        let mut completion: Completion = serde_json::from_value(answer).unwrap();
        let text = rendered("ab cd", 2);
        let choice = completion.choices.swap_remove(0);
        Ok((numbers(choice, completion.usage, way, &text)?, text))
    }

    fn read(way: Way, answer: Value) -> Result<Vec<(Range<usize>, f64)>, Unfit> {
        let (numbers, text) = read_all(way, answer)?;
        numbers.answer(&text)
    }

    fn likeliest(way: Way, answer: Value) -> Option<bool> {
        let (numbers, text) = read_all(way, answer).unwrap();
        numbers.likeliest(&text)
    }

    #[test]
    fn the_likeliest_is_known_by_its_rank_or_by_the_likeliest_beside_it() {
        let ranked = |rank: Value| {
            let own = json!({"logprob": -0.5, "rank": rank, "decoded_token": " cd"});
            json!({"choices": [{"text": "x", "prompt_logprobs": [
                null, {"5": {"logprob": -9, "rank": 70, "decoded_token": "b"}}, {"6": own}]}]})
        };
        for (rank, known) in [
            (json!(1), Some(true)),
            (json!(2), Some(false)),
            (Value::Null, None),
        ] {
            assert_eq!(likeliest(Way::PromptLogprobs, ranked(rank)), known);
        }
        let beside = |tops: Value| {
            json!({"choices": [{"text": "ab cd!", "logprobs": {"tokens": ["ab", " cd", "!"],
                "token_logprobs": [null, -0.5, -1], "top_logprobs": tops}}],
                "usage": {"prompt_tokens": 2, "completion_tokens": 1}})
        };
        for (tops, known) in [
            (json!([null, {" cd": -0.5}, {"!": -1}]), Some(true)),
            (
                json!([null, {" cd": -0.5, " x": -0.4}, {"!": -1}]),
                Some(false),
            ),
            (json!([null, null, {"!": -1}]), None),
            (Value::Null, None),
        ] {
            assert_eq!(likeliest(Way::Echo, beside(tops)), known);
        }
    }

    #[test]
    fn prompt_logprobs_are_read() {
        let answer = |first: Value, told: u8| {
            json!({"choices": [{"text": "x", "prompt_logprobs": [
                null, first, {"6": {"logprob": -2, "rank": 2, "decoded_token": " cd"},
                "7": {"logprob": -0.5, "rank": 1, "decoded_token": " x"}}]}],
                "usage": {"prompt_tokens": told}})
        };
        let entry =
            |p: Value, text: &str| json!({"5": {"logprob": p, "rank": 3, "decoded_token": text}});
        // The first token has no entry: here it is "a", or one that begins the text.
        for first in ["b", "ab"] {
            let found = read(Way::PromptLogprobs, answer(entry(json!(-1.5), first), 3));
            assert_eq!(found.unwrap(), [(2..5, -2.0)]);
        }
        let fault = read(Way::PromptLogprobs, answer(entry(json!(-1.5), "c"), 3));
        assert!(matches!(fault, Err(Unfit::Wrong(_))), "{fault:?}");
        let fault = read(Way::PromptLogprobs, answer(entry(json!(-1.5), "b"), 4)).unwrap_err();
        assert!(fault.in_words().contains("3 log-probabilities for 4"));
        for (bad, word) in [(json!(null), "finite"), (json!(0.5), "over 0")] {
            let fault = read(Way::PromptLogprobs, answer(entry(bad, "ab"), 3)).unwrap_err();
            assert!(fault.in_words().contains(word), "{fault:?}");
        }
        let none = json!({"choices": [{"text": "x"}]});
        assert_eq!(
            read(Way::PromptLogprobs, none),
            Err(Unfit::NoPromptLogprobs)
        );
    }

    #[test]
    fn echoed_logprobs_are_read() {
        let answer = |tokens: Value, values: Value| {
            json!({"choices": [{"text": "ab cd!", "logprobs":
                {"tokens": tokens, "token_logprobs": values}}],
                "usage": {"prompt_tokens": 2, "completion_tokens": 1}})
        };
        let good = answer(json!(["ab", " cd", "!"]), json!([null, -2.5, -1]));
        assert_eq!(read(Way::Echo, good).unwrap(), [(2..5, -2.5)]);
        // A token that reaches across counts as the answer's.
        let across = answer(json!(["a", "b cd", "!"]), json!([null, -3, -1]));
        assert_eq!(read(Way::Echo, across).unwrap(), [(1..5, -3.0)]);
        for (tokens, values, word) in [
            (
                json!(["ab", " cd"]),
                json!([null]),
                "1 log-probabilities for 2",
            ),
            (
                json!(["ab", " cd", "!"]),
                json!([null, null, -1]),
                "no log-prob",
            ),
            (
                json!(["ab", " xy", "!"]),
                json!([null, -1, -1]),
                "do not make up",
            ),
            (
                json!(["ab cd", "!"]),
                json!([null, -1]),
                "nothing stands before",
            ),
        ] {
            let fault = read(Way::Echo, answer(tokens, values)).unwrap_err();
            assert!(fault.in_words().contains(word), "{fault:?}");
        }
        let none = json!({"choices": [{"text": "ab cd!", "logprobs": null}]});
        assert_eq!(read(Way::Echo, none), Err(Unfit::NoLogprobs));
        let other = json!({"choices": [{"text": "!", "logprobs": null}]});
        assert_eq!(read(Way::Echo, other), Err(Unfit::NoEcho));
    }
}
