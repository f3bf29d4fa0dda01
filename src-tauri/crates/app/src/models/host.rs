//! The owner of models: loads them, keeps one in memory, and says who uses it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use pmpo_core::model::{LanguageModel, ModelDescription};
use pmpo_core::roles::TwoRoles;
use pmpo_engine::LoadError;
use pmpo_store::Store;

use super::in_turn::{InTurn, LoadingSink};
use super::leases::{Lease, LeasedModel, Leases, Purpose};
use super::loader::{ModelLoader, TimedLoader};
use super::reference::ModelRef;
use crate::wire::ModelRoles;
use crate::AppError;

/// Makes models of servers.
#[async_trait]
pub(crate) trait Remote: Send + Sync {
    /// A server as a model that scores, or that only writes.
    async fn model(&self, number: u32, scores: bool) -> Result<Arc<dyn LanguageModel>, AppError>;

    /// Whether there is such a server: people forget some.
    fn knows(&self, number: u32) -> bool;
}

/// A model in memory and what it was loaded from.
struct Loaded {
    named: ModelRef,
    device: String,
    model: Arc<dyn LanguageModel>,
}

/// Loads models and keeps the last one in memory, where one has room.
pub(crate) struct ModelHost {
    loader: Arc<TimedLoader>,
    remote: Arc<dyn Remote>,
    loaded: tokio::sync::Mutex<Option<Loaded>>,
    leases: Arc<Leases>,
}

impl ModelHost {
    pub(crate) fn new(loader: Box<dyn ModelLoader>, remote: Arc<dyn Remote>) -> Self {
        Self {
            loader: Arc::new(TimedLoader::new(loader)),
            remote,
            loaded: tokio::sync::Mutex::new(None),
            leases: Arc::default(),
        }
    }

    /// A model, loaded where it is not in memory already. It stays there as long as what
    /// is returned does.
    ///
    /// # Errors
    ///
    /// `busy` where another model would have to go that somebody uses, and what loading
    /// says.
    pub(crate) async fn acquire(
        &self,
        wanted: &ModelRef,
        device: &str,
        purpose: Purpose,
    ) -> Result<LeasedModel, AppError> {
        let mut loaded = self.loaded.lock().await;
        let model = self.bring(&mut loaded, None, wanted, device).await?;
        // Under the lock: nobody takes it away in between.
        let _lease = self.leases.add(purpose);
        Ok(LeasedModel { model, _lease })
    }

    /// The one run that may go on; its models are asked for by [`Self::acquire_for_run`].
    ///
    /// # Errors
    ///
    /// `busy` where there is one already.
    pub(crate) fn claim_run(&self) -> Result<Lease, AppError> {
        self.leases.claim_run()
    }

    /// The model by which a run scores.
    ///
    /// # Errors
    ///
    /// As [`Self::acquire`].
    pub(crate) async fn acquire_for_run(
        &self,
        run: &Lease,
        wanted: &ModelRef,
        device: &str,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let mut loaded = self.loaded.lock().await;
        self.bring(&mut loaded, Some(run), wanted, device).await
    }

    /// Loads a model in place of the one before, which nobody else may be using.
    async fn bring(
        &self,
        loaded: &mut Option<Loaded>,
        own: Option<&Lease>,
        wanted: &ModelRef,
        device: &str,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        if let Some(one) = loaded.as_ref() {
            if one.named == *wanted && one.device == device {
                return Ok(one.model.clone());
            }
        }
        // A run's models may be loaded in turn, and none of them be here.
        self.leases.must_become_free(own).await?;
        // The old one goes first: two models may not fit into memory.
        *loaded = None;
        let model = self.load(wanted, device, true).await?;
        *loaded = Some(Loaded {
            named: wanted.clone(),
            device: device.to_owned(),
            model: model.clone(),
        });
        Ok(model)
    }

    async fn load(
        &self,
        wanted: &ModelRef,
        device: &str,
        scores: bool,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        match (wanted, wanted.file()) {
            (ModelRef::Server(number), _) => self.remote.model(*number, scores).await,
            (_, Some(path)) => self.loader.load(&path, device).await,
            (_, None) => Err(crate::error::unexpected("a model without a file")),
        }
    }

