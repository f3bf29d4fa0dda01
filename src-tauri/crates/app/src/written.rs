//! Prompts that the person wrote become versions.

use pmpo_store::{ProjectId, Store, Version};

use crate::error::unexpected;
use crate::wire::VersionOrigin;
use crate::AppError;

/// The label of the version that the person uses.
pub(crate) const IN_USE: &str = "in use";

/// Keeps a prompt as a version. It counts as made from the version in use, without one
/// from the newest: that is what the person had before their eyes.
pub fn keep_written(
    store: &mut Store,
    project: ProjectId,
    text: &str,
) -> Result<Version, AppError> {
    keep(store, project, text, &VersionOrigin::Written)
}

pub(crate) fn keep(
    store: &mut Store,
    project: ProjectId,
    text: &str,
    origin: &VersionOrigin,
) -> Result<Version, AppError> {
    let labels = store.labels(project)?;
    let used = labels.iter().find(|label| label.name == IN_USE);
    let parent = match used {
        Some(label) => Some(label.version),
        None => store.newest_version(project)?,
    };
    let origin = serde_json::to_value(origin).map_err(unexpected)?;
    Ok(store.add_version(project, text, parent, &origin)?)
}
