//! Whole optimisations with a server.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod common;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use common::*;
use pmpo_core::dataset::{Answer, Example};
use pmpo_core::loss::AnswerScore;
use pmpo_core::model::*;
use pmpo_core::optimize::*;
use pmpo_core::prompt::Conversation;
use pmpo_core::roles::TwoRoles;
use pmpo_remote::*;
use tokio_util::sync::CancellationToken;

/// A scorer on this computer, far too small to be asked in a conversation.
struct Local(ModelDescription);

impl Local {
    fn new() -> Self {
        Self(ModelDescription {
            name: "local".into(),
            sha256: "1".into(),
            architecture: "test".into(),
            parameters: 10,
            context_window: 4096,
            has_chat_template: true,
            device: pmpo_core::device::Device::other("none"),
        })
    }
}

#[async_trait]
impl LanguageModel for Local {
    fn description(&self) -> &ModelDescription {
        &self.0
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        let length = Measured {
            before: 20,
            answer: 2,
        };
        Ok(vec![length; items.len()])
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        _: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let scores = items.iter().map(|item| {
            let chat = matches!(item.conversation, Conversation::Chat { .. });
            assert!(chat, "a model with a chat template is asked in it");
            let user = item.conversation.question();
            let system = item.conversation.system().unwrap_or_default();
            let helped = system.contains("brief");
            let sum = -3.0 - user.len() as f64 / 100.0 + if helped { 1.5 } else { 0.0 };
            AnswerScore {
                sum,
                tokens: 2,
                likeliest: None,
            }
        });
        Ok(ScoredBatch {
            scores: scores.collect(),
            tokens: TokenCount::default(),
        })
    }

    async fn generate(
        &self,
        _: &GenerateRequest,
        _: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        panic!("the server writes");
    }

    /// Only answers to examples are written here, at the end of a run.
    async fn answer(
        &self,
        _: &GenerateRequest,
        _: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        Ok(Generated {
            text: "an answer".into(),
            tokens: TokenCount::default(),
            finish: Finish::Stop,
        })
    }
}

/// A journal in memory.
#[derive(Default)]
struct Memory {
    events: Vec<RunEvent>,
    pairs: HashMap<PairKey, PairLoss>,
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
        _: &GenerationKey,
    ) -> Result<Option<(Generated, f64)>, JournalError> {
        Ok(None)
    }

    fn record(&mut self, event: &RunEvent) -> Result<(), JournalError> {
        self.events.push(event.clone());
        Ok(())
    }
}

impl Memory {
    /// Prompts and losses in their order.
    fn history(&self) -> Vec<(String, f64)> {
        let scored = self.events.iter().filter_map(|event| match event {
            RunEvent::Scored {
                candidate, score, ..
            } => Some((candidate.text.clone(), score.loss())),
            _ => None,
        });
        scored.collect()
    }
}

fn task() -> Task {
    let examples = (0..30).map(|at| Example {
        input: format!("the text with number {at} says thing {}", at * 7),
        columns: Default::default(),
        answer: Answer::Supervised {
            targets: vec![format!("answer {at}")],
        },
        row: at + 1,
        id: None,
        part: None,
        weight: None,
    });
    Task {
        prompt: "Answer the text. Be kind.".into(),
        description: String::new(),
        examples: examples.collect(),
        frozen: Vec::new(),
        looks: 0,
        split: None,
        earlier: None,
    }
}

fn settings() -> Settings {
    Settings {
        steps: 2,
        segmenter: Segmenter::Rules,
        // What is tested here is written, not shown.
        max_demonstrations: 0,
        ..Preset::Quick.settings()
    }
}

/// Texts of a writer, one of which helps.
fn writes() -> Vec<String> {
    vec![
        "It rambles. <prompt>Answer the text in brief.</prompt>".into(),
        "It is dull. <prompt>Sing about the text.</prompt>".into(),
        "No idea.".into(),
    ]
}

async fn checked(fake: &Fake) -> (Server, Report) {
    let server = fake.server_with(fake.state.manner.key, quick());
    let choice = ModelChoice {
        template: TemplateChoice::Named(Family::Chatml),
        ..ModelChoice::default()
    };
    let report = check(&server, &choice, &never()).await.unwrap();
    fake.forget();
    (server, report)
}

