use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use async_trait::async_trait;
use pmpo_core::model::{LanguageModel, ModelDescription};
use pmpo_engine::{Engine, EngineOptions, LoadOptions};

use crate::locks::held;
use crate::{load_options, AppError};

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

/// A loader that remembers how long each file took.
pub(super) struct TimedLoader {
    loader: Box<dyn ModelLoader>,
    seconds: Mutex<HashMap<PathBuf, f64>>,
}

impl TimedLoader {
    pub(super) fn new(loader: Box<dyn ModelLoader>) -> Self {
        Self {
            loader,
            seconds: Mutex::default(),
        }
    }

    pub(super) async fn load(
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

    pub(super) async fn foresee(&self, path: &Path, device: &str) -> Result<Foreseen, AppError> {
        self.loader.foresee(path, device).await
    }

    /// Bytes of memory that programs can still have.
    pub(super) fn free_memory(&self) -> u64 {
        self.loader.free_memory()
    }

    /// Seconds that a file took last; none where it was not loaded yet.
    pub(super) fn seconds(&self, path: &Path) -> Option<f64> {
        held(&self.seconds).get(path).copied()
    }
}
