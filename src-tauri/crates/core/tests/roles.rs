//! One model scores, another one writes.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.

mod scripted;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use pmpo_core::model::*;
use pmpo_core::optimize::*;
use pmpo_core::prompt::Conversation;
use pmpo_core::roles::TwoRoles;
use scripted::*;
use tokio_util::sync::CancellationToken;

/// Writes one text, and must never be asked to score.
struct Writer {
    description: ModelDescription,
    asked: Mutex<Vec<GenerateRequest>>,
}

#[async_trait]
impl LanguageModel for Writer {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    async fn measure(&self, _: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        panic!("the scorer counts tokens");
    }

    async fn score(
        &self,
        _: &[ScoreItem],
        _: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        panic!("the scorer scores");
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        _: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.asked.lock().unwrap().push(request.clone());
        Ok(Generated {
            text: "<prompt>Be brief, in one word.</prompt>".to_owned(),
            tokens: TokenCount::default(),
            finish: Default::default(),
        })
    }
}

#[tokio::test]
async fn the_scorer_scores_and_the_size_of_the_rewriter_decides_how_it_is_asked() {
    let scorer = Scripted::new();
    let small = scorer.description.parameters;
    let writer = Arc::new(Writer {
        description: ModelDescription {
            name: "large".to_owned(),
            parameters: 70_000_000_000,
            ..scorer.description.clone()
        },
        asked: Mutex::default(),
    });
    let both = TwoRoles {
        scorer: Arc::new(scorer),
        rewriter: writer.clone(),
    };
    assert_eq!(both.description().parameters, small);
    assert_eq!(both.writer().name, "large");
    let settings = Settings {
        segmenter: Segmenter::Rules,
        ..quick()
    };
    let cancel = CancellationToken::new();
    let task = task("Answer the text.", 40);
    let mut journal = Memory::default();
    let outcome = optimize(&task, &settings, &both, &both, &mut journal, &cancel).await;
    assert!(outcome.unwrap().improved());
    let asked = writer.asked.lock().unwrap();
    assert!(!asked.is_empty());
    // A model as small as the scorer would be asked to continue plain text.
    for request in asked.iter() {
        let chat = matches!(request.conversation, Conversation::Chat { .. });
        assert!(chat, "a large model is asked in its chat template");
        let user = request.conversation.question();
        assert!(user.contains("First write one or two sentences"));
    }
    assert!(journal.events.iter().any(|event| matches!(
        event,
        RunEvent::Scored { candidate, .. } if candidate.text == "Be brief, in one word."
    )));
}

#[tokio::test]
async fn one_model_in_both_roles_is_that_model() {
    let task = task("You are a poet. Answer the text.", 40);
    let mut journals = [Memory::default(), Memory::default()];
    let alone = run(&task, &quick(), &Scripted::new(), &mut journals[0]).await;
    let model: Arc<dyn LanguageModel> = Arc::new(Scripted::new());
    let both = TwoRoles {
        scorer: model.clone(),
        rewriter: model,
    };
    let cancel = CancellationToken::new();
    let outcome = optimize(&task, &quick(), &both, &both, &mut journals[1], &cancel).await;
    assert_eq!(outcome.unwrap(), alone);
    assert_eq!(journals[0].events, journals[1].events);
}
