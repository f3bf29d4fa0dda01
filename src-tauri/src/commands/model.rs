use pmpo_app::wire::{ModelRoles, ModelsPage, RepoModels, ServerTyped, ServerView};
use tauri::State as Shared;

use super::{off_thread, worked, Answer};
use crate::shell::State;

#[tauri::command]
pub(crate) async fn models(state: Shared<'_, State>) -> Answer<ModelsPage> {
    off_thread(&state, |studio| studio.models()).await
}

#[tauri::command]
pub(crate) async fn look_up_model(state: Shared<'_, State>, repo: String) -> Answer<RepoModels> {
    worked(&state, move |studio| async move {
        studio.look_up_model(&repo).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn download_model(
    state: Shared<'_, State>,
    repo: String,
    files: Vec<String>,
) -> Answer<()> {
    worked(&state, move |studio| async move {
        studio.download_model(&repo, files).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn pause_download(
    state: Shared<'_, State>,
    repo: String,
    files: Vec<String>,
) -> Answer<()> {
    off_thread(&state, move |studio| studio.pause_download(&repo, &files)).await
}

#[tauri::command]
pub(crate) async fn cancel_download(
    state: Shared<'_, State>,
    repo: String,
    files: Vec<String>,
) -> Answer<()> {
    off_thread(&state, move |studio| studio.cancel_download(&repo, &files)).await
}

#[tauri::command]
pub(crate) async fn remove_model(
    state: Shared<'_, State>,
    repo: String,
    files: Vec<String>,
) -> Answer<u64> {
    off_thread(&state, move |studio| studio.remove_model(&repo, &files)).await
}

#[tauri::command]
pub(crate) async fn servers(state: Shared<'_, State>) -> Answer<Vec<ServerView>> {
    off_thread(&state, |studio| studio.servers()).await
}

#[tauri::command]
pub(crate) async fn check_server(
    state: Shared<'_, State>,
    typed: ServerTyped,
) -> Answer<ServerView> {
    worked(&state, move |studio| async move {
        studio.check_server(typed).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn cancel_server_check(state: Shared<'_, State>) -> Answer<()> {
    off_thread(&state, |studio| {
        studio.cancel_server_check();
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn model_roles(
    state: Shared<'_, State>,
    project: i64,
) -> Answer<Option<ModelRoles>> {
    worked(&state, move |studio| async move {
        studio.model_roles(project).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn remove_server(state: Shared<'_, State>, path: String) -> Answer<()> {
    off_thread(&state, move |studio| studio.remove_server(&path)).await
}