    /// The models of a run: `scorer`, which `named` names, and another one that writes,
    /// where there is one. Where both do not fit they take turns in memory.
    ///
    /// # Errors
    ///
    /// As [`Self::acquire`].
    pub(crate) async fn join(
        &self,
        run: &Lease,
        (scorer, named): (Arc<dyn LanguageModel>, &ModelRef),
        writer: Option<&ModelRef>,
        device: &str,
        loading: LoadingSink,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let Some(writer) = writer else {
            return Ok(scorer);
        };
        let Some(path) = writer.file() else {
            let rewriter = self.load(writer, device, false).await?;
            return Ok(Arc::new(TwoRoles { scorer, rewriter }));
        };
        let foreseen = self.loader.foresee(&path, device).await?;
        let fits = foreseen.needs <= self.loader.free_memory();
        let (Some(own), false) = (named.file(), fits) else {
            let rewriter = self.loader.load(&path, device).await?;
            return Ok(Arc::new(TwoRoles { scorer, rewriter }));
        };
        // Nobody else keeps it, or it would not leave the memory.
        let mut loaded = self.loaded.lock().await;
        self.leases.must_become_free(Some(run)).await?;
        *loaded = None;
        drop(loaded);
        Ok(Arc::new(InTurn::new(
            self.loader.clone(),
            (own, scorer),
            (path, foreseen.description),
            device,
            loading,
        )))
    }

    /// The model in memory, if it is this one.
    pub(crate) fn if_loaded(
        &self,
        wanted: &ModelRef,
        device: &str,
    ) -> Option<Arc<dyn LanguageModel>> {
        // While another one loads there is none.
        let loaded = self.loaded.try_lock().ok()?;
        let loaded = loaded.as_ref();
        loaded
            .filter(|one| one.named == *wanted && one.device == device)
            .map(|one| one.model.clone())
    }

    /// What is known of a model without loading it: from memory, or from when it was used
    /// last.
    ///
    /// # Errors
    ///
    /// The codes of the store.
    pub(crate) fn known(
        &self,
        store: &Store,
        wanted: &ModelRef,
        device: &str,
    ) -> Result<Option<ModelDescription>, AppError> {
        if let Some(model) = self.if_loaded(wanted, device) {
            return Ok(Some(model.description().clone()));
        }
        let row = store.model_at(&wanted.to_string())?;
        Ok(row.map(|row| row.description))
    }

    /// Whether a model is a server that the person had forgotten.
    pub(crate) fn is_forgotten(&self, named: &ModelRef) -> bool {
        matches!(named, ModelRef::Server(number) if !self.remote.knows(*number))
    }

    /// Whether nobody uses a model.
    ///
    /// # Errors
    ///
    /// `busy`, with what goes on.
    pub(crate) fn must_be_idle(&self) -> Result<(), AppError> {
        self.leases.must_be_free(None)
    }

    /// Lets go of the model in memory, so that the next one is looked for anew.
    pub(crate) async fn forget(&self) {
        *self.loaded.lock().await = None;
    }

    /// [`Self::forget`] for one model, whatever its device.
    pub(crate) async fn forget_one(&self, named: &ModelRef) {
        let mut loaded = self.loaded.lock().await;
        if loaded.as_ref().is_some_and(|one| one.named == *named) {
            *loaded = None;
        }
    }

    /// [`Self::forget`] where nobody is loading just now: who is, loads anew anyway.
    pub(crate) fn forget_at_rest(&self) {
        if let Ok(mut loaded) = self.loaded.try_lock() {
            *loaded = None;
        }
    }

    /// What it means that two models on this computer share a run; none where one of
    /// them is a server.
    pub(crate) async fn roles(
        &self,
        scorer: &ModelRef,
        writer: &ModelRef,
        device: &str,
    ) -> Option<ModelRoles> {
        let (own, other) = (scorer.file()?, writer.file()?);
        let free = self.loader.free_memory();
        let mut roles = ModelRoles {
            in_turn: false,
            needed: 0,
            free,
            seconds: self.seconds_of_a_change(&own, &other),
            problem: None,
        };
        // One that is in memory needs no more.
        let is_here = self.if_loaded(scorer, device).is_some();
        // What is free when the scorer has left.
        let mut alone = free;
        for (path, here) in [(&own, is_here), (&other, false)] {
            match self.loader.foresee(path, device).await {
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
        Some(roles)
    }

    /// Half of the time that loading both took.
    fn seconds_of_a_change(&self, scorer: &Path, writer: &Path) -> Option<f64> {
        Some((self.loader.seconds(scorer)? + self.loader.seconds(writer)?) / 2.0)
    }
}
