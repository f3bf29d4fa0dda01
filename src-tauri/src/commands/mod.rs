//! What the window may ask. Each command hands on to `pmpo_app::Studio`.

mod data;
mod model;
mod project;
mod run;
mod update;
mod version;
mod window;

use std::sync::Arc;

use pmpo_app::{caught, fault, AppError, Studio};
use tauri::ipc::Invoke;
use tauri::Wry;

use crate::shell::State;

pub(crate) type Answer<T> = Result<T, AppError>;

pub(crate) fn studio(state: &tauri::State<'_, State>) -> Answer<Arc<Studio>> {
    state.studio()
}

/// Answers whatever happens: a command that panics would leave the page waiting for
/// ever. Every command goes through this or through [`off_thread`].
pub(crate) use pmpo_app::caught_async as answered;

/// Reads files and the database off the window's thread.
pub(crate) async fn off_thread<T: Send + 'static>(
    state: &tauri::State<'_, State>,
    work: impl FnOnce(&Arc<Studio>) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let studio = studio(state)?;
    waited(move || work(&studio)).await
}

/// Waits for what blocks, a dialog or the system, off the window's thread.
pub(crate) async fn waited<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    tauri::async_runtime::spawn_blocking(move || caught(work))
        .await
        .map_err(|why| fault!("unexpected.panic", why = why.to_string()))?
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
        window::take_opened,
        window::tell_language,
        window::about,
        update::look_for_update,
        update::get_update,
        update::cancel_update,
        update::start_again,
        window::shell_events,
        window::close_window,
    ]
}

#[cfg(test)]
mod tests {
    /// The bodies of all commands, by name.
    fn commands() -> Vec<(&'static str, &'static str)> {
        let files = [
            include_str!("data.rs"),
            include_str!("model.rs"),
            include_str!("project.rs"),
            include_str!("run.rs"),
            include_str!("update.rs"),
            include_str!("version.rs"),
            include_str!("window.rs"),
        ];
        let each = files.into_iter().flat_map(|file| {
            let commands = file.split("#[tauri::command]\n").skip(1);
            commands.map(|text| {
                let end = text.find("\n}\n").map_or(text.len(), |at| at + 2);
                let name = text.split("fn ").nth(1).unwrap_or_default();
                (name.split('(').next().unwrap_or_default(), &text[..end])
            })
        });
        each.collect()
    }

    #[test]
    fn no_command_leaves_the_page_waiting_when_it_panics() {
        let commands = commands();
        assert!(commands.len() > 80, "{}", commands.len());
        let guards = ["answered(", "off_thread(", "waited(", "asked("];
        for (name, text) in commands {
            // One that is not async runs on the window's thread, where a panic ends the program.
            assert!(text.starts_with("pub(crate) async fn "), "{name}");
            assert!(guards.iter().any(|guard| text.contains(guard)), "{name}");
        }
    }
}
