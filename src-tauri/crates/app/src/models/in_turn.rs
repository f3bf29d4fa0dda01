//! Two models of which one is in memory at a time, because both do not fit.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use pmpo_core::message;
use pmpo_core::model::{
    GenerateRequest, Generated, LanguageModel, Measured, MemoryUse, ModelDescription, ModelError,
    ScoreItem, ScoredBatch, Surprise, TextSink,
};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::loader::TimedLoader;

/// Hears that a run's models change places: one is being loaded, or is there.
pub(crate) type LoadingSink = Arc<dyn Fn(bool) + Send + Sync>;

/// The role of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Scores,
    Writes,
}

/// Two models of which one is in memory at a time. Within a step the method writes
/// all texts, then scores them, so that they change places twice a step.
pub(super) struct InTurn {
    loader: Arc<TimedLoader>,
    scorer: (PathBuf, ModelDescription),
    writer: (PathBuf, ModelDescription),
    device: String,
    loading: LoadingSink,
    here: Mutex<Option<(Role, Arc<dyn LanguageModel>)>>,
}

impl InTurn {
    /// A scorer, which is in memory, and what another model that writes will say of
    /// itself.
    pub(super) fn new(
        loader: Arc<TimedLoader>,
        (path, scorer): (PathBuf, Arc<dyn LanguageModel>),
        writer: (PathBuf, ModelDescription),
        device: &str,
        loading: LoadingSink,
    ) -> Self {
        Self {
            loader,
            scorer: (path, scorer.description().clone()),
            writer,
            device: device.to_owned(),
            loading,
            here: Mutex::new(Some((Role::Scores, scorer))),
        }
    }

    /// The model of a role, loaded where it is not here; the other one goes first.
    async fn of(
        &self,
        role: Role,
    ) -> Result<MutexGuard<'_, Option<(Role, Arc<dyn LanguageModel>)>>, ModelError> {
        let mut here = self.here.lock().await;
        if !here.as_ref().is_some_and(|(own, _)| *own == role) {
            *here = None;
            let path = match role {
                Role::Scores => &self.scorer.0,
                Role::Writes => &self.writer.0,
            };
            (self.loading)(true);
            let loaded = self.loader.load(path, &self.device).await;
            (self.loading)(false);
            let loaded = loaded.map_err(|error| ModelError::Told {
                words: error.message,
                told: error.told,
            })?;
            if role == Role::Scores {
                self.must_be_the_same(loaded.description())?;
            }
            *here = Some((role, loaded));
        }
        Ok(here)
    }

    /// Whether the scorer that was loaded again gives losses that can be compared with
    /// those of before: the file may have changed meanwhile, and with less memory free
    /// it may be computed in another way.
    fn must_be_the_same(&self, now: &ModelDescription) -> Result<(), ModelError> {
        let then = &self.scorer.1;
        if then.sha256 != now.sha256 {
            return Err(ModelError::Changed(message!(
                "other_device.other_file",
                path = &self.scorer.0
            )));
        }
        if then.device.numeric_class() != now.device.numeric_class() {
            return Err(ModelError::Changed(message!(
                "other_device.reloaded",
                then = &then.device,
                now = &now.device
            )));
        }
        Ok(())
    }
}

/// The model that [`InTurn::of`] brought.
fn model(
    here: &Option<(Role, Arc<dyn LanguageModel>)>,
) -> Result<&Arc<dyn LanguageModel>, ModelError> {
    let model = here.as_ref().map(|(_, model)| model);
    model.ok_or_else(|| ModelError::Failed("no model is loaded".to_owned()))
}

#[async_trait]
impl LanguageModel for InTurn {
    fn description(&self) -> &ModelDescription {
        &self.scorer.1
    }

    fn writer(&self) -> &ModelDescription {
        &self.writer.1
    }

    fn memory(&self) -> Option<MemoryUse> {
        let here = self.here.try_lock().ok()?;
        here.as_ref().and_then(|(_, model)| model.memory())
    }

    async fn measure(&self, items: &[ScoreItem]) -> Result<Vec<Measured>, ModelError> {
        model(&*self.of(Role::Scores).await?)?.measure(items).await
    }

    async fn score(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<ScoredBatch, ModelError> {
        let here = self.of(Role::Scores).await?;
        model(&here)?.score(items, cancel).await
    }

    async fn surprises(
        &self,
        items: &[ScoreItem],
        cancel: &CancellationToken,
    ) -> Result<Vec<Vec<Surprise>>, ModelError> {
        let here = self.of(Role::Scores).await?;
        model(&here)?.surprises(items, cancel).await
    }

    async fn generate(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        let here = self.of(Role::Writes).await?;
        model(&here)?.generate(request, cancel).await
    }

    async fn answer(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
    ) -> Result<Generated, ModelError> {
        let here = self.of(Role::Scores).await?;
        model(&here)?.answer(request, cancel).await
    }

    async fn generate_telling(
        &self,
        request: &GenerateRequest,
        cancel: &CancellationToken,
        tell: TextSink,
    ) -> Result<Generated, ModelError> {
        let here = self.of(Role::Writes).await?;
        model(&here)?.generate_telling(request, cancel, tell).await
    }
}
