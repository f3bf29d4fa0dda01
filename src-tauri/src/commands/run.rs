use std::sync::Arc;

use pmpo_app::wire::{
    JobEstimate, Overlay, OverlayReading, OverlayRequest, RunLine, RunMessage, RunResult,
    RunSummary, RunView, RunsPage, TryMessage,
};
use tauri::ipc::Channel;
use tauri::State as Shared;

use super::{answered, off_thread, studio, worked, Answer};
use crate::shell::State;

#[tauri::command]
pub(crate) async fn estimate(state: Shared<'_, State>, project: i64) -> Answer<JobEstimate> {
    worked(&state, move |studio| async move {
        studio.estimate(project).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn start_run(state: Shared<'_, State>, project: i64) -> Answer<RunSummary> {
    worked(&state, move |studio| async move {
        studio.start_run(project).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn resume_run(state: Shared<'_, State>, run: i64) -> Answer<RunSummary> {
    worked(
        &state,
        move |studio| async move { studio.resume_run(run).await },
    )
    .await
}

#[tauri::command]
pub(crate) async fn pause_run(state: Shared<'_, State>, run: i64) -> Answer<()> {
    answered(async {
        studio(&state)?.pause_run(run).await;
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn stop_run(state: Shared<'_, State>, run: i64) -> Answer<()> {
    answered(async {
        studio(&state)?.stop_run(run).await;
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn delete_run(state: Shared<'_, State>, run: i64) -> Answer<()> {
    off_thread(&state, move |studio| studio.delete_run(run)).await
}

#[tauri::command]
pub(crate) async fn undelete_run(state: Shared<'_, State>, run: i64) -> Answer<()> {
    off_thread(&state, move |studio| studio.undelete_run(run)).await
}

#[tauri::command]
pub(crate) async fn runs(state: Shared<'_, State>, project: Option<i64>) -> Answer<Vec<RunLine>> {
    off_thread(&state, move |studio| studio.runs(project)).await
}

#[tauri::command]
pub(crate) async fn describe_run(
    state: Shared<'_, State>,
    run: i64,
    name: String,
    note: String,
    tags: Vec<String>,
) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.describe_run(run, &name, &note, &tags)
    })
    .await
}

#[tauri::command]
pub(crate) async fn archive_run(state: Shared<'_, State>, run: i64, archived: bool) -> Answer<()> {
    off_thread(&state, move |studio| studio.archive_run(run, archived)).await
}

#[tauri::command]
pub(crate) async fn colour_run(
    state: Shared<'_, State>,
    run: i64,
    colour: Option<String>,
) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.colour_run(run, colour.as_deref())
    })
    .await
}

#[tauri::command]
pub(crate) async fn overlay(state: Shared<'_, State>, request: OverlayRequest) -> Answer<Overlay> {
    off_thread(&state, move |studio| studio.overlay(&request)).await
}

#[tauri::command]
pub(crate) async fn overlay_at(
    state: Shared<'_, State>,
    request: OverlayRequest,
    x: f64,
) -> Answer<Vec<OverlayReading>> {
    off_thread(&state, move |studio| studio.overlay_at(&request, x)).await
}

#[tauri::command]
pub(crate) async fn runs_page(state: Shared<'_, State>) -> Answer<RunsPage> {
    off_thread(&state, |studio| studio.runs_page()).await
}

#[tauri::command]
pub(crate) async fn save_runs_page(state: Shared<'_, State>, page: RunsPage) -> Answer<()> {
    off_thread(&state, move |studio| studio.save_runs_page(&page)).await
}

#[tauri::command]
pub(crate) async fn run_view(state: Shared<'_, State>, run: i64) -> Answer<RunView> {
    off_thread(&state, move |studio| studio.run_view(run)).await
}

#[tauri::command]
pub(crate) async fn watch_run(
    state: Shared<'_, State>,
    run: i64,
    channel: Channel<RunMessage>,
) -> Answer<u32> {
    off_thread(&state, move |studio| {
        studio.watch_run(run, Box::new(move |message| channel.send(message).is_ok()))
    })
    .await
}

#[tauri::command]
pub(crate) async fn unwatch(state: Shared<'_, State>, subscription: u32) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.unwatch(subscription);
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn result(state: Shared<'_, State>, run: i64) -> Answer<RunResult> {
    off_thread(&state, move |studio| studio.result(run)).await
}

#[tauri::command]
pub(crate) async fn try_prompt(
    state: Shared<'_, State>,
    project: i64,
    prompt: String,
    input: String,
    channel: Channel<TryMessage>,
) -> Answer<u32> {
    let sink = Arc::new(move |message| {
        // Nobody waits any more: nothing to do about it.
        let _ = channel.send(message);
    });
    answered(async { Ok(studio(&state)?.try_prompt(project, prompt, input, sink)) }).await
}

#[tauri::command]
pub(crate) async fn stop_try(state: Shared<'_, State>, subscription: u32) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.stop_try(subscription);
        Ok(())
    })
    .await
}