#[tokio::test]
async fn a_run_whose_rewriter_is_a_server() {
    let fake = Fake::start(Manner {
        key: Some("sk-sesame"),
        echo: false,
        prompt_logprobs: false,
        writes: writes(),
        ..Manner::default()
    })
    .await;
    let (server, report) = checked(&fake).await;
    fake.next([Fault::Status(500, "", None), Fault::CutHalfWay]);
    let both = TwoRoles {
        scorer: Arc::new(Local::new()),
        rewriter: Arc::new(Rewriter::new(server, &report).unwrap()),
    };
    assert_eq!(
        (
            both.description().name.as_str(),
            both.writer().name.as_str()
        ),
        ("local", "fake-7b")
    );
    let mut journal = Memory::default();
    let outcome = optimize(&task(), &settings(), &both, &both, &mut journal, &never()).await;
    let outcome = outcome.unwrap();
    assert!(outcome.improved());
    assert!(journal
        .history()
        .iter()
        .any(|(text, _)| text == "Answer the text in brief."));
    // The server's size decides the wording: long instructions in a conversation.
    let asked = fake.bodies("/v1/chat/completions");
    assert!(asked.len() > 2);
    assert!(asked.iter().all(|body| {
        let text = body["messages"][0]["content"].as_str().unwrap();
        text.contains("First write one or two sentences")
    }));
    assert!(fake.bodies("/v1/completions").is_empty());
    assert!(!format!("{:?}", journal.events).contains("sesame"));
}

#[tokio::test]
async fn a_run_on_a_server_alone_gives_the_same_history_again() {
    for prompt_logprobs in [true, false] {
        let fake = Fake::start(Manner {
            prompt_logprobs,
            writes: writes(),
            slow: 3,
            ..Manner::default()
        })
        .await;
        let (server, report) = checked(&fake).await;
        let model = Scorer::new(server, &report).unwrap();
        let mut histories = Vec::new();
        for _ in 0..2 {
            let mut journal = Memory::default();
            let (task, settings, cancel) = (task(), settings(), never());
            let run = optimize(&task, &settings, &model, &model, &mut journal, &cancel);
            let outcome = run.await.unwrap();
            assert!(outcome.improved());
            let validation = outcome.validation.unwrap();
            assert!(validation.best_loss < validation.start_loss);
            let best = journal
                .history()
                .into_iter()
                .find(|(text, _)| text.contains("brief"));
            assert!(best.is_some());
            histories.push((outcome, journal.history()));
        }
        assert_eq!(histories[0], histories[1]);
        // The start's loss on one example, computed plainly.
        let one = [item(
            chat(
                Some("Answer the text. Be kind."),
                "the text with number 0 says thing 0",
            ),
            "answer 0",
            true,
        )];
        let score = model.score(&one, &never()).await.unwrap().scores[0];
        let open = "<|im_start|>system\nAnswer the text. Be kind.<|im_end|>\n<|im_start|>user\nthe text with number 0 says thing 0<|im_end|>\n<|im_start|>assistant\n";
        let (sum, tokens) = model::expected(&format!("{open}answer 0<|im_end|>"), open.len());
        assert!((score.sum - sum).abs() < 1e-9);
        assert_eq!(score.tokens, tokens);
    }
}

#[tokio::test]
async fn a_run_ends_with_words_when_the_server_dies() {
    let fake = Fake::start(Manner {
        writes: writes(),
        slow: 20,
        ..Manner::default()
    })
    .await;
    let (server, report) = checked(&fake).await;
    let model = Scorer::new(server, &report).unwrap();
    let mut journal = Memory::default();
    let (task, settings, cancel) = (task(), settings(), never());
    let run = optimize(&task, &settings, &model, &model, &mut journal, &cancel);
    let kill = async {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        fake.kill();
    };
    let (outcome, ()) = tokio::join!(run, kill);
    let fault = outcome.unwrap_err().to_string();
    assert!(
        fault.contains("nothing answers at http://127.0.0.1"),
        "{fault}"
    );
}
