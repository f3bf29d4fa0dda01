//! Versions of prompts: how what the person wrote becomes one, and how they are shown.

use pmpo_store::{ProjectId, Store, Version};

use crate::error::unexpected;
use crate::wire::{VersionOrigin, VersionSummary};
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

/// The versions of a project with the labels that point to them, oldest first.
pub(crate) fn versions(store: &Store, project: ProjectId) -> Result<Vec<VersionSummary>, AppError> {
    let labels = store.labels(project)?;
    Ok(store
        .versions(project)?
        .into_iter()
        .map(|version| {
            let own = labels.iter().filter(|label| label.version == version.id);
            let names = own.map(|label| label.name.clone()).collect();
            version_summary(version, names)
        })
        .collect())
}

/// A version as the window shows it.
pub(crate) fn version_summary(version: Version, labels: Vec<String>) -> VersionSummary {
    VersionSummary {
        id: version.id.0,
        number: version.number,
        text: version.text,
        parent: version.parent.map(|parent| parent.0),
        origin: serde_json::from_value(version.origin).unwrap_or(VersionOrigin::Written),
        note: version.note,
        starred: version.starred,
        tags: version.tags,
        labels,
        created_at: version.created_at,
    }
}
