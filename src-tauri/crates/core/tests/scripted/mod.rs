//! A model that is a formula, and a journal in memory.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use pmpo_core::dataset::{Answer, Example};
use pmpo_core::device::Device;
use pmpo_core::loss::AnswerScore;
use pmpo_core::message::Message;
use pmpo_core::model::*;
use pmpo_core::optimize::*;
use pmpo_core::prompt::Conversation;
use pmpo_core::random::derived_seed;
use tokio_util::sync::CancellationToken;

/// Words lower or raise the loss; the rest is noise fixed by the text.
pub(crate) struct Scripted {
    pub(crate) description: ModelDescription,
    /// (text, change of the loss of every example)
    pub(crate) effects: Vec<(&'static str, f64)>,
    /// Added to the loss of inputs that contain the text.
    pub(crate) input_noise: f64,
    /// Whether it would say any answer by itself; none: it does not tell.
    pub(crate) says: Option<bool>,
    /// Texts that the model writes, chosen by the request's seed.
    pub(crate) writes: Vec<String>,
    pub(crate) asked: Mutex<Vec<ScoreItem>>,
    pub(crate) cancel_after: Option<(usize, CancellationToken)>,
}

impl Scripted {
    pub(crate) fn new() -> Self {
        Self {
            description: ModelDescription {
                name: "scripted".into(),
                sha256: String::new(),
                architecture: "test".into(),
                parameters: 10,
                context_window: 4096,
                has_chat_template: true,
                device: Device::other("none"),
            },
            effects: vec![
                ("brief", -0.8),
                ("poet", 0.7),
                ("one word", -0.9),
                ("friendly", -0.4),
                ("plain", -0.3),
            ],
            input_noise: 0.0,
            says: None,
            writes: vec![
                " Be brief and friendly.".into(),
                " You are a poet.".into(),
                " Use plain words. You are brief.".into(),
                "".into(),
            ],
            asked: Mutex::default(),
            cancel_after: None,
        }
    }
}

pub(crate) fn noise(text: &str) -> f64 {
    (derived_seed(0, &[text]) % 1000) as f64 / 1000.0
}

pub(crate) fn texts(conversation: &Conversation) -> (String, String) {
    match conversation {
        chat @ Conversation::Chat { turns } => {
            let earlier = turns[..turns.len() - 1].iter();
            let earlier: Vec<&str> = earlier.map(|turn| turn.text.as_str()).collect();
            (earlier.join("\n"), chat.question().to_owned())
        }
        Conversation::Text { before, joint } => (before.clone(), joint.clone()),
    }
}

#[async_trait]
impl LanguageModel for Scripted {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        Ok(items
            .iter()
            .map(|item| {
                let (a, b) = texts(&item.conversation);
                Measured {
                    before: a.split_whitespace().count() + b.split_whitespace().count() + 3,
                    answer: item.answer.split_whitespace().count().max(1),
                }
            })
            .collect())
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let mut asked = self.asked.lock().unwrap();
        asked.extend(items.iter().cloned());
        if let Some((after, token)) = &self.cancel_after {
            if asked.len() > *after {
                token.cancel();
            }
        }
        if cancel.is_cancelled() {
            return Err(ModelError::Cancelled);
        }
        let scores = items
            .iter()
            .map(|item| {
                let (prompt, input) = texts(&item.conversation);
                let all = format!("{prompt} {input}");
                let base: f64 = self
                    .effects
                    .iter()
                    .filter(|(text, _)| all.contains(text))
                    .map(|(_, effect)| effect)
                    .sum();
                let held = if input.contains("held") {
                    self.input_noise
                } else {
                    0.0
                };
                let loss = 4.0
                    + base
                    + noise(&input)
                    + 0.05 * noise(&all)
                    + held * noise(&prompt)
                    + if item.answer.contains("bad") {
                        1.0
                    } else {
                        0.0
                    };
                AnswerScore {
                    sum: -loss.max(0.01) * 2.0,
                    tokens: 2,
                    likeliest: self.says,
                }
            })
            .collect();
        Ok(ScoredBatch {
            scores,
            tokens: TokenCount {
                computed: items.len() as u64 * 10,
                reused: 5,
            },
        })
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        _: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        Ok(Generated {
            text: self.writes[request.seed as usize % self.writes.len()].clone(),
            tokens: TokenCount {
                computed: 20,
                reused: 0,
            },
            finish: Default::default(),
        })
    }
}

/// Keeps events in memory, like the store, and can break like a power cut.
#[derive(Default, Clone)]
pub(crate) struct Memory {
    pub(crate) events: Vec<RunEvent>,
    pub(crate) pairs: HashMap<PairKey, PairLoss>,
    pub(crate) written: HashMap<GenerationKey, (Generated, f64)>,
    pub(crate) fail_after: Option<usize>,
}

impl PairLedger for Memory {
    fn recall_pairs(&mut self, keys: &[PairKey]) -> Result<Vec<Option<PairLoss>>, JournalError> {
        Ok(keys
            .iter()
            .map(|key| self.pairs.get(key).cloned())
            .collect())
    }

    fn keep_pairs(&mut self, pairs: &[(PairKey, PairLoss)]) -> Result<(), JournalError> {
        self.pairs.extend(pairs.iter().cloned());
        Ok(())
    }
}

impl Journal for Memory {
    fn recall_generated(
        &mut self,
        key: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, JournalError> {
        Ok(self.written.get(key).cloned())
    }

    fn record(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        if self.fail_after == Some(self.events.len()) {
            return Err(JournalError(Message::new("store.power")));
        }
        match event {
            RunEvent::Generated { key, generated, .. } => {
                self.written.insert(key.clone(), (generated.clone(), 0.0));
            }
            RunEvent::Progress { .. } | RunEvent::Busy { .. } => return Ok(()),
            _ => {}
        }
        self.events.push(without_time(event));
        Ok(())
    }
}

pub(crate) fn without_time(event: &RunEvent) -> RunEvent {
    let mut event = event.clone();
    match &mut event {
        RunEvent::Scored { score, .. } => score.seconds = 0.0,
        RunEvent::Generated { seconds, .. } => *seconds = 0.0,
        _ => {}
    }
    event
}

pub(crate) fn task(prompt: &str, count: usize) -> Task {
    Task {
        prompt: prompt.into(),
        description: String::new(),
        examples: (0..count)
            .map(|i| Example {
                input: format!("the text with number {i} says thing {}", i * 7),
                columns: Default::default(),
                answer: Answer::Supervised {
                    targets: vec![format!("answer {i} to it")],
                },
                row: i + 1,
                id: None,
                part: None,
                weight: None,
            })
            .collect(),
        frozen: Vec::new(),
        looks: 0,
        split: None,
        earlier: None,
    }
}

pub(crate) fn quick() -> Settings {
    Settings {
        // Tests of demonstrations ask for them.
        max_demonstrations: 0,
        // Enough to choose from.
        steps: 3,
        bank_phrases: 3,
        propose_reorder: true,
        ..Preset::Quick.settings()
    }
}

pub(crate) async fn run(
    task: &Task,
    settings: &Settings,
    model: &dyn LanguageModel,
    journal: &mut Memory,
) -> Outcome {
    let cancel = CancellationToken::new();
    optimize(task, settings, model, model, journal, &cancel)
        .await
        .unwrap()
}
