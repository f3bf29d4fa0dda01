//! The server's own template, found by what it makes of a few messages.

use pmpo_core::prompt::{around, Role, Turn, HARD, PROBES};
use serde::Deserialize;
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use super::{marker_at, settles, Answers, ChatTemplate};
use crate::error::RemoteError;
use crate::server::Server;

impl ChatTemplate {
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
        let Some((alone, trims)) = around_messages(&probed, &hard, &PROBES[1..2]) else {
            return Ok(None);
        };
        let with_system = match self.text(both(PROBES[0], PROBES[1]), true).await {
            Ok(probed) => {
                let hard = self.text(both(HARD, HARD), true).await?;
                around_messages(&probed, &hard, &PROBES[..2]).filter(|(_, also)| *also == trims)
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
        let found = ChatTemplate {
            name: "server".to_owned(),
            alone,
            with_system,
            trims,
            end_of_turn: end.to_owned(),
            answers: None,
            verbatim: matches!(self.shown, Shown::Tokens),
        };
        let answers = self.answers(&found).await?;
        Ok(Some(ChatTemplate { answers, ..found }))
    }

    /// What stands around earlier answers: of a conversation of five turns, checked
    /// with texts that show what is done to them. `None` where it is what follows from
    /// the rest, or depends on more than whose turns follow each other.
    async fn answers(&self, found: &ChatTemplate) -> Result<Option<Answers>, RemoteError> {
        let roles = ["user", "assistant", "user", "assistant", "user"];
        let told = |texts: [&str; 5]| -> Value {
            let turns = roles.iter().zip(texts);
            turns
                .map(|(role, text)| json!({"role": role, "content": text}))
                .collect()
        };
        let mut shown = Vec::new();
        let [probes @ .., _] = PROBES;
        for texts in [probes, [HARD; 5]] {
            match self.text(told(texts), true).await {
                Ok(text) => shown.push(text),
                Err(error) if settles(&error) => return Err(error),
                // A template that takes no answers.
                Err(_) => return Ok(None),
            }
        }
        let Some(parts) = around(&shown[0], &probes) else {
            return Ok(None);
        };
        let turns = roles.map(|role| match role {
            "user" => Turn::new(Role::User, HARD),
            _ => Turn::new(Role::Assistant, HARD),
        });
        let answers = [false, true].map(|trims| Answers {
            before: parts[1].to_owned(),
            after: parts[2].to_owned(),
            trims,
        });
        let fits = |answers: &Answers| {
            let with = ChatTemplate {
                answers: Some(answers.clone()),
                ..found.clone()
            };
            with.render(&turns) == shown[1]
        };
        let own = answers.into_iter().find(fits);
        Ok(own.filter(|answers| *answers != found.derived()))
    }
}

/// What stands around the probes, and whether messages are trimmed; checked with
/// texts that show everything a template might do.
fn around_messages(probed: &str, hard: &str, probes: &[&str]) -> Option<(Vec<String>, bool)> {
    let parts = around(probed, probes)?;
    let messages = vec![HARD; probes.len()];
    [false, true]
        .into_iter()
        .find(|&trims| put_on(&parts, &messages, trims) == hard)
        .map(|trims| (parts.iter().map(|&part| part.to_owned()).collect(), trims))
}

fn put_on(around: &[&str], messages: &[&str], trims: bool) -> String {
    let mut out = around[0].to_owned();
    for (message, after) in messages.iter().zip(&around[1..]) {
        out.push_str(if trims { message.trim() } else { message });
        out.push_str(after);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_messages_is_found_only_where_it_is_simple() {
        let make = |text: &str| format!("<u>{}</u>", text.trim());
        let (parts, trims) = around_messages(&make("jxqz"), &make(HARD), &["jxqz"]).unwrap();
        assert_eq!((parts, trims), (vec!["<u>".into(), "</u>".into()], true));
        let upper = |text: &str| format!("<u>{}</u>", text.to_uppercase());
        assert!(around_messages(&make("jxqz"), &upper(HARD), &["jxqz"]).is_none());
        assert_eq!(marker_at("<|eot_id|><|x|>"), Some("<|eot_id|>"));
        assert_eq!(marker_at("[/INST] a"), Some("[/INST]"));
        assert_eq!(marker_at("< a>"), None);
        assert_eq!(marker_at("plain"), None);
    }
}
