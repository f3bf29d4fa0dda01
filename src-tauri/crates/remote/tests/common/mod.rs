//! An OpenAI-compatible server on this computer, and what tests share.

#![allow(dead_code)] // Not every test needs all of it.
#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

pub(crate) mod model;
mod serve;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pmpo_core::model::{GenerateRequest, ScoreItem};
use pmpo_core::prompt::Conversation;
use pmpo_remote::{Address, Key, Limits, Server};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// How the fake server shows tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shows {
    /// As vLLM does: special tokens by their text, parts of a character as U+FFFD.
    All,
    /// As llama-cpp-python does: special tokens as nothing, the one that begins texts
    /// not at all, parts of a character as nothing.
    Little,
}

/// How it shows its chat template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShowsTemplate {
    /// By `/tokenize` and `/detokenize`.
    Tokens,
    /// By `/apply-template`.
    Text,
    /// Not at all.
    No,
}

/// What the next answer is instead of the right one.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// A status and a body, with a header perhaps.
    Status(u16, &'static str, Option<(&'static str, String)>),
    /// A body with status 200 and a content type.
    Body(&'static str, String),
    /// The connection is cut before the answer.
    Cut,
    /// The connection is cut in the middle of the answer.
    CutHalfWay,
    /// A stream stops, and the connection stays open.
    Stall,
    /// Nothing happens.
    Hang,
}

/// What the fake server is like.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) model: &'static str,
    pub(crate) key: Option<&'static str>,
    pub(crate) window: usize,
    pub(crate) tells_window: bool,
    pub(crate) lists_models: bool,
    pub(crate) chat: bool,
    pub(crate) completions: bool,
    pub(crate) streams: bool,
    pub(crate) prompt_logprobs: bool,
    pub(crate) echo: bool,
    pub(crate) logprobs: bool,
    pub(crate) usage: bool,
    pub(crate) shows: Shows,
    /// A token that it puts before every text.
    pub(crate) begins: Option<&'static str>,
    /// Whether numbers belong to the token before, as llama-cpp-python has it.
    pub(crate) misaligned: bool,
    /// Paths that count tokens.
    pub(crate) counts: Option<&'static str>,
    pub(crate) template: ShowsTemplate,
    /// Most time before an answer, drawn by its content, in milliseconds.
    pub(crate) slow: u64,
    /// Time between events of a stream, in milliseconds.
    pub(crate) pace: u64,
    /// Noise on log-probabilities that grows with every request.
    pub(crate) drift: f64,
    /// Texts that it writes, chosen by the seed.
    pub(crate) writes: Vec<String>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            model: "fake-7b",
            key: None,
            window: 4096,
            tells_window: true,
            lists_models: true,
            chat: true,
            completions: true,
            streams: true,
            prompt_logprobs: true,
            echo: true,
            logprobs: true,
            usage: true,
            shows: Shows::All,
            begins: None,
            misaligned: false,
            counts: Some("/tokenize"),
            template: ShowsTemplate::No,
            slow: 0,
            pace: 0,
            drift: 0.0,
            writes: vec!["Well. <prompt>Be brief.</prompt> Good.".to_owned()],
        }
    }
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

pub(crate) struct State {
    pub(crate) manner: Manner,
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    /// Requests that are being answered, and the most that ever were at once.
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
    /// Requests whose client went away before the answer was whole.
    pub(crate) gone: AtomicUsize,
}

/// The running server; stops when dropped.
pub(crate) struct Fake {
    pub(crate) address: String,
    pub(crate) state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Fake {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            manner,
            faults: Mutex::default(),
            seen: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            gone: AtomicUsize::new(0),
        });
        let served = state.clone();
        let task = tokio::spawn(async move {
            // Dropped with the task, and with it all connections.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve::connection(stream, served.clone()));
            }
        });
        Self {
            address,
            state,
            task,
        }
    }

    /// Ends the server and all its connections at once.
    pub(crate) fn kill(&self) {
        self.task.abort();
    }

    pub(crate) fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.faults.lock().unwrap().extend(faults);
    }

    pub(crate) fn server(&self) -> Server {
        self.server_with(None, quick())
    }

    pub(crate) fn server_with(&self, key: Option<&str>, limits: Limits) -> Server {
        let key = key.map(|key| Key::new(key).unwrap());
        Server::new(Address::parse(&self.address).unwrap(), key, limits).unwrap()
    }

    /// Bodies of the requests that came to a path.
    pub(crate) fn bodies(&self, path: &str) -> Vec<Value> {
        let seen = self.state.seen.lock().unwrap();
        let here = seen.iter().filter(|one| one.path == path);
        here.map(|one| one.body.clone()).collect()
    }

    pub(crate) fn forget(&self) {
        self.state.seen.lock().unwrap().clear();
    }

    pub(crate) fn gone(&self) -> usize {
        self.state.gone.load(Ordering::SeqCst)
    }

    /// Waits until clients went away as often as expected.
    pub(crate) async fn sees_gone(&self, expected: usize) {
        for _ in 0..200 {
            if self.gone() >= expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server saw {} clients go", self.gone());
    }
}

/// Limits for tests: nobody waits long.
pub(crate) fn quick() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        answer: Duration::from_secs(5),
        stall: Duration::from_millis(800),
        attempts: 4,
        first_wait: Duration::from_millis(5),
        longest_wait: Duration::from_secs(2),
        in_flight: 8,
    }
}

pub(crate) fn never() -> CancellationToken {
    CancellationToken::new()
}

pub(crate) fn chat(system: Option<&str>, user: &str) -> Conversation {
    Conversation::ask(system, user)
}

pub(crate) fn text(before: &str, joint: &str) -> Conversation {
    Conversation::Text {
        before: before.to_owned(),
        joint: joint.to_owned(),
    }
}

pub(crate) fn item(conversation: Conversation, answer: &str, end_of_turn: bool) -> ScoreItem {
    ScoreItem {
        conversation,
        answer: answer.to_owned(),
        end_of_turn,
    }
}

pub(crate) fn request(conversation: Conversation) -> GenerateRequest {
    GenerateRequest {
        conversation,
        temperature: 0.7,
        top_p: 0.9,
        seed: u64::MAX - 1,
        max_tokens: 50,
        stop: Vec::new(),
    }
}
