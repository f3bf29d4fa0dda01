//! One model that scores and another one that writes.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::model::{
    GenerateRequest, Generated, LanguageModel, Measured, MemoryUse, ModelDescription, ModelError,
    ScoreItem, ScoredBatch, Surprise, TextSink,
};

/// Scores with one model and writes with another. Losses are the scorer's, so it
/// is the scorer that [`LanguageModel::description`] tells of.
#[derive(Clone)]
pub struct TwoRoles {
    /// Counts tokens and scores.
    pub scorer: Arc<dyn LanguageModel>,
    /// Writes texts.
    pub rewriter: Arc<dyn LanguageModel>,
}

#[async_trait]
impl LanguageModel for TwoRoles {
    fn description(&self) -> &ModelDescription {
        self.scorer.description()
    }

    fn writer(&self) -> &ModelDescription {
        self.rewriter.writer()
    }

    fn memory(&self) -> Option<MemoryUse> {
        self.scorer.memory()
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        self.scorer.measure(items).await
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        self.scorer.score(items, cancel).await
    }

    async fn surprises(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Surprise>>, ModelError> {
        self.scorer.surprises(items, cancel).await
    }

    fn shares_among_prompts(&self) -> bool {
        self.scorer.shares_among_prompts()
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.rewriter.generate(request, cancel).await
    }

    async fn answer(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        self.scorer.answer(request, cancel).await
    }

    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        self.rewriter.generate_telling(request, cancel, tell).await
    }
}
