//! The fake server's answers.

use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pmpo_core::random::derived_seed;
use serde_json::{json, Value};
use tokio::net::TcpStream;

use super::model::{ends, is_likeliest, likeliest, log_prob, SPECIAL};
use super::{Fault, Seen, Shows, ShowsTemplate, State};

type Broken = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<BoxBody<Bytes, Broken>>;

/// Counts a request that is being answered, and whether its client waited for the end.
struct Watch {
    state: Arc<State>,
    whole: bool,
}

impl Watch {
    fn new(state: &Arc<State>) -> Self {
        let now = state.now.fetch_add(1, Ordering::SeqCst) + 1;
        state.most.fetch_max(now, Ordering::SeqCst);
        Self {
            state: state.clone(),
            whole: false,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.state.now.fetch_sub(1, Ordering::SeqCst);
        if !self.whole {
            self.state.gone.fetch_add(1, Ordering::SeqCst);
        }
    }
}

pub(super) async fn connection(stream: TcpStream, state: Arc<State>) {
    let answer = service_fn(move |request| answer(request, state.clone()));
    // A connection that is cut on purpose is an error here.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

fn whole(status: u16, kind: &str, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).map_err(|never: Infallible| match never {});
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(body.boxed())
        .unwrap()
}

fn json_answer(body: &Value) -> Answer {
    whole(200, "application/json", body.to_string())
}

fn refused(status: u16, words: &str) -> Answer {
    let body = json!({"error": {"message": words, "type": "invalid_request_error"}});
    whole(status, "application/json", body.to_string())
}

/// What follows the parts of a body.
enum Then {
    End,
    Cut,
    Stall,
}

/// A body part by part.
fn parts(kind: &str, parts: Vec<String>, pace: u64, then: Then, watch: Watch) -> Answer {
    let begin = (parts.into_iter(), then, watch);
    let body = stream::unfold(begin, move |(mut left, then, mut watch)| async move {
        if pace > 0 {
            tokio::time::sleep(Duration::from_millis(pace)).await;
        }
        if let Some(part) = left.next() {
            let frame: Result<_, Broken> = Ok(Frame::data(Bytes::from(part)));
            return Some((frame, (left, then, watch)));
        }
        match then {
            Then::End => {
                watch.whole = true;
                drop(watch);
                None
            }
            Then::Cut => {
                watch.whole = true;
                tokio::time::sleep(Duration::from_millis(20)).await;
                Some((Err("cut on purpose".into()), (left, Then::End, watch)))
            }
            Then::Stall => std::future::pending().await,
        }
    });
    Response::builder()
        .header("content-type", kind)
        .body(BodyExt::boxed(StreamBody::new(SyncBody(Box::pin(body)))))
        .unwrap()
}

/// A stream that is only ever used by one thread at a time.
struct SyncBody<S>(S);

impl<S: futures_util::Stream + Unpin> futures_util::Stream for SyncBody<S> {
    type Item = S::Item;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<S::Item>> {
        std::pin::Pin::new(&mut self.0).poll_next(context)
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> Result<Answer, Broken> {
    let mut watch = Watch::new(&state);
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await?.to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    state.seen.lock().unwrap().push(Seen {
        path: path.clone(),
        authorization: authorization.clone(),
        body: body.clone(),
    });
    let manner = &state.manner;
    let wanted = manner.key.map(|key| format!("Bearer {key}"));
    if wanted.is_some() && wanted != authorization {
        watch.whole = true;
        let words = format!("Incorrect API key provided: {authorization:?}");
        return Ok(refused(401, &words));
    }
    if manner.slow > 0 {
        let wait = derived_seed(3, &[&body.to_string()]) % manner.slow;
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }
    let writes = path == "/v1/completions" || path == "/v1/chat/completions";
    let fault = match writes {
        true => state.faults.lock().unwrap().pop_front(),
        false => None,
    };
    match fault {
        Some(Fault::Status(status, words, header)) => {
            watch.whole = true;
            let mut answer = whole(status, "text/plain", words.to_owned());
            if let Some((name, value)) = header {
                answer.headers_mut().insert(name, value.parse()?);
            }
            return Ok(answer);
        }
        Some(Fault::Body(kind, text)) => {
            watch.whole = true;
            return Ok(whole(200, kind, text));
        }
        Some(Fault::Cut) => {
            watch.whole = true;
            return Err("cut on purpose".into());
        }
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(fault @ (Fault::CutHalfWay | Fault::Stall)) => {
            let then = match fault {
                Fault::Stall => Then::Stall,
                _ => Then::Cut,
            };
            if body["stream"] == true {
                let mut events = events(&state, &body, path.contains("chat"));
                events.truncate(events.len() / 2);
                return Ok(parts("text/event-stream", events, 0, then, watch));
            }
            let half = vec!["{\"choices\": [{\"te".to_owned()];
            return Ok(parts("application/json", half, 0, then, watch));
        }
        None => {}
    }
    let answer = match path.as_str() {
        "/v1/models" if manner.lists_models => {
            let window = manner.tells_window.then_some(manner.window);
            json_answer(&json!({"object": "list", "data": [
                {"id": manner.model, "object": "model", "max_model_len": window}]}))
        }
        "/v1/completions" if manner.completions => completion(&state, &body),
        "/v1/chat/completions" if manner.chat => {
            if body["stream"] == true && manner.streams {
                let events = events(&state, &body, true);
                return Ok(parts(
                    "text/event-stream",
                    events,
                    manner.pace,
                    Then::End,
                    watch,
                ));
            }
            let text = written(&state, &body);
            let choice = json!({"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text}});
            json_answer(&json!({"choices": [choice], "usage": usage(&state, 10, 5)}))
        }
        path if Some(path) == manner.counts => count(&state, path, &body),
        "/tokenize" | "/detokenize" if manner.template == ShowsTemplate::Tokens => {
            template_by_tokens(&path, &body)
        }
        "/apply-template" if manner.template == ShowsTemplate::Text => {
            json_answer(&json!({"prompt": templated(&body)}))
        }
        _ => whole(
            404,
            "application/json",
            "{\"detail\": \"Not Found\"}".to_owned(),
        ),
    };
    // A text completion may be a stream too.
    if path == "/v1/completions"
        && body["stream"] == true
        && manner.streams
        && answer.status().is_success()
    {
        let events = events(&state, &body, false);
        return Ok(parts(
            "text/event-stream",
            events,
            manner.pace,
            Then::End,
            watch,
        ));
    }
    watch.whole = true;
    Ok(answer)
}

fn usage(state: &State, read: usize, wrote: usize) -> Value {
    match state.manner.usage {
        true => json!({"prompt_tokens": read, "completion_tokens": wrote,
            "total_tokens": read + wrote}),
        false => Value::Null,
    }
}

/// The text that it writes, chosen by the seed.
fn written(state: &State, body: &Value) -> String {
    let writes = &state.manner.writes;
    let seed = body["seed"].as_u64().unwrap_or(0) as usize;
    let text = &writes[seed % writes.len()];
    let stops = body["stop"].as_array().cloned().unwrap_or_default();
    let cut = stops.iter().filter_map(|stop| text.find(stop.as_str()?));
    cut.min().map_or(text.as_str(), |at| &text[..at]).to_owned()
}

fn events(state: &State, body: &Value, chat: bool) -> Vec<String> {
    let text = written(state, body);
    let mut events = vec![": open\n\n".to_owned()];
    let event = |choice: Value| format!("data: {}\n\n", json!({"choices": [choice]}));
    let mut from = 0;
    let mut count = 0;
    for at in ends(&text)
        .into_iter()
        .filter(|at| text.is_char_boundary(*at))
    {
        let part = &text[from..at];
        from = at;
        count += 1;
        events.push(event(match chat {
            true => json!({"index": 0, "delta": {"content": part}, "finish_reason": null}),
            false => json!({"index": 0, "text": part, "finish_reason": null}),
        }));
    }
    events.push(event(match chat {
        true => json!({"index": 0, "delta": {}, "finish_reason": "stop"}),
        false => json!({"index": 0, "text": "", "finish_reason": "stop"}),
    }));
    if state.manner.usage {
        let usage = usage(state, 10, count);
        events.push(format!(
            "data: {}\n\n",
            json!({"choices": [], "usage": usage})
        ));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// A completion of plain text, with log-probabilities where asked for.
fn completion(state: &State, body: &Value) -> Answer {
    let manner = &state.manner;
    let sent = body["prompt"].as_str().unwrap_or_default();
    let begins = match body["add_special_tokens"] == false {
        true => "",
        false => manner.begins.unwrap_or_default(),
    };
    let text = format!("{begins}{sent}");
    let ends = ends(&text);
    if ends.len() + 1 > manner.window {
        return refused(
            400,
            &format!(
                "This model's maximum context length is {} tokens, however you requested {} tokens.",
                manner.window,
                ends.len()
            ),
        );
    }
    let asked = manner.drift * state.seen.lock().unwrap().len() as f64;
    let starts: Vec<usize> = std::iter::once(0).chain(ends.iter().copied()).collect();
    // Number, likeliest token and its number of each token but the first.
    let number = |at: usize| {
        let from = match manner.misaligned {
            true => ends[at],
            false => starts[at],
        };
        let own = match manner.misaligned {
            true => -8.0 - (derived_seed(4, &[&text[..from]]) % 100) as f64 / 10.0,
            false => log_prob(&text, starts[at], ends[at]),
        };
        (own - asked, likeliest(&text, from))
    };
    let shown = |at: usize| -> Option<String> {
        let piece = String::from_utf8_lossy(&text.as_bytes()[starts[at]..ends[at]]).into_owned();
        match manner.shows {
            Shows::All => Some(piece),
            Shows::Little if Some(piece.as_str()) == manner.begins => None,
            Shows::Little if SPECIAL.contains(&piece.as_str()) => Some(String::new()),
            Shows::Little => Some(piece.replace('\u{fffd}', "")),
        }
    };
    let mut choice = json!({"index": 0, "text": " next", "finish_reason": "length",
        "logprobs": null});
    if manner.prompt_logprobs && !body["prompt_logprobs"].is_null() {
        let more = body["prompt_logprobs"].as_u64().unwrap_or(0) > 0;
        let entries = (0..ends.len()).map(|at| {
            if at == 0 {
                return Value::Null;
            }
            let (own, (top, likely)) = number(at);
            let piece = shown(at).unwrap_or_default();
            let token = String::from_utf8_lossy(&text.as_bytes()[starts[at]..ends[at]]);
            let before = String::from_utf8_lossy(&text.as_bytes()[..starts[at]]);
            let surely = is_likeliest(&before, &token);
            let rank = if surely { 1 } else { 3 };
            let mut entry = json!({"5": {"logprob": own, "rank": rank, "decoded_token": piece}});
            if more && !surely {
                entry[&top] = json!({"logprob": likely, "rank": 1, "decoded_token": top});
            }
            entry
        });
        choice["prompt_logprobs"] = entries.collect();
    }
    if manner.echo && body["echo"] == true {
        choice["text"] = json!(format!("{sent} next"));
        if manner.logprobs && !body["logprobs"].is_null() {
            let (mut tokens, mut values, mut tops) = (Vec::new(), Vec::new(), Vec::new());
            for at in 0..ends.len() {
                let Some(piece) = shown(at) else {
                    continue;
                };
                let (own, (top, likely)) = number(at);
                let first = tokens.is_empty();
                tokens.push(json!(piece));
                values.push(if first { Value::Null } else { json!(own) });
                tops.push(if first {
                    Value::Null
                } else {
                    json!({piece: own, top: likely})
                });
            }
            tokens.push(json!(" next"));
            values.push(json!(-0.3));
            tops.push(json!({" next": -0.3}));
            choice["logprobs"] = json!({"tokens": tokens, "token_logprobs": values,
                "top_logprobs": tops, "text_offset": vec![0; tokens.len()]});
        }
    }
    json_answer(&json!({"choices": [choice], "usage": usage(state, ends.len(), 1)}))
}

fn count(state: &State, path: &str, body: &Value) -> Answer {
    if body.get("messages").is_some() {
        return template_by_tokens(path, body);
    }
    let begins = state.manner.begins.unwrap_or_default();
    let tokens = |name: &str, plain: &str| {
        let begins = if body[plain] == false { "" } else { begins };
        let text = body[name].as_str().unwrap_or_default();
        ends(&format!("{begins}{text}"))
    };
    match path {
        // llama.cpp's, which reads another field.
        "/tokenize" if state.manner.model == "llama.cpp" => {
            json_answer(&json!({"tokens": tokens("content", "add_special")}))
        }
        "/tokenize" => json_answer(&json!({
            "count": tokens("prompt", "add_special_tokens").len(),
            "max_model_len": state.manner.window, "tokens": []})),
        _ => json_answer(&json!({"count": tokens("input", "").len()})),
    }
}

/// What its own chat template makes of messages: like ChatML, with a colon, and a star
/// before earlier answers.
fn templated(body: &Value) -> String {
    let mut text = String::new();
    for message in body["messages"].as_array().into_iter().flatten() {
        let part = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let (role, content) = (part("role"), part("content"));
        let star = if role == "assistant" { "*" } else { "" };
        text += &format!("<|im_start|>{role}:\n{star}{content}<|im_end|>\n");
    }
    if body["add_generation_prompt"] == true {
        text += "<|im_start|>assistant:\n";
    }
    text
}

/// Tokens are the bytes of the text, as it must only give the same text back.
fn template_by_tokens(path: &str, body: &Value) -> Answer {
    if path == "/tokenize" {
        let text = format!("<s>{}", templated(body));
        let tokens: Vec<u8> = text.into_bytes();
        return json_answer(&json!({"tokens": tokens, "count": tokens.len()}));
    }
    let tokens = body["tokens"].as_array().cloned().unwrap_or_default();
    let bytes: Vec<u8> = tokens
        .iter()
        .map(|token| token.as_u64().unwrap_or(0) as u8)
        .collect();
    json_answer(&json!({"prompt": String::from_utf8_lossy(&bytes)}))
}
