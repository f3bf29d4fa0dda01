//! Models and what using them means on this computer.

use pmpo_engine::{devices, inspect, place, LoadOptions};
use pmpo_store::ProjectId;

use super::servers::is_server;
use super::users::Doing;
use super::{held, Studio};
use crate::wire::{DeviceOption, ModelInfo};
use crate::{built_in_model, load_options, AppError};

impl Studio {
    /// A model and what using it means on this computer.
    pub fn model_info(&self, path: Option<&str>, device: &str) -> Result<ModelInfo, AppError> {
        if let Some(server) = path.filter(|path| is_server(path)) {
            return self.server_info(server);
        }
        let file_path = path.map_or_else(built_in_model, std::path::PathBuf::from);
        let file = inspect(&file_path)?;
        let options = LoadOptions {
            device: device.parse()?,
            ..load_options(&file_path)
        };
        let loaded = self.model_if_loaded(path, device);
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

    /// Loads the project's model ahead of its first use.
    pub async fn warm_up(&self, project: i64) -> Result<(), AppError> {
        let draft = self.draft(ProjectId(project))?;
        if held(&self.job).is_none() {
            self.model(Doing::Scoring, draft.model_path.as_deref(), &draft.device)
                .await?;
        }
        Ok(())
    }
}
