use pmpo_app::wire::{LabelMove, Project, VersionComparison};
use tauri::State as Shared;

use super::{off_thread, Answer};
use crate::shell::State;

#[tauri::command]
pub(crate) async fn annotate_version(
    state: Shared<'_, State>,
    project: i64,
    version: i64,
    note: String,
    starred: bool,
    tags: Vec<String>,
) -> Answer<Project> {
    off_thread(&state, move |studio| {
        studio.annotate_version(project, version, &note, starred, &tags)
    })
    .await
}

#[tauri::command]
pub(crate) async fn label_version(
    state: Shared<'_, State>,
    project: i64,
    name: String,
    version: Option<i64>,
) -> Answer<Project> {
    off_thread(&state, move |studio| {
        studio.label_version(project, &name, version)
    })
    .await
}

#[tauri::command]
pub(crate) async fn label_moves(state: Shared<'_, State>, project: i64) -> Answer<Vec<LabelMove>> {
    off_thread(&state, move |studio| studio.label_moves(project)).await
}

#[tauri::command]
pub(crate) async fn compare_versions(
    state: Shared<'_, State>,
    project: i64,
    first: Option<i64>,
    second: Option<i64>,
) -> Answer<VersionComparison> {
    off_thread(&state, move |studio| {
        studio.compare_versions(project, first, second)
    })
    .await
}
