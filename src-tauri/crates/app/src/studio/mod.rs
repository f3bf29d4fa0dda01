//! What the window works with: one open database, one model in memory, at
//! most one run going on.

mod chart;
mod comparing;
mod data;
mod hub;
mod jobs;
mod keeping;
mod measuring;
mod models;
mod projects;
mod prompts;
mod roles;
mod runs;
mod servers;
mod table;
mod tries;
mod users;
mod versions;
mod views;
mod watching;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use async_trait::async_trait;
use pmpo_core::model::{LanguageModel, ModelDescription};
use pmpo_engine::{Engine, EngineOptions, LoadOptions};
use pmpo_store::{ProjectId, RunId, Store};
use tokio_util::sync::CancellationToken;

use users::{Doing, InUse, User};

use crate::wire::{RunMessage, ShellEvent};
use crate::{built_in_model, load_options, open_store_at, AppError};

pub use tries::TrySink;

/// Brings a model into memory.
#[async_trait]
pub trait ModelLoader: Send + Sync {
    /// Loads the model of a file on a device (`auto`, `cpu`, `gpu0`...).
    async fn load(&self, path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError>;

    /// What [`LanguageModel::description`] will say, but for the hash, and the memory
    /// that the model needs, whether or not there is that much.
    async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError>;

    /// Bytes of memory that programs can still have.
    fn free_memory(&self) -> u64 {
        pmpo_engine::free_memory()
    }
}

/// What is known of a model before it is loaded.
pub struct Foreseen {
    /// What it will say of itself.
    pub description: ModelDescription,
    /// Bytes of memory that it needs on the processor; none on a GPU.
    pub needs: u64,
}

/// Loads through mistral.rs.
pub struct EngineLoader;

#[async_trait]
impl ModelLoader for EngineLoader {
    async fn load(&self, path: &Path, device: &str) -> Result<Arc<dyn LanguageModel>, AppError> {
        let options = LoadOptions {
            device: device.parse()?,
            ..load_options(path)
        };
        Ok(Arc::new(
            Engine::load(&options, EngineOptions::default()).await?,
        ))
    }

    async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError> {
        let options = LoadOptions {
            device: device.parse()?,
            ..load_options(path)
        };
        let found = tokio::task::spawn_blocking(move || pmpo_engine::foresee(&options));
        let (description, needs) = found.await.map_err(crate::error::unexpected)??;
        Ok(Foreseen { description, needs })
    }
}

/// Takes messages about a run; `false` once nobody listens any more.
pub type RunSink = Box<dyn Fn(RunMessage) -> bool + Send>;
/// Takes what the shell tells.
pub type ShellSink = Box<dyn Fn(ShellEvent) + Send>;

/// A model in memory and what it was loaded from.
struct Loaded {
    path: PathBuf,
    device: String,
    model: Arc<dyn LanguageModel>,
}

/// Everything the window works with. It is shared among commands.
pub struct Studio {
    folder: PathBuf,
    store: Mutex<Store>,
    loader: Box<dyn ModelLoader>,
    loaded: tokio::sync::Mutex<Option<Loaded>>,
    job: Mutex<Option<jobs::Job>>,
    users: Arc<users::Users>,
    watchers: Mutex<Vec<Watcher>>,
    shell: Mutex<Option<ShellSink>>,
    tries: Mutex<HashMap<u32, CancellationToken>>,
    watched: Mutex<HashMap<ProjectId, watching::Watched>>,
    measuring: Mutex<Option<measuring::Going>>,
    table: Mutex<Option<table::Table>>,
    summary: Mutex<Option<data::KnownSummary>>,
    curves: Mutex<chart::KnownCurves>,
    hub: Mutex<Option<Arc<hub::OpenHub>>>,
    downloads: Mutex<Vec<hub::Going>>,
    checking: Mutex<CancellationToken>,
    seconds: Mutex<HashMap<PathBuf, f64>>,
    keys: OnceLock<Box<dyn pmpo_remote::KeyStore>>,
    next: AtomicU32,
}

struct Watcher {
    number: u32,
    run: RunId,
    sink: RunSink,
}

impl Studio {
    /// Opens the database of a data folder.
    pub fn open(folder: &Path, loader: Box<dyn ModelLoader>) -> Result<Arc<Self>, AppError> {
        let studio = Arc::new(Self {
            folder: folder.to_owned(),
            store: Mutex::new(open_store_at(folder)?),
            loader,
            loaded: tokio::sync::Mutex::new(None),
            job: Mutex::new(None),
            users: Arc::default(),
            watchers: Mutex::new(Vec::new()),
            shell: Mutex::new(None),
            tries: Mutex::new(HashMap::new()),
            watched: Mutex::new(HashMap::new()),
            measuring: Mutex::new(None),
            table: Mutex::new(None),
            summary: Mutex::new(None),
            curves: Mutex::default(),
            hub: Mutex::default(),
            downloads: Mutex::default(),
            checking: Mutex::default(),
            seconds: Mutex::default(),
            keys: OnceLock::new(),
            next: AtomicU32::new(1),
        });
        studio.empty_old_bin()?;
        Ok(studio)
    }

