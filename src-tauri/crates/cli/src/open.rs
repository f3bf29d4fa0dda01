//! The studio and its models, as the arguments name them.

use std::sync::Arc;

use pmpo_app::wire::Project;
use pmpo_app::{data_dir, fault, AppError, EngineLoader, ModelRef, RunModels, Studio};
use tokio_util::sync::CancellationToken;

use crate::args::ModelArgs;

/// Everything that commands work with.
pub(crate) fn studio() -> Result<Arc<Studio>, AppError> {
    Studio::open(&data_dir(), Box::new(EngineLoader))
}

/// A project by its name.
pub(crate) fn project(studio: &Studio, name: &str) -> Result<Project, AppError> {
    let home = studio.home()?;
    let found = home.projects.iter().find(|project| project.name == name);
    let Some(found) = found else {
        let names: Vec<&str> = home.projects.iter().map(|one| one.name.as_str()).collect();
        return Err(match names.is_empty() {
            true => fault!("project.none", name = name),
            false => fault!("project.unknown", name = name, known = names.join(", ")),
        });
    };
    studio.project(found.id)
}

impl ModelArgs {
    /// The model that scores.
    pub(crate) fn scorer(&self) -> ModelRef {
        ModelRef::named(self.model.as_deref())
    }

    /// Both models.
    pub(crate) fn models(&self) -> RunModels {
        RunModels {
            scorer: self.scorer(),
            writer: self.writer.as_deref().map(ModelRef::from),
            device: self.device.clone(),
        }
    }
}

/// Trips when the person interrupts the program.
pub(crate) fn stop_on_interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let trip = token.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            trip.cancel();
        }
    });
    token
}
