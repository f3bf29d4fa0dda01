use pmpo_app::wire::{
    DataNews, DataPreview, Draft, Home, ImportChoice, ModelInfo, Preferences, Project, PromptCheck,
    ScoredPrompt,
};
use pmpo_app::{blocking_on, Preset, Settings};
use tauri::State as Shared;

use super::{answered, off_thread, studio, worked, Answer};
use crate::shell::State;

#[tauri::command]
pub(crate) async fn home(state: Shared<'_, State>) -> Answer<Home> {
    off_thread(&state, |studio| studio.home()).await
}

#[tauri::command]
pub(crate) async fn save_preferences(
    state: Shared<'_, State>,
    preferences: Preferences,
) -> Answer<()> {
    off_thread(&state, move |studio| studio.save_preferences(&preferences)).await
}

#[tauri::command]
pub(crate) async fn open_sample(state: Shared<'_, State>, name: String) -> Answer<Project> {
    off_thread(&state, move |studio| studio.open_sample(&name)).await
}

#[tauri::command]
pub(crate) async fn create_project(state: Shared<'_, State>, name: String) -> Answer<Project> {
    off_thread(&state, move |studio| studio.create_project(&name)).await
}

#[tauri::command]
pub(crate) async fn project(state: Shared<'_, State>, id: i64) -> Answer<Project> {
    let project = off_thread(&state, move |studio| studio.project(id)).await?;
    let studio = studio(&state)?;
    // Ahead of its first use; a fault is told there.
    tauri::async_runtime::spawn(blocking_on(async move { studio.warm_up(id).await }));
    Ok(project)
}

#[tauri::command]
pub(crate) async fn rename_project(state: Shared<'_, State>, id: i64, name: String) -> Answer<()> {
    off_thread(&state, move |studio| studio.rename_project(id, &name)).await
}

#[tauri::command]
pub(crate) async fn delete_project(state: Shared<'_, State>, id: i64) -> Answer<()> {
    off_thread(&state, move |studio| studio.delete_project(id)).await
}

#[tauri::command]
pub(crate) async fn save_draft(state: Shared<'_, State>, id: i64, draft: Draft) -> Answer<()> {
    off_thread(&state, move |studio| studio.save_draft(id, &draft)).await
}

#[tauri::command]
pub(crate) async fn preview_data(
    state: Shared<'_, State>,
    path: String,
    choice: ImportChoice,
) -> Answer<DataPreview> {
    off_thread(&state, move |studio| studio.preview_data(&path, choice)).await
}

#[tauri::command]
pub(crate) async fn keep_data(
    state: Shared<'_, State>,
    project: i64,
    path: String,
    choice: ImportChoice,
) -> Answer<Project> {
    off_thread(&state, move |studio| {
        studio.keep_data(project, &path, choice)
    })
    .await
}

#[tauri::command]
pub(crate) async fn check_prompt(
    state: Shared<'_, State>,
    project: i64,
    prompt: String,
    locked: Vec<String>,
) -> Answer<PromptCheck> {
    worked(&state, move |studio| async move {
        studio.check_prompt(project, &prompt, &locked).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn score_prompt(
    state: Shared<'_, State>,
    project: i64,
    prompt: String,
) -> Answer<ScoredPrompt> {
    worked(&state, move |studio| async move {
        studio.score_prompt(project, &prompt).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn model_info(
    state: Shared<'_, State>,
    path: Option<String>,
    device: String,
) -> Answer<ModelInfo> {
    off_thread(&state, move |studio| {
        studio.model_info(path.as_deref(), &device)
    })
    .await
}

#[tauri::command]
pub(crate) async fn preset_settings(preset: Preset) -> Answer<Settings> {
    answered(async { Ok(preset.settings()) }).await
}

#[tauri::command]
pub(crate) async fn use_version(
    state: Shared<'_, State>,
    project: i64,
    version: i64,
) -> Answer<Project> {
    off_thread(&state, move |studio| studio.use_version(project, version)).await
}

#[tauri::command]
pub(crate) async fn watch_data(state: Shared<'_, State>, project: i64) -> Answer<Option<DataNews>> {
    off_thread(&state, move |studio| studio.watch_data(project)).await
}

#[tauri::command]
pub(crate) async fn unwatch_data(state: Shared<'_, State>) -> Answer<()> {
    off_thread(&state, |studio| {
        studio.unwatch_data();
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn update_data(state: Shared<'_, State>, project: i64) -> Answer<Project> {
    off_thread(&state, move |studio| studio.update_data(project)).await
}
