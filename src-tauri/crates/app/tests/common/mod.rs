//! A studio on a model that is a formula.

#![allow(clippy::unwrap_used)] // A test may stop at the first surprise.
#![allow(dead_code)] // Each test file uses a part of this.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pmpo_app::{AppError, Foreseen, ModelLoader, Studio};
use pmpo_core::device::Device;
use pmpo_core::loss::AnswerScore;
use pmpo_core::model::*;
use pmpo_core::prompt::Conversation;
use tokio_util::sync::CancellationToken;

/// A longer prompt is a better one; the word "poet" is bad.
struct Formula {
    description: ModelDescription,
    pace: Duration,
}

#[async_trait]
impl LanguageModel for Formula {
    fn description(&self) -> &ModelDescription {
        &self.description
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        Ok(items
            .iter()
            .map(|item| Measured {
                before: format!("{:?}", item.conversation)
                    .split_whitespace()
                    .count(),
                answer: item.answer.split_whitespace().count(),
            })
            .collect())
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        tokio::select! {
            () = cancel.cancelled() => return Err(ModelError::Cancelled),
            () = tokio::time::sleep(self.pace) => {}
        }
        let scores = items
            .iter()
            .map(|item| {
                let chat = matches!(item.conversation, Conversation::Chat { .. });
                assert!(chat, "an instruct model is asked in its chat template");
                let prompt = item.conversation.system().unwrap_or_default();
                let user = item.conversation.question();
                let length = (prompt.len() as f64).min(400.0) / 400.0;
                let poet = if prompt.contains("poet") { 0.5 } else { 0.0 };
                let own = user.len() as f64 % 7.0 / 10.0;
                let answer = item.answer.len() as f64 % 3.0 / 5.0;
                AnswerScore {
                    sum: -(4.0 - 2.0 * length + poet + own + answer),
                    tokens: 1,
                    likeliest: None,
                }
            })
            .collect();
        let computed = items.len() as u64 * 10;
        Ok(ScoredBatch {
            scores,
            tokens: TokenCount {
                computed,
                reused: 0,
            },
        })
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        if cancel.is_cancelled() {
            return Err(ModelError::Cancelled);
        }
        Ok(Generated {
            text: format!("Answer number {} to the text.", request.seed % 10),
            tokens: TokenCount {
                computed: 20,
                reused: 0,
            },
            finish: Default::default(),
        })
    }
}

pub(crate) struct FormulaLoader {
    pub(crate) pace: Duration,
}

#[async_trait]
impl ModelLoader for FormulaLoader {
    async fn load(&self, path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError> {
        assert_eq!(device, "auto");
        if !path.ends_with("models/SmolLM2-135M-Instruct.Q4_1.gguf") {
            return Err(pmpo_app::fault!("model_file.missing", path = path));
        }
        Ok(Arc::new(Formula {
            description: ModelDescription {
                name: "Formula".to_owned(),
                sha256: "f".repeat(64),
                architecture: "formula".to_owned(),
                parameters: 7,
                context_window: 4096,
                has_chat_template: true,
                device: Device::other("paper"),
            },
            pace: self.pace,
        }))
    }

    async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError> {
        let description = self.load(path, device).await?.description().clone();
        let needs = 0;
        Ok(Foreseen { description, needs })
    }
}

pub(crate) fn studio(folder: &Path, pace: u64) -> Arc<Studio> {
    let pace = Duration::from_millis(pace);
    Studio::open(folder, Box::new(FormulaLoader { pace })).unwrap()
}
