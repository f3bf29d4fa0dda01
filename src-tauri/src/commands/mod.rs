//! What the window may ask. Each command hands on to `pmpo_app::Studio`.

mod data;
mod model;
mod project;
mod run;
mod update;
mod version;
mod window;

use std::any::type_name;
use std::future::Future;
use std::sync::Arc;

use pmpo_app::{blocking_on, caught, caught_async, fault, AppError, Studio};
use tauri::ipc::Invoke;
use tauri::Wry;

use crate::shell::State;

pub(crate) type Answer<T> = Result<T, AppError>;

pub(crate) fn studio(state: &tauri::State<'_, State>) -> Answer<Arc<Studio>> {
    state.studio()
}

/// Answers whatever happens: a command that panics would leave the page waiting for
/// ever. Every command goes through this or through [`off_thread`].
pub(crate) async fn answered<T, F: Future<Output = Answer<T>>>(work: F) -> Answer<T> {
    noted(type_name::<F>(), caught_async(work).await)
}

/// Reads files and the database off the window's thread.
pub(crate) async fn off_thread<T: Send + 'static, F>(
    state: &tauri::State<'_, State>,
    work: F,
) -> Answer<T>
where
    F: FnOnce(&Arc<Studio>) -> Answer<T> + Send + 'static,
{
    let answer = match studio(state) {
        Ok(studio) => elsewhere(move || work(&studio)).await,
        Err(error) => Err(error),
    };
    noted(type_name::<F>(), answer)
}

/// [`off_thread`] for work that waits in between and computes on the way.
pub(crate) async fn worked<T: Send + 'static, F, W>(
    state: &tauri::State<'_, State>,
    work: F,
) -> Answer<T>
where
    F: FnOnce(Arc<Studio>) -> W,
    W: Future<Output = Answer<T>> + Send + 'static,
{
    let answer = caught_async(async { blocking_on(work(studio(state)?)).await });
    noted(type_name::<F>(), answer.await)
}

/// Waits for what blocks, a dialog or the system, off the window's thread.
pub(crate) async fn waited<T: Send + 'static, F>(work: F) -> Answer<T>
where
    F: FnOnce() -> Answer<T> + Send + 'static,
{
    noted(type_name::<F>(), elsewhere(work).await)
}

async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    tauri::async_runtime::spawn_blocking(move || caught(work))
        .await
        .map_err(|why| fault!("unexpected.panic", why = why.to_string()))?
}

/// Writes a fault down by its command and code; its words may name files of the person.
fn noted<T>(work: &'static str, answer: Answer<T>) -> Answer<T> {
    if let Err(error) = &answer {
        tracing::warn!(command = command_of(work), code = error.code, "refused");
    }
    answer
}

/// The command that a piece of work belongs to, by the name that the compiler gives it:
/// `crate::commands::file::command::{{closure}}`.
fn command_of(work: &str) -> &str {
    let mut parts = work.split("::").skip_while(|part| *part != "commands");
    parts.nth(2).unwrap_or(work)
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
        window::diagnostics,
        window::open_log,
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
    use super::*;

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
        let guards = ["answered(", "worked(", "off_thread(", "waited(", "asked("];
        for (name, text) in commands {
            // One that is not async runs on the window's thread, where a panic ends the program.
            assert!(text.starts_with("pub(crate) async fn "), "{name}");
            assert!(guards.iter().any(|guard| text.contains(guard)), "{name}");
        }
    }

    #[test]
    fn work_knows_the_command_that_it_belongs_to() {
        fn of<F>(_: F) -> &'static str {
            command_of(type_name::<F>())
        }
        let own = "work_knows_the_command_that_it_belongs_to";
        assert_eq!(of(|| ()), own);
        assert_eq!(of(async { of(async {}) }), own);
        assert_eq!(command_of("something::else"), "something::else");
    }
}