    /// Sets who hears what the shell tells.
    pub fn listen(&self, sink: ShellSink) {
        *held(&self.shell) = Some(sink);
    }

    /// Tells the window something.
    pub fn tell(&self, event: ShellEvent) {
        if let Some(sink) = held(&self.shell).as_ref() {
            sink(event);
        }
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        held(&self.store)
    }

    fn number(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The model of a file, loaded where it is not in memory already. It stays there
    /// as long as the answer does.
    async fn model(
        &self,
        doing: Doing,
        path: Option<&str>,
        device: &str,
    ) -> Result<InUse, AppError> {
        let mut loaded = self.loaded.lock().await;
        let model = self.bring(&mut loaded, None, path, device).await?;
        // Under the lock: nobody takes it away in between.
        let _user = self.users.add(doing);
        Ok(InUse { model, _user })
    }

    /// The model by which a run scores.
    async fn model_of_run(
        &self,
        run: &User,
        path: Option<&str>,
        device: &str,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let mut loaded = self.loaded.lock().await;
        self.bring(&mut loaded, Some(run), path, device).await
    }

    /// Loads a model in place of the one before, which nobody else may be using.
    async fn bring(
        &self,
        loaded: &mut Option<Loaded>,
        own: Option<&User>,
        path: Option<&str>,
        device: &str,
    ) -> Result<Arc<dyn LanguageModel>, AppError> {
        let path = path.map_or_else(built_in_model, PathBuf::from);
        if let Some(one) = loaded.as_ref() {
            if one.path == path && one.device == device {
                return Ok(one.model.clone());
            }
        }
        // A run's models may be loaded in turn, and none of them be here.
        self.users.must_be_free(own)?;
        // The old one goes first: two models may not fit into memory.
        *loaded = None;
        let model = match path.to_str().filter(|path| servers::is_server(path)) {
            Some(server) => self.remote_model(server, true).await?,
            None => self.load_timed(&path, device).await?,
        };
        *loaded = Some(Loaded {
            path,
            device: device.to_owned(),
            model: model.clone(),
        });
        Ok(model)
    }

    /// The model in memory, if it is the one of this file.
    fn model_if_loaded(&self, path: Option<&str>, device: &str) -> Option<Arc<dyn LanguageModel>> {
        let path = path.map_or_else(built_in_model, PathBuf::from);
        // While another one loads there is none.
        let loaded = self.loaded.try_lock().ok()?;
        loaded
            .as_ref()
            .filter(|one| one.path == path && one.device == device)
            .map(|one| one.model.clone())
    }

    /// Whether nothing uses a model: no run, no measurement, nothing that is tried.
    ///
    /// # Errors
    ///
    /// The code `busy`, with what goes on.
    pub fn must_be_idle(&self) -> Result<(), AppError> {
        self.users.must_be_free(None)
    }

    /// What is known of the model of a file without loading it.
    fn model_known(
        &self,
        path: Option<&str>,
        device: &str,
    ) -> Result<Option<ModelDescription>, AppError> {
        if let Some(model) = self.model_if_loaded(path, device) {
            return Ok(Some(model.description().clone()));
        }
        let path = path.map_or_else(|| built_in_model().display().to_string(), str::to_owned);
        Ok(self.store().model_at(&path)?.map(|row| row.description))
    }
}

/// A lock that outlives a panic of another holder: what it guards is changed
/// in single steps.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
