//! What the window may ask. Each command hands on to `pmpo_app::Studio`.

mod data;
mod model;
mod project;
mod run;
mod version;
mod window;

use std::sync::Arc;

use pmpo_app::{AppError, Studio};
use tauri::ipc::Invoke;
use tauri::Wry;

use crate::shell::State;

pub(crate) type Answer<T> = Result<T, AppError>;

pub(crate) fn studio(state: &tauri::State<'_, State>) -> Answer<Arc<Studio>> {
    state.studio()
}

/// Reads files and the database off the window's thread.
pub(crate) async fn off_thread<T: Send + 'static>(
    state: &tauri::State<'_, State>,
    work: impl FnOnce(&Arc<Studio>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let studio = studio(state)?;
    tauri::async_runtime::spawn_blocking(move || work(&studio))
        .await
        .map_err(|why| AppError {
            code: "unexpected",
            message: format!("The program failed at this: {why}."),
            hint: "Try again; if it stays, report these words.".to_owned(),
        })?
}

/// The names stand in `build.rs` and in the capability file too.
pub(crate) fn all() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        project::home,
        project::save_preferences,
        project::open_sample,
        project::create_project,
        project::project,
        project::rename_project,
        project::delete_project,
        project::save_draft,
        project::preview_data,
        project::keep_data,
        project::watch_data,
        project::unwatch_data,
        project::update_data,
        data::table_page,
        data::table_row,
        data::edit_row,
        data::add_row,
        data::remove_rows,
        data::undo_edit,
        data::redo_edit,
        data::measurements,
        data::measure,
        data::stop_measuring,
        data::use_dataset,
        data::data_chart,
        version::annotate_version,
        version::label_version,
        version::label_moves,
        version::version_story,
        version::compare,
        version::scatter,
        version::measure_comparison,
        version::compare_tokens,
        version::import_prompt,
        project::check_prompt,
        project::score_prompt,
        project::model_info,
        model::models,
        model::look_up_model,
        model::download_model,
        model::pause_download,
        model::cancel_download,
        model::remove_model,
        model::servers,
        model::check_server,
        model::cancel_server_check,
        model::model_roles,
        model::remove_server,
        project::preset_settings,
        project::use_version,
        run::estimate,
        run::start_run,
        run::resume_run,
        run::pause_run,
        run::stop_run,
        run::delete_run,
        run::undelete_run,
        run::runs,
        run::describe_run,
        run::archive_run,
        run::colour_run,
        run::overlay,
        run::overlay_at,
        run::runs_page,
        run::save_runs_page,
        run::run_view,
        run::watch_run,
        run::unwatch,
        run::result,
        run::chart,
        run::try_prompt,
        run::stop_try,
        window::choose_data,
        window::choose_data_folder,
        window::choose_model,
        window::choose_model_folder,
        window::export_run,
        window::export_data,
        window::export_overlay,
        window::export_version,
        window::choose_prompt,
        window::choose_backup,
        window::back_up,
        window::bring_back,
        window::storage,
        window::check_storage,
        window::compact_storage,
        window::copy_text,
        window::shell_events,
        window::close_window,
    ]
}
