//! One model that scores and another one that writes: both in memory, or in turn
//! where that does not fit.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use pmpo_core::message;
use pmpo_core::model::{
    GenerateRequest, Generated, LanguageModel, Measured, MemoryUse, ModelDescription, ModelError,
    ScoreItem, ScoredBatch, Surprise, TextSink,
};
use pmpo_core::roles::TwoRoles;
use pmpo_engine::LoadError;
use pmpo_store::ProjectId;
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

use super::servers::is_server;
use super::users::User;
use super::{held, Loaded, Studio};
use crate::wire::{Draft, ModelRoles};
use crate::{built_in_model, AppError};

/// The role of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Scores,
    Writes,
}

/// Two models of which one is in memory at a time. Within a step the method writes
/// all texts, then scores them, so that they change places twice a step.
struct InTurn {
    studio: Arc<Studio>,
    scorer: (PathBuf, ModelDescription),
    writer: (PathBuf, ModelDescription),
    device: String,
    here: Mutex<Option<(Role, Arc<dyn LanguageModel>)>>,
}

impl InTurn {
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
            self.studio.tell_loading(true);
            let loaded = self.studio.load_timed(path, &self.device).await;
            self.studio.tell_loading(false);
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

/// What is behind the lock, once it was loaded.
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

impl Studio {
    /// Loads a model and notes how long that takes.
    pub(super) async fn load_timed(
        &self,
        path: &Path,
        device: &str,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let clock = Instant::now();
        let model = self.loader.load(path, device).await?;
        let seconds = clock.elapsed().as_secs_f64();
        held(&self.seconds).insert(path.to_owned(), seconds);
        Ok(model)
    }

    /// The model of a run: one that scores, of the file `path`, and another one that
    /// writes where the person chose one. A run that goes on may score with another
    /// model than the draft names by now.
    pub(super) async fn run_model(
        self: &Arc<Self>,
        run: &User,
        scorer: Arc<dyn LanguageModel>,
        path: &Path,
        draft: &Draft,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let writer = match draft.writer_path.as_deref() {
            None => return Ok(scorer),
            Some(server) if is_server(server) => {
                let rewriter = self.remote_model(server, false).await?;
                return Ok(Arc::new(TwoRoles { scorer, rewriter }));
            }
            Some(path) => PathBuf::from(path),
        };
        let foreseen = self.loader.foresee(&writer, &draft.device).await?;
        if foreseen.needs <= self.loader.free_memory() {
            let rewriter = self.load_timed(&writer, &draft.device).await?;
            return Ok(Arc::new(TwoRoles { scorer, rewriter }));
        }
        let description = scorer.description().clone();
        // Nobody else keeps it, or it would not leave the memory.
        let mut loaded = self.loaded.lock().await;
        self.users.must_be_free(Some(run))?;
        *loaded = None;
        drop(loaded);
        Ok(Arc::new(InTurn {
            studio: self.clone(),
            scorer: (path.to_owned(), description),
            writer: (writer, foreseen.description),
            device: draft.device.clone(),
            here: Mutex::new(Some((Role::Scores, scorer))),
        }))
    }

    /// What it means that another model on this computer writes; none where no such
    /// model is chosen, or the scorer is a server.
    pub async fn model_roles(&self, project: i64) -> Result<Option<ModelRoles>, AppError> {
        let draft = self.draft(ProjectId(project))?;
        let scorer = draft.model_path.as_deref();
        let Some(writer) = draft.writer_path.as_deref() else {
            return Ok(None);
        };
        if is_server(writer) || scorer.is_some_and(is_server) {
            return Ok(None);
        }
        let (scorer, writer) = (
            scorer.map_or_else(built_in_model, PathBuf::from),
            PathBuf::from(writer),
        );
        let free = self.loader.free_memory();
        let mut roles = ModelRoles {
            in_turn: false,
            needed: 0,
            free,
            seconds: self.seconds_of_a_change(&scorer, &writer),
            problem: None,
        };
        // One that is in memory needs no more.
        let is_here = |loaded: &Option<Loaded>| {
            let here = loaded.as_ref();
            here.is_some_and(|one| one.path == scorer && one.device == draft.device)
        };
        let scorer_is_here = self.loaded.try_lock().is_ok_and(|loaded| is_here(&loaded));
        // What is free when the scorer has left.
        let mut alone = free;
        for (path, here) in [(&scorer, scorer_is_here), (&writer, false)] {
            match self.loader.foresee(path, &draft.device).await {
                Ok(foreseen) if here => alone += foreseen.needs,
                Ok(foreseen) => {
                    roles.needed += foreseen.needs;
                    if foreseen.needs > alone {
                        roles.problem = Some(AppError::from(LoadError::TooLarge {
                            path: path.display().to_string(),
                            needs_mib: foreseen.needs >> 20,
                            free_mib: alone >> 20,
                        }));
                    }
                }
                Err(error) => roles.problem = Some(error),
            }
        }
        roles.in_turn = roles.needed > free;
        Ok(Some(roles))
    }

    /// Half of the time that loading both took.
    fn seconds_of_a_change(&self, scorer: &Path, writer: &Path) -> Option<f64> {
        let seconds = held(&self.seconds);
        Some((seconds.get(scorer)? + seconds.get(writer)?) / 2.0)
    }
}
