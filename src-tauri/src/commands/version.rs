use pmpo_app::wire::{
    Comparison, ComparisonRequest, ExampleTokens, LabelMove, Project, Scatter, VersionStory,
};
use tauri::State as Shared;

use super::{off_thread, worked, Answer};
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
pub(crate) async fn version_story(
    state: Shared<'_, State>,
    project: i64,
    version: i64,
) -> Answer<Option<VersionStory>> {
    off_thread(&state, move |studio| studio.version_story(project, version)).await
}

#[tauri::command]
pub(crate) async fn compare(
    state: Shared<'_, State>,
    request: ComparisonRequest,
) -> Answer<Comparison> {
    off_thread(&state, move |studio| studio.compare(&request)).await
}

#[tauri::command]
pub(crate) async fn scatter(
    state: Shared<'_, State>,
    request: ComparisonRequest,
    width: u32,
    height: u32,
    dark: bool,
) -> Answer<Scatter> {
    off_thread(&state, move |studio| {
        studio.scatter(&request, (width, height), dark)
    })
    .await
}

#[tauri::command]
pub(crate) async fn measure_comparison(
    state: Shared<'_, State>,
    request: ComparisonRequest,
) -> Answer<Comparison> {
    worked(&state, move |studio| async move {
        studio.measure_comparison(&request).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn compare_tokens(
    state: Shared<'_, State>,
    request: ComparisonRequest,
    example: usize,
) -> Answer<ExampleTokens> {
    worked(&state, move |studio| async move {
        studio.compare_tokens(&request, example).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn import_prompt(
    state: Shared<'_, State>,
    project: i64,
    path: String,
) -> Answer<Project> {
    off_thread(&state, move |studio| studio.import_prompt(project, &path)).await
}
