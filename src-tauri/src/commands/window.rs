use std::path::{Path, PathBuf};

use pmpo_app::data::ENDINGS;
use pmpo_app::wire::{
    About, DataFormat, ExportFormat, OpenedFile, OverlayFormat, OverlayRequest, PictureWords,
    Project, ShellEvent, StorageInfo, VersionFormat,
};
use pmpo_app::words::Language;
use pmpo_app::{fault, message, AppError};
use serde::Deserialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager, State as Shared};
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_dialog::{DialogExt, FilePath};

use super::{answered, off_thread, studio, waited, Answer};
use crate::shell::{after, words, State, MAIN};

/// Names a folder for exports, for machines where no dialog can be answered.
const EXPORT_FOLDER: &str = "PMPO_EXPORT_DIR";

/// Waits for a dialog off the window's thread.
async fn asked(ask: impl FnOnce() -> Option<FilePath> + Send + 'static) -> Answer<Option<PathBuf>> {
    let chosen = waited(move || Ok(ask())).await?;
    chosen
        .map(|file| file.into_path().map_err(failed))
        .transpose()
}

fn failed(why: impl std::fmt::Display) -> AppError {
    fault!("unexpected.dialog", why = why.to_string())
}

#[tauri::command]
pub(crate) async fn choose_data(app: AppHandle) -> Answer<Option<String>> {
    let name = words(&app, &message!("dialog.examples"));
    let dialog = app.dialog().file().add_filter(name, &ENDINGS);
    let chosen = asked(move || dialog.blocking_pick_file()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn choose_data_folder(app: AppHandle) -> Answer<Option<String>> {
    let dialog = app.dialog().file();
    let chosen = asked(move || dialog.blocking_pick_folder()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn choose_model(app: AppHandle) -> Answer<Option<String>> {
    let name = words(&app, &message!("dialog.models"));
    let dialog = app.dialog().file().add_filter(name, &["gguf"]);
    let chosen = asked(move || dialog.blocking_pick_file()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn choose_model_folder(app: AppHandle) -> Answer<Option<String>> {
    let dialog = app.dialog().file();
    let chosen = asked(move || dialog.blocking_pick_folder()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

/// Writes a run to a file that the person chooses; its path.
#[tauri::command]
pub(crate) async fn export_run(
    app: AppHandle,
    state: Shared<'_, State>,
    run: i64,
    format: ExportFormat,
) -> Answer<Option<String>> {
    let bytes = off_thread(&state, move |studio| studio.export(run, format)).await?;
    let name = format!("prompt-run-{run}.{}", format.ending());
    save(&app, name, bytes).await
}

/// Writes a project's examples to a file that the person chooses; its path.
#[tauri::command]
pub(crate) async fn export_data(
    app: AppHandle,
    state: Shared<'_, State>,
    project: i64,
    format: DataFormat,
) -> Answer<Option<String>> {
    let bytes = off_thread(&state, move |studio| studio.export_data(project, format)).await?;
    save(&app, format!("examples.{}", format.ending()), bytes).await
}

/// Writes exactly what a picture of runs shows to a file that the person chooses; its path.
#[tauri::command]
pub(crate) async fn export_overlay(
    app: AppHandle,
    state: Shared<'_, State>,
    request: OverlayRequest,
    format: OverlayFormat,
    large: bool,
    words: PictureWords,
) -> Answer<Option<String>> {
    // The picture of a run by itself belongs to what else is written of it.
    let name = match request.runs[..] {
        [run] if request.prompts => format!("prompt-run-{run}"),
        _ => "runs".to_owned(),
    };
    let bytes = off_thread(&state, move |studio| {
        studio.export_overlay(&request, format, large, &words)
    })
    .await?;
    save(&app, format!("{name}.{}", format.ending()), bytes).await
}

/// Writes a version to a file that the person chooses; its path.
#[tauri::command]
pub(crate) async fn export_version(
    app: AppHandle,
    state: Shared<'_, State>,
    project: i64,
    version: i64,
    format: VersionFormat,
) -> Answer<Option<String>> {
    let (bytes, number) = off_thread(&state, move |studio| {
        let bytes = studio.export_version(project, version, format)?;
        Ok((bytes, studio.version_number(project, version)?))
    })
    .await?;
    save(&app, format!("prompt-{number}.{}", format.ending()), bytes).await
}

#[tauri::command]
pub(crate) async fn choose_prompt(app: AppHandle) -> Answer<Option<String>> {
    let kinds = ["txt", "md", "markdown", "json"];
    let name = words(&app, &message!("dialog.prompts"));
    let dialog = app.dialog().file().add_filter(name, &kinds);
    let chosen = asked(move || dialog.blocking_pick_file()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn choose_backup(app: AppHandle) -> Answer<Option<String>> {
    let name = words(&app, &message!("dialog.backups"));
    let dialog = app.dialog().file().add_filter(name, &["pmpo"]);
    let chosen = asked(move || dialog.blocking_pick_file()).await?;
    Ok(chosen.map(|path| path.display().to_string()))
}

/// Writes a project into one file that the person chooses; its path.
#[tauri::command]
pub(crate) async fn back_up(
    app: AppHandle,
    state: Shared<'_, State>,
    project: i64,
    with_data: bool,
) -> Answer<Option<String>> {
    let name = off_thread(&state, move |studio| studio.backup_name(project)).await?;
    let Some(path) = place(&app, name).await? else {
        return Ok(None);
    };
    let to = path.clone();
    off_thread(&state, move |studio| {
        studio.back_up(project, &to, with_data)
    })
    .await?;
    Ok(Some(path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn bring_back(state: Shared<'_, State>, path: String) -> Answer<Project> {
    off_thread(&state, move |studio| studio.bring_back(&path)).await
}

#[tauri::command]
pub(crate) async fn storage(state: Shared<'_, State>) -> Answer<StorageInfo> {
    off_thread(&state, |studio| studio.storage()).await
}

#[tauri::command]
pub(crate) async fn check_storage(state: Shared<'_, State>) -> Answer<Vec<String>> {
    off_thread(&state, |studio| studio.check_storage()).await
}

#[tauri::command]
pub(crate) async fn compact_storage(state: Shared<'_, State>) -> Answer<StorageInfo> {
    off_thread(&state, |studio| studio.compact_storage()).await
}

/// Where a file is to be written.
pub(super) async fn place(app: &AppHandle, name: String) -> Answer<Option<PathBuf>> {
    match std::env::var_os(EXPORT_FOLDER) {
        Some(folder) => Ok(Some(Path::new(&folder).join(name))),
        None => {
            let dialog = app.dialog().file().set_file_name(name);
            asked(move || dialog.blocking_save_file()).await
        }
    }
}

async fn save(app: &AppHandle, name: String, bytes: Vec<u8>) -> Answer<Option<String>> {
    let Some(path) = place(app, name).await? else {
        return Ok(None);
    };
    std::fs::write(&path, bytes).map_err(|why| fault!("write.file", path = &path, why = &why))?;
    Ok(Some(path.display().to_string()))
}

#[tauri::command]
pub(crate) async fn copy_text(app: AppHandle, text: String) -> Answer<()> {
    waited(move || {
        app.clipboard()
            .write_text(text)
            .map_err(|why| fault!("clipboard", why = why.to_string()))
    })
    .await
}

/// Files that the program was asked to open; each is given once.
#[tauri::command]
pub(crate) async fn take_opened(state: Shared<'_, State>) -> Answer<Vec<OpenedFile>> {
    answered(async { Ok(state.take_opened()) }).await
}

/// The language that the page shows, in which the system's dialogs and notices are worded.
#[tauri::command]
pub(crate) async fn tell_language(state: Shared<'_, State>, language: String) -> Answer<()> {
    answered(async {
        state.tell_language(Language::of(&language));
        Ok(())
    })
    .await
}

/// What the program is and where it keeps things.
#[tauri::command]
pub(crate) async fn about() -> Answer<About> {
    waited(|| Ok(pmpo_app::about())).await
}

/// What helps who looks for a fault, as text; none of the person's.
#[tauri::command]
pub(crate) async fn diagnostics() -> Answer<String> {
    waited(|| Ok(pmpo_app::diagnostics())).await
}

/// Shows what the program wrote down of itself, in the program that the system has for it.
#[tauri::command]
pub(crate) async fn open_log() -> Answer<()> {
    waited(|| show_log(&pmpo_app::log_file(), |place| opener::open(place))).await
}

/// Opens the log, or its folder where that is not to be had.
fn show_log<E: std::fmt::Display>(log: &Path, open: impl Fn(&Path) -> Result<(), E>) -> Answer<()> {
    let file = log.is_file().then_some(log);
    let mut why = "there is none".to_owned();
    for place in file.into_iter().chain(log.parent()) {
        match open(place) {
            Ok(()) => return Ok(()),
            Err(fault) => why = fault.to_string(),
        }
    }
    Err(fault!("open_log", why = why, file = log))
}

/// Tells the window what happens outside its pages, from now on.
#[tauri::command]
pub(crate) async fn shell_events(
    app: AppHandle,
    state: Shared<'_, State>,
    channel: Channel<ShellEvent>,
) -> Answer<()> {
    off_thread(&state, move |studio| {
        studio.listen(Box::new(move |event| {
            // The page may be gone while the run goes on.
            let _ = channel.send(event.clone());
            after(&app, &event);
        }));
        Ok(())
    })
    .await
}

/// What a person answers when the window is closed during a run.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CloseChoice {
    Background,
    Pause,
    Stop,
    Stay,
}

#[tauri::command]
pub(crate) async fn close_window(
    app: AppHandle,
    state: Shared<'_, State>,
    choice: CloseChoice,
) -> Answer<()> {
    answered(async {
        let studio = studio(&state)?;
        let run = studio.active_run();
        match (choice, run) {
            (CloseChoice::Stay, _) => return Ok(()),
            (CloseChoice::Background, Some(_)) => {
                state.leave_after_run();
                if let Some(window) = app.get_webview_window(MAIN) {
                    // A desktop that cannot hide it keeps showing it.
                    let _ = window.hide();
                }
                return Ok(());
            }
            (CloseChoice::Pause, Some(run)) => studio.pause_run(run).await,
            (CloseChoice::Stop, Some(run)) => studio.stop_run(run).await,
            (_, None) => {}
        }
        app.exit(0);
        Ok(())
    })
    .await
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test may stop at the first surprise.
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn the_log_is_opened_or_its_folder_or_it_is_said_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("pmpo.log");
        let asked = RefCell::new(Vec::new());
        let opens = |place: &Path| -> Result<(), String> {
            asked.borrow_mut().push(place.to_owned());
            Ok(())
        };
        show_log(&log, opens).unwrap();
        std::fs::write(&log, "a line\n").unwrap();
        show_log(&log, opens).unwrap();
        assert_eq!(*asked.borrow(), [folder.path(), &*log]);
        // A desktop without a program for texts still shows folders.
        asked.borrow_mut().clear();
        let folders_only = |place: &Path| match place.is_dir() {
            true => opens(place),
            false => Err("no program for it".to_owned()),
        };
        show_log(&log, folders_only).unwrap();
        assert_eq!(*asked.borrow(), [folder.path()]);
        let error = show_log(&log, |_| Err("no desktop")).unwrap_err();
        assert_eq!(error.code, "open_log");
        assert!(error.message.contains("no desktop"), "{error:?}");
        assert!(error.hint.contains("pmpo.log"), "{error:?}");
    }
}
