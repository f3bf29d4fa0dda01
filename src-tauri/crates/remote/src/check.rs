//! What a server can do, found out by asking.

use pmpo_core::kind::kind;
use pmpo_core::model::ScoreItem;
use pmpo_core::prompt::Conversation;
use reqwest::header::CONTENT_TYPE;
use serde_json::{json, Value};
use tokio_util::sync::CancellationToken;

use crate::counter::Counter;
use crate::describe::{weights_named, ModelChoice};
use crate::error::RemoteError;
use crate::limits::Limits;
use crate::numbers::{ask, Numbers, Unfit, Way};
use crate::report::{Missing, Report, Scoring};
use crate::retry::retrying;
use crate::server::Server;
use crate::template::{settles, ChatTemplate, Rendered, TemplateChoice};
use crate::wire::{Completion, RemoteModel};

/// A text that any language model knows the end of, and one that nobody expects.
const KNOWN: &str = "The capital of France is";
const RIGHT: &str = "Paris.";
const WRONG: &str = "xylophone.";
/// How much likelier the right end must be, in nats over the whole end.
const CLEARLY: f64 = 1.0;
/// A sequence that goes on by itself, and the most nats a token of it may cost: numbers
/// that belong to other tokens cost far more.
const DAYS: [&str; 2] = [
    "Monday, Tuesday, Wednesday,",
    "Thursday, Friday, Saturday, Sunday",
];
const MOST_OF_DAYS: f64 = 3.0;
/// Equal requests should differ by no more than this, in nats, and must not by more than that.
const STEADY: f64 = 1e-3;
const UNSTEADY: f64 = 0.05;

/// Finds out what a server can do with a model, with some twenty short requests.
///
/// # Errors
/// Only what makes the server useless: nothing answers, the key is wrong, it has no
/// such model. What it lacks otherwise is in the report.
pub async fn check(
    server: &Server,
    choice: &ModelChoice,
    cancel: &CancellationToken,
) -> Result<Report, RemoteError> {
    let report = found(server, choice, cancel).await;
    match &report {
        Ok(report) => tracing::info!(
            writes = report.can_write(),
            scores = report.can_score(),
            streams = report.streams,
            missing = ?report.missing.iter().map(kind).collect::<Vec<_>>(),
            "a server was checked"
        ),
        Err(why) => tracing::warn!(kind = kind(why), "a server could not be checked"),
    }
    report
}

async fn found(
    server: &Server,
    choice: &ModelChoice,
    cancel: &CancellationToken,
) -> Result<Report, RemoteError> {
    // The person waits for the report; a wrong address should not take long.
    let server = server.with_limits(Limits {
        attempts: server.limits().attempts.min(2),
        ..*server.limits()
    });
    let mut missing = Vec::new();
    let models = match server.models(cancel).await {
        Ok(models) => models,
        Err(error) if settles(&error) => return Err(error),
        Err(RemoteError::Nonsense { what, .. }) if choice.model.is_none() => {
            return Err(server.nonsense(what));
        }
        Err(_) => {
            missing.push(Missing::Models);
            Vec::new()
        }
    };
    let known = model_of(&server, choice, models)?;
    let checking = Checking {
        model: known.id.clone(),
        server,
        cancel,
    };
    checking.report(choice, known, missing).await
}

/// The model that was chosen, as the server lists it.
fn model_of(
    server: &Server,
    choice: &ModelChoice,
    models: Vec<RemoteModel>,
) -> Result<RemoteModel, RemoteError> {
    let bare = |id: &str| RemoteModel {
        id: id.to_owned(),
        window: None,
        parameters: None,
    };
    let Some(wanted) = choice.model.as_deref().filter(|model| !model.is_empty()) else {
        return models
            .into_iter()
            .next()
            .ok_or_else(|| RemoteError::NoModel {
                server: server.address().clone(),
                model: String::new(),
                there: "no list of models, so one must be named".to_owned(),
            });
    };
    if models.is_empty() {
        return Ok(bare(wanted));
    }
    let names: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
    let there = crate::wire::shortened(&names.join(", "));
    models
        .into_iter()
        .find(|model| model.id == wanted)
        .ok_or_else(|| RemoteError::NoModel {
            server: server.address().clone(),
            model: wanted.to_owned(),
            there,
        })
}

struct Checking<'a> {
    server: Server,
    model: String,
    cancel: &'a CancellationToken,
}

