//! Makes a permission for each command, so that the capability file can name
//! the ones that the window has.

const COMMANDS: &[&str] = &[
    "home",
    "save_preferences",
    "open_sample",
    "create_project",
    "project",
    "rename_project",
    "delete_project",
    "save_draft",
    "preview_data",
    "keep_data",
    "watch_data",
    "unwatch_data",
    "update_data",
    "table_page",
    "table_row",
    "edit_row",
    "add_row",
    "remove_rows",
    "undo_edit",
    "redo_edit",
    "measurements",
    "measure",
    "stop_measuring",
    "use_dataset",
    "data_chart",
    "annotate_version",
    "label_version",
    "label_moves",
    "compare_versions",
    "check_prompt",
    "score_prompt",
    "model_info",
    "preset_settings",
    "use_version",
    "estimate",
    "start_run",
    "resume_run",
    "pause_run",
    "stop_run",
    "delete_run",
    "run_view",
    "watch_run",
    "unwatch",
    "result",
    "chart",
    "try_prompt",
    "stop_try",
    "choose_data",
    "choose_data_folder",
    "choose_model",
    "export_run",
    "export_data",
    "copy_text",
    "shell_events",
    "close_window",
];

fn main() {
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    if let Err(why) = tauri_build::try_build(attributes) {
        panic!("the window cannot be built: {why:#}");
    }
}
