//! The files that projects' examples came from.

use std::sync::Arc;

use pmpo_store::ProjectId;

use super::Studio;
use crate::wire::{DataNews, Project};
use crate::AppError;

impl Studio {
    /// Watches the source of a project's examples, in the place of what was
    /// watched for the window before, and says how the source stands to the
    /// examples now. `None` where the project has no examples, or such that came
    /// from no file.
    pub fn watch_data(&self, project: i64) -> Result<Option<DataNews>, AppError> {
        self.sources.show(ProjectId(project))
    }

    /// Ends the watching for the window, for example when it shows another page.
    pub fn unwatch_data(&self) {
        self.sources.hide();
    }

    /// Watches every project whose changes are measured by themselves. What
    /// changed while the program was closed is measured now.
    pub fn watch_by_itself(self: &Arc<Self>) -> Result<(), AppError> {
        self.sources.watch_by_itself()
    }

    /// Takes the examples as the source has them now.
    pub fn update_data(&self, project: i64) -> Result<Project, AppError> {
        self.sources.update(ProjectId(project))?;
        self.project(project)
    }
}
