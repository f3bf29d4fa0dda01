use pmpo_app::wire::{
    DataChart, Measurements, Project, RowText, RowsChosen, TablePage, TableQuery,
};
use tauri::State as Shared;

use super::{off_thread, worked, Answer};
use crate::shell::State;

#[tauri::command]
pub(crate) async fn table_page(
    state: Shared<'_, State>,
    project: i64,
    query: TableQuery,
    from: usize,
    count: usize,
) -> Answer<TablePage> {
    off_thread(&state, move |studio| {
        studio.table_page(project, &query, from, count)
    })
    .await
}

#[tauri::command]
pub(crate) async fn table_row(state: Shared<'_, State>, project: i64, key: i64) -> Answer<RowText> {
    off_thread(&state, move |studio| studio.table_row(project, key)).await
}

#[tauri::command]
pub(crate) async fn edit_row(
    state: Shared<'_, State>,
    project: i64,
    key: i64,
    row: RowText,
) -> Answer<()> {
    off_thread(&state, move |studio| studio.edit_row(project, key, &row)).await
}

#[tauri::command]
pub(crate) async fn add_row(state: Shared<'_, State>, project: i64, row: RowText) -> Answer<i64> {
    off_thread(&state, move |studio| studio.add_row(project, &row)).await
}

#[tauri::command]
pub(crate) async fn remove_rows(
    state: Shared<'_, State>,
    project: i64,
    rows: RowsChosen,
) -> Answer<usize> {
    off_thread(&state, move |studio| studio.remove_rows(project, &rows)).await
}

#[tauri::command]
pub(crate) async fn undo_edit(state: Shared<'_, State>, project: i64) -> Answer<bool> {
    off_thread(&state, move |studio| studio.undo_edit(project)).await
}

#[tauri::command]
pub(crate) async fn redo_edit(state: Shared<'_, State>, project: i64) -> Answer<bool> {
    off_thread(&state, move |studio| studio.redo_edit(project)).await
}

#[tauri::command]
pub(crate) async fn measurements(state: Shared<'_, State>, project: i64) -> Answer<Measurements> {
    off_thread(&state, move |studio| studio.measurements(project)).await
}

#[tauri::command]
pub(crate) async fn measure(
    state: Shared<'_, State>,
    project: i64,
    versions: Vec<i64>,
    datasets: Vec<i64>,
) -> Answer<Measurements> {
    worked(&state, move |studio| async move {
        studio.measure(project, versions, datasets).await
    })
    .await
}

#[tauri::command]
pub(crate) async fn stop_measuring(state: Shared<'_, State>, project: i64) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.stop_measuring(project);
        Ok(())
    })
    .await
}

#[tauri::command]
pub(crate) async fn use_dataset(
    state: Shared<'_, State>,
    project: i64,
    dataset: i64,
) -> Answer<Project> {
    off_thread(&state, move |studio| studio.use_dataset(project, dataset)).await
}

#[tauri::command]
pub(crate) async fn data_chart(
    state: Shared<'_, State>,
    project: i64,
    versions: Vec<i64>,
    width: u32,
    height: u32,
    dark: bool,
) -> Answer<DataChart> {
    off_thread(&state, move |studio| {
        studio.data_chart(project, &versions, (width, height), dark)
    })
    .await
}