impl Checking<'_> {
    async fn report(
        &self,
        choice: &ModelChoice,
        known: RemoteModel,
        mut missing: Vec<Missing>,
    ) -> Result<Report, RemoteError> {
        let text = json!({"prompt": KNOWN});
        let completions = self.writes("/v1/completions", text.clone()).await?;
        if !completions {
            missing.push(Missing::Completions);
        }
        let messages = json!({"messages": [{"role": "user", "content": "Say yes."}]});
        let chat = self
            .writes("/v1/chat/completions", messages.clone())
            .await?;
        if !chat {
            missing.push(Missing::Chat);
        }
        let streams = match (chat, completions) {
            (true, _) => self.streams("/v1/chat/completions", messages).await?,
            (false, true) => self.streams("/v1/completions", text).await?,
            (false, false) => false,
        };
        if !streams {
            missing.push(Missing::Streams);
        }
        let counted = Counter::of_server(&self.server, &self.model, self.cancel).await?;
        if counted.is_none() {
            missing.push(Missing::Counter);
        }
        let template = match choice.template {
            TemplateChoice::Plain => None,
            TemplateChoice::Named(family) => Some(family.template()),
            TemplateChoice::OfServer => {
                ChatTemplate::of_server(&self.server, &self.model, self.cancel).await?
            }
        };
        if template.is_none() && choice.template == TemplateChoice::OfServer && chat {
            missing.push(Missing::Template);
        }
        let told = known.window.or(counted.and_then(|(_, window)| window));
        let window = match (choice.window, told) {
            (Some(wanted), Some(told)) => Some(wanted.min(told)),
            (wanted, told) => wanted.or(told),
        };
        if window.is_none() {
            missing.push(Missing::Window);
        }
        let (mut chat_scoring, mut text_scoring) = (
            impossible("its chat template is not known"),
            impossible("it does not go on from plain text"),
        );
        if completions {
            let lacks;
            (text_scoring, lacks) = self.scoring(None).await?;
            // What is not used is not told.
            match &template {
                Some(template) => {
                    let lacks;
                    (chat_scoring, lacks) = self.scoring(Some(template)).await?;
                    missing.extend(lacks);
                }
                None if missing.contains(&Missing::Template) => {}
                None => missing.extend(lacks),
            }
        }
        Ok(Report {
            server: self.server.address().to_string(),
            window,
            parameters: choice
                .parameters
                .or(known.parameters)
                .or_else(|| weights_named(&self.model)),
            chat,
            completions,
            streams,
            counter: counted.map(|(counter, _)| counter),
            template,
            chat_scoring,
            text_scoring,
            missing,
            model: known.id,
        })
    }

    /// A request for one token.
    fn short(&self, mut question: Value) -> Value {
        question["model"] = json!(self.model);
        question["max_tokens"] = json!(1);
        question["temperature"] = json!(0);
        question
    }

    /// Whether a part of the interface writes.
    async fn writes(&self, path: &str, question: Value) -> Result<bool, RemoteError> {
        let question = self.short(question);
        let answer: Result<Completion, _> = self.server.post(path, &question, self.cancel).await;
        match answer {
            Ok(answer) => Ok(!answer.choices.is_empty()),
            Err(error) if settles(&error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Whether texts come while they are written.
    async fn streams(&self, path: &str, question: Value) -> Result<bool, RemoteError> {
        let mut question = self.short(question);
        question["stream"] = json!(true);
        let limits = self.server.limits();
        let begun = retrying(limits, self.cancel, || {
            self.server.send(path, Some(&question))
        });
        match begun.await {
            Ok(response) => {
                let kind = response.headers().get(CONTENT_TYPE);
                let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
                Ok(kind.is_some_and(|kind| kind.contains("event-stream")))
            }
            Err(error) if settles(&error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// The better way in which answers can be scored, and what it leaves to be desired.
    async fn scoring(
        &self,
        template: Option<&ChatTemplate>,
    ) -> Result<(Scoring, Vec<Missing>), RemoteError> {
        let mut faults = Vec::new();
        for way in Way::ALL {
            match self.trial(way, template).await? {
                // One way is enough: what another one lacks does not matter.
                Ok(spread) => {
                    let unsteady = (spread > STEADY).then_some(Missing::Steadiness { spread });
                    let lacks = unsteady.into_iter().collect();
                    return Ok((Scoring::Ready { way, spread }, lacks));
                }
                Err(unfit) => faults.push((way, unfit)),
            }
        }
        let mut why: Vec<String> = faults.iter().map(|(_, unfit)| unfit.in_words()).collect();
        why.dedup();
        let lacks = faults.into_iter().map(|(way, unfit)| match unfit {
            Unfit::NoPromptLogprobs => Missing::PromptLogprobs,
            Unfit::NoEcho => Missing::Echo,
            Unfit::NoLogprobs => Missing::Logprobs,
            Unfit::Wrong(what) => Missing::Wrong { way, what },
        });
        Ok((impossible(&why.join(", and ")), lacks.collect()))
    }

    /// Numbers of a known text.
    async fn numbers(
        &self,
        way: Way,
        rendered: &Rendered,
    ) -> Result<Result<Numbers, Unfit>, RemoteError> {
        let asked = ask(&self.server, &self.model, way, rendered, true, self.cancel).await;
        match asked {
            Err(error) if settles(&error) => Err(error),
            // llama-cpp-python and llama.cpp refuse what they do not have.
            Err(RemoteError::Failed { said, .. } | RemoteError::Refused { said, .. })
                if way == Way::Echo && said.contains("logprobs") =>
            {
                Ok(Err(Unfit::NoLogprobs))
            }
            Err(RemoteError::Failed { said, .. } | RemoteError::Refused { said, .. })
                if way == Way::Echo && said.contains("echo") =>
            {
                Ok(Err(Unfit::NoEcho))
            }
            Err(error) => Ok(Err(Unfit::Wrong(error.to_string()))),
            Ok(answer) => Ok(answer),
        }
    }

    /// Tries a way; the largest difference between equal requests, if all is well.
    async fn trial(
        &self,
        way: Way,
        template: Option<&ChatTemplate>,
    ) -> Result<Result<f64, Unfit>, RemoteError> {
        let item = |known: &str, answer: &str| {
            let conversation = match template {
                Some(_) => Conversation::ask(Some("Go on."), known),
                None => Conversation::Text {
                    before: known.to_owned(),
                    joint: " ".to_owned(),
                },
            };
            let item = ScoreItem {
                conversation,
                answer: answer.to_owned(),
                end_of_turn: false,
            };
            Rendered::new(&item, template)
        };
        let mut all = Vec::new();
        let texts = [
            item(KNOWN, RIGHT),
            item(KNOWN, WRONG),
            item(KNOWN, RIGHT),
            item(DAYS[0], DAYS[1]),
        ];
        for text in &texts {
            match self.numbers(way, text).await? {
                Ok(numbers) => all.push(numbers),
                Err(unfit) => return Ok(Err(unfit)),
            }
        }
        let [right, wrong, again, days] = &all[..] else {
            return Ok(Err(Unfit::Wrong("it is incomplete".to_owned())));
        };
        Ok(self.judge(&texts, right, wrong, again, days))
    }

    fn judge(
        &self,
        texts: &[Rendered; 4],
        right: &Numbers,
        wrong: &Numbers,
        again: &Numbers,
        days: &Numbers,
    ) -> Result<f64, Unfit> {
        let fault = |what: &str| Err(Unfit::Wrong(what.to_owned()));
        let spread = difference(right, again, right.tokens.len());
        if right.tokens.len() != again.tokens.len() || spread > UNSTEADY {
            return fault("equal requests give different numbers");
        }
        // What comes after a token must not change its number, and what is expected in
        // the place of a token must not depend on that token.
        let same = right.tokens.iter().zip(&wrong.tokens);
        let shared = same
            .take_while(|(a, b)| a.range == b.range && a.range.end <= texts[0].before)
            .count();
        if difference(right, wrong, shared) > UNSTEADY {
            return fault("a number depends on the text that comes after its token");
        }
        let tops = right.tokens.get(shared).zip(wrong.tokens.get(shared));
        let tops = tops.and_then(|(a, b)| a.top.as_ref().zip(b.top.as_ref()));
        let other = |a: &(String, f64), b: &(String, f64)| {
            let off = (a.1 - b.1).abs();
            // Two that are about as likely may change places.
            off > UNSTEADY || (a.0 != b.0 && off > UNSTEADY / 10.0)
        };
        if tops.is_some_and(|(a, b)| other(a, b)) {
            return fault(
                "they belong to the wrong tokens, as llama-cpp-python gives them for models that \
                 begin a text without a special token",
            );
        }
        let sum = |numbers: &Numbers, text: &Rendered| -> Result<(f64, usize), Unfit> {
            let answer = numbers.answer(text)?;
            let sum: f64 = answer.iter().map(|(_, log_prob)| log_prob).sum();
            Ok((sum, answer.len()))
        };
        if sum(right, &texts[0])?.0 < sum(wrong, &texts[1])?.0 + CLEARLY {
            return fault(
                "the capital of France is not clearly likelier to be Paris than xylophone",
            );
        }
        let (days, count) = sum(days, &texts[3])?;
        if -days / count as f64 > MOST_OF_DAYS {
            return fault(
                "the days of the week surprise it, as if numbers belonged to other tokens",
            );
        }
        Ok(spread)
    }
}

fn impossible(why: &str) -> Scoring {
    Scoring::Impossible {
        why: why.to_owned(),
    }
}

/// Largest difference of a log-probability among the first tokens, in nats.
fn difference(one: &Numbers, other: &Numbers, first: usize) -> f64 {
    let pairs = one.tokens.iter().zip(&other.tokens).take(first);
    pairs
        .filter_map(|(a, b)| Some((a.log_prob? - b.log_prob?).abs()))
        .fold(0.0, f64::max)
}
