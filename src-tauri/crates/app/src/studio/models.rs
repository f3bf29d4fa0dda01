//! Models and what using them means on this computer.

use pmpo_engine::{devices, inspect, place, LoadOptions};
use pmpo_store::ProjectId;

use super::Studio;
use crate::drafts::draft;
use crate::error::unexpected;
use crate::models::{ModelRef, Purpose};
use crate::wire::{DeviceOption, ModelInfo, ModelRoles};
use crate::{load_options, AppError};

impl Studio {
    /// A model and what using it means on this computer.
    pub fn model_info(&self, path: Option<&str>, device: &str) -> Result<ModelInfo, AppError> {
        let named = ModelRef::named(path);
        if let ModelRef::Server(number) = named {
            return self.servers.info(number);
        }
        let file_path = named
            .file()
            .ok_or_else(|| unexpected("a model without a file"))?;
        let file = inspect(&file_path)?;
        let options = LoadOptions {
            device: device.parse()?,
            ..load_options(&file_path)
        };
        let loaded = self.models.if_loaded(&named, device);
        let mut info = ModelInfo {
            path: file_path.display().to_string(),
            name: options
                .name
                .clone()
                .unwrap_or_else(|| file.description.name.clone()),
            built_in: path.is_none(),
            architecture: file.description.architecture.clone(),
            parameters: file.description.parameters,
            file_bytes: file.bytes,
            context_window: file.description.context_window,
            has_chat_template: file.description.has_chat_template,
            device: None,
            devices: devices().into_iter().map(DeviceOption::from).collect(),
            exact: false,
            memory_needed: 0,
            memory_free: 0,
            loaded: loaded.is_some(),
            problem: None,
        };
        match place(&options, &file) {
            Ok(placement) => {
                info.exact = placement.exact;
                info.device = Some(placement.used);
                info.memory_needed = placement.needs_mib << 20;
                info.memory_free = placement.free_mib << 20;
            }
            // Its own memory may be what is missing.
            Err(_) if loaded.is_some() => {}
            Err(error) => info.problem = Some(error.into()),
        }
        if let Some(model) = loaded {
            info.device = Some(model.description().device.clone());
        }
        Ok(info)
    }

    /// What it means that another model on this computer writes; none where no such
    /// model is chosen, or the scorer is a server.
    pub async fn model_roles(&self, project: i64) -> Result<Option<ModelRoles>, AppError> {
        let draft = draft(&*self.reader()?, ProjectId(project))?;
        let Some(writer) = draft.writer() else {
            return Ok(None);
        };
        let scorer = draft.scorer();
        Ok(self.models.roles(&scorer, &writer, &draft.device).await)
    }

    /// Whether nothing uses a model: no run, no measurement, nothing that is tried.
    ///
    /// # Errors
    ///
    /// The code `busy`, with what goes on.
    pub fn must_be_idle(&self) -> Result<(), AppError> {
        self.models.must_be_idle()
    }

    /// Loads the project's model ahead of its first use.
    pub async fn warm_up(&self, project: i64) -> Result<(), AppError> {
        let draft = draft(&*self.reader()?, ProjectId(project))?;
        if self.active_run().is_none() {
            self.models
                .acquire(&draft.scorer(), &draft.device, Purpose::Scoring)
                .await?;
        }
        Ok(())
    }
}
